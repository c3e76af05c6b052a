"""linphone on the console as a phone: says a tone from a file, records what it hears."""

from __future__ import annotations

import asyncio
import codecs
import os
import re
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from .ports import free_port
from .tones import read_wav_at_8000, write_tone

CONFIG = """\
[sip]
sip_port={port}
sip_tcp_port={port}
sip_tls_port={tls_port}
verify_server_certs={verify}
verify_server_cn=0
root_ca={ca}
{sip}
[auth_info_0]
username=linphone
realm={realm}
passwd={password}
algorithm={algorithm}
[rtp]
audio_rtp_port={rtp_port}-{rtp_last}
{rtp}
[net]
dns_srv_enabled=0
[misc]
uuid=00000000-0000-0000-0000-000000000000
"""

ACCOUNT = """
[proxy_0]
reg_proxy=<sip:{account}>
reg_route=<sip:{account};lr>
reg_identity=sip:lin@127.0.0.1
reg_expires=600
reg_sendregister=1
publish=0
"""


class Linphone:
    """`async with Linphone(folder, "lin", hz=440) as lin: await lin.dial(uri)`.

    `account`: the address of a registrar, at which it registers as lin; only as a registered phone it
    subscribes to the conferences that it calls. `ca`: the file of the certificate that servers must show
    (whose addresses linphone can't read); None: any will do. `sip`, `rtp`: further lines of these sections
    of its configuration. `password`: a realm and its password there, for the name linphone, which it gives
    by `algorithm` only. `logs`: it writes down all that it does.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        hz: float = 440,
        *,
        account: str = "",
        ca: Path | None = None,
        sip: str = "",
        rtp: str = "",
        password: tuple[str, str] = ("", ""),
        algorithm: str = "MD5",
        logs: bool = False,
    ) -> None:
        self.name = name
        self.folder = folder / name
        (self.folder / ".local/share/linphone").mkdir(parents=True)
        self.heard = self.folder / "heard.wav"
        self.tone = write_tone(self.folder / "tone.wav", hz, 120)
        self.port = free_port(span=2)
        self.uri = f"sip:linphone@127.0.0.1:{self.port}"
        """What others dial to reach it."""
        rtp_port = free_port(span=10)
        config = CONFIG.format(
            port=self.port,
            tls_port=self.port + 1,
            verify=int(ca is not None),
            ca=ca or "",
            sip=sip,
            rtp=rtp,
            realm=password[0],
            password=password[1],
            algorithm=algorithm,
            rtp_port=rtp_port,
            rtp_last=rtp_port + 9,
        )
        if account:
            config += ACCOUNT.format(account=account)
        self.log = self.folder / "log" if logs else None
        self.rc = self.folder / "linphonerc"
        self.rc.write_text(config)
        self.said = ""
        self._changed = asyncio.Event()

    async def __aenter__(self) -> Linphone:
        program = shutil.which("linphonec")
        assert program, "linphone is not installed: run the tests by `make test`"
        self.process = await asyncio.create_subprocess_exec(
            program,
            *("-c", str(self.rc)),
            *(("-d", "6", "-l", str(self.log)) if self.log else ()),
            env=os.environ | {"HOME": str(self.folder)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        self._reader = asyncio.create_task(self._read())
        # Else it offers media of another family than SIP's, where that is the machine's only way out.
        await self.command("ipv6 disable")
        await self.command("soundcard use files")
        await self.says("Using wav files")
        await self.command(f"play {self.tone}")
        await self.command(f"record {self.heard}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            await self.command("quit")
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        await self._reader
        if kind is not None:
            print(f"--- {self.name}\n{self.said[-4000:]}")

    async def command(self, words: str) -> None:
        """A command of its console."""
        assert self.process.stdin
        self.process.stdin.write(f"{words}\n".encode())
        await self.process.stdin.drain()

    async def says(self, pattern: str, *, after: int = 0, timeout: float = 30) -> None:
        """Waits until its console says that."""

        async def wait() -> None:
            while not re.search(pattern, self.said[after:]):
                self._changed.clear()
                assert not self._reader.done(), self.said
                await self._changed.wait()

        try:
            await asyncio.wait_for(wait(), timeout)
        except TimeoutError:
            raise AssertionError(f"{self.name} did not say {pattern!r}:\n{self.said[-4000:]}") from None

    async def logged(self, pattern: str, timeout: float = 20) -> str:
        """Waits until that is in its log, and returns what was found."""
        assert self.log
        async with asyncio.timeout(timeout):
            while True:
                if found := re.search(pattern, self.log.read_text(errors="replace")):
                    return found[0]
                assert self.process.returncode is None, f"{self.name} has ended: {self.process.returncode}"
                await asyncio.sleep(0.05)

    async def dial(self, uri: str) -> None:
        """Calls and waits for the answer."""
        before = len(self.said)
        await self.command(f"call {uri}")
        await self.says(r"Call \d+ with .* connected|Media streams established", after=before)

    async def hang_up(self) -> None:
        """Ends the call."""
        before = len(self.said)
        await self.command("terminate")
        await self.says(r"Call \d+ with .* ended", after=before)

    def recording(self) -> Any:
        """What it heard, as 8 kHz samples."""
        return read_wav_at_8000(self.heard)

    async def _read(self) -> None:
        assert self.process.stdout
        # A piece may end in the middle of a letter.
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        while piece := await self.process.stdout.read(4096):
            self.said += decoder.decode(piece)
            self._changed.set()
        self._changed.set()
