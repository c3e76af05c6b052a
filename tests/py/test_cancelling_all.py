"""What can be awaited can be cancelled at any moment and leaves nothing; what waits on a call ends with it.

All public coroutines of the API are gone through, as the reference has them; one that is new and not in
``doings.py`` fails here.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
from typing import Any

from doings import DOINGS
from test_nothing_left_behind import Watch
from world import World

import api_reference
from sems import Call, CallFailed, HungUp, SemsError
from sems.testing import VirtualLoop

# A call is cancelled after so many turns of the loop; what goes on for longer is cancelled after a second.
TURNS = (0, 1, 2, 3, 5, 9, 16)
# The last of a transaction is forgotten then (64·T1), and what the core waits for with it.
PATIENCE = 100
# What waits on a call and ends by itself when that ends; the rest raises HungUp.
END_BY_ITSELF = {
    "Call.wait_ended",
    "Call.record_until",
    "Session.run",
    "Conference.join",
    "Conference.attend",
}
# What is so when the call has ended, and therefore no error.
HARMLESS_AFTER_THE_END = {"hangup", "reject", "redirect", "stop_record", "wait_ended"}
# Of a call that we have placed the end before the answer is a failure, and tells with which code.
FAIL = {"wait_answered", "wait_media"}
# What waits for something else than a call of the app's, for longer than a second.
OF_NO_CALL = {
    "Account.find_registrar", "Account.wait_registered", "Client.follow", "Client.follow_connection",
    "Phone.call", "Phone.ended", "Phone.hear", "Phone.hear_all", "Phone.hears", "Phone.message",
    "Phone.ringing", "Phone.transfer", "Server.opened", "Server.run", "Server.serve", "Server.subscribe",
}  # fmt: skip


def coroutines() -> set[str]:
    """All public ones that an app, a program or a test awaits: neither those that it writes itself, of
    protocols and the ``on_…`` of a session, nor those that a loop has from asyncio."""
    found = set()
    for cls in api_reference.objects().values():
        if not inspect.isclass(cls) or getattr(cls, "_is_protocol", False) or cls is VirtualLoop:
            continue
        for method, function in api_reference.methods(cls).items():
            awaited = inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)
            if awaited and not method.startswith("on_"):
                found.add(f"{cls.__name__}.{method}")
    return found


def test_every_public_coroutine_is_gone_through() -> None:
    assert coroutines() == DOINGS.keys()


def figures(world: World, watch: Watch) -> dict[str, Any]:
    """All that something could be left in."""
    calls = {
        str(name): (call.state, call.room, call.private_talk, call.whispers_to, call.stopped,
                    len(call._subscribers._callbacks), len(call._waiting))
        for name, call in (("call", world.call), ("other", world.other), ("third", world.third))
    }  # fmt: skip
    data = world.server.config.data
    files = {folder: len(list((data / folder).rglob("*"))) for folder in ("drafts", "mailboxes")}
    return {
        **watch.figures(), **calls, **files,
        "subscriptions": len(world.server.subscriptions), "following": len(world.alice.server.subscriptions),
        "links": len(world.server.conferences.links._members), "tasks": len(asyncio.all_tasks()),
        "connections": len(world.server.connections._running),
    }  # fmt: skip


async def test_it_is_cancelled_at_any_moment_and_leaves_nothing(world: World) -> None:
    watch = Watch(world.server)
    # What is kept for the next time, such as the connection to a database, is no more than once.
    await world.server.mailboxes.counts("anna")
    await idle(world)
    left = {}
    before = figures(world, watch)
    for group, names in itertools.groupby(sorted(DOINGS), lambda name: name.partition(".")[0]):
        for name, turns in itertools.product(names, (*TURNS, None)):
            task = asyncio.ensure_future(DOINGS[name](world))
            if turns is None:
                await asyncio.wait({task}, timeout=1)
            else:
                for _ in range(turns):
                    await asyncio.sleep(0)
            task.cancel()
            (outcome,) = await asyncio.gather(task, return_exceptions=True)
            ends = isinstance(outcome, asyncio.CancelledError | SemsError) or not isinstance(
                outcome, Exception
            )
            assert ends, f"{name} after {turns} turns: {outcome!r}"
            world.forget_what_came()
        await idle(world)
        after = figures(world, watch)
        if after != before:
            left[group] = {
                each: (before[each], after[each]) for each in before if before[each] != after[each]
            }
            before = after
    assert not left


async def idle(world: World) -> None:
    """What is over leaves its traces for a while, of which the longest is 64·T1."""
    for _ in range(PATIENCE):
        await asyncio.sleep(1)
        if world.server.engine.core.stats()["transactions"] == 0 and len(asyncio.all_tasks()) <= world.tasks:
            break


async def test_what_waits_ends_with_the_call_by_one_exception(world: World) -> None:
    wrong = {}
    for name, do in DOINGS.items():
        if world.call.end is not None:
            world.call = await world.takes(world.anna, "mine")
        world.forget_what_came()
        task = asyncio.ensure_future(do(world))
        done, _ = await asyncio.wait({task}, timeout=1)
        if done:
            # It has taken but a moment.
            task.exception()
            continue
        if name not in OF_NO_CALL:
            await world.anna.hang_up()
        else:
            task.cancel()
        done, _ = await asyncio.wait({task}, timeout=40)
        outcome = None if not done or task.cancelled() else task.exception()
        by_itself = outcome is None and name in END_BY_ITSELF | OF_NO_CALL
        if not done or not (by_itself or (isinstance(outcome, HungUp) and outcome.call is world.call)):
            wrong[name] = outcome if done else "waits on"
            task.cancel()
    assert not wrong


async def test_what_is_done_with_a_call_that_has_ended_raises_it_at_once(world: World) -> None:
    await world.anna.hang_up()
    call, other = world.call, world.other
    await call.wait_ended()
    arguments: dict[str, tuple[Any, ...]] = {
        "transfer": ("sip:bob@bob",),
        "hand_over": ("sip:bob@bob",), "request": ("INFO",), "send_message": ("Hello",), "play": ("welcome",),
        "ask": ("enter-pin",), "send_digits": ("1",), "sleep": (1,), "record": (world.lab.folder / "x.wav",),
        "record_until": (world.lab.folder / "y.wav",), "say": ("Hello",), "tone": ("beep",),
        "join": (None,), "mute": (True,), "deafen": (True,), "set_gain": (0.0,), "set_volume": (other, 0.0),
        "set_room_volume": (0.0,), "whisper": ([],), "echo": (True,), "while_up": (asyncio.Future(),),
        "bridge": ("sip:bob@bob",), "prefer": (["PCMA"],), "redirect": ("sip:bob@bob",), "hold": (True,),
        "recode": (["PCMA"],),
    }  # fmt: skip
    told = {}
    for name, method in api_reference.methods(Call).items():
        if inspect.iscoroutinefunction(method):
            try:
                async with asyncio.timeout(10):
                    told[name] = await getattr(call, name)(*arguments.get(name, ()))
            except Exception as error:
                told[name] = error
    assert {name for name, outcome in told.items() if isinstance(outcome, CallFailed)} == FAIL
    harmless = {name for name, outcome in told.items() if not isinstance(outcome, HungUp | CallFailed)}
    assert harmless == HARMLESS_AFTER_THE_END, {name: told[name] for name in harmless}
