"""Files of sound of other kinds: those that soundfile reads, and those of other packages."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
import tomllib
import wave
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from an_app import app_of
from typer.testing import CliRunner

from sems import Call, CallFailed, SoundNotFound
from sems.audio import brought, libsndfile
from sems.audio.decoding import Decoder
from sems.cli import app as command
from sems.config.files import FileSettings
from sems.testing import Hearing, Lab

PLUGIN = Path(__file__).parents[1] / "plugins" / "sems-vox"
Install = Callable[..., None]


def tone(hz: float, seconds: float, rate: int) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate)) / rate)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package with entry points ``sems.audio``."""
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(packages)
    modules: list[str] = []

    def install(name: str, code: str, version: str = "0.5", **entries: str) -> None:
        module = name.replace("-", "_")
        modules.append(module)
        (packages / f"{module}.py").write_text(code)
        about = packages / f"{module}-{version}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        lines = "".join(f"{entry} = {value}\n" for entry, value in entries.items())
        (about / "entry_points.txt").write_text(f"[sems.audio]\n{lines}")
        brought.load.cache_clear()

    yield install
    brought.load.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


def install_vox(install: Install) -> None:
    about = tomllib.loads((PLUGIN / "pyproject.toml").read_text())["project"]
    code = (PLUGIN / "sems_vox.py").read_text()
    install(about["name"], code, about["version"], **about["entry-points"]["sems.audio"])


def sox(source: Path, target: Path) -> None:
    program = shutil.which("sox")
    assert program, "sox is not installed: run the tests by `make test`"
    subprocess.run([program, source, target], check=True)


async def played(lab: Lab, name: str) -> Hearing:
    alice = await lab.phone("alice")
    await alice.call(f"sip:annc@sems;play={name}")
    return await alice.hear_all(20)


@pytest.mark.parametrize(
    ("ending", "rate", "options"),
    [
        (".flac", 44_100, {}),
        (".ogg", 16_000, {}),
        (".opus", 48_000, {"format": "OGG", "subtype": "OPUS"}),
        (".mp3", 44_100, {}),
        (".aiff", 22_050, {}),
    ],
)
async def test_what_soundfile_reads_is_played(
    lab: Lab, ending: str, rate: int, options: dict[str, str]
) -> None:
    folder = lab.folder / "sems" / "announcements"
    folder.mkdir(parents=True)
    # Two channels: one is silent, so that half of the other is heard.
    both = np.stack([tone(440, 1.5, rate), np.zeros(int(1.5 * rate))], axis=1)
    soundfile.write(folder / f"hello{ending}", both, rate, **options)
    await lab.server()
    for name in ("hello", f"hello{ending}"):
        heard = await played(lab, name)
        assert heard.has_tone(440)
        assert heard.seconds == pytest.approx(1.5, abs=0.3)
        assert heard.after(0.2).before(1).level == pytest.approx(-19.5, abs=1)


async def test_a_file_is_decoded_once_and_again_when_it_has_changed(lab: Lab) -> None:
    server = await lab.server()
    path = lab.folder / "hello.flac"
    soundfile.write(path, tone(440, 1, 8000), 8000)
    kept = lab.folder / "sems" / "cache" / "decoded"
    first, second = await asyncio.gather(server.sounds.load(path), server.sounds.load(path))
    (decoded,) = kept.iterdir()
    assert first.duration_ms == second.duration_ms == 1000
    assert server.sounds.ready(path) is not None
    stamp = decoded.stat().st_mtime_ns
    await server.sounds.load(path)
    assert decoded.stat().st_mtime_ns == stamp
    soundfile.write(path, tone(440, 2, 8000), 8000)
    assert server.sounds.ready(path) is None
    assert (await server.sounds.load(path)).duration_ms == 2000
    assert len(list(kept.iterdir())) == 2


