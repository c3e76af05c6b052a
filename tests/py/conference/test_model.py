"""The rules of a conference."""

import pytest

from sems.conference import commands
from sems.conference.commands import (
    Command,
    GiveFloor,
    Lock,
    LowerHand,
    Mute,
    ParticipantCommand,
    RaiseHand,
    Readmit,
    Remove,
    SetMaxMembers,
    SetMode,
    SetRole,
    SetTalkTime,
    TakeFloor,
    Talk,
    Unlock,
    Unmute,
)
from sems.conference.errors import NoFloor, NotAllowed, NotHere, RoomFull, RoomLocked
from sems.conference.events import (
    Dismissed,
    HandRaised,
    Joined,
    Left,
    LineChanged,
    ModeChanged,
    Muted,
    Removed,
    RoleChanged,
    SettingsChanged,
    VoiceChanged,
)
from sems.conference.model import HISTORY, ConferenceModel
from sems.conference.participant import Role
from sems.conference.permissions import RULES
from sems.conference.settings import Mode, Settings

from .rooms import room_of


@pytest.fixture
def room() -> ConferenceModel:
    """Anna (1, moderator), Ben (2) and Cleo (3)."""
    return room_of("Anna", "Ben", "Cleo")


def roles(room: ConferenceModel) -> list[Role]:
    return [participant.role for participant in room.participants.values()]


def test_the_first_is_the_moderator_and_the_others_are_speakers(room: ConferenceModel) -> None:
    assert roles(room) == [Role.MODERATOR, Role.SPEAKER, Role.SPEAKER]


def test_when_the_moderator_leaves_who_has_been_here_longest_becomes_moderator(room: ConferenceModel) -> None:
    room.leave(1)
    assert room.participants[2].role is Role.MODERATOR
    left, changed = room.since(3) or ()
    assert isinstance(left, Left)
    assert isinstance(changed, RoleChanged)


def test_nobody_inherits_a_room_whose_moderators_are_configured() -> None:
    room = ConferenceModel(moderator="none")
    room.admit("Anna")
    room.admit("Ben", role=Role.MODERATOR)
    assert roles(room) == [Role.SPEAKER, Role.MODERATOR]
    room.leave(2)
    assert roles(room) == [Role.SPEAKER]


def test_everybody_is_a_moderator_where_that_is_configured() -> None:
    room = ConferenceModel(moderator="everyone")
    room.admit("Anna")
    room.admit("Ben")
    room.admit("Ear", role=Role.LISTENER)
    assert roles(room) == [Role.MODERATOR, Role.MODERATOR, Role.LISTENER]


def test_a_full_room_lets_nobody_in_until_somebody_leaves() -> None:
    room = ConferenceModel(settings=Settings(max_members=1))
    room.admit("Anna")
    with pytest.raises(RoomFull, match="busy"):
        room.admit("Ben")
    room.leave(1)
    assert room.admit("Ben").role is Role.MODERATOR


def test_who_was_given_a_role_from_outside_does_not_inherit_another() -> None:
    room = ConferenceModel()
    room.admit("Ear", role=Role.LISTENER)
    room.admit("Voice", role=Role.SPEAKER)
    assert roles(room) == [Role.LISTENER, Role.SPEAKER]
    room.admit("Anna")
    assert room.participants[3].role is Role.MODERATOR
    room.leave(3)
    assert roles(room) == [Role.LISTENER, Role.SPEAKER]


def test_everybody_mutes_and_unmutes_himself(room: ConferenceModel) -> None:
    room.do(Mute(2), by=2)
    assert room.participants[2].muted
    room.do(Unmute(2), by=2)
    assert not room.participants[2].muted


def test_who_was_muted_by_a_moderator_can_not_unmute_himself(room: ConferenceModel) -> None:
    room.do(Mute(2), by=1)
    with pytest.raises(NotAllowed, match=r"not allowed\. A moderator has muted you"):
        room.do(Unmute(2), by=2)
    room.do(Unmute(2), by=1)
    assert not room.participants[2].muted


def test_a_moderator_does_not_open_a_microphone_that_its_owner_has_closed(room: ConferenceModel) -> None:
    room.do(Mute(2), by=2)
    room.do(Mute(2), by=1)
    room.do(Unmute(2), by=1)
    assert room.participants[2].muted
    room.do(Unmute(2), by=2)
    assert not room.participants[2].muted


def test_a_moderator_whom_another_has_muted_can_unmute_himself(room: ConferenceModel) -> None:
    room.admit("Dora", role=Role.MODERATOR)
    room.do(Mute(1), by=4)
    room.do(Unmute(1), by=1)
    assert not room.participants[1].muted


