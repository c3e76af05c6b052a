"""Calling people into the room, as far as it is no call yet."""

from __future__ import annotations

import pytest

from sems.conference import (
    BadTarget,
    CancelCall,
    ConferenceModel,
    Dial,
    DialState,
    LinesBusy,
    Lock,
    Mode,
    NoSuchCall,
    NotAllowed,
    NotHere,
    Presence,
    Readmit,
    Redial,
    Remove,
    Role,
    RoomFull,
    SetGain,
    Settings,
    SetWaitingRoom,
    Who,
)
from sems.conference.dialling import MOST_REMEMBERED, answered, failed, forget, plain, progress
from sems.conference.events import CallChanged, CallGone, Event, Joined


class Everybody:
    """Lets everybody be called, but those who are not."""

    def check(self, target: str, by: int | None) -> None:
        if target == "nobody":
            raise LinesBusy("this is a test")


def room_of_two(**settings: object) -> ConferenceModel:
    """Anna (1) moderates, Ben (2) does not."""
    room = ConferenceModel(settings=Settings(**settings))  # type: ignore[arg-type]
    room.switchboard = Everybody()
    room.admit("Anna")
    room.admit("Ben")
    return room


def told(room: ConferenceModel) -> list[Event]:
    events: list[Event] = []
    room.subscribe(events.append)
    return events


def test_who_is_called_has_an_id_from_the_start_and_keeps_it_when_he_comes() -> None:
    room = room_of_two()
    events = told(room)
    room.do(Dial("sip:cleo@192.0.2.7"), by=1)
    assert [(each.id, each.name, each.target, each.by) for each in room.calls.values()] == [
        (3, "cleo", "sip:cleo@192.0.2.7", 1)
    ]
    progress(room, 3, 183, "Session Progress")
    assert (room.calls[3].state, room.calls[3].code) == (DialState.TRYING, 183)
    progress(room, 3, 180, "Ringing")
    assert (room.calls[3].state, room.calls[3].code) == (DialState.RINGING, 180)
    cleo = answered(room, 3)
    assert (cleo.id, cleo.name, cleo.presence) == (3, "cleo", Presence.DIALLED)
    assert not room.calls
    assert [type(event) for event in events] == [CallChanged] * 3 + [CallGone, Joined]
    assert room.admit("Dora").id == 4


def test_several_are_called_at_once_in_the_order_in_which_they_were_dialled() -> None:
    room = room_of_two()
    room.do(Dial("100"), Dial("sip:x@y.example", "Cleo"), by=1)
    room.do(Dial("200"), by=None)
    assert [(each.id, each.name) for each in room.calls.values()] == [(3, "100"), (4, "Cleo"), (5, "200")]


@pytest.mark.parametrize(
    ("target", "name", "seen"),
    [
        ("sip:anna@192.0.2.7:5070;transport=tcp", None, "anna"),
        ("SIPS:anna@example.com", None, "anna"),
        ("tel:+4930123", None, "+4930123"),
        ("anna@example.com", None, "anna"),
        ("+49 30 123", None, "+49 30 123"),
        ("100", "  Anna\n\u202e Bell \x00 ", "Anna Bell"),
        ("100", " \n", "100"),
        ("100", "x" * 500, "x" * 64),
    ],
)
def test_a_name_is_given_or_found_in_what_was_dialled(target: str, name: str | None, seen: str) -> None:
    room = room_of_two()
    room.do(Dial(target, name), by=1)
    assert room.calls[3].name == seen


@pytest.mark.parametrize("target", ["", "  ", "x" * 256])
def test_what_is_nothing_or_endless_is_not_dialled(target: str) -> None:
    room = room_of_two()
    with pytest.raises(BadTarget):
        room.do(Dial(target), by=1)
    assert not room.calls


def test_what_the_switchboard_refuses_is_not_dialled_nor_dialled_again() -> None:
    room = room_of_two()
    with pytest.raises(LinesBusy, match="busy"):
        room.do(Dial("100"), Dial("nobody"), by=1)
    assert not room.calls
    bare = ConferenceModel()
    bare.admit("Anna")
    with pytest.raises(NotAllowed):
        bare.do(Dial("100"), by=1)


def test_moderators_dial_and_others_only_where_everyone_may() -> None:
    for who, may in ((Who.MODERATORS, [1, None]), (Who.EVERYONE, [1, 2, None]), (Who.NOBODY, [])):
        for by in (1, 2, None):
            room = room_of_two(dial=who)
            if by in may:
                room.do(Dial("100"), by=by)
                assert room.calls[3].by == by
            else:
                with pytest.raises(NotAllowed, match="not allowed"):
                    room.do(Dial("100"), by=by)


def test_a_call_is_taken_back_by_who_has_dialled_and_by_moderators() -> None:
    room = room_of_two(dial=Who.EVERYONE)
    room.do(Dial("100"), by=2)
    room.do(Dial("200"), by=1)
    with pytest.raises(NotAllowed, match="somebody else"):
        room.do(CancelCall(4), by=2)
    room.do(CancelCall(3), by=2)
    room.do(CancelCall(4), by=None)
    assert {each.state for each in room.calls.values()} == {DialState.CANCELLED}
    with pytest.raises(NoSuchCall):
        room.do(CancelCall(77), by=2)


