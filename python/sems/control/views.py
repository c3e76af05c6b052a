"""What the API sends and takes: the schema of everything that crosses it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..conference import Conference, Participant, Presence, Role
from ..trace.record import message_to_json

if TYPE_CHECKING:
    from ..call import Call
    from ..engine import Quality
    from ..registration.accounts import Account
    from ..registration.bindings import Binding
    from ..trace import Trace, TracedCall


class View(BaseModel):
    """Something that is sent."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Wish(BaseModel):
    """Something that is asked for: unknown members are errors, and one at least must be given."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, use_attribute_docstrings=True,
        json_schema_extra={"minProperties": 1},
    )  # fmt: skip

    @model_validator(mode="after")
    def _wants_something(self) -> Wish:
        if not self.model_fields_set:
            raise ValueError(f"One of {', '.join(type(self).model_fields)} must be given.")
        return self


class LineView(View):
    """The state of a participant's line."""

    loss: int
    """Packets lost on the way to us, in percent; 0 while it does not disturb."""
    silent: bool
    """Nothing arrives although something should: the participant can't be heard."""
    deaf: bool
    """Nothing of ours arrives at the participant's phone, as it reports: the participant hears nothing."""


class ParticipantView(View):
    """A participant."""

    id: int
    name: str
    """The display name of the caller, unaltered."""
    role: Role
    presence: Presence
    muted: bool
    """The room does not hear this participant."""
    muted_by_moderator: bool
    """Only a moderator can undo it."""
    speaking: bool
    """Speaks, and is heard."""
    unheard: bool
    """Speaks while muted. Told only to the participant himself, and false for all others."""
    hand: int | None
    """The place of the raised hand in the queue, from 1."""
    on_hold: bool
    """Has put the room on hold."""
    line: LineView | None
    """Set while the line is bad."""

    @classmethod
    def of(cls, participant: Participant, hands: tuple[int, ...], *, own: bool) -> ParticipantView:
        """As shown to himself (``own``) or to others."""
        line = participant.line
        return cls(
            id=participant.id,
            name=participant.name,
            role=participant.role,
            presence=participant.presence,
            muted=participant.muted,
            muted_by_moderator=participant.muted_by_moderator,
            speaking=participant.speaking,
            unheard=own and participant.unheard,
            hand=hands.index(participant.id) + 1 if participant.id in hands else None,
            on_hold=participant.on_hold,
            line=LineView(loss=line.loss, silent=line.silent, deaf=line.deaf) if line.bad else None,
        )


class ConferenceView(View):
    """A conference as it is at one moment."""

    name: str
    sequence: int
    """The number of the last event that is part of this picture."""
    locked: bool
    """Nobody else can join."""
    hands: list[int]
    """Ids of those who have raised a hand, in the order in which they did."""
    participants: list[ParticipantView]
    """In the order in which they came."""
    me: int | None = None
    """Whose credential was used; null for the operator."""

    @classmethod
    def of(cls, conference: Conference, me: int | None = None) -> ConferenceView:
        """As shown to participant ``me``, or to the operator."""
        model = conference.model
        return cls(
            name=conference.name,
            sequence=model.sequence,
            locked=model.locked,
            hands=list(model.hands),
            participants=[
                ParticipantView.of(participant, model.hands, own=participant.id == me)
                for participant in model.participants.values()
            ],
            me=me,
        )


class ConferenceList(View):
    """All conferences."""

    conferences: list[ConferenceView]


EventType = Literal[
    "joined",
    "left",
    "removed",
    "muted",
    "unmuted",
    "role_changed",
    "line_changed",
    "voice_changed",
    "hand_raised",
    "hand_lowered",
    "locked",
    "unlocked",
]


class FiguresView(View):
    """What a participant's line is like over the last five seconds."""

    loss: int
    """Packets that did not come, in percent."""
    jitter: int
    """Interarrival jitter in milliseconds."""
    mos: float | None
    """What the participant sounds like here, 1.0–4.5 (ITU-T G.107, simplified)."""

    @classmethod
    def of(cls, quality: Quality, before: FiguresView | None = None) -> FiguresView:
        """Rounded as they are shown. What differs from ``before`` by little more than rounding stays, so
        that what looks the same is told once."""
        loss, jitter, mos = round(100 * quality.loss), round(quality.jitter_ms), _rounded(quality.mos, 1)
        if before and before.loss == loss and abs(before.jitter - quality.jitter_ms) < 1.5:
            jitter = before.jitter
            if before.mos and quality.mos and abs(before.mos - quality.mos) < 0.1:
                mos = before.mos
        return cls(loss=loss, jitter=jitter, mos=mos)


