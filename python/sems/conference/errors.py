"""Why a command is not carried out, in sentences that can be shown to whoever gave it."""

from __future__ import annotations

from ..errors import SemsError


class Refused(SemsError):
    """A command was refused; the text is a sentence for the one who gave it."""

    code: str = "refused"
    """The reason as a name that stays the same whatever words the sentence has: by it the sentence can be
    said in another language."""

    def __init__(self, sentence: str, code: str | None = None, **values: str | int) -> None:
        """``values``: what varies in the sentence."""
        super().__init__(sentence)
        if code is not None:
            self.code = code
        self.values = values


class NotAllowed(Refused):
    """The one who asks may not do that."""

    code = "not_allowed"

    def __init__(self, why: str, code: str | None = None) -> None:
        super().__init__(f"That is not allowed. {why}", code)


class RoomLocked(Refused):
    """Nobody can join."""

    code = "room_locked"

    def __init__(self) -> None:
        super().__init__("The room is locked.")


class RoomFull(Refused):
    """As many are in the room as may be."""

    code = "room_full"

    def __init__(self) -> None:
        super().__init__("The room is full, so it is busy for anybody else.")


class NotHere(Refused):
    """The one whom it is about is not in the room."""

    code = "not_here"

    def __init__(self) -> None:
        super().__init__("This participant is not in the room any more.")


class MainRoom(Refused):
    """What is the name of the main room can not be that of a side room."""

    code = "main_room"

    def __init__(self) -> None:
        super().__init__("That is the main room. A side room needs a name of its own.")


class NobodySteers(Refused):
    """The last moderator can not cease to be one."""

    code = "nobody_steers"

    def __init__(self) -> None:
        super().__init__("That is not allowed. Somebody must be the moderator; name another one before.")


class Elsewhere(Refused):
    """The one whom it is about is in another room of the conference."""

    code = "elsewhere"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is in another room.", name=name)


class Busy(Refused):
    """The one whom it is about talks with somebody else."""

    code = "busy"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is busy: in a private talk, or asked to one.", name=name)


class TalkFull(Refused):
    """As many are in a private talk as can be."""

    code = "talk_full"

    def __init__(self, most: int) -> None:
        super().__init__(f"A private talk is full with {most} people.", most=most)


class NoSuchTalk(NotHere):
    """The talk is over, or was never one of his."""

    code = "talk_over"

    def __init__(self) -> None:
        Refused.__init__(self, "This talk is over.")


class NoFloor(Refused):
    """There is no floor to give."""

    code = "no_floor"

    def __init__(self) -> None:
        super().__init__("Everybody may talk here, so there is no floor to give.")


class StillWaiting(NotAllowed):
    """Who waits to be let in can't do anything yet."""

    code = "still_waiting"

    def __init__(self) -> None:
        super().__init__("You are waiting to be let in.")


class WrongPin(Refused):
    """The PIN was wrong, three times."""

    code = "wrong_pin"

    def __init__(self) -> None:
        super().__init__("That is not allowed without the PIN of the conference.")


class NotRecording(Refused):
    """There is no recording."""

    code = "not_recording"

    def __init__(self) -> None:
        super().__init__("Nothing is being recorded.")


class StillRecording(Refused):
    """What is being made can't be deleted."""

    code = "still_recording"

    def __init__(self) -> None:
        super().__init__("It is being recorded still; stop that before.")


class BadTarget(Refused):
    """What was dialled is nothing that can be called. The text says what is."""

    code = "bad_target"


class LinesBusy(Refused):
    """As many calls are made as may be."""

    code = "lines_busy"

    def __init__(self, why: str) -> None:
        super().__init__(f"All lines are busy: {why}.", why=why)


class NoSuchCall(NotHere):
    """The call that it is about is over, or nobody knows of it any more."""

    code = "call_over"

    def __init__(self) -> None:
        Refused.__init__(self, "This call is over.")