# Says how long it is, and waits in the middle until it may go on, or breaks there.
_SLOW = """
import threading
from sems.audio.formats import Decoded
go, second = threading.Event(), bytes(16_000)
class Slow:
    suffixes = ('.slow',)
    def knows(self, beginning): return beginning.startswith(b'SLOW')
    def decode(self, path):
        def blocks():
            yield from [second] * 40
            assert go.wait(10)
            if path.stem == 'broken':
                raise RuntimeError('its disk is scratched')
            yield from [second] * 30
        return Decoded(8000, blocks(), 70 * 8000)
"""


async def test_a_long_file_can_be_played_before_it_is_decoded_to_its_end(
    install: Install, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    install("sems-slow", _SLOW, slow="sems_slow:Slow")
    for name in ("whole", "broken"):
        (tmp_path / f"{name}.slow").write_bytes(b"SLOW")
    decoder = Decoder(tmp_path / "decoded", FileSettings())
    async with asyncio.timeout(5):
        whole, broken = await asyncio.gather(
            *(decoder.native(tmp_path / f"{name}.slow") for name in ("whole", "broken"))
        )
    with wave.open(str(whole)) as file:
        assert file.getnframes() == 70 * 8000, "all that will be there"
    assert decoder.ready(tmp_path / "whole.slow") is None
    sys.modules["sems_slow"].go.set()
    with broken.open("rb") as playing:
        await asyncio.gather(*decoder._tasks)
        assert len(playing.read()) == 44 + 40 * 16_000, "it ends where it breaks"
    (record,) = caplog.records
    assert record.message == "a file can't be decoded to its end, and sounds as far"
    assert "its disk is scratched" in record.why  # type: ignore[attr-defined]
    # The name by which it is played goes on to lead to it.
    kept = decoder.ready(tmp_path / "whole.slow")
    assert kept is not None
    assert whole.resolve() == kept
    assert kept.stat().st_size == 44 + 70 * 16_000
    # What a process leaves that was killed is no sound, and goes.
    left = kept.with_name(".killed.wav.1")
    left.write_bytes(b"half")
    kept.unlink()
    assert (await decoder.native(tmp_path / "whole.slow")).stat().st_size == 44 + 70 * 16_000
    assert not left.exists()


# Waits after 40 seconds of it, after 130 and after 180 until it may go on.
_RISING = """
import threading
import numpy as np
from sems.audio.formats import Decoded
at, go = [{second: threading.Event() for second in (40, 130, 180)} for _ in range(2)]
def second(hz):
    return (12_000 * np.sin(2 * np.pi * hz * np.arange(8000) / 8000)).astype('<i2').tobytes()
class Rising:
    suffixes = ('.rising',)
    def knows(self, beginning): return beginning.startswith(b'RISING')
    def decode(self, path):
        def blocks():
            for number in range(200):
                if number in at:
                    at[number].set()
                    assert go[number].wait(10)
                yield second(400 if number < 60 else 700 if number < 120 else 1000)
        return Decoded(8000, blocks(), 200 * 8000)
"""


def while_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Coroutine[Any, Any, Any]]:
    """Has files decoded while the time of the lab goes on; returns what has it wait for a thread."""

    async def beside(decoder: Decoder, work: Callable[..., object], *args: object) -> object:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[object] = loop.create_future()

        def run() -> None:
            result = work(*args)
            loop.call_soon_threadsafe(done.set_result, result)

        threading.Thread(target=run, daemon=True).start()
        return await done

    monkeypatch.setattr(Decoder, "_in_thread", beside)
    return asyncio.to_thread


