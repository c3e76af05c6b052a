"""Who waits, and who is let in."""

import pytest

from sems.conference.commands import (
    Admit,
    AdmitAll,
    Lock,
    RaiseHand,
    Readmit,
    Remove,
    SetQuiet,
    SetRole,
    SetWaitForModerator,
    SetWaitingRoom,
    TurnAway,
    Unlock,
)
from sems.conference.errors import NotAllowed, RoomFull, RoomLocked, StillWaiting
from sems.conference.events import Admitted, Knocked, TurnedAway, WentAway
from sems.conference.lobby import PATIENT
from sems.conference.model import ConferenceModel
from sems.conference.participant import Role
from sems.conference.settings import Settings

from .rooms import room_of


@pytest.fixture
def room() -> ConferenceModel:
    """Anna (1, moderator) is in; Ben (2) and Cleo (3) wait."""
    return room_of("Anna", "Ben", "Cleo", settings=Settings(waiting_room=True))


def test_the_first_comes_in_to_let_in_the_others(room: ConferenceModel) -> None:
    assert list(room.participants) == [1]
    assert list(room.waiting) == [2, 3]
    assert [type(event) for event in room.since(1) or ()] == [Knocked, Knocked]


def test_who_waits_because_his_call_says_so_waits_whatever_else_changes(room: ConferenceModel) -> None:
    room.do(SetWaitingRoom(False), by=1)
    room.admit("Dora", wait=True)
    room.do(SetQuiet(True), SetRole(2, Role.MODERATOR), by=1)
    assert list(room.waiting) == [4]
    room.do(Admit(4), by=1)
    assert not room.waiting


def test_who_waited_because_it_was_full_comes_before_those_who_call_when_a_place_is_free() -> None:
    room = ConferenceModel(moderator="none", settings=Settings(wait_for_moderator=True, max_members=2))
    room.admit("Ben")
    room.admit("Cleo")
    room.admit("Anna", role=Role.MODERATOR)
    assert list(room.participants) == [3, 1]
    room.leave(1)
    assert list(room.participants) == [3, 2]
    with pytest.raises(RoomFull):
        room.admit("Dora")


def test_what_his_line_did_while_he_waited_or_was_removed_is_told_when_he_comes_in(
    room: ConferenceModel,
) -> None:
    room.report_hold(2, True)
    room.report_silence(2, True)
    room.do(Admit(2), by=1)
    assert room.participants[2].on_hold
    assert room.participants[2].line.silent
    room.do(Remove(2), by=1)
    room.report_hold(2, False)
    room.report_silence(2, False)
    before = room.sequence
    room.do(Readmit(2), by=1)
    assert not room.participants[2].on_hold
    assert not room.participants[2].line.silent
    assert [each.is_for(1) for each in room.since(before - 2) or ()] == [False, False, True]


def test_who_waits_for_a_moderator_comes_in_with_one_who_is_brought_back() -> None:
    room = ConferenceModel(moderator="none", settings=Settings(wait_for_moderator=True))
    room.admit("Anna", role=Role.MODERATOR)
    room.do(Remove(1), by=None)
    room.admit("Ben")
    assert list(room.waiting) == [2]
    room.do(Readmit(1), by=None)
    assert list(room.participants) == [1, 2]


def test_only_a_moderator_lets_in_and_who_waits_does_nothing(room: ConferenceModel) -> None:
    with pytest.raises(StillWaiting, match="You are waiting to be let in"):
        room.do(Admit(2), by=2)
    with pytest.raises(StillWaiting):
        room.do(RaiseHand(2), by=2)
    room.do(Admit(2), by=1)
    assert list(room.participants) == [1, 2]
    with pytest.raises(NotAllowed, match="Only a moderator can let somebody in"):
        room.do(Admit(3), by=2)


def test_all_are_let_in_in_the_order_in_which_they_came(room: ConferenceModel) -> None:
    room.do(AdmitAll(), by=1)
    assert list(room.participants) == [1, 2, 3]
    assert [type(event) for event in room.since(3) or ()] == [Admitted, Admitted]


def test_who_hangs_up_or_is_turned_away_does_not_wait_any_more(room: ConferenceModel) -> None:
    room.leave(2)
    room.do(TurnAway(3), by=1)
    assert [type(event) for event in room.since(3) or ()] == [WentAway, TurnedAway]
    assert not room.waiting


def test_moderators_do_not_wait(room: ConferenceModel) -> None:
    assert room.admit("Dora", role=Role.MODERATOR).id in room.participants


def test_when_all_have_left_who_has_waited_longest_comes_in_and_steers(room: ConferenceModel) -> None:
    room.leave(1)
    assert room.participants[2].moderates
    assert list(room.waiting) == [3]


def test_all_wait_for_the_moderator_and_come_in_with_him() -> None:
    room = ConferenceModel(moderator="none", settings=Settings(wait_for_moderator=True))
    room.admit("Ben")
    room.admit("Cleo", role=Role.LISTENER)
    assert not room.participants
    room.admit("Anna", role=Role.MODERATOR)
    assert list(room.participants) == [3, 1, 2]
    room.leave(3)
    assert room.admit("Dave").id in room.waiting
    assert list(room.participants) == [1, 2]


def test_a_full_room_lets_nobody_in_and_all_as_far_as_there_is_room() -> None:
    room = room_of("Anna", "Ben", "Cleo", settings=Settings(waiting_room=True, max_members=2))
    room.do(AdmitAll(), by=1)
    assert (list(room.participants), list(room.waiting)) == ([1, 2], [3])
    with pytest.raises(RoomFull, match="full"):
        room.do(Admit(3), by=1)


def test_who_finds_the_room_locked_does_not_wait_either(room: ConferenceModel) -> None:
    room.do(Lock(), by=1)
    with pytest.raises(RoomLocked):
        room.admit("Dora")
    room.do(SetWaitingRoom(False), by=1)
    assert list(room.waiting) == [2, 3]
    room.do(Unlock(), by=1)
    assert list(room.participants) == [1, 2, 3]


def test_no_more_wait_than_can_be_looked_at(room: ConferenceModel) -> None:
    for _ in range(PATIENT - 2):
        room.admit("X")
    with pytest.raises(RoomFull):
        room.admit("X")


def test_who_waits_comes_in_when_nobody_has_to_wait_any_more(room: ConferenceModel) -> None:
    room.do(SetWaitingRoom(False), by=1)
    assert list(room.participants) == [1, 2, 3]


def test_a_moderator_who_is_named_is_a_moderator_who_has_come() -> None:
    room = room_of("Anna", "Ben", "Cleo", settings=Settings(wait_for_moderator=True), moderator="none")
    room.do(Admit(1), by=None)
    assert list(room.waiting) == [2, 3]
    room.do(SetRole(1, Role.MODERATOR), by=None)
    assert list(room.participants) == [1, 2, 3]
    room = ConferenceModel(settings=Settings(wait_for_moderator=True), moderator="none")
    room.admit("Anna")
    room.do(SetWaitForModerator(False), by=None)
    assert list(room.participants) == [1]


def test_a_locked_room_is_open_to_moderators() -> None:
    room = ConferenceModel()
    room.admit("Anna")
    room.do(Lock(), by=1)
    with pytest.raises(RoomLocked):
        room.admit("Ben")
    assert room.admit("Cleo", role=Role.MODERATOR).id in room.participants
