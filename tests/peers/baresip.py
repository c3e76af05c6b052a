"""baresip as a phone: speaks a tone, records what it hears, steered over its control socket."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import time
from array import array
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .ports import free_port
from .tones import read_wav, tone_level, write_tone

CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip_port}
rtp_ports {rtp_port}-{rtp_last}
audio_source aufile,{tone}
audio_player aubridge,{name}
audio_alert aubridge,{name}
ausrc_srate {rate}
auplay_srate {rate}
ausrc_channels 1
auplay_channels 1
opus_stereo no
opus_sprop_stereo no
opus_inbandfec yes
jitter_buffer_delay 1-5
call_local_timeout 120
call_max_calls 4
module_path {modules}
module g711.so
module g722.so
module opus.so
module gsm.so
module aufile.so
module aubridge.so
module sndfile.so
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control_port}
snd_path {folder}
"""

MODULES = ("/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules", "/usr/lib64/baresip/modules")


RATES = {"pcmu": "8000/1", "pcma": "8000/1", "g722": "16000/1", "opus": "48000/1", "gsm": "8000/1"}
"""Sampling rate and channels of the codecs, as baresip names them."""


class Baresip:
    """`async with Baresip(folder, "Anna", hz=440) as anna: await anna.dial(uri)`."""

    def __init__(
        self,
        folder: Path,
        name: str,
        hz: float | tuple[float, ...] = 440,
        *,
        answers: bool = False,
        codec: str = "pcmu",
        transport: str = "udp",
        ca: Path | None = None,
        certificate: Path | None = None,
        watches: str | None = None,
        writes_to: str | None = None,
        takes_texts: bool = True,
        shows_texts: bool = False,
        shows_messages: bool = False,
        registrar: str | None = None,
        password: str = "",
    ) -> None:
        """`ca`: whose certificates a server must show over TLS; `certificate`: what it shows itself, with
        its key; `watches`: whose presence it subscribes to; `writes_to`: whom its
        command `message` is for; `takes_texts`: without that
        it refuses texts, and has no commands; `shows_texts`: they stand in its log; `shows_messages`: so
        does each message of SIP; `registrar`: the host
        and port where it registers, with its name as user."""
        self.name = name
        self.rate = int(RATES[codec].split("/")[0])
        """Samples a second of what it says and hears."""
        self.user = name.lower().replace(" ", "-")
        self.folder = folder / self.user
        self.folder.mkdir(parents=True)
        self.sip_port = free_port(span=2)
        self.control_port = free_port()
        rtp_port = free_port(span=10)
        config = CONFIG.format(
            sip_port=self.sip_port,
            control_port=self.control_port,
            rtp_port=rtp_port,
            rtp_last=rtp_port + 9,
            tone=write_tone(self.folder / "tone.wav", hz, 120, rate=self.rate),
            rate=self.rate,
            name=self.user,
            folder=self.folder,
            modules=next(path for path in MODULES if Path(path).is_dir()),
        )
        if not takes_texts:
            config = config.replace("module_app menu.so\n", "")
        if shows_texts:
            config += "module stdio.so\n"
        if watches is not None:
            config += "module_app contact.so\nmodule_app presence.so\n"
            (self.folder / "contacts").write_text(f"<{watches}>;presence=p2p\n")
        if writes_to is not None:
            config += "module_app contact.so\n"
            (self.folder / "contacts").write_text(f"<{writes_to}>\n")
        config += f"sip_cafile {ca}\n" if ca else ""
        config += f"sip_certificate {certificate}\n" if certificate else ""
        port = self.sip_port + (transport == "tls")
        self.uri = f"sip:{self.user}@127.0.0.1:{port}"
        """What others dial to reach it."""
        if transport != "udp":
            self.uri += f";transport={transport}"
        mode = "auto" if answers else "manual"
        account, registering, secret = self.uri, 0, ""
        if registrar is not None:
            account, registering = f"sip:{self.user}@{registrar};transport={transport}", 60
            secret = f";auth_pass={password}"
        (self.folder / "config").write_text(config)
        (self.folder / "accounts").write_text(
            f'"{name}" <{account}>;regint={registering};answermode={mode};audio_codecs={codec}/{RATES[codec]}'
            f"{secret}\n"
        )
        self._shows = shows_texts
        self._options = ["-s"] if shows_messages else []
        self.events: list[dict[str, Any]] = []
        self._dialled = 0
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Self:
        program = shutil.which("baresip")
        assert program, "baresip is not installed: run the tests by `make test`"
        self._log = open(self.folder / "baresip.log", "wb")  # noqa: SIM115 — closed in __aexit__
        self.process = await asyncio.create_subprocess_exec(
            program,
            "-f",
            str(self.folder),
            *self._options,
            stdin=asyncio.subprocess.PIPE if self._shows else asyncio.subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
        )
        async with asyncio.timeout(30):
            while True:
                try:
                    self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.control_port)
                    break
                except ConnectionRefusedError:
                    # It has no other sign of being ready: its socket appears, or the process ends.
                    assert self.process.returncode is None, self.log()
                    await asyncio.sleep(0.02)
        self._task = asyncio.create_task(self._read())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        self._writer.close()
        await self._task
        self._log.close()
        if kind is not None:
            print(f"--- {self.name}\n{self.log()[-3000:]}\n{self.events}")

    def log(self) -> str:
        """All that baresip has said."""
        return (self.folder / "baresip.log").read_text(errors="replace")

    async def command(self, name: str, params: str = "") -> None:
        """A command of baresip's menu, such as dial, hangup, hold, resume."""
        body = json.dumps({"command": name, "params": params, "token": name}).encode()
        self._writer.write(b"%d:%s," % (len(body), body))
        await self._writer.drain()

    async def event(self, kind: str, timeout: float = 20, after: int = 0) -> dict[str, Any]:
        """Waits for an event of that type, such as CALL_ESTABLISHED or CALL_CLOSED."""

        async def wait() -> dict[str, Any]:
            while True:
                self._changed.clear()
                for event in self.events[after:]:
                    if event.get("type") == kind:
                        return event
                await self._changed.wait()

        try:
            return await asyncio.wait_for(wait(), timeout)
        except TimeoutError:
            raise AssertionError(
                f"{self.name} saw no {kind} within {timeout} s: {self.events}\n{self.log()[-2000:]}"
            ) from None

    async def dial(self, uri: str) -> None:
        """Calls and waits for the answer."""
        seen, self._dialled = len(self.events), len(self.log())
        await self.command("dial", uri)
        await self.event("CALL_ESTABLISHED", after=seen)

    async def hang_up(self) -> None:
        """Ends the call."""
        seen = len(self.events)
        await self.command("hangup")
        await self.event("CALL_CLOSED", after=seen)

    async def key(self, digits: str) -> None:
        """Presses keys, sent as RFC 4733 events."""
        await self.command("sndcode", digits)

    def recording(self, which: str = "dec") -> Any:
        """What it heard in its last call (`dec`), or what it said (`enc`), at its rate."""
        return read_wav(sorted(self.folder.glob(f"dump-*-{which}.wav"))[-1], self.rate)

    def heard(self) -> array[int]:
        """What it has heard in its call until now, at its rate: a file that grows while it listens."""
        if (path := self._ears()) is None:
            return array("h")
        pieces = path.read_bytes()
        begin = pieces.find(b"data") + 8
        return array("h", pieces[begin : begin + (len(pieces) - begin) // 2 * 2])

    def _ears(self) -> Path | None:
        """The file for what it hears: one before the answer, if it hears something then, and one after it."""
        files = re.findall(r"dumping decode audio to (\S+)", self.log()[self._dialled :])
        return Path(files[-1]) if files else None

    async def hears_mix(self, mix: Mapping[float, float | None], within: float = 1.5) -> None:
        """Waits until for half a second each of these tones is as loud as this, in dBov, within so many dB;
        ``None``: it is below −70. (What is done elsewhere is seen there before it is heard, since two phones
        hold back what comes, each for as long as it thinks right.)"""

        def good(levels: Mapping[float, float]) -> bool:
            return all(
                level < -70 if wanted is None else abs(level - wanted) < within
                for level, wanted in zip(levels.values(), mix.values(), strict=True)
            )

        await self._hears(mix, good, f"not {dict(mix)}")

    async def hears_these(self, tones: Iterable[float], not_these: Iterable[float] = ()) -> None:
        """Waits until for half a second each of these tones stands out, louder than −35 dBov, and none of the
        others is louder than −50."""
        loud, others = set(tones), set(not_these)

        def good(levels: Mapping[float, float]) -> bool:
            return all(level > -35 if hz in loud else level < -50 for hz, level in levels.items())

        await self._hears(loud | others, good, f"not {loud} without {others}")

    async def _hears(
        self, tones: Iterable[float], good: Callable[[Mapping[float, float]], bool], instead: str
    ) -> None:
        """Waits until what comes from now on is good for half a second, by the levels of these tones in dBov
        in most of its tenths: a packet that a busy machine makes late splashes over all, but once."""
        tenth, file, at = self.rate // 10, self._ears(), len(self.heard())
        pieces: list[dict[float, float]] = []
        levels: dict[float, float] = {}
        end = time.monotonic() + 20
        while True:
            if (now := self._ears()) != file:
                file, at = now, 0
            sound = self.heard()
            while at + tenth <= len(sound):
                piece = sound[at : at + tenth]
                pieces = [*pieces[-4:], {hz: tone_level(piece, hz, self.rate) for hz in tones}]
                at += tenth
                levels = {hz: statistics.median(each[hz] for each in pieces) for hz in tones}
                if len(pieces) == 5 and good(levels):
                    return
            assert time.monotonic() < end, (
                f"{self.name} hears {levels}, {instead}: {self.events}\n{self.log()[-2000:]}"
            )
            await asyncio.sleep(0.02)  # a file has no other sign of growing

    async def says(self, pattern: str, timeout: float = 20) -> None:
        """Waits until its log has that, for what it tells by no event."""
        for _ in range(round(timeout / 0.02)):
            if re.search(pattern, self.log()):
                return
            await asyncio.sleep(0.02)
        raise AssertionError(f"{self.name} did not say {pattern!r}:\n{self.log()[-2000:]}")

    async def receives(self) -> None:
        """Waits until its own meter, which shows the mean of some seconds, says that audio arrives."""
        before = len(self.log())
        for _ in range(200):
            if re.search(r"audio=\d+/[1-9]", self.log()[before:]):
                return
            await asyncio.sleep(0.1)  # the meter is a text that is drawn again and again
        raise AssertionError(f"{self.name} receives nothing:\n{self.log()[-500:]}")

    async def _read(self) -> None:
        try:
            while True:
                size = int((await self._reader.readuntil(b":"))[:-1])
                message = json.loads(await self._reader.readexactly(size))
                await self._reader.readexactly(1)
                self.events.append(message)
                self._changed.set()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            self._changed.set()
