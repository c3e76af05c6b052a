"""A call as an app sees it: how it begins, what is told of it, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import pytest
from an_app import app_of, failures

from sems import (
    Answered,
    Call,
    CallEvent,
    CallFailed,
    Ended,
    Hold,
    HungUp,
    Level,
    Prompt,
    RtpTimeout,
    Speaking,
    WrongState,
)
from sems.testing import Lab

LONG_TONE = Prompt.tone("sine:440:10000:-12")


async def test_a_call_says_who_calls_whom(lab: Lab) -> None:
    seen: list[Call] = []

    async def main(call: Call) -> None:
        seen.append(call)
        await call.reject(486)

    await lab.server(apps=[app_of(main)], routes=[{"app": "mine", "params": {"a": "b"}}])
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed) as failed:
        await alice.call("sip:Some%20One@sems", headers=[("X-Mine", "yes")])
    assert failed.value.code == 486
    (call,) = seen
    assert (call.direction, call.app_name, call.params) == ("in", "mine", {"a": "b"})
    assert (call.user, call.caller_name, call.caller_user) == ("Some One", "alice", "alice")
    assert call.headers["x-mine"] == "yes"
    assert call.source == alice.address
    assert call.local == lab.resolve("sems")
    assert call.end is not None
    assert (call.end.cause, call.state) == ("local", "ended")


@pytest.mark.parametrize(("code", "reason"), [(404, None), (603, "Not Today"), (302, None)])
async def test_a_call_is_rejected_with_code_and_reason(lab: Lab, code: int, reason: str | None) -> None:
    async def main(call: Call) -> None:
        await call.reject(code, reason)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed) as failed:
        await alice.call("sip:mine@sems")
    assert failed.value.code == code
    if reason is not None:
        assert failed.value.reason == reason


async def test_early_media_is_heard_before_the_answer(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.ring(183, early_media=True)
        await call.play(LONG_TONE)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    call = await alice.dial("sip:mine@sems")
    await asyncio.sleep(1)
    assert call.early_media
    assert call.state != "answered"
    assert (await alice.hear(1)).has_tone(440)


async def test_what_needs_sound_before_the_answer_is_a_clear_error(lab: Lab) -> None:
    errors: list[Exception] = []

    async def main(call: Call) -> None:
        for attempt in (call.play("welcome"), call.ask("welcome")):
            try:
                await attempt
            except WrongState as error:
                errors.append(error)
        await call.reject(480)

    await lab.server(apps=[app_of(main)])
    with pytest.raises(CallFailed):
        await (await lab.phone("alice")).call("sip:mine@sems")
    assert len(errors) == 2
    assert "before answer()" in str(errors[0])


async def test_an_answer_can_be_asked_for_twice_and_a_refusal_then_comes_too_late(lab: Lab) -> None:
    done = asyncio.Event()

    async def main(call: Call) -> None:
        await asyncio.gather(call.answer(), call.answer())
        await call.answer()
        for late in (call.ring(), call.reject()):
            with pytest.raises(WrongState, match="too late"):
                await late
        done.set()
        await call.wait_ended()

    await lab.server(apps=[app_of(main)])
    call = await (await lab.phone("alice")).call("sip:mine@sems")
    assert call.codec == "PCMU"
    await done.wait()


async def test_the_link_arrives_with_the_answer(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer(link=f"{call.server.base_url(call.local)}/c/token")
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    assert alice.link == call.link == "http://10.0.0.1:8080/c/token"
    assert alice.headers["Call-Info"] == "<http://10.0.0.1:8080/c/token>;purpose=info"


async def test_a_caller_who_gives_up_during_the_answer_raises_hung_up(lab: Lab) -> None:
    ends: list[HungUp] = []

    async def main(call: Call) -> None:
        await call.ring()
        try:
            await call.sleep(3600)
        except HungUp as hung_up:
            ends.append(hung_up)
            raise

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.dial("sip:mine@sems")
    await asyncio.sleep(1)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert [hung_up.end.cause for hung_up in ends] == ["cancelled"]


async def test_when_the_handler_returns_the_call_is_hung_up(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.ended()).cause == "remote"
    await asyncio.sleep(1)
    assert not server.calls


async def test_when_the_handler_returns_before_the_answer_the_call_is_refused(lab: Lab) -> None:
    async def main(call: Call) -> None:
        pass

    await lab.server(apps=[app_of(main)])
    with pytest.raises(CallFailed) as failed:
        await (await lab.phone("alice")).call("sip:mine@sems")
    assert failed.value.code == 480


async def test_a_handler_that_raises_before_the_answer_gives_500_and_one_traceback(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(call: Call) -> None:
        raise ZeroDivisionError("mine")

    await lab.server(apps=[app_of(main)])
    with pytest.raises(CallFailed) as failed:
        await (await lab.phone("alice")).call("sip:mine@sems")
    assert failed.value.code == 500
    (record,) = failures(caplog)
    assert record.exc_info is not None
    assert record.exc_info[0] is ZeroDivisionError
    assert record.app == "mine"  # type: ignore[attr-defined]
    assert record.caller.startswith("sip:alice@")  # type: ignore[attr-defined]


async def test_a_handler_that_raises_after_the_answer_gives_bye_and_one_traceback(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        raise ZeroDivisionError("mine")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.ended()).cause == "remote"
    assert len(failures(caplog)) == 1


async def test_a_hang_up_ends_a_handler_without_a_traceback(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(call.play(LONG_TONE, repeat=0))
            tasks.create_task(call.sleep(3600))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert not failures(caplog)


async def test_whatever_waits_on_a_call_that_ends_raises_hung_up(lab: Lab) -> None:
    ends: dict[str, str] = {}

    async def main(call: Call) -> None:
        await call.answer()

        async def wait(name: str, what: Awaitable[object]) -> None:
            try:
                await what
            except HungUp as hung_up:
                ends[name] = hung_up.end.cause

        waits = {
            "play": call.play(LONG_TONE, repeat=0),
            "wait": call.start_play(LONG_TONE, repeat=0).wait(),
            "digit": call.digit(),
            "ask": call.ask(LONG_TONE),
            "sleep": call.sleep(3600),
            "send_digits": call.send_digits("1" * 20),
        }
        await asyncio.gather(*(wait(name, what) for name, what in waits.items()))
        for late in (call.join(None), call.mute(True), call.hold(True), call.sleep(1)):
            with pytest.raises(HungUp):
                await late
        await call.hangup()
        await call.reject()

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert ends == dict.fromkeys(("play", "wait", "digit", "ask", "sleep", "send_digits"), "remote")
    assert not server.calls


async def test_subscribers_are_told_what_happens_in_order(lab: Lab) -> None:
    told: list[CallEvent] = []

    async def main(call: Call) -> None:
        call.subscribe(told.append)
        await call.answer()
        await call.join(await call.server.open_room())
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    alice.tone(440)
    await asyncio.sleep(2)
    assert call.speaking
    assert call.level == pytest.approx(-12, abs=3)
    alice.silence()
    await asyncio.sleep(3)
    assert not call.speaking
    assert call.level == -127
    await alice.hold()
    await asyncio.sleep(1)
    assert call.on_hold
    await alice.hold(False)
    await asyncio.sleep(7)
    assert not call.on_hold
    assert call.quality is not None
    assert call.quality.lost == 0
    await alice.hang_up()
    await asyncio.sleep(1)
    assert isinstance(told[0], Answered)
    assert isinstance(told[-1], Ended)
    assert [event.on for event in told if isinstance(event, Speaking)] == [True, False]
    assert [event.on for event in told if isinstance(event, Hold)] == [True, False]
    assert any(isinstance(event, Level) for event in told)


async def test_a_subscriber_that_fails_disturbs_nobody(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    told: list[CallEvent] = []

    def fail(event: CallEvent) -> None:
        raise ZeroDivisionError

    async def main(call: Call) -> None:
        call.subscribe(fail)
        call.subscribe(told.append)
        await call.answer()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    await asyncio.sleep(1)
    assert isinstance(told[-1], Ended)
    assert any(record.message == "a subscriber failed" for record in caplog.records)


async def test_a_line_on_which_nothing_is_heard_is_hung_up(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)], rtp_timeout=30)
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    (call,) = server.calls.values()
    await asyncio.sleep(60)
    assert call.end is None
    # The phone dies without a word.
    await alice.vanish()
    await asyncio.sleep(29)
    assert call.end is None
    # The BYE is sent for half a minute to someone who is not there.
    await asyncio.sleep(35)
    assert call.end is not None
    assert not server.calls


async def test_a_line_that_comes_back_is_told(lab: Lab) -> None:
    told: list[CallEvent] = []

    async def main(call: Call) -> None:
        call.subscribe(told.append)
        await call.answer()
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)], rtp_timeout=0)
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.hold()
    await asyncio.sleep(120)
    await alice.hold(False)
    await asyncio.sleep(1)
    (call,) = server.calls.values()
    assert call.state == "answered"
    assert not any(isinstance(event, RtpTimeout) for event in told)


# Calls that nobody takes


@pytest.mark.parametrize(
    ("uri", "app", "code"),
    [("sip:standup@sems", "fax", 404), ("sip:sems", None, 484), ("sip:x@sems", "mine", 480)],
)
async def test_a_call_that_nobody_takes_is_refused(lab: Lab, uri: str, app: str | None, code: int) -> None:
    async def main(call: Call) -> None:
        assert repr(call) == f"<Call {call.id} in {call.uri} incoming>"

    server = await lab.server(apps=[app_of(main)], trusted=["10.0.0.0/8"])
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed) as failed:
        await alice.call(uri, headers=[("P-App-Name", app)] if app else [])
    assert failed.value.code == code
    await asyncio.sleep(1)
    assert not server.calls


async def test_a_chore_that_fails_is_logged(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    server = await lab.server()
    server.spawn(fail())
    await asyncio.sleep(1)
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["a chore failed"]
