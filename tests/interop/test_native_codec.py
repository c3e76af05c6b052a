"""A codec of another package, in calls: GSM by libgsm, with a phone that knows it."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

from peers.baresip import Baresip
from peers.sems_server import SemsServer
from sems.audio.codecs import include

PACKAGE = Path(__file__).parents[1] / "plugins" / "sems-gsm"


async def install(package: Path, to: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps"),
        *("--target", str(to), str(package)),
        env=os.environ | {"SEMS_INCLUDE": str(include())},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, said.decode()


def broken(to: Path, name: str, code: str) -> None:
    """Lays there an installed package that brings a codec of that name, with that code."""
    about = to / f"sems_{name}-0.5.dist-info"
    about.mkdir()
    (to / f"sems_{name}.py").write_text(code)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: sems-{name}\nVersion: 0.5\n")
    (about / "entry_points.txt").write_text(f"[sems.audio]\n{name} = sems_{name}:codec\n")


async def test_phones_talk_by_a_codec_that_a_package_brings_beside_packages_that_are_broken(
    tmp_path: Path,
) -> None:
    packages = tmp_path / "packages"
    # Built elsewhere, as building leaves files beside the sources.
    sources = tmp_path / "sources"
    sources.mkdir()
    for file in PACKAGE.iterdir():
        if file.is_file():
            (sources / file.name).write_bytes(file.read_bytes())
    await install(sources, packages)
    broken(packages, "worse", "1 / 0\n")
    broken(packages, "odd", "codec = 'no capsule'\n")
    path = os.pathsep.join([str(packages), os.environ.get("PYTHONPATH", "")])
    async with (
        asyncio.timeout(60),
        SemsServer(tmp_path, env={"PYTHONPATH": path}) as server,
        Baresip(tmp_path, "Anna", 440, codec="gsm") as anna,
        Baresip(tmp_path, "Ben", 700, codec="gsm") as ben,
        Baresip(tmp_path, "Cleo", 1000) as cleo,
    ):
        await server.logged("an audio plug-in could not be loaded.*plugin=odd.*origin='sems-odd 0.5'.*why=")
        await server.logged("an audio plug-in could not be loaded.*plugin=worse.*ZeroDivisionError")
        for phone in (anna, ben, cleo):
            await phone.dial(server.uri("standup"))
            await phone.event("CALL_ESTABLISHED")
        await anna.hears_these([700, 1000])
        await ben.hears_these([440, 1000])
        await cleo.hears_these([440, 700])
        lines = (await server.operator("/calls"))["calls"]
        assert sorted(line["codec"] for line in lines) == ["GSM", "GSM", "PCMU"]
        for phone in (anna, ben, cleo):
            await phone.hang_up()
    listed = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sems", "plugins"),
        env=os.environ | {"PYTHONPATH": path},
        stdout=asyncio.subprocess.PIPE,
    )
    told = (await listed.communicate())[0].decode()
    assert re.search(r"^audio +GSM +codec\n +sems-gsm 1\.0$", told, re.MULTILINE), told
    assert re.search(r"^audio +worse +DOES NOT LOAD: ZeroDivisionError", told, re.MULTILINE), told
