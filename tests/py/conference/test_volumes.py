"""Gains, volumes and roles: the rules."""

import pytest

from sems.conference.commands import Remove, SetGain, SetMode, SetRole, SetVolume
from sems.conference.errors import NobodySteers, NotAllowed
from sems.conference.events import VolumesChanged
from sems.conference.model import ConferenceModel
from sems.conference.participant import Role
from sems.conference.settings import Mode

from .rooms import room_of


@pytest.fixture
def room() -> ConferenceModel:
    """Anna (1, moderator), Ben (2) and Cleo (3)."""
    return room_of("Anna", "Ben", "Cleo")


def test_only_a_moderator_makes_somebody_louder_for_all(room: ConferenceModel) -> None:
    with pytest.raises(NotAllowed, match="Only a moderator"):
        room.do(SetGain(2, 6.0), by=2)
    room.do(SetGain(2, 6.0), by=1)
    assert room.participants[2].gain == 6.0
    room.do(SetGain(2, 600.0), by=1)
    assert room.participants[2].gain == 12.0


def test_everybody_sets_how_loud_he_alone_hears_others_and_nobody_else_is_told(room: ConferenceModel) -> None:
    room.do(SetVolume(3, -10.0), by=2)
    (event,) = room.since(room.sequence - 1) or ()
    assert isinstance(event, VolumesChanged)
    assert event.audience == {2}
    assert room.volumes(2) == {3: -10.0}
    assert room.volumes(1) == {}
    room.do(SetVolume(3, None), by=2)
    assert room.volumes(2) == {}
    with pytest.raises(NotAllowed, match="Nobody hears himself"):
        room.do(SetVolume(2, 3.0), by=2)
    with pytest.raises(NotAllowed, match="operator"):
        room.do(SetVolume(2, 3.0), by=None)


def test_who_leaves_takes_his_volumes_along_and_who_was_removed_keeps_them(room: ConferenceModel) -> None:
    room.do(SetVolume(3, -10.0), by=2)
    room.do(Remove(2), by=1)
    assert room.volumes(2) == {3: -10.0}
    room.leave(2)
    room.do(SetVolume(2 + 1, -10.0), by=1)
    room.leave(1)
    assert room.volumes(1) == {}


def test_how_loud_somebody_was_to_be_is_forgotten_when_he_has_left(room: ConferenceModel) -> None:
    room.do(SetVolume(3, -10.0), SetVolume(2, 4.0), by=1)
    room.leave(3)
    assert room.volumes(1) == {2: 4.0}
    room.leave(2)
    assert room.volumes(1) == {}


def test_the_operator_who_hears_nothing_is_not_told_of_volumes(room: ConferenceModel) -> None:
    room.do(SetVolume(3, -10.0), by=2)
    (event,) = room.since(room.sequence - 1) or ()
    assert [id for id in (None, 1, 2, 3) if event.is_for(id)] == [2]


def test_roles_change_who_is_heard(room: ConferenceModel) -> None:
    room.do(SetRole(2, Role.LISTENER), by=1)
    assert not room.hears(room.participants[2])
    room.do(SetRole(2, Role.MODERATOR), by=1)
    assert room.hears(room.participants[2])
    with pytest.raises(NotAllowed):
        room.do(SetRole(1, Role.LISTENER), by=3)


def test_somebody_always_steers_the_room(room: ConferenceModel) -> None:
    with pytest.raises(NobodySteers, match="name another"):
        room.do(SetRole(1, Role.SPEAKER), by=1)
    room.do(SetRole(2, Role.MODERATOR), by=1)
    room.do(SetRole(1, Role.SPEAKER), by=2)
    assert room.moderators == (2,)


def test_a_new_moderator_holds_the_floor_of_a_lecture(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.LECTURE), SetRole(2, Role.MODERATOR), by=1)
    assert room.floor == (1, 2)
