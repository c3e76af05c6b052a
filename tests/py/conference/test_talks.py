"""The rules of talks that the room does not hear."""

import pytest

from sems.conference.commands import (
    AcceptTalk,
    AskToTalk,
    Coach,
    DeclineTalk,
    LeaveTalk,
    Move,
    Mute,
    Remove,
    SetBackground,
    SetMode,
    TakeFloor,
    Talk,
    Unmute,
)
from sems.conference.errors import Busy, Elsewhere, NoSuchTalk, NotAllowed, NotHere, Refused, TalkFull
from sems.conference.events import CameBack, Event, TalkChanged, VoiceChanged, WentPrivate
from sems.conference.model import ConferenceModel
from sems.conference.participant import Role
from sems.conference.settings import Mode
from sems.conference.talks import MOST, Background, Conversation, TalkKind, TalkState

from .rooms import room_of


@pytest.fixture
def room() -> ConferenceModel:
    """Anna (1, moderator), Ben (2), Cleo (3) and Dora (4)."""
    return room_of("Anna", "Ben", "Cleo", "Dora")


def talk_of(room: ConferenceModel, id: int) -> Conversation:
    talk = room.talk_of(id)
    assert talk is not None
    return talk


def private(room: ConferenceModel) -> set[int]:
    return {id for id, each in room.participants.items() if each.private}


def whisper(room: ConferenceModel, by: int, *others: int) -> Conversation:
    """A private talk to which all have come."""
    room.do(AskToTalk(others), by=by)
    for other in others:
        room.do(AcceptTalk(talk_of(room, other).id), by=other)
    return talk_of(room, by)


def last(room: ConferenceModel, kind: type[Event]) -> Event:
    return [event for event in room.since(0) or () if isinstance(event, kind)][-1]


def test_who_is_asked_and_accepts_talks_in_private_and_nobody_else_knows_with_whom(
    room: ConferenceModel,
) -> None:
    room.do(AskToTalk((3,)), by=2)
    asked = talk_of(room, 2)
    assert asked == talk_of(room, 3)
    assert (asked.state, asked.members, asked.asked) == (TalkState.ASKED, (2,), (3,))
    assert last(room, TalkChanged).audience == {2, 3}
    assert private(room) == set()

    room.do(AcceptTalk(asked.id), by=3)
    talk = talk_of(room, 3)
    assert (talk.state, talk.members, talk.asked) == (TalkState.TALKING, (2, 3), ())
    assert private(room) == {2, 3}
    assert last(room, WentPrivate).audience is None
    assert not room.hears(room.participants[2])
    assert room.heard(room.participants[2])


def test_one_key_ends_it_and_the_room_hears_both_as_before(room: ConferenceModel) -> None:
    room.do(Mute(2), by=2)
    talk = whisper(room, 2, 3)
    assert room.heard(room.participants[2]), "who talks in private is heard there"
    room.do(LeaveTalk(talk.id), by=3)
    assert not room.talks
    assert private(room) == set()
    assert not room.hears(room.participants[2])
    assert room.hears(room.participants[3])
    assert last(room, TalkChanged).audience == {2, 3}
    assert {event.participant.id for event in room.since(0) or () if isinstance(event, CameBack)} == {2, 3}


def test_who_mutes_himself_in_a_talk_stays_muted_after_it(room: ConferenceModel) -> None:
    talk = whisper(room, 2, 3, 4)
    room.do(Mute(2), by=2)
    assert not room.heard(room.participants[2])
    assert room.muted(room.participants[2])
    assert not room.participants[2].muted_by_self
    room.do(Mute(3), by=3)
    room.do(Unmute(3), by=3)
    room.do(LeaveTalk(talk.id), by=3)
    room.do(LeaveTalk(talk.id), by=2)
    assert room.participants[2].muted_by_self
    assert room.hears(room.participants[3])


def test_who_may_not_speak_in_the_room_may_in_a_private_talk(room: ConferenceModel) -> None:
    ear = room.admit("Ear", role=Role.LISTENER)
    room.do(SetMode(Mode.MODERATED), Mute(2), by=1)
    whisper(room, 2, ear.id)
    assert all(room.heard(room.participants[id]) for id in (2, ear.id))
    room.do(Mute(2), by=2)
    room.do(Talk(), by=2)
    assert room.heard(room.participants[2])
    assert room.floor == ()


def test_the_floor_is_kept_in_a_private_talk_and_not_heard(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.MODERATED), by=1)
    room.do(Talk(), by=1)
    talk = whisper(room, 1, 2)
    assert room.floor == (1,)
    assert not any(room.hears(each) for each in room.participants.values())
    room.do(LeaveTalk(talk.id), by=1)
    assert room.hears(room.participants[1])
    room.do(TakeFloor(1), by=1)


