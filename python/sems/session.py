"""A call with behaviour of its own, of which an app overrides what it wants otherwise."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, Self

from . import checks
from .errors import HungUp
from .events import CallEvent, Digit, Hold, RtpResumed, RtpTimeout, Speaking

if TYPE_CHECKING:
    from .app import App
    from .call import Call
    from .events import EndReason
    from .sip.requests import SipRequest
    from .sip.transfer import Refer


class Session:
    """One call, with a method for each thing that happens in it. Each does what is usual until it is
    overridden: the call is answered, lasts until somebody hangs up, and ends when nothing is heard any more.

    >>> app = App()
    >>> @app.session
    ... class Desk(Session):
    ...     async def on_dtmf(self, digit: str) -> None:
    ...         await self.call.play(f"digit-{digit}")

    Each event runs in a task of its own, so none keeps the others waiting; all of them end with the call.
    What one of them raises ends the call, as in a coroutine for calls. Texts, transfers and other requests
    are taken only when their methods are overridden, so that phones are told what we take.
    """

    _running: ClassVar[dict[int, Session]]
    _group: asyncio.TaskGroup

    def __init__(self, call: Call) -> None:
        self.call = call
        """The call."""
        self._tasks: set[asyncio.Task[None]] = set()

    # What happens, and what is done about it

    async def on_invite(self) -> None:
        """Somebody calls. Answers; may ring, play early media, reject or redirect instead."""
        await self.call.answer()

    async def run(self) -> None:
        """What the call is for. Waits for its end; when it returns, the call is hung up."""
        await self.call.wait_ended()

    async def on_dtmf(self, digit: str) -> None:
        """The peer has pressed a key, by RFC 4733, INFO or in the sound. Nothing is done: ``call.ask()`` and
        ``call.digit()`` get it in any case."""

    async def on_speaking(self, on: bool) -> None:
        """The peer began (or ceased) to speak. Nothing is done."""

    async def on_hold(self, on: bool) -> None:
        """The peer put us on hold, or took us back. Nothing is done."""

    async def on_rtp_timeout(self, silent_ms: int) -> None:
        """Nothing has been heard of the peer for so long (``rtp_timeout``). Hangs up once it is answered,
        unless he is in a conference, or has us on hold, and his telephone says that it is still there."""
        self.call.end_unless_heard()

    async def on_rtp_resumed(self) -> None:
        """The peer is heard again. Nothing is done."""

    async def on_refer(self, refer: Refer) -> None:
        """The peer asks us to call somebody else (REFER). Refuses with 603."""
        await refer.respond(603)

    async def on_message(self, message: SipRequest) -> None:
        """The peer sent a text (MESSAGE), which is answered 200 when this returns. Nothing is done."""

    async def on_info(self, info: SipRequest) -> None:
        """The peer sent an INFO that holds no key, which is answered 200 when this returns."""

    async def on_bye(self, end: EndReason) -> None:
        """The call is over, whoever ended it, and also when something of the session has failed. Nothing is
        done: this is for what is left to do."""

    # How it comes about

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Does something beside the rest, at the longest until the call ends."""
        checks.kind("work", work, "a coroutine", Coroutine)
        try:
            task = self._group.create_task(work)
        except RuntimeError:
            # What has failed is ending all of it.
            work.close()
            return
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @classmethod
    def serve(cls, app: App) -> None:
        """For :meth:`App.session() <sems.app.App.session>`: has the app take each call with a session."""
        for name, usual in inspect.getmembers(Session, inspect.iscoroutinefunction):
            its = getattr(cls, name)
            if its is not usual and not name.startswith("_"):
                checks.handler(its, f"{name} of {cls.__name__}", *inspect.signature(usual).parameters)
        if "_running" not in vars(cls):
            cls._running = {}
        app.call(cls._take)
        if cls.on_refer is not Session.on_refer:
            app.refer(cls._on_refer)
        if cls.on_message is not Session.on_message:
            app.message(cls._on_message)
        if cls.on_info is not Session.on_info:
            app.request("INFO", default=200)(cls._on_info)

    @classmethod
    async def _take(cls, call: Call) -> None:
        session = cls._running[call.id] = cls(call)
        try:
            await session._last()
        finally:
            del cls._running[call.id]

    async def _last(self) -> None:
        call = self.call
        try:
            await self._until_over()
        except BaseException:
            if call.end is None:
                # Whoever runs this ends the call when he has the error.
                call.server.spawn(self._say_goodbye())
            else:
                await self._say_goodbye()
            raise
        await self._say_goodbye()

    async def _say_goodbye(self) -> None:
        await self.on_bye(await self.call.wait_ended())

    async def _until_over(self) -> None:
        call = self.call
        call.ends_in_silence = False
        try:
            async with call.group() as self._group:
                forget = call.subscribe(self._on_event)
                try:
                    await self.on_invite()
                    await self.run()
                finally:
                    forget()
                    for task in self._tasks:
                        task.cancel()
        except HungUp as hung_up:
            if hung_up.call is not call:
                raise
        else:
            await call.hangup()

    def _on_event(self, event: CallEvent) -> None:
        match event:
            case Digit(digit):
                self.start(self.on_dtmf(digit))
            case Speaking(on):
                self.start(self.on_speaking(on))
            case Hold(on):
                self.start(self.on_hold(on))
            case RtpTimeout(silent_ms):
                self.start(self.on_rtp_timeout(silent_ms))
            case RtpResumed():
                self.start(self.on_rtp_resumed())

    @classmethod
    def _of(cls, request: SipRequest) -> Self | None:
        session = None if request.call is None else cls._running.get(request.call.id)
        return session if isinstance(session, cls) else None

    @classmethod
    async def _on_refer(cls, refer: Refer) -> None:
        if session := cls._of(refer):
            await session.on_refer(refer)

    @classmethod
    async def _on_message(cls, message: SipRequest) -> None:
        if session := cls._of(message):
            await session.on_message(message)
        else:
            await message.respond(480)

    @classmethod
    async def _on_info(cls, info: SipRequest) -> None:
        if session := cls._of(info):
            await session.on_info(info)
        else:
            await info.respond(480)
