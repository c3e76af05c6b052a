"""What boxes must do on every database. Who imports this has a fixture ``boxes``."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import inspect, text

from sems import BoxFull, BoxLocked, Config, MailFailed, StorageError
from sems.storage import Counts, Database, Mail, Mailboxes, StoredMessage
from sems.storage.database import _engine, url_of
from sems.storage.schema import STEPS, TABLES, VERSION, migrate

RATE = 8000


class Post:
    """Takes mails; while it is down it takes none."""

    def __init__(self) -> None:
        self.got: list[Mail] = []
        self.failure: MailFailed | None = None
        self.asked = asyncio.Event()

    async def __call__(self, mail: Mail) -> None:
        self.asked.set()
        if self.failure is not None:
            raise self.failure
        assert mail.attachment.is_file()
        self.got.append(mail)


class Boxes:
    """Boxes that can be closed and opened again, as by a restart."""

    def __init__(self, folder: Path, database: str | None) -> None:
        self.settings: dict[str, Any] = {
            "data": folder,
            "storage": {"database": database} if database else {},
            "mail": {"retry": 1.0},
            "boxes": {
                "anna": {"users": ["anna", "anna-mobile"], "pin": "2580", "max_messages": 3},
                "ben": {"email": "ben@example.com", "delivery": "both"},
                "cleo": {"email": "cleo@example.com", "delivery": "email", "language": "de"},
            },
        }
        self.post = Post()
        self.open: list[Mailboxes] = []

    @property
    def config(self) -> Config:
        return Config.model_validate(self.settings)

    async def start(self) -> Mailboxes:
        """As at the start of a server."""
        boxes = Mailboxes(self.config, self.post)
        self.open.append(boxes)
        await boxes.start()
        return boxes

    async def close(self) -> None:
        while self.open:
            await self.open.pop().close()


def speech(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(b"\x01\x02" * round(seconds * RATE))


async def leave(boxes: Mailboxes, box: str, seconds: float = 2.0, **caller: str) -> StoredMessage:
    draft = await boxes.begin(box, **(caller or {"caller_name": "Zoë", "caller_uri": "sip:zoe@example.com"}))
    speech(draft.path, seconds)
    message = await boxes.deliver(draft)
    assert message is not None
    return message


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await true():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_message_is_new_then_saved_then_gone(boxes: Boxes) -> None:
    mail = await boxes.start()
    changed: list[str] = []
    mail.follow(changed.append)
    first = await leave(mail, "anna", 2.0)
    second = await leave(mail, "anna", 3.5, caller_name="", caller_uri="tel:+4930100")
    assert await mail.counts("anna") == Counts(new=2, saved=0)
    assert (first.seconds, second.seconds) == (2.0, 3.5)
    assert await mail.save("anna", first.id)
    listed = await mail.messages("anna")
    assert [(each.id, each.state) for each in listed] == [(second.id, "new"), (first.id, "saved")]
    assert listed[1].caller_name == "Zoë"
    assert await mail.counts("anna") == Counts(new=1, saved=1)
    assert await mail.message("ben", first.id) is None, "it is another's"
    assert not await mail.delete("ben", first.id)
    assert await mail.delete("anna", first.id)
    assert not first.path.exists()
    assert not await mail.delete("anna", first.id)
    assert changed == ["anna"] * 4


async def test_all_is_there_after_a_restart(boxes: Boxes) -> None:
    mail = await boxes.start()
    message = await leave(mail, "anna")
    await mail.set_pin("anna", "97531")
    spoken = boxes.config.data / "spoken.wav"
    speech(spoken, 1.0)
    await mail.set_greeting("anna", spoken)
    await boxes.close()
    mail = await boxes.start()
    assert await mail.messages("anna") == [message]
    greeting = await mail.greeting("anna")
    assert greeting is not None
    assert greeting.is_file()
    assert await mail.check_pin("anna", "97531")
    assert not await mail.check_pin("anna", "2580"), "the configured one holds no more"
    await mail.set_greeting("anna", None)
    assert await mail.greeting("anna") is None
    assert not greeting.exists()


async def test_what_was_recorded_when_the_process_was_killed_is_delivered_at_the_next_start(
    boxes: Boxes,
) -> None:
    mail = await boxes.start()
    draft = await mail.begin("anna", caller_name="Zoë")
    speech(draft.path, 4.0)
    # The header was written when it began, and the last sample came in part.
    damaged = bytearray(draft.path.read_bytes())
    damaged[4:8] = damaged[40:44] = b"\0\0\0\0"
    draft.path.write_bytes(damaged + b"\x01")
    other = await boxes.start()
    assert await other.counts("anna") == Counts(), "somebody records it still"
    # What the system does for a process that ends.
    draft.release()
    mail = await boxes.start()
    [message] = await mail.messages("anna")
    assert (message.caller_name, message.seconds) == ("Zoë", 4.0)
    with wave.open(str(message.path)) as file:
        assert file.getnframes() == 4 * RATE
    assert await mail.recover() == 0
    assert await mail.counts("anna") == Counts(new=1)


async def test_a_message_is_delivered_once_wherever_the_process_was_killed(boxes: Boxes) -> None:
    mail = await boxes.start()
    draft = await mail.begin("ben", caller_name="Zoë")
    speech(draft.path, 2.0)
    note = draft.path.with_suffix(".json")
    kept = note.read_bytes()
    await mail.deliver(draft)
    await until(lambda: nothing_waits(mail))
    # It was killed before the last step.
    note.write_bytes(kept)
    assert await mail.recover() == 1
    assert await mail.counts("ben") == Counts(new=1)
    assert await mail.waiting_mails() == 0
    assert len(boxes.post.got) == 1


async def test_however_callers_call_themselves_their_messages_are_delivered(boxes: Boxes) -> None:
    mail = await boxes.start()
    await leave(
        mail, "anna", caller_name="Z\0o\ud800\r\në" + "!" * 10_000, caller_uri="sip:z\0oe@example.com"
    )
    [message] = await mail.messages("anna")
    assert message.caller_name.startswith("Z o?  ë!!!")
    assert len(message.caller_name) == 100
    assert message.caller_uri == "sip:z oe@example.com"
    # Nor is a number of a message that can't be one a failure of the database.
    assert await mail.message("anna", "\0") is None
    assert not await mail.delete("anna", f"{message.id}\0")


async def test_who_only_hangs_up_leaves_nothing(boxes: Boxes) -> None:
    mail = await boxes.start()
    draft = await mail.begin("anna")
    speech(draft.path, 0.5)
    assert await mail.deliver(draft) is None
    assert await mail.counts("anna") == Counts()
    silent = await mail.begin("anna")
    assert await mail.deliver(silent) is None
    assert not list((boxes.config.data / "drafts").iterdir())


async def test_a_box_takes_no_more_than_it_holds(boxes: Boxes) -> None:
    mail = await boxes.start()
    for _ in range(3):
        await leave(mail, "anna")
    with pytest.raises(BoxFull, match="'anna' is full"):
        await mail.begin("anna")
    with pytest.raises(StorageError, match="there is no box 'nobody'"):
        await mail.begin("nobody")


async def nothing_waits(mail: Mailboxes) -> bool:
    return await mail.waiting_mails() == 0


async def test_callers_who_come_at_once_do_not_fill_a_box_with_more_than_it_holds(boxes: Boxes) -> None:
    mail = await boxes.start()
    begun = await asyncio.gather(*(mail.begin("anna") for _ in range(5)), return_exceptions=True)
    drafts = [each for each in begun if not isinstance(each, BaseException)]
    assert [type(each) for each in begun if isinstance(each, BaseException)] == [BoxFull, BoxFull]
    await mail.discard(drafts.pop())
    drafts.append(await mail.begin("anna"))
    for draft in drafts:
        speech(draft.path, 2.0)
        await mail.deliver(draft)
    assert (await mail.counts("anna")).all == 3


async def test_pins_that_are_tried_at_once_are_counted_each(boxes: Boxes) -> None:
    mail = await boxes.start()
    tried = await asyncio.gather(
        *(mail.check_pin("anna", f"{pin:04}") for pin in range(50)), return_exceptions=True
    )
    assert tried.count(False) == 10
    assert sum(isinstance(each, BoxLocked) for each in tried) == 40


async def test_a_message_goes_out_as_mail_and_into_the_box_as_the_box_says(boxes: Boxes) -> None:
    mail = await boxes.start()
    kept = await leave(mail, "ben")
    sent = await leave(mail, "cleo")
    await until(lambda: nothing_waits(mail))
    assert [each.recipient for each in boxes.post.got] == ["ben@example.com", "cleo@example.com"]
    assert boxes.post.got[0].subject == "Voice message from Zoë <sip:zoe@example.com> (0:02)"
    assert boxes.post.got[1].subject == "Sprachnachricht von Zoë <sip:zoe@example.com> (0:02)"
    assert await mail.messages("ben") == [kept]
    assert await mail.counts("cleo") == Counts()
    assert not sent.path.exists()


async def test_mail_that_could_not_be_sent_is_sent_after_a_restart(boxes: Boxes) -> None:
    boxes.post.failure = MailFailed("the server is down")
    mail = await boxes.start()
    await leave(mail, "cleo")
    await boxes.post.asked.wait()
    await boxes.close()
    boxes.post.failure = None
    mail = await boxes.start()
    await until(lambda: nothing_waits(mail))
    assert len(boxes.post.got) == 1


async def test_what_can_not_be_sent_at_all_lies_in_the_box(boxes: Boxes) -> None:
    boxes.post.failure = MailFailed("550 no such user", permanent=True)
    mail = await boxes.start()
    message = await leave(mail, "cleo")
    await until(lambda: nothing_waits(mail))
    [found] = await mail.messages("cleo")
    assert found == message
    assert found.path.is_file()


async def test_a_message_that_is_deleted_before_it_was_sent_is_sent_still(boxes: Boxes) -> None:
    boxes.post.failure = MailFailed("the server is down")
    mail = await boxes.start()
    message = await leave(mail, "ben")
    await boxes.post.asked.wait()
    assert await mail.delete("ben", message.id)
    assert await mail.counts("ben") == Counts()
    assert message.path.is_file()
    boxes.post.failure = None
    await until(lambda: nothing_waits(mail))
    assert [each.id for each in boxes.post.got] == [message.id]

    async def gone() -> bool:
        return not message.path.exists()

    # The disk is asked when the database has done its work.
    await until(gone)


async def test_wrong_pins_lock_a_box_and_nobody_can_read_what_is_kept_of_one(boxes: Boxes) -> None:
    mail = await boxes.start()
    assert await mail.check_pin("anna", "2580")
    assert not await mail.has_pin("ben")
    assert not await mail.check_pin("ben", "")
    await mail.set_pin("ben", "86420")
    database = Database(url_of(boxes.config))
    async with database.begin() as connection:
        kept = (await connection.execute(text("SELECT hash FROM sems_pins"))).scalar_one()
    await database.close()
    assert "86420" not in kept
    with pytest.raises(ValueError, match="four to sixteen digits"):
        await mail.set_pin("ben", "12")
    for _ in range(9):
        assert not await mail.check_pin("ben", "1111")
    with pytest.raises(BoxLocked):
        await mail.check_pin("ben", "86420")
    assert await mail.check_pin("anna", "2580"), "another box"


def test_a_box_belongs_to_its_users(tmp_path: Path) -> None:
    config = Boxes(tmp_path, None).config
    found = {user: config.box_of(user) for user in ("anna-mobile", "ben", "default", "zoe")}
    assert found == {"anna-mobile": "anna", "ben": "ben", "default": None, "zoe": None}


async def test_a_database_of_an_older_version_becomes_one_of_this_and_keeps_what_is_in_it(
    boxes: Boxes,
) -> None:
    database = Database(url_of(boxes.config))
    boxes.config.data.mkdir(parents=True, exist_ok=True)
    engine = _engine(database.url)
    async with engine.begin() as connection:
        await connection.run_sync(migrate, 1)
        await connection.execute(
            text(
                "INSERT INTO sems_messages (id, box, state, caller_name, caller_uri, left_at, seconds, file)"
                " VALUES ('old', 'anna', 'new', 'Zoë', '', 1.5, 2.5, 'anna/old.wav')"
            )
        )
        tables = await connection.run_sync(lambda inner: inspect(inner).get_table_names())
    assert "sems_mails" not in tables
    await engine.dispose()
    mail = await boxes.start()
    [message] = await mail.messages("anna")
    assert (message.id, message.left_at, message.seconds) == ("old", 1.5, 2.5)
    async with database.begin() as connection:
        # What the steps make is what the queries take it for.
        made = await connection.run_sync(
            lambda inner: {
                table: {column["name"] for column in inspect(inner).get_columns(table)}
                for table in TABLES.tables
            }
        )
        version = (await connection.execute(text("SELECT version FROM sems_schema"))).scalar_one()
    assert made == {name: set(table.columns.keys()) for name, table in TABLES.tables.items()}
    assert version == VERSION == len(STEPS)
    async with database.begin() as connection:
        await connection.execute(text("UPDATE sems_schema SET version = 99"))
    await database.close()
    with pytest.raises(StorageError, match=f"of version 99 and this SEMS knows {VERSION}"):
        await boxes.start()
