"""What is true of every conference, whatever is done in it."""

import contextlib
from typing import Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sems.conference.commands import (
    Admit,
    AdmitAll,
    CancelCall,
    Command,
    Dial,
    GiveFloor,
    Lock,
    LowerHand,
    Mute,
    PauseRecording,
    RaiseHand,
    Readmit,
    Record,
    Redial,
    Remove,
    Say,
    SetGain,
    SetMaxMembers,
    SetMode,
    SetRole,
    SetTalkTime,
    SetVolume,
    SetWaitForModerator,
    SetWaitingRoom,
    StopRecording,
    TakeFloor,
    Talk,
    TurnAway,
    Unlock,
    Unmute,
)
from sems.conference.dialling import MOST_REMEMBERED, answered, failed, forget, progress
from sems.conference.errors import LinesBusy, NoSuchCall, NotHere, Refused, RoomFull, RoomLocked
from sems.conference.events import (
    CallGone,
    Event,
    Gone,
    Joined,
    MessageFailed,
    MessageSent,
    ParticipantChanged,
    Removed,
    VoiceChanged,
)
from sems.conference.model import ConferenceModel
from sems.conference.participant import Participant, Role
from sems.conference.settings import Mode, Settings, Who
from sems.conference.text import (
    LONGEST,
    MOST_CHARACTERS,
    MOST_KEPT,
    clean,
    report_texts,
    report_undelivered,
)

IDS = st.integers(1, 8)
COMMANDS = st.one_of(
    st.builds(kind, IDS)
    for kind in (Mute, Unmute, RaiseHand, LowerHand, GiveFloor, TakeFloor, Remove, Readmit)
) | st.sampled_from([Lock(), Unlock(), Talk(), SetTalkTime(60.0), *map(SetMode, Mode)])
COMMANDS |= st.builds(Admit, IDS) | st.builds(TurnAway, IDS) | st.just(AdmitAll())
COMMANDS |= st.builds(SetWaitingRoom, st.booleans()) | st.builds(SetWaitForModerator, st.booleans())
COMMANDS |= st.builds(SetMaxMembers, st.none() | st.integers(1, 5))
COMMANDS |= st.sampled_from([Record(1.0), PauseRecording(), StopRecording()])
COMMANDS |= st.builds(SetRole, IDS, st.sampled_from(Role))
COMMANDS |= st.builds(SetGain, IDS, st.floats(-99, 99)) | st.builds(
    SetVolume, IDS, st.none() | st.floats(-99, 99)
)
COMMANDS |= st.builds(Dial, st.sampled_from(["100", "busy", " ", "x" * 300]), st.none() | st.just("Zoe"))
COMMANDS |= st.builds(CancelCall, IDS) | st.builds(Redial, IDS)
LINES = st.builds(
    Say,
    st.text(max_size=20) | st.sampled_from(["", "x" * 2001, "y" * 2000]),
    at=st.floats(0, 60),
    to=st.none() | st.lists(IDS, max_size=3).map(tuple),
)


class MostLines:
    """All but one are free."""

    def check(self, target: str, by: int | None) -> None:
        if target == "busy":
            raise LinesBusy("this is a test")


