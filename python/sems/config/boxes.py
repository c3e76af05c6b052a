"""``[boxes]``, ``[storage]`` and ``[mail]``: voice mail, where it is kept, and how it is sent on."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator

from .section import Section


def _database(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("sqlite", "postgresql"):
        raise ValueError(
            "a database is wanted, such as sqlite:////var/lib/sems/sems.db or postgresql://sems@host/sems"
        )
    if parts.scheme == "sqlite" and (parts.netloc or len(parts.path) < 2):
        raise ValueError("the path of a file is wanted after sqlite:///")
    if parts.scheme == "postgresql" and len(parts.path) < 2:
        raise ValueError("the name of a database is wanted, as in postgresql://sems@host/NAME")
    if parts.password is not None:
        # An address is shown and logged.
        raise ValueError("the password belongs into storage.password")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^\s@<>,;\"]+@[^\s@<>,;\"]+", value):
        raise ValueError("an e-mail address is wanted, such as anna@example.com")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, OSError, ValueError):
        # Which of them tells the version of Python, of a folder of zones for example.
        raise ValueError(
            "this machine knows no such time zone; Europe/Berlin is one, and pip install tzdata brings them "
            "where the system has none"
        ) from None
    return value


EmailAddress = Annotated[str, AfterValidator(_address)]
BoxPin = Annotated[str, Field(pattern=r"^[0-9]{4,16}$")]


class BoxSettings(Section):
    """``[boxes."NAME"]``: somebody's voice mail; ``[boxes.default]``: what holds for all boxes."""

    name: str | None = None
    """Whose box it is, in words for e-mails and the page; unset: the name of the box."""
    users: tuple[str, ...] = ()
    """Whose telephones it belongs to, as they are registered or named in ``[[auth.users]]``; empty: the
    user of the same name."""
    pin: BoxPin | None = Field(default=None, repr=False)
    """What opens it by keys and in the browser, four to sixteen digits, until its owner keys in another.
    Unset: only its owner's own telephone opens it, where he can set one."""
    delivery: Literal["mailbox", "email", "both"] = "mailbox"
    """Where messages go: into the box, out as e-mail with the sound attached, or both. What can't be sent is
    kept and tried again, and lies in the box when that is given up."""
    email: EmailAddress | None = None
    """Where e-mails go."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Z]{2})?$")] = "en"
    """What the box speaks: ``en``, ``de``, or what you have made prompts for."""
    introduce: bool = True
    """Whether ``voicebox`` says before each message from whom it is and when it was left."""
    timezone: Annotated[str, AfterValidator(_zone)] | None = None
    """Where the clock of its owner is (``Europe/Berlin``), by which it is said and written when a message was
    left; unset: that of the server."""
    greeting: Path | None = None
    """A file that greets callers where the owner has spoken nothing; unset: that which comes with SEMS."""
    min_seconds: Annotated[float, Field(ge=0, le=60)] = 1.0
    """A message that is shorter is none: the caller has only hung up. What a full disk has cut is kept."""
    max_seconds: Annotated[float, Field(ge=1, le=3600)] = 180.0
    """How long a message can be."""
    silence: Annotated[float, Field(ge=1, le=60)] = 5.0
    """After so many seconds in which nobody speaks a message is over."""
    unsolicited: bool = False
    """Whether telephones that are registered here (``[registrar]``) are told how many messages wait, when
    they register and whenever that changes, also if they have not subscribed to it (RFC 3842)."""
    max_messages: Annotated[int, Field(ge=1, le=100_000)] = 100
    """How many messages the box holds; callers are told that it is full."""

    def local(self, seconds: float) -> datetime:
        """A moment, in seconds since 1970, by the clock of the owner."""
        if self.timezone is None:
            return datetime.fromtimestamp(seconds).astimezone()
        return datetime.fromtimestamp(seconds, ZoneInfo(self.timezone))

    @model_validator(mode="after")
    def _mail_has_an_address(self) -> Self:
        if "delivery" in self.model_fields_set and self.delivery != "mailbox" and self.email is None:
            raise ValueError(f'delivery = "{self.delivery}" needs an email address')
        return self


class StorageSettings(Section):
    """``[storage]``: where messages, greetings and mail to be sent are kept."""

    database: Annotated[str, AfterValidator(_database)] | None = None
    """``sqlite:///PATH`` or ``postgresql://USER@HOST/NAME`` (needs ``pip install sems[postgresql]``); unset:
    ``DATA/sems.db``. Its tables are made, and brought up to date, at the start."""
    password: str | None = Field(default=None, repr=False)
    """The password for it; unset: as PostgreSQL's own tools find it."""
    folder: Path | None = None
    """The folder for the sound of messages and greetings, which several servers of one database share;
    unset: ``DATA/mailboxes``. A relative one is taken from the folder of the configuration file."""


class MailSettings(Section):
    """``[mail]``: the server that takes e-mails of ours."""

    server: str | None = None
    """Its name or address; unset: no mail is sent, and what should be lies in the box."""
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """Its port; unset: 465 with ``security = "tls"``, else 587 with a username and 25 without."""
    security: Literal["starttls", "tls", "none"] | None = None
    """How the connection is secured; unset: by STARTTLS where the server offers it, which is a must with
    a username."""
    verify: bool = True
    """Whether the server must show a certificate that is valid for its name."""
    ca: Path | None = None
    """Roots, PEM, from which that certificate may come, beside those of the system. A relative path is taken
    from the folder of the configuration file."""
    username: Annotated[str, Field(min_length=1)] | None = None
    """Who we are there; unset: nobody."""
    password: str | None = Field(default=None, repr=False)
    """What goes with it."""
    sender: EmailAddress = "voicemail@localhost"
    """Who the mails are from."""
    timeout: Annotated[float, Field(ge=1, le=600)] = 60.0
    """What sending one may take, in seconds."""
    retry: Annotated[float, Field(ge=1, le=86_400)] = 60.0
    """After so many seconds a mail that could not be sent is tried again, then after twice as many, and so
    on up to an hour; also after a restart."""
    give_up: Annotated[float, Field(ge=0, le=2_592_000)] = 432_000.0
    """After so many seconds no more: five days, if unset. The message lies in the box then."""

    @model_validator(mode="after")
    def _whole_credential(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self
