"""Boxes of messages: what was left, the greetings and the PINs."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote
from weakref import WeakSet

from sqlalchemy import delete, func, insert, select, update

from .. import words
from ..checks import one_line
from ..clock import Clock
from ..config import Config
from ..config.boxes import BoxSettings
from ..errors import BoxFull, BoxLocked, MailFailed, StorageError, in_one_line, is_failure
from ..log import logger
from ..subscribers import Subscribers
from . import files, orphans, pins, schema
from .database import Database, url_of
from .draft import About, Draft
from .mail import Mail, compose
from .messages import Counts, State, StoredMessage
from .outbox import Outbox, Send

_T = TypeVar("_T")
_SHOWN = ("new", "saved")
# Until what could not be delivered is tried again, in seconds.
_AGAIN = 60.0
# Characters of what a caller calls himself.
_LONGEST_NAME = 100
# So many wrong PINs within this time, in seconds, lock a box for as long.
_GUESSES = 10
_GUESSES_WITHIN = 900.0


class Mailboxes:
    """The boxes of ``[boxes]``. Whatever can't be read or written raises StorageError.

    >>> boxes = server.mailboxes
    >>> draft = await boxes.begin("anna", caller_name="Ben", caller_uri="sip:ben@example.org")
    >>> take = await call.record_until(draft.path, limit=60)
    >>> message = await boxes.deliver(draft)            # None: it was too short
    >>> for message in await boxes.messages("anna", "new"):
    ...     await call.play(message.path)
    ...     await boxes.save("anna", message.id)
    """

    def __init__(self, config: Config, send: Send) -> None:
        self._config = config
        self._clock = Clock()
        self._database = Database(url_of(config))
        self._folder = config.storage.folder or config.data / "mailboxes"
        self._drafts = config.data / "drafts"
        self._outbox = Outbox(
            self._database, self._clock, self, send, retry=config.mail.retry, give_up=config.mail.give_up
        )
        self._beginning = asyncio.Lock()
        self._begun: WeakSet[Draft] = WeakSet()
        self._changes: Subscribers[str] = Subscribers()
        self._guesses: dict[str, list[float]] = {}
        self._again: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def busy(self) -> bool:
        """The database is asked: in virtual time no time passes meanwhile."""
        return self._database.busy

    async def start(self) -> None:
        """Delivers what was being recorded when the process ended, and sends what is still to be sent."""
        async with self._database.begin():
            pass
        await self.recover()
        self._outbox.wake()
        self._do(self._sweep())

    async def close(self) -> None:
        """Lets go of everything; nothing is lost by that."""
        if self._again is not None:
            self._again.cancel()
            self._again = None
        # What is being delivered takes no longer than the disk does.
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._outbox.close()
        await self._database.close()

    def settings(self, box: str) -> BoxSettings | None:
        """What is configured for the box; None: there is no such box."""
        return self._config.box(box)

    def box_of(self, user: str | None) -> str | None:
        """The box that belongs to a user's telephone."""
        return None if user is None else self._config.box_of(user)

    def follow(self, callback: Callable[[str], None]) -> Callable[[], None]:
        """Tells ``callback`` the name of each box whose messages have changed; returns what ends that."""
        return self._changes.add(callback)

    # Leaving messages

    async def begin(self, box: str, *, caller_name: str = "", caller_uri: str = "") -> Draft:
        """A message that is to be recorded to the ``path`` of what is returned, and then delivered or
        discarded. If the process is killed before, what was recorded is delivered at the next start. Of the
        name 100 characters are kept, and of both nothing that no database takes, such as U+0000.

        Raises BoxFull, and StorageError also when there is no such box."""
        settings = self.settings(box)
        if settings is None:
            raise StorageError(f"there is no box {box!r}")
        into_box = settings.delivery != "email" or settings.email is None
        # One after the other, so that two who come at once do not both get the last place.
        async with self._beginning:
            if into_box and (await self.counts(box)).all + self._recorded(box) >= settings.max_messages:
                raise BoxFull(f"the box {box!r} is full")
            draft = await self._draft(box, settings, into_box, caller_name, caller_uri)
            self._begun.add(draft)
        return draft

    def _recorded(self, box: str) -> int:
        """How many messages are being recorded for it."""
        return sum(draft.held and draft.about.into_box and draft.about.box == box for draft in self._begun)

    async def _draft(
        self, box: str, settings: BoxSettings, into_box: bool, caller_name: str, caller_uri: str
    ) -> Draft:
        about = About(
            box=box,
            caller_name=one_line(caller_name)[:_LONGEST_NAME],
            caller_uri=one_line(caller_uri),
            left_at=self._clock.now(),
            min_seconds=settings.min_seconds,
            into_box=into_box,
            email=settings.email if settings.delivery != "mailbox" else None,
        )
        return await _in_thread(Draft.make, self._drafts, about)

    async def deliver(self, draft: Draft) -> StoredMessage | None:
        """Delivers what was recorded; None: it is too short to be a message, and is gone. Where ``draft.cut``
        says that it could not be recorded on, only nothing is too short.

        When that fails, what was recorded is kept and delivered as soon as possible, if it is not
        discarded."""
        try:
            return await asyncio.shield(self._do(self._deliver(draft)))
        except Exception:
            draft.release()
            self._try_again()
            raise

    async def discard(self, draft: Draft) -> None:
        """It is no message."""
        await _in_thread(draft.clear)

    async def recover(self) -> int:
        """For the start: delivers what was recorded and not delivered; how many messages that were."""
        delivered = 0
        for draft in await _in_thread(lambda: list(Draft.abandoned(self._drafts))):
            # It ended with its process, or it is long enough: what is too short is gone when it is delivered.
            draft.cut = True
            try:
                message = await self._deliver(draft)
            except BaseException as error:
                draft.release()
                if not is_failure(error):
                    raise
                # What is the matter with one is nothing to the others, and does not hinder the start.
                logger.error(
                    "what was recorded can't be delivered yet", draft=draft.id, why=in_one_line(error)
                )
                self._try_again()
                continue
            if message is not None:
                delivered += 1
                logger.warning("a message was delivered late", box=message.box, message=message.id)
        return delivered

    async def _sweep(self) -> None:
        """Puts aside what sound belongs to nothing any more. It can wait, and so can who calls."""
        try:
            async with self._database.begin() as connection:
                named = set((await connection.execute(select(schema.messages.c.file))).scalars())
                named |= set((await connection.execute(select(schema.greetings.c.file))).scalars())
            await _in_thread(orphans.sweep, self._folder, named)
        except StorageError as error:
            logger.error("it can't be looked for files that belong to no message", why=str(error))

    def _try_again(self) -> None:
        if self._again is None:
            self._again = asyncio.get_running_loop().call_later(_AGAIN, self._recover)

    def _recover(self) -> None:
        self._again = None
        self._do(self.recover())

    def _do(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Begins something that goes on when who waits for it is cancelled."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _deliver(self, draft: Draft) -> StoredMessage | None:
        about = draft.about
        file = f"{_folder(about.box)}/{draft.id}.wav"
        known = select(schema.messages).where(schema.messages.c.id == draft.id)
        async with self._database.begin() as connection:
            noted = (await connection.execute(known)).mappings().one_or_none()
        if noted is not None:
            # It was delivered, and the process ended before that was all.
            await _in_thread(draft.clear)
            return self._message(dict(noted))
        seconds = await _in_thread(_settled, draft, self._folder / file)
        if seconds == 0:
            await _in_thread(_forget, draft, self._folder / file)
            return None
        state = "new" if about.into_box else "mailed"
        row = {
            "id": draft.id,
            "box": about.box,
            "state": state,
            "caller_name": about.caller_name,
            "caller_uri": about.caller_uri,
            "left_at": about.left_at,
            "seconds": seconds,
            "file": file,
        }
        async with self._database.begin() as connection:
            await connection.execute(insert(schema.messages).values(**row))
            if about.email is not None:
                await self._outbox.add(connection, draft.id, about.email)
        await _in_thread(draft.clear)
        if about.email is not None:
            self._outbox.wake()
        if about.into_box:
            self._changes.tell(about.box)
        return self._message(row)

    # Listening to messages

    async def counts(self, box: str) -> Counts:
        """How many messages there are."""
        table = schema.messages
        query = (
            select(table.c.state, func.count())
            .where(table.c.box == box, table.c.state.in_(_SHOWN))
            .group_by(table.c.state)
        )
        async with self._database.begin() as connection:
            found = {row[0]: row[1] for row in await connection.execute(query)}
        return Counts(found.get("new", 0), found.get("saved", 0))

    async def messages(self, box: str, state: State | None = None) -> list[StoredMessage]:
        """The messages, the new before the saved, and of each the oldest first."""
        table = schema.messages
        states = _SHOWN if state is None else (state,)
        query = (
            select(table)
            .where(table.c.box == box, table.c.state.in_(states))
            .order_by(table.c.state, table.c.left_at, table.c.id)
        )
        async with self._database.begin() as connection:
            return [self._message(dict(row)) for row in (await connection.execute(query)).mappings()]

    async def message(self, box: str, id: str) -> StoredMessage | None:
        """One of them."""
        table = schema.messages
        query = select(table).where(table.c.id == one_line(id), table.c.box == box, table.c.state.in_(_SHOWN))
        async with self._database.begin() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        return None if row is None else self._message(dict(row))

    async def save(self, box: str, id: str) -> bool:
        """Keeps a message as listened to. False: there is none of that id."""
        table = schema.messages
        saved = update(table).where(table.c.id == one_line(id), table.c.box == box, table.c.state.in_(_SHOWN))
        async with self._database.begin() as connection:
            done = (await connection.execute(saved.values(state="saved"))).rowcount > 0
        if done:
            self._changes.tell(box)
        return done

    async def delete(self, box: str, id: str) -> bool:
        """Deletes a message with its sound; one whose mail is still to go, once that has gone. False: there
        is none of that id."""
        table = schema.messages
        here = (table.c.id == one_line(id), table.c.box == box, table.c.state.in_(_SHOWN))
        file: str | None = None
        async with self._database.begin() as connection:
            row = (await connection.execute(select(table.c.file).where(*here))).one_or_none()
            if row is None:
                return False
            mail = select(func.count()).select_from(schema.mails).where(schema.mails.c.message == id)
            if (await connection.execute(mail)).scalar_one():
                await connection.execute(update(table).where(*here).values(state="deleted"))
            else:
                await connection.execute(delete(table).where(*here))
                file = row.file
        if file is not None:
            await self._unlink(file)
        self._changes.tell(box)
        return True

    # Greetings and PINs

    async def greeting(self, box: str) -> Path | None:
        """What the owner has spoken, else the file that is configured; None: neither."""
        table = schema.greetings
        async with self._database.begin() as connection:
            query = select(table.c.file).where(table.c.box == box)
            file: str | None = (await connection.execute(query)).scalar_one_or_none()
        if file is not None and await _in_thread((self._folder / file).is_file):
            return self._folder / file
        settings = self.settings(box)
        return settings.greeting if settings is not None else None

    async def set_greeting(self, box: str, recorded: Path | None) -> None:
        """Takes the file as what the owner has spoken; None: nothing any more."""
        table = schema.greetings
        file = None
        if recorded is not None:
            # A name of its own, so that there is never half of it where one is played.
            file = f"{_folder(box)}/greeting-{secrets.token_hex(6)}.wav"
            await _in_thread(files.mend, recorded)
            await _in_thread(files.settle, recorded, self._folder / file)
        async with self._database.begin() as connection:
            query = select(table.c.file).where(table.c.box == box)
            before = (await connection.execute(query)).scalar_one_or_none()
            await connection.execute(delete(table).where(table.c.box == box))
            if file is not None:
                await connection.execute(insert(table).values(box=box, file=file))
        if before is not None:
            await self._unlink(before)

    async def has_pin(self, box: str) -> bool:
        """There is a PIN that opens the box."""
        settings = self.settings(box)
        return settings is not None and (settings.pin is not None or await self._pin(box) is not None)

    async def check_pin(self, box: str, pin: str) -> bool:
        """Whether it opens the box. Raises BoxLocked when too many wrong ones were tried: then none is
        looked at for a quarter of an hour."""
        now = self._clock.now()
        recent = [when for when in self._guesses.get(box, ()) if now - when < _GUESSES_WITHIN]
        if len(recent) >= _GUESSES:
            raise BoxLocked("too many wrong PINs were tried: try again in a quarter of an hour")
        settings = self.settings(box)
        if settings is not None:
            # It counts before it is looked at, so that guesses at once are as many as they are.
            self._guesses[box] = [*recent, now]
        kept = await self._pin(box)
        if kept is not None:
            right = await _in_thread(pins.fits, pin, kept)
        else:
            configured = None if settings is None else settings.pin
            right = configured is not None and secrets.compare_digest(configured.encode(), pin.encode())
        if right:
            self._guesses.pop(box, None)
        return right and settings is not None

    async def set_pin(self, box: str, pin: str) -> None:
        """Another PIN opens the box from now on. Raises ValueError for what is none."""
        if not (pin.isascii() and pin.isdigit() and 4 <= len(pin) <= 16):
            raise ValueError("a PIN has four to sixteen digits")
        kept = await _in_thread(pins.hashed, pin)
        async with self._database.begin() as connection:
            await connection.execute(delete(schema.pins).where(schema.pins.c.box == box))
            await connection.execute(insert(schema.pins).values(box=box, hash=kept))

    async def _pin(self, box: str) -> str | None:
        query = select(schema.pins.c.hash).where(schema.pins.c.box == box)
        async with self._database.begin() as connection:
            return (await connection.execute(query)).scalar_one_or_none()

    # For the outbox

    async def waiting_mails(self) -> int:
        """For the outbox: how many mails are still to be sent."""
        return await self._outbox.waiting()

    async def letter(self, message: str, recipient: str) -> Mail | None:
        """For the outbox: as :class:`~sems.storage.outbox.Letters`."""
        query = select(schema.messages).where(schema.messages.c.id == message)
        async with self._database.begin() as connection:
            row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            return None
        # Where the folder is away for a moment, the mail is not done.
        path = self._folder / row["file"]
        try:
            there = await _in_thread(path.is_file)
        except StorageError as error:
            raise MailFailed(str(error)) from error
        if not there:
            raise MailFailed(f"its sound is not there ({path})")
        box = self.settings(row["box"]) or BoxSettings()
        return compose(
            box,
            self._message(dict(row)),
            words.known(self._config.data).of(box.language),
            sender=self._config.mail.sender,
            recipient=recipient,
            in_box=row["state"] in _SHOWN,
            page=f"{self._config.base_url}/box" if self._config.base_url else None,
        )

    async def mail_done(self, message: str, *, sent: bool) -> None:
        """For the outbox: as :class:`~sems.storage.outbox.Letters`. What was for its mail alone goes into the
        box if that was given up."""
        table = schema.messages
        over = ("mailed", "deleted") if sent else ("deleted",)
        async with self._database.begin() as connection:
            await connection.execute(delete(schema.mails).where(schema.mails.c.message == message))
            row = (await connection.execute(select(table).where(table.c.id == message))).one_or_none()
            if row is not None and row.state in over:
                await connection.execute(delete(table).where(table.c.id == message))
            elif row is not None and row.state == "mailed":
                await connection.execute(update(table).where(table.c.id == message).values(state="new"))
        if row is not None and row.state in over:
            await self._unlink(row.file)
        elif row is not None and row.state == "mailed":
            self._changes.tell(row.box)

    # Files

    def _message(self, row: dict[str, Any]) -> StoredMessage:
        return StoredMessage(
            id=row["id"],
            box=row["box"],
            state="saved" if row["state"] == "saved" else "new",
            caller_name=row["caller_name"],
            caller_uri=row["caller_uri"],
            left_at=row["left_at"],
            seconds=row["seconds"],
            path=self._folder / row["file"],
        )

    async def _unlink(self, file: str) -> None:
        await _in_thread(lambda: (self._folder / file).unlink(missing_ok=True))


def _folder(box: str) -> str:
    """The folder of a box, whatever it is called."""
    return quote(box, safe="").replace(".", "%2E")[:200]


def _settled(draft: Draft, target: Path) -> float:
    """Has the sound lie where it stays as well, and tells how long it is, in seconds. The draft keeps it
    until it is noted where it lies, for until then that folder may go away."""
    if not draft.path.exists():
        # Nothing was ever recorded, or an older SEMS has moved it.
        return files.mend(target) if target.exists() else 0.0
    seconds = files.mend(draft.path)
    if seconds == 0 or (seconds < draft.about.min_seconds and not draft.cut):
        return 0.0
    # From now on it lies there, also if it was recorded long ago.
    os.utime(draft.path)
    files.lay(draft.path, target)
    return seconds


def _forget(draft: Draft, target: Path) -> None:
    target.unlink(missing_ok=True)
    draft.clear()


async def _in_thread(work: Callable[..., _T], *arguments: Any) -> _T:
    """Does something with the disk. Raises StorageError."""
    try:
        return await asyncio.to_thread(work, *arguments)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        raise StorageError(f"the disk can't be used: {error.strerror or error}{place}") from error