class AnyConference(RuleBasedStateMachine):
    """Commands of anybody about anybody, calls that come and go, lines that do what lines do."""

    @initialize(moderator=st.sampled_from(["first", "everyone", "none"]), dial=st.sampled_from(Who))
    def start(self, moderator: Literal["first", "everyone", "none"], dial: Who) -> None:
        self.moderator = moderator
        self.room = ConferenceModel(moderator=moderator, sequence=7, settings=Settings(dial=dial))
        self.room.switchboard = MostLines()
        self.events: list[Event] = []
        self.heard: dict[int, bool] = {}
        self.room.subscribe(self.somebody_is_told)
        self.room.subscribe(self.events.append)
        self.replica = ConferenceModel(sequence=7, settings=Settings(dial=dial))
        self.room.subscribe(lambda event: event.apply(self.replica._state))

    @rule(role=st.sampled_from([None, *Role]), address=st.sampled_from(["", "sip:x@192.0.2.7"]))
    def somebody_calls(self, role: Role | None, address: str) -> None:
        with contextlib.suppress(RoomLocked, RoomFull):
            self.room.admit("X", role=role, address=address)

    @rule(id=IDS, code=st.integers(100, 199))
    def a_phone_rings(self, id: int, code: int) -> None:
        progress(self.room, id, code, "X")

    @rule(id=IDS, code=st.integers(300, 699))
    def a_phone_refuses(self, id: int, code: int) -> None:
        failed(self.room, id, code, "X")

    @rule(id=IDS)
    def a_phone_answers(self, id: int) -> None:
        with contextlib.suppress(NoSuchCall, RoomFull):
            assert answered(self.room, id).id == id
            assert id not in self.room.calls

    @rule(id=IDS)
    def a_minute_passes(self, id: int) -> None:
        forget(self.room, id)

    @rule(id=IDS)
    def somebody_hangs_up(self, id: int) -> None:
        self.room.leave(id)
        assert id not in self.room.participants

    @rule(command=COMMANDS | LINES, by=IDS | st.none())
    def somebody_wants_something(self, command: Command, by: int | None) -> None:
        before = dict(self.room.participants)
        state, sequence = self.rest(), self.room.sequence
        try:
            self.room.do(command, by=by)
        except Refused as refusal:
            why = refusal
            assert (before, state) == (self.room.participants, self.rest())
            assert self.room.sequence == sequence
            assert str(why).endswith(".")
            if isinstance(why, NoSuchCall):
                assert getattr(command, "call", None) not in self.room.calls
            elif isinstance(command, Admit | TurnAway) and by in before:
                assert command.participant not in self.room.waiting
            elif isinstance(why, NotHere):
                named = getattr(command, "participant", by), *(getattr(command, "to", None) or ())
                assert by not in before or not before.keys() >= set(named)
        else:
            assert by is None or by in before
            if by is not None and not before[by].moderates:
                self.only_his_own_has_changed(before, by, state)

    def somebody_is_told(self, event: Event) -> None:
        if isinstance(event, Gone):
            del self.heard[event.participant.id]
        elif isinstance(event, ParticipantChanged) and event.audience is None:
            self.heard[event.participant.id] = self.room.speaks(event.participant)

    def rest(self) -> tuple[object, ...]:
        return (
            self.room.hands,
            self.room.floor,
            self.room.settings,
            dict(self.room.messages),
            dict(self.room.calls),
        )

    def only_his_own_has_changed(
        self, before: dict[int, Participant], by: int, state: tuple[object, ...]
    ) -> None:
        now = self.room.participants
        assert set(now) == set(before)
        assert self.room.settings == state[2]
        assert [id for id in self.room.floor if id != by] == [id for id in state[1] if id != by]
        assert all(now[id] == before[id] for id in before if id != by)
        assert now[by].role is before[by].role
        assert now[by].muted_by_moderator == before[by].muted_by_moderator

    @rule(id=IDS, on=st.booleans())
    def somebody_speaks(self, id: int, on: bool) -> None:
        self.room.report_voice(id, on)

    @rule(id=IDS, on=st.booleans(), share=st.floats(0, 1))
    def a_line_does_something(self, id: int, on: bool, share: float) -> None:
        self.room.report_hold(id, on)
        self.room.report_loss(id, share)
        self.room.report_silence(id, not on)

    @rule(message=st.integers(0, 60), id=IDS, on=st.booleans())
    def a_phone_takes_no_text(self, message: int, id: int, on: bool) -> None:
        report_undelivered(self.room, message, id, "His phone does not answer.")
        report_texts(self.room, id, on)

    @rule(levels=st.dictionaries(IDS, st.integers(-127, 0)))
    def levels_are_read(self, levels: dict[int, int]) -> None:
        self.room.report_levels(levels)
        assert all(self.room.hears(self.room.participants[id]) for id in self.room.levels)

    @invariant()
    def events_are_numbered_without_a_gap(self) -> None:
        assert [event.sequence for event in self.events] == list(range(8, 8 + len(self.events)))
        assert self.room.sequence == 7 + len(self.events)

    @invariant()
    def who_applies_all_events_has_the_same_conference(self) -> None:
        assert self.replica.participants == self.room.participants
        assert list(self.replica.participants) == list(self.room.participants)
        assert (self.replica.hands, self.replica.floor) == (self.room.hands, self.room.floor)
        assert self.replica._state == self.room._state
        assert list(self.replica.messages.items()) == list(self.room.messages.items())

    @invariant()
    def who_missed_some_events_can_catch_up(self) -> None:
        for missed in (0, len(self.events) // 2, len(self.events)):
            assert self.room.since(self.room.sequence - missed) == self.events[len(self.events) - missed :]

    @invariant()
    def who_is_called_is_not_here_yet_and_has_an_id_of_his_own(self) -> None:
        here = {*self.room.participants, *self.room.removed, *self.room.waiting}
        assert not set(self.room.calls) & {*here, *self.room.dismissed}
        assert not set(self.room.dismissed) & here
        assert len(self.room.dismissed) <= MOST_REMEMBERED
        assert sum(1 for call in self.room.calls.values() if not call.going_on) <= MOST_REMEMBERED
        joined = [event.participant.id for event in self.events if isinstance(event, Joined)]
        assert len(set(joined)) == len(joined) or any(isinstance(event, Removed) for event in self.events)
        gone = [event.call.id for event in self.events if isinstance(event, CallGone) and not event.call.was]
        assert len(set(gone)) == len(gone), "no call comes back"

    @invariant()
    def everybody_has_a_number_of_his_own(self) -> None:
        for people, places in (
            (self.room.participants, self.room.places),
            (self.room.waiting, self.room.waiting_places),
        ):
            assert set(places) == set(people)
            assert len(set(places.values())) == len(places)
            assert all(number >= 1 for number in places.values())

    @invariant()
    def each_hand_has_one_place_and_an_owner_who_is_here(self) -> None:
        assert len(set(self.room.hands)) == len(self.room.hands)
        assert set(self.room.hands) <= set(self.room.participants)

    @invariant()
    def there_is_a_moderator_whenever_somebody_can_be_one(self) -> None:
        if self.moderator == "first" and any(not p.role_fixed for p in self.room.participants.values()):
            assert any(p.moderates for p in self.room.participants.values())

    @invariant()
    def a_listener_is_not_heard(self) -> None:
        assert all(p.muted for p in self.room.participants.values() if p.role is Role.LISTENER)

    @invariant()
    def nobody_waits_whom_nobody_could_let_in_or_who_is_in_already(self) -> None:
        assert not set(self.room.waiting) & set(self.room.participants)
        if self.moderator == "first" and any(not p.role_fixed for p in self.room.waiting.values()):
            assert self.room.participants

    @invariant()
    def who_holds_the_floor_is_here_and_an_open_room_has_none(self) -> None:
        assert len(set(self.room.floor)) == len(self.room.floor)
        assert set(self.room.floor) <= set(self.room.participants)
        assert not (self.room.floor and self.room.settings.mode is Mode.OPEN)

    @invariant()
    def nobody_learns_that_a_muted_member_speaks(self) -> None:
        for event in self.events:
            if isinstance(event, VoiceChanged) and event.participant.voice and not event.heard:
                assert event.audience == {event.participant.id}

    @invariant()
    def a_private_line_is_told_to_those_for_whom_it_is_and_to_nobody_else(self) -> None:
        for event in self.events:
            if isinstance(event, MessageSent) and (to := event.message.to) is not None:
                told = {id for id in (None, *range(1, 100)) if event.is_for(id)}
                assert told == {event.message.sender, *to}
            if isinstance(event, MessageFailed):
                assert [id for id in (None, *range(1, 100)) if event.is_for(id)] == [event.message.sender]

    @invariant()
    def what_is_kept_of_the_text_is_bounded_and_can_be_read(self) -> None:
        lines = self.room.messages.values()
        for alike in ([each for each in lines if each.to is None], [each for each in lines if each.to]):
            assert len(alike) <= MOST_KEPT
            assert sum(len(each.text) for each in alike) <= MOST_CHARACTERS
        assert all(each.text == clean(each.text) and 0 < len(each.text) <= LONGEST for each in lines)

    @invariant()
    def everybody_is_told_who_is_heard(self) -> None:
        told = {id for id, each in self.heard.items() if each}
        assert told == {id for id, each in self.room.participants.items() if self.room.speaks(each)}


AnyConference.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyConference = AnyConference.TestCase
