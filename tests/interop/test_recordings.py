"""Sound in files and programs, with phones that we did not write, real time and real disks."""

from __future__ import annotations

import asyncio
import re
import resource
import shutil
import signal
import subprocess
from array import array
from pathlib import Path

from peers.baresip import Baresip
from peers.sems_server import SemsServer
from peers.tones import hears, tail, tone_level

HERE = Path(__file__).parent


def soxi(path: Path, what: str) -> str:
    """What sox says of a file, which complains of headers that are wrong."""
    program = shutil.which("soxi")
    assert program, "sox is not installed: run the tests by `make test`"
    told = subprocess.run([program, what, str(path)], capture_output=True, text=True, timeout=10, check=True)
    assert told.stderr == "", told.stderr
    return told.stdout.strip()


def sox(path: Path, channel: int = 1) -> array[int]:
    """The samples of a channel as sox reads them."""
    program = shutil.which("sox")
    assert program, "sox is not installed: run the tests by `make test`"
    command = [program, str(path), "-t", "raw", "-e", "signed", "-b", "16", "-L", "-", "remix", str(channel)]
    told = subprocess.run(command, capture_output=True, timeout=10, check=True)
    assert told.stderr == b"", told.stderr
    return array("h", told.stdout)


async def grows_to(path: Path, size: int) -> None:
    """Waits until the file has so many bytes."""
    async with asyncio.timeout(15):
        # A file has no other sign of growing.
        while not path.exists() or path.stat().st_size < size:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def test_recordings_outlive_a_server_that_is_killed(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    routes = '[[routes]]\napp = "recorder"\n'
    script = str(HERE / "recorder.py")
    async with (
        SemsServer(tmp_path, script, config=routes, env={"RECORDINGS": str(folder)}) as server,
        Baresip(tmp_path, "Anna", 440) as anna,
        Baresip(tmp_path, "Ben", 700) as ben,
    ):
        await anna.dial(server.uri("room"))
        await ben.dial(server.uri("room"))
        # Three seconds of sound are in the last file to be begun.
        await grows_to(folder / "Ben.wav", 44 + 3 * 32_000)
        server.process.send_signal(signal.SIGKILL)
        await server.process.wait()
        # They would repeat their BYE to nobody for half a minute each.
        for phone in (anna, ben):
            phone.process.kill()
    room = sorted((folder / "room").iterdir())
    assert len(room) == 3
    lengths = [int(soxi(path, "-s")) for path in room]
    # All were told at the same moments how long they are.
    assert min(lengths) > 2 * 8000
    assert max(lengths) - min(lengths) <= 8000
    mix, *members = [sox(path) for path in (folder / "room" / "mix.wav", *room[:2])]
    assert hears(tail(mix, 1), 440)
    assert hears(tail(mix, 1), 700)
    voices = [[hz for hz in (440, 700) if hears(tail(member, 1), hz)] for member in members]
    assert sorted(voices) == [[440], [700]]
    for path in (folder / "Anna.wav", folder / "Ben.wav"):
        assert (soxi(path, "-c"), soxi(path, "-r"), soxi(path, "-b")) == ("2", "8000", "16")
        assert int(soxi(path, "-s")) > 8000
    # What the phone says is on the left, what it hears on the right.
    left, right = sox(folder / "Anna.wav", 1), sox(folder / "Anna.wav", 2)
    assert hears(tail(left, 1), 440)
    assert not hears(tail(left, 1), 700)
    assert hears(tail(right, 1), 700)
    assert not hears(tail(right, 1), 440)


async def test_a_disk_that_is_full_ends_the_recording_and_not_the_call(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    most = 50_000
    routes = '[[routes]]\napp = "recorder"\n'
    script = str(HERE / "recorder.py")
    async with (
        SemsServer(tmp_path, script, config=routes, env={"RECORDINGS": str(folder)}) as server,
        Baresip(tmp_path, "Anna", 440) as anna,
    ):
        # From now on no file of its may grow beyond that, as on a disk that is full.
        pid = server.process.pid
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
        await anna.dial(server.uri("room"))
        await server.logged(r"a recording could not be written on.*Anna\.wav: file too large")
        await server.logged(r"the call goes on.*file too large")
        (call,) = (await server.operator("/calls"))["calls"]
        assert call["state"] == "answered"
        await anna.hang_up()
    path = folder / "Anna.wav"
    frames = int(soxi(path, "-s"))
    # What came before is there, to the last whole piece, and nothing behind it.
    assert path.stat().st_size == 44 + 4 * frames <= most
    assert frames > 10_000
    assert hears(tail(sox(path), 1), 440)


async def test_a_program_hears_a_phone_and_answers_it(tmp_path: Path) -> None:
    routes = '[[routes]]\napp = "talker"\n'
    async with (
        SemsServer(tmp_path, str(HERE / "talker.py"), config=routes) as server,
        Baresip(tmp_path, "Anna", 800) as anna,
    ):
        await anna.dial(server.uri("talker"))
        await asyncio.sleep(3)  # what it hears is recorded in real time
        await anna.hang_up()
        told = await server.logged(r"it was heard to the end.*dropped.*")
        assert re.search(r"dropped\W*(=|:)\W*0\b", re.sub(r"\x1b\[[0-9;]*m", "", told.group()))
    heard = tail(anna.recording(), 1.5)
    assert hears(heard, 400), tone_level(heard, 400)
