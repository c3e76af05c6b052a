"""Mail given to a server that really answers."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from aiosmtpd.smtp import AuthResult as Result

from sems import Config, MailFailed
from sems.components import Components
from sems.storage import Mail


class Post:
    """A mail server that says to everything what it is told to say."""

    def __init__(self) -> None:
        self.recipient_answer = "250 OK"
        self.answer = "250 Taken"
        self.taken: list[bytes] = []
        self.passwords: list[object] = []
        self._server: asyncio.Server | None = None

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.recipient_answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.taken.append(envelope.original_content or b"")
        return self.answer

    def knows(self, server: SMTP, session: Session, envelope: Envelope, method: str, who: object) -> Result:
        self.passwords.append(who)
        return Result(success=False, handled=False)

    async def start(self) -> int:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, authenticator=self.knows, auth_require_tls=False), "127.0.0.1", 0
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()


@pytest.fixture
def mail(tmp_path: Path) -> Mail:
    path = tmp_path / "message.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(b"\x01\x02" * 800)
    subject = "Nachricht von Zoë"
    return Mail("1-a", "box@example.com", "anna@example.com", subject, "Grüße\n", path, "1-a.wav", 1.0)


async def sent(mail: Mail, post: Post, folder: Path, **settings: object) -> None:
    port = await post.start()
    config = {"data": folder, "mail": {"server": "127.0.0.1", "port": port, **settings}}
    try:
        await Components(Config.model_validate(config)).mailer.send(mail)
    finally:
        await post.stop()


async def test_a_mail_says_what_it_is(mail: Mail, tmp_path: Path) -> None:
    post = Post()
    await sent(mail, post, tmp_path)
    [taken] = post.taken
    for line in (
        b"From: box@example.com",
        b"To: anna@example.com",
        b"Message-ID: <1-a@example.com>",
        b"Auto-Submitted: auto-generated",
        b'Content-Disposition: attachment; filename="1-a.wav"',
    ):
        assert line + b"\r\n" in taken


@pytest.mark.parametrize(
    ("recipient_answer", "answer", "permanent"),
    [
        ("550 No such user", "250 OK", True),
        ("451 Try again", "250 OK", False),
        ("250 OK", "552 Too big", True),
        ("250 OK", "452 The disk is full", False),
    ],
)
async def test_what_never_will_be_taken_is_told_from_what_may_be_later(
    mail: Mail, tmp_path: Path, recipient_answer: str, answer: str, permanent: bool
) -> None:
    post = Post()
    post.recipient_answer, post.answer = recipient_answer, answer
    with pytest.raises(MailFailed) as error:
        await sent(mail, post, tmp_path)
    assert error.value.permanent is permanent
    assert "\n" not in str(error.value)


async def test_a_password_is_told_to_nobody_who_offers_no_tls(mail: Mail, tmp_path: Path) -> None:
    post = Post()
    with pytest.raises(MailFailed) as error:
        await sent(mail, post, tmp_path, username="box", password="secret")
    assert not error.value.permanent
    assert not post.passwords
    with pytest.raises(MailFailed, match="does not know us"):
        await sent(mail, post, tmp_path, username="box", password="secret", security="none")
    assert post.passwords


async def test_a_server_that_is_not_there_may_be_later(mail: Mail, tmp_path: Path) -> None:
    post = Post()
    port = await post.start()
    await post.stop()
    config = {"data": tmp_path, "mail": {"server": "127.0.0.1", "port": port}}
    with pytest.raises(MailFailed) as error:
        await Components(Config.model_validate(config)).mailer.send(mail)
    assert not error.value.permanent


async def test_without_a_mail_server_there_is_no_use_in_trying(mail: Mail, tmp_path: Path) -> None:
    with pytest.raises(MailFailed, match="no mail server is configured") as error:
        await Components(Config(data=tmp_path)).mailer.send(mail)
    assert error.value.permanent
