"""Waiting for what happens once, without a turn of the loop more than it takes to wake who waits."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Any

Waiting = tuple[asyncio.Future[Any], ...]
"""Those who wait: mostly nobody, and never many."""


class Moment:
    """Something that happens to a call, and those who wait for it. As :class:`asyncio.Event`, but it can
    fail, and that it has come is for its owner to know."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: Waiting = ()

    async def wait(self, guard: Callable[[asyncio.Future[None]], Awaitable[None]] | None = None) -> None:
        """Waits until it comes or fails, or until ``guard``, which does the waiting, wants no more."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting += (future,)
        try:
            await (future if guard is None else guard(future))
        finally:
            self._waiting = without(self._waiting, future)

    def come(self) -> None:
        """Wakes all who wait."""
        for future in self._waiting:
            resolve(future, None)

    def fail(self, error: Exception) -> None:
        """Raises the error where it is waited for."""
        for future in self._waiting:
            fail(future, error)


def on_done(future: asyncio.Future[Any], callback: Callable[[], None]) -> Callable[[], None]:
    """Calls ``callback`` once the future is done; returns what takes that back, also in the moment between,
    in which the call is on its way already."""
    wanted = True

    def done(_: asyncio.Future[Any]) -> None:
        if wanted:
            callback()

    def withdraw() -> None:
        nonlocal wanted
        wanted = False
        future.remove_done_callback(done)

    future.add_done_callback(done)
    return withdraw


async def cancelled(tasks: Collection[asyncio.Task[Any]], within: float) -> set[asyncio.Task[Any]]:
    """Cancels them and waits for their end; returns those that go on all the same ``within`` seconds later.
    What the others raise is told nobody."""
    for task in tasks:
        task.cancel()
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
    return (await asyncio.wait(tasks, timeout=within))[1] if tasks else set()


def without(waiting: Waiting, future: asyncio.Future[Any]) -> Waiting:
    """Those who wait, but for one."""
    return tuple([each for each in waiting if each is not future])


def resolve(future: asyncio.Future[Any], value: object) -> None:
    """Gives the future its result, unless who waited was cancelled meanwhile."""
    if not future.done():
        future.set_result(value)


def fail(future: asyncio.Future[Any], error: Exception) -> None:
    """Has the future raise the error. If nobody waits for it, nobody is told."""
    if not future.done():
        future.set_exception(error)
        # Having been looked at keeps asyncio from complaining.
        future.exception()
