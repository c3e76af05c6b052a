"""Phones that register at us, and are called by their names."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import httpx
import pytest

from sems import App, Call, CallFailed, Server, SipRequest
from sems.config import load_config
from sems.errors import ConfigError
from sems.registration.bindings import Binding
from sems.sip.headers import Headers, SipUri
from sems.testing import Lab

_numbers = itertools.count(1)


class Desk:
    """A phone that says what it is told to, at an address of its own."""

    def __init__(self, lab: Lab, server: Server, address: str = "10.9.0.1:5060") -> None:
        self.address = address
        self.server = server.engine.core.sip_addresses()[0]
        self.socket = lab.network.socket(self.address)

    async def register(
        self,
        *contacts: str,
        to: str = "sip:ann@example.com",
        uri: str = "sip:example.com",
        call_id: str = "desk",
        cseq: int | None = None,
        expires: int | None = None,
        more: tuple[str, ...] = (),
    ) -> tuple[int, str, Headers]:
        """The answer: code, reason, header fields."""
        number = next(_numbers)
        lines = [
            f"REGISTER {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address};branch=z9hG4bK{number};rport",
            f"From: <{to}>;tag={number}",
            f"To: <{to}>",
            f"Call-ID: {call_id}",
            f"CSeq: {number if cseq is None else cseq} REGISTER",
            "Max-Forwards: 70",
            "User-Agent: Desk 1.0",
            *(f"Contact: {contact}" for contact in contacts),
            *([f"Expires: {expires}"] if expires is not None else []),
            *more,
            "Content-Length: 0",
        ]
        self.socket.receive()
        self.socket.send("\r\n".join([*lines, "", ""]).encode(), self.server)
        for _ in range(100):
            await asyncio.sleep(0.01)
            if got := self.socket.receive():
                head, *fields = got[0].decode().split("\r\n\r\n")[0].split("\r\n")
                _, code, reason = head.split(" ", 2)
                pairs = (field.split(":", 1) for field in fields)
                return int(code), reason, Headers([(name, value.strip()) for name, value in pairs])
        raise AssertionError("no answer came")

    def contact(self, **params: str) -> str:
        """Its own address."""
        return f"<sip:ann@{self.address}>" + "".join(f";{name}={value}" for name, value in params.items())


def kept(headers: Headers) -> dict[str, int]:
    """The phones that a 200 lists, with the seconds that they have left."""
    found = {}
    for contact in headers.all("Contact"):
        match = re.fullmatch(r"<(.*)>;expires=(\d+)(;q=[\d.]+)?", contact)
        assert match, contact
        found[match[1]] = int(match[2])
    return found


async def start(lab: Lab, **settings: Any) -> tuple[Server, Desk]:
    given = {"enabled": True, "domains": ["example.com"]} | settings
    server = await lab.server(registrar=given)
    return server, Desk(lab, server)


async def test_a_phone_is_kept_for_as_long_as_it_asks_for(lab: Lab) -> None:
    server, desk = await start(lab)
    code, _, headers = await desk.register(desk.contact(), expires=600)
    assert (code, kept(headers)) == (200, {"sip:ann@10.9.0.1:5060": 600})
    (binding,) = server.registrar.bindings()
    assert (binding.aor, binding.contact) == ("ann@example.com", "sip:ann@10.9.0.1:5060")
    assert (binding.source, binding.transport) == (desk.address, "udp")
    assert (binding.user_agent, binding.q, binding.expires_in) == ("Desk 1.0", 1.0, 600)
    await asyncio.sleep(590)
    assert kept((await desk.register())[2]) == {"sip:ann@10.9.0.1:5060": 10}
    await asyncio.sleep(15)
    assert kept((await desk.register())[2]) == {}
    assert server.registrar.bindings() == []


async def test_a_refresh_keeps_it(lab: Lab) -> None:
    server, desk = await start(lab)
    for _ in range(5):
        assert (await desk.register(desk.contact(expires="100")))[0] == 200
        await asyncio.sleep(90)
    (binding,) = server.registrar.bindings()
    assert binding.expires_in == 10


async def test_the_expires_of_a_contact_goes_before_that_of_the_message(lab: Lab) -> None:
    _, desk = await start(lab, max_expires=2000)
    asked = ["<sip:a@10.9.0.1>;expires=100, <sip:b@10.9.0.1>", "<sip:c@10.9.0.1>;expires=90000"]
    _, _, headers = await desk.register(*asked, expires=300)
    assert kept(headers) == {"sip:a@10.9.0.1": 100, "sip:b@10.9.0.1": 300, "sip:c@10.9.0.1": 2000}
    _, _, headers = await desk.register("<sip:d@10.9.0.1>", to="sip:bob@example.com")
    assert kept(headers) == {"sip:d@10.9.0.1": 2000}


async def test_one_phone_leaves_or_all(lab: Lab) -> None:
    server, desk = await start(lab)
    await desk.register("<sip:a@10.9.0.1>", "<sip:b@10.9.0.1>", "<sip:c@10.9.0.1>")
    _, _, headers = await desk.register("<sip:b@10.9.0.1>;expires=0")
    assert list(kept(headers)) == ["sip:a@10.9.0.1", "sip:c@10.9.0.1"]
    for contacts, expires in ([["*"], 60], [["*"], None], [["*", "<sip:a@10.9.0.1>"], 0]):
        code, reason, _ = await desk.register(*contacts, expires=expires)  # type: ignore[misc,arg-type]
        assert (code, reason) == (400, "Contact * Goes Alone and With Expires 0")
    assert len(server.registrar.bindings()) == 2
    code, _, headers = await desk.register("*", expires=0)
    assert (code, kept(headers)) == (200, {})


async def test_what_comes_out_of_order_changes_nothing(lab: Lab) -> None:
    server, desk = await start(lab)
    await desk.register("<sip:a@10.9.0.1>", cseq=5)
    for cseq in (5, 4):
        code, _, _ = await desk.register("<sip:new@10.9.0.1>", "<sip:a@10.9.0.1>;expires=0", cseq=cseq)
        assert code == 500
        assert (await desk.register("*", expires=0, cseq=cseq))[0] == 500
    assert [binding.contact for binding in server.registrar.bindings()] == ["sip:a@10.9.0.1"]
    # A phone that was started again counts anew.
    assert (await desk.register("<sip:a@10.9.0.1>;expires=0", cseq=1, call_id="other"))[0] == 200
    assert server.registrar.bindings() == []


async def test_all_is_done_or_nothing(lab: Lab) -> None:
    server, desk = await start(lab)
    for wrong in ("<sip:b@10.9.0.1>;expires=5", "<mailto:ann@example.com>", "<sips:b@10.9.0.1>"):
        assert (await desk.register("<sip:a@10.9.0.1>", wrong))[0] in (400, 423)
    assert server.registrar.bindings() == []


async def test_too_short_an_interval_is_told_which_would_do(lab: Lab) -> None:
    _, desk = await start(lab, min_expires=120)
    code, _, headers = await desk.register(desk.contact(), expires=119)
    assert (code, headers["Min-Expires"]) == (423, "120")
    assert (await desk.register(desk.contact(), expires=120))[0] == 200


async def test_an_address_is_one_however_it_is_written(lab: Lab) -> None:
    server, desk = await start(lab)
    await desk.register("<sip:ann@10.9.0.1;transport=udp;a=1>")
    for uri in ("<sip:%61nn@10.9.0.1;a=1;Transport=UDP>", "<sip:ann@10.9.0.1;b=2;transport=udp>"):
        await desk.register(uri, to="sip:%61nn@EXAMPLE.com:5060")
        assert len(server.registrar.bindings()) == 1
    await desk.register("<sip:ann@10.9.0.1:5060;transport=udp>")
    await desk.register("<sip:ann@10.9.0.1>")
    assert len(server.registrar.bindings()) == 3
    assert {binding.aor for binding in server.registrar.bindings()} == {"ann@example.com"}


@pytest.mark.parametrize(
    ("to", "uri"),
    [
        ("sip:ann@elsewhere.example", "sip:elsewhere.example"),
        ("sip:ann@elsewhere.example", "sip:example.com"),
        ("sip:ann@example.com", "sip:elsewhere.example"),
        ("sip:ann@example.com:5080", "sip:example.com"),
        ("sip:example.com", "sip:example.com"),
    ],
)
async def test_who_is_of_another_domain_is_not_found(lab: Lab, to: str, uri: str) -> None:
    _, desk = await start(lab)
    assert (await desk.register(desk.contact(), to=to, uri=uri))[0] == 404


async def test_there_are_limits(lab: Lab) -> None:
    server, desk = await start(lab, max_bindings=2, max_users=2)
    assert (await desk.register("<sip:a@10.9.0.1>", "<sip:b@10.9.0.1>"))[0] == 200
    assert (await desk.register("<sip:c@10.9.0.1>"))[:2] == (403, "Too Many Phones")
    # One that takes the place of another is none more.
    assert (await desk.register("<sip:c@10.9.0.1>", "<sip:b@10.9.0.1>;expires=0"))[0] == 200
    assert (await desk.register("<sip:a@10.9.0.1>", to="sip:bob@example.com"))[0] == 200
    code, _, headers = await desk.register("<sip:a@10.9.0.1>", to="sip:eve@example.com")
    assert (code, headers["Retry-After"]) == (503, "60")
    assert (await desk.register(f"<sip:{'a' * 600}@10.9.0.1>"))[:2] == (400, "Contact Too Long")
    assert len(server.registrar.bindings()) == 3
    await desk.register("*", to="sip:bob@example.com", expires=0)
    assert (await desk.register("<sip:a@10.9.0.1>", to="sip:eve@example.com"))[0] == 200


async def test_nobody_registers_unless_it_is_configured(lab: Lab) -> None:
    server = await lab.server()
    desk = Desk(lab, server)
    code, _, headers = await desk.register(desk.contact())
    assert code == 405
    assert "REGISTER" not in headers["Allow"]
    assert server.registrar.find("sip:ann@example.com") == []


async def test_the_registrar_goes_before_apps(lab: Lab) -> None:
    app = App("mine")
    taken: list[SipRequest] = []

    @app.request("REGISTER")
    async def take(request: SipRequest) -> None:
        taken.append(request)

    server = await lab.server(apps=[app], registrar={"enabled": True, "domains": ["example.com"]})
    desk = Desk(lab, server)
    assert (await desk.register(desk.contact()))[0] == 200
    assert taken == []


async def test_the_operator_sees_who_is_registered(lab: Lab) -> None:
    server, desk = await start(lab)
    await desk.register(desk.contact(), expires=600)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=server.web_app),  # type: ignore[arg-type]
        base_url="http://sems",
        headers={"Authorization": f"Bearer {server.operator_token}"},
    ) as client:
        told = (await client.get("/api/v1/registrations")).json()
    assert told["total"] == 1
    (phone,) = told["phones"]
    assert (phone["address"], phone["source"]) == ("ann@example.com", desk.address)
    assert (phone["contact"], phone["user_agent"]) == ("sip:ann@10.9.0.1:5060", "Desk 1.0")


@pytest.mark.parametrize(
    ("contact", "transport", "source", "destinations"),
    [
        # It is where it says, at the port where it listens.
        ("sip:a@192.0.2.1:5070", "udp", "192.0.2.1:40000", ["udp:192.0.2.1:5070"]),
        ("sip:a@192.0.2.1", "udp", "192.0.2.1:40000", ["udp:192.0.2.1:5060"]),
        ("sip:a@[2001:db8::1]", "udp", "[2001:db8::1]:5060", ["udp:[2001:db8::1]:5060"]),
        ("sip:a@192.0.2.1;transport=tcp", "udp", "192.0.2.1:5060", ["tcp:192.0.2.1:5060"]),
        # It is behind a NAT, or says a name.
        ("sip:a@10.0.0.1:5070", "udp", "192.0.2.1:40000", ["udp:192.0.2.1:40000"]),
        ("sip:a@phone.local", "tls", "192.0.2.1:40000", ["tls:192.0.2.1:40000"]),
        # Its connection goes first; a TCP phone may take others.
        (
            "sip:a@192.0.2.1:5070;transport=tcp",
            "tcp",
            "192.0.2.1:40000",
            ["tcp:192.0.2.1:40000", "tcp:192.0.2.1:5070"],
        ),
        ("sip:a@192.0.2.1:5070;transport=tls", "tls", "192.0.2.1:40000", ["tls:192.0.2.1:40000"]),
        ("sips:a@192.0.2.1:5070", "tls", "192.0.2.1:40000", ["tls:192.0.2.1:40000"]),
    ],
)
def test_where_a_phone_is_reached(contact: str, transport: str, source: str, destinations: list[str]) -> None:
    binding = Binding("ann@example.com", contact, 1.0, source, transport, "", 0.0, b"", 1)
    assert binding.destinations == destinations


# With passwords, and being called

USERS = {"users": [{"name": "ann", "password": "secret"}, {"name": "bob", "password": "word"}]}


def phone_app(calls: list[Call], refuse_with: int | None = None) -> App:
    app = App("phone")

    @app.call
    async def main(call: Call) -> None:
        calls.append(call)
        if refuse_with is not None:
            await call.reject(refuse_with)
            return
        await call.answer()
        await call.wait_ended()

    return app


async def plug_in(
    lab: Lab, server: Server, name: str, app: App, *, password: str = "secret", user: str = "ann"
) -> Server:
    """A phone that registers as ann with her password."""
    address = server.engine.core.sip_addresses()[0]
    account = {"uri": f"sip:ann@{address}", "username": user, "name": "line", "password": password}
    routes = [{"account": "line", "app": "phone"}]
    return await lab.server(name=name, apps=[app], accounts=[account], routes=routes)


async def test_with_its_password_a_phone_registers_and_is_called(lab: Lab) -> None:
    server = await lab.server(registrar={"enabled": True}, auth=USERS)
    calls: list[Call] = []
    phone = await plug_in(lab, server, "desk", phone_app(calls))
    await asyncio.wait_for(phone.accounts["line"].wait_registered(), 30)
    (binding,) = server.registrar.bindings()
    assert binding.contact == phone.accounts["line"].contact
    address = server.engine.core.sip_addresses()[0]
    for uri in (f"sip:ann@{address}", f"sip:ann@{address.partition(':')[0]}", "sip:ann@localhost"):
        async with await server.dial(uri) as call:
            assert call.state == "answered"
        assert calls[-1].uri == binding.contact
        assert uri in calls[-1].headers["To"]
    await phone.stop()
    assert server.registrar.bindings() == []
    with pytest.raises(CallFailed, match="480 no phone is registered for ann@"):
        await server.dial(f"sip:ann@{address}")


@pytest.mark.parametrize(("user", "password"), [("ann", "wrong"), ("bob", "word")])
async def test_nobody_registers_as_another(lab: Lab, user: str, password: str) -> None:
    server = await lab.server(registrar={"enabled": True}, auth=USERS)
    phone = await plug_in(lab, server, "desk", phone_app([]), user=user, password=password)
    await asyncio.sleep(30)
    account = phone.accounts["line"]
    assert (account.state, account.code) == ("failed", 403 if user == "bob" else 401)
    assert server.registrar.bindings() == []


async def test_where_phones_register_the_server_asks_for_passwords_of_itself(lab: Lab) -> None:
    server = await lab.server(registrar={"enabled": True}, auth=USERS | {"challenge": ["INVITE"]})
    assert server.config.auth.challenge == ("INVITE", "REGISTER")
    desk = Desk(lab, server)
    host = desk.server.partition(":")[0]
    assert (await desk.register(desk.contact(), to=f"sip:ann@{host}", uri=f"sip:{host}"))[0] == 401


async def registered(lab: Lab, server: Server, name: str, app: App, *, q: str) -> None:
    """A phone of that name, registered as ann from another port of its own."""
    await lab.server(name=name, apps=[app])
    host = lab.resolve(name).partition(":")[0]
    code, _, _ = await Desk(lab, server, f"{host}:5070").register(f"<sip:phone@{lab.resolve(name)}>;q={q}")
    assert code == 200


async def test_the_phone_that_is_preferred_rings_and_the_next_when_it_will_not(lab: Lab) -> None:
    server, _ = await start(lab)
    calls: list[Call] = []
    await registered(lab, server, "first", phone_app(calls, 486), q="0.9")
    await registered(lab, server, "second", phone_app(calls), q="0.5")
    await registered(lab, server, "third", phone_app(calls), q="0.1")
    async with await server.dial("sip:ann@example.com") as call:
        assert [SipUri.parse(one.uri).host for one in calls] == [
            lab.resolve(name).split(":")[0] for name in ("first", "second")
        ]
        assert call.headers["To"].startswith("<sip:ann@example.com>")


async def test_a_phone_that_is_dead_does_not_keep_the_others_from_ringing(lab: Lab) -> None:
    server, desk = await start(lab)
    calls: list[Call] = []
    await desk.register(desk.contact(q="1.0"))
    await registered(lab, server, "second", phone_app(calls), q="0.5")
    async with await server.dial("sip:ann@example.com", timeout=40):
        assert len(calls) == 1


@pytest.mark.parametrize(("first", "second", "told"), [(486, 404, 486), (503, 486, 486), (603, 200, 603)])
async def test_when_none_will_it_is_told_why(lab: Lab, first: int, second: int, told: int) -> None:
    server, _ = await start(lab)
    calls: list[Call] = []
    await registered(lab, server, "first", phone_app(calls, first), q="0.9")
    await registered(lab, server, "second", phone_app(calls, second), q="0.5")
    with pytest.raises(CallFailed) as failed:
        await server.dial("sip:ann@example.com")
    assert failed.value.code == told
    assert len(calls) == (1 if told == 603 else 2)


async def test_a_phone_behind_a_nat_is_reached_the_way_it_came(lab: Lab) -> None:
    server, desk = await start(lab)
    await desk.register("<sip:ann@192.168.1.20:5062;transport=tcp>")
    call = await server.place("sip:ann@example.com")
    await asyncio.sleep(0.1)
    invite = desk.socket.receive()[0].decode()
    assert invite.startswith("INVITE sip:ann@192.168.1.20:5062;transport=tcp SIP/2.0\r\n")
    assert "\r\nTo: <sip:ann@example.com>\r\n" in invite
    await call.hangup()


PATH = ("Path: <sip:10.9.0.7;lr>", "Path: <sip:token@inner.example.com;lr>")


@pytest.mark.parametrize("supports", [True, False])
async def test_a_phone_behind_edge_proxies_is_called_through_them(lab: Lab, supports: bool) -> None:
    registrar = {"enabled": True, "domains": ["example.com"]}
    server = await lab.server(registrar=registrar, trusted=["10.9.0.7/32"])
    edge = Desk(lab, server, "10.9.0.7:5060")
    more = (*PATH, "Supported: gruu, PATH") if supports else PATH
    code, _, headers = await edge.register("<sip:ann@192.168.1.20:5062>", more=more)
    told = ["<sip:10.9.0.7;lr>", "<sip:token@inner.example.com;lr>"]
    assert (code, headers.all("Path")) == (200, told if supports else [])
    ways: list[Coroutine[Any, Any, Call]] = [
        server.place("sip:ann@example.com"),
        server.fork("sip:ann@example.com"),
    ]
    for way in ways:
        edge.socket.receive()
        placing = asyncio.create_task(way)
        await asyncio.sleep(0.1)
        invite = edge.socket.receive()[0].decode()
        assert invite.startswith("INVITE sip:ann@192.168.1.20:5062 SIP/2.0\r\n")
        assert re.findall(r"\r\nRoute: (.*)\r\n", invite.replace("\r\n", "\r\n\r\n")) == told
        placing.cancel()


async def test_where_such_a_phone_sends_a_call_on_to_is_called_without_its_proxies(lab: Lab) -> None:
    registrar = {"enabled": True, "domains": ["example.com"]}
    server = await lab.server(registrar=registrar, trusted=["10.9.0.7/32"])
    edge, other = Desk(lab, server, "10.9.0.7:5060"), Desk(lab, server, "10.9.0.8:5060")
    await edge.register("<sip:ann@192.168.1.20:5062>", more=PATH)
    edge.socket.receive()
    calling = asyncio.create_task(server.fork("sip:ann@example.com", follow_redirects=True))
    await asyncio.sleep(0.1)
    invite = edge.socket.receive()[0].decode().split("\r\n")
    same = [line for line in invite if line.startswith(("Via:", "From:", "To:", "Call-ID:", "CSeq:"))]
    to = next(line for line in same if line.startswith("To:"))
    same[same.index(to)] = f"{to};tag=edge"
    answer = ["SIP/2.0 302 Moved", *same, "Contact: <sip:bob@10.9.0.8:5060>", "Content-Length: 0", "", ""]
    edge.socket.send("\r\n".join(answer).encode(), edge.server)
    await asyncio.sleep(0.1)
    there = other.socket.receive()[0].decode()
    assert there.startswith("INVITE sip:bob@10.9.0.8:5060 SIP/2.0\r\n")
    assert "\r\nRoute:" not in there
    calling.cancel()


async def test_who_is_not_trusted_does_not_say_where_calls_go(lab: Lab) -> None:
    server, desk = await start(lab)
    code, _, headers = await desk.register(desk.contact(), more=(*PATH, "Supported: path"))
    assert (code, headers.all("Path")) == (200, [])
    call = await server.place("sip:ann@example.com")
    await asyncio.sleep(0.1)
    assert "\r\nRoute:" not in desk.socket.receive()[0].decode()
    await call.hangup()


@pytest.mark.parametrize("path", [", ".join(["<sip:10.9.0.7;lr>"] * 9), "<tel:+49301>", "<sip:>"])
async def test_a_path_that_leads_nowhere_is_refused(lab: Lab, path: str) -> None:
    registrar = {"enabled": True, "domains": ["example.com"]}
    server = await lab.server(registrar=registrar, trusted=["10.9.0.0/16"])
    desk = Desk(lab, server)
    assert (await desk.register(desk.contact(), more=(f"Path: {path}",)))[0] == 400
    assert server.registrar.bindings() == []


async def test_a_text_finds_the_phone(lab: Lab) -> None:
    server, _ = await start(lab)
    phone = await lab.phone("ann")
    desk = Desk(lab, server, phone.address.replace("5060", "5070"))
    await desk.register(f"<{phone.uri}>")
    assert (await server.send_message("sip:ann@example.com", "dinner is ready")).ok
    assert (await phone.message()).text == "dinner is ready"


async def test_what_is_not_of_our_domains_is_called_as_ever(lab: Lab) -> None:
    server, desk = await start(lab)
    await desk.register(desk.contact())
    calls: list[Call] = []
    await lab.server(name="elsewhere", apps=[phone_app(calls)])
    async with await server.dial("sip:phone@elsewhere"):
        assert calls[0].uri == "sip:phone@elsewhere"


async def test_a_call_for_a_registered_phone_is_no_call_to_pass_on(lab: Lab) -> None:
    calls: list[Call] = []
    server = await lab.server(apps=[phone_app(calls)], registrar={"enabled": True, "domains": ["sems"]})
    desk = Desk(lab, server)
    await desk.register(desk.contact(), to="sip:phone@sems", uri="sip:sems")
    ann = await lab.phone("ann")
    await ann.call("sip:phone@sems")
    assert [call.uri for call in calls] == ["sip:phone@sems"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("min_expires = 900\nmax_expires = 600", "must not be less than min_expires"),
        ('domains = ["sip:example.com"]', "a domain is wanted, such as example.com"),
        ("max_bindings = 0", "greater than or equal to 1"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "sems.toml"
    path.write_text(f"[registrar]\n{text}")
    with pytest.raises(ConfigError, match=problem):
        load_config({"config": path}, environ={})
