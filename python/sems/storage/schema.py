"""The tables, and how a database of an older version becomes one of this.

The steps are what they were when they were written: a database may be of any version. The tables below them
are what all steps together make, for queries.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Connection, Float, Integer, MetaData, Table, Text, text

from ..errors import StorageError

STEPS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """CREATE TABLE sems_messages (
            id TEXT NOT NULL PRIMARY KEY,
            box TEXT NOT NULL,
            state TEXT NOT NULL,
            caller_name TEXT NOT NULL,
            caller_uri TEXT NOT NULL,
            left_at DOUBLE PRECISION NOT NULL,
            seconds DOUBLE PRECISION NOT NULL,
            file TEXT NOT NULL)""",
        "CREATE INDEX sems_messages_of_box ON sems_messages (box, state)",
        """CREATE TABLE sems_greetings (
            box TEXT NOT NULL PRIMARY KEY,
            file TEXT NOT NULL)""",
        """CREATE TABLE sems_pins (
            box TEXT NOT NULL PRIMARY KEY,
            hash TEXT NOT NULL)""",
    ),
    (
        """CREATE TABLE sems_mails (
            message TEXT NOT NULL PRIMARY KEY REFERENCES sems_messages (id),
            recipient TEXT NOT NULL,
            queued_at DOUBLE PRECISION NOT NULL,
            tries INTEGER NOT NULL,
            next_try DOUBLE PRECISION NOT NULL,
            error TEXT NOT NULL)""",
        "CREATE INDEX sems_mails_due ON sems_mails (next_try)",
    ),
)
"""What makes each version from the one before it."""

VERSION: Final = len(STEPS)

TABLES = MetaData()

messages = Table(
    "sems_messages",
    TABLES,
    Column("id", Text, primary_key=True),
    Column("box", Text, nullable=False),
    # "new", "saved"; unseen: "mailed", which is for its mail alone, and "deleted", whose mail is still to go.
    Column("state", Text, nullable=False),
    Column("caller_name", Text, nullable=False),
    Column("caller_uri", Text, nullable=False),
    Column("left_at", Float(53), nullable=False),
    Column("seconds", Float(53), nullable=False),
    Column("file", Text, nullable=False),
)
greetings = Table(
    "sems_greetings",
    TABLES,
    Column("box", Text, primary_key=True),
    Column("file", Text, nullable=False),
)
pins = Table("sems_pins", TABLES, Column("box", Text, primary_key=True), Column("hash", Text, nullable=False))
mails = Table(
    "sems_mails",
    TABLES,
    Column("message", Text, primary_key=True),
    Column("recipient", Text, nullable=False),
    Column("queued_at", Float(53), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try", Float(53), nullable=False),
    Column("error", Text, nullable=False),
)

# Two servers that start at once would both make the tables.
_LOCK = 0x53454D53


def migrate(connection: Connection, version: int = VERSION) -> None:
    """Brings the database up to the version, in one transaction. Raises StorageError for one that a newer
    SEMS has written."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
    connection.execute(text("CREATE TABLE IF NOT EXISTS sems_schema (version INTEGER NOT NULL)"))
    found = connection.execute(text("SELECT version FROM sems_schema")).scalar_one_or_none()
    if found is None:
        connection.execute(text("INSERT INTO sems_schema (version) VALUES (0)"))
    before = found or 0
    if before > VERSION:
        raise StorageError(
            f"the tables of the database are of version {before} and this SEMS knows {VERSION}: a newer one"
            " has been at work there"
        )
    for step in STEPS[before:version]:
        for statement in step:
            connection.execute(text(statement))
    if version > before:
        connection.execute(text("UPDATE sems_schema SET version = :version"), {"version": version})
