"""What can go wrong, by name. Every exception of SEMS is a :class:`SemsError`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .call import Call
    from .events import EndReason


class SemsError(Exception):
    """The root of all errors of SEMS. Its text is one sentence for people."""


def is_failure(error: BaseException) -> bool:
    """Whether what an app, a plug-in or a component has raised is a failure of its own, with which all others
    go on: also SystemExit, for a service is not to end a server, and what native code raises when it panics.

    Not so Ctrl-C, and a cancellation that somebody has asked for: these are passed on.
    """
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return False
    if isinstance(error, asyncio.CancelledError):
        try:
            task = asyncio.current_task()
        except RuntimeError:
            return True
        # It waited for something that somebody else has cancelled.
        return task is None or task.cancelling() == 0
    return True


def in_one_line(error: BaseException) -> str:
    """What has failed, for a line of a log or a list. An error of SEMS is a sentence already."""
    try:
        text = str(error)
    except Exception:
        text = "it can't even say why"
    if isinstance(error, SemsError):
        return text.partition("\n")[0]
    return f"{type(error).__name__}: {text}".rstrip(": ").partition("\n")[0]


class ConfigError(SemsError):
    """A wrong key or value in the file, the environment or on the command line, with its place."""


class StartError(SemsError):
    """The server can't start: a port in use, a folder that can't be written."""


class PluginError(SemsError):
    """An app or a component can't be loaded."""


class EngineError(SemsError):
    """The core could not do what it was asked to."""


class WrongState(SemsError):
    """The call is not in a state in which this can be done, such as ``ring()`` after the answer."""


class SoundNotFound(SemsError):
    """No folder of sounds has a file of that name, or the file is no readable WAV."""


class NoVoice(SoundNotFound):
    """A text can't be spoken: there is no component that does it, or it has failed."""


class TraceError(SemsError):
    """There is no trace of that name, or a file is none."""


class StorageError(SemsError):
    """Messages, greetings and the like can't be read or written: the disk is full, the database is gone."""


class BoxFull(StorageError):
    """A box has as many messages as it holds."""


class BoxLocked(StorageError):
    """Too many wrong PINs were tried for a box."""


class MailFailed(SemsError):
    """A mail was not sent. ``permanent``: it is of no use to try it again."""

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class HungUp(SemsError):
    """The call has ended. Raised in whatever waits on it.

    A handler need not catch it: a handler that ends with it has ended well.
    """

    def __init__(self, call: Call, end: EndReason) -> None:
        super().__init__(f"call {call.id} has ended: {end}")
        self.call = call
        self.end = end


class CallFailed(SemsError):
    """A call that was placed did not come about.

    ``code`` is the final SIP response (300–699), 408 when nobody answered in time, 503 when it could
    not be sent. ``targets``: the URIs that a redirect (300–399) names instead, the preferred first.
    """

    def __init__(self, code: int, reason: str, targets: Iterable[str] = ()) -> None:
        super().__init__(f"{code} {reason}")
        self.code = code
        self.reason = reason
        self.targets = tuple(targets)

    @property
    def is_refusal(self) -> bool:
        """The code can be told to a caller: it is final (RFC 3261 §7.2), and no success."""
        return isinstance(self.code, int) and 300 <= self.code <= 699
