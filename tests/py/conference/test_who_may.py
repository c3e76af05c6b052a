"""Who may do what: every command, by every role. One row for each command; whoever adds one adds a row."""

from __future__ import annotations

import pytest

from sems.conference import commands as all_commands
from sems.conference.commands import (
    AcceptTalk,
    Admit,
    AdmitAll,
    AskToTalk,
    CancelCall,
    Coach,
    Command,
    DeclineTalk,
    Dial,
    Gather,
    GiveFloor,
    LeaveTalk,
    Lock,
    LowerHand,
    Move,
    Mute,
    ParticipantCommand,
    PauseRecording,
    RaiseHand,
    Readmit,
    Record,
    Redial,
    Remove,
    Say,
    SetBackground,
    SetGain,
    SetMaxMembers,
    SetMode,
    SetModeratorPin,
    SetPin,
    SetPins,
    SetQuiet,
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
from sems.conference.errors import NotAllowed
from sems.conference.model import ConferenceModel
from sems.conference.participant import Role
from sems.conference.permissions import permit
from sems.conference.settings import Mode, Settings, Who
from sems.conference.talks import Background

M, S, L, O = "moderator", "speaker", "listener", "operator"  # noqa: E741
IDS = {M: 1, S: 2, L: 3, O: None}
SOMEBODY = 4
MODERATORS, PARTICIPANTS, ALL = {M, O}, {M, S, L}, {M, S, L, O}
#: The number of whoever asks stands for ME.
ME = -1

ROWS: list[tuple[Command, set[str]]] = [
    (Mute(SOMEBODY), MODERATORS),
    (Mute(ME), PARTICIPANTS),
    (Unmute(SOMEBODY), MODERATORS),
    (Unmute(ME), {M, S}),
    (RaiseHand(SOMEBODY), set()),
    (RaiseHand(ME), PARTICIPANTS),
    (LowerHand(SOMEBODY), MODERATORS),
    (LowerHand(ME), PARTICIPANTS),
    (GiveFloor(SOMEBODY), MODERATORS),
    (GiveFloor(ME), {M}),
    (TakeFloor(SOMEBODY), MODERATORS),
    (TakeFloor(ME), PARTICIPANTS),
    (Talk(), {M}),
    (SetMode(Mode.LECTURE), MODERATORS),
    (SetTalkTime(60.0), MODERATORS),
    (SetRole(SOMEBODY, Role.MODERATOR), MODERATORS),
    (SetRole(ME, Role.MODERATOR), {M}),
    (SetGain(SOMEBODY, 3.0), MODERATORS),
    (SetVolume(SOMEBODY, 3.0), PARTICIPANTS),
    (AskToTalk((SOMEBODY,)), PARTICIPANTS),
    (AcceptTalk(1), PARTICIPANTS),
    (DeclineTalk(1), PARTICIPANTS),
    (LeaveTalk(1), PARTICIPANTS),
    (SetBackground(1, Background.OFF), PARTICIPANTS),
    (Coach(SOMEBODY), {M}),
    (Move(SOMEBODY, "Blue"), MODERATORS),
    (Move(SOMEBODY, None), MODERATORS),
    (Move(ME, "Blue"), {M}),
    (Move(ME, None), PARTICIPANTS),
    (Gather(), MODERATORS),
    (Say("Hello", at=0.0), ALL),
    (Dial("anna"), MODERATORS),
    (Redial(9), MODERATORS),
    (CancelCall(9), ALL),
    (Admit(5), MODERATORS),
    (AdmitAll(), MODERATORS),
    (TurnAway(5), MODERATORS),
    (Remove(SOMEBODY), MODERATORS),
    (Remove(ME), {M}),
    (Readmit(SOMEBODY), MODERATORS),
    (Lock(), MODERATORS),
    (Unlock(), MODERATORS),
    (SetWaitingRoom(True), MODERATORS),
    (SetWaitForModerator(True), MODERATORS),
    (SetQuiet(True), MODERATORS),
    (SetMaxMembers(5), MODERATORS),
    (SetPin("4711"), MODERATORS),
    (SetPins("4711", "4712"), MODERATORS),
    (SetModeratorPin("4711"), MODERATORS),
    (Record(0.0), MODERATORS),
    (PauseRecording(), MODERATORS),
    (StopRecording(), MODERATORS),
]


def room(**settings: object) -> ConferenceModel:
    """A moderated room with one of each role, and somebody else. The listener has been muted by that."""
    room = ConferenceModel(moderator="none", settings=Settings(mode=Mode.MODERATED, **settings))  # type: ignore[arg-type]
    for role in (Role.MODERATOR, Role.SPEAKER, Role.LISTENER, Role.SPEAKER):
        room.admit(role.value, role=role)
    return room


def may(room: ConferenceModel, command: Command, who: str) -> bool:
    id = IDS[who]
    if isinstance(command, ParticipantCommand) and command.participant == ME and id is not None:
        object.__setattr__(command, "participant", id)
    try:
        permit(command, None if id is None else room.participants[id], room._state)
    except NotAllowed:
        return False
    return True


@pytest.mark.parametrize(("row", "allowed"), list(enumerate(who for _, who in ROWS)))
def test_each_command_is_for_those_roles_and_for_nobody_else(row: int, allowed: set[str]) -> None:
    for who in IDS:
        command = ROWS[row][0]
        mine = isinstance(command, ParticipantCommand) and command.participant == ME
        if mine and who == O:
            continue
        given = type(command)(**{name: getattr(command, name) for name in command.__dataclass_fields__})
        assert may(room(), given, who) is (who in allowed), f"{given} by the {who}"


def test_every_command_has_a_row() -> None:
    known = {getattr(all_commands, name) for name in all_commands.__all__} - {Command, ParticipantCommand}
    assert {type(command) for command, _ in ROWS} == known


def test_who_may_dial_is_as_the_configuration_says() -> None:
    for who, allowed in ((Who.NOBODY, set()), (Who.MODERATORS, MODERATORS), (Who.EVERYONE, ALL)):
        for command in (Dial("anna"), Redial(9)):
            assert {each for each in IDS if may(room(dial=who), command, each)} == allowed


def test_who_holds_the_floor_may_talk() -> None:
    moderated = room()
    moderated.do(GiveFloor(2), by=1)
    assert {each for each in IDS if may(moderated, Talk(), each)} == {M, S}
