"""Logging: for people on a console, or one JSON object a line. No line ever shows the link of a page."""

from __future__ import annotations

import logging
import re
import sys
from typing import Any

import structlog
from structlog.stdlib import BoundLogger, ExtraAdder, ProcessorFormatter, filter_by_level
from structlog.typing import Processor, WrappedLogger

from .config import LogSettings

# Ends in plain log records, so that an embedding program and its tests see them as any other's.
logger: BoundLogger = structlog.wrap_logger(
    logging.getLogger("sems"),
    processors=[filter_by_level, structlog.stdlib.render_to_log_kwargs],
    wrapper_class=BoundLogger,
)

# A link is a capability: whoever reads it can act as the caller.
_SECRET = re.compile(r"(/c/|\btoken=)[^&/?#\s\"'<>;,)\\]+")


def conceal(text: str) -> str:
    """The text with the secret part of every link taken out."""
    return _SECRET.sub(r"\1…", text)


def configure(settings: LogSettings) -> None:
    """Sets up the logging of this process, ours and that of the libraries."""
    stamp: Processor
    render: list[Processor]
    if settings.format == "json":
        stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)
        render = [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        stamp = structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)
        render = [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[stamp, structlog.stdlib.add_log_level, ExtraAdder()],
            processors=[
                ProcessorFormatter.remove_processors_meta,
                *render,
                _conceal_line,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sems").setLevel(settings.level.upper())


def _conceal_line(_logger: WrappedLogger, _method: str, line: Any) -> str:
    return conceal(line)
