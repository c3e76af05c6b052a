"""Boxes on SQLite, and what a disk that is full does to them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from full_disk import full_disk
from mailbox_contract import *  # noqa: F403
from mailbox_contract import Boxes, leave, speech
from sems import StorageError
from sems.storage import Counts, files


@pytest.fixture
async def boxes(tmp_path: Path) -> AsyncIterator[Boxes]:
    made = Boxes(tmp_path / "data", None)
    yield made
    await made.close()


async def test_a_message_that_the_full_disk_does_not_take_is_delivered_when_there_is_room_again(
    boxes: Boxes,
) -> None:
    mail = await boxes.start()
    draft = await mail.begin("anna", caller_name="Zoë")
    speech(draft.path, 2.0)
    with full_disk(4096), pytest.raises(StorageError, match="can't be used"):
        await mail.deliver(draft)
    assert await mail.counts("anna") == Counts(), "there is no half of it"
    assert await mail.recover() == 1
    [message] = await mail.messages("anna")
    assert (message.caller_name, message.seconds) == ("Zoë", 2.0)


def test_a_file_is_written_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    files.write(path, b"before")
    with full_disk(4096), pytest.raises(OSError, match="File too large"):
        files.write(path, b"x" * 5000)
    assert path.read_bytes() == b"before"
    assert [each.name for each in tmp_path.iterdir()] == ["kept"]


async def test_a_database_that_can_not_be_made_is_one_clear_sentence(tmp_path: Path) -> None:
    boxes = Boxes(tmp_path, f"sqlite:///{tmp_path}/a-file/sems.db")
    (tmp_path / "a-file").write_text("")
    with pytest.raises(StorageError, match="the database can't be used: ") as error:
        await boxes.start()
    assert "\n" not in str(error.value)


async def test_names_of_boxes_lead_nowhere_else(tmp_path: Path) -> None:
    boxes = Boxes(tmp_path / "data", None)
    boxes.settings["boxes"]["../../out"] = {}
    mail = await boxes.start()
    message = await leave(mail, "../../out")
    assert message.path.resolve().is_relative_to((tmp_path / "data" / "mailboxes").resolve())
    await boxes.close()
