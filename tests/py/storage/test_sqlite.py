"""Boxes on SQLite, and what a disk that is full does to them."""

from __future__ import annotations

import asyncio
import threading
import weakref
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


# Its header ends with the disk, as it does when the server loses its power.
CUT_SHORT = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0"


def test_a_file_whose_header_ends_too_early_has_no_sound(tmp_path: Path) -> None:
    for length in range(len(CUT_SHORT) + 1):
        (tmp_path / "cut.wav").write_bytes(CUT_SHORT[:length])
        assert files.mend(tmp_path / "cut.wav") == 0.0


async def test_a_recording_that_is_broken_hinders_neither_the_start_nor_the_other_messages(
    boxes: Boxes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    mail = await boxes.start()
    cut, broken, whole = [await mail.begin("anna") for _ in range(3)]
    cut.path.write_bytes(CUT_SHORT)
    for draft in (broken, whole):
        speech(draft.path, 2.0)
    for draft in (cut, broken, whole):
        draft.release()
    mend = files.mend

    def fails(path: Path) -> float:
        if path == broken.path:
            raise ValueError("a mistake of ours")
        return mend(path)

    monkeypatch.setattr(files, "mend", fails)
    other = await boxes.start()
    assert [each.id for each in await other.messages("anna")] == [whole.id]
    assert broken.path.is_file()
    assert not cut.path.exists()
    [record] = [record for record in caplog.records if hasattr(record, "why")]
    assert record.why == "ValueError: a mistake of ours"


async def test_who_is_ended_before_he_could_deliver_holds_nothing(boxes: Boxes) -> None:
    mail = await boxes.start()
    draft = await mail.begin("anna")
    speech(draft.path, 2.0)
    # The thread that made it may hold it a little longer than who has asked for it.
    let_go = threading.Event()
    weakref.finalize(draft, let_go.set)
    del draft
    assert await asyncio.to_thread(let_go.wait, 10)
    assert await mail.recover() == 1


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
