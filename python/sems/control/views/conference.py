"""What the API sends and takes of conferences."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

from pydantic import Field

from ...conference import Conference, ConferenceModel, Mode, Participant, Presence, Role, Settings, Who
from ...conference.events import (
    Admitted,
    CallChanged,
    CallGone,
    Event,
    FloorChanged,
    FloorTaken,
    HandsChanged,
    LobbyChanged,
    MessageFailed,
    MessageSent,
    ModeChanged,
    ParticipantChanged,
    RecordingChanged,
    SettingsChanged,
    TalkChanged,
    VolumesChanged,
)
from ...conference.volumes import LOUDEST, SOFTEST
from .base import View, Wish, moment, rounded
from .dialling import DiallingView, calls_of
from .recordings import RecordingView
from .talk import TalkView
from .text import MessageView, messages_for

if TYPE_CHECKING:
    from ...engine import Quality


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
    """The display name of the caller, on one line and without what cannot be read, at most 64 characters."""
    role: Role
    presence: Presence
    muted: bool
    """The participant, or a moderator, does not want to be heard by the room. Of the reader himself in a
    private talk: does not want to be heard there."""
    muted_by_moderator: bool
    """Only a moderator can undo it."""
    gain: float
    """So much louder than he is, in dB, the participant is for all."""
    floor: bool
    """Holds the floor. Where the mode is not `open`, only those are heard."""
    floor_until: datetime | None
    """When it is taken back by itself."""
    speaking: bool
    """Speaks, and is heard: by the room, or by the reader with whom he talks in private."""
    unheard: bool
    """Speaks while muted. Told only to the participant himself, and false for all others."""
    hand: int | None
    """The place of the raised hand in the queue, from 1."""
    private: bool
    """Talks with somebody else, and the room does not hear it. With whom is told to those alone."""
    side_room: str | None
    """The side room in which the participant is; null: the main room."""
    on_hold: bool
    """Has put the room on hold."""
    line: LineView | None
    """Set while the line is bad."""
    place: int | None
    """The number that means the participant in a code keyed in on a telephone, among those who are here or
    among those who wait. It stays the same; null: not there any more."""
    texts: bool
    """The participant's phone takes texts (SIP MESSAGE)."""

    @classmethod
    def of(
        cls, participant: Participant, model: ConferenceModel, *, own: bool, inside: bool = False
    ) -> ParticipantView:
        """As shown to himself (``own``), to those who hear him in a talk that the room does not hear
        (``inside``), or to others."""
        line = participant.line
        talks = inside and participant.private and not participant.muted_in_talk
        return cls(
            id=participant.id,
            name=participant.name,
            role=participant.role,
            presence=participant.presence,
            muted=model.muted(participant) if own else participant.muted,
            muted_by_moderator=participant.muted_by_moderator,
            gain=participant.gain,
            floor=participant.id in model.floor,
            floor_until=None if (until := model.floor_until(participant.id)) is None else moment(until),
            speaking=model.speaks(participant) or (talks and participant.voice),
            unheard=own and model.unheard(participant),
            hand=model.place(participant.id),
            private=participant.private,
            side_room=participant.side_room,
            on_hold=participant.on_hold,
            line=LineView(loss=line.loss, silent=line.silent, deaf=line.deaf) if line.bad else None,
            texts=participant.texts,
            place=model.places.get(participant.id) or model.waiting_places.get(participant.id),
        )


class SettingsView(View):
    """What holds in a room."""

    mode: Mode
    """Who is heard: `open`: all who are not muted; `moderated`: who holds the floor; `lecture`: moderators,
    who hold the floor from the start, and to whom they give it."""
    locked: bool
    """Nobody else can join."""
    waiting_room: bool
    """Who comes waits until a moderator lets him in."""
    wait_for_moderator: bool
    """Who comes while no moderator is here waits for one."""
    quiet: bool
    """No sound tells that somebody comes or goes."""
    max_members: int | None
    """How many can be here at once; null: as many as there are calls."""
    has_pin: bool
    """A PIN is to be keyed in to come in."""
    has_moderator_pin: bool
    """Who keys in another one comes in as a moderator."""
    language: str
    """The language in which the room speaks, such as `en`."""
    talk_time: float | None
    """For how many seconds the floor is given to somebody; null: until it is taken."""
    dial: Who
    """Who can call somebody into the room."""
    undo_time: float
    """For how many seconds somebody who was removed is back at once if that is taken back."""

    @classmethod
    def of(cls, settings: Settings) -> SettingsView:
        """As everybody sees them: PINs are never shown."""
        return cls(
            mode=settings.mode,
            locked=settings.locked,
            waiting_room=settings.waiting_room,
            wait_for_moderator=settings.wait_for_moderator,
            quiet=settings.quiet,
            max_members=settings.max_members,
            has_pin=settings.pin is not None,
            has_moderator_pin=settings.moderator_pin is not None,
            language=settings.language,
            talk_time=settings.talk_time,
            dial=settings.dial,
            undo_time=settings.undo_time,
        )


