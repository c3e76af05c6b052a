"""Mail over TLS, from the beginning (RFC 8314) or by STARTTLS (RFC 3207), with a certificate made here."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, LoginPassword, Session
from aiosmtpd.smtp import AuthResult as Result

from sems import Config, MailFailed
from sems.components import Components
from sems.storage import Mail


class Post:
    """A mail server, and what was given to it."""

    def __init__(self, context: ssl.SSLContext, *, implicit: bool) -> None:
        self.context = context
        self.implicit = implicit
        self.taken: list[tuple[bool, bytes]] = []
        """Each mail, and whether it came over TLS."""
        self.passwords: list[tuple[bytes, bytes]] = []
        self._server: asyncio.Server | None = None

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        secure = self.implicit or session.ssl is not None
        self.taken.append((secure, envelope.original_content or b""))
        return "250 Taken"

    def knows(self, server: SMTP, session: Session, envelope: Envelope, method: str, who: object) -> Result:
        assert isinstance(who, LoginPassword)
        self.passwords.append((who.login, who.password))
        return Result(success=who.password == b"secret")

    async def __aenter__(self) -> int:
        upgrade = None if self.implicit else self.context

        def greet() -> SMTP:
            return SMTP(
                self, tls_context=upgrade, authenticator=self.knows, auth_require_tls=not self.implicit
            )

        loop = asyncio.get_running_loop()
        secure = self.context if self.implicit else None
        self._server = await loop.create_server(greet, "127.0.0.1", 0, ssl=secure)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that signs itself, with its key."""
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = [*make.split(), *name, "-keyout", f"{path}.key", "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    return path


@pytest.fixture
def context(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, f"{certificate}.key")
    return context


async def send(folder: Path, port: int, **settings: Any) -> None:
    sound = folder / "message.wav"
    sound.write_bytes(b"RIFF")
    mail = Mail("1-a", "box@example.com", "anna@example.com", "Hello", "Text\n", sound, "1-a.wav", 1.0)
    given = {"data": folder, "mail": {"server": "127.0.0.1", "port": port, **settings}}
    await Components(Config.model_validate(given)).mailer.send(mail)


@pytest.mark.parametrize(("security", "implicit"), [("tls", True), ("starttls", False), (None, False)])
async def test_mail_and_password_go_over_tls_to_a_server_whose_certificate_is_known(
    tmp_path: Path, certificate: Path, context: ssl.SSLContext, security: str | None, implicit: bool
) -> None:
    post = Post(context, implicit=implicit)
    async with post as port:
        await send(tmp_path, port, security=security, ca=certificate, username="box", password="secret")
    [(secure, taken)] = post.taken
    assert secure
    assert b'filename="1-a.wav"' in taken
    assert post.passwords == [(b"box", b"secret")]


@pytest.mark.parametrize(("security", "implicit"), [("tls", True), ("starttls", False), (None, False)])
async def test_a_server_that_is_not_whom_we_look_for_gets_neither_and_is_tried_again(
    tmp_path: Path, context: ssl.SSLContext, security: str | None, implicit: bool
) -> None:
    post = Post(context, implicit=implicit)
    async with post as port:
        with pytest.raises(MailFailed, match=r"(?i)certificate") as error:
            await send(tmp_path, port, security=security, username="box", password="secret")
        assert not error.value.permanent
        assert not post.taken
        assert not post.passwords
        await send(tmp_path, port, security=security, verify=False)
    assert [secure for secure, _ in post.taken] == [True]


async def test_a_certificate_for_another_name_is_none(
    tmp_path: Path, certificate: Path, context: ssl.SSLContext
) -> None:
    post = Post(context, implicit=True)
    async with post as port:
        with pytest.raises(MailFailed, match=r"(?i)certificate"):
            await send(tmp_path, port, server="localhost", security="tls", ca=certificate)
    assert not post.taken


async def test_a_list_of_roots_that_can_not_be_read_is_one_clear_sentence(
    tmp_path: Path, context: ssl.SSLContext
) -> None:
    post = Post(context, implicit=True)
    async with post as port:
        with pytest.raises(MailFailed) as error:
            await send(tmp_path, port, security="tls", ca=tmp_path / "nothing.pem")
    assert not error.value.permanent
    assert "\n" not in str(error.value)
