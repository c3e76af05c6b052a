"""All that the reference of the API shows has an example, and each of these runs as it stands there."""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import sys
from array import array
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from world import OPERATOR, Mute, World

import api_reference
import sems
from sems import App, Call, CallFailed, Server, Speech
from sems.client import Client
from sems.config import AccountSettings
from sems.config.auth import UserSettings
from sems.storage import Mail

BEFORE_THE_ANSWER = {"ring", "answer", "prefer", "reject", "redirect"}
IN_A_ROOM = {"Room", "PrivateTalk", "Levels", "set_volume", "whisper"}
# A wait for somebody who is not there has lasted long enough then, in seconds.
PATIENCE = 60.0


def shown() -> Iterator[tuple[str, str]]:
    """The names of what the reference shows, and the documentation in which its examples are."""
    for name, each in api_reference.objects().items():
        yield name, api_reference.examples(name, each)
        if inspect.isclass(each):
            for method, function in api_reference.methods(each).items():
                yield f"{name}.{method}", inspect.getdoc(function) or ""


EXAMPLES = {
    name: lines for name, text in shown() if (lines := doctest.DocTestParser().get_examples(text, name))
}


def test_all_that_can_be_imported_from_sems_is_in_the_reference() -> None:
    exported = {name: getattr(sems, name) for name in sems.__all__ if name[0].isalpha()}
    there = api_reference.objects().values()
    assert {name for name, each in exported.items() if inspect.isclass(each) and each not in there} == set()


def test_every_class_function_and_method_has_an_example_of_its_own_or_of_its_class() -> None:
    without = [
        name for name, _ in shown() if name not in EXAMPLES and name.rpartition(".")[0] not in EXAMPLES
    ]
    assert without == []


def test_every_verb_of_a_call_has_one_of_its_own() -> None:
    verbs = [name for name, verb in api_reference.methods(Call).items() if inspect.iscoroutinefunction(verb)]
    assert [verb for verb in [*verbs, "group", "start_play"] if f"sems.Call.{verb}" not in EXAMPLES] == []


async def names(world: World, name: str) -> dict[str, Any]:
    """What an example finds there."""
    last = name.rpartition(".")[2]
    call, other = world.call, world.other
    if last in BEFORE_THE_ANSWER:
        await world.alice.dial("sip:unanswered@sems")
        call = await world.taken.get()
    room = await world.server.open_room()
    if last in IN_A_ROOM:
        for each in (call, other):
            await each.join(room)
    known = {full.rpartition(".")[2]: each for full, each in api_reference.objects().items()}
    return known | {each: getattr(sems, each) for each in sems.__all__} | {
        "app": App(), "call": call, "other": other, "room": room, "server": world.server, "lab": world.lab,
        "alice": world.alice, "sems": world.client, "token": OPERATOR, "Mail": Mail, "Speech": Speech,
        "Server": partial(Server, network=world.lab.network, web=False),
        "Client": partial(Client, transport=world.client._http._transport),
        "AccountSettings": AccountSettings, "UserSettings": UserSettings,
        "asyncio": asyncio, "array": array, "Path": Path, "fetch_weather": sunny, "log_keys": sunny,
        "my_service": sunny,
    }  # fmt: skip


async def sunny(*_: object) -> str:
    return "sunny"


async def run(name: str, found: dict[str, Any]) -> None:
    """All lines of an example, one after the other; what one is said to give it has to give."""
    given: list[object] = []
    before, sys.displayhook = sys.displayhook, given.append
    try:
        for line in EXAMPLES[name]:
            given.clear()
            code = compile(line.source, name, "single", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
            if code.co_flags & inspect.CO_COROUTINE:
                async with asyncio.timeout(PATIENCE):
                    await eval(code, found)
            else:
                eval(code, found)
            if line.want:
                (value,) = given
                assert f"{value!r}\n" == line.want, line.source
    finally:
        sys.displayhook = before


async def test_every_example_runs(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    wrong = {}
    for name in EXAMPLES:
        if world.call.end is not None:
            world.call = await world.takes(world.anna, "mine")
        if world.other.end is not None:
            world.other = await world.takes(world.carol, "mine")
        world.server.voice = Mute()
        found = await names(world, name)
        try:
            await run(name, found)
        except (TimeoutError, CallFailed):
            # Nobody whom an example calls or waits for is there.
            pass
        except (Exception, AssertionError) as error:
            wrong[name] = f"{type(error).__name__}: {error}"
        await found["room"].close()
        if world.call.end is None:
            for direction in ("in", "out", "both"):
                await world.call.stop_record(direction)
        if found["call"] is not world.call:
            await found["call"].hangup()
        world.forget_what_came()
    assert not wrong, "\n".join(f"{name}: {why}" for name, why in wrong.items())
