"""What the API sends of calls, registrations and all rooms at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from .base import View, moment, rounded

if TYPE_CHECKING:
    from ...call import Call
    from ...engine import Quality
    from ...registration.accounts import Account
    from ...registration.bindings import Binding
    from ...server.history import Minute


class QualityView(View):
    """Figures of a line over the last five seconds."""

    received: int
    lost: int
    """Packets that should have come and did not."""
    discarded: int
    """Packets that came too late to be played."""
    jitter_ms: float
    buffer_ms: float
    """How long packets wait to be played."""
    round_trip_ms: float | None
    remote_loss: float | None
    """The share of our packets that the peer reports as lost, 0.0–1.0."""
    mos: float | None
    """What the peer sounds like here, 1.0–4.5 (ITU-T G.107, simplified)."""
    remote_mos: float | None
    """What we sound like to the peer."""

    @classmethod
    def of(cls, quality: Quality) -> QualityView:
        """As the call tells it."""
        return cls(
            received=quality.received,
            lost=quality.lost,
            discarded=quality.discarded,
            jitter_ms=round(quality.jitter_ms, 1),
            buffer_ms=round(quality.buffer_ms, 1),
            round_trip_ms=rounded(quality.round_trip_ms, 1),
            remote_loss=rounded(quality.remote_loss, 3),
            mos=rounded(quality.mos, 2),
            remote_mos=rounded(quality.remote_mos, 2),
        )


class CallView(View):
    """A call."""

    id: int
    direction: Literal["in", "out"]
    state: Literal["incoming", "ringing", "dialing", "answered", "ended"]
    app: str | None
    """The service that has it."""
    conference: str | None
    """The conference that it takes part in."""
    uri: str
    """Request-URI: whom the caller wanted."""
    caller_name: str
    caller_uri: str
    source: str
    """The address and port from which it came, or to which it was sent."""
    codec: str | None
    on_hold: bool
    started: datetime
    answered: datetime | None
    quality: QualityView | None
    stopped: list[Literal["in", "out"]]
    """Streams that should flow and don't: ``in``: the peer can't be heard; ``out``: it hears nothing."""

    @classmethod
    def of(cls, call: Call, conference: str | None) -> CallView:
        """As shown to the operator, which never includes the link of its page."""
        return cls(
            id=call.id,
            direction=call.direction,
            state=call.state,
            app=call.app_name,
            conference=conference,
            uri=call.uri,
            caller_name=call.caller_name,
            caller_uri=call.caller_uri,
            source=call.source,
            codec=call.codec,
            on_hold=call.on_hold,
            started=moment(call.started),
            answered=None if call.answered_at is None else moment(call.answered_at),
            quality=None if (quality := call.quality) is None else QualityView.of(quality),
            stopped=sorted(call.stopped),
        )


class CallList(View):
    """Calls, the newest first."""

    total: int
    """How many there are, listed or not."""
    calls: list[CallView]


class AccountView(View):
    """An address of ours at somebody's registrar."""

    name: str
    uri: str
    """The address that others call."""
    state: Literal["registering", "registered", "failed", "ended"]
    code: int | None
    """Of a failure: what was answered; 408 for silence, 503 when there was no way there."""
    reason: str
    """Of a failure: why."""
    until: datetime | None
    """Of `registered`: when it ends unless it is refreshed; of `failed`: when it is tried again."""
    contact: str
    """Our address as the registrar has it."""

    @classmethod
    def of(cls, account: Account) -> AccountView:
        """As it stands, without its password."""
        return cls(
            name=account.name,
            uri=account.uri,
            state=account.state,
            code=account.code,
            reason=account.reason,
            until=None if account.until is None else moment(round(account.until)),
            contact=account.contact,
        )


class PhoneView(View):
    """A phone that is registered at us."""

    address: str
    """The address under which it is called."""
    contact: str
    """Its own address, as it says itself."""
    source: str
    """The address and port from which it registered."""
    user_agent: str
    """What it calls itself."""
    q: float
    """How much it is preferred among the phones of the same user, 0.0–1.0."""
    until: datetime
    """When it is forgotten."""

    @classmethod
    def of(cls, binding: Binding) -> PhoneView:
        """As the registrar has it."""
        left = binding.until - asyncio.get_running_loop().time()
        return cls(
            address=binding.aor,
            contact=binding.contact,
            source=binding.source,
            user_agent=binding.user_agent,
            q=binding.q,
            until=moment(round(time.time() + left)),
        )


class Registrations(View):
    """Where we are registered, and who is registered at us."""

    accounts: list[AccountView]
    total: int
    """How many phones there are, listed or not."""
    phones: list[PhoneView]


class Stats(View):
    """Counters and gauges of the core, by name."""

    version: str
    counters: Mapping[str, int]


class ConferenceSummary(View):
    """A conference in a line."""

    name: str
    participants: int
    hands: int
    locked: bool


class MinuteView(View):
    """The calls of one minute."""

    minute: datetime
    most: int
    """Calls at once, at most."""
    begun: int
    answered: int
    """Of those that ended: how many had been answered."""
    setup_ms: int | None
    """From INVITE to answer, on average."""
    codes: dict[str, int]
    """How calls ended that were never answered: `4xx`, `5xx`, `6xx`, `none`."""

    @classmethod
    def of(cls, minute: Minute) -> MinuteView:
        """As it is kept."""
        mean = round(1000 * minute.setup_seconds / minute.answered) if minute.answered else None
        return cls(
            minute=moment(60 * minute.number),
            most=minute.most,
            begun=minute.begun,
            answered=minute.answered,
            setup_ms=mean,
            codes=dict(minute.codes),
        )


class Overview(View):
    """All rooms, calls and registrations."""

    conferences: list[ConferenceSummary]
    calls: CallList
    registrations: Registrations
    history: list[MinuteView]
    """The last hour: the minutes in which there was a call."""
