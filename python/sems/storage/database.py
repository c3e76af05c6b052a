"""The database: SQLite or PostgreSQL, opened when it is first needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from ..config import Config
from ..errors import StorageError
from .schema import migrate

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+psycopg"}


def url_of(config: Config) -> URL:
    """The database that is configured."""
    settings = config.storage
    if settings.database is None:
        return URL.create(_DRIVERS["sqlite"], database=str(config.data / "sems.db"))
    url = make_url(settings.database)
    return url.set(drivername=_DRIVERS[url.drivername], password=settings.password)


class Database:
    """Transactions on one database."""

    def __init__(self, url: URL) -> None:
        self.url = url
        self._engine: AsyncEngine | None = None
        self._opening = asyncio.Lock()
        self._running = 0

    @property
    def busy(self) -> bool:
        """A transaction is under way: for tests in virtual time, in which no time passes meanwhile."""
        return self._running > 0

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, which is kept when the block ends and lasts from then on, and undone when it raises.

        Raises StorageError when the database can't be reached, is full, or the like."""
        self._running += 1
        try:
            engine = self._engine or await self._open()
            async with engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise StorageError(f"the database can't be used: {_reason(error)}") from error
        finally:
            self._running -= 1

    async def _open(self) -> AsyncEngine:
        async with self._opening:
            if self._engine is None:
                engine = _engine(self.url)
                try:
                    async with engine.begin() as connection:
                        await connection.run_sync(migrate)
                except BaseException:
                    await engine.dispose()
                    raise
                self._engine = engine
        return self._engine

    async def close(self) -> None:
        """Lets go of it. It may be used again."""
        engine, self._engine = self._engine, None
        if engine is not None:
            self._running += 1
            try:
                await engine.dispose()
            finally:
                self._running -= 1


def _engine(url: URL) -> AsyncEngine:
    if url.get_backend_name() == "sqlite":
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        # One connection: SQLite has one writer, and who waits for it here waits without a thread.
        engine = create_async_engine(url, pool_size=1, max_overflow=0)
        event.listen(engine.sync_engine, "connect", _prepare_sqlite)
        event.listen(engine.sync_engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_async_engine(url, pool_size=4, max_overflow=4, pool_pre_ping=True)
    except ImportError:
        raise StorageError("PostgreSQL needs psycopg: pip install sems[postgresql]") from None


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Transactions are begun below, so that they hold for making tables, too.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _reason(error: Exception) -> str:
    """What the database said, in one line."""
    original = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(original).strip().splitlines()
    return lines[0] if lines else type(original).__name__
