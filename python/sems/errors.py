"""What can go wrong, by name. Every exception of SEMS is a :class:`SemsError`."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .call import Call
    from .events import EndReason


class SemsError(Exception):
    """The root of all errors of SEMS. Its text is one sentence for people.

    >>> try:
    ...     await call.play("no-such-sound")
    ... except SemsError as error:
    ...     call.log.warning("it can't be played", why=str(error))
    """


def is_failure(error: BaseException) -> bool:
    """Whether what an app, a plug-in or a component has raised is a failure of its own, with which all others
    go on: also SystemExit, for a service is not to end a server, and what native code raises when it panics.

    Not so Ctrl-C, and a cancellation that somebody has asked for: these are passed on.

    >>> is_failure(SystemExit()), is_failure(KeyboardInterrupt())
    (True, False)
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
    """What has failed, for a line of a log or a list. An error of SEMS is a sentence already.

    >>> in_one_line(ValueError("seven"))
    'ValueError: seven'
    """
    try:
        text = str(error)
    except Exception:
        text = "it can't even say why"
    if isinstance(error, SemsError):
        return text.partition("\n")[0]
    return f"{type(error).__name__}: {text}".rstrip(": ").partition("\n")[0]


class ConfigError(SemsError):
    """A wrong key or value in the file, the environment or on the command line, with its place.

    >>> from sems.config import load_config
    >>> try:
    ...     load_config({"sip_port": "many"}, environ={})
    ... except ConfigError as error:
    ...     print(error)
    """


class StartError(SemsError):
    """The server can't start: a port in use, a folder that can't be written.

    >>> config = Config(boxes={"anna": {}}, storage={"database": "sqlite:////dev/null/sems.db"})
    >>> try:
    ...     await Server(config).start()
    ... except StartError as error:
    ...     print(error)
    """


class PluginError(SemsError):
    """An app or a component can't be loaded.

    >>> from sems.plugins import Apps
    >>> try:
    ...     Apps.find([Path("no-such-app.py")])
    ... except PluginError as error:
    ...     print(error)
    """


class EngineError(SemsError):
    """The core could not do what it was asked to.

    >>> try:
    ...     await call.record("/dev/null/a.wav")
    ... except EngineError as error:
    ...     call.log.error("it is not recorded", why=str(error))
    """


class WrongState(SemsError):
    """The call is not in a state in which this can be done, such as ``ring()`` after the answer.

    >>> try:
    ...     await call.ring()
    ... except WrongState as error:
    ...     print(error)
    """


class SoundNotFound(SemsError):
    """No folder of sounds has a file of that name, or the file is no readable WAV.

    >>> try:
    ...     server.sounds.find("no-such-sound")
    ... except SoundNotFound as error:
    ...     print(error)
    """


class NoVoice(SoundNotFound):
    """A text can't be spoken: there is no component that does it, or it has failed.

    >>> try:
    ...     await EspeakNg(program="no-such-program").speak("Hello", "en")
    ... except NoVoice as error:
    ...     print(error)
    """


class TraceError(SemsError):
    """There is no trace of that name, or a file is none.

    >>> try:
    ...     server.trace("no-such-call")
    ... except TraceError as error:
    ...     print(error)
    """


class StorageError(SemsError):
    """Messages, greetings and the like can't be read or written: the disk is full, the database is gone.

    >>> try:
    ...     await server.mailboxes.begin("no-such-box")
    ... except StorageError as error:
    ...     print(error)
    """


class BoxFull(StorageError):
    """A box has as many messages as it holds.

    >>> try:
    ...     draft = await server.mailboxes.begin("anna")
    ... except BoxFull:
    ...     await call.play("box-full")
    """


class BoxLocked(StorageError):
    """Too many wrong PINs were tried for a box.

    >>> try:
    ...     right = await server.mailboxes.check_pin("anna", "0000")
    ... except BoxLocked:
    ...     await call.play("box-locked")
    """


class MailFailed(SemsError):
    """A mail was not sent. ``permanent``: it is of no use to try it again.

    >>> failed = MailFailed("550 no such user", permanent=True)
    >>> failed.permanent, str(failed)
    (True, '550 no such user')
    """

    def __init__(self, reason: str, *, permanent: bool = False) -> None:
        super().__init__(reason)
        self.permanent = permanent


class HungUp(SemsError):
    """The call has ended. Raised in whatever waits on it.

    A handler need not catch it: a handler that ends with it has ended well.

    >>> try:
    ...     await call.play("welcome")
    ... except HungUp as hung_up:
    ...     call.log.info("gone before the end", cause=hung_up.end.cause)
    ...     raise
    """

    def __init__(self, call: Call, end: EndReason) -> None:
        super().__init__(f"call {call.id} has ended: {end}")
        self.call = call
        self.end = end


class CallFailed(SemsError):
    """A call that was placed did not come about.

    ``code`` is the final SIP response (300–699), 408 when nobody answered in time, 503 when it could
    not be sent. ``targets``: the URIs that a redirect (300–399) names instead, the preferred first.

    >>> try:
    ...     colleague = await server.dial("sip:colleague@192.0.2.7", timeout=20)
    ... except CallFailed as failed:
    ...     print(failed.code, failed.reason)
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