def test_a_listener_is_heard_once_a_moderator_lets_him_speak(room: ConferenceModel) -> None:
    listener = room.admit("Ear", role=Role.LISTENER)
    assert listener.muted
    with pytest.raises(NotAllowed, match="You are here to listen"):
        room.do(Unmute(listener.id), by=listener.id)
    room.do(Unmute(listener.id), by=1)
    assert not room.participants[listener.id].muted
    assert room.participants[listener.id].role is Role.SPEAKER


def test_hands_queue_in_the_order_in_which_they_were_raised(room: ConferenceModel) -> None:
    room.do(RaiseHand(3), by=3)
    room.do(RaiseHand(2), by=2)
    assert (room.place(3), room.place(2), room.place(1)) == (1, 2, None)
    room.do(LowerHand(3), by=3)
    assert room.place(2) == 1


def test_a_hand_leaves_the_queue_with_its_owner(room: ConferenceModel) -> None:
    room.do(RaiseHand(2), by=2)
    room.do(RaiseHand(3), by=3)
    room.leave(2)
    assert room.hands == (3,)


def test_raising_a_raised_hand_keeps_its_place_and_makes_no_event(room: ConferenceModel) -> None:
    room.do(RaiseHand(2), by=2)
    room.do(RaiseHand(3), by=3)
    before = room.sequence
    room.do(RaiseHand(2), by=2)
    assert room.hands == (2, 3)
    assert room.sequence == before


def test_nobody_raises_the_hand_of_another_not_even_a_moderator(room: ConferenceModel) -> None:
    for by in (1, 3, None):
        with pytest.raises(NotAllowed, match="not allowed"):
            room.do(RaiseHand(2), by=by)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (Mute(3), "Only a moderator can mute somebody else."),
        (Unmute(3), "Only a moderator can let somebody else be heard."),
        (LowerHand(3), "Only a moderator can lower the hand of somebody else."),
        (Remove(3), "Only a moderator can remove a participant."),
        (Readmit(3), "Only a moderator can bring a participant back."),
        (Lock(), "Only a moderator can lock the room."),
        (Unlock(), "Only a moderator can unlock the room."),
    ],
)
def test_what_only_a_moderator_can_is_refused_to_others_in_a_sentence(
    room: ConferenceModel, command: Mute, sentence: str
) -> None:
    before = room.sequence
    with pytest.raises(NotAllowed) as refused:
        room.do(command, by=2)
    assert str(refused.value) == f"That is not allowed. {sentence}"
    assert room.sequence == before


def test_a_locked_room_lets_nobody_in_until_it_is_unlocked(room: ConferenceModel) -> None:
    room.do(Lock(), by=1)
    with pytest.raises(RoomLocked, match="locked"):
        room.admit("Dora")
    room.do(Unlock(), by=1)
    assert room.admit("Dora").id == 4


def test_a_name_is_on_one_line_and_has_nothing_in_it_that_can_not_be_read(room: ConferenceModel) -> None:
    assert room.admit("Zoë\t\r\n \x1b[31mMüller\x07").name == "Zoë [31mMüller"


def test_who_was_removed_is_gone_and_can_be_brought_back_while_his_call_lasts(room: ConferenceModel) -> None:
    room.do(Remove(2), by=1)
    assert 2 not in room.participants
    room.do(Readmit(2), by=1)
    assert room.participants[2].name == "Ben"
    room.do(Remove(2), by=1)
    room.leave(2)
    with pytest.raises(NotHere):
        room.do(Readmit(2), by=1)
    left = (room.since(room.sequence - 1) or [])[0]
    assert isinstance(left, Dismissed)
    assert not left.is_for(1), "nobody sees a difference"


def test_who_was_removed_finds_no_place_in_a_full_room(room: ConferenceModel) -> None:
    room.do(Remove(2), by=1)
    room.do(SetMaxMembers(2), by=1)
    with pytest.raises(RoomFull):
        room.do(Readmit(2), by=1)


def test_bringing_back_one_who_is_here_changes_nothing(room: ConferenceModel) -> None:
    before = room.sequence
    room.do(Readmit(2), by=1)
    assert room.sequence == before


def test_a_removed_participant_can_do_nothing(room: ConferenceModel) -> None:
    room.do(Remove(2), by=1)
    with pytest.raises(NotHere):
        room.do(RaiseHand(2), by=2)


def test_the_operator_may_what_a_moderator_may(room: ConferenceModel) -> None:
    room.do(Lock(), by=None)
    room.do(Mute(1), by=None)
    room.do(Remove(2), by=None)
    assert room.settings.locked
    assert room.participants[1].muted
    assert 2 not in room.participants


def test_a_muted_speaker_is_told_and_nobody_else(room: ConferenceModel) -> None:
    room.report_voice(2, True)
    room.do(Mute(2), by=2)
    assert not room.speaks(room.participants[2])
    assert room.unheard(room.participants[2])
    room.report_voice(2, False)
    room.report_voice(2, True)
    *_, muted, off, on = room.since(0) or ()
    assert isinstance(muted, Muted)
    assert muted.audience is None
    assert isinstance(off, VoiceChanged)
    assert off.audience == {2}
    assert isinstance(on, VoiceChanged)
    assert on.audience == {2}


