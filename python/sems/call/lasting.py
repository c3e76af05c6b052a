"""Waiting for as long as a call lasts, and doing several things meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar, cast

from .. import checks
from ..errors import EngineError, HungUp
from ..events import CallEvent, Ended, EndReason
from ..waiting import Moment, Waiting, fail, without

if TYPE_CHECKING:
    from ..server import Server
    from .call import Call

_T = TypeVar("_T")

# How long the end of a call may take to be told after a worker has found that the call is gone.
_END_IS_TOLD_WITHIN = 0.1


class Lasting(ABC):
    """What lasts until it is hung up. See :class:`~sems.call.Call`, which adds the rest."""

    server: Server
    end: EndReason | None

    _waiting: Waiting = ()

    def __init__(self) -> None:
        super().__init__()
        self._ended = Moment()

    @abstractmethod
    def subscribe(self, callback: Callable[[CallEvent], None]) -> Callable[[], None]:
        """Tells ``callback`` of all that happens."""

    async def wait_ended(self) -> EndReason:
        """Waits for the end of the call, and tells why it ended. Raises no HungUp.

        >>> end = await call.wait_ended()
        >>> call.log.info("it is over", why=end.cause)
        """
        if self.end is None:
            await self._ended.wait()
        return cast(EndReason, self.end)

    async def while_up(self, work: Awaitable[_T]) -> _T:
        """Waits for something that is not the call's own, such as an HTTP request, as long as the call
        lasts.

        >>> weather = await call.while_up(fetch_weather())

        Raises HungUp when the call ends first. A coroutine is cancelled then; a task or a future, which
        others may wait for as well, is not.
        """
        checks.kind("work", work, "a coroutine or a future", Awaitable)
        if isinstance(work, asyncio.Future):
            return await self._while_up(work)

        async def whole() -> _T:
            return await work

        # A coroutine as it is: one that is cancelled before it has begun is closed by its task.
        task = asyncio.create_task(work if asyncio.iscoroutine(work) else whole())
        try:
            return await self._while_up(task)
        finally:
            task.cancel()

    @contextlib.asynccontextmanager
    async def group(self) -> AsyncIterator[asyncio.TaskGroup]:
        """Several things at once, as in an :class:`asyncio.TaskGroup` that lasts no longer than the call.

        >>> async with call.group() as group:
        ...     group.create_task(log_keys(call))
        ...     await asyncio.sleep(60)

        When the call ends, the block and all tasks are cancelled, whatever they wait for, and HungUp is
        raised once all have ended. What fails, a task or the block, ends the rest: an error alone is raised
        as it is, several in an ExceptionGroup. When the block ends by itself the tasks are waited for.
        """
        self._must_be_up()
        task = asyncio.current_task()
        assert task is not None, "a group belongs to a task"
        ended = False

        def on_event(event: CallEvent) -> None:
            nonlocal ended
            if isinstance(event, Ended) and not ended:
                ended = True
                task.cancel()

        forget = self.subscribe(on_event)
        try:
            async with asyncio.TaskGroup() as group:
                yield group
        except BaseException as error:
            # If somebody else has cancelled us as well, that comes first.
            alone = not ended or task.uncancel() == 0
            if alone and (isinstance(error, asyncio.CancelledError) if ended else _is_end_of(self, error)):
                self._must_be_up()
            if isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
                raise error.exceptions[0] from None
            raise
        finally:
            forget()

    def _must_be_up(self) -> None:
        if self.end is not None:
            raise HungUp(cast("Call", self), self.end) from None

    def _on_end(self, end: EndReason) -> None:
        self._ended.come()
        for future in self._waiting:
            if not future.done():
                fail(future, HungUp(cast("Call", self), end))
        self._waiting = ()

    async def _alone(self, future: asyncio.Future[_T]) -> _T:
        """As :meth:`_while_up`, for a future that nobody else waits for: one turn of the loop less."""
        self._must_be_up()
        self._waiting += (future,)
        try:
            return await future
        except EngineError:
            # The worker may have found the call gone before the signaling could tell of its end.
            if await self._ends_within(_END_IS_TOLD_WITHIN):
                self._must_be_up()
            raise
        finally:
            self._waiting = without(self._waiting, future)

    async def _while_up(self, source: asyncio.Future[_T]) -> _T:
        """The result of ``source``, or HungUp when the call ends first. Never cancels ``source``."""
        gate: asyncio.Future[_T] = asyncio.get_running_loop().create_future()

        def open_gate(source: asyncio.Future[_T]) -> None:
            if gate.done():
                return
            if source.cancelled():
                gate.cancel()
            elif error := source.exception():
                gate.set_exception(error)
            else:
                gate.set_result(source.result())

        source.add_done_callback(open_gate)
        try:
            return await self._alone(gate)
        finally:
            source.remove_done_callback(open_gate)

    async def _until_ended(self, request: int) -> None:
        try:
            await self.server.engine.completion(request)
        except EngineError:
            if not await self._ends_within(_END_IS_TOLD_WITHIN):
                raise
        await self.wait_ended()

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self.wait_ended()
        except TimeoutError:
            return False
        return True


def _is_end_of(call: Lasting, error: BaseException) -> bool:
    """The tasks of a group, or its block, ended because the call did."""
    if isinstance(error, BaseExceptionGroup):
        return all(_is_end_of(call, part) for part in error.exceptions)
    return isinstance(error, HungUp) and error.call is call
