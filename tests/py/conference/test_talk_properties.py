"""What is true of talks and side rooms, whatever is done with them."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from sems.conference.commands import (
    AcceptTalk,
    AskToTalk,
    Coach,
    Command,
    DeclineTalk,
    GiveFloor,
    LeaveTalk,
    Move,
    Mute,
    Readmit,
    Remove,
    SetBackground,
    SetMode,
    Talk,
    Unmute,
)
from sems.conference.errors import Refused
from sems.conference.events import Event, TalkChanged
from sems.conference.mixing import Place
from sems.conference.model import ConferenceModel
from sems.conference.settings import Mode
from sems.conference.talks import MOST, Background, Conversation, TalkKind, TalkState

IDS = st.integers(1, 7)
ABOUT_TALKS = st.sampled_from([AcceptTalk, DeclineTalk, LeaveTalk])
REST = (
    st.one_of(st.builds(kind, IDS) for kind in (Mute, Unmute, GiveFloor, Remove, Readmit))
    | st.builds(Move, IDS, st.sampled_from([None, "Blue", "Red"]))
    | st.sampled_from([Talk(), *map(SetMode, Mode)])
)


class AnyTalks(RuleBasedStateMachine):
    """Seven people, some of whom talk with some others."""

    @initialize()
    def start(self) -> None:
        self.room = ConferenceModel()
        self.events: list[Event] = []
        self.replica = ConferenceModel()
        #: What each knows of his own talk by what he was told.
        self.known: dict[int, Conversation | None] = {}
        self.room.subscribe(self.events.append)
        self.room.subscribe(lambda event: event.apply(self.replica._state))
        self.room.subscribe(self.somebody_is_told)
        for n in range(5):
            self.room.admit(f"Number {n}")

    def somebody_is_told(self, event: Event) -> None:
        if isinstance(event, TalkChanged):
            for id in event.told:
                self.known[id] = event.talk if event.concerns(id) else None

    def do(self, command: Command, by: int) -> bool:
        """Whether it was carried out. If not, nothing has changed."""
        before = self.room.sequence
        refused = None
        try:
            self.room.do(command, by=by)
        except Refused as error:
            refused = error
        if refused:
            assert self.room.sequence == before
            assert str(refused).endswith(".")
        return not refused

    @rule()
    def somebody_calls(self) -> None:
        self.room.admit("X")

    @rule(id=IDS)
    def somebody_hangs_up(self, id: int) -> None:
        self.room.leave(id)
        assert self.room.talk_of(id) is None

    @rule(by=IDS, others=st.lists(IDS, min_size=1, max_size=3), room=st.sampled_from(Background))
    def somebody_asks(self, by: int, others: list[int], room: Background) -> None:
        if self.do(AskToTalk(tuple(others), room), by):
            talk = self.room.talk_of(by)
            assert talk is not None
            assert {by, *others} <= set(talk.involved)

    @rule(by=IDS, other=IDS)
    def somebody_coaches(self, by: int, other: int) -> None:
        if self.do(Coach(other), by):
            assert self.room.participants[by].moderates

    @rule(by=IDS, whose=IDS, kind=ABOUT_TALKS)
    def somebody_answers_or_leaves(
        self, by: int, whose: int, kind: type[AcceptTalk | DeclineTalk | LeaveTalk]
    ) -> None:
        talk = self.room.talk_of(whose)
        if talk and self.do(kind(talk.id), by):
            assert by in talk.involved
            now = self.room.talk_of(by)
            assert now is None if kind is not AcceptTalk else now and by in now.members

    @rule(by=IDS, room=st.sampled_from([Background.SOFT, Background.OFF]))
    def somebody_turns_the_room_down(self, by: int, room: Background) -> None:
        if (talk := self.room.talk_of(by)) and self.do(SetBackground(talk.id, room), by):
            assert talk.kind is TalkKind.PRIVATE

    @rule(id=IDS)
    def somebody_does_not_answer(self, id: int) -> None:
        talk = self.room.talk_of(id)
        if talk and id in talk.asked:
            self.room.report_unanswered(talk.id, id)
            assert self.room.talk_of(id) is None

    @rule(command=REST, by=st.just(1) | IDS)
    def something_else_happens(self, command: Command, by: int) -> None:
        self.do(command, by)

    @rule(id=IDS, on=st.booleans())
    def somebody_speaks(self, id: int, on: bool) -> None:
        self.room.report_voice(id, on)

    @invariant()
    def nobody_is_in_two_talks_and_all_are_here(self) -> None:
        involved = [id for talk in self.room.talks.values() for id in talk.involved]
        assert len(involved) == len(set(involved))
        assert set(involved) <= set(self.room.participants)

    @invariant()
    def a_talk_has_somebody_to_talk_or_to_wait_for(self) -> None:
        for talk in self.room.talks.values():
            assert talk.state is not TalkState.ENDED
            assert len(talk.involved) <= MOST
            assert talk.kind is TalkKind.PRIVATE or (len(talk.members), talk.asked) == (2, ())

    @invariant()
    def those_of_a_talk_are_in_one_room(self) -> None:
        for talk in self.room.talks.values():
            assert len({self.room.participants[id].side_room for id in talk.involved}) == 1

    @invariant()
    def private_are_those_who_talk(self) -> None:
        talkers = {id for talk in self.room.talks.values() for id in talk.talkers}
        assert {id for id, each in self.room.participants.items() if each.private} == talkers
        assert not any(each.muted_in_talk and not each.private for each in self.room.participants.values())

    @invariant()
    def everybody_knows_his_own_talk_and_no_other(self) -> None:
        for id in self.room.participants:
            assert self.known.get(id) == self.room.talk_of(id)

    @invariant()
    def who_applies_all_events_has_the_same_talks(self) -> None:
        assert self.replica.talks == self.room.talks
        assert self.replica.participants == self.room.participants

    @invariant()
    def the_floor_is_the_main_rooms(self) -> None:
        assert all(self.room.participants[id].side_room is None for id in self.room.floor)

    @invariant()
    def the_mix_lets_only_those_hear_a_talk_whose_it_is(self) -> None:
        for id, each in self.room.participants.items():
            place = Place.of(id, self.room)
            assert place.muted != self.room.heard(each)
            talk = self.room.talk_of(id)
            with_whom = set(talk.members) - {id} if talk and each.private else None
            assert place.whispers_to == with_whom


AnyTalks.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestAnyTalks = AnyTalks.TestCase