def test_levels_are_of_those_whom_the_room_hears(room: ConferenceModel) -> None:
    readings = []
    room.subscribe_levels(lambda levels: readings.append(dict(levels)))
    room.do(Mute(2), by=2)
    room.report_levels({1: -30, 2: -20, 9: -10})
    room.report_levels({})
    assert readings == [{1: -30}, {}]


def test_a_line_is_bad_from_three_percent_of_loss(room: ConferenceModel) -> None:
    before = room.sequence
    room.report_loss(2, 0.02)
    assert room.sequence == before
    room.report_loss(2, 0.062)
    assert room.participants[2].line.bad
    assert room.participants[2].line.loss == 6
    room.report_loss(2, 0.0)
    assert not room.participants[2].line.bad


def test_who_hears_nothing_has_a_bad_line(room: ConferenceModel) -> None:
    room.report_deafness(2, True)
    assert room.participants[2].line.bad
    assert not room.participants[2].line.silent
    room.report_deafness(2, False)
    assert not room.participants[2].line.bad


def test_hold_and_silence_of_a_line_are_told_once(room: ConferenceModel) -> None:
    before = room.sequence
    for _ in range(2):
        room.report_hold(2, True)
        room.report_silence(3, True)
    events = room.since(before) or []
    assert [type(event) for event in events] == [LineChanged, LineChanged]
    assert room.participants[2].on_hold
    assert room.participants[3].line.silent


def test_each_event_carries_the_value_of_its_moment(room: ConferenceModel) -> None:
    room.do(RaiseHand(2), by=2)
    room.do(Mute(2), by=1)
    room.do(Lock(), by=1)
    room.do(Remove(2), by=1)
    joined, _, _, raised, muted, locked, removed = room.since(0) or ()
    assert isinstance(joined, Joined)
    assert joined.participant.name == "Anna"
    assert isinstance(raised, HandRaised)
    assert raised.hands == (2,)
    assert isinstance(muted, Muted)
    assert muted.by == 1
    assert muted.participant.muted_by_moderator
    assert isinstance(locked, SettingsChanged)
    assert isinstance(removed, Removed)
    assert removed.hands == ()


def test_who_has_missed_too_much_is_told_so(room: ConferenceModel) -> None:
    assert room.since(3) == []
    assert room.since(4) is None
    for n in range(HISTORY):
        room.report_voice(1, n % 2 == 0)
    assert room.since(3) is not None
    assert room.since(2) is None


def test_numbers_go_on_from_where_they_are_told_to() -> None:
    room = ConferenceModel(sequence=40)
    room.admit("Anna")
    assert room.sequence == 41
    assert room.since(39) is None


def test_who_has_unsubscribed_hears_nothing_more(room: ConferenceModel) -> None:
    heard = []
    unsubscribe = room.subscribe(heard.append)
    room.do(Lock(), by=1)
    unsubscribe()
    room.do(Unlock(), by=1)
    assert [type(event) for event in heard] == [SettingsChanged]


def test_in_a_moderated_room_only_who_holds_the_floor_is_heard_not_even_the_moderator(
    room: ConferenceModel,
) -> None:
    room.do(SetMode(Mode.MODERATED), by=1)
    assert not any(room.hears(each) for each in room.participants.values())
    room.do(GiveFloor(2), by=1)
    assert [id for id, each in room.participants.items() if room.hears(each)] == [2]
    room.do(TakeFloor(2), by=1)
    assert room.floor == ()


def test_the_moderator_takes_the_floor_for_himself_at_once(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.MODERATED), Mute(1), by=1)
    room.do(Talk(), by=1)
    assert room.hears(room.participants[1])
    with pytest.raises(NotAllowed, match="You do not hold the floor"):
        room.do(Talk(), by=2)


def test_who_is_given_the_floor_has_his_hand_down(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.MODERATED), by=1)
    room.do(RaiseHand(3), by=3)
    room.do(RaiseHand(2), by=2)
    room.do(GiveFloor(3), by=1)
    assert (room.hands, room.floor) == ((2,), (3,))
    room.do(TakeFloor(3), by=3)
    assert room.floor == ()


def test_only_moderators_give_the_floor_and_an_open_room_has_none(room: ConferenceModel) -> None:
    with pytest.raises(NoFloor, match="no floor to give"):
        room.do(GiveFloor(2), by=1)
    room.do(SetMode(Mode.MODERATED), by=1)
    for command in (GiveFloor(2), TakeFloor(1), SetMode(Mode.OPEN), SetTalkTime(60.0)):
        with pytest.raises(NotAllowed, match="Only a moderator can"):
            room.do(command, by=2)


