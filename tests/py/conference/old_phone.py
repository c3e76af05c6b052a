"""A telephone of another make: what it says of itself, and how it answers texts, is up to the test."""

from __future__ import annotations

import asyncio
import re
import struct

from sems import Server
from sems.testing import Lab

_SDP = (
    "v=0\r\no=- 1 1 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    "m=audio 4000 RTP/AVP 0\r\na={direction}\r\n"
)
_SSRC = 0x0E1D


class OldPhone:
    """Calls the room ``standup`` and answers each MESSAGE with ``code``, and OPTIONS with ``options``."""

    def __init__(
        self,
        lab: Lab,
        server: Server,
        *,
        allow: str | None,
        code: int,
        user_agent: str = "Old",
        direction: str = "sendrecv",
    ) -> None:
        self.answer = ""
        """The 200 to its INVITE."""
        self.texts: list[str] = []
        """What it was sent, whether it took it or not."""
        self.options = 200
        self.asked = 0
        """How often it was asked whether it is there."""
        self._ip = "10.9.0.1"
        self._server = server.engine.core.sip_addresses()[0]
        self._socket = lab.network.socket(f"{self._ip}:5060")
        self._media = [lab.network.socket(f"{self._ip}:{port}") for port in (4000, 4001)]
        self._sequence = 0
        self._allow = "" if allow is None else f"Allow: {allow}\r\n"
        self._user_agent = f"User-Agent: {user_agent}\r\n"
        self._code = code
        self._direction = direction
        self._task: asyncio.Task[None] | None = None

    async def call(self) -> None:
        """Returns when it is in the room."""
        sdp = _SDP.format(ip=self._ip, direction=self._direction)
        self._send("INVITE", "", f"{self._allow}{self._user_agent}Content-Type: application/sdp\r\n", sdp)
        answered = asyncio.Event()
        self._task = asyncio.create_task(self._live(answered))
        await answered.wait()

    def speak(self, seconds: float) -> None:
        """Sends so much audio from now on, in packets of 20 ms, and then none (RFC 3551 §4.1)."""
        self._speaking = asyncio.create_task(self._speak(round(seconds / 0.02)))

    async def _speak(self, packets: int) -> None:
        for _ in range(packets):
            self._sequence += 1
            stamp = self._sequence * 160
            self._media[0].send(
                struct.pack("!BBHII", 0x80, 0, self._sequence, stamp, _SSRC) + b"\xff" * 160, self._there(0)
            )
            await asyncio.sleep(0.02)

    def report(self) -> None:
        """Says that it is there (RTCP RR, RFC 3550 §6.4.2)."""
        self._media[1].send(struct.pack("!BBHI", 0x80, 201, 1, _SSRC), self._there(1))

    def _there(self, next_to: int) -> str:
        """Where the server hears its audio, or the port after that."""
        host = re.search(r"\r\nc=IN IP4 (\S+)", self.answer)
        port = re.search(r"\r\nm=audio (\d+)", self.answer)
        assert host
        assert port
        return f"{host[1]}:{int(port[1]) + next_to}"

    def hang_up(self) -> None:
        """Falls silent."""
        assert self._task is not None
        self._task.cancel()

    def _send(self, method: str, to_tag: str, headers: str = "", body: str = "") -> None:
        self._socket.send(
            f"{method} sip:standup@sems SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self._ip}:5060;branch=z9hG4bK{method};rport\r\n"
            f'From: "Olga" <sip:olga@{self._ip}>;tag=olga\r\n'
            f"To: <sip:standup@sems>{to_tag}\r\n"
            "Call-ID: old-phone\r\n"
            f"CSeq: 1 {method}\r\n"
            "Max-Forwards: 70\r\n"
            f"Contact: <sip:olga@{self._ip}:5060>\r\n"
            f"{headers}Content-Length: {len(body)}\r\n\r\n{body}".encode(),
            self._server,
        )

    async def _live(self, answered: asyncio.Event) -> None:
        while True:
            await asyncio.sleep(0.01)
            for message in self._socket.receive():
                head, _, body = message.decode().partition("\r\n\r\n")
                if head.startswith("SIP/2.0 200") and "CSeq: 1 INVITE" in head:
                    tag = re.search(r"\r\nTo: .*(;tag=[^;\r]+)", head)
                    assert tag is not None
                    self._send("ACK", tag[1])
                    self.answer = f"{head}\r\n{body}"
                    answered.set()
                elif head.startswith("MESSAGE"):
                    self.texts.append(body)
                    self._answer(head, self._code)
                elif head.startswith("OPTIONS"):
                    self.asked += 1
                    self._answer(head, self.options)

    def _answer(self, request: str, code: int) -> None:
        names = "(?:Via|From|To|Call-ID|CSeq)"
        rows = re.findall(rf"^{names}: .*\r$", request + "\r\n", re.MULTILINE)
        answer = "\n".join([f"SIP/2.0 {code} So\r", *rows, "Content-Length: 0\r", "\r", ""])
        self._socket.send(answer.encode(), self._server)