class EventView(View):
    """A change. What is given is new: put it in the place of what was there."""

    type: EventType
    sequence: int
    by: int | None = None
    """The participant whose command it was; missing if it was nobody's, or the operator's."""
    participant: ParticipantView | None = None
    """The participant whom it is about; after ``left`` and ``removed`` he is not there any more."""
    hands: list[int] | None = None
    """The whole queue of raised hands."""
    locked: bool | None = None


class Me(View):
    """Whom a credential stands for."""

    conference: str
    participant: int


class Done(View):
    """A command was carried out."""

    sequence: int
    """Whoever has seen the event of this number has seen all that the command led to."""


class ConferenceWish(Wish):
    """What shall be so of a conference."""

    locked: bool | None = None


class ParticipantWish(Wish):
    """What shall be so of a participant. All of it is done, or nothing."""

    muted: bool | None = None
    hand: bool | None = None
    """Raised or not."""


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)


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
            round_trip_ms=_rounded(quality.round_trip_ms, 1),
            remote_loss=_rounded(quality.remote_loss, 3),
            mos=_rounded(quality.mos, 2),
            remote_mos=_rounded(quality.remote_mos, 2),
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
            started=_moment(call.started),
            answered=None if call.answered_at is None else _moment(call.answered_at),
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
            until=None if account.until is None else _moment(round(account.until)),
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
            until=_moment(round(time.time() + left)),
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


class Overview(View):
    """All rooms, calls and registrations."""

    conferences: list[ConferenceSummary]
    calls: CallList
    registrations: Registrations


class Problem(View):
    """Why something was not done (RFC 9457)."""

    type: str = "about:blank"
    title: str
    """The meaning of the status code."""
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    """The reason, as a sentence that can be shown to people."""


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


class TracedCallView(View):
    """A call, or another request, of which messages are remembered."""

    call_id: str
    """Its Call-ID; `unreadable@ADDRESS` for what had none."""
    call: int | None
    """Its id, if it came as far as to get one."""
    began: datetime
    last: datetime
    """When its last message passed."""
    direction: Literal["in", "out"]
    remote: str
    method: str
    uri: str
    caller: str
    messages: int
    code: int | None
    """The final response to the first request."""
    outcome: str
    """How it ended, in plain words; empty while it lasts."""

    @classmethod
    def of(cls, call: TracedCall) -> TracedCallView:
        """As it is now."""
        return cls(
            call_id=call.call_id,
            call=call.call,
            began=datetime.fromtimestamp(call.first_ns / 1e9, UTC),
            last=datetime.fromtimestamp(call.last_ns / 1e9, UTC),
            direction=call.direction,
            remote=call.remote,
            method=call.method,
            uri=call.uri,
            caller=call.caller,
            messages=call.messages,
            code=call.code,
            outcome=call.outcome,
        )


class TracedCallList(View):
    """The newest first."""

    calls: list[TracedCallView]


class TraceEntryView(View):
    """One thing that happened."""

    at_us: int
    """Microseconds of the Unix time."""
    kind: Literal["received", "sent", "ordered", "told"]
    """A message that was received or sent, or what the app ordered or was told."""
    title: str
    """What a line says of it."""
    again: bool
    """Of a message: the same went by before."""
    transport: str
    local: str
    remote: str
    message: str
    """Of a message: all of it."""
    message_base64: str | None
    """The same, where it isn't UTF-8."""
    text: str
    fields: list[tuple[str, str]]


class TraceView(View):
    """What is remembered of a call."""

    call_id: str
    outcome: str
    version: str
    settings: dict[str, Any]
    """What of the configuration its course depends on."""
    entries: list[TraceEntryView]

    @classmethod
    def of(cls, trace: Trace) -> TraceView:
        """All of it."""
        entries = []
        seen: set[tuple[str, bytes]] = set()
        for entry in trace.entries:
            message = message_to_json(entry.message)
            entries.append(
                TraceEntryView(
                    at_us=entry.at_ns // 1000,
                    kind=entry.kind,
                    title=entry.title,
                    again=entry.is_message and (entry.kind, entry.message) in seen,
                    transport=entry.transport,
                    local=entry.local,
                    remote=entry.remote,
                    message=message["message"],
                    message_base64=message.get("message_base64"),
                    text=entry.text,
                    fields=list(entry.fields),
                )
            )
            seen.add((entry.kind, entry.message))
        return cls(
            call_id=trace.call_id,
            outcome=trace.outcome,
            version=trace.version,
            settings=trace.settings,
            entries=entries,
        )
