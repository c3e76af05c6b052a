"""Why a command is not carried out, in sentences that can be shown to whoever gave it."""

from ..errors import SemsError


class Refused(SemsError):
    """A command was refused; the text is a sentence for the one who gave it."""


class NotAllowed(Refused):
    """The one who asks may not do that."""

    def __init__(self, why: str) -> None:
        super().__init__(f"That is not allowed. {why}")


class RoomLocked(Refused):
    """Nobody can join."""

    def __init__(self) -> None:
        super().__init__("The room is locked.")


class RoomFull(Refused):
    """As many are in the room as may be."""

    def __init__(self) -> None:
        super().__init__("The room is full, so it is busy for anybody else.")


class NotHere(Refused):
    """The one whom it is about is not in the room."""

    def __init__(self) -> None:
        super().__init__("This participant is not in the room any more.")


class NobodySteers(Refused):
    """The last moderator can not cease to be one."""

    def __init__(self) -> None:
        super().__init__("That is not allowed. Somebody must be the moderator; name another one before.")


class Elsewhere(Refused):
    """The one whom it is about is in another room of the conference."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is in another room.")


class Busy(Refused):
    """The one whom it is about talks with somebody else."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is busy: in a private talk, or asked to one.")


class TalkFull(Refused):
    """As many are in a private talk as can be."""

    def __init__(self, most: int) -> None:
        super().__init__(f"A private talk is full with {most} people.")


class NoSuchTalk(NotHere):
    """The talk is over, or was never one of his."""

    def __init__(self) -> None:
        Refused.__init__(self, "This talk is over.")


class NoFloor(Refused):
    """There is no floor to give."""

    def __init__(self) -> None:
        super().__init__("Everybody may talk here, so there is no floor to give.")


class StillWaiting(NotAllowed):
    """Who waits to be let in can't do anything yet."""

    def __init__(self) -> None:
        super().__init__("You are waiting to be let in. The moderator has been told that you are here.")


class WrongPin(Refused):
    """The PIN was wrong, three times."""

    def __init__(self) -> None:
        super().__init__("That is not allowed without the PIN of the conference.")


class NotRecording(Refused):
    """There is no recording."""

    def __init__(self) -> None:
        super().__init__("Nothing is being recorded.")


class BadTarget(Refused):
    """What was dialled is nothing that can be called. The text says what is."""


class LinesBusy(Refused):
    """As many calls are made as may be."""

    def __init__(self, why: str) -> None:
        super().__init__(f"All lines are busy: {why}.")


class NoSuchCall(NotHere):
    """The call that it is about is over, or nobody knows of it any more."""

    def __init__(self) -> None:
        Refused.__init__(self, "This call is over.")
