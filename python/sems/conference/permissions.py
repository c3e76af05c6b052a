"""Who may do what: the one place that decides it."""

from typing import Final

from .commands import (
    Command,
    Lock,
    LowerHand,
    Mute,
    RaiseHand,
    Readmit,
    Remove,
    Unlock,
    Unmute,
)
from .errors import NotAllowed
from .participant import Participant, Role

_ONLY_A_MODERATOR_CAN: Final[dict[type, str]] = {
    Mute: "mute somebody else",
    Unmute: "let somebody else be heard",
    LowerHand: "lower the hand of somebody else",
    Remove: "remove a participant",
    Readmit: "bring a participant back",
    Lock: "lock the room",
    Unlock: "unlock the room",
}


def permit(command: Command, by: Participant | None) -> None:
    """Returns if ``by`` (``None``: the operator, who may do everything that makes sense) may do it.

    Raises :class:`NotAllowed`.
    """
    match command:
        case RaiseHand():
            if by is None or command.participant != by.id:
                raise NotAllowed("Everybody raises his own hand.")
        case Mute() | LowerHand() if by is not None and command.participant == by.id:
            return
        case Unmute() if by is not None and command.participant == by.id:
            _permit_to_be_heard(by)
        case _:
            if by is not None and not by.moderates:
                raise NotAllowed(f"Only a moderator can {_ONLY_A_MODERATOR_CAN[type(command)]}.")


def _permit_to_be_heard(by: Participant) -> None:
    if by.muted_by_moderator and not by.moderates:
        if by.role is Role.LISTENER:
            raise NotAllowed("You are here to listen. Raise your hand to ask for the word.")
        raise NotAllowed("A moderator has muted you. Raise your hand to ask for the word.")
