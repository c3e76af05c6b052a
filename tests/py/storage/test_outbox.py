"""Mail that is to be sent, where something is in its way; in virtual time."""

from __future__ import annotations

import asyncio
import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from full_disk import full_disk
from mailbox_contract import leave
from sems import MailFailed, StorageError
from sems.components import SmtpMailer
from sems.storage import Counts, Mail, Mailboxes
from sems.testing import Lab

BOXES: dict[str, Any] = {"anna": {}, "cleo": {"email": "cleo@example.com", "delivery": "email"}}


class Post:
    """Takes mails; while it is down it takes none."""

    def __init__(self) -> None:
        self.up = True
        self.tries: list[float] = []
        self.taken: list[str] = []

    async def send(self, mail: Mail) -> None:
        self.tries.append(asyncio.get_running_loop().time())
        # As quick as a server in the same house.
        await asyncio.sleep(0.1)
        if not self.up:
            raise MailFailed("the server is down")
        self.taken.append(mail.id)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    made = Post()

    async def send(_: SmtpMailer, mail: Mail) -> None:
        await made.send(mail)

    monkeypatch.setattr(SmtpMailer, "send", send)
    return made


def reasons(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(record.why for record in caplog.records if hasattr(record, "why"))


async def opened(lab: Lab) -> tuple[Mailboxes, Path]:
    """The boxes of a server, and its folder."""
    server = await lab.server(boxes=BOXES)
    assert isinstance(server.mailboxes, Mailboxes)
    return server.mailboxes, server.config.data


@pytest.mark.parametrize("up", [True, False], ids=["a server that takes it", "a server that is down"])
async def test_on_a_full_disk_nobody_gets_a_mail_twice_and_no_server_is_pestered(
    lab: Lab, post: Post, up: bool
) -> None:
    boxes, data = await opened(lab)
    post.up = up
    message = await leave(boxes, "cleo")
    with full_disk(os.path.getsize(data / "sems.db-wal")):
        await asyncio.sleep(300)
    assert post.taken == [message.id] * up
    assert len(post.tries) == (1 if up else 5)
    assert all(after - before >= 60 for before, after in itertools.pairwise(post.tries))
    post.up = True
    await asyncio.sleep(130)
    assert post.taken == [message.id]
    assert await boxes.waiting_mails() == 0
    assert not message.path.exists()


async def test_a_message_is_not_taken_for_sent_while_its_folder_is_away(
    lab: Lab, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    boxes, data = await opened(lab)
    post.up = False
    message = await leave(boxes, "cleo")
    await asyncio.sleep(5)
    away = data / "away"
    (data / "mailboxes").rename(away)
    post.up = True
    await asyncio.sleep(130)
    assert await boxes.waiting_mails() == 1
    assert "its sound is not there" in reasons(caplog)
    away.rename(data / "mailboxes")
    await asyncio.sleep(600)
    assert post.taken == [message.id]


async def test_a_message_is_not_taken_for_none_while_its_folder_is_away(lab: Lab, post: Post) -> None:
    boxes, data = await opened(lab)
    with full_disk(os.path.getsize(data / "sems.db-wal")):
        with pytest.raises(StorageError, match="can't be used"):
            await leave(boxes, "anna")
        away = data / "away"
        (data / "mailboxes").rename(away)
    await asyncio.sleep(61)
    assert await boxes.counts("anna") == Counts(new=1)
    [message] = await boxes.messages("anna")
    assert message.path.is_file(), "it was kept beside it until it was noted"


async def test_a_disk_that_fails_while_a_mail_is_due_is_asked_again(
    lab: Lab, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes, _ = await opened(lab)
    stale = True
    is_file = Path.is_file

    def fails(path: Path, **how: bool) -> bool:
        if stale and "mailboxes" in path.parts:
            raise OSError(errno.ESTALE, "Stale file handle", str(path))
        return is_file(path, **how)

    monkeypatch.setattr(Path, "is_file", fails)
    message = await leave(boxes, "cleo")
    await asyncio.sleep(5)
    stale = False
    await asyncio.sleep(61)
    assert post.taken == [message.id]


async def test_a_failure_of_our_own_does_not_end_all_mail(
    lab: Lab, post: Post, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    boxes, _ = await opened(lab)
    with monkeypatch.context() as patched:

        async def fails(*_: object, **__: object) -> None:
            raise RuntimeError("a mistake of ours")

        patched.setattr(Mailboxes, "mail_done", fails)
        message = await leave(boxes, "cleo")
        await asyncio.sleep(5)
    assert "RuntimeError: a mistake of ours" in reasons(caplog)
    await asyncio.sleep(61)
    assert post.taken == [message.id]
    assert await boxes.waiting_mails() == 0


async def test_a_mailer_that_hangs_does_not_keep_back_all_other_mail(lab: Lab, post: Post) -> None:
    boxes, _ = await opened(lab)
    takes, hung = post.send, asyncio.Event()

    async def hangs_once(mail: Mail) -> None:
        if not hung.is_set():
            hung.set()
            await asyncio.Event().wait()
        await takes(mail)

    post.send = hangs_once  # type: ignore[method-assign]
    first = await leave(boxes, "cleo")
    await hung.wait()
    second = await leave(boxes, "cleo")
    await asyncio.sleep(800)
    assert post.taken == [second.id, first.id]
