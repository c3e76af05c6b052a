"""Finding apps."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sems import App, Call, CallFailed, Config, PluginError, Server, StartError
from sems.audio import brought
from sems.cli import app as command
from sems.components import Components
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
        (
            "from sems import App\napp = App()\n@app.call()\nasync def main(call): ...\n",
            "line 3: TypeError: @app.call is written without brackets, in the line above what it is for",
        ),
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


def test_who_forgets_the_end_of_its_name_or_gives_a_folder_is_told_so(tmp_path: Path) -> None:
    path = script(tmp_path, "hello", GOOD)
    with pytest.raises(PluginError, match=r'hello: there is no such file \(did you mean ".*/hello\.py"\?\)$'):
        Apps.find([path.with_suffix("")])
    with pytest.raises(PluginError, match="is a folder, and a script is wanted"):
        Apps.find([tmp_path])


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


@pytest.mark.parametrize("folder", ["", "nearby/"])
@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"main": "1 / 0\n"}, "line 1: ZeroDivisionError: division by zero"),
        ({"main": "\ndef main(:\n"}, "line 2: SyntaxError: invalid syntax"),
        (
            {"main": "\nimport words_of_main\n", "words_of_main": "\n\n1 / 0\n"},
            "words_of_main.py, line 3: ZeroDivisionError: division by zero",
        ),
        (
            {"main": "\nimport words_of_main\n", "words_of_main": "\n\n\ndef word(:\n"},
            "words_of_main.py, line 4: SyntaxError: invalid syntax",
        ),
        (
            {"main": "\nimport words_of_main\n", "words_of_main": "import json\njson.loads('')\n"},
            "words_of_main.py, line 2: JSONDecodeError: Expecting value",
        ),
        ({"main": "\n\ncompile('(', 'not a file', 'exec')\n"}, "line 3: SyntaxError: "),
        ({"main": "\nraise SyntaxError('mine')\n"}, "line 2: SyntaxError: mine"),
        (
            {"main": "\nclass Mute(Exception):\n    def __str__(self): return 1 / 0\nraise Mute\n"},
            "line 4: Mute: it can't even say why",
        ),
        ({"main": "\nclass Panic(BaseException): ...\nraise Panic('native')\n"}, "line 3: Panic: native"),
        ({"main": "import asyncio\nraise asyncio.CancelledError\n"}, "line 2: CancelledError"),
    ],
)
def test_where_a_script_fails_is_said_by_whatever_path_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str, files: dict[str, str], why: str
) -> None:
    (tmp_path / folder).mkdir(exist_ok=True)
    for name, text in files.items():
        script(tmp_path / folder, name, text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    for path in (Path(f"{folder}main.py"), tmp_path / folder / "main.py"):
        with pytest.raises(PluginError) as error:
            Apps.find([path])
        assert str(error.value).startswith(f"{path}: {why}")
        assert "\n" not in str(error.value)


def test_ctrl_c_while_a_script_is_loaded_stops_the_program(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        Apps.find([script(tmp_path, "slow", "raise KeyboardInterrupt\n")])


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Installs a package: its name, its module, and its lists of entry points as they stand in the file."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(brought, "load", brought.load.__wrapped__)
    forget: list[str] = []

    def install(name: str, code: str, entry_points: bytes | str, about: str | None = None) -> None:
        module = name.replace("-", "_")
        script(tmp_path, module, code)
        forget.append(module)
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        if about is None:
            about = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        (info / "METADATA").write_text(about)
        listed = entry_points if isinstance(entry_points, bytes) else entry_points.encode()
        (info / "entry_points.txt").write_bytes(listed)

    yield install
    for module in forget:
        sys.modules.pop(module, None)


PANIC = "class Panic(BaseException): ...\nraise Panic('index out of range')\n"


def test_whatever_a_package_raises_or_lists_it_is_named_and_the_rest_loads(
    packages: Callable[..., None], caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    groups = "sems.apps", "sems.audio", "sems.components"
    names = ("app", "sound", "voice")
    for place, (group, name) in enumerate(zip(groups, names, strict=True)):
        packages(f"panics-{place}", PANIC, f"[{group}]\n{name}-p = panics_{place}:it\n")
        packages(
            f"cancels-{place}",
            "import asyncio\nraise asyncio.CancelledError\n",
            f"[{group}]\n{name}-c = cancels_{place}:it\n",
        )
        packages(f"odd-{place}", "", f"[{group}]\n{name}-o = odd {place}, see the manual\n")
        packages(f"nameless-{place}", PANIC, f"[{group}]\n{name}-n = nameless_{place}:it\n", about="")
    packages("no-list", "", "[sems.apps]\njust some words\n")
    packages("no-text", "", b"\xff\xfe[sems.apps]")
    packages("good", GOOD, "[sems.apps]\ngood = good:app\n")
    packages("good-too", GOOD, "[sems.apps]\ngood = good_too:app\n")
    with caplog.at_level(logging.WARNING, logger="sems"):
        apps = Apps.find()
    assert {"good", "echo"} <= {app.name for app in apps}
    (both,) = [record for record in caplog.records if record.message == "an app takes the place of another"]
    assert {both.origin, both.replaced} == {"good 1.0", "good-too 1.0"}  # type: ignore[attr-defined]
    result = CliRunner().invoke(command, ["plugins"])
    assert result.exit_code == 0, result.output
    # What is in the list is not told before as well.
    assert "could not be loaded" not in result.output + capfd.readouterr().err
    listed = [" ".join(line.split()) for line in result.output.splitlines()]
    for group, name in zip(("apps", "audio"), names, strict=False):
        assert f"{group} {name}-p DOES NOT LOAD: Panic: index out of range" in listed
        assert f"{group} {name}-c DOES NOT LOAD: CancelledError" in listed
        assert f"{group} {name}-n DOES NOT LOAD: Panic: index out of range" in listed
        (odd,) = [line for line in listed if line.startswith(f"{group} {name}-o ")]
        assert odd.endswith(', see the manual\', which is not as "package.module:name"')
    assert "panics-0 1.0" in listed
    (no_list,) = [line for line in listed if line.startswith("apps no-list ")]
    assert no_list.startswith("apps no-list DOES NOT LOAD: its entry_points.txt makes no sense: ")
    (no_text,) = [line for line in listed if line.startswith("apps no-text ")]
    assert "UnicodeDecodeError" in no_text
    assert "apps good Says hello." in listed
    assert {"good 1.0, in place of good-too 1.0", "good-too 1.0, in place of good 1.0"} & set(listed)
    assert CliRunner().invoke(command, ["apps"]).exit_code == 0


def test_a_component_that_raises_whatever_it_likes_is_named(
    packages: Callable[..., None], tmp_path: Path
) -> None:
    packages("panics", PANIC, "[sems.components]\nmailer = panics:Mailer\n")
    exits = "def make(*_, **__): raise SystemExit(3)\n"
    packages("exits", exits, "[sems.components]\nstorage = exits:make\n")
    components = Components(Config(data=tmp_path / "data"))
    with pytest.raises(PluginError, match="could not be loaded: Panic: index out of range"):
        _ = components.mailer
    with pytest.raises(PluginError, match="can't be made: SystemExit: 3"):
        _ = components.storage


# Names


def test_two_scripts_of_one_name_are_an_error_that_names_both(tmp_path: Path) -> None:
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
    one, other = script(tmp_path / "one", "hello", GOOD), script(tmp_path / "other", "hello", GOOD)
    with pytest.raises(PluginError) as error:
        Apps.find([one, other])
    assert str(error.value) == (
        f'{one} and {other} are both called hello; app = App("NAME") gives one of them another name'
    )
    other.write_text(GOOD.replace("App()", "App('other')"))
    apps = Apps.find([one, other, one])
    assert {"hello", "other"} <= {app.name for app in apps}
    assert apps.of_script(one) is not None


def test_an_app_that_takes_the_place_of_another_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = script(tmp_path, "echo", GOOD)
    with caplog.at_level(logging.WARNING, logger="sems"):
        Apps.find([path])
    (record,) = caplog.records
    assert record.message == "an app takes the place of another"
    assert record.app == "echo"  # type: ignore[attr-defined]
    assert record.origin == str(path)  # type: ignore[attr-defined]
    assert record.replaced.endswith("apps/echo.py")  # type: ignore[attr-defined]
    listed = CliRunner().invoke(command, ["apps", str(path)]).output
    assert f"{path}, in place of {record.replaced}" in listed  # type: ignore[attr-defined]


# Starting


STARTS = (
    GOOD
    + """
