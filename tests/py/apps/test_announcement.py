"""The app ``announcement``."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
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


@pytest.mark.parametrize("app", ["announcement", "precall"])
async def test_nothing_else_waits_while_it_is_looked_for_on_a_slow_disk(
    lab: Lab, make_tone: MakeTone, app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "another.wav", 440, 1)
    await lab.server(routes=[{"user": "[0-9]+", "app": app, "params": {"then": "refuse"}}])
    alice = await lab.phone("alice")
    asked: list[tuple[str, bool]] = []
    isfile = os.path.isfile

    def slow(path: str) -> bool:
        asked.append((os.path.basename(path), threading.current_thread() is threading.main_thread()))
        return isfile(path)

    monkeypatch.setattr(os.path, "isfile", slow)
    with contextlib.suppress(CallFailed):
        await alice.call("sip:100@sems")
        await alice.ended()
    looked_for = [by_the_loop for name, by_the_loop in asked if name.startswith("100.")]
    assert looked_for
    assert not any(looked_for)


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
async def test_nothing_outside_of_the_folders_is_played(
    lab: Lab, make_tone: MakeTone, play: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    folder = lab.folder / "sems" / "announcements"
    make_tone(folder / "a" / "hello.wav", 440)
    secret = make_tone(lab.folder / "sems" / "secret.wav", 600)
    (folder / "way-out.wav").symlink_to(secret)
    await lab.server(trusted=NEIGHBOURS, routes=ROUTES)
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed) as failed:
        await alice.call(f"sip:annc@sems;play={play}")
    assert failed.value.code == 404
    (told,) = [record for record in caplog.records if record.message == "there is no such announcement"]
    assert str(lab.folder / "sems" / "announcements") in told.folders  # type: ignore[attr-defined]
    heard = await heard_by(alice, "sip:1@sems", f"play={play}")
    assert not heard.is_silent
    assert not heard.has_tone(600)


async def test_an_absolute_path_is_no_name(lab: Lab, make_tone: MakeTone) -> None:
    secret = make_tone(lab.folder / "secret.wav", 600)
    await lab.server()
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed):
        await alice.call(f"sip:annc@sems;play={secret}")


async def test_a_file_that_is_no_sound_is_refused_before_the_answer_and_logged(
    lab: Lab, make_tone: MakeTone, caplog: pytest.LogCaptureFixture
) -> None:
    folder = lab.folder / "sems" / "announcements"
    folder.mkdir(parents=True)
    (folder / "hello.wav").write_bytes(b"this is no sound")
    make_tone(folder / "default.wav", 900)
    await lab.server(trusted=NEIGHBOURS, routes=ROUTES)
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="404 That Announcement Can Not Be Read"):
        await alice.call("sip:annc@sems;play=hello")
    (record,) = [one for one in caplog.records if one.message == "an announcement can't be played"]
    assert "hello.wav" in record.why  # type: ignore[attr-defined]
    assert (await heard_by(alice, "sip:1@sems", "play=hello")).has_tone(900)


async def test_a_file_that_was_replaced_is_read_again(lab: Lab, make_tone: MakeTone) -> None:
    path = lab.folder / "sems" / "announcements" / "hello.wav"
    make_tone(path, 440, 1)
    await lab.server()
    alice = await lab.phone("alice")
    assert (await heard_by(alice, "sip:annc@sems;play=hello")).has_tone(440)
    make_tone(path, 600, 1.5)
    assert (await heard_by(alice, "sip:annc@sems;play=hello")).has_tone(600)


async def test_domain_and_language_choose_the_file(lab: Lab, make_tone: MakeTone) -> None:
    """The domain's own comes first, then the caller's language, then that of the configuration."""
    folder = lab.folder / "sems" / "announcements"
    files = {
        "sems/de/100": 440, "sems/100": 500, "de/100": 560, "100": 620, "de/200": 680, "fr/200": 740,
        "sems/300": 800, "it/300": 860, "de-CH/400": 920, "de/400": 980, "other.example/default": 1040,
        "default": 1100, "fr/500": 1160, "es/500": 1220, "de-CH/600": 1280,
    }  # fmt: skip
    for name, hz in files.items():
        make_tone(folder / f"{name}.wav", hz, 0.5)
    await lab.server(routes=ROUTES, trusted=NEIGHBOURS, announcements={"language": "fr"})
    alice = await lab.phone("alice")

    async def hears(uri: str, param: str = "", accept: str = "") -> str:
        headers = [("P-App-Param", param)] if param else []
        headers += [("Accept-Language", accept)] if accept else []
        call = await alice.call(uri, headers=headers)
        heard = await alice.hear_all(10)
        assert call.end is not None
        (name,) = [name for name, hz in files.items() if heard.has_tone(hz)]
        return name

    assert await hears("sip:100@sems", "language=de") == "sems/de/100"
    assert await hears("sip:100@sems", accept="it, de;q=0.5") == "sems/de/100"
    assert await hears("sip:100@sems", accept="it") == "sems/100"
    assert await hears("sip:200@sems", accept="de-AT") == "de/200"
    assert await hears("sip:200@sems") == "fr/200"
    assert await hears("sip:200@sems", accept="fr;q=0.1, de;q=0.9") == "de/200"
    assert await hears("sip:300@sems", "language=it") == "sems/300"
    assert await hears("sip:400@sems", accept="de-ch") == "de-CH/400"
    assert await hears("sip:400@sems", accept="de-at, de-ch;q=0") == "de/400"
    assert await hears("sip:500@sems", "language=es", accept="fr") == "es/500"
    assert await hears("sip:500@sems", "language=..", accept="../fr") == "fr/500"
    assert await hears("sip:999@sems", accept="de") == "default"
    assert await hears("sip:annc@sems;play=400;locale=de_CH") == "de-CH/400"
    assert await hears("sip:annc@sems;play=200;locale=ca_FR", accept="it") == "fr/200"
    assert await hears("sip:annc@sems;play=400;locale=de_LU") == "de/400"
    assert await hears("sip:annc@sems;play=600;locale=de") == "de-CH/600"
    assert await hears("sip:annc@sems;play=600;locale=rm_CH") == "de-CH/600"
    assert await hears("sip:annc@sems;play=600;locale=rm_CH", accept="de-AT") == "de-CH/600"
    with pytest.raises(CallFailed, match="404"):
        await hears("sip:annc@sems;play=600;locale=it")


async def test_the_shipped_one_is_in_the_language_of_the_caller(lab: Lab) -> None:
    server = await lab.server(routes=ROUTES, announcements={"language": "de"})
    spoken = server.sounds.spoken
    assert spoken("default-announcement", "fr", "de-AT").parent.name == "de"
    assert spoken("default-announcement", "en", "de").parent.name == "prompts"
    alice = await lab.phone("alice")
    lengths = []
    for accept in ("en", "de", "fr"):
        await alice.call("sip:999@sems", headers=[("Accept-Language", accept)])
        lengths.append((await alice.hear_all(60)).seconds)
    english, german, neither = lengths
    assert abs(english - german) > 0.1
    assert neither == pytest.approx(german, abs=0.05)


async def test_rfc_4240_delay_is_silence_between_repetitions_and_duration_ends_all(
    lab: Lab, make_tone: MakeTone
) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "hello.wav", 440, 1)
    await lab.server()
    alice = await lab.phone("alice")
    heard = await heard_by(alice, "sip:annc@sems;play=hello;repeat=3;delay=2000")
    assert heard.seconds == pytest.approx(7, abs=0.3)
    for begin in (0.1, 3.1, 6.1):
        assert heard.after(begin).before(0.7).has_tone(440)
    for begin in (1.3, 4.3):
        assert heard.after(begin).before(1.4).is_silent
    heard = await heard_by(alice, "sip:annc@sems;play=hello;repeat=forever;duration=4500")
    assert heard.seconds == pytest.approx(4.5, abs=0.3)
    assert heard.after(4).has_tone(440)
    heard = await heard_by(alice, "sip:annc@sems;play=hello;repeat=forever;delay=500;duration=2600")
    assert heard.seconds == pytest.approx(2.6, abs=0.3)


async def test_forever_is_no_longer_than_is_configured(lab: Lab, make_tone: MakeTone) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "hello.wav", 440, 1)
    await lab.server(announcements={"seconds": 10})
    heard = await heard_by(await lab.phone("alice"), "sip:annc@sems;play=hello;repeat=forever;duration=60000")
    assert heard.seconds == pytest.approx(10, abs=0.3)


async def test_rfc_4240_wants_a_name_and_passes_over_what_it_does_not_know(
    lab: Lab, make_tone: MakeTone
) -> None:
    make_tone(lab.folder / "sems" / "announcements" / "hello.wav", 440)
    await lab.server()
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="400 No Announcement Is Named"):
        await alice.call("sip:annc@sems")
    uri = "sip:annc@sems;play=hello;param1=7;content-type=audio/x;delay=soon;duration=-3"
    assert (await heard_by(alice, uri)).seconds == pytest.approx(1, abs=0.3)


async def test_the_files_of_a_telephone_are_played(lab: Lab, make_tone: MakeTone) -> None:
    """Raw G.711, by the ends of their names."""
    folder = lab.folder / "sems" / "announcements"
    folder.mkdir(parents=True)
    # A tone of 1 kHz in the codes of ITU-T G.711, table 5 and 6.
    period = {".ulaw": "1e0b0b1e9e8b8b9e", ".al": "34212134b4a1a1b4"}
    for ending, codes in period.items():
        (folder / f"raw{ending[1]}{ending}").write_bytes(bytes.fromhex(codes) * 1000)
    (folder / "UPPER.ULAW").write_bytes(bytes.fromhex(period[".ulaw"]) * 1000)
    await lab.server()
    alice = await lab.phone("alice")
    for name in ("rawu", "rawa", "rawu.ulaw", "UPPER", "UPPER.ULAW"):
        heard = await heard_by(alice, f"sip:annc@sems;play={name}")
        assert heard.has_tone(1000), name
        assert heard.seconds == pytest.approx(1, abs=0.3)
