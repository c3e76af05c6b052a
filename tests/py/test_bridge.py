"""Standing between two calls."""

from __future__ import annotations

import asyncio
import wave
from array import array
from collections.abc import Awaitable, Callable
from typing import Literal

import pytest
from an_app import app_of, failures

from sems import App, Call, CallFailed, EndReason, HungUp, Server, SipRequest, SipResponse, WrongState
from sems.events import CallEvent, Hold, Progress
from sems.server import dispatch
from sems.testing import Hearing, Lab, Phone

Handler = Callable[[Call], Awaitable[None]]


def to_bob(ends: list[object] | None = None, *, answer: bool = False, **how: object) -> App:
    async def main(call: Call) -> None:
        if answer:
            await call.answer()
        try:
            end = await call.bridge("sip:bob@bob", **how)  # type: ignore[arg-type]
        except HungUp as hung_up:
            if ends is not None:
                ends.append(hung_up)
            raise
        if ends is not None:
            ends.append(end)

    return app_of(main)


async def two(lab: Lab) -> tuple[Phone, Phone]:
    return await lab.phone("alice"), await lab.phone("bob")


async def through(lab: Lab, app: App, **settings: object) -> tuple[Phone, Phone]:
    """Alice and Bob, who are put through to each other."""
    await lab.server(apps=[app], **settings)
    alice, bob = await two(lab)
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    ringing = await bob.ringing()
    await ringing.answer()
    await calling
    await asyncio.sleep(0.5)
    return alice, bob


async def test_two_are_put_through_and_hear_each_other(lab: Lab) -> None:
    ends: list[object] = []
    alice, bob = await through(lab, to_bob(ends))
    alice.tone(440)
    bob.tone(900)
    heard, back = await asyncio.gather(bob.hear(1), alice.hear(1))
    assert heard.has_tone(440)
    assert not heard.has_tone(900)
    assert back.has_tone(900)
    await bob.hang_up()
    assert (await alice.ended()).cause == "remote"
    assert isinstance(ends[0], EndReason)
    assert ends[0].cause == "remote"
    await nothing_is_left(lab)


async def nothing_is_left(lab: Lab) -> None:
    """No call and no room, neither here nor in the core."""
    await asyncio.sleep(1)
    (server,) = [server for server in lab._servers if server.apps.get("mine")]
    assert (server.calls, server.rooms) == ({}, {})
    assert server.engine.core.stats()["rooms"] == 0


async def test_the_other_is_hung_up_when_the_caller_goes(lab: Lab) -> None:
    ends: list[object] = []
    alice, bob = await through(lab, to_bob(ends))
    await alice.hang_up()
    assert (await bob.ended()).cause == "remote"
    await nothing_is_left(lab)
    assert isinstance(ends[0], HungUp)


async def test_ringing_and_early_media_reach_the_caller_before_the_answer(lab: Lab) -> None:
    await lab.server(apps=[to_bob()])
    alice, bob = await two(lab)
    call = await alice.dial("sip:mine@sems")
    ringing = await bob.ringing()
    await asyncio.sleep(0.5)
    assert (call.state, call.early_media) == ("ringing", False)
    await ringing.ring(183, early_media=True)
    ringing.start_play("tone:sine:440:10000:-12")
    await asyncio.sleep(0.5)
    assert (call.state, call.early_media) == ("ringing", True)
    assert (await alice.hear(1)).has_tone(440)
    await ringing.answer()
    await asyncio.sleep(0.5)
    assert call.state == "answered"
    bob.tone(900)
    assert (await alice.hear(1)).has_tone(900)


