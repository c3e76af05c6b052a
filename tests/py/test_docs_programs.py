"""Programs and parts of packages that the documentation shows do what their pages say."""

from __future__ import annotations

import asyncio
import itertools
import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import soundfile

from sems.audio import brought
from sems.client import Client
from sems.testing import Lab

DOCS = Path(__file__).parents[2] / "docs"
Install = Callable[[str, str], None]


def shown(page: str, mark: str, language: str = "python") -> str:
    """The one piece of code of a page that has this in it."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    (code,) = (block for block in blocks if mark in block)
    return str(code)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a package with the code and the entry point that a page shows."""
    packages = tmp_path / "packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(packages)
    modules: list[str] = []

    def install(code: str, project: str) -> None:
        ((group, entries),) = tomllib.loads(project)["project"]["entry-points"].items()
        ((name, place),) = entries.items()
        module = place.partition(":")[0]
        modules.append(module)
        (packages / f"{module}.py").write_text(code)
        about = packages / f"{module}-1.0.dist-info"
        about.mkdir()
        package = module.replace("_", "-")
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {place}\n")
        brought.load.cache_clear()

    yield install
    brought.load.cache_clear()
    for module in modules:
        sys.modules.pop(module, None)


async def test_a_program_is_told_who_speaks_until_the_conference_is_over(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    server = await lab.server(operator={"token": "operator-for-tests"})
    anna, ben = await lab.phone("anna"), await lab.phone("ben")
    await anna.call("sip:standup@sems")
    await ben.call("sip:standup@sems")
    assert server.web_app is not None
    transport = httpx.ASGITransport(server.web_app)
    names: dict[str, Any] = {}
    exec(shown("conference.md", "# who_speaks.py\n"), names)
    names["Client"] = lambda url, token: Client(url, token, transport=transport)
    # What is read of a stream without a network is read when it is over.
    following = asyncio.create_task(names["follow"]("http://sems.test", "operator-for-tests"))
    await asyncio.sleep(1)
    ben.tone(440)
    await asyncio.sleep(1)
    await ben.hang_up()
    await asyncio.sleep(1)
    await anna.hang_up()
    await following
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "voice_changed ben"
    assert [line for line in told if line.startswith("left")] == ["left ben", "left anna"]


@pytest.mark.parametrize("end", ["a key", "hanging up"])
async def test_the_keeper_makes_another_file_of_what_was_said(lab: Lab, tmp_path: Path, end: str) -> None:
    script = tmp_path / "keeper.py"
    script.write_text(shown("file-formats.md", "# keeper.py\n"))
    server = await lab.server(scripts=[script], routes=[{"app": "keeper"}])
    anna = await lab.phone("anna")
    await anna.call("sip:keeper@sems")
    anna.tone(440)
    await asyncio.sleep(2)
    if end == "a key":
        await anna.key("#")
        await anna.ended()
    else:
        await anna.hang_up()
    await asyncio.sleep(1)
    samples, rate = soundfile.read(server.config.data / "take.flac", dtype="int16")
    assert rate == 16_000
    assert len(samples) / rate == pytest.approx(2, abs=0.3)
    assert abs(samples[rate // 2 : rate]).max() > 3000, "the tone is in it"


async def test_a_format_of_a_package_is_played_as_any_other(lab: Lab, install: Install) -> None:
    project = shown("file-formats.md", "sems_vox", "ini").replace("vox", "clicks").replace("Vox", "Clicks")
    install(shown("file-formats.md", "class Clicks"), project)
    server = await lab.server()
    folder = server.config.data / "announcements"
    folder.mkdir()
    (folder / "clicking.clicks").write_bytes(b"CLICKS" + bytes([200, 250, 100]))
    anna = await lab.phone("anna")
    await anna.call("sip:annc@sems;play=clicking")
    heard = (await anna.hear_all()).pcm
    clicks = [at for at, sample in enumerate(heard) if sample > 20_000]
    pauses = [(after - before) / 8 for before, after in itertools.pairwise(clicks)]
    assert pauses == pytest.approx([250, 100], abs=1)


async def test_mail_goes_by_pigeon_and_waits_when_none_is_left(
    lab: Lab, install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    install(shown("components.md", "class PigeonMailer"), shown("components.md", "pigeon_post", "ini"))
    components = tomllib.loads(shown("components.md", "pigeon-post", "toml"))["components"]
    server = await lab.server(
        components=components,
        boxes={"cleo": {"email": "cleo@example.com", "delivery": "email"}},
        routes=[{"app": "voicemail", "user": "cleo"}],
    )
    mailer: Any = server.components.mailer
    anna = await lab.phone("anna")

    async def speak() -> None:
        await anna.call("sip:cleo@sems")
        await asyncio.sleep(10)
        anna.tone(440)
        await asyncio.sleep(2)
        await anna.hang_up()
        await asyncio.sleep(2)

    assert mailer.pigeons == 12
    await speak()
    assert mailer.pigeons == 11
    mailer.pigeons = 0
    await speak()
    why = [record.why for record in caplog.records if hasattr(record, "why")]
    assert why == ["no pigeon flies to cleo@example.com today"]
    mailer.pigeons = 1
    await asyncio.sleep(60)
    assert mailer.pigeons == 0, "it was tried again"


async def test_a_program_tells_the_time(lab: Lab, tmp_path: Path) -> None:
    script = tmp_path / "clock.py"
    script.write_text(shown("languages.md", "spoken.time"))
    await lab.server(scripts=[script])
    alice = await lab.phone("alice")
    await alice.call("sip:clock@sems")
    await asyncio.sleep(5)
    names = [each.name for each in await alice.heard()]
    assert names[0].startswith("hour-")
    assert names[-1] in ("before-noon", "after-noon")
