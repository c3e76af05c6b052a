"""A call as an app sees it."""

from __future__ import annotations

import asyncio
import logging
import wave
from collections.abc import Awaitable, Callable

import pytest

from sems import (
    Answered,
    App,
    Call,
    CallEvent,
    CallFailed,
    Digit,
    Ended,
    EngineError,
    Hold,
    HungUp,
    Level,
    Prompt,
    Speaking,
    WrongState,
)
from sems.testing import Lab

LONG_TONE = Prompt.tone("sine:440:10000:-12")


def app_of(handler: Callable[[Call], Awaitable[None]]) -> App:
    app = App("mine")
    app.call(handler)
    return app


# Before the answer


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


# How a handler ends


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


def failures(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.message == "an app failed"]


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


# Sounds and keys


async def test_sounds_of_a_list_follow_each_other(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.play([Prompt.tone("sine:440:1000:-12"), "welcome", Prompt.tone("sine:900:1000:-12")])

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.before(0.9).has_tone(440)
    assert heard.after(heard.seconds - 1).has_tone(900)
    assert heard.seconds > 2.5


async def test_a_cancelled_sound_stops(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await call.play(LONG_TONE, repeat=0)
        await call.wait_ended()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.hear(0.8)).has_tone(440)
    await alice.hear(0.5)
    assert (await alice.hear(1)).is_silent


async def test_a_playback_can_be_stopped_and_tells_so(lab: Lab) -> None:
    results: list[object] = []

    async def main(call: Call) -> None:
        await call.answer()
        playback = call.start_play("welcome", repeat=0)
        # Stopped before the file is read, …
        await playback.stop()
        results.append(await playback.wait())
        playback = call.start_play(LONG_TONE)
        await call.sleep(1)
        results.append(playback.done)
        await playback.stop()
        # … while it sounds, and when it has ended.
        results.append(await playback.wait())
        playback.cancel()
        results.append(await call.start_play(Prompt.tone("beep")).wait())

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert results == [False, False, False, True]


async def test_an_app_has_its_own_sounds_beside_it(lab: Lab, caplog: pytest.LogCaptureFixture) -> None:
    folder = lab.folder / "mine"
    folder.mkdir()
    with wave.open(str(folder / "welcome.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x40\x00\xc0" * 8000)
    script = folder / "mine.py"
    script.write_text(
        "from sems import App, Call\n"
        "app = App()\n"
        "@app.call\n"
        "async def main(call: Call) -> None:\n"
        "    await call.answer()\n"
        "    await call.play('welcome')\n"
        "    await call.play('no-such-sound')\n"
    )
    await lab.server(scripts=[script])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.seconds == pytest.approx(2, abs=0.3)
    (record,) = failures(caplog)
    assert record.exc_info is not None
    assert "no sound named 'no-such-sound'" in str(record.exc_info[1])


async def test_keys_arrive_in_their_order(lab: Lab) -> None:
    keys: list[str | None] = []

    async def main(call: Call) -> None:
        await call.answer()
        keys.append(await call.digit(timeout=0.5))
        for _ in range(5):
            keys.append(await call.digit(timeout=5))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(1)
    await alice.key("1*#D0")
    await alice.ended()
    assert keys == [None, "1", "*", "#", "D", "0"]


async def test_keys_pressed_ahead_are_kept_and_can_be_forgotten(lab: Lab) -> None:
    keys: list[str | None] = []

    async def main(call: Call) -> None:
        await call.answer()
        await call.sleep(2)
        keys.append(await call.digit())
        call.forget_digits()
        keys.append(await call.digit(timeout=1))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.key("123")
    await alice.ended()
    assert keys == ["1", None]


@pytest.mark.parametrize(
    ("pressed", "options", "answer"),
    [
        ("1234", {"digits": 4}, "1234"),
        ("12#", {"digits": None}, "12"),
        ("12*", {"digits": None, "terminator": "*"}, "12"),
        ("1#2", {"digits": 3, "terminator": ""}, "1#2"),
        ("12", {"digits": 4, "timeout": 1.0}, "12"),
        ("#7", {"digits": 1}, "7"),
        ("95", {"digits": 1, "pattern": "[1-5]"}, "5"),
        ("999", {"digits": 1, "pattern": "[1-5]", "retries": 2}, ""),
        ("", {"digits": 1, "timeout": 1.0, "retries": 1}, ""),
    ],
)
async def test_keys_are_asked_for(lab: Lab, pressed: str, options: dict[str, object], answer: str) -> None:
    answers: list[str] = []

    async def main(call: Call) -> None:
        await call.answer()
        answers.append(await call.ask(Prompt.tone("sine:440:500:-12"), **options))  # type: ignore[arg-type]

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await asyncio.sleep(0.2)
    if pressed:
        await alice.key(pressed)
    await alice.ended()
    assert answers == [answer]


async def test_the_first_key_stops_the_prompt(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.ask(LONG_TONE, digits=2, timeout=30)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    assert (await alice.hear(1)).has_tone(440)
    await alice.key("1")
    await alice.hear(0.3)
    assert (await alice.hear(1)).is_silent


async def test_the_time_to_answer_begins_when_the_prompt_has_ended(lab: Lab) -> None:
    took: list[float] = []

    async def main(call: Call) -> None:
        await call.answer()
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await call.ask(LONG_TONE, timeout=3, retries=0)
        took.append(loop.time() - begin)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert took == [pytest.approx(13, abs=0.1)]


async def test_an_app_presses_keys_itself(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.send_digits("42#")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    call = await alice.call("sip:mine@sems")
    told: list[CallEvent] = []
    call.subscribe(told.append)
    await alice.ended()
    assert [event.digit for event in told if isinstance(event, Digit)] == ["4", "2", "#"]


# Mixing, recording, hold


async def test_calls_in_a_room_hear_each_other_and_not_themselves(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.join(next(iter(call.server.rooms.values())))
        await call.wait_ended()

    server = await lab.server(apps=[app_of(main)])
    room = await server.open_room()
    alice, ben, cleo = [await lab.phone(name) for name in ("alice", "ben", "cleo")]
    for phone, hz in ((alice, 440), (ben, 600), (cleo, 900)):
        await phone.call("sip:mine@sems")
        phone.tone(hz)
    await asyncio.sleep(0.5)
    levels: list[dict[int, int]] = []
    unsubscribe = room.subscribe(lambda told: levels.append(told.levels))
    for phone, there, missing in ((alice, (600, 900), 440), (ben, (440, 900), 600), (cleo, (440, 600), 900)):
        heard = await phone.hear(1)
        assert all(heard.has_tone(hz) for hz in there)
        assert not heard.has_tone(missing)
    assert set(levels[-1]) == set(server.calls)
    unsubscribe()

    muted = next(call for call in server.calls.values() if call.caller_name == "ben")
    await muted.mute(True)
    assert muted.muted
    await alice.hear(0.3)
    assert not (await alice.hear(1)).has_tone(600)

    await room.play(Prompt.tone("sine:1500:500:-12"))
    playback = room.start_play(Prompt.tone("sine:1500:1000:-12"), repeat=0)
    assert (await cleo.hear(1)).has_tone(1500)
    await playback.stop()

    await room.close()
    await room.close()
    await alice.hear(0.3)
    assert (await alice.hear(1)).is_silent
    assert not server.rooms


async def test_a_call_is_recorded(lab: Lab) -> None:
    path = lab.folder / "heard.wav"

    async def main(call: Call) -> None:
        await call.answer()
        await call.record(path)
        await call.sleep(2)
        await call.stop_record()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    alice.tone(440)
    await alice.ended()
    with wave.open(str(path)) as file:
        assert file.getframerate() == 8000
        assert file.getnframes() / 8000 == pytest.approx(2, abs=0.2)


async def test_a_recording_that_cannot_be_made_is_an_error(lab: Lab) -> None:
    errors: list[Exception] = []

    async def main(call: Call) -> None:
        await call.answer()
        try:
            await call.record(lab.folder / "gone" / "heard.wav")
        except EngineError as error:
            errors.append(error)

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert len(errors) == 1


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


# Calls that we place


async def test_a_call_is_placed_and_answered(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(
        server.dial(alice.uri, from_name="The Server", link="http://192.0.2.1/c/x", headers=[("X-Y", "z")])
    )
    incoming = await alice.ringing()
    assert incoming.caller_name == "The Server"
    assert incoming.headers["x-y"] == "z"
    await asyncio.sleep(1)
    await incoming.answer()
    async with await dialing as call:
        assert (call.direction, call.state, call.codec) == ("out", "answered", "PCMU")
        call.start_play(LONG_TONE)
        await asyncio.sleep(0.3)
        assert (await alice.hear(1)).has_tone(440)
        with pytest.raises(WrongState, match="calls that come in"):
            await call.ring()
    assert (await alice.ended()).cause == "remote"


async def test_a_placed_call_that_is_refused_fails_with_the_code(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri))
    await (await alice.ringing()).reject(603, "No Thanks")
    with pytest.raises(CallFailed) as failed:
        await dialing
    assert (failed.value.code, failed.value.reason) == (603, "No Thanks")
    assert not server.calls


async def test_a_placed_call_that_nobody_answers_is_taken_back(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri, timeout=20))
    incoming = await alice.ringing()
    with pytest.raises(CallFailed, match="408 no answer within 20 seconds"):
        await dialing
    assert (await incoming.wait_ended()).cause == "cancelled"
    await asyncio.sleep(1)
    assert not server.calls


async def test_a_cancelled_dial_is_taken_back(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    dialing = asyncio.create_task(server.dial(alice.uri))
    incoming = await alice.ringing()
    dialing.cancel()
    assert (await incoming.wait_ended()).cause == "cancelled"


async def test_a_host_that_does_not_answer_is_a_timeout(lab: Lab) -> None:
    server = await lab.server()
    with pytest.raises(CallFailed) as failed:
        await server.dial("sip:nobody@10.0.0.99")
    assert failed.value.code == 408
    assert not server.calls


@pytest.mark.parametrize("uri", ["", "alice", "sip:", "http://192.0.2.1", "sips:a@192.0.2.1"])
async def test_what_cannot_be_called_is_refused_at_once(lab: Lab, uri: str) -> None:
    server = await lab.server()
    with pytest.raises(ValueError, match="no address that can be called"):
        await server.dial(uri)