async def test_a_refusal_reaches_the_caller_with_its_code(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    await lab.server(apps=[to_bob()])
    alice, bob = await two(lab)
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    await (await bob.ringing()).reject(603, "Not For Me")
    with pytest.raises(CallFailed, match="603 Not For Me"):
        await calling
    assert not failures(caplog)


async def test_a_caller_who_gives_up_ends_the_search(lab: Lab) -> None:
    await lab.server(apps=[to_bob()])
    alice, bob = await two(lab)
    await alice.dial("sip:mine@sems")
    ringing = await bob.ringing()
    await alice.hang_up()
    assert (await ringing.wait_ended()).cause == "cancelled"


async def test_who_is_answered_hears_the_ringing_and_goes_on_when_nobody_answers(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        with pytest.raises(CallFailed, match="408"):
            await call.bridge("sip:bob@bob", timeout=5)
        await call.play("tone:sine:1500:500:-12")

    await lab.server(apps=[app_of(main)])
    alice, bob = await two(lab)
    await alice.call("sip:mine@sems")
    await bob.ringing()
    heard = await alice.hear_all()
    assert heard.before(1.5).has_tone(425), "the ringing tone"
    assert heard.after(5.1).has_tone(1500)


async def test_codecs_are_kept(lab: Lab) -> None:
    """Bob takes what Alice offers, and Alice gets what Bob takes, whatever we like best ourselves."""
    seen: list[Call] = []

    async def main(call: Call) -> None:
        seen.append(call)
        await call.bridge("sip:bob@bob")

    await lab.server(apps=[app_of(main)], audio={"codecs": ["opus", "G722", "PCMU", "PCMA"]})
    alice, bob = await two(lab)
    calling = asyncio.create_task(
        alice.server.place(
            "sip:mine@sems", destination=lab.resolve("sems"), from_uri=alice.uri, codecs=["PCMU", "PCMA"]
        )
    )
    ringing = await bob.ringing()
    assert ringing.codecs == seen[0].codecs == ("PCMU", "PCMA")
    await ringing.prefer(["PCMA"])
    await ringing.answer()
    call = await calling
    await call.wait_answered()
    assert (call.codec, ringing.codec) == ("PCMA", "PCMA")


async def test_header_fields_for_the_other_end_are_kept_and_those_of_one_side_are_not(lab: Lab) -> None:
    await lab.server(apps=[to_bob(headers=[("X-Ours", "1"), ("Subject", "Ours")])])
    alice, bob = await two(lab)
    given = [
        ("Subject", "Hers"), ("X-Hers", "2"), ("History-Info", "<sip:a@example.org>;index=1"),
        ("P-App-Param", "secret=1"),
    ]  # fmt: skip
    calling = asyncio.create_task(alice.call("sip:mine@sems", headers=given))
    ringing = await bob.ringing()
    assert (ringing.headers["x-hers"], ringing.headers.all("Subject")) == ("2", ["Ours"])
    assert ringing.headers["x-ours"] == "1"
    assert [entry.uri for entry in ringing.history] == ["sip:a@example.org"]
    assert "P-App-Param" not in ringing.headers
    assert (ringing.caller_name, ringing.caller_uri) == ("alice", alice.uri)
    assert ringing.headers["Call-ID"] != alice.line.headers.get("Call-ID")  # type: ignore[union-attr]
    await ringing.answer(headers=[("X-Answer", "3")])
    await calling
    assert alice.headers["x-answer"] == "3"


async def test_keys_hold_and_texts_pass(lab: Lab) -> None:
    alice, bob = await through(lab, to_bob())
    keys: list[str | None] = []

    async def take() -> None:
        while True:
            keys.append(await bob.line.digit())  # type: ignore[union-attr]

    taking = asyncio.create_task(take())
    await alice.key("42#")
    await asyncio.sleep(1)
    assert keys == ["4", "2", "#"]
    taking.cancel()
    await alice.hold()
    await asyncio.sleep(1)
    assert bob.line is not None
    assert bob.line.on_hold
    await alice.hold(False)
    await asyncio.sleep(1)
    assert not bob.line.on_hold


async def test_the_first_of_several_gets_the_call(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.bridge(["sip:bob@bob", "sip:carol@carol"])

    await lab.server(apps=[app_of(main)])
    alice, bob = await two(lab)
    carol = await lab.phone("carol")
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    incoming = await bob.ringing()
    await (await carol.ringing()).answer()
    await calling
    assert (await incoming.wait_ended()).cause == "cancelled"


async def test_two_calls_that_are_there_are_joined_and_the_app_goes_on_with_the_one_that_stays(
    lab: Lab,
) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        other = await call.server.dial("sip:bob@bob")
        with pytest.raises(WrongState, match="to itself"):
            await call.bridge(call)
        assert (await call.bridge(other)).cause == "remote"
        await call.play("tone:sine:1500:500:-12")

    await lab.server(apps=[app_of(main)])
    alice, bob = await two(lab)
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    await (await bob.ringing()).answer()
    await calling
    alice.tone(440)
    await asyncio.sleep(0.5)
    assert (await bob.hear(1)).has_tone(440)
    hearing = asyncio.create_task(alice.hear_all())
    await bob.hang_up()
    assert (await hearing).has_tone(1500)


async def test_ringing_has_the_header_fields_of_whom_is_called(lab: Lab) -> None:
    await lab.server(apps=[to_bob()])
    alice, bob = await two(lab)
    told: list[tuple[str, str]] = []
    call = await alice.dial("sip:mine@sems")
    call.subscribe(lambda event: told.extend(event.headers if isinstance(event, Progress) else ()))
    ringing = await bob.ringing()
    given = [("X-Place", "third"), ("Alert-Info", "<urn:alert:service:call-waiting>")]
    await ringing.ring(182, headers=given)
    await asyncio.sleep(0.5)
    assert set(given) <= set(told)


async def test_which_header_fields_are_kept_can_be_said(lab: Lab) -> None:
    await lab.server(apps=[to_bob(keep_headers=["subject", "P-Asserted-Service"])])
    alice, bob = await two(lab)
    given = [("Subject", "Hers"), ("X-Hers", "2"), ("P-Asserted-Service", "urn:x")]
    await alice.dial("sip:mine@sems", headers=given)
    ringing = await bob.ringing()
    assert ringing.headers["Subject"] == "Hers"
    assert ringing.headers["P-Asserted-Service"] == "urn:x"
    assert "X-Hers" not in ringing.headers


async def test_requests_within_the_call_are_answered_by_the_other_side(lab: Lab) -> None:
    """Whatever they carry, both ways; keys in INFO are keys."""
    alice, bob = await through(lab, to_bob())
    asked: list[SipRequest] = []

    async def answer(request: SipRequest) -> None:
        asked.append(request)
        await request.respond(202, "Seen", headers=[("X-By", "bob")], body="<ok/>", content_type="text/xml")

    app = bob.server.apps.get("phone")
    assert app is not None
    for method in ("INFO", "MESSAGE"):
        app.request(method)(answer)
    dispatch.tell(bob.server)
    assert alice.line is not None
    for method in ("INFO", "MESSAGE"):
        response = await alice.line.request(
            method, body="<a/>", content_type="application/x-test", headers=[("X-My", "1"), ("Subject", "S")]
        )
        assert (response.code, response.reason, response.headers["x-by"]) == (202, "Seen", "bob")
        assert (response.text, response.content_type) == ("<ok/>", "text/xml")
        request = asked.pop()
        assert (request.method, request.text, request.content_type) == (method, "<a/>", "application/x-test")
        assert (request.headers["X-My"], request.headers["Subject"]) == ("1", "S")
    assert bob.line is not None
    # Alice's phone takes texts alone, and says so itself.
    assert (await bob.line.request("INFO", body="x", content_type="text/x-y")).code == 415
    await bob.line.send_message("Hello")
    assert (await alice.message()).text == "Hello"


async def test_who_is_in_no_bridge_hears_of_infos_what_the_core_says(lab: Lab) -> None:
    alice, _ = await through(lab, to_bob())
    carol = await lab.phone("carol")
    line = await carol.call("sip:echo@sems")
    refusal = await line.request("INFO", body="<xml/>", content_type="application/media_control+xml")
    assert (refusal.code, refusal.headers["Accept"]) == (415, "application/dtmf-relay, application/dtmf")
    assert (await line.request("INFO")).code == 200
    assert alice.line is not None


@pytest.mark.parametrize("who", ["alice", "bob"])
async def test_one_side_hands_the_other_over(lab: Lab, who: str) -> None:
    alice, bob = await through(lab, to_bob())
    carol = await lab.phone("carol")
    mover, moved = (alice, bob) if who == "alice" else (bob, alice)
    handing = asyncio.create_task(mover.transfer("sip:carol@carol"))
    await (await carol.ringing()).answer()
    assert (await handing).ok
    await mover.ended()
    moved.tone(600)
    await carol.hear(0.5)
    assert (await carol.hear(0.5)).has_tone(600)


async def test_who_hands_over_and_hangs_up_at_once_is_told_late_what_came_of_it(lab: Lab) -> None:
    alice, _ = await through(lab, to_bob())
    carol = await lab.phone("carol")
    line = alice.line
    assert line is not None
    handing = asyncio.create_task(line.transfer("sip:carol@carol", after_end=60))
    ringing = await carol.ringing()
    await line.hangup()
    await asyncio.sleep(20)
    await ringing.answer()
    assert (await handing).code == 200


async def test_one_side_hands_the_other_over_after_consultation(lab: Lab) -> None:
    alice, bob = await through(lab, to_bob())
    carol = await lab.phone("carol")
    consulting = asyncio.create_task(bob.consult("sip:carol@carol"))
    await (await carol.ringing()).answer()
    await consulting
    await asyncio.sleep(0.5)
    assert alice.line is not None
    assert alice.line.on_hold
    assert (await bob.transfer()).ok
    await asyncio.sleep(1)
    alice.tone(600)
    await carol.hear(0.5)
    assert (await carol.hear(0.5)).has_tone(600)


@pytest.mark.parametrize("how", ["nobody answers", "cancelled", "cancelled early"])
async def test_a_bridge_that_comes_to_nothing_leaves_no_room(lab: Lab, how: str) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        bridging = asyncio.create_task(call.bridge("sip:bob@bob", timeout=5))
        if how != "nobody answers":
            await asyncio.sleep(3 if how == "cancelled" else 0.5)
            bridging.cancel()
        await asyncio.wait({bridging})

    await lab.server(apps=[app_of(main)])
    alice, bob = await two(lab)
    await alice.call("sip:mine@sems")
    ringing = await bob.ringing()
    if how == "cancelled":
        await ringing.answer()
    await alice.ended()
    await ringing.wait_ended()
    await nothing_is_left(lab)


async def placed_before(lab: Lab, moment: str) -> tuple[Phone, Phone, asyncio.Task[Call]]:
    """Alice, who is not answered, is bridged to a call to Bob that was placed before."""

    async def main(call: Call) -> None:
        other = await call.server.place("sip:bob@bob", from_uri=call.caller_uri)
        if moment == "answered":
            await other.wait_answered()
        elif moment == "rings":
            await asyncio.sleep(2)
        await call.bridge(other)

    await lab.server(apps=[app_of(main)])
    alice, bob = await two(lab)
    return alice, bob, asyncio.create_task(alice.dial("sip:mine@sems"))


@pytest.mark.parametrize("moment", ["placed", "rings", "answered"])
async def test_a_caller_is_answered_when_a_call_that_was_placed_before_is(lab: Lab, moment: str) -> None:
    alice, bob, dialling = await placed_before(lab, moment)
    ringing = await bob.ringing()
    call = await dialling
    if moment != "answered":
        await asyncio.sleep(3)
        assert call.state == "ringing"
    await ringing.answer()
    await call.wait_answered()
    bob.tone(900)
    alice.tone(440)
    heard, back = await asyncio.gather(bob.hear(1), alice.hear(1))
    assert heard.has_tone(440)
    assert back.has_tone(900)
    await alice.hang_up()
    assert (await bob.ended()).cause == "remote"
    await nothing_is_left(lab)


async def test_a_call_that_was_placed_before_is_taken_back_when_the_caller_goes(lab: Lab) -> None:
    alice, bob, dialling = await placed_before(lab, "placed")
    ringing = await bob.ringing()
    await (await dialling).hangup()
    assert (await ringing.wait_ended()).cause == "cancelled"
    assert alice.server.calls == {}
    await nothing_is_left(lab)


async def test_a_call_that_was_placed_before_and_refused_refuses_the_caller(lab: Lab) -> None:
    _, bob, dialling = await placed_before(lab, "placed")
    await (await bob.ringing()).reject(486)
    with pytest.raises(CallFailed, match="486"):
        await (await dialling).wait_answered()
    await nothing_is_left(lab)


async def test_who_shares_no_codec_with_the_caller_is_called_again_with_all_of_ours(lab: Lab) -> None:
    await lab.server(apps=[to_bob()])
    alice = await lab.phone("alice", audio={"codecs": ["PCMA"]})
    bob = await lab.phone("bob", audio={"codecs": ["PCMU"]})
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    answered = await bob.ringing()
    await answered.answer()
    await calling
    assert (answered.codec, alice.line.codec) == ("PCMU", "PCMA")
    bob.tone(900)
    assert (await alice.hear(1)).has_tone(900)


async def test_why_one_side_hangs_up_is_told_to_the_other(lab: Lab) -> None:
    """By the bridge the one way, by the app that goes on the other (RFC 3326)."""

    async def main(call: Call) -> None:
        end = await call.bridge("sip:bob@bob")
        assert end.cause == "remote"
        await call.hangup(end.reason)

    await lab.server(apps=[app_of(main)])
    alice, bob = await two(lab)
    for hangs_up, hears in ((alice, bob), (bob, alice)):
        calling = asyncio.create_task(alice.call("sip:mine@sems"))
        await (await bob.ringing()).answer()
        await calling
        line, other = hangs_up.line, hears.line
        assert line is not None
        assert other is not None
        await line.hangup("the office closes", cause=200)
        end = await other.wait_ended()
        assert (end.cause, end.reason) == ("remote", "the office closes")


async def test_packets_go_on_as_they_come_until_somebody_needs_the_sound(lab: Lab) -> None:
    joined: list[Call] = []

    async def main(call: Call) -> None:
        joined.append(call)
        await call.bridge("sip:bob@bob")

    server = await lab.server(apps=[app_of(main)])
    alice, bob = await two(lab)
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    await (await bob.ringing()).answer()
    await calling
    alice.tone(440)

    async def passed(seconds: float = 1) -> int:
        before = server.engine.core.stats()["rtp_passed"]
        await asyncio.sleep(seconds)
        return server.engine.core.stats()["rtp_passed"] - before

    await asyncio.sleep(1)
    assert await passed() >= 98, "both ways, 50 packets a second"
    assert (await bob.hear(1)).has_tone(440)
    call = joined[0]
    await call.play("tone:sine:1500:500:-12")
    assert await passed(0.3) == 0, "so soon it is still mixed"
    assert await passed() > 0
    async for block in call.audio:
        assert len(block) > 0
        assert await passed() < 4
        break
    # A recording has both from its beginning to its end.
    bob.tone(900)
    await asyncio.sleep(1)
    assert await passed() >= 98
    recording = await call.record(lab.folder / "both.wav", direction="both")
    assert await passed() < 4
    await recording.stop()
    with wave.open(str(lab.folder / "both.wav")) as file:
        samples = array("h", file.readframes(file.getnframes()))
    for channel, hz in ((0, 440), (1, 900)):
        kept = Hearing(samples[channel::2])
        assert kept.seconds == pytest.approx(1, abs=0.1)
        assert kept.after(0.1).before(0.2).has_tone(hz)
        assert kept.after(0.7).before(0.2).has_tone(hz)
    bob.silence()
    assert call.room is not None
    call.room.watch_levels(True)
    await asyncio.sleep(1)
    assert await passed() == 0
    call.room.watch_levels(False)
    await asyncio.sleep(1)
    assert await passed() >= 98
    assert (await bob.hear(1)).has_tone(440)


@pytest.mark.parametrize("direction", ["sendonly", "inactive", "recvonly"])
async def test_the_other_side_is_told_what_one_does_as_what_it_is(
    lab: Lab, direction: Literal["sendonly", "inactive", "recvonly"]
) -> None:
    alice, bob = await through(lab, to_bob())
    assert alice.line is not None
    assert bob.line is not None
    alice.tone(440)
    bob.tone(900)
    told: list[CallEvent] = []
    bob.line.subscribe(lambda event: told.append(event) if isinstance(event, Hold) else None)
    await alice.hold(direction=direction)
    await asyncio.sleep(1)
    assert (bob.line.on_hold, bob.line.peer_direction) == (True, direction)
    assert (alice.line.on_hold, alice.line.peer_direction) == (False, "sendrecv"), "an answer is no hold"
    heard, back = await asyncio.gather(bob.hear(1), alice.hear(1))
    assert heard.has_tone(440) == (direction == "sendonly")
    assert back.has_tone(900) == (direction == "recvonly")
    # From one to another without having been taken back.
    other: Literal["sendonly", "inactive"] = "inactive" if direction == "sendonly" else "sendonly"
    await alice.hold(direction=other)
    await asyncio.sleep(1)
    assert bob.line.peer_direction == other
    await alice.hold(False)
    await asyncio.sleep(1)
    assert [event.direction for event in told if isinstance(event, Hold)] == [direction, other, "sendrecv"]
    assert (await bob.hear(1)).has_tone(440)
    assert (await alice.hear(1)).has_tone(900)


async def test_both_sides_may_hold_each_other_and_are_taken_back_one_by_one(lab: Lab) -> None:
    alice, bob = await through(lab, to_bob())
    assert alice.line is not None
    assert bob.line is not None
    alice.tone(440)
    bob.tone(900)
    await alice.hold()
    await bob.hold(direction="inactive")
    await asyncio.sleep(1)
    assert (alice.line.peer_direction, bob.line.on_hold) == ("inactive", True)
    await bob.hold(False)
    await asyncio.sleep(1)
    assert (alice.line.peer_direction, bob.line.peer_direction) == ("sendrecv", "sendonly")
    assert (await bob.hear(1)).has_tone(440)
    await alice.hold(False)
    await asyncio.sleep(1)
    assert (alice.line.on_hold, bob.line.on_hold) == (False, False)
    assert (await alice.hear(1)).has_tone(900)


async def recoded(lab: Lab, *, bobs: list[str], **how: object) -> tuple[Server, Phone, Phone]:
    """Alice and Bob speak PCMU; then Alice changes to PCMA."""
    server = await lab.server(apps=[to_bob(**how)], audio={"codecs": ["PCMU", "PCMA", "G722"]})
    alice = await lab.phone("alice", audio={"codecs": ["PCMU", "PCMA", "G722"]})
    bob = await lab.phone("bob", audio={"codecs": bobs})
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    await (await bob.ringing()).answer()
    await calling
    await asyncio.sleep(1)
    assert alice.line is not None
    assert bob.line is not None
    assert (alice.line.codec, bob.line.codec) == ("PCMU", "PCMU")
    alice.tone(440)
    bob.tone(900)
    await asyncio.sleep(1)
    await alice.line.recode(["PCMA", "PCMU"])
    await asyncio.sleep(2)
    assert alice.line.codec == "PCMA"
    return server, alice, bob


async def test_a_codec_that_one_side_changes_to_is_offered_to_the_other(lab: Lab) -> None:
    server, alice, bob = await recoded(lab, bobs=["PCMU", "PCMA"])
    assert bob.line is not None
    assert bob.line.codec == "PCMA"
    before = server.engine.core.stats()["rtp_passed"]
    heard, back = await asyncio.gather(bob.hear(1), alice.hear(1))
    assert (heard.has_tone(440), back.has_tone(900)) == (True, True)
    assert server.engine.core.stats()["rtp_passed"] - before >= 98, "packets go on as they come again"
    # And by the other side.
    await bob.line.recode(["PCMU", "PCMA"])
    await asyncio.sleep(1)
    assert alice.line is not None
    assert (alice.line.codec, bob.line.codec) == ("PCMU", "PCMU")


@pytest.mark.parametrize(("bobs", "how"), [(["PCMU"], {}), (["PCMU", "PCMA"], {"keep_codecs": False})])
async def test_who_has_not_that_codec_or_is_to_keep_his_own_hears_it_coded_anew(
    lab: Lab, bobs: list[str], how: dict[str, object]
) -> None:
    server, alice, bob = await recoded(lab, bobs=bobs, **how)
    assert bob.line is not None
    assert bob.line.codec == "PCMU"
    before = server.engine.core.stats()["rtp_passed"]
    heard, back = await asyncio.gather(bob.hear(1), alice.hear(1))
    assert (heard.has_tone(440), back.has_tone(900)) == (True, True)
    assert server.engine.core.stats()["rtp_passed"] == before


async def test_info_of_a_package_passes_where_the_other_side_takes_it(lab: Lab) -> None:
    """RFC 6086: what each takes is told to the other, and nothing else of a package passes."""
    app = to_bob()
    got: dict[str, list[SipRequest]] = {"x-ours": [], "x-lamp": [], "x-door": []}
    app.info("x-ours")(lambda request: taken(got, "x-ours", request))
    await lab.server(apps=[app])
    alice, bob = await two(lab)
    for phone, packages in ((alice, ["x-lamp", "X-Ours"]), (bob, ["x-door"])):
        of_phone = phone.server.apps.get("phone")
        assert of_phone is not None
        for package in packages:
            of_phone.info(package)(lambda request, name=package: taken(got, name, request))  # type: ignore[misc]
        dispatch.tell(phone.server)
    calling = asyncio.create_task(alice.call("sip:mine@sems"))
    ringing = await bob.ringing()
    # What the app takes itself is named once.
    assert sorted(ringing.headers.all("Recv-Info")) == ["x-lamp", "x-ours"]
    await ringing.answer()
    await calling
    await asyncio.sleep(0.5)
    assert sorted(alice.headers.all("Recv-Info")) == ["x-door", "x-ours"]

    async def tell(phone: Phone, package: str) -> SipResponse:
        assert phone.line is not None
        return await phone.line.request(
            "INFO", body="open", content_type="text/x-door", headers=[
                ("Info-Package", package), ("Content-Disposition", "Info-Package"), ("X-My", "1"),
            ],
        )  # fmt: skip

    assert (await tell(alice, "x-door;v=1")).code == 200
    assert (await tell(bob, "X-Lamp")).code == 200
    for request, package in ((got["x-door"][0], "x-door;v=1"), (got["x-lamp"][0], "X-Lamp")):
        assert (request.headers["Info-Package"], request.text) == (package, "open")
        assert request.content_type == "text/x-door"
        assert (request.headers["Content-Disposition"], request.headers["X-My"]) == ("Info-Package", "1")
    # What the app takes stays with it.
    assert (await tell(alice, "x-ours")).code == 200
    assert len(got["x-ours"]) == 1
    for phone, package, told in ((alice, "x-lamp", "x-ours, x-door"), (bob, "x-door", "x-ours, x-lamp")):
        refusal = await tell(phone, package)
        assert (refusal.code, refusal.headers["Recv-Info"]) == (469, told)
    # What is told in a re-INVITE is what was told before.
    await alice.hold()
    await asyncio.sleep(1)
    assert (await tell(bob, "x-lamp")).code == 200
    assert (len(got["x-door"]), len(got["x-lamp"])) == (1, 2)


async def taken(got: dict[str, list[SipRequest]], package: str, request: SipRequest) -> None:
    got[package].append(request)
