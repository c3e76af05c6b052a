"""Mail that is to be sent: kept until it is, across restarts, and tried again when the server is down."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Protocol

from sqlalchemy import func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ..clock import Clock
from ..errors import MailFailed, in_one_line, is_failure
from ..log import logger
from .database import Database
from .mail import Mail
from .schema import mails

Send = Callable[[Mail], Awaitable[None]]
"""Sends a mail, or raises MailFailed."""

LONGEST_WAIT = 3600.0
"""The longest time between two tries, in seconds."""

PATIENCE = 600.0
"""How long, in seconds, sending one mail may take: what takes longer will never end, and others wait."""


class Letters(Protocol):
    """Who knows what the mails are about."""

    async def letter(self, message: str, recipient: str) -> Mail | None:
        """The mail for a message; None: there is nothing to send any more. Raises MailFailed when it can't be
        had now, such as from a disk that is away."""

    async def mail_done(self, message: str, *, sent: bool) -> None:
        """It was sent, or given up: takes it out of the mails, with what follows from that."""


class Outbox:
    """Sends what is to be sent, one after the other, as soon as that is possible."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        letters: Letters,
        send: Send,
        *,
        retry: float,
        give_up: float,
    ) -> None:
        self._database = database
        self._clock = clock
        self._letters = letters
        self._send = send
        self._retry = retry
        self._give_up = give_up
        self._task: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        # What was sent and could not be noted as that: nobody is to get it twice.
        self._sent: set[str] = set()

    async def add(self, connection: AsyncConnection, message: str, recipient: str) -> None:
        """Within the transaction in which the message comes into being: its mail is to be sent. Call
        :meth:`wake` when that is over."""
        now = self._clock.now()
        row = {"message": message, "recipient": recipient, "queued_at": now, "next_try": now}
        await connection.execute(insert(mails).values(**row, tries=0, error=""))

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work(), name="outbox")

    async def waiting(self) -> int:
        """How many mails are still to be sent. Raises StorageError."""
        async with self._database.begin() as connection:
            return (await connection.execute(select(func.count()).select_from(mails))).scalar_one()

    async def close(self) -> None:
        """Sends no more; what is to be sent is kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def _work(self) -> None:
        """Sends until there is nothing left."""
        while True:
            self._woken.clear()
            wait = self._retry
            try:
                next_try = await self._next()
                if next_try is None:
                    return
                until = next_try - self._clock.now()
                if until <= 0:
                    await self._try_one()
                    continue
                wait = until
            except BaseException as error:
                if not is_failure(error):
                    raise
                logger.error("mail can't be sent now", why=in_one_line(error), again_in=wait)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._woken.wait()

    async def _next(self) -> float | None:
        async with self._database.begin() as connection:
            due: float | None = (await connection.execute(select(func.min(mails.c.next_try)))).scalar_one()
        return due

    async def _try_one(self) -> None:
        async with self._database.begin() as connection:
            due = select(mails).order_by(mails.c.next_try).limit(1)
            row = (await connection.execute(due)).one_or_none()
        if row is None:
            return
        letter = None
        try:
            if row.message not in self._sent:
                letter = await self._letters.letter(row.message, row.recipient)
            if letter is not None:
                await self._give(letter)
        except BaseException as error:
            if not is_failure(error):
                raise
            await self._failed(row.message, row.tries + 1, row.queued_at, error)
            return
        if letter is not None:
            self._sent.add(row.message)
            logger.info("a message was sent as mail", message=row.message)
        await self._letters.mail_done(row.message, sent=True)
        self._sent.discard(row.message)

    async def _give(self, letter: Mail) -> None:
        limit = asyncio.timeout(PATIENCE)
        try:
            async with limit:
                await self._send(letter)
        except TimeoutError:
            if not limit.expired():
                raise
            raise MailFailed(f"it was not sent within {PATIENCE:.0f} s") from None

    async def _failed(self, message: str, tries: int, queued_at: float, error: BaseException) -> None:
        now = self._clock.now()
        wait = min(self._retry * 2.0 ** min(tries - 1, 20), LONGEST_WAIT)
        why = str(error) or type(error).__name__
        permanent = isinstance(error, MailFailed) and error.permanent
        if permanent or now + wait > queued_at + self._give_up:
            logger.error("a message can't be sent as mail and lies in its box", message=message, why=why)
            await self._letters.mail_done(message, sent=False)
            return
        logger.warning("a message could not be sent as mail", message=message, why=why, again_in=wait)
        async with self._database.begin() as connection:
            later = update(mails).where(mails.c.message == message)
            await connection.execute(later.values(tries=tries, next_try=now + wait, error=why[:500]))
