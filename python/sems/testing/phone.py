"""A phone: the real engine at the other end of the line."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .. import checks
from ..app import App
from ..audio.keys import DigitMethod
from ..audio.pcm import samples
from ..audio.playback import Playback
from ..audio.sounds import Sound
from ..call import Call
from ..components import OWN_ALONE
from ..config import Config, config_of
from ..engine import Prompt
from ..events import Answered, CallEvent, Progress
from ..server import Server
from ..sip.headers import SipUri, split_host_port
from ..sip.requests import SipRequest, SipResponse
from ..sip.transfer import Refer, Transfer
from .ear import Ear
from .listening import PhoneListening
from .quality import check_quality

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from .lab import Lab


class Phone(PhoneListening):
    """A telephone with one line. Made by :meth:`Lab.phone() <sems.testing.Lab.phone>`.

    It takes what comes in when told to (:meth:`ringing`, then ``call.answer()``).

    >>> phone = await lab.phone("eve")
    >>> await phone.call("sip:mine@sems")
    >>> await phone.key("47#")
    >>> phone.tone(440)
    >>> heard = await phone.hear(0.5)
    >>> await phone.hang_up()
    """

    def __init__(self, lab: Lab, name: str, server: Server) -> None:
        self.name = name
        """What it shows to others, and its user part."""
        self.server = server
        """Its own engine."""
        self.line: Call | None = None
        """The call it is in, or was in last."""
        self.held: Call | None = None
        """The call that waits on hold while it is in another, after :meth:`consult`."""
        self._lab = lab
        self._ear: Ear | None = None
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
        checks.uri("uri", uri)
        host = SipUri.parse(uri)
        self.line = await self.server.place(
            uri,
            destination=self._lab.resolve(host.host, host.port),
            from_name=self.name,
            from_uri=self.uri,
            headers=headers,
        )
        self._take(self.line)
        return self.line

    async def call(self, uri: str, *, headers: Iterable[tuple[str, str]] = (), timeout: float = 60.0) -> Call:
        """Calls, and returns when answered. Raises CallFailed."""
        checks.seconds("timeout", timeout, more_than_0=True)
        call = await self.dial(uri, headers=headers)
        async with asyncio.timeout(timeout):
            await call.wait_answered()
        return call

    async def ringing(self) -> Call:
        """Waits until somebody calls, and lets it ring."""
        call = await self._coming.get()
        await call.ring()
        self._take(call)
        return call

    async def hang_up(self) -> None:
        """Ends the call, or takes it back before the answer."""
        await self._up().hangup()

    async def vanish(self) -> None:
        """Pulls the plug: not a word is said, and nothing is heard from then on."""
        self._hear_no_more()
        self.server.engine.close()

    def unplug(self) -> None:
        """For the lab: it listens no more."""
        self._hear_no_more()

    # Handing over

    async def consult(
        self, uri: str, *, headers: Iterable[tuple[str, str]] = (), timeout: float = 60.0
    ) -> Call:
        """Puts whom it speaks with on hold, calls somebody else, and returns when they have answered. With
        :meth:`transfer` the two are joined then; :meth:`resume` goes back. Raises CallFailed."""
        checks.uri("uri", uri)
        checks.seconds("timeout", timeout, more_than_0=True)
        fields = checks.headers(headers, may=checks.OPENING)
        held = self._up()
        await held.hold(True)
        self.held = held
        return await self.call(uri, headers=fields, timeout=timeout)

    async def resume(self) -> Call:
        """Hangs up, if it has not come to that already, and takes back who is on hold."""
        held = self._held()
        await self._up().hangup()
        self.held = None
        await held.hold(False)
        self._take(held)
        return held

    async def transfer(self, uri: str | None = None, *, timeout: float = 180.0) -> Transfer:
        """Hands over whom it speaks with to ``uri`` (blind), or whom it has on hold to whom it speaks with
        (attended, RFC 3891), and returns what came of it."""
        if uri is not None:
            checks.any_uri("uri", uri)
        checks.seconds("timeout", timeout, more_than_0=True)
        if uri is None:
            held, self.held = self._held(), None
            return await held.transfer(self._up(), timeout=timeout)
        return await self._up().transfer(uri, timeout=timeout)

    def _held(self) -> Call:
        if self.held is None:
            raise RuntimeError(f"{self.name} has nobody on hold: consult() comes first")
        return self.held

    # Its line

    def set_line(
        self,
        direction: Literal["out", "in", "both"] = "both",
        *,
        loss: float = 0.0,
        duplicate: float = 0.0,
        delay_ms: float = 1.0,
        jitter_ms: float = 0.0,
    ) -> None:
        """What the network does from now on to the datagrams that it sends (``out``), gets (``in``) or both,
        whatever :class:`Lab` says: it loses or doubles a share of them, 0.0–1.0; each takes ``delay_ms`` and
        up to ``jitter_ms`` more, so that they overtake each other. Which, the seed of the lab says."""
        checks.one_of("direction", direction, "out", "in", "both")
        check_quality(loss, duplicate, delay_ms, jitter_ms)
        host, _ = split_host_port(self.address)
        quality = {"loss": loss, "duplicate": duplicate, "delay_ms": delay_ms, "jitter_ms": jitter_ms}
        for ways, source, to in (("out", host, None), ("in", None, host)):
            if direction in (ways, "both"):
                self._lab.network.set_link(source, to, **quality)

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
        checks.uri("uri", uri)
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
        checks.text("text", text, lines=True)
        return await self.request("MESSAGE", uri, body=text, content_type="text/plain;charset=UTF-8")

    async def message(self) -> SipRequest:
        """Waits for the next text that comes, in a call or outside."""
        return await self._texts.get()

    # Speaking

    def tone(self, hz: int, *, level: int = -12) -> None:
        """Speaks a tone of ``hz`` hertz at ``level`` dBov from now on, instead of what it spoke before."""
        checks.whole("hz", hz, 1, 3999)
        checks.whole("level", level, -127, 0)
        self.say(Prompt.tone(f"sine:{hz}:1000:{level}"), repeat=0)

    def say(self, sound: Sound | Buffer, *, rate: int = 8000, repeat: int = 1) -> Playback:
        """Speaks a sound: the path of a WAV file, a prompt, or 16-bit mono samples of ``rate`` Hz in anything
        with a buffer. ``repeat=0``: until told otherwise."""
        checks.rate(rate)
        checks.whole("repeat", repeat, 0)
        if not isinstance(sound, Sound):
            sound = Prompt.from_pcm(samples("sound", sound).tobytes(), rate)
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

    async def hold(
        self, on: bool = True, *, direction: Literal["sendonly", "recvonly", "inactive"] = "sendonly"
    ) -> None:
        """Puts the other side on hold, or takes it back; ``direction`` as for :meth:`Call.hold()
        <sems.call.Call.hold>`."""
        await self._up().hold(on, direction=direction)

    def _up(self) -> Call:
        if self.line is None:
            raise RuntimeError(f"{self.name} is in no call")
        return self.line

    def _take(self, call: Call) -> None:
        """Its line is this one, to which it listens as soon as there is something to hear."""

        def on_event(event: CallEvent) -> None:
            if isinstance(event, Answered | Progress) and call.has_media and self.line is call:
                self._hear(call)

        self.line = call
        call.subscribe(on_event)
        if call.has_media:
            self._hear(call)

    async def _on_refer(self, refer: Refer) -> None:
        """Does what it is told by whom it speaks with: its line is the new call then."""
        if refer.call is None or refer.call is not self.line:
            return
        self._take(await refer.follow(from_name=self.name, from_uri=self.uri))

    async def _on_call(self, call: Call) -> None:
        await self._coming.put(call)
        await call.wait_ended()


def phone_config(name: str, data: Path, **settings: Any) -> Config:
    """A phone's configuration: whatever comes in is for the phone, which has a telephone's codecs."""
    usual = {
        "data": data / name,
        "rtp_timeout": 0,
        "routes": [{"app": "phone"}],
        "components": OWN_ALONE,
        "audio": {"codecs": ["PCMU", "PCMA"]},
    }
    return config_of({**usual, **settings}, "lab.phone()")
