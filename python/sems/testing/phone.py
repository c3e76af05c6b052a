"""A phone: the real engine at the other end of the line."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..app import App
from ..audio.keys import DigitMethod
from ..audio.playback import Playback
from ..audio.sounds import Sound
from ..call import Call
from ..config import Config
from ..engine import Prompt, Tap
from ..events import EndReason
from ..server import Server
from ..sip.headers import Headers, SipUri
from ..sip.requests import SipRequest, SipResponse
from ..sip.transfer import Refer
from .hearing import RATE, Hearing

if TYPE_CHECKING:
    from .lab import Lab

# A tap holds two seconds.
_READ_EVERY = 1.0


class Phone:
    """A telephone with one line. Made by :meth:`Lab.phone() <sems.testing.Lab.phone>`.

    It takes what comes in when told to (:meth:`ringing`, then ``call.answer()``).
    """

    def __init__(self, lab: Lab, name: str, server: Server) -> None:
        self.name = name
        """What it shows to others, and its user part."""
        self.server = server
        """Its own engine."""
        self.line: Call | None = None
        """The call it is in, or was in last."""
        self._lab = lab
        self._tap: Tap | None = None
        self._tapped: Call | None = None
        self._sound: Playback | None = None
        self._coming: asyncio.Queue[Call] = asyncio.Queue()
        self._texts: asyncio.Queue[SipRequest] = asyncio.Queue()
        app = App("phone")
        app.call(self._on_call)
        app.message(self._texts.put)
        app.refer(self._on_refer)
        server.apps.add(app)

    @property
    def address(self) -> str:
        """Where it can be called, ``"ip:port"``."""
        return self.server.engine.core.sip_addresses()[0]

    @property
    def uri(self) -> str:
        """How it can be called."""
        return f"sip:{self.name}@{self.address}"

    # Calling

    async def dial(self, uri: str, *, headers: Iterable[tuple[str, str]] = ()) -> Call:
        """Begins to call, and returns at once. The host of the URI is a name or an address of the lab."""
        host = SipUri.parse(uri)
        self.line = await self.server.place(
            uri,
            destination=self._lab.resolve(host.host, host.port),
            from_name=self.name,
            from_uri=self.uri,
            headers=headers,
        )
        return self.line

    async def call(self, uri: str, *, headers: Iterable[tuple[str, str]] = (), timeout: float = 60.0) -> Call:
        """Calls, and returns when answered. Raises CallFailed."""
        call = await self.dial(uri, headers=headers)
        async with asyncio.timeout(timeout):
            await call.wait_answered()
        self._listen(call)
        return call

    async def ringing(self) -> Call:
        """Waits until somebody calls, and lets it ring."""
        call = await self._coming.get()
        await call.ring()
        self.line = call
        return call

    async def hang_up(self) -> None:
        """Ends the call, or takes it back before the answer."""
        await self._up().hangup()

    async def vanish(self) -> None:
        """Pulls the plug: not a word is said, and nothing is heard from then on."""
        self.server.engine.close()

    async def ended(self) -> EndReason:
        """Waits until the call is over."""
        return await self._up().wait_ended()

    # Texts and other requests

    async def request(
        self,
        method: str,
        uri: str,
        *,
        body: bytes | str | None = None,
        content_type: str = "text/plain",
        headers: Iterable[tuple[str, str]] = (),
    ) -> SipResponse:
        """Sends a request outside any call, and returns its answer. Within the call it is
        ``phone.line.request()``."""
        host = SipUri.parse(uri)
        return await self.server.request(
            method,
            uri,
            destination=self._lab.resolve(host.host, host.port),
            from_name=self.name,
            from_uri=self.uri,
            body=body,
            content_type=content_type,
            headers=headers,
        )

    async def send_message(self, uri: str, text: str) -> SipResponse:
        """Sends a text outside any call."""
        return await self.request("MESSAGE", uri, body=text, content_type="text/plain;charset=UTF-8")

    async def message(self) -> SipRequest:
        """Waits for the next text that comes, in a call or outside."""
        return await self._texts.get()

    @property
    def link(self) -> str | None:
        """The control page that the other side gave, from ``u=`` in its SDP."""
        return self._up().peer_link

    @property
    def headers(self) -> Headers:
        """The header fields of the answer."""
        return self._up().headers

    # Speaking

    def tone(self, hz: int, *, level: int = -12) -> None:
        """Speaks a tone of ``hz`` hertz at ``level`` dBov from now on, instead of what it spoke before."""
        self.say(Prompt.tone(f"sine:{hz}:1000:{level}"), repeat=0)

    def say(self, sound: Sound, *, repeat: int = 1) -> Playback:
        """Speaks a sound: a prompt, or the path of a WAV file. ``repeat=0``: until told otherwise."""
        self.silence()
        self._sound = self._up().start_play(sound, repeat=repeat)
        return self._sound

    def silence(self) -> None:
        """Speaks no more."""
        if self._sound is not None:
            self._sound.cancel()
            self._sound = None

    async def key(self, keys: str, *, method: DigitMethod = "agreed") -> None:
        """Presses keys; returns after the last. ``method`` as for :meth:`Call.send_digits()
        <sems.audio.media.CallMedia.send_digits>`."""
        await self._up().send_digits(keys, method=method)

    async def hold(self, on: bool = True) -> None:
        """Puts the other side on hold, or takes it back."""
        await self._up().hold(on)

    # Listening

    async def hear(self, seconds: float = 1.0) -> Hearing:
        """Listens for so long, from now on. Works as well in early media, after :meth:`dial`."""
        tap = self._listen(self._up())
        tap.read()
        heard = array("h")
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            await asyncio.sleep(min(left, _READ_EVERY))
            heard.frombytes(tap.read())
        return Hearing(heard[: round(seconds * RATE)])

    async def hear_all(self, most: float = 300.0) -> Hearing:
        """Listens until the call is over, or for ``most`` seconds."""
        call = self._up()
        tap = self._listen(call)
        heard = array("h")
        loop = asyncio.get_running_loop()
        end = loop.time() + most
        while call.end is None and (left := end - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, _READ_EVERY)):
                    await call.wait_ended()
            except TimeoutError:
                pass
            heard.frombytes(tap.read())
        return Hearing(heard)

    def _listen(self, call: Call) -> Tap:
        if self._tap is None or self._tapped is not call:
            self._tap, self._tapped = call.tap("in"), call
        return self._tap

    def _up(self) -> Call:
        if self.line is None:
            raise RuntimeError(f"{self.name} is in no call")
        return self.line

    async def _on_refer(self, refer: Refer) -> None:
        """Does what it is told by whom it speaks with: its line is the new call then."""
        if refer.call is None or refer.call is not self.line:
            return
        self.line = await refer.follow(from_name=self.name, from_uri=self.uri)

    async def _on_call(self, call: Call) -> None:
        await self._coming.put(call)
        await call.wait_ended()


def phone_config(name: str, data: Path) -> Config:
    """A phone's configuration: whatever comes in is for the phone, which has a telephone's codecs."""
    return Config.model_validate(
        {
            "data": data / name,
            "rtp_timeout": 0,
            "routes": [{"app": "phone"}],
            "audio": {"codecs": ["PCMU", "PCMA"]},
        }
    )
