"""The rules of side rooms."""

import pytest

from sems.conference.commands import (
    AcceptTalk,
    AskToTalk,
    Gather,
    GiveFloor,
    Move,
    Mute,
    RaiseHand,
    Readmit,
    Remove,
    SetMode,
    Talk,
)
from sems.conference.errors import Elsewhere, MainRoom, NotAllowed, NotHere
from sems.conference.events import Moved
from sems.conference.model import ConferenceModel
from sems.conference.settings import Mode

from .rooms import room_of


@pytest.fixture
def room() -> ConferenceModel:
    """Anna (1, moderator), Ben (2) and Cleo (3)."""
    return room_of("Anna", "Ben", "Cleo")


def test_a_moderator_moves_somebody_who_comes_back_by_himself(room: ConferenceModel) -> None:
    room.do(Move(2, "Blue"), by=1)
    assert room.participants[2].side_room == "Blue"
    room.do(Move(2, None), by=2)
    assert room.participants[2].side_room is None
    before = room.sequence
    room.do(Move(2, None), by=2)
    assert room.sequence == before


def test_no_side_room_is_called_like_the_main_room(room: ConferenceModel) -> None:
    room.main_room_names = {"main room", "hauptraum", "standup"}
    for name in ("Main room", "main  ROOM", "HAUPTRAUM", "Standup", "\uff33tandup"):
        with pytest.raises(MainRoom, match="main room"):
            room.do(Move(2, name), by=1)
    room.do(Move(2, "Main room 2"), by=1)
    assert room.participants[2].side_room == "Main room 2"


@pytest.mark.parametrize(("command", "by"), [(Move(2, "Blue"), 2), (Move(3, "Blue"), 2), (Move(3, None), 2)])
def test_nobody_else_moves_anybody(room: ConferenceModel, command: Move, by: int) -> None:
    with pytest.raises(NotAllowed, match="Only a moderator can"):
        room.do(command, by=by)


def test_a_moderator_brings_everybody_back_at_once(room: ConferenceModel) -> None:
    room.do(Move(2, "Blue"), Move(3, "Green"), Move(1, "Blue"), by=1)
    room.do(AskToTalk((2,)), by=1)
    with pytest.raises(NotAllowed, match="Only a moderator can"):
        room.do(Gather(), by=2)
    before = room.sequence
    room.do(Gather(), by=1)
    assert all(each.side_room is None for each in room.participants.values())
    moved = [event for event in room.since(before) or () if isinstance(event, Moved)]
    assert [(event.participant.id, event.by) for event in moved] == [(1, 1), (2, 1), (3, 1)]
    assert not room.talks
    room.do(Gather(), by=None)
    assert len([event for event in room.since(before) or () if isinstance(event, Moved)]) == 3


def test_the_operator_moves_people_too(room: ConferenceModel) -> None:
    room.do(Move(1, "Blue"), by=None)
    assert room.participants[1].side_room == "Blue"
    with pytest.raises(NotHere):
        room.do(Move(9, "Blue"), by=None)


def test_mode_and_floor_hold_in_the_main_room_only(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.MODERATED), by=1)
    room.do(GiveFloor(2), GiveFloor(3), by=1)
    room.do(Move(2, "Blue"), by=1)
    assert room.floor == (3,)
    assert room.hears(room.participants[2])
    with pytest.raises(Elsewhere, match="Ben is in another room"):
        room.do(GiveFloor(2), by=1)
    room.do(Mute(2), by=2)
    assert not room.hears(room.participants[2])
    room.do(Talk(), by=2)
    assert room.hears(room.participants[2])
    assert room.floor == (3,)
    room.do(Move(2, None), by=2)
    assert not room.hears(room.participants[2])


def test_a_moderator_who_comes_back_to_a_lecture_is_heard_again(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.LECTURE), Move(1, "Blue"), by=1)
    assert room.floor == ()
    room.do(Move(1, None), by=1)
    assert room.floor == (1,)


def test_a_moderator_in_a_side_room_holds_no_floor(room: ConferenceModel) -> None:
    room.do(Move(1, "Blue"), SetMode(Mode.LECTURE), by=1)
    assert room.floor == ()
    room.do(SetMode(Mode.MODERATED), Move(1, None), by=1)
    room.do(Move(2, "Blue"), GiveFloor(2), GiveFloor(3), by=1)
    assert room.floor == (3,)


def test_a_hand_is_seen_from_a_side_room(room: ConferenceModel) -> None:
    room.do(Move(2, "Blue"), by=1)
    room.do(RaiseHand(2), by=2)
    assert room.hands == (2,)


def test_those_in_one_side_room_talk_in_private_there(room: ConferenceModel) -> None:
    room.do(Move(2, "Blue"), Move(3, "Blue"), by=1)
    room.do(AskToTalk((3,)), by=2)
    talk = room.talk_of(2)
    assert talk is not None
    room.do(AcceptTalk(talk.id), by=3)
    assert room.participants[2].private
    room.do(Move(3, "Red"), by=1)
    assert not room.participants[2].private


def test_who_was_removed_from_a_side_room_has_it_back_unless_all_were_brought_back(
    room: ConferenceModel,
) -> None:
    room.do(Move(2, "Blue"), Remove(2), by=1)
    room.do(Readmit(2), by=1)
    assert room.participants[2].side_room == "Blue"
    room.do(Remove(2), Gather(), by=1)
    room.do(Readmit(2), by=1)
    assert room.participants[2].side_room is None


def test_a_move_tells_whether_he_is_heard_where_he_is(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.MODERATED), by=1)
    room.report_voice(2, True)
    room.do(Move(2, "Blue"), by=1)
    *_, moved = room.since(0) or ()
    assert isinstance(moved, Moved)
    assert moved.audience is None
    assert room.speaks(moved.participant)
