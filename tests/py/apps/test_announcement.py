"""The app ``announcement``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from sems import CallFailed
from sems.testing import Hearing, Lab, Phone

MakeTone = Callable[..., Path]
NEIGHBOURS = ["10.0.0.0/8"]
ROUTES = [{"user": "[0-9]+", "app": "announcement"}]


async def heard_by(phone: Phone, uri: str, param: str | None = None) -> Hearing:
    """What the phone hears from the answer to the end of the call, which is ended by the other side."""
    call = await phone.call(uri, headers=[("P-App-Param", param)] if param else [])
    heard = await phone.hear_all(60)
    assert call.end is not None
    assert call.end.cause == "remote"
    return heard


async def test_the_file_of_the_dialled_user_is_played_and_then_it_hangs_up(
    lab: Lab, make_tone: MakeTone
) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "100.wav", 440, 2)
    await lab.server(routes=ROUTES)
    heard = await heard_by(await lab.phone("alice"), "sip:100@sems")
    assert heard.has_tone(440)
    assert heard.seconds == pytest.approx(2, abs=0.3)


async def test_the_call_ends_when_the_last_sample_is_heard(lab: Lab, make_tone: MakeTone) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "100.wav", 440, 1)
    await lab.server(routes=ROUTES)
    heard = await heard_by(await lab.phone("alice"), "sip:100@sems")
    assert sum(sample != 0 for sample in heard.pcm) > 0.97 * 8000


async def test_without_a_file_of_its_own_the_shipped_one_is_played(lab: Lab) -> None:
    await lab.server(routes=ROUTES)
    heard = await heard_by(await lab.phone("alice"), "sip:999@sems")
    assert heard.seconds > 1
    assert not heard.is_silent


@pytest.mark.parametrize(("repeat", "seconds"), [("1", 1), ("3", 3), ("0", 1), ("often", 1)])
async def test_it_is_repeated_as_asked_for(lab: Lab, make_tone: MakeTone, repeat: str, seconds: int) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "hello.wav", 440, 1)
    await lab.server(routes=ROUTES, trusted=NEIGHBOURS)
    heard = await heard_by(await lab.phone("alice"), "sip:1@sems", f"play=hello;repeat={repeat}")
    assert heard.has_tone(440)
    assert heard.seconds == pytest.approx(seconds, abs=0.3)


async def test_forever_is_until_the_caller_hangs_up(lab: Lab, make_tone: MakeTone) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "hello.wav", 440, 1)
    server = await lab.server(routes=ROUTES, trusted=NEIGHBOURS)
    alice = await lab.phone("alice")
    call = await alice.call("sip:1@sems", headers=[("P-App-Param", "play=hello;repeat=forever")])
    await asyncio.sleep(120)
    assert call.end is None
    assert (await alice.hear(1)).has_tone(440)
    await alice.hang_up()
    await asyncio.sleep(1)
    assert not server.calls


async def test_folders_are_searched_in_their_order(lab: Lab, make_tone: MakeTone) -> None:
    make_tone(lab.folder / "a" / "hello.wav", 440)
    make_tone(lab.folder / "b" / "hello.wav", 600)
    make_tone(lab.folder / "b" / "deep" / "er.wav", 900)
    folders = [lab.folder / "gone", lab.folder / "a", lab.folder / "b"]
    await lab.server(announcements={"folders": folders})
    alice = await lab.phone("alice")
    assert (await heard_by(alice, "sip:annc@sems;play=hello")).has_tone(440)
    assert (await heard_by(alice, "sip:annc@sems;play=deep/er.wav")).has_tone(900)


async def test_rfc_4240_names_the_announcement_in_the_uri(lab: Lab, make_tone: MakeTone) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "hello.wav", 440)
    await lab.server()
    heard = await heard_by(await lab.phone("alice"), "sip:annc@sems;play=hello;repeat=2")
    assert heard.has_tone(440)
    assert heard.seconds == pytest.approx(2, abs=0.3)


@pytest.mark.parametrize(
    "play",
    [
        "gone",
        "../secret",
        "%2e%2e/secret",
        "a/../../secret",
        "/etc/secret",
        "file:///etc/passwd",
        "http://192.0.2.1/hello.wav",
        "way-out",
        "%00",
    ],
)
async def test_nothing_outside_of_the_folders_is_played(lab: Lab, make_tone: MakeTone, play: str) -> None:
    folder = lab.folder / "sems" / "announcements"
    make_tone(folder / "a" / "hello.wav", 440)
    secret = make_tone(lab.folder / "sems" / "secret.wav", 600)
    (folder / "way-out.wav").symlink_to(secret)
    await lab.server(trusted=NEIGHBOURS, routes=ROUTES)
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed) as failed:
        await alice.call(f"sip:annc@sems;play={play}")
    assert failed.value.code == 404
    heard = await heard_by(alice, "sip:1@sems", f"play={play}")
    assert not heard.is_silent
    assert not heard.has_tone(600)


async def test_an_absolute_path_is_no_name(lab: Lab, make_tone: MakeTone) -> None:
    secret = make_tone(lab.folder / "secret.wav", 600)
    await lab.server()
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed):
        await alice.call(f"sip:annc@sems;play={secret}")


async def test_a_file_that_is_no_wav_ends_the_call_and_is_logged(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    folder = lab.folder / "sems" / "announcements"
    folder.mkdir(parents=True)
    (folder / "hello.wav").write_bytes(b"this is no sound")
    await lab.server()
    alice = await lab.phone("alice")
    assert (await heard_by(alice, "sip:annc@sems;play=hello")).is_silent
    (record,) = [record for record in caplog.records if record.message == "an app failed"]
    assert record.exc_info is not None
    assert "hello.wav" in str(record.exc_info[1])


async def test_a_file_that_was_replaced_is_read_again(lab: Lab, make_tone: MakeTone) -> None:
    path = lab.folder / "sems" / "announcements" / "hello.wav"
    make_tone(path, 440, 1)
    await lab.server()
    alice = await lab.phone("alice")
    assert (await heard_by(alice, "sip:annc@sems;play=hello")).has_tone(440)
    make_tone(path, 600, 1.5)
    assert (await heard_by(alice, "sip:annc@sems;play=hello")).has_tone(600)
