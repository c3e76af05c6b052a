"""Boxes on a PostgreSQL that really runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mailbox_contract import *  # noqa: F403
from mailbox_contract import Boxes, leave, speech
from peers.postgresql import PostgreSql
from sems import StorageError
from sems.storage import Counts


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSql]:
    with PostgreSql() as running:
        yield running


@pytest.fixture
async def boxes(tmp_path: Path, postgresql: PostgreSql) -> AsyncIterator[Boxes]:
    made = Boxes(tmp_path / "data", postgresql.database())
    yield made
    await made.close()


async def test_two_servers_that_start_at_once_make_the_tables_once_and_see_the_same(boxes: Boxes) -> None:
    one, other = await asyncio.gather(boxes.start(), boxes.start())
    message = await leave(one, "anna")
    assert await other.messages("anna") == [message]


async def test_a_database_that_fails_and_comes_back_takes_what_was_left_meanwhile(
    boxes: Boxes, postgresql: PostgreSql
) -> None:
    mail = await boxes.start()
    draft = await mail.begin("anna", caller_name="Zoë")
    speech(draft.path, 2.0)
    postgresql.stop()
    try:
        with pytest.raises(StorageError, match="the database can't be used: ") as error:
            await mail.deliver(draft)
    finally:
        postgresql.start()
    assert "\n" not in str(error.value)
    assert await mail.recover() == 1
    assert await mail.counts("anna") == Counts(new=1)
