"""Logging: for people on a console, or one JSON object a line. No line ever shows the link of a page.

A busy server writes two lines a call, so a line is made by plain string work here, and what all lines of a
call have in common only once. Where nobody but us listens, it does not even become a
:class:`logging.LogRecord`; else it is a record as any other's, so that an embedding program and its tests
see it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TextIO

if TYPE_CHECKING:
    from .config import LogSettings

# A link is a capability: whoever reads it can act as the caller.
_SECRET = re.compile(r"(/c/|/pairings/|\btoken=)[^&/?#\s\"'<>;,)\\]+")
#: What every record has; the rest are the fields of the line.
_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_BARE = re.compile(r"[^\s\"'=\\]+")
_COLORS: Final = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"
_NAMES: Final = {
    level: logging.getLevelName(level).lower()
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)
}


class Log:
    """Writes lines with fields: ``log.info("call ended", why="remote")``."""

    __slots__ = ("_fields", "_words")

    def __init__(self, fields: Mapping[str, object]) -> None:
        self._fields = fields
        self._words: tuple[_Line, str] | None = None

    def words(self, line: _Line, more: Mapping[str, object]) -> str:
        """The fields of all lines and those of this one, as they stand in such a line."""
        if self._words is None or self._words[0] is not line:
            self._words = (line, line.words(self._fields))
        if not more:
            return self._words[1]
        if not self._fields:
            return line.words(more)
        if self._fields.keys().isdisjoint(more):
            return line.between.join((self._words[1], line.words(more)))
        return line.words({**self._fields, **more})

    def bind(self, **fields: object) -> Log:
        """One whose lines have these fields as well."""
        return Log({**self._fields, **fields})

    def debug(self, event: str, /, **fields: object) -> None:
        """For who looks for a fault."""
        self._write(logging.DEBUG, event, fields)

    def info(self, event: str, /, **fields: object) -> None:
        """What happens."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, /, **fields: object) -> None:
        """What the operator should look at some time."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, /, **fields: object) -> None:
        """What went wrong."""
        self._write(logging.ERROR, event, fields)

    def critical(self, event: str, /, **fields: object) -> None:
        """What nothing can go on with."""
        self._write(logging.CRITICAL, event, fields)

    def exception(self, event: str, /, **fields: object) -> None:
        """What went wrong, with the exception that is being handled."""
        self._write(logging.ERROR, event, fields, failed=True)

    def _write(self, level: int, event: str, fields: dict[str, object], *, failed: bool = False) -> None:
        if not _OURS.isEnabledFor(level):
            return
        if not failed and _writer is not None and _writer.say(level, event, self, fields):
            return
        told = {**self._fields, **fields}
        exc_info = sys.exc_info() if failed else None
        record = _OURS.makeRecord(_OURS.name, level, "", 0, event, (), exc_info)
        # No line is worth a failure: what has the name of something that every record has gets another.
        vars(record).update({f"{key}_" if key in _OF_EVERY_RECORD else key: told[key] for key in told})
        _OURS.handle(record)


_OURS: Final = logging.getLogger("sems")
_ROOT: Final = logging.getLogger()
_writer: _Writer | None = None

logger: Final = Log({})


def conceal(text: str) -> str:
    """The text with the secret part of every link taken out."""
    if "/c/" not in text and "/pairings/" not in text and "token=" not in text:
        return text
    return _SECRET.sub(r"\1…", text)


def configure(settings: LogSettings) -> None:
    """Sets up the logging of this process, ours and that of the libraries."""
    global _writer
    line = _JsonLine() if settings.format == "json" else _ConsoleLine(colors=sys.stderr.isatty())
    _writer = _Writer(sys.stderr, line)
    _ROOT.handlers[:] = [_writer]
    _ROOT.setLevel(logging.WARNING)
    _OURS.setLevel(settings.level.upper())


def gather() -> None:
    """Has our lines wait for :func:`write_out`, which the same turn of the loop calls: to write costs more
    than to make a line."""
    if _writer is not None:
        _writer.gather()


def write_out() -> None:
    """Writes what was gathered, in one piece."""
    if _writer is not None:
        _writer.write_out()


class _Writer(logging.StreamHandler[TextIO]):
    """Writes the records of all, and our own lines without making records of them first."""

    def __init__(self, stream: TextIO, line: _Line) -> None:
        super().__init__(stream)
        self.setFormatter(_Formatter(line))
        self._line = line
        self._alone = [self]
        self._gathered: list[str] | None = None

    def gather(self) -> None:
        """Lines wait from now on."""
        with self.lock or contextlib.nullcontext():
            if self._gathered is None:
                self._gathered = []

    def write_out(self) -> None:
        """Writes those that wait; lines wait no more."""
        with self.lock or contextlib.nullcontext():
            lines, self._gathered = self._gathered, None
            if lines:
                # As with any line: where nobody can be told, nobody is.
                with contextlib.suppress(Exception):
                    self.stream.write("".join(lines))
                    self.stream.flush()

    def emit(self, record: logging.LogRecord) -> None:
        """Writes a record, behind the lines that came before it."""
        if self._gathered:
            self.write_out()
            self.gather()
        super().emit(record)

    def say(self, level: int, event: str, log: Log, fields: Mapping[str, object]) -> bool:
        """Writes the line. False, and nothing is written: others want to see a record of it, or it went
        wrong, which is for a record to tell."""
        if _ROOT.handlers != self._alone or _OURS.handlers or _OURS.filters or self.filters:
            return False
        try:
            text = conceal(self._line.line(time.time(), _NAMES[level], event, log.words(self._line, fields)))
            with self.lock or contextlib.nullcontext():
                if self._gathered is not None:
                    self._gathered.append(text + self.terminator)
                else:
                    self.stream.write(text + self.terminator)
                    self.stream.flush()
        except Exception:
            return False
        return True


class _Formatter(logging.Formatter):
    """Hands the fields of a record to who makes the line, and conceals what it must not show."""

    def __init__(self, line: _Line) -> None:
        super().__init__()
        self._line = line

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _OF_EVERY_RECORD}
        failure = self.formatException(record.exc_info) if record.exc_info else None
        words = self._line.words(fields)
        level = record.levelname.lower()
        return conceal(self._line.line(record.created, level, record.getMessage(), words, failure))


class _Line(ABC):
    """How lines look."""

    between: str
    """What is between two fields."""

    @abstractmethod
    def words(self, fields: Mapping[str, Any]) -> str:
        """Fields as they stand in a line."""

    @abstractmethod
    def line(self, when: float, level: str, event: str, words: str, failure: str | None = None) -> str:
        """A line of when, how grave, what, its fields in words, and the exception that was handled."""


class _JsonLine(_Line):
    """One object a line; the time is in UTC by ISO 8601."""

    between = ", "

    def words(self, fields: Mapping[str, Any]) -> str:
        return json.dumps(fields, ensure_ascii=False, default=str)[1:-1]

    def line(self, when: float, level: str, event: str, words: str, failure: str | None = None) -> str:
        told = {
            "timestamp": datetime.fromtimestamp(when, UTC).isoformat().replace("+00:00", "Z"),
            "level": level,
            "event": event,
        }
        last = "" if failure is None else self.words({"exception": failure})
        return "{" + self.between.join(part for part in (self.words(told), words, last) if part) + "}"


class _ConsoleLine(_Line):
    """``12:34:56 info     what happened key=value …`` in local time."""

    between = " "

    def __init__(self, *, colors: bool) -> None:
        self._colors = _COLORS if colors else {}
        self._second = -1
        self._clock = ""

    def words(self, fields: Mapping[str, Any]) -> str:
        return " ".join([f"{key}={_value(value)}" for key, value in fields.items()])

    def line(self, when: float, level: str, event: str, words: str, failure: str | None = None) -> str:
        second = int(when)
        if second != self._second:
            self._second = second
            self._clock = time.strftime("%H:%M:%S", time.localtime(second))
        color = self._colors.get(level, "")
        line = f"{self._clock} {color}{level:<8}{_PLAIN if color else ''} {event}"
        if words:
            line = f"{line} {words}"
        return line if failure is None else f"{line}\n{failure}"


def _value(value: object) -> str:
    """A value that can be told from its neighbours: with quotes if it has to be."""
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    return repr(value)
