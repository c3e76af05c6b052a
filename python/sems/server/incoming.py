"""Calls that come in: which app takes each, and running it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING

from .. import checks
from ..call import Call
from ..engine import Event
from ..errors import CallFailed, EngineError, HungUp, WrongState, is_failure
from ..routing import Refusal, choose
from ..sip import hops
from ..sip.headers import Headers, NameAddr
from ..sip.params import Params
from . import dispatch

if TYPE_CHECKING:
    from ..app import App
    from .server import Server


class Incoming:
    """For the server: gives each call to its app, whose handler has a task for it."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.handlers: dict[asyncio.Task[None], App] = {}
        """The handlers that run, and whose they are."""

    def take(self, event: Event.Incoming) -> None:
        """Has the call that comes in served by its app, or refused."""
        server = self._server
        headers = Headers.of_message(event.headers)
        uri, source, trusted = event.uri, event.source, event.trusted
        call = Call(
            server,
            event.call,
            direction="in",
            uri=uri,
            caller=NameAddr.parse(headers.get("From", "")),
            headers=headers,
            source=source,
            local=event.local,
        )
        call.authenticated_user = event.user
        call.codecs = tuple(event.codecs)
        account = server.accounts.of_call(call.request_uri, source)
        call.account = account.name if account is not None else None
        call.trusted = trusted
        server.adopt(call)
        target = choose(
            call.request_uri,
            headers,
            trusted=trusted,
            config=server.config,
            apps=server.apps,
            account=call.account,
        )
        app = None if isinstance(target, Refusal) else server.apps.get(target.app)
        if app is not None and app.handler is None:
            target = dispatch.NOBODY
        if isinstance(target, Refusal):
            call.log.info("call refused", code=target.code, why=target.reason)
            server.spawn(call.reject(target.code, target.reason))
            return
        assert app is not None
        self._start(call, app, target.app, target.params)
        call.log.info("call", source=source)

    async def serve(self, call: Call, name: str, params: Mapping[str, str]) -> None:
        """As :meth:`Server.serve() <sems.server.Server.serve>`."""
        app = self._server.apps.get(name)
        if app is None or app.handler is None:
            raise WrongState(f"there is no app {name!r} that takes calls")
        task = self._start(call, app, name, params)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()

    def _start(self, call: Call, app: App, name: str, params: Mapping[str, str]) -> asyncio.Task[None]:
        call.app = app
        call.app_name = name
        call.params = Params(params)
        call.sound_folder = app.folder
        call.log = call.log.bind(app=name)
        task = asyncio.get_running_loop().create_task(self._serve(call, app), name=f"call {call.id}")
        self.handlers[task] = app
        return task

    async def _serve(self, call: Call, app: App) -> None:
        """Runs the app's handler, and ends the call with it."""
        code, reason = 480, None
        hops.serve(call.headers)
        try:
            if not self._server.ready:
                await self._server.opened()
                if app not in tuple(self._server.apps):
                    # It could not start.
                    return
            if call.end is None and app.handler is not None:
                await app.handler(call)
                if call.end is None and call.direction == "in" and not call.answering:
                    call.log.warning(
                        "an app has returned without answer(), reject() or redirect()", code=code
                    )
        except BaseException as error:
            if not is_failure(error):
                code = 503
                raise
            code, reason = _refusal(call, error)
        finally:
            if call.end is None:
                self._server.spawn(_finish(call, code, reason))
            # Not by a callback, which would be one more turn of the loop.
            if task := asyncio.current_task():
                self.handlers.pop(task, None)

    async def retire(self, app: App) -> None:
        """Runs the stop hooks of an app that gets no more calls, once those that it has are over."""
        try:
            if running := [task for task, of in self.handlers.items() if of is app]:
                await asyncio.wait(running)
        finally:
            await self._server.run_hooks(app, app.stop_hooks)


async def _finish(call: Call, code: int, reason: str | None) -> None:
    """Ends a call in whatever state it is. One that is not answered, nor about to be, is refused with
    ``code``, or with 500 where that can't be told."""
    if call.direction == "out" or call.answering:
        await call.hangup()
        return
    try:
        await call.reject(code, reason)
    except (ValueError, TypeError, OverflowError, EngineError):
        await call.reject(500)


def _refusal(call: Call, error: BaseException) -> tuple[int, str | None]:
    """How a caller who is not answered yet is told of what a handler ended with, which is logged."""
    if isinstance(error, CallFailed) and error.is_refusal:
        # Whom it was to be put through to does not take it.
        call.log.info("a call that was placed for it failed", why=str(error))
        # What asks us for a password, or sends us elsewhere, means nothing to the caller.
        if error.code in (401, 407) or error.code < 400:
            return 480, None
        return error.code, checks.one_line(error.reason)
    ended = _ended(error)
    if ended is None:
        call.log.exception("an app failed")
        return 500, "Service Failed"
    if call.end is None:
        # Of its own end no handler need be told; that of another may come as a surprise.
        for other in ended:
            call.log.info(
                "the end of another call has ended the handler of this one",
                other=other.id,
                other_caller=other.caller_uri,
                other_uri=other.uri,
                why=str(other.end),
            )
    return 480, None


def _ended(error: BaseException) -> list[Call] | None:
    """The calls because of whose end the handler ended, perhaps in several of its tasks; None: that is not
    why."""
    if isinstance(error, BaseExceptionGroup):
        parts = [_ended(part) for part in error.exceptions]
        if any(part is None for part in parts):
            return None
        return list(dict.fromkeys(call for part in parts for call in part or ()))
    return [error.call] if isinstance(error, HungUp) else None
