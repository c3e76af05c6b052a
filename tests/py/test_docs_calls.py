"""The programs of docs/calls.md do what the page says."""

from __future__ import annotations

import asyncio
import math
import re
import wave
from array import array
from pathlib import Path

import httpx
import pytest

from sems import CallFailed, Server, Speech
from sems.testing import Hearing, Lab

PAGE = (Path(__file__).parents[2] / "docs" / "calls.md").read_text()


async def serving(lab: Lab, folder: Path, name: str, **settings: object) -> Server:
    """A server with the program of that name, in which other machines are phones of the lab."""
    (code,) = re.findall(rf"^```python\n# {name}\.py\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    script = folder / f"{name}.py"
    script.write_text(re.sub(r"(\w+)@192\.0\.2\.7", r"\1@\1", code))
    return await lab.server(scripts=[script], routes=[{"app": name}], **settings)


class Whistle:
    """A voice in place of one that has to be installed."""

    async def speak(self, text: str, language: str) -> Speech:
        samples = (round(8000 * math.sin(2 * math.pi * 1500 * n / 8000)) for n in range(4000))
        return Speech(array("h", samples).tobytes(), 8000)


async def test_the_doorman_rejects_redirects_and_is_heard_before_the_answer(lab: Lab, tmp_path: Path) -> None:
    await serving(lab, tmp_path, "doorman")
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="603 Not Today"):
        await alice.call("sip:door@sems", headers=[("Blocked", "yes")])
    with pytest.raises(CallFailed) as failed:
        await alice.call("sip:old-number@sems")
    assert (failed.value.code, failed.value.targets) == (302, ("sip:new-number@example.org",))
    call = await alice.dial("sip:door@sems")
    await call.wait_media()
    early = await alice.hear(1.5)
    assert call.answered_at is None
    assert early.level > -40
    await call.wait_answered()
    assert alice.headers["X-Desk"] == "7"


async def test_the_box_asks_says_and_records(lab: Lab, tmp_path: Path) -> None:
    server = await serving(lab, tmp_path, "box")
    server.voice = Whistle()
    asked: list[str] = []

    def jingle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        path = lab.folder / "jingle.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(1600))
        return httpx.Response(200, content=path.read_bytes())

    server.sounds.downloads.transport = httpx.MockTransport(jingle)
    alice = await lab.phone("alice")
    await alice.call("sip:box@sems")
    await alice.key("12#")  # too short
    await asyncio.sleep(0.5)
    await alice.key("12345#")
    heard = await alice.hear(2)
    assert asked == ["https://sounds.example/jingle.wav"]
    assert heard.has_tone(1500), "the text is spoken"
    alice.tone(440)
    await asyncio.sleep(2)
    await alice.key("#")
    alice.silence()
    assert (await alice.hear(3)).has_tone(440), "what was said is played"


@pytest.mark.parametrize(("does", "outcome"), [("answers", "answered"), ("is busy", 302), ("is gone", 404)])
async def test_the_switchboard_puts_through_or_says_why_not(
    lab: Lab, tmp_path: Path, does: str, outcome: object
) -> None:
    await serving(lab, tmp_path, "switchboard")
    alice, anna, ben = [await lab.phone(name) for name in ("alice", "anna", "ben")]
    call = await alice.dial("sip:desk@sems")
    first, second = await anna.ringing(), await ben.ringing()
    assert first.caller_name == "alice"
    if does == "answers":
        await first.answer()
        await call.wait_answered()
        assert (await second.wait_ended()).cause == "cancelled"
        return
    for ringing in (first, second):
        await ringing.reject(486 if does == "is busy" else 404)
    assert (await call.wait_ended()).code == outcome


async def test_several_things_at_once_end_together(lab: Lab, tmp_path: Path) -> None:
    server = await serving(lab, tmp_path, "timed")
    alice = await lab.phone("alice")
    await alice.call("sip:timed@sems")
    await alice.key("5")
    heard = await alice.hear_all()
    assert heard.seconds > 0.5
    assert isinstance(heard, Hearing)
    await asyncio.sleep(1)
    assert not server.calls


async def test_the_guest_of_the_meeting_is_a_listener(lab: Lab, tmp_path: Path) -> None:
    server = await serving(lab, tmp_path, "meeting", rooms={"default": {"pin": "1234"}})
    alice = await lab.phone("alice")
    await alice.call("sip:meeting@sems")
    await asyncio.sleep(1)
    conference = server.conferences.find("standup")
    assert conference is not None
    (participant,) = conference.model.participants.values()
    assert (participant.name, participant.role, participant.muted_by_self) == ("A guest", "listener", True)