def test_who_talks_already_is_busy_and_so_is_who_was_asked(room: ConferenceModel) -> None:
    whisper(room, 2, 3)
    for command in (AskToTalk((3,)), Coach(3)):
        with pytest.raises(Busy, match="Cleo is busy"):
            room.do(command, by=1)
    room.do(AskToTalk((4,)), by=1)
    with pytest.raises(Busy, match="Anna is busy"):
        room.do(AskToTalk((1,)), by=3)
    with pytest.raises(Busy, match="Dora is busy"):
        room.do(AskToTalk((4,)), by=3)


def test_who_declines_ends_it_if_nobody_else_was_asked(room: ConferenceModel) -> None:
    room.do(AskToTalk((2, 3)), by=1)
    talk = talk_of(room, 1)
    room.do(DeclineTalk(talk.id), by=2)
    assert talk_of(room, 1).declined == (2,)
    assert room.talk_of(2) is None
    room.do(DeclineTalk(talk.id), by=3)
    assert not room.talks
    ended = last(room, TalkChanged)
    assert isinstance(ended, TalkChanged)
    assert (ended.talk.state, ended.talk.declined) == (TalkState.ENDED, (2, 3))
    assert ended.audience == {1, 3}


def test_an_ask_that_nobody_answers_is_taken_back(room: ConferenceModel) -> None:
    room.do(AskToTalk((2, 3)), by=1)
    talk = talk_of(room, 1)
    room.report_unanswered(talk.id, 2)
    assert talk_of(room, 1).unanswered == (2,)
    room.do(AcceptTalk(talk.id), by=3)
    room.report_unanswered(talk.id, 3)
    assert talk_of(room, 1).members == (1, 3)
    with pytest.raises(NoSuchTalk, match="over"):
        room.do(AcceptTalk(talk.id), by=2)


def test_who_asks_takes_it_back_himself(room: ConferenceModel) -> None:
    room.do(AskToTalk((2, 3)), by=1)
    room.do(LeaveTalk(talk_of(room, 1).id), by=1)
    assert not room.talks
    assert last(room, TalkChanged).audience == {1, 2, 3}


def test_two_who_ask_each_other_talk(room: ConferenceModel) -> None:
    room.do(AskToTalk((2,)), by=1)
    room.do(AskToTalk((1,)), by=2)
    assert talk_of(room, 1).members == (1, 2)
    assert private(room) == {1, 2}


def test_who_asks_somebody_else_declines_what_he_was_asked(room: ConferenceModel) -> None:
    room.do(AskToTalk((2,)), by=1)
    room.do(AskToTalk((3,)), by=2)
    assert room.talk_of(1) is None
    assert talk_of(room, 2).asked == (3,)


def test_more_are_asked_into_a_talk_that_goes_on(room: ConferenceModel) -> None:
    talk = whisper(room, 1, 2)
    room.do(AskToTalk((3,)), by=2)
    assert talk_of(room, 3).id == talk.id
    room.do(AcceptTalk(talk.id), by=3)
    assert private(room) == {1, 2, 3}
    room.do(SetBackground(talk.id, Background.OFF), by=3)
    room.do(AskToTalk((4,)), by=1)
    assert talk_of(room, 1).room is Background.OFF, "as they have chosen it"
    room.do(LeaveTalk(talk.id), by=1)
    assert talk_of(room, 2).members == (2, 3)
    assert private(room) == {2, 3}


def test_who_is_asked_again_has_not_answered_yet_and_asking_twice_changes_nothing(
    room: ConferenceModel,
) -> None:
    room.do(AskToTalk((2, 3)), by=1)
    for _ in range(3):
        room.do(DeclineTalk(talk_of(room, 2).id), by=2)
        assert talk_of(room, 1).declined == (2,)
        room.do(AskToTalk((2,)), by=1)
        assert talk_of(room, 1).declined == ()
    before = room.sequence
    room.do(AskToTalk((2, 3)), by=1)
    assert room.sequence == before


def test_who_is_left_waits_only_for_those_whom_he_has_asked_himself(room: ConferenceModel) -> None:
    talk = whisper(room, 1, 2)
    room.do(AskToTalk((3,)), by=1)
    room.do(LeaveTalk(talk.id), by=2)
    assert talk_of(room, 1).state is TalkState.ASKED
    assert private(room) == set()
    room.do(AcceptTalk(talk.id), by=3)
    room.do(AskToTalk((4,)), by=1)
    room.do(LeaveTalk(talk.id), by=1)
    assert not room.talks


