"""What lasts: messages, greetings and mail to be sent; rows in a database, sound in files."""

from .clock import Clock
from .database import Database
from .draft import Draft
from .files import mend
from .mail import Mail, compose
from .mailboxes import Mailboxes
from .messages import Counts, State, StoredMessage
from .outbox import Outbox

__all__ = [
    "Clock",
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
