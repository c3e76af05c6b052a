"""Places the calls that bring people into a room."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final

from ..errors import CallFailed, SemsError
from ..events import CallEvent, Progress
from ..locating import redirect
from ..registration.registrar import hunt
from ..sip.links import in_header
from .dialling import (
    CallChanged,
    CallGone,
    CancelCall,
    Dialling,
    DialState,
    answered,
    failed,
    forget,
    plain,
    progress,
)
from .errors import NotAllowed, Refused
from .events import Event, Gone
from .speech import Speech

if TYPE_CHECKING:
    from ..call import Call
    from ..registration.bindings import Binding
    from .conference import Conference
    from .exchange import Exchange, Way

#: So long, in seconds, it is shown that somebody was called in vain.
REMEMBERED: Final = 60.0
#: What he hears who dialled somebody that does not come.
_IN_VAIN: Final = "busy"
_NOT_ACCEPTABLE: Final = 488
# Different provisional responses that are told of one call.
_MOST_PROGRESS: Final = 10


class Dialler:
    """Of one conference: does what :class:`~sems.conference.dialling.Dial` and its like have led to."""

    def __init__(self, conference: Conference, exchange: Exchange) -> None:
        self._conference = conference
        self._exchange = exchange
        self._model = conference.model
        self._running: dict[int, asyncio.Task[None]] = {}
        self._alarms: dict[int, asyncio.TimerHandle] = {}
        self._model.switchboard = self
        self._model.subscribe(self._on_event)

    def check(self, target: str, by: int | None) -> None:
        """As :class:`~sems.conference.dialling.Switchboard`."""
        if by is not None and not (self._conference.server.config.dialout.strangers or self._known(by)):
            raise NotAllowed(
                "Only who has shown a password or PIN, or comes from a trusted neighbour, can call somebody.",
                "stranger",
            )
        self._way(target, by)
        self._exchange.check_limits(self._conference.name)

    def _take_back(self) -> None:
        going_on = [call.id for call in self._model.calls.values() if call.going_on]
        if not self._model.participants:
            self._model.do(*map(CancelCall, going_on), by=None)

    def _known(self, id: int) -> bool:
        """Somebody knows who he is. Who comes first into a room need be nobody."""
        member, participant = self._conference.members.get(id), self._model.participants.get(id)
        if member is None or participant is None:
            return False
        call = member.call
        shown = call.trusted or call.authenticated_user is not None or call.direction == "out"
        # Otherwise the role is given by a PIN, a trusted neighbour or a route.
        return shown or (participant.moderates and participant.role_fixed)

    def close(self) -> None:
        """Nobody is in the room any more: takes back all calls."""
        for call in list(self._running):
            self._running.pop(call).cancel()
        for alarm in self._alarms.values():
            alarm.cancel()
        self._alarms.clear()

    def _way(self, target: str, by: int | None) -> Way:
        members = self._conference.members
        # The operator calls as whoever of the room says who calls.
        dialling = members.values() if by is None else [members[by]] if by in members else []
        said = (each.call.params.get("dialout-from") for each in dialling)
        caller = next((text for text in said if text is not None), None)
        return self._exchange.way(target, self._conference.name, caller)

    def _on_event(self, event: Event) -> None:
        match event:
            case CallChanged(call=call) if call.going_on:
                if call.id not in self._running:
                    self._start(call)
            case CallChanged(call=call):
                self._stop(call.id)
                loop = asyncio.get_running_loop()
                self._alarms[call.id] = loop.call_later(REMEMBERED, forget, self._model, call.id)
                if call.state is DialState.FAILED and call.by is not None:
                    self._tell(call.by)
            case Gone() if not self._model.participants:
                # Who comes would find nobody, but those who wait to be let in.
                asyncio.get_running_loop().call_soon(self._take_back)
            case CallGone(call=call):
                # Whoever has answered goes on.
                self._running.pop(call.id, None)
                if alarm := self._alarms.pop(call.id, None):
                    alarm.cancel()

    def _start(self, call: Dialling) -> None:
        if alarm := self._alarms.pop(call.id, None):
            alarm.cancel()
        over = self._exchange.begin(self._conference.name)
        task = asyncio.create_task(self._bring(call))
        task.add_done_callback(lambda _: over())
        self._running[call.id] = task
        self._conference.server.spawn(_finish(task))

    def _stop(self, id: int) -> None:
        task = self._running.pop(id, None)
        if task and task is not asyncio.current_task():
            task.cancel()

    def _tell(self, by: int) -> None:
        if member := self._conference.members.get(by):
            member.sound(_IN_VAIN)

    # the calls

    async def _bring(self, call: Dialling) -> None:
        """Calls somebody until he answers, and lets him take part until he leaves."""
        try:
            found, link = await self._reach(call)
        except CallFailed as failure:
            failed(self._model, call.id, failure.code, failure.reason)
            return
        except Refused as refused:
            failed(self._model, call.id, 403, "", str(refused))
            return
        except (SemsError, ValueError) as error:
            failed(self._model, call.id, 503, str(error))
            return
        conference = self._conference
        try:
            async with found:
                participant = answered(self._model, call.id, texts=conference.sends_texts_to(found))
                speech = Speech(found, self._model.settings.language)
                with conference.server.conferences.taking_part(found, conference.name):
                    await conference.attend(found, participant, link, speech)
        except Refused as refused:
            failed(self._model, call.id, 486, "", str(refused))
        finally:
            conference.links.end(link)

    async def _reach(self, call: Dialling) -> tuple[Call, str]:
        """Who answers, and the token of the link that he was given."""
        way = self._way(call.target, call.by)
        seconds = self._conference.server.config.dialout.ring_time

        async def call_at(uri: str) -> tuple[Call, str]:
            if uri == way.uri:
                return await self._call(call.id, way, seconds)
            try:
                there = self._exchange.redirected(uri, way.caller)
            except Refused as refused:
                raise CallFailed(302, str(refused)) from None
            return await self._call(call.id, there, seconds)

        try:
            async with asyncio.timeout(seconds):
                return await redirect.follow(way.uri, call_at)
        except TimeoutError:
            raise CallFailed(408, plain(408)) from None

    async def _call(self, id: int, way: Way, seconds: float) -> tuple[Call, str]:
        """One phone after the other of those that are registered at us for that address."""
        server = self._conference.server
        ours = not (way.straight or "route" in way.how or "account" in way.how)
        phones = server.registrar.find(way.uri) if ours else []
        if len(phones) > 1:
            return await hunt(phones, lambda phone, share: self._ring(id, way, share, phone), seconds)
        return await self._ring(id, way, seconds)

    async def _ring(
        self, id: int, way: Way, seconds: float, phone: Binding | None = None
    ) -> tuple[Call, str]:
        try:
            return await self._ring_with(id, way, seconds, phone, described=True)
        except CallFailed as failure:
            # Perhaps it takes no description with a link.
            if failure.code != _NOT_ACCEPTABLE:
                raise
        return await self._ring_with(id, way, seconds, phone, described=False)

    async def _ring_with(
        self, id: int, way: Way, seconds: float, phone: Binding | None, *, described: bool
    ) -> tuple[Call, str]:
        conference = self._conference
        how = way.how.copy()
        if phone is not None:
            how["destination"], how["route"] = phone.way
        told: set[tuple[int, bool]] = set()

        def follow(event: CallEvent) -> None:
            if isinstance(event, Progress) and len(told) < _MOST_PROGRESS:
                known = event.code, event.early_media
                if known not in told:
                    told.add(known)
                    progress(self._model, id, event.code, event.reason, early_media=event.early_media)

        # Each is given a link of his own: who declines must not have that of who answers.
        link = conference.links.reserve()
        page = f"{conference.server.base_url(None)}/c/{link}"
        if not described:
            how["headers"] = [*how.get("headers", ()), in_header(page)]
        call = None
        try:
            call = await conference.server.place(
                way.uri if phone is None else phone.contact,
                to_uri="" if phone is None else way.uri,
                link=page if described else None,
                focus=True,
                ring_timeout=seconds,
                **how,
            )
            call.app_name = conference.app_name
            unfollow = call.subscribe(follow)
            await call.wait_answered()
        except BaseException:
            conference.links.end(link)
            if call is not None:
                conference.server.spawn(call.hangup())
            raise
        unfollow()
        return call, link


async def _finish(task: asyncio.Task[None]) -> None:
    """So that it ends with the server, as all that it has spawned."""
    try:
        await asyncio.wait({task})
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
