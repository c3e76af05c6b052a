"""Calling several at once, or one after the other."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from sems import Call, CallFailed
from sems.server.forking import How, _all_at_once, best
from sems.testing import Lab, Phone


async def three(lab: Lab) -> list[Phone]:
    return [await lab.phone(name) for name in ("alice", "bob", "carol")]


async def test_all_ring_at_once_and_the_first_who_answers_gets_the_call(lab: Lab) -> None:
    server = await lab.server()
    phones = await three(lab)
    forking = asyncio.create_task(server.fork(*[phone.uri for phone in phones], headers=[("X-Y", "z")]))
    incoming = [await phone.ringing() for phone in phones]
    assert {call.headers["x-y"] for call in incoming} == {"z"}
    await incoming[1].answer()
    call = await forking
    assert call.uri == phones[1].uri
    ends = [await incoming[place].wait_ended() for place in (0, 2)]
    assert {end.cause for end in ends} == {"cancelled"}
    await asyncio.sleep(1)
    assert list(server.calls.values()) == [call]
    # RFC 3326: phones that know this show no missed call.
    (cancelled, _) = [text for text in sent(phones[0]) if text.startswith("CANCEL")], None
    assert 'Reason: SIP;cause=200;text="Call completed elsewhere"' in cancelled[0]


def sent(phone: Phone) -> list[str]:
    """The messages that a phone has received."""
    server = phone.server
    (call,) = server.traced_calls()
    return [
        entry.payload.decode() for entry in server.engine.core.trace(call.call_id) if entry.kind == "received"
    ]


async def test_one_rings_after_the_other_each_for_its_time(lab: Lab) -> None:
    server = await lab.server()
    phones = await three(lab)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    forking = asyncio.create_task(server.fork(*[phone.uri for phone in phones], serial=True, ring=10))
    first = await phones[0].ringing()
    second = await phones[1].ringing()
    assert loop.time() - begin == pytest.approx(10, abs=0.1)
    assert (await first.wait_ended()).cause == "cancelled"
    await second.reject(486)
    third = await phones[2].ringing()
    assert loop.time() - begin == pytest.approx(10, abs=0.2)
    await third.answer()
    assert (await forking).uri == phones[2].uri


@pytest.mark.parametrize("serial", [False, True])
async def test_who_says_that_nobody_wants_the_call_ends_the_search(lab: Lab, serial: bool) -> None:
    server = await lab.server()
    alice, bob, _ = await three(lab)
    forking = asyncio.create_task(server.fork(alice.uri, bob.uri, serial=serial))
    await (await alice.ringing()).reject(603)
    with pytest.raises(CallFailed, match="603"):
        await forking
    await asyncio.sleep(1)
    assert not server.calls


async def test_the_best_refusal_is_told(lab: Lab) -> None:
    server = await lab.server()
    phones = await three(lab)
    forking = asyncio.create_task(server.fork(*[phone.uri for phone in phones], "sip:gone@10.9.9.9"))
    for phone, code in zip(phones, (500, 486, 480), strict=True):
        await (await phone.ringing()).reject(code)
    with pytest.raises(CallFailed, match="486"):
        await forking


@pytest.mark.parametrize(
    ("codes", "told"),
    [
        ([503, 404], 404),
        ([404, 600, 302], 600),
        ([408, 500], 500),
        ([302, 486], 302),
        ([408], 408),
        ([], 480),
    ],
)
def test_which_refusal_is_the_best(codes: list[int], told: int) -> None:
    refusals = [CallFailed(code, "", ["sip:elsewhere@example.org"] if code == 302 else ()) for code in codes]
    failed = best(refusals)
    assert (failed.code, bool(failed.targets)) == (told, told == 302)


@pytest.mark.parametrize("serial", [False, True])
async def test_nobody_answers_in_time_or_it_is_cancelled(lab: Lab, serial: bool) -> None:
    server = await lab.server()
    alice, bob, _ = await three(lab)
    with pytest.raises(CallFailed, match="408"):
        await server.fork(alice.uri, bob.uri, serial=serial, timeout=8)
    await asyncio.sleep(1)
    assert not server.calls
    forking = asyncio.create_task(server.fork(alice.uri, bob.uri, serial=serial))
    await asyncio.sleep(1)
    assert server.calls
    forking.cancel()
    await asyncio.sleep(1)
    assert not server.calls
    with pytest.raises(ValueError, match="somebody to call"):
        await server.fork()


async def test_the_early_media_of_each_is_there_for_the_app(lab: Lab) -> None:
    server = await lab.server()
    alice, bob, _ = await three(lab)
    placed: list[Call] = []
    forking = asyncio.create_task(server.fork(alice.uri, bob.uri, placed=placed.append))
    ringing = await alice.ringing()
    await bob.ringing()
    await ringing.ring(183, early_media=True)
    ringing.start_play("tone:sine:440:10000:-12")
    (call,) = [call for call in placed if call.uri == alice.uri]
    await call.wait_media()
    assert (call.state, call.codec) == ("ringing", "PCMU")
    async for block in call.audio.listen(block=0.5):
        if any(memoryview(block)):
            break
    forking.cancel()
    (other,) = [call for call in placed if call.uri == bob.uri]
    with pytest.raises(CallFailed):
        await other.wait_media()


async def test_a_user_of_our_registrar_is_called_at_all_phones(lab: Lab) -> None:
    server = await lab.server(registrar={"enabled": True, "domains": ["sems.test"]})
    carol = await lab.phone("carol")
    desks = [lab.network.socket(address) for address in ("10.9.0.1:5060", "10.9.0.2:5060")]
    for number, desk in enumerate(desks, 1):
        register = [
            "REGISTER sip:sems.test SIP/2.0",
            f"Via: SIP/2.0/UDP 10.9.0.{number}:5060;branch=z9hG4bK{number};rport",
            f"From: <sip:desk@sems.test>;tag={number}",
            "To: <sip:desk@sems.test>",
            f"Call-ID: {number}",
            "CSeq: 1 REGISTER",
            f"Contact: <sip:{number}@10.9.0.{number}>",
            "Content-Length: 0",
        ]
        desk.send("\r\n".join([*register, "", ""]).encode(), lab.resolve("sems"))
        await asyncio.sleep(0.1)
    [desk.receive() for desk in desks]
    forking = asyncio.create_task(server.fork("sip:desk@sems.test", carol.uri))
    ringing = await carol.ringing()
    for number, desk in enumerate(desks, 1):
        invite = desk.receive()[0].decode()
        assert invite.startswith(f"INVITE sip:{number}@10.9.0.{number} ")
        assert "To: <sip:desk@sems.test>" in invite
    await ringing.answer()
    assert (await forking).uri == carol.uri


@pytest.mark.parametrize("serial", [False, True])
async def test_who_is_sent_elsewhere_is_called_there_if_that_is_wanted(lab: Lab, serial: bool) -> None:
    server = await lab.server()
    alice, bob, carol = await three(lab)
    forking = asyncio.create_task(
        server.fork(alice.uri, bob.uri, serial=serial, ring=10, follow_redirects=True)
    )
    await (await alice.ringing()).redirect(carol.uri, bob.uri)
    sent_on = await carol.ringing()
    assert alice.uri in sent_on.headers["To"]
    if not serial:
        await (await bob.ringing()).redirect(carol.uri)
    await sent_on.answer()
    assert (await forking).uri == carol.uri
    await asyncio.sleep(1)
    assert [call.uri for call in server.calls.values()] == [carol.uri]


async def test_redirects_lead_on_for_no_more_than_ten_addresses(lab: Lab) -> None:
    server = await lab.server()
    alice, _, _ = await three(lab)
    asked = 0

    async def send_on() -> None:
        nonlocal asked
        while True:
            incoming = await alice.ringing()
            asked += 1
            await incoming.redirect(f"sip:{asked}@{alice.address}")

    sending = asyncio.create_task(send_on())
    with pytest.raises(CallFailed, match="302"):
        await server.fork(alice.uri, follow_redirects=True)
    assert asked == 10
    with pytest.raises(CallFailed) as failed:
        await server.fork(alice.uri)
    sending.cancel()
    assert (failed.value.targets, asked) == ((f"sip:11@{alice.address}",), 11)


async def test_an_address_that_is_none_does_not_take_the_call_from_the_others(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    for serial in (False, True):
        forking = asyncio.create_task(server.fork("junk", "sip:a@b:99999", alice.uri, serial=serial))
        await (await alice.ringing()).answer()
        await (await forking).hangup()
    with pytest.raises(ValueError, match="junk"):
        await server.fork("junk", "sip:a@b:99999")
    with pytest.raises(TypeError, match="each address as an argument of its own"):
        await server.fork(["sip:a@b"])  # type: ignore[arg-type]


async def test_who_answers_gets_the_call_though_another_says_in_that_moment_that_nobody_wants_it() -> None:
    async def attempt(uri: str, how: How, seconds: float) -> Call | None:
        if uri == "refuses":
            raise CallFailed(603, "Decline")
        return cast(Call, uri)

    for order in (["refuses", "answers"], ["answers", "refuses"]):
        assert await _all_at_once([(uri, {}) for uri in order], attempt, 1) == "answers"
