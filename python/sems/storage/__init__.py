"""What lasts: messages, greetings and mail to be sent; rows in a database, sound in files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .messages import Counts, State, StoredMessage

if TYPE_CHECKING:
    from .database import Database
    from .draft import Draft
    from .files import mend
    from .mail import Mail, compose
    from .mailboxes import Mailboxes
    from .outbox import Outbox

__all__ = [
    "Counts",
    "Database",
    "Draft",
    "Mail",
    "Mailboxes",
    "Outbox",
    "State",
    "StoredMessage",
    "compose",
    "mend",
]

# SQLAlchemy takes its time to be read, and a server without boxes needs none of it.
_WHEN_NEEDED = {
    "Database": "database",
    "Draft": "draft",
    "Mail": "mail",
    "Mailboxes": "mailboxes",
    "Outbox": "outbox",
    "compose": "mail",
    "mend": "files",
}


def __getattr__(name: str) -> Any:
    module = _WHEN_NEEDED.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f".{module}", __name__), name)
