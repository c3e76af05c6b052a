"""By what number each is meant when it is keyed in."""

import pytest

from sems.conference.action import at
from sems.conference.commands import Admit, Readmit, Remove, SetWaitingRoom
from sems.conference.errors import NotHere
from sems.conference.model import ConferenceModel
from sems.conference.places import RESTING

from .rooms import room_of


@pytest.fixture
def room() -> ConferenceModel:
    """Anna (1), Ben (2) and Cleo (3)."""
    return room_of("Anna", "Ben", "Cleo")


def test_everybody_keeps_his_number_whoever_goes_and_comes(room: ConferenceModel) -> None:
    room.leave(2)
    dora = room.admit("Dora")
    assert dict(room.places) == {1: 1, 3: 3, dora.id: 4}
    assert at(room, "3") == 3
    for nobody in ("0", "2", "5", "99999999999"):
        with pytest.raises(NotHere):
            at(room, nobody)


def test_who_is_brought_back_has_his_number_again(room: ConferenceModel) -> None:
    room.do(Remove(2), by=1)
    room.admit("Dora")
    room.do(Readmit(2), by=1)
    assert at(room, "2") == 2


def test_a_number_is_given_again_when_others_have_been_given_up_since(room: ConferenceModel) -> None:
    room.leave(2)
    for _ in range(RESTING):
        emil = room.admit("Emil")
        assert room.places[emil.id] != 2
        room.leave(emil.id)
    fritz = room.admit("Fritz")
    assert room.places[fritz.id] == 2
    for number in range(40):
        room.leave(room.admit(f"Guest {number}").id)
    assert max(room.places.values()) <= len(room.places) + RESTING, "numbers stay short"


def test_who_waits_keeps_his_number_too_and_whoever_waits_alone_is_the_first(room: ConferenceModel) -> None:
    room.do(SetWaitingRoom(True), by=1)
    first, second = room.admit("Dora"), room.admit("Emil")
    room.do(Admit(first.id), by=1)
    assert dict(room.waiting_places) == {second.id: 2}
    assert room.places[first.id] == 4
    third = room.admit("Fritz")
    assert room.waiting_places[third.id] == 3
    for each in (second, third):
        room.leave(each.id)
    assert room.waiting_places[room.admit("Gerd").id] == 1