class ConferenceView(View):
    """A conference as it is at one moment."""

    name: str
    sequence: int
    """The number of the last event that is part of this picture."""
    settings: SettingsView
    hands: list[int]
    """Ids of those who have raised a hand, in the order in which they did."""
    floor: list[int]
    """Ids of those who hold the floor, in the order in which they got it."""
    participants: list[ParticipantView]
    """In the order in which they came. Empty for one who waits, or was removed."""
    waiting: list[ParticipantView]
    """Who waits to be let in, in the order in which they came. One who waits sees himself alone."""
    recording: RecordingView
    volumes: dict[int, float]
    """The gain in dB with which the reader alone hears others, by their ids; others are heard as by all."""
    calls: list[DiallingView]
    """Who is being called into the room, or was in vain, in the order in which they were dialled."""
    messages: list[MessageView]
    """What was written lately, as far as the reader may read it, the oldest first."""
    moderator_here: bool
    """A moderator is here, who is told of those who wait."""
    talk: TalkView | None = None
    """The reader's own: the talk that the room does not hear in which he is, or to which he was asked."""
    me: int | None = None
    """Whose credential was used; null for the operator."""

    @classmethod
    def of(cls, conference: Conference, me: int | None = None) -> ConferenceView:
        """As shown to participant ``me``, or to the operator."""
        model = conference.model
        if me is not None and me not in model.participants:
            return cls._from_outside(conference, me)
        talk = None if me is None else model.talk_of(me)
        return cls(
            name=conference.name,
            sequence=model.sequence,
            settings=SettingsView.of(model.settings),
            hands=list(model.hands),
            floor=list(model.floor),
            participants=[
                ParticipantView.of(
                    participant,
                    model,
                    own=participant.id == me,
                    inside=me is not None and model.hears_in_talk(me, participant.id),
                )
                for participant in model.participants.values()
            ],
            waiting=[ParticipantView.of(each, model, own=False) for each in model.waiting.values()],
            recording=RecordingView.of(model.recording),
            volumes={} if me is None else dict(model.volumes(me)),
            calls=calls_of(model),
            messages=messages_for(model, me),
            talk=TalkView.of(talk, own=True) if talk else None,
            moderator_here=bool(model.moderators),
            me=me,
        )

    @classmethod
    def _from_outside(cls, conference: Conference, me: int) -> ConferenceView:
        model = conference.model
        return cls(
            name=conference.name,
            sequence=model.sequence,
            settings=SettingsView.of(model.settings),
            hands=[],
            floor=[],
            participants=[],
            waiting=[ParticipantView.of(him, model, own=True)] if (him := model.waiting.get(me)) else [],
            recording=RecordingView.of(model.recording),
            volumes={},
            calls=[],
            messages=[],
            moderator_here=bool(model.moderators),
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
    "floor_given",
    "floor_taken",
    "mode_changed",
    "gain_changed",
    "knocked",
    "admitted",
    "went_away",
    "turned_away",
    "volumes_changed",
    "talk_changed",
    "went_private",
    "came_back",
    "muted_in_talk",
    "moved",
    "recording_changed",
    "recordings_changed",
    "settings_changed",
    "texts_changed",
    "message_sent",
    "message_failed",
    "call_changed",
    "call_gone",
    "dismissed",
]


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
    floor: list[int] | None = None
    """All who hold the floor."""
    lost: bool = False
    """Of ``floor_taken``: because nothing comes from his telephone any more."""
    waiting: list[ParticipantView] | None = None
    """All who wait to be let in."""
    settings: SettingsView | None = None
    """All that holds in the room."""
    message: MessageView | None = None
    """The line that was written, or that did not reach somebody."""
    call: DiallingView | None = None
    """Somebody who is being called, or was in vain; after ``call_gone`` there is no such call any more: who
    has answered comes in with ``joined`` and the same id."""

    recording: RecordingView | None = None
    error: str | None = None
    """Of a recording that has ended: why, if nobody wanted that."""
    volumes: dict[int, float] | None = None
    """All gains with which the reader alone hears others."""
    talk: TalkView | None = None
    """The reader's talk; once it has ended, there is none."""

    @classmethod
    def of(cls, happened: Event, model: ConferenceModel, *, own: bool, inside: bool = False) -> EventView:
        """As told to the participant whom it is about (``own``), to those who hear him in a talk that the
        room does not hear (``inside``), or to others."""
        values: dict[str, Any] = {}
        if happened.by is not None:
            values["by"] = happened.by
        if isinstance(happened, ParticipantChanged):
            values["participant"] = ParticipantView.of(happened.participant, model, own=own, inside=inside)
        if isinstance(happened, LobbyChanged | Admitted):
            values["waiting"] = [ParticipantView.of(each, model, own=False) for each in happened.waiting]
        if isinstance(happened, HandsChanged):
            values["hands"] = list(happened.hands)
        if isinstance(happened, FloorChanged | ModeChanged):
            values["floor"] = list(happened.floor)
        if isinstance(happened, FloorTaken) and happened.lost:
            values["lost"] = True
        if isinstance(happened, SettingsChanged):
            values["settings"] = SettingsView.of(happened.settings)
        if isinstance(happened, RecordingChanged):
            values["recording"] = RecordingView.of(happened.recording)
            if happened.error is not None:
                values["error"] = happened.error
        if isinstance(happened, VolumesChanged):
            values["volumes"] = dict(happened.volumes)
        if isinstance(happened, MessageSent | MessageFailed):
            values["message"] = MessageView.of(happened.message, happened.message.sender)
        if isinstance(happened, TalkChanged):
            values["talk"] = TalkView.of(happened.talk, own=own)
        if isinstance(happened, CallChanged | CallGone):
            values["call"] = DiallingView.of(happened.call)
        return cls(
            type=cast(EventType, _snake_case(type(happened).__name__)),
            sequence=happened.sequence,
            **values,
        )


