"""The operator's API: all rooms, calls and registrations, and what the core counts."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp

from ..engine import __version__
from .endpoint import BROWSER, Ask, Endpoint, answer
from .stream import EventStream, Streams, event
from .views import (
    AccountView,
    CallList,
    CallView,
    ConferenceSummary,
    MinuteView,
    Overview,
    PhoneView,
    Registrations,
    Stats,
)

if TYPE_CHECKING:
    from ..call import Call
    from ..server import Server

#: How many calls, and how many phones, are listed at most.
LISTED: Final = 500
#: How often, in seconds, it is looked whether something has changed.
GLANCE: Final = 0.2
#: How often, in seconds, the counters are told.
STATS: Final = 1.0


class OperatorApi:
    """Shows everything, and hangs up."""

    def __init__(self, streams: Streams) -> None:
        self._streams = streams

    def endpoints(self) -> list[Endpoint]:
        """All that belongs to the operator."""
        return [
            Endpoint(
                method="GET",
                path="/calls",
                handle=self.list_calls,
                name="listCalls",
                summary=f"All calls, the newest first, {LISTED} at most",
                who="operator",
                answer=CallList,
            ),
            Endpoint(
                method="GET",
                path="/calls/{call:int}",
                handle=self.show_call,
                name="getCall",
                summary="A call",
                who="operator",
                answer=CallView,
                errors=(404,),
            ),
            Endpoint(
                method="DELETE",
                path="/calls/{call:int}",
                handle=self.hang_up,
                name="hangUp",
                summary="Hang up",
                who="operator",
                errors=(404,),
            ),
            Endpoint(
                method="GET",
                path="/registrations",
                handle=self.list_registrations,
                name="listRegistrations",
                summary=f"Where we are registered, and which phones are registered at us, {LISTED} at most",
                who="operator",
                answer=Registrations,
            ),
            Endpoint(
                method="GET",
                path="/stats",
                handle=self.stats,
                name="getStats",
                summary="Counters and gauges",
                who="operator",
                answer=Stats,
            ),
            Endpoint(
                method="GET",
                path="/overview/events",
                handle=self.follow,
                name="followOverview",
                summary=(
                    "Follow all of it by Server-Sent Events: `overview` (the schema of this answer) whenever "
                    "something changes, `stats` (as of getStats) each second"
                ),
                who="operator",
                answer=Overview,
                media_type="text/event-stream",
                query=BROWSER,
            ),
        ]

    async def list_calls(self, ask: Ask) -> ASGIApp:
        """The newest calls."""
        return answer(_calls(ask.server))

    async def show_call(self, ask: Ask) -> ASGIApp:
        """One call."""
        call = _call(ask)
        return answer(CallView.of(call, _rooms_of_calls(ask.server).get(call.id)))

    async def hang_up(self, ask: Ask) -> ASGIApp:
        """Ends a call."""
        call = _call(ask)
        await call.hangup()
        return Response(status_code=204)

    async def list_registrations(self, ask: Ask) -> ASGIApp:
        """Ours elsewhere, and those of others here."""
        return answer(_registrations(ask.server))

    async def stats(self, ask: Ask) -> ASGIApp:
        """What the core counts."""
        return answer(_stats(ask.server))

    async def follow(self, ask: Ask) -> ASGIApp:
        """The stream of the operator's page."""
        return EventStream(_OverviewReader(ask.server), self._streams, ask.caller.name, ask.browser)


def _call(ask: Ask) -> Call:
    id = ask.number("call")
    call = None if id is None else ask.server.calls.get(id)
    if call is None:
        raise HTTPException(404, "There is no such call, or it has ended.")
    return call


class _OverviewReader:
    """Looks a few times a second, as long as somebody reads, and tells what has changed."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._told = ""
        self._stats_due = 0.0
        self._clock: asyncio.Task[None] | None = None

    def open(self, wake: asyncio.Event) -> None:
        async def tick() -> None:
            while True:
                await asyncio.sleep(GLANCE)
                wake.set()

        self._clock = asyncio.create_task(tick())

    def close(self) -> None:
        if self._clock:
            self._clock.cancel()

    def take(self) -> tuple[bytes, bool]:
        chunk = b""
        overview = _overview(self._server).model_dump_json()
        if overview != self._told:
            self._told = overview
            chunk += event(overview, name="overview")
        now = asyncio.get_running_loop().time()
        if now >= self._stats_due:
            self._stats_due = now + STATS
            chunk += event(_stats(self._server).model_dump_json(), name="stats")
        return chunk, False


def _overview(server: Server) -> Overview:
    return Overview(
        conferences=[
            ConferenceSummary(
                name=conference.name,
                participants=len(conference.model.participants),
                hands=len(conference.model.hands),
                locked=conference.model.settings.locked,
            )
            for conference in server.conferences
        ],
        calls=_calls(server),
        registrations=_registrations(server),
        history=[MinuteView.of(minute) for minute in server.history.minutes],
    )


def _calls(server: Server) -> CallList:
    rooms = _rooms_of_calls(server)
    newest = sorted(server.calls.values(), key=lambda call: call.started, reverse=True)
    return CallList(
        total=len(newest), calls=[CallView.of(call, rooms.get(call.id)) for call in newest[:LISTED]]
    )


def _registrations(server: Server) -> Registrations:
    phones = server.registrar.bindings()
    return Registrations(
        accounts=[AccountView.of(account) for account in server.accounts],
        total=len(phones),
        phones=[PhoneView.of(phone) for phone in phones[:LISTED]],
    )


def _rooms_of_calls(server: Server) -> dict[int, str]:
    return {
        member.call.id: conference.name
        for conference in server.conferences
        for member in conference.members.values()
    }


def _stats(server: Server) -> Stats:
    return Stats(version=__version__, counters=server.engine.core.stats())
