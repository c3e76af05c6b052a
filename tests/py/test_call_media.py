"""What an app does with the audio of a call."""

from __future__ import annotations

import asyncio
import wave

import pytest
from an_app import app_of, failures

from sems import Call, CallEvent, Digit, EngineError, Prompt, SoundNotFound
from sems.shipped import shipped
from sems.testing import Lab

LONG_TONE = Prompt.tone("sine:440:10000:-12")


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


async def test_what_a_network_tells_its_callers_has_names_for_each_country(lab: Lab) -> None:
    async def main(call: Call) -> None:
        await call.answer()
        await call.play("tone:busy:us", repeat=2)
        with pytest.raises(SoundNotFound):
            await call.play("tone:busy:nowhere")
        await call.play(["tone:dial:fr", "tone:special"])

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert heard.before(0.4).has_tone(480)
    assert heard.before(0.4).has_tone(620)
    assert heard.after(0.6).before(0.3).is_silent
    assert heard.after(2.2).before(0.6).has_tone(440)


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


async def test_what_is_no_sound_is_a_clear_error(lab: Lab) -> None:
    errors: list[Exception] = []

    async def main(call: Call) -> None:
        await call.answer()
        for attempt in (
            call.tone("gong"),
            call.play("no-such-sound"),
            call.play(lab.folder / "gone.wav"),
        ):
            try:
                await attempt
            except SoundNotFound as error:
                errors.append(error)
        with pytest.raises(ValueError, match="nothing to play"):
            call.start_play([])
        with pytest.raises(ValueError, match="number of times"):
            call.start_play("welcome", repeat=-1)
        await call.tone("beep")

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert "beep, join, " in str(errors[0])
    assert [str(error).partition(":")[0] for error in errors] == [
        "there is no tone 'gong'",
        f"there is no sound named 'no-such-sound' in {lab.folder}/sems/announcements, "
        f"{lab.folder}/sems/prompts, {shipped('apps')}/prompts",
        f"{lab.folder}/gone.wav",
    ]


async def test_keys_can_be_asked_for_without_a_word(lab: Lab) -> None:
    answers: list[str] = []

    async def main(call: Call) -> None:
        await call.answer()
        answers.append(await call.ask(digits=2))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.key("42")
    await alice.ended()
    assert answers == ["42"]


async def test_many_files_can_be_played_one_after_the_other(lab: Lab) -> None:
    played: list[bool] = []

    async def main(call: Call) -> None:
        await call.answer()
        digits = [f"digit-{digit}" for digit in range(10)]
        played.append(await call.start_play(digits).wait())
        # From memory this time.
        played.append(await call.start_play(digits).wait())

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all()
    assert played == [True, True]
    assert not heard.is_silent


async def test_an_echo_of_an_hour_is_an_error(lab: Lab) -> None:
    said: list[str] = []

    async def main(call: Call) -> None:
        await call.answer()
        for delay in (3600.0, -1.0):
            with pytest.raises(ValueError, match="delay has to be a number of seconds from 0 to 10") as error:
                await call.echo(True, delay=delay)
            said.append(str(error.value))

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.ended()
    assert said[1].endswith("not -1.0")