@cache
def _snake_case(class_name: str) -> str:
    """``HandRaised`` → ``hand_raised``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


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
        loss, jitter, mos = round(100 * quality.loss), round(quality.jitter_ms), rounded(quality.mos, 1)
        if before and before.loss == loss and abs(before.jitter - quality.jitter_ms) < 1.5:
            jitter = before.jitter
            if before.mos and quality.mos and abs(before.mos - quality.mos) < 0.1:
                mos = before.mos
        return cls(loss=loss, jitter=jitter, mos=mos)


class Me(View):
    """Whom a credential stands for."""

    conference: str
    participant: int
    keys: dict[str, str]
    """What can be keyed in on the telephone, by what it is for, as `[keys]` of the configuration names it."""


class Done(View):
    """A command was carried out."""

    sequence: int
    """Whoever has seen the event of this number has seen all that the command led to."""


Pin = Annotated[str, Field(pattern=r"^[0-9]{3,16}$")]


class ConferenceWish(Wish):
    """What shall hold in the room. All of it is done, or nothing."""

    mode: Annotated[Mode, Field(strict=False)] | None = None
    locked: bool | None = None
    waiting_room: bool | None = None
    wait_for_moderator: bool | None = None
    quiet: bool | None = None
    max_members: Annotated[int, Field(ge=1, le=100_000)] | None = None
    """Null: as many as there are calls."""
    pin: Pin | None = None
    """Null: none."""
    moderator_pin: Pin | None = None
    """Null: none."""
    talk_time: Annotated[float, Field(ge=1, le=86_400)] | None = None
    """In seconds; null: until the floor is taken."""


# Control characters, and those that turn the direction of what is written beside them.
_CONTROLS: Final = r"\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069"
#: One line without them, not empty and without spaces at its ends.
_ROOM: Final = rf"^[^\s{_CONTROLS}]([^{_CONTROLS}]*[^\s{_CONTROLS}])?$"
Gain = Annotated[float, Field(ge=SOFTEST, le=LOUDEST)]


class ParticipantWish(Wish):
    """What shall be so of a participant. All of it is done, or nothing."""

    muted: bool | None = None
    hand: bool | None = None
    """Raised or not."""
    floor: bool | None = None
    """Given or taken."""
    role: Annotated[Role, Field(strict=False)] | None = None
    gain: Gain | None = None
    """So much louder for all, in dB."""
    volume: Gain | None = None
    """So much louder for whoever asks, in dB; null: as for all."""
    side_room: Annotated[str, Field(min_length=1, max_length=60, pattern=_ROOM)] | None = None
    """The name of the side room to go to; null: the main room."""
