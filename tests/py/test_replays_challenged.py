"""Calls in which somebody is asked for a password are replayed, although nobody knows it any more."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Any

import pytest
from an_app import app_of
from recorded import goes_the_same_way, recorded

from sems import Call, CallFailed, Server
from sems.testing import Lab

PASSWORD = "secret-of-ann"
GATE: dict[str, Any] = {
    "challenge": ["INVITE", "OPTIONS"],
    "realm": "sems.example",
    "users": [{"name": "ann", "password": PASSWORD}],
}


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


async def until_over(call: Call) -> None:
    await call.answer()
    await call.wait_ended()


async def gate(lab: Lab, **auth: object) -> Server:
    return await lab.server(apps=[app_of(until_over)], auth=GATE | auth)


@pytest.mark.parametrize("algorithms", [("SHA-256", "MD5"), ("MD5",), ("SHA-512-256",)])
async def test_who_has_the_password_gets_through_again_on_both_sides(
    lab: Lab, algorithms: tuple[str, ...]
) -> None:
    server = await gate(lab, algorithms=algorithms)
    phone = await lab.server(name="phone")
    async with await phone.dial(f"sip:mine@{lab.resolve('sems')}", username="ann", password=PASSWORD) as call:
        await call.hold(True)
    for side in (server, phone):
        trace = await recorded(side)
        assert 401 in [entry.code for entry in trace.messages]
        text = trace.to_json()
        assert PASSWORD not in text
        assert re.findall(r'response=\\"(.{6})', text) == ["masked"] * text.count("response=")
        assert goes_the_same_way(trace).now.outcome == trace.outcome


async def test_who_has_a_wrong_password_is_refused_again(lab: Lab) -> None:
    server = await gate(lab)
    phone = await lab.server(name="phone")
    with pytest.raises(CallFailed, match="401"):
        await phone.dial(f"sip:mine@{lab.resolve('sems')}", username="ann", password="a-wrong-one")
    for side in (server, phone):
        trace = await recorded(side)
        assert [entry.code for entry in trace.messages].count(401) == 2
        goes_the_same_way(trace)


class Ann:
    """A phone that answers with whatever nonce it is told to."""

    def __init__(self, lab: Lab, server: Server) -> None:
        self.socket = lab.network.socket("10.9.9.9:5060")
        self.address = server.engine.core.sip_addresses()[0]

    async def ask(self, call_id: str, answer: str = "") -> str:
        """Sends OPTIONS; the response."""
        message = (
            f"OPTIONS sip:mine@{self.address} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP 10.9.9.9;branch=z9hG4bK-{call_id}\r\n"
            f"From: <sip:ann@10.9.9.9>;tag={call_id}\r\nTo: <sip:mine@{self.address}>\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n{answer}"
            "Content-Length: 0\r\n\r\n"
        )
        self.socket.send(message.encode(), self.address)
        await asyncio.sleep(1)
        return self.socket.receive()[-1].decode()

    def answer(self, nonce: str, count: int) -> str:
        """As RFC 7616 §3.4.1 has it, with MD5."""
        uri = f"sip:mine@{self.address}"
        first, second = md5(f"ann:sems.example:{PASSWORD}"), md5(f"OPTIONS:{uri}")
        response = md5(f"{first}:{nonce}:{count:08x}:c:auth:{second}")
        return (
            f'Authorization: Digest username="ann", realm="sems.example", nonce="{nonce}",\r\n uri="{uri}",'
            f' response="{response}", algorithm=MD5, qop=auth, nc={count:08x}, cnonce="c"\r\n'
        )


async def test_a_nonce_that_is_known_from_before_is_good_again_and_one_that_is_used_up_is_stale(
    lab: Lab,
) -> None:
    server = await gate(lab, algorithms=["MD5"])
    ann = Ann(lab, server)
    asked = await ann.ask("first")
    nonce = re.findall(r'nonce="(\w+)"', asked)[0]
    assert "SIP/2.0 200 " in await ann.ask("second", ann.answer(nonce, 1))
    goes_the_same_way(await recorded(server, "OPTIONS"))
    assert "stale=true" in await ann.ask("third", ann.answer(nonce, 1))
    trace = await recorded(server, "OPTIONS")
    assert trace.call_id == "third"
    goes_the_same_way(trace)


async def test_a_server_that_shows_that_it_knows_the_password_is_believed_again(lab: Lab) -> None:
    server = await lab.server()
    proxy = lab.network.socket("10.9.9.9:5060")
    asking = asyncio.create_task(
        server.request("OPTIONS", "sip:proxy@10.9.9.9", username="ann", password=PASSWORD)
    )

    async def answer(status: str, more: str = "") -> dict[str, str]:
        await asyncio.sleep(0.1)
        request = proxy.receive()[-1].decode()
        kept = [line for line in request.split("\r\n") if line.startswith(("Via", "From", "Call-ID", "CSeq"))]
        to = next(line for line in request.split("\r\n") if line.startswith("To:"))
        lines = [f"SIP/2.0 {status}", *kept, f"{to};tag=p", *filter(None, [more]), "Content-Length: 0"]
        said = dict(re.findall(r'(\w+)="([^"]*)"', request))
        if "{proof}" in more:
            first, second = md5(f"ann:there:{PASSWORD}"), md5(f":{said['uri']}")
            proof = md5(f"{first}:{said['nonce']}:00000001:{said['cnonce']}:auth:{second}")
            lines = [line.replace("{proof}", proof) for line in lines]
        proxy.send("\r\n".join([*lines, "", ""]).encode(), server.engine.core.sip_addresses()[0])
        return said

    await answer("401 Unauthorized", 'WWW-Authenticate: Digest realm="there", nonce="n1", qop="auth"')
    proof = 'Authentication-Info: rspauth="{proof}", qop=auth, nc=00000001, nextnonce="n2"'
    await answer("200 OK", proof)
    assert (await asking).ok
    trace = await recorded(server, "OPTIONS")
    (shown,) = (entry.header("Authentication-Info") for entry in trace.messages if entry.code == 200)
    assert re.search(r'rspauth="masked', shown)
    again = goes_the_same_way(trace)
    assert [entry.text for entry in again.now.entries if entry.kind == "told"] == ["the answer was 200 OK"]
