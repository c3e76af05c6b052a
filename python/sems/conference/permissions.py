"""Who may do what: the one place that decides it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .command import Command
from .commands import (
    AcceptTalk,
    Admit,
    AdmitAll,
    AskToTalk,
    CancelCall,
    Coach,
    DeclineTalk,
    Dial,
    Gather,
    GiveFloor,
    LeaveTalk,
    Lock,
    LowerHand,
    Move,
    Mute,
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
from .errors import NotAllowed
from .participant import Participant, Role
from .settings import Mode, Who
from .state import State

Rule = Callable[[Any, Participant | None, State], None]
"""Returns if the participant (``None``: the operator) may do it, or raises :class:`NotAllowed`."""


def permit(command: Command, by: Participant | None, state: State) -> None:
    """Returns if ``by`` (``None``: the operator, who may do everything that makes sense) may do it.

    Raises :class:`NotAllowed`.
    """
    RULES[type(command)](command, by, state)


def moderators(what: str) -> Rule:
    """Only moderators and the operator can ``what``."""

    def rule(_: Command, by: Participant | None, __: State) -> None:
        if by is not None and not by.moderates:
            raise NotAllowed(f"Only a moderator can {what}.", "only_moderators")

    return rule


def himself_or_moderators(what: str) -> Rule:
    """Everybody for himself; only moderators and the operator can ``what``."""
    for_others = moderators(what)

    def rule(command: Any, by: Participant | None, state: State) -> None:
        if by is None or command.participant != by.id:
            for_others(command, by, state)

    return rule


def _unmute(command: Unmute, by: Participant | None, state: State) -> None:
    if by is None or command.participant != by.id:
        moderators("let somebody else be heard")(command, by, state)
    elif by.private:
        return
    elif by.muted_by_moderator and not by.moderates:
        if by.role is Role.LISTENER:
            raise NotAllowed("You are here to listen. Raise your hand to ask for the word.", "here_to_listen")
        raise NotAllowed(
            "A moderator has muted you. Raise your hand to ask for the word.", "muted_by_moderator"
        )


def _raise_hand(command: RaiseHand, by: Participant | None, _: State) -> None:
    if by is None or command.participant != by.id:
        raise NotAllowed("Everybody raises his own hand.", "not_your_hand")


def participants(_: Command, by: Participant | None, __: State) -> None:
    """Everybody who is here, but not the operator."""
    if by is None:
        raise NotAllowed("The operator takes part in no conference.", "operator_takes_no_part")


def _talk(command: Talk, by: Participant | None, state: State) -> None:
    participants(command, by, state)
    if by is not None and not by.moderates:
        elsewhere = by.private or by.side_room is not None
        if state.settings.mode is not Mode.OPEN and by.id not in state.floor and not elsewhere:
            raise NotAllowed(
                "You do not hold the floor. Raise your hand to ask for the word.", "floor_not_yours"
            )
        _unmute(Unmute(by.id), by, state)


def everybody(_: Command, __: Participant | None, ___: State) -> None:
    """Whoever is here, and the operator."""


def _coach(command: Coach, by: Participant | None, state: State) -> None:
    participants(command, by, state)
    moderators("coach somebody")(command, by, state)


def _move(command: Move, by: Participant | None, state: State) -> None:
    if command.side_room is None:
        himself_or_moderators("bring somebody back from a side room")(command, by, state)
    else:
        moderators("move somebody to a side room")(command, by, state)


def _dial(_: Dial | Redial, by: Participant | None, state: State) -> None:
    if state.settings.dial is Who.NOBODY:
        raise NotAllowed("Nobody can be called from here.", "nobody_called")
    if by is not None and not by.moderates and state.settings.dial is not Who.EVERYONE:
        raise NotAllowed("Only a moderator can call somebody.", "only_moderators")


def _cancel_call(command: CancelCall, by: Participant | None, state: State) -> None:
    call = state.calls.get(command.call)
    if call is not None and by is not None and call.by != by.id:
        moderators("take back what somebody else has dialled")(command, by, state)


def _readmit(command: Readmit, by: Participant | None, state: State) -> None:
    moderators("bring a participant back")(command, by, state)
    if command.participant in state.dismissed and state.settings.dial is Who.NOBODY:
        raise NotAllowed("Nobody can be called from here.", "nobody_called")


RULES: Final[dict[type[Command], Rule]] = {
    Admit: moderators("let somebody in"),
    AdmitAll: moderators("let somebody in"),
    TurnAway: moderators("turn somebody away"),
    SetWaitingRoom: moderators("open or close the waiting room"),
    SetWaitForModerator: moderators("let others wait"),
    SetQuiet: moderators("change the sounds of the room"),
    SetMaxMembers: moderators("change the size of the room"),
    SetPin: moderators("change the PIN"),
    SetPins: moderators("change the PIN"),
    SetModeratorPin: moderators("change the PIN"),
    Record: moderators("record the conference"),
    PauseRecording: moderators("pause the recording"),
    StopRecording: moderators("stop the recording"),
    Mute: himself_or_moderators("mute somebody else"),
    Unmute: _unmute,
    RaiseHand: _raise_hand,
    LowerHand: himself_or_moderators("lower the hand of somebody else"),
    GiveFloor: moderators("give the floor"),
    TakeFloor: himself_or_moderators("take the floor from somebody else"),
    Talk: _talk,
    AskToTalk: participants,
    AcceptTalk: participants,
    DeclineTalk: participants,
    LeaveTalk: participants,
    SetBackground: participants,
    Coach: _coach,
    Move: _move,
    Gather: moderators("bring everybody back from the side rooms"),
    Dial: _dial,
    Redial: _dial,
    CancelCall: _cancel_call,
    Remove: moderators("remove a participant"),
    Readmit: _readmit,
    Lock: moderators("lock the room"),
    Unlock: moderators("unlock the room"),
    SetMode: moderators("change the mode of the room"),
    SetRole: moderators("change the role of a participant"),
    SetGain: moderators("make somebody louder for all"),
    SetVolume: participants,
    SetTalkTime: moderators("limit how long others talk"),
    Say: everybody,
}
"""What holds for each command."""


def permit_to_hear(by: Participant) -> None:
    """Returns if he may hear, and delete, what was recorded. Raises :class:`NotAllowed`."""
    if not by.moderates:
        raise NotAllowed("Only a moderator can hear the recordings.", "only_moderators")