@app.start
async def opens(server):
    {does}

@app.stop
async def closes(server):
    server.closed = True
"""
)


@pytest.mark.parametrize(
    ("does", "why"),
    [("1 / 0", "ZeroDivisionError: division by zero"), ("raise SystemExit(3)", "SystemExit: 3")],
)
async def test_a_script_that_can_not_start_keeps_the_server_from_starting(
    lab: Lab, tmp_path: Path, caplog: pytest.LogCaptureFixture, does: str, why: str
) -> None:
    path = script(tmp_path, "hello", STARTS.format(does=does))
    stopped: list[str] = []
    other = App("other")

    @other.message
    async def on_text(message: object) -> None: ...

    @other.stop
    async def stop(server: Server) -> None:
        stopped.append("other")

    with pytest.raises(StartError) as error:
        await lab.server(scripts=[path], apps=[other])
    assert str(error.value) == f"the app hello ({path}) can't start: its hook opens raised {why}"
    (record,) = [record for record in caplog.records if record.message == "a hook of an app failed"]
    assert record.exc_info
    assert record.app == "hello"  # type: ignore[attr-defined]
    # What had begun before it has ended.
    assert stopped in ([], ["other"])


async def test_an_app_of_a_package_that_can_not_start_is_left_out_and_the_rest_starts(
    lab: Lab, packages: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    packages("halts", STARTS.format(does="1 / 0"), "[sems.apps]\nhalts = halts:app\n")
    server = await lab.server(routes=[{"app": "halts", "user": "halts"}])
    assert server.closed  # type: ignore[attr-defined]
    (record,) = [record for record in caplog.records if record.message == "an app is left out"]
    assert record.origin == "halts 1.0"  # type: ignore[attr-defined]
    alice = await lab.phone("alice")
    with pytest.raises(CallFailed):
        await alice.call("sip:halts@sems")
    await alice.call("sip:echo@sems")
    (found,) = [found for found in server.apps.describe() if found.name == "halts"]
    assert found.error == "its hook opens raised ZeroDivisionError: division by zero"


async def test_who_calls_before_it_is_known_that_an_app_can_not_start_is_refused(
    lab: Lab, packages: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    packages(
        "halts",
        STARTS.format(does="import asyncio; await asyncio.sleep(2); 1 / 0"),
        "[sems.apps]\nhalts = halts:app\n",
    )
    alice = await lab.phone("alice")
    calls: list[Call] = []
    began = Server.run_hooks

    async def call_meanwhile(server: Server, app: App, hooks: Any) -> str | None:
        if app.name == "halts" and not calls:
            calls.append(await alice.dial(f"sip:halts@{server.engine.core.sip_addresses()[0]}"))
        return await began(server, app, hooks)

    monkeypatch.setattr(Server, "run_hooks", call_meanwhile)
    await lab.server()
    assert (await calls[0].wait_ended()).code == 480


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
