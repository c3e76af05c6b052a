"""Finding apps."""

from __future__ import annotations

import importlib.metadata
import logging
from pathlib import Path

import pytest

from sems import App, Call, CallFailed, PluginError
from sems.plugins import Apps
from sems.testing import Lab

GOOD = '''"""Says hello."""
from sems import App, Call
app = App()

@app.call
async def main(call: Call) -> None:
    await call.answer()
'''


def script(folder: Path, name: str, text: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(text)
    return path


def test_the_shipped_apps_are_found() -> None:
    apps = Apps.find()
    assert {"announcement", "conference", "echo", "ring"} <= {app.name for app in apps}
    described = {found.name: found for found in apps.describe()}
    assert described["echo"].summary == "Lets callers hear themselves."
    assert described["echo"].origin.endswith("apps/echo.py")
    assert described["echo"].error is None


def test_a_script_is_an_app_named_by_its_file_stem(tmp_path: Path) -> None:
    apps = Apps.find([script(tmp_path, "hello", GOOD)])
    app = apps.get("hello")
    assert app is not None
    assert app.folder == tmp_path
    assert "hello" in apps
    assert "goodbye" not in apps


def test_a_script_takes_the_place_of_a_shipped_app(tmp_path: Path) -> None:
    apps = Apps.find([script(tmp_path, "echo", GOOD)])
    echo = next(found for found in apps.describe() if found.name == "echo")
    assert echo.origin == str(tmp_path / "echo.py")


def test_an_app_may_choose_another_name(tmp_path: Path) -> None:
    assert "other" in Apps.find([script(tmp_path, "hello", GOOD.replace("App()", 'App("other")'))])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def main(:\n", "line 1: SyntaxError: invalid syntax"),
        ("import sems\nimport nonsense_that_is_not_there\n", "line 2: ModuleNotFoundError: No module named"),
        ("x = 1\n", 'defines no "app = App()"'),
        ("from sems import App\napp = App()\n", "has no coroutine under @app.call"),
        ("raise SystemExit('enough')\n", "line 1: SystemExit: enough"),
        ("raise ValueError('two\\nlines')\n", "line 1: ValueError: two"),
    ],
)
def test_a_broken_script_is_named_with_its_reason(tmp_path: Path, text: str, why: str) -> None:
    path = script(tmp_path, "broken", text)
    with pytest.raises(PluginError) as error:
        Apps.find([path])
    assert str(error.value).startswith(f"{path}: {why}")
    assert "\n" not in str(error.value)


def test_a_script_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"gone\.py: there is no such file"):
        Apps.find([tmp_path / "gone.py"])


class Entry(importlib.metadata.EntryPoint):
    dist = None


def entry(name: str, value: str) -> importlib.metadata.EntryPoint:
    return Entry(name, value, "sems.apps")


def test_packages_bring_apps_and_a_broken_one_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    script(tmp_path, "good_package", GOOD)
    monkeypatch.syspath_prepend(tmp_path)
    found = [
        entry("bad", "good_package:nothing"),
        entry("good", "good_package:app"),
        entry("worse", "gone:app"),
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: found)
    with caplog.at_level(logging.ERROR, logger="sems"):
        apps = Apps.find()
    assert "good" in apps
    assert "echo" in apps
    assert "bad" not in apps
    described = {one.name: one for one in apps.describe()}
    assert described["worse"].app is None
    assert described["worse"].error == "ModuleNotFoundError: No module named 'gone'"
    assert [record.app for record in caplog.records] == ["bad", "worse"]  # type: ignore[attr-defined]


def test_a_program_can_add_an_app() -> None:
    apps = Apps()
    app = App("mine")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()

    apps.add(app)
    assert apps.get("mine") is app
    assert [(found.name, found.origin) for found in apps.describe()] == [("mine", "added by the program")]


@pytest.mark.parametrize(
    "takes",
    ["message", "refer", 'request("PUBLISH")', 'info("x")', 'subscription("presence")'],
)
async def test_an_app_may_take_requests_only_and_refuses_calls(lab: Lab, tmp_path: Path, takes: str) -> None:
    text = (
        f"from sems import App\napp = App()\n\n@app.{takes}\nasync def on_it(it: object) -> None:\n    ...\n"
    )
    await lab.server(scripts=[script(tmp_path, "desk", text)])
    phone = await lab.server(name="phone")
    with pytest.raises(CallFailed, match="480 Nobody Takes This Here"):
        await phone.dial(f"sip:desk@{lab.resolve('sems')}")