def test_who_is_given_the_floor_knows_until_when_and_moderators_have_time(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.MODERATED), SetTalkTime(60.0), by=1)
    room.do(GiveFloor(1, 1000.0), GiveFloor(2, 1000.0), by=1)
    assert (room.floor_until(1), room.floor_until(2)) == (None, 1060.0)
    room.do(TakeFloor(2), by=1)
    assert room.floor_until(2) is None
    room.do(GiveFloor(2, 2000.0), SetMode(Mode.OPEN), by=1)
    assert room.floor_until(2) is None


def test_in_a_lecture_moderators_are_heard_and_to_whom_they_give_the_floor(room: ConferenceModel) -> None:
    room.do(SetMode(Mode.LECTURE), by=1)
    assert room.floor == (1,)
    assert room.admit("Dora", role=Role.MODERATOR).id in room.floor
    room.do(GiveFloor(2), by=1)
    room.leave(1)
    assert room.floor == (4, 2)
    room.do(SetMode(Mode.OPEN), by=4)
    assert room.floor == ()


def test_a_change_of_mode_tells_whose_voice_comes_and_goes(room: ConferenceModel) -> None:
    room.report_voice(2, True)
    number = room.sequence
    room.do(SetMode(Mode.LECTURE), by=1)
    mode, voice = room.since(number) or ()
    assert isinstance(mode, ModeChanged)
    assert isinstance(voice, VoiceChanged)
    assert (voice.participant.id, voice.audience, room.speaks(voice.participant)) == (2, None, False)
    assert room.unheard(room.participants[2])


def test_there_is_a_rule_for_every_command() -> None:
    named = {getattr(commands, name) for name in commands.__all__}
    assert named - {Command, ParticipantCommand} == set(RULES)


def test_a_moderator_who_is_brought_back_into_a_lecture_is_heard_again(room: ConferenceModel) -> None:
    room.do(SetRole(2, Role.MODERATOR), SetMode(Mode.LECTURE), Remove(2), by=1)
    assert room.floor == (1,)
    room.do(Readmit(2), by=1)
    assert room.floor == (1, 2)


def test_who_becomes_moderator_while_he_holds_the_floor_has_time(room: ConferenceModel) -> None:
    room.do(SetTalkTime(30), SetMode(Mode.MODERATED), by=1)
    room.do(GiveFloor(2, at=100.0), by=1)
    assert room.floor_until(2) == 130.0
    room.do(SetRole(2, Role.MODERATOR), by=1)
    assert room.floor_until(2) is None


@pytest.mark.parametrize("mode", [Mode.MODERATED, Mode.LECTURE])
def test_who_becomes_listener_or_is_moderator_no_more_keeps_no_floor(mode: Mode) -> None:
    """It would be without an end, or nobody would hear him there."""
    room = room_of("Anna", "Ben", "Cleo", settings=Settings(mode=mode, talk_time=60.0))
    room.do(commands.GiveFloor(2, 0.0), commands.GiveFloor(3, 0.0), by=1)
    room.do(commands.SetRole(2, Role.MODERATOR), by=1)
    room.do(commands.SetRole(2, Role.SPEAKER), commands.SetRole(3, Role.LISTENER), by=1)
    assert not {2, 3} & set(room.floor)
    room.do(commands.GiveFloor(3, 0.0), by=1)
    assert room.hears(room.participants[3])
    assert room.floor_until(3) == 60.0


def test_several_commands_at_once_leave_somebody_to_steer_the_room() -> None:
    room = ConferenceModel(moderator="everyone")
    room.admit("Anna")
    room.admit("Ben")
    room.do(commands.SetRole(1, Role.SPEAKER), commands.SetRole(2, Role.SPEAKER), by=1)
    assert room.moderators == (2,)


def test_who_is_brought_back_has_his_hand_and_the_floor_as_before() -> None:
    room = room_of("Anna", "Ben", "Cleo", "Dora", settings=Settings(mode=Mode.MODERATED, talk_time=60.0))
    room.do(commands.RaiseHand(2), by=2)
    room.do(commands.RaiseHand(4), by=4)
    room.do(commands.GiveFloor(3, 0.0), by=1)
    for who in (2, 3):
        room.do(commands.Remove(who), by=1)
    room.do(commands.Readmit(3), commands.Readmit(2), by=1)
    assert room.hands == (2, 4)
    assert room.floor == (3,)
    assert room.floor_until(3) == 60.0
    # What has begun anew in the meantime he does not get back.
    room.do(commands.Remove(3), by=1)
    room.do(commands.SetMode(Mode.OPEN), commands.SetMode(Mode.MODERATED), by=1)
    room.do(commands.Readmit(3), by=1)
    assert room.floor == ()