@pytest.mark.parametrize("how", ["hangs up", "is removed", "is moved"])
def test_who_leaves_the_room_is_out_of_the_talk_and_the_last_one_is_back(
    room: ConferenceModel, how: str
) -> None:
    whisper(room, 2, 3)
    if how == "hangs up":
        room.leave(2)
    else:
        room.do(Remove(2) if how == "is removed" else Move(2, "Blue"), by=1)
    assert not room.talks
    assert private(room) == set()
    assert room.hears(room.participants[3])


def test_who_was_asked_and_hangs_up_is_not_asked_any_more(room: ConferenceModel) -> None:
    room.do(AskToTalk((2,)), by=1)
    room.leave(2)
    assert not room.talks


def test_all_in_a_talk_choose_how_they_hear_the_room(room: ConferenceModel) -> None:
    room.do(AskToTalk((2,), Background.OFF), by=1)
    talk = talk_of(room, 1)
    assert talk.room is Background.OFF
    with pytest.raises(NotAllowed):
        room.do(SetBackground(talk.id, Background.SOFT), by=2)
    room.do(AcceptTalk(talk.id), by=2)
    room.do(SetBackground(talk.id, Background.SOFT), by=2)
    assert talk_of(room, 1).room is Background.SOFT


def test_a_coach_is_heard_by_the_one_who_is_coached_who_goes_on_to_be_heard(room: ConferenceModel) -> None:
    room.do(Coach(2), by=1)
    talk = talk_of(room, 2)
    assert (talk.kind, talk.state, talk.room) == (TalkKind.COACH, TalkState.TALKING, Background.FULL)
    assert private(room) == {1}
    assert room.hears(room.participants[2])
    with pytest.raises(Refused, match="busy"):
        room.do(AskToTalk((3,)), by=1)
    with pytest.raises(NotAllowed):
        room.do(SetBackground(talk.id, Background.OFF), by=1)
    room.do(LeaveTalk(talk.id), by=2)
    assert private(room) == set()


@pytest.mark.parametrize("by", [2, None])
def test_only_a_moderator_who_is_here_coaches(room: ConferenceModel, by: int | None) -> None:
    with pytest.raises(NotAllowed, match="not allowed"):
        room.do(Coach(3), by=by)


def test_what_makes_no_sense_is_refused_in_a_sentence(room: ConferenceModel) -> None:
    with pytest.raises(Refused, match="with himself"):
        room.do(AskToTalk((1,)), by=1)
    with pytest.raises(NotHere):
        room.do(AskToTalk((2, 9)), by=1)
    assert not room.talks
    room.do(Move(2, "Blue"), by=1)
    with pytest.raises(Elsewhere, match="Ben is in another room"):
        room.do(AskToTalk((2,)), by=1)
    with pytest.raises(NotAllowed):
        room.do(AskToTalk((2,)), by=None)
    room.do(AskToTalk((3,)), by=1)
    talk = talk_of(room, 1)
    with pytest.raises(NotAllowed, match="not asked"):
        room.do(AcceptTalk(talk.id), by=1)
    for command in (AcceptTalk, DeclineTalk, LeaveTalk):
        with pytest.raises(NoSuchTalk):
            room.do(command(talk.id), by=4)


def test_a_private_talk_is_no_room_of_its_own() -> None:
    room = ConferenceModel()
    for n in range(MOST + 1):
        room.admit(f"Number {n}")
    with pytest.raises(TalkFull, match="full"):
        room.do(AskToTalk(tuple(range(2, MOST + 2))), by=1)
    room.do(AskToTalk(tuple(range(2, MOST + 1))), by=1)
    with pytest.raises(TalkFull, match="full"):
        room.do(AskToTalk((MOST + 1,)), by=1)


def test_that_somebody_speaks_in_private_is_told_to_those_who_hear_it_alone(room: ConferenceModel) -> None:
    whisper(room, 2, 3)
    room.report_voice(2, True)
    assert last(room, VoiceChanged).audience == {2, 3}
    assert not last(room, VoiceChanged).is_for(None), "not even to the operator"
    assert not room.speaks(room.participants[2])
    assert not room.unheard(room.participants[2]), "he is heard where he talks"
    room.do(Mute(2), by=2)
    assert room.unheard(room.participants[2])
    room.report_voice(2, False)
    room.report_voice(2, True)
    assert last(room, VoiceChanged).audience == {2}


def test_levels_of_who_talks_in_private_are_told_to_those_who_hear_him(room: ConferenceModel) -> None:
    whisper(room, 2, 3)
    room.report_levels({1: -30, 2: -20, 3: -40})
    assert dict(room.levels) == {1: -30}
    assert room.levels_in_talk(2) == room.levels_in_talk(3) == {2: -20, 3: -40}
    assert not room.levels_in_talk(1)
    room.do(Mute(3), by=3)
    room.report_levels({1: -30, 2: -20, 3: -40})
    assert room.levels_in_talk(2) == {2: -20}