def test_a_call_in_vain_says_why_is_dialled_again_and_forgotten() -> None:
    room = room_of_two()
    room.do(Dial("100"), by=1)
    failed(room, 3, 486, "Busy Here")
    call = room.calls[3]
    assert (call.state, call.code, call.reason, call.phrase) == (DialState.FAILED, 486, "busy", "Busy Here")
    progress(room, 3, 180, "Ringing")
    assert room.calls[3] is call, "it is over"
    with pytest.raises(NoSuchCall):
        answered(room, 3)

    room.do(Redial(3), by=1)
    assert (room.calls[3].state, room.calls[3].code, room.calls[3].reason) == (DialState.TRYING, None, "")
    events = told(room)
    room.do(Redial(3), by=1)
    assert not events, "he is being called"
    forget(room, 3)
    assert 3 in room.calls
    failed(room, 3, 404, "Not Found")
    room.do(CancelCall(3), by=1)
    assert not room.calls
    with pytest.raises(NoSuchCall):
        room.do(Redial(3), by=1)


def test_who_was_called_in_vain_long_ago_is_forgotten() -> None:
    room = room_of_two()
    for _ in range(MOST_REMEMBERED + 5):
        room.do(Dial("100"), by=1)
        failed(room, max(room.calls), 486, "Busy Here")
    room.do(Dial("200"), by=1)
    assert len(room.calls) == MOST_REMEMBERED + 1
    assert min(room.calls) == 8


def test_who_is_called_needs_room_and_finds_locked_doors_open() -> None:
    room = room_of_two(max_members=4)
    room.do(SetWaitingRoom(True), Lock(), by=1)
    room.do(Dial("100"), Dial("200"), by=1)
    with pytest.raises(RoomFull, match="full"):
        room.do(Dial("300"), by=1)
    assert answered(room, 3).id in room.participants
    assert answered(room, 4).id in room.participants


def test_who_answers_too_late_for_a_full_room_is_not_let_in() -> None:
    room = room_of_two(max_members=3)
    room.do(Dial("100"), by=1)
    room.admit("Cleo")
    with pytest.raises(RoomFull):
        answered(room, 3)
    assert room.calls[3].going_on


def test_who_comes_into_a_lecture_listens() -> None:
    room = room_of_two(mode=Mode.LECTURE)
    room.do(Dial("100"), by=1)
    assert not room.hears(answered(room, 3))


def test_every_code_has_plain_words() -> None:
    assert plain(486) == plain(600) == "busy"
    for code in range(300, 700):
        assert plain(code)
        assert not any(character.isdigit() for character in plain(code))


# undone removals


def without_ben(**settings: object) -> ConferenceModel:
    """Ben, who came by telephone, was removed, and his call has ended."""
    room = room_of_two(**settings)
    cleo = room.admit("Cleo", address="sip:cleo@192.0.2.7", role=Role.LISTENER)
    room.do(SetGain(cleo.id, 6.0), Remove(cleo.id), by=1)
    room.leave(cleo.id)
    return room


def test_who_was_removed_is_called_when_that_is_undone_after_his_call_has_ended() -> None:
    room = without_ben()
    room.do(Readmit(3), by=1)
    assert (room.calls[3].name, room.calls[3].target, room.calls[3].by) == ("Cleo", "sip:cleo@192.0.2.7", 1)
    room.do(Readmit(3), by=1)
    assert len(room.calls) == 1, "once is enough"
    failed(room, 3, 486, "Busy Here")
    room.do(Redial(3), by=1)
    back = answered(room, 3)
    assert (back.id, back.name, back.presence) == (3, "Cleo", Presence.DIALLED)
    assert (back.role, back.muted_by_moderator, back.gain) == (Role.LISTENER, True, 6.0), "as he was"
    assert not room.dismissed
    assert not room.calls


def test_whoever_may_not_be_called_is_not_called_to_undo_a_removal() -> None:
    room = room_of_two(dial=Who.MODERATORS)
    for address in ("nobody", ""):
        him = room.admit("Cleo", address=address)
        room.do(Remove(him.id), by=1)
        room.leave(him.id)
        with pytest.raises(LinesBusy if address else NotHere):
            room.do(Readmit(him.id), by=1)
    room = without_ben(dial=Who.NOBODY)
    with pytest.raises(NotAllowed, match="Nobody can be called"):
        room.do(Readmit(3), by=1)
    assert not room.calls


def test_the_last_few_who_were_removed_are_remembered() -> None:
    room = room_of_two()
    for _ in range(2 * MOST_REMEMBERED):
        him = room.admit("X", address="sip:x@192.0.2.7")
        room.do(Remove(him.id), by=1)
        room.leave(him.id)
    assert list(room.dismissed) == list(range(3 + MOST_REMEMBERED, 3 + 2 * MOST_REMEMBERED))
