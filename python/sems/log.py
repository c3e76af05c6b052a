"""Logging: for people on a console, or one JSON object a line. No line ever shows the link of a page.

A busy server writes two lines a call, so a line is made by plain string work here; structlog's own
renderers take five times as long.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from structlog.stdlib import BoundLogger, filter_by_level
from structlog.typing import EventDict, WrappedLogger

from .config import LogSettings

# A link is a capability: whoever reads it can act as the caller.
_SECRET = re.compile(r"(/c/|\btoken=)[^&/?#\s\"'<>;,)\\]+")
#: What every record has; the rest are the fields of the line.
_OF_EVERY_RECORD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_BARE = re.compile(r"[^\s\"'=\\]+")
_COLORS: Final = {"debug": "\x1b[2m", "info": "\x1b[32m", "warning": "\x1b[33m", "error": "\x1b[31m"}
_PLAIN: Final = "\x1b[0m"


def _to_record(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> tuple[tuple[object], dict[str, Any]]:
    """The arguments of a plain logging call."""
    text = event.pop("event", "")
    exc_info = event.pop("exc_info", None)
    return (text,), {"extra": event, "exc_info": exc_info}


# Ends in plain log records, so that an embedding program and its tests see them as any other's.
logger: BoundLogger = structlog.wrap_logger(
    logging.getLogger("sems"),
    processors=[filter_by_level, _to_record],
    wrapper_class=BoundLogger,
)


def conceal(text: str) -> str:
    """The text with the secret part of every link taken out."""
    if "/c/" not in text and "token=" not in text:
        return text
    return _SECRET.sub(r"\1…", text)


def configure(settings: LogSettings) -> None:
    """Sets up the logging of this process, ours and that of the libraries."""
    handler = logging.StreamHandler(sys.stderr)
    line = _json_line if settings.format == "json" else _ConsoleLine(colors=sys.stderr.isatty())
    handler.setFormatter(_Formatter(line))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sems").setLevel(settings.level.upper())


class _Formatter(logging.Formatter):
    """Hands the fields of a record to who makes the line, and conceals what it must not show."""

    def __init__(self, line: Callable[[logging.LogRecord, dict[str, Any]], str]) -> None:
        super().__init__()
        self._line = line

    def format(self, record: logging.LogRecord) -> str:
        fields = {key: value for key, value in vars(record).items() if key not in _OF_EVERY_RECORD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return conceal(self._line(record, fields))


def _json_line(record: logging.LogRecord, fields: dict[str, Any]) -> str:
    """One object a line; the time is in UTC by ISO 8601."""
    told = {
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
        **fields,
    }
    return json.dumps(told, ensure_ascii=False, default=str)


class _ConsoleLine:
    """``12:34:56 info     what happened key=value …`` in local time."""

    def __init__(self, *, colors: bool) -> None:
        self._colors = _COLORS if colors else {}
        self._second = -1
        self._clock = ""

    def __call__(self, record: logging.LogRecord, fields: dict[str, Any]) -> str:
        second = int(record.created)
        if second != self._second:
            self._second = second
            self._clock = time.strftime("%H:%M:%S", time.localtime(second))
        level = record.levelname.lower()
        color = self._colors.get(level, "")
        trace = fields.pop("exception", None)
        parts = [f"{self._clock} {color}{level:<8}{_PLAIN if color else ''} {record.getMessage()}"]
        parts += [f"{key}={_value(value)}" for key, value in fields.items()]
        line = " ".join(parts)
        return line if trace is None else f"{line}\n{trace}"


def _value(value: object) -> str:
    """A value that can be told from its neighbours: with quotes if it has to be."""
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    return repr(value)
