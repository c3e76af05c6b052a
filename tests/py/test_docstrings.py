"""Every verb of a call shows an example, and each of these runs."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from an_app import app_of, failures

from sems import App, Call, CallFailed, Speech
from sems.testing import Lab

BEFORE_THE_ANSWER = {"ring", "answer", "prefer", "reject", "redirect"}
IN_A_ROOM = {"set_volume", "whisper"}


def verbs() -> dict[str, str]:
    """The public coroutines of a call, and what else is awaited or looped over, with their documentation."""
    found = {}
    for name in dir(Call):
        verb = inspect.getattr_static(Call, name)
        if not name.startswith("_") and (
            inspect.iscoroutinefunction(verb) or name in ("group", "start_play")
        ):
            found[name] = inspect.getdoc(verb) or ""
    return found


def example(name: str) -> CodeType:
    """The code of the example in the documentation of a verb."""
    shown = doctest.DocTestParser().get_examples(verbs()[name])
    assert shown, f"{name}() shows no example"
    source = "".join(part.source for part in shown)
    return compile(source, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


class Mute:
    """A voice of which nothing is heard."""

    async def speak(self, text: str, language: str) -> Speech:
        return Speech(bytes(800), 8000)


async def nothing(*_: object) -> str:
    return "sunny"


@pytest.mark.parametrize("name", verbs())
async def test_the_example_runs(
    lab: Lab, name: str, caplog: pytest.LogCaptureFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, done = example(name), []

    async def main(call: Call) -> None:
        server = call.server
        names: dict[str, Any] = {
            "app": App(), "asyncio": asyncio, "call": call, "Call": Call, "server": server,
            "fetch_weather": nothing, "log_keys": nothing,
        }  # fmt: skip
        if name not in BEFORE_THE_ANSWER:
            await call.answer()
        if name in IN_A_ROOM:
            names["other"] = await server.dial("sip:alice@alice")
            room = await server.open_room()
            for each in (call, names["other"]):
                await each.join(room)
        run: Callable[[], Awaitable[None]] | None = eval(code, names)
        try:
            # What waits for somebody has waited for long enough then.
            async with asyncio.timeout(120):
                if run is not None:
                    await run
        except (TimeoutError, CallFailed):
            # Nobody whom an example calls is there.
            pass
        done.append(name)

    server = await lab.server(apps=[app_of(main)])
    server.voice = Mute()
    alice, caller = await lab.phone("alice"), await lab.phone("caller")
    answering = asyncio.create_task(_answer(alice.ringing))
    call = await caller.dial("sip:mine@sems")
    await call.wait_ended()
    await asyncio.sleep(1)
    answering.cancel()
    assert not failures(caplog)
    assert done == [name]


async def _answer(ringing: Callable[[], Awaitable[Call]]) -> None:
    await (await ringing()).answer()
