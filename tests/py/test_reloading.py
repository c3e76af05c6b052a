"""Hot reload of scripts."""

from __future__ import annotations

import asyncio
import importlib
import logging
import sys
from pathlib import Path
from typing import Any

import pytest

from sems import Call
from sems.server.reloading import Reloading
from sems.testing import Lab

ANSWERS = '''"""Says which code runs."""
from sems import App, Call
{imports}
app = App()

@app.start
async def start(server): said.append("{what} starts")

@app.stop
async def stop(server): said.append("{what} stops")

@app.call
async def main(call: Call) -> None:
    said.append("{what} answers")
    await call.answer()
    await call.wait_ended()
    said.append("{what} is done")
'''
# What the code says is kept where all of its versions find it.
SAID = "from known_to_all import said"


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    module = type(sys)("known_to_all")
    module.said = []  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "known_to_all", module)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return module.said  # type: ignore[no-any-return, attr-defined]


def write(path: Path, what: str, imports: str = SAID) -> Path:
    path.write_text(ANSWERS.format(what=what, imports=imports))
    return path.resolve()


def why(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = caplog.records
    return record.why  # type: ignore[attr-defined, no-any-return]


async def test_the_next_call_runs_the_new_code_and_those_in_progress_finish_on_the_old(
    lab: Lab, tmp_path: Path, said: list[str]
) -> None:
    script = write(tmp_path / "hello.py", "old")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    alice, bob = await lab.phone("alice"), await lab.phone("bob")
    await alice.call("sip:hello@sems")

    write(script, "new")
    await reloading.reload({script})
    await bob.call("sip:hello@sems")
    assert said == ["old starts", "old answers", "new starts", "new answers"]

    await alice.hang_up()
    await asyncio.sleep(1)
    assert said[4:] == ["old is done", "old stops"]
    await bob.hang_up()
    await server.stop()
    assert said[6:] == ["new is done", "new stops"]


async def test_code_that_is_no_python_keeps_the_old_and_says_where_it_fails(
    lab: Lab, tmp_path: Path, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    script = write(tmp_path / "hello.py", "old")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    script.write_text("from sems import App\n\napp = = App()\n")
    with caplog.at_level(logging.ERROR):
        await reloading.reload({script})
    assert why(caplog).startswith("line 3: SyntaxError")
    alice = await lab.phone("alice")
    await alice.call("sip:hello@sems")
    assert said == ["old starts", "old answers"]

    write(script, "new")
    await reloading.reload({script})
    bob = await lab.phone("bob")
    await bob.call("sip:hello@sems")
    assert said[2:] == ["new starts", "new answers"]


async def test_code_whose_start_hook_raises_is_stopped_and_keeps_the_old(
    lab: Lab, tmp_path: Path, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    script = write(tmp_path / "hello.py", "old")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    write(script, "new")
    with script.open("a") as file:
        file.write("\n@app.start\nasync def fail(server): 1 / 0\n")
    with caplog.at_level(logging.ERROR):
        await reloading.reload({script})
    assert [record.getMessage() for record in caplog.records] == [
        "a hook of an app failed",
        "the old code goes on",
    ]
    alice = await lab.phone("alice")
    await alice.call("sip:hello@sems")
    assert said == ["old starts", "new starts", "new stops", "old answers"]

    write(script, "mended")
    await reloading.reload({script})
    bob = await lab.phone("bob")
    await bob.call("sip:hello@sems")
    assert said[4:] == ["mended starts", "mended answers"]


async def test_a_module_beside_the_script_is_read_again_with_it(
    lab: Lab, tmp_path: Path, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    helper = tmp_path / "helper_of_hello.py"
    helper.write_text(f"{SAID}\nsaid.append('first helper')\n")
    script = write(tmp_path / "hello.py", "app", f"{SAID}\nimport helper_of_hello")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    assert reloading.files == {script, helper.resolve()}

    helper.write_text(f"{SAID}\nsaid.append('other helper')\n")
    await reloading.reload({helper.resolve()})
    await asyncio.sleep(0)
    assert said == ["first helper", "app starts", "other helper", "app starts", "app stops"]

    helper.write_text("1 / 0\n")
    with caplog.at_level(logging.ERROR):
        await reloading.reload({helper.resolve()})
    assert "ZeroDivisionError" in why(caplog)
    helper.write_text(f"{SAID}\nsaid.append('mended helper')\n")
    await reloading.reload({helper.resolve()})
    assert said[5:7] == ["mended helper", "app starts"]


@pytest.mark.parametrize("init", [True, False])
async def test_a_package_beside_the_script_is_read_again_with_it(
    lab: Lab, tmp_path: Path, said: list[str], caplog: pytest.LogCaptureFixture, init: bool
) -> None:
    package = tmp_path.resolve() / f"words_of_hello_{init}"
    words, late = package / "polite" / "words.py", package / "late.py"
    words.parent.mkdir(parents=True)
    words.write_text("WORD = 'first'\n")
    late.write_text("LATE = True\n")
    inits = {package / "__init__.py", words.parent / "__init__.py"} if init else set()
    for file in inits:
        file.touch()
    imports = f"{SAID}\nfrom {package.name}.polite import words\nsaid.append(words.WORD)"
    script = write(tmp_path / "hello.py", "app", imports)
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    assert reloading.files == {script, words} | inits
    assert said == ["first", "app starts"]

    # As a handler does that imports in the middle of a call.
    importlib.import_module(f"{package.name}.late")
    words.write_text("WORD = 'second'\n")
    await reloading.reload({words})
    await asyncio.sleep(0)
    assert said[2:] == ["second", "app starts", "app stops"]
    assert importlib.import_module(f"{package.name}.late") is sys.modules[package.name].late

    known = sys.modules[f"{package.name}.polite.words"]
    words.write_text("1 / 0\n")
    with caplog.at_level(logging.ERROR):
        await reloading.reload({words})
    assert "ZeroDivisionError" in why(caplog)
    assert importlib.import_module(f"{package.name}.polite").words is known


@pytest.mark.parametrize("folder", ["venv/lib/python3/site-packages", ".hidden", "elsewhere"])
async def test_what_is_below_the_script_but_imported_from_elsewhere_is_left_alone(
    lab: Lab, tmp_path: Path, said: list[str], folder: str
) -> None:
    installed = tmp_path / folder / f"installed_{len(folder)}" / "__init__.py"
    installed.parent.mkdir(parents=True)
    installed.write_text(f"{SAID}\nsaid.append('installed')\n")
    sys.path.insert(0, str(tmp_path / folder))
    script = write(tmp_path / "hello.py", "app", f"{SAID}\nimport {installed.parent.name}")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    assert reloading.files == {script}
    await reloading.reload({script})
    assert said[:3] == ["installed", "app starts", "app starts"]


TAKES = '''"""Takes requests beside calls."""
from sems import App, Call
app = App()

@app.call
async def main(call: Call) -> None:
    await call.answer()
    await call.wait_ended()
'''


async def test_what_is_taken_beside_calls_follows_the_code(lab: Lab, tmp_path: Path, said: list[str]) -> None:
    script = tmp_path / "hello.py"
    script.write_text(TAKES)
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script.resolve()])
    alice = await lab.phone("alice")
    line = await alice.call("sip:hello@sems")

    async def answers() -> list[int]:
        asked = [
            line.request("INFO", body="x", content_type="text/x-door"),
            line.request("INFO", body="x", headers=[("Info-Package", "x-door")]),
            alice.request("PUBLISH", "sip:hello@sems", headers=[("Event", "presence")]),
            alice.request("MESSAGE", "sip:hello@sems", body="<x/>", content_type="text/xml"),
        ]
        return [(await answer).code for answer in asked]

    assert await answers() == [415, 469, 405, 415]
    more = "".join(
        f"\n@app.request({method!r})\nasync def on_{method}(request): await request.respond(299)\n"
        for method in ("INFO", "PUBLISH", "MESSAGE")
    )
    script.write_text(TAKES + more + "\n@app.info('x-door')\nasync def on_door(request): pass\n")
    await reloading.reload({script.resolve()})
    # A call goes on with the code that it has; what comes beside calls is for the new.
    await alice.hang_up()
    line = await alice.call("sip:hello@sems")
    assert await answers() == [299, 200, 299, 299]
    assert "PUBLISH" in (await alice.request("OPTIONS", "sip:hello@sems")).headers["Allow"]

    script.write_text(TAKES)
    await reloading.reload({script.resolve()})
    await alice.hang_up()
    line = await alice.call("sip:hello@sems")
    assert await answers() == [415, 469, 405, 415]


LATE = '''"""Imports at each key."""
from sems import App, Call
from known_to_all import said
import {words}
import {package}.polite.words
app = App()

@app.call
async def main(call: Call) -> None:
    await call.answer()
    while await call.digit():
        import {words} as whole
        from {words} import WORD
        from {package} import polite
        from {package}.polite.words import WORD as POLITE
        from {late} import LATE
        import json
        said.append(("{what}", WORD, whole.WORD, polite.words.WORD, POLITE, LATE))
'''


async def test_calls_in_progress_import_the_modules_that_their_code_has_read(
    lab: Lab, tmp_path: Path, said: list[Any]
) -> None:
    words, late = tmp_path / "words_of_late.py", tmp_path / "late_of_late.py"
    polite = tmp_path / "package_of_late" / "polite" / "words.py"
    polite.parent.mkdir(parents=True)
    script = (tmp_path / "hello.py").resolve()

    def edit(what: str) -> None:
        words.write_text(f"WORD = '{what}'\n")
        polite.write_text(f"WORD = '{what}'\n")
        late.write_text(f"import {words.stem}\nLATE = '{what} with ' + {words.stem}.WORD\n")
        names = {"words": words.stem, "late": late.stem, "package": "package_of_late"}
        script.write_text(LATE.format(what=what, **names))

    edit("first")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    phones = [await lab.phone(name) for name in ("alice", "bob", "carol")]
    lines: list[Call] = []
    for phone, what in zip(phones, ("first", "second", "third"), strict=True):
        if what != "first":
            edit(what)
            await reloading.reload(reloading.files)
        lines.append(await phone.call("sip:hello@sems"))
        await asyncio.sleep(1)
    # The oldest last, so that what they read for the first time is not what others have read.
    for line in reversed(lines):
        await line.send_digits("11")
        await asyncio.sleep(1)
    # What is imported for the first time is as it is now, and finds what its call has.
    assert said[::2] == said[1::2]
    assert said[::2] == [
        (what, what, what, what, what, f"third with {what}") for what in ("third", "second", "first")
    ]
    assert sys.modules[words.stem].WORD == "third"
    assert sys.modules[late.stem].LATE == "third with third"

    # Code that can't be loaded takes nothing from that which goes on.
    words.write_text("1 / 0\n")
    await reloading.reload({words.resolve()})
    await lines[2].send_digits("1")
    await lines[0].send_digits("1")
    await asyncio.sleep(1)
    assert said[-2:] == [said[0], said[4]]


async def test_scripts_that_share_a_module_go_on_sharing_it(
    lab: Lab, tmp_path: Path, said: list[Any]
) -> None:
    shared = tmp_path / "shared_of_two.py"
    shared.write_text("SEEN = []\n")
    scripts = []
    for name in ("one", "two"):
        text = ANSWERS.format(what=name, imports=SAID).replace(
            "    await call.answer()",
            "    import shared_of_two\n    said.append(shared_of_two)\n    await call.answer()",
        )
        (tmp_path / f"{name}.py").write_text(text)
        scripts.append((tmp_path / f"{name}.py").resolve())
    server = await lab.server(scripts=scripts)
    reloading = Reloading(server, scripts)
    alice = await lab.phone("alice")
    for name in ("one", "two", "one"):
        await alice.call(f"sip:{name}@sems")
        await alice.hang_up()
        await asyncio.sleep(1)
    modules = [each for each in said if not isinstance(each, str)]
    assert modules == [sys.modules["shared_of_two"]] * 3
    await reloading.reload(set(scripts))
    for name in ("one", "two"):
        await alice.call(f"sip:{name}@sems")
        await alice.hang_up()
        await asyncio.sleep(1)
    new = [each for each in said if not isinstance(each, str)][3:]
    assert new == [sys.modules["shared_of_two"]] * 2
    assert new[0] is not modules[0]


async def test_code_whose_start_hook_does_not_return_keeps_the_old_and_can_be_mended(
    lab: Lab, tmp_path: Path, said: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    script = write(tmp_path / "hello.py", "old")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    write(script, "new")
    with script.open("a") as file:
        file.write(
            "\n@app.start\nasync def worker(server):\n    import asyncio\n    await asyncio.sleep(1e6)\n"
        )
    async with asyncio.timeout(60):
        await reloading.reload({script})
    assert [record.why for record in caplog.records if hasattr(record, "why")] == [
        "its hook worker does not return"
    ]
    write(script, "mended")
    await reloading.reload({script})
    alice = await lab.phone("alice")
    await alice.call("sip:hello@sems")
    assert said[-3:] == ["mended starts", "old stops", "mended answers"]


@pytest.mark.parametrize(
    ("imports", "files"),
    [
        ("from helper import HELLO", ["helper.py"]),
        ("from of.greetings import HELLO", ["of/__init__.py", "of/greetings.py"]),
    ],
)
@pytest.mark.parametrize("at_first", ["HELLO = = 1\n", "raise RuntimeError()\n", "BYE = 1\n", None])
async def test_a_new_module_that_is_broken_is_followed_until_it_is_mended(
    lab: Lab, tmp_path: Path, said: list[str], imports: str, files: list[str], at_first: str | None
) -> None:
    script = write(tmp_path / "hello.py", "old")
    server = await lab.server(scripts=[script])
    reloading = Reloading(server, [script])
    modules = [tmp_path / file for file in files]
    for name in ("helper", "of", "of.greetings"):
        sys.modules.pop(name, None)
    for module in modules:
        module.parent.mkdir(exist_ok=True)
        module.touch()
    if at_first is None:
        modules[-1].unlink()
    else:
        modules[-1].write_text(at_first)
    write(script, "new", f"{SAID}\n{imports}")
    await reloading.reload({script})
    assert modules[-1].resolve() in reloading.files
    modules[-1].write_text("HELLO = 1\n")
    await reloading.reload({modules[-1].resolve()})
    alice = await lab.phone("alice")
    await alice.call("sip:hello@sems")
    assert said == ["old starts", "new starts", "old stops", "new answers"]
    assert reloading.files == {path.resolve() for path in [script, *modules]}