async def test_what_is_sought_before_it_is_decoded_is_waited_for_and_heard_whole(
    lab: Lab, install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("sems-rising", _RISING, rising="sems_rising:Rising")
    (path := lab.folder / "song.rising").write_bytes(b"RISING")
    waited = while_time_goes_on(monkeypatch)
    told: list[float] = []

    async def main(call: Call) -> None:
        await call.answer()
        sound = await call.server.sounds.open(path)
        assert sound[1] is not None, "it is being decoded"
        at, go = sys.modules["sems_rising"].at, sys.modules["sems_rising"].go
        await waited(at[40].wait, 10)
        playback = call.start_play(["tone:sine:1500:1000:-12", path])
        await call.sleep(1.5)
        # Of what is sought while something else is waited for, the last counts; and that it is held.
        playback.seek(131)
        playback.seek(71)
        playback.pause()
        go[40].set()
        await waited(at[130].wait, 10)
        await call.sleep(1)
        told.append(playback.position)
        playback.resume()
        await call.sleep(1)
        # Back to what is there, while what is not there is waited for.
        playback.seek(141)
        await call.sleep(1)
        told.append(playback.position)
        playback.seek(1)
        await call.sleep(1)
        # Behind the decoder, until that is there.
        playback.seek(141)
        await call.sleep(1)
        told.append(playback.position)
        go[130].set()
        await waited(at[180].wait, 10)
        await call.sleep(1)
        told.append(playback.position)
        go[180].set()
        playback.seek(201)
        assert await playback.wait()

    await lab.server(apps=[app_of(main)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    heard = await alice.hear_all(60)
    assert told == pytest.approx([71, 141, 141, 142], abs=0.4)
    tones = [
        hz
        for at in range(int(heard.seconds * 10) - 1)
        for hz in (1500, 400, 700, 1000)
        if (part := heard.after(at / 10).before(0.1)).has_tone(hz) and not part.is_silent
    ]
    order = [hz for number, hz in enumerate(tones) if number == 0 or tones[number - 1] != hz]
    assert order == [1500, 400, 700, 400, 1000], "each when it is there, and nothing of what is not"
    assert [tones.count(hz) for hz in (1500, 700, 1000)] == pytest.approx([10, 9, 8], abs=3)


async def test_a_long_file_is_heard_to_its_end_and_again(lab: Lab) -> None:
    folder = lab.folder / "sems" / "announcements"
    folder.mkdir(parents=True)
    parts = [tone(440, 50, 8000), tone(600, 20, 8000)]
    soundfile.write(folder / "hello.flac", np.concatenate(parts), 8000)
    await lab.server()
    alice = await lab.phone("alice")
    await alice.call("sip:annc@sems;play=hello;repeat=2")
    heard = await alice.hear_all(200)
    assert heard.seconds == pytest.approx(140, abs=0.5)
    for begin, hz in ((0.5, 440), (48, 440), (52, 600), (68, 600), (72, 440), (138, 600)):
        assert heard.after(begin).before(1).has_tone(hz), begin


async def test_what_is_decoded_has_its_limit_on_the_disk(lab: Lab) -> None:
    server = await lab.server(files={"decoded_megabytes": 1})
    kept = lab.folder / "sems" / "cache" / "decoded"
    for name, seconds in (("a", 20), ("b", 20), ("c", 10)):
        soundfile.write(lab.folder / f"{name}.flac", np.zeros(seconds * 16_000), 16_000)
        await server.sounds.load(lab.folder / f"{name}.flac")
    assert sum(path.stat().st_size for path in kept.iterdir()) < 1 << 20
    assert server.sounds.ready(lab.folder / "a.flac") is None
    assert server.sounds.ready(lab.folder / "c.flac") is not None
    soundfile.write(lab.folder / "long.flac", np.zeros(60 * 16_000), 16_000)
    with pytest.raises(SoundNotFound, match=r"long\.flac: decoded it is larger than the 1 MiB of \[files\]"):
        await server.sounds.load(lab.folder / "long.flac")
    assert not [path for path in kept.iterdir() if path.name.startswith(".")]


async def test_a_file_is_known_by_its_beginning_whatever_its_name_says(lab: Lab) -> None:
    server = await lab.server()
    soundfile.write(lab.folder / "a.flac", tone(440, 1, 8000), 8000)
    soundfile.write(lab.folder / "b.wav", tone(440, 1, 8000), 8000)
    shutil.move(lab.folder / "a.flac", lab.folder / "a.mp3")
    shutil.move(lab.folder / "b.wav", lab.folder / "b.bin")
    for name in ("a.mp3", "b.bin"):
        assert (await server.sounds.load(lab.folder / name)).duration_ms == 1000


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        (
            "broken.flac",
            b"fLaC" + bytes(100),
            "soundfile (comes with SEMS) can't read it: it is damaged, or of another kind than its name",
        ),
        (
            "junk.ogg",
            b"junk",
            "soundfile (comes with SEMS) can't read it: it is damaged, or of another kind than its name",
        ),
        ("junk.txt", b"junk", "nothing reads such files"),
        ("gone.flac", None, "no such file or directory"),
    ],
)
async def test_what_can_not_be_read_is_a_clear_error(
    lab: Lab, name: str, content: bytes | None, why: str
) -> None:
    server = await lab.server()
    if content is not None:
        (lab.folder / name).write_bytes(content)
    with pytest.raises(SoundNotFound) as error:
        await server.sounds.load(lab.folder / name)
    assert str(error.value).startswith(f"{lab.folder / name}: {why}")
    assert "\n" not in str(error.value)


async def test_without_soundfile_it_is_said_what_is_missing(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = lab.folder / "sems" / "announcements"
    folder.mkdir(parents=True)
    soundfile.write(folder / "hello.flac", tone(440, 1, 8000), 8000)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    monkeypatch.setattr(brought, "own", brought.own.__wrapped__)
    await lab.server()
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed, match="404"):
        await alice.call("sip:annc@sems;play=hello")
    (record,) = [one for one in caplog.records if one.message == "an announcement can't be played"]
    assert record.why.endswith("hello.flac: nothing reads such files: pip install 'sems[soundfile]'")  # type: ignore[attr-defined]
    monkeypatch.chdir(tmp_path)
    listed = CliRunner().invoke(command, ["plugins"]).output
    assert "not installed: " in listed
    assert libsndfile.INSTALL in listed


async def test_a_package_brings_a_format_that_another_program_writes(lab: Lab, install: Install) -> None:
    install_vox(install)
    folder = lab.folder / "sems" / "announcements"
    folder.mkdir(parents=True)
    soundfile.write(lab.folder / "tone.wav", tone(440, 1.5, 8000), 8000)
    sox(lab.folder / "tone.wav", folder / "hello.vox")
    await lab.server()
    heard = await played(lab, "hello")
    assert heard.has_tone(440)
    assert heard.seconds == pytest.approx(1.5, abs=0.3)
    # It is as loud, and next to nothing else is in it.
    middle = heard.after(0.2).before(1)
    assert middle.level == pytest.approx(-13.5, abs=1)
    assert middle.tone_level(440) == pytest.approx(middle.level, abs=0.1)


async def test_packages_that_are_broken_are_named_and_stop_no_other(
    lab: Lab,
    install: Install,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    install("sems-worse", "1 / 0\n", worse="sems_worse:Format")
    install("sems-odd", "format = 'no format'\n", odd="sems_odd:format")
    install("sems-half", "class Half:\n    suffixes = ('.half',)\n", half="sems_half:Half")
    install(
        "sems-dotless",
        "class Ends:\n    suffixes = '.end'\n    def knows(self, b): ...\n    def decode(self, p): ...\n",
        ends="sems_dotless:Ends",
    )
    install(
        "sems-fails",
        "from sems.audio.formats import Decoded\n"
        "class Fails:\n"
        "    suffixes = ('.fails',)\n"
        "    def knows(self, beginning): return False\n"
        "    def decode(self, path):\n"
        "        def blocks():\n"
        "            yield bytes(100)\n"
        "            raise RuntimeError('its disk is scratched')\n"
        "        return Decoded(8000, blocks())\n",
        fails="sems_fails:Fails",
    )
    install_vox(install)
    server = await lab.server()
    said = {record.plugin: record.why for record in caplog.records if hasattr(record, "plugin")}
    assert said == {
        "ends": 'its suffixes are not a list such as (".ogg", ".oga")',
        "half": "it lacks knows, decode, which every format has",
        "odd": "it is neither a codec (a PyCapsule) nor a format of files",
        "worse": "ZeroDivisionError: division by zero",
    }
    (lab.folder / "a.vox").write_bytes(bytes(8000))
    assert (await server.sounds.load(lab.folder / "a.vox")).duration_ms == 2000
    (lab.folder / "a.fails").write_bytes(bytes(10))
    why = r"fails \(sems-fails 0\.5\) can't read it: RuntimeError: its disk is scratched"
    with pytest.raises(SoundNotFound, match=why):
        await server.sounds.load(lab.folder / "a.fails")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(command, ["plugins"])
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "audio vox Dialogic ADPCM, 8 kHz." in lines
    assert lines[lines.index("audio vox Dialogic ADPCM, 8 kHz.") + 1] == "sems-vox 1.0"
    assert "audio soundfile FLAC, Ogg, MP3, AIFF and others, by libsndfile." in lines
    assert "audio worse DOES NOT LOAD: ZeroDivisionError: division by zero" in lines
    assert "sems-odd 0.5" in lines


@pytest.mark.parametrize("ending", [".flac", ".ogg", ".mp3", ".opus", ".wav"])
async def test_recordings_become_files_of_other_kinds(lab: Lab, ending: str) -> None:
    server = await lab.server()
    source, target = lab.folder / "take.wav", lab.folder / f"other{ending}"
    soundfile.write(source, tone(440, 1, 16_000), 16_000)
    await server.sounds.convert(source, target)
    samples, rate = soundfile.read(target)
    power = np.abs(np.fft.rfft(samples[: rate // 2])) ** 2
    assert np.argmax(power) * 2 == pytest.approx(440, abs=4)
    assert len(samples) / rate == pytest.approx(1, abs=0.1)
    await server.sounds.convert(target, lab.folder / "back.wav")
    with wave.open(str(lab.folder / "back.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)


async def test_what_nothing_writes_is_a_clear_error(lab: Lab, install: Install) -> None:
    install_vox(install)
    server = await lab.server()
    source = lab.folder / "take.wav"
    with pytest.raises(SoundNotFound, match=r"take\.wav can't be written as .*: FileNotFoundError"):
        await server.sounds.convert(source, lab.folder / "a.flac")
    soundfile.write(source, tone(440, 1, 8000), 8000)
    for name in ("a.xyz", "a.vox"):
        with pytest.raises(SoundNotFound, match="nothing writes such files"):
            await server.sounds.convert(source, lab.folder / name)


async def test_a_server_that_stops_waits_for_no_file_to_be_decoded(tmp_path: Path, install: Install) -> None:
    install(
        "sems-endless",
        "import threading, time\n"
        "from sems.audio.formats import Decoded\n"
        "begun = threading.Event()\n"
        "class Endless:\n"
        "    suffixes = ('.endless',)\n"
        "    def knows(self, beginning): return False\n"
        "    def decode(self, path):\n"
        "        def blocks():\n"
        "            while True:\n"
        "                yield bytes(2)\n"
        "                begun.set()\n"
        "                time.sleep(0.001)\n"
        "        return Decoded(8000, blocks())\n",
        endless="sems_endless:Endless",
    )
    path = tmp_path / "a.endless"
    path.write_bytes(b"x")
    decoder = Decoder(tmp_path / "decoded", FileSettings())
    decoding = asyncio.create_task(decoder.native(path))
    brought.load()
    await asyncio.to_thread(sys.modules["sems_endless"].begun.wait, 10)
    decoder.close()
    with pytest.raises(SoundNotFound, match=r"a\.endless: the server stops"):
        await decoding
    assert list((tmp_path / "decoded").iterdir()) == []
