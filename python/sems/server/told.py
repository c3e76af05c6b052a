"""What the engine tells, carried to the calls, rooms, accounts and apps that it is for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..engine import Event
from ..events import SILENT
from ..log import logger
from ..sip import subscriptions
from . import dispatch

if TYPE_CHECKING:
    from .server import Server

# What the core says of servers that don't show the certificate that they should.
_NO_TLS = "no TLS connection "

_OfSubscriptions = Event.Refreshed | Event.Subscribing | Event.Notified | Event.SubscriptionEnded


class Told:
    """Takes each event of the engine of one server."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self.sounding: dict[int, set[int]] = {}
        """Who sounds, by room: ids of calls."""
        # What is not of a call.
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            Event.Incoming: server.incoming.take,
            Event.Account: lambda event: server.accounts.on_event(event),
            Event.Request: self._on_request,
            Event.Subscribed: self._on_subscribed,
            Event.Refreshed: self._on_subscription,
            Event.Subscribing: self._on_subscription,
            Event.Notified: self._on_subscription,
            Event.SubscriptionEnded: self._on_subscription,
            Event.Levels: lambda event: self.on_levels(event.room, dict(event.levels)),
            Event.FlowClosed: lambda event: server.registrar.on_flow_closed(event),
            Event.Overload: self._on_overload,
            Event.Fault: self._on_fault,
        }

    def on_event(self, event: Event) -> None:
        """One event, from the engine."""
        take = self._takers.get(type(event))
        if take is not None:
            take(event)
            return
        calls = self._server.calls
        if call := calls.get(getattr(event, "call", -1)):
            call.on_event(event)
            if call.end is not None:
                del calls[call.id]
                self._server.history.ends(call)
                call.log.info("call ended", why=str(call.end))
            elif isinstance(event, Event.RtpTimeout) and call.ends_in_silence:
                call.end_unless_heard()

    def on_levels(self, room_id: int, levels: dict[int, int]) -> None:
        """Who of a room sounds, by call id in dBov; nobody, when it is closed."""
        server = self._server
        before = self.sounding.pop(room_id, set())
        if levels:
            self.sounding[room_id] = set(levels)
        for call_id in before - levels.keys():
            if call := server.calls.get(call_id):
                call.on_level(SILENT)
        for call_id, level in levels.items():
            if call := server.calls.get(call_id):
                call.on_level(level)
        if room := server.rooms.get(room_id):
            room.on_levels(levels)

    def _on_request(self, event: Event.Request) -> None:
        if work := dispatch.receive(self._server, event):
            self._server.spawn(work)

    def _on_subscribed(self, event: Event.Subscribed) -> None:
        server = self._server
        app, _ = dispatch.app_for(server, subscriptions.Subscription(server, event))
        handler = None if app is None else app.subscription_handlers.get(event.package)
        if app is not None and handler is None:
            # Who calls Anna may be in her conference; whoever asks for her messages asks somebody else.
            takers = (each.subscription_handlers.get(event.package) for each in server.apps)
            handler = next((taker for taker in takers if taker is not None), None)
        server.spawn(subscriptions.run(server, event, handler))

    def _on_subscription(self, event: _OfSubscriptions) -> None:
        if follow := self._server.subscriptions.get(event.subscription):
            follow(event)

    def _on_overload(self, event: Event.Overload) -> None:
        if event.on:
            logger.warning("what is new is refused with 503", why=event.reason)
        else:
            logger.info("what is new is taken again", why=event.reason)

    def _on_fault(self, event: Event.Fault) -> None:
        if event.message.startswith(_NO_TLS):
            self._server.tls_failure = event.message
            logger.warning("a server is not whom we look for", why=event.message)
        else:
            logger.error("a part of the engine failed and was ended", why=event.message)
