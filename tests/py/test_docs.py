"""What the documentation shows works as it stands there."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

import configuration_keys
from sems import App, Call, Config, Server
from sems.config import load_config
from sems.plugins import Apps
from sems.testing import Lab

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"


def blocks(language: str, *more: Path) -> list[tuple[str, str]]:
    """All code of a language: the file that its first line names (or the page), and the code."""
    found = []
    for page in (*sorted(DOCS.rglob("*.md")), *more):
        for code in re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE):
            named = re.match(r"# (\S+\.\w+)\n", code)
            found.append((named[1] if named else page.name, code))
    return found


def python(name: str) -> str:
    (code,) = [code for named, code in blocks("python") if named == name]
    return code


@pytest.mark.parametrize(("name", "code"), blocks("python"))
def test_every_program_is_complete(name: str, code: str, tmp_path: Path) -> None:
    script = tmp_path / name
    script.write_text(code)
    if "app = App()" in code:
        Apps.find([script])
    else:
        exec(compile(code, str(script), "exec"), {"__name__": "shown"})


@pytest.mark.parametrize(("name", "text"), blocks("toml"))
def test_every_configuration_is_valid(name: str, text: str, tmp_path: Path) -> None:
    file = tmp_path / "sems.toml"
    # What a table refers to may stand in another example of the page.
    accounts = "" if "[[accounts]]" in text else '\n[[accounts]]\nname = "work"\nuri = "sip:sems@192.0.2.1"\n'
    file.write_text(text + accounts)
    load_config({"config": file}, environ={})


def test_every_command_is_there() -> None:
    from typer.main import get_command

    from sems.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    lines = [line for _, code in blocks("console") for line in code.splitlines()]
    used = [
        words[1] for line in lines if len(words := line.removeprefix("$ ").split()) > 1 and words[0] == "sems"
    ]
    assert used
    assert set(used) <= commands.keys()


async def test_every_request_that_is_shown_with_curl_is_taken(tmp_path: Path) -> None:
    shown = "".join(code for _, code in blocks("console", README)).replace("\\\n", "")
    commands = [line.removeprefix("$ ") for line in shown.splitlines() if line.startswith("$ curl ")]
    assert len(commands) >= 3
    token = "a long secret of your own"
    config = Config.model_validate(
        {
            "host": "127.0.0.1",
            "sip_port": 0,
            "http_port": 0,
            "data": tmp_path,
            "operator": {"token": token},
            "boxes": {"anna": {"users": ["anna", "100"], "pin": "25802"}},
            "dialout": {"allow": [".*"], "domain": "provider.example"},
        }
    )
    async with Server(config) as server:
        for command in commands:
            here = command.replace("http://sems.example.com:8080", f"http://127.0.0.1:{server.http_port}")
            curl = await asyncio.create_subprocess_shell(
                here.replace("curl ", "curl --silent --show-error --fail-with-body ", 1),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**os.environ, "TOKEN": token},
            )
            said, _ = await curl.communicate()
            assert curl.returncode == 0, f"{command}: {said.decode()}"
            assert json.loads(said)


async def test_the_pin_is_read_back(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "hello.py").write_text(python("hello.py"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec(python("test_hello.py"), names)
    await names["test_the_pin_is_read_back"](lab)  # type: ignore[operator]


async def test_the_reception_connects_to_the_colleague_or_says_that_nobody_is_there(
    lab: Lab, tmp_path: Path
) -> None:
    script = tmp_path / "reception.py"
    colleague = App("colleague")

    @colleague.call
    async def answer(call: Call) -> None:
        await call.answer()
        await call.echo(True)
        await call.wait_ended()

    desk = await lab.server(name="desk", apps=[colleague])
    script.write_text(
        python("reception.py").replace("colleague@192.0.2.7", f"colleague@{lab.resolve('desk')}")
    )
    await lab.server(scripts=[script])
    anna = await lab.phone("Anna")
    await anna.call("sip:reception@sems")
    anna.tone(440)
    await anna.hear(0.5)
    assert (await anna.hear(0.5)).has_tone(440)
    await anna.hang_up()
    await asyncio.sleep(1)
    assert not desk.calls

    await desk.stop()
    ben = await lab.phone("Ben")
    await ben.call("sip:reception@sems")
    assert not (await ben.hear(1)).is_silent
    await ben.ended()


def test_the_reference_of_the_configuration_holds_every_key() -> None:
    page = configuration_keys.page_text()
    for key in ("`sip_port` = `5060`", "## `[limits]`", "## `[[accounts]]`", '## `[rooms."NAME"]`', '`"~/'):
        assert key in page
    assert "\n: \n" not in page, "every key says what it is"
