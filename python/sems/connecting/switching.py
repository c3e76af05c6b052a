"""Calling one, then the other, and putting them through to each other (RFC 3725, as a B2BUA does it)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, Literal

from ..conference.errors import Refused
from ..errors import CallFailed, HungUp, SemsError, SoundNotFound, is_failure
from ..events import Answered, CallEvent, Ended, Progress
from ..log import logger
from ..sip.headers import SipUri
from .connection import Side, SideState, State, Wanted

if TYPE_CHECKING:
    from ..call import Call
    from ..server import How, Server
    from ..server.forking import How as InviteHow
    from .connections import Connections

Which = Literal["first", "second"]

# Different provisional responses that are told of one side.
_MOST_PROGRESS: Final = 10
_RINGING: Final = 180
_OTHER_GAVE_UP: Final = "the other party hung up before"
_OTHER_FAILED: Final = "the other party could not be reached"
_TAKEN_BACK: Final = "taken back"


def way_to(server: Server, target: str, shown: str) -> tuple[str, How]:
    """The address of ``target`` and how it is called, as ``[dialout]`` says; a phone that is registered here
    may be called always. ``shown``: the name of the caller, unless ``[dialout]`` has one.

    Raises Refused."""
    try:
        if server.registrar.enabled and server.registrar.find(target):
            return target, {"from_name": shown}
    except CallFailed:
        # It is one of ours, and calling it fails in time.
        return target, {"from_name": shown}
    way = server.conferences.exchange.way(target, shown, None)
    # In nobody's name, where the configuration names none.
    return way.uri, {"from_uri": "", **way.how}


class Switching:
    """Of one connection: does what was wanted, and tells how far it is."""

    def __init__(self, server: Server, connections: Connections, id: int, wanted: Wanted, who: str) -> None:
        """``who``: for whom calls are counted. Raises LinesBusy."""
        self._server = server
        self._connections = connections
        self._id = id
        self._wanted = wanted
        self._who = who
        self._seconds = wanted.timeout or server.config.dialout.ring_time
        self._told: dict[Which, int] = {"first": 0, "second": 0}
        self._first_rings = asyncio.Event()
        self._calls: list[Call] = []
        self._counted: list[Callable[[], None]] = []
        # At once, so that a burst of wishes is one of calls.
        self._count()

    async def run(self) -> None:
        """All of it. Never raises but when it is cancelled."""
        state = State.FAILED
        code, why = 487, _OTHER_FAILED
        try:
            await self._connect()
            state = State.ENDED
        except asyncio.CancelledError:
            state, why = State.CANCELLED, _TAKEN_BACK
            raise
        except HungUp:
            why = _OTHER_GAVE_UP
        except CallFailed as failed:
            logger.info("two could not be connected", connection=self._id, why=str(failed))
        except SemsError as error:
            logger.warning("two could not be connected", connection=self._id, why=str(error))
            code, why = 503, str(error)
        except BaseException as error:
            if not is_failure(error):
                raise
            logger.exception("two could not be connected", connection=self._id)
            code, why = 500, "the server failed"
        finally:
            if state is State.FAILED and self._connections.get(self._id).connected is not None:
                state = State.ENDED
            self._settle(state, code, why)

    def finish(self) -> None:
        """Whatever has become of it: nothing of it is left, also if it never began."""
        self._settle(State.CANCELLED, 487, _TAKEN_BACK)
        for call in self._calls:
            if call.end is None:
                self._server.spawn(call.hangup())
        while self._counted:
            self._counted.pop()()

    async def _connect(self) -> None:
        wanted, conferences = self._wanted, self._server.conferences
        if wanted.early:
            await self._both_at_once()
            return
        one = await self._reach("first")
        if wanted.second is not None:
            await self._then_the_second(one)
        elif wanted.room is not None:
            conference = conferences.get(wanted.room)
            one.app_name = conference.app_name or "conference"
            self._connected()
            await conference.join(one)
        elif wanted.service is not None:
            self._connected()
            await self._server.serve(one, wanted.service, wanted.params)

    async def _then_the_second(self, one: Call) -> None:
        """The first has answered, and hears what comes of calling the second."""
        self._change(state=State.CONNECTING)
        try:
            self._count()
            uri, how = self._way("second")
            await one.bridge(
                uri,
                timeout=self._seconds,
                placed=lambda call: self._follow("second", call, self._connected),
                follow_redirects=self._server.way_on,
                keep_headers=False,
                **how,
            )
        except CallFailed as failed:
            self._fails("second", failed.code, failed.reason)
            await self._regret(one)
            raise

    async def _both_at_once(self) -> None:
        """The second is called when the first rings; who answers first hears it ring."""
        first = asyncio.create_task(self._reach("first"))
        second = asyncio.create_task(self._when_it_rings(first))
        try:
            done, _ = await asyncio.wait({first, second}, return_when=asyncio.FIRST_COMPLETED)
            earlier, later = (first, second) if first in done else (second, first)
            waits = earlier.result()
            if earlier is first:
                self._change(state=State.CONNECTING)
            ringing = waits.start_play("tone:ringback", repeat=0)
            try:
                await waits.while_up(later)
            except CallFailed:
                ringing.cancel()
                await self._regret(waits)
                raise
            finally:
                ringing.cancel()
            self._connected()
            await first.result().bridge(second.result())
        finally:
            for task in (first, second):
                task.cancel()
            await asyncio.gather(first, second, return_exceptions=True)

    async def _when_it_rings(self, first: asyncio.Task[Call]) -> Call:
        rings = asyncio.create_task(self._first_rings.wait())
        try:
            await asyncio.wait({rings, first}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            rings.cancel()
        if first.done():
            # Raises what has become of it.
            first.result()
        self._count()
        return await self._reach("second")

    async def _reach(self, which: Which) -> Call:
        """Calls one, and returns the call once it is answered. Raises CallFailed."""
        links = self._server.conferences.links
        link = self._link() if which == "first" and self._wanted.room is not None else None
        given = [link] if link is not None else []

        def sent_on(target: str) -> tuple[str, InviteHow]:
            """Who sends the call on must not have the page of who takes it."""
            target, there = self._server.way_on(target)
            if link is not None:
                given.append(links.reserve())
                there["link"] = self._page(given[-1])
            return target, there

        try:
            uri, how = self._way(which)
            call = await self._server.fork(
                uri,
                timeout=self._seconds,
                placed=lambda call: self._follow(which, call, None),
                follow_redirects=sent_on,
                link=None if link is None else self._page(link),
                focus=link is not None,
                **how,
            )
        except BaseException as error:
            for token in given:
                links.end(token)
            if isinstance(error, CallFailed):
                self._fails(which, error.code, error.reason)
            raise
        if given:
            token = given.pop()
            for other in given:
                links.end(other)
            call.subscribe(lambda event: links.end(token) if isinstance(event, Ended) else None)
        return call

    def _page(self, token: str) -> str:
        return f"{self._server.base_url(None)}/c/{token}"

    def _link(self) -> str | None:
        """The token of the page of who is called into a room. Several telephones get none: who does not
        take the call must not have the page of who does."""
        try:
            alone = len(self._server.registrar.find(self._wanted.first)) < 2
        except CallFailed:
            alone = True
        return self._server.conferences.links.reserve() if alone else None

    def _count(self) -> None:
        """Counts one call more."""
        exchange = self._server.conferences.exchange
        if not self._counted:
            exchange.check_limits(self._who)
        else:
            try:
                exchange.check_limits(self._who)
            except Refused as refused:
                self._fails("second", 503, str(refused))
                raise CallFailed(503, str(refused)) from None
        self._counted.append(exchange.begin(self._who))

    def _way(self, which: Which) -> tuple[str, How]:
        wanted = self._wanted
        ours, other = wanted.first, wanted.second or wanted.room or wanted.service or ""
        if which == "second":
            ours, other = other, ours
        shown = wanted.shown if wanted.shown is not None else SipUri.parse(other).user or other
        return way_to(self._server, ours, "".join(each for each in shown if each.isprintable()))

    # What is told

    def _follow(self, which: Which, call: Call, answered: Callable[[], None] | None) -> None:
        """A call of that side has been placed."""
        self._calls.append(call)
        self._update(which, state=SideState.CALLING, call=call.id)

        def on_event(event: CallEvent) -> None:
            match event:
                case Progress(code, reason):
                    self._on_progress(which, call, code, reason)
                case Answered():
                    if self._side(which).state in (SideState.CALLING, SideState.RINGING):
                        self._update(which, state=SideState.ANSWERED, call=call.id, code=200, reason="OK")
                        if answered is not None:
                            answered()
                case Ended(end):
                    side = self._side(which)
                    if side.state is SideState.ANSWERED and side.call == call.id:
                        self._update(which, state=SideState.ENDED, reason=end.reason or end.cause)

        call.subscribe(on_event)

    def _on_progress(self, which: Which, call: Call, code: int, reason: str) -> None:
        if code == _RINGING and which == "first":
            self._first_rings.set()
        self._told[which] += 1
        if self._told[which] <= _MOST_PROGRESS:
            state = SideState.RINGING if code == _RINGING else self._side(which).state
            self._update(which, state=state, call=call.id, code=code, reason=reason)

    def _side(self, which: Which) -> Side:
        connection = self._connections.get(self._id)
        side = connection.first if which == "first" else connection.second
        assert side is not None
        return side

    def _update(self, which: Which, **values: Any) -> None:
        self._change(**{which: replace(self._side(which), **values)})

    def _fails(self, which: Which, code: int, reason: str) -> None:
        if self._side(which).state not in (SideState.FAILED, SideState.ENDED):
            self._update(which, state=SideState.FAILED, code=code, reason=reason)

    def _connected(self) -> None:
        self._change(state=State.CONNECTED, connected=self._connections.now())

    def _settle(self, state: State, code: int, why: str) -> None:
        """Nothing more happens: neither to the whole nor to a side."""
        connection = self._connections.get(self._id)
        if connection.over:
            return
        values: dict[str, Any] = {"state": state, "ended": self._connections.now()}
        for which, side in (("first", connection.first), ("second", connection.second)):
            if side is None:
                continue
            if side.state is SideState.ANSWERED:
                values[which] = replace(side, state=SideState.ENDED, reason="local")
            elif side.state not in (SideState.FAILED, SideState.ENDED):
                values[which] = replace(side, state=SideState.FAILED, code=code, reason=why)
        self._connections.change(self._id, **values)

    def _change(self, **values: Any) -> None:
        if not self._connections.get(self._id).over:
            self._connections.change(self._id, **values)

    async def _regret(self, call: Call) -> None:
        """Says that the other does not come."""
        with contextlib.suppress(SoundNotFound, HungUp):
            await call.play(self._server.sounds.spoken("nobody-answers", self._wanted.language))
