"""Voice mail with real peers: a telephone, a mail server, one that follows how many messages wait."""

from __future__ import annotations

import asyncio
import email
import email.policy
import io
import re
import urllib.parse
import urllib.request
import wave
from array import array
from email.message import EmailMessage
from http.cookiejar import CookieJar
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from peers import sipp
from peers.baresip import Baresip
from peers.ports import free_port
from peers.sems_server import SemsServer
from peers.tones import hears, write_tone

PITCH = 440.0


class Post:
    """A mail server in a thread of its own, and what it has taken."""

    def __init__(self, port: int) -> None:
        self.mails: list[tuple[str, EmailMessage]] = []
        self._came = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._controller = Controller(self, hostname="127.0.0.1", port=port)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.original_content or b"", policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos[0], mail))
        self._loop.call_soon_threadsafe(self._came.set)
        return "250 Taken"

    async def came(self) -> tuple[str, EmailMessage]:
        await asyncio.wait_for(self._came.wait(), 30)
        return self.mails[0]

    async def __aenter__(self) -> Post:
        await asyncio.to_thread(self._controller.start)
        return self

    async def __aexit__(self, *failure: object) -> None:
        await asyncio.to_thread(self._controller.stop)


def samples(wav: bytes) -> array[int]:
    with wave.open(io.BytesIO(wav)) as file:
        return array("h", file.readframes(file.getnframes()))


def in_the_box(server: SemsServer) -> list[bytes]:
    """All messages of the box, as its page gives them."""
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    form = urllib.parse.urlencode({"box": "anna", "pin": "2580"}).encode()
    request = urllib.request.Request(server.url("/box"), form, {"Origin": server.url("")})
    with browser.open(request, timeout=10) as answer:
        page = answer.read().decode()
    sounds = []
    for place in re.findall(r'<audio [^>]*src="([^"]+)"', page):
        with browser.open(server.url(f"/{place}"), timeout=10) as answer:
            sounds.append(answer.read())
    return sounds


async def test_a_message_is_told_of_mailed_when_the_mail_server_is_back_and_outlives_a_kill(
    tmp_path: Path,
) -> None:
    smtp_port = free_port()
    write_tone(tmp_path / "greeting.wav", (2000.0,), 0.3)
    config = f"""
[[routes]]
user = "anna"
app = "voicemail"
[boxes.anna]
pin = "2580"
greeting = "greeting.wav"
email = "anna@example.com"
delivery = "both"
[mail]
server = "127.0.0.1"
port = {smtp_port}
sender = "voicemail@example.com"
retry = 1
"""
    async with SemsServer(tmp_path, config=config) as server, Baresip(tmp_path, "Zoë", PITCH) as zoe:
        follower = asyncio.create_task(sipp.run("messages_wait", server.sip_port, "anna", tmp_path))
        await zoe.dial(server.uri("anna"))
        await asyncio.sleep(3.5)  # she speaks in real time
        await zoe.hang_up()
        await server.logged("a message could not be sent as mail")
        await follower
        async with Post(smtp_port) as post:
            recipient, mail = await post.came()
        [message] = in_the_box(server)
        # Now she is in the middle of a sentence.
        await zoe.dial(server.uri("anna"))
        await asyncio.sleep(3.5)
        server.process.kill()
        await server.process.wait()
        # She would repeat her BYE to nobody for half a minute.
        zoe.process.kill()
    assert recipient == "anna@example.com"
    assert mail["Subject"].startswith("Voice message from Zoë <sip:zo")
    [sound] = mail.iter_attachments()
    assert (sound.get_content_type(), sound.get_content()) == ("audio/wav", message)
    assert hears(samples(message), PITCH)
    async with SemsServer(tmp_path, config=config) as server:
        await server.logged("a message was delivered late")
        [_, cut] = in_the_box(server)
    spoken = samples(cut)
    assert hears(spoken, PITCH)
    assert len(spoken) > 8000
