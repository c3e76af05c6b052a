"""dnsmasq as a name server of its own zone."""

from __future__ import annotations

import asyncio
import shutil
import socket
from pathlib import Path
from types import TracebackType

from .ports import free_port
from .sipp_server import is_bound


class Dnsmasq:
    """`async with Dnsmasq(folder, "host-record=pbx.test,127.0.0.1") as dns:` answers at `dns.address`.

    Each record is a line of its configuration. It knows all of `.test` and nothing else.
    """

    def __init__(self, folder: Path, *records: str) -> None:
        self.port = free_port()
        self.file = folder / "dnsmasq.conf"
        self.log = folder / "dnsmasq.log"
        lines = [
            *(f"port={self.port}", "listen-address=127.0.0.1", "bind-interfaces", "local=/test/"),
            *("no-resolv", "no-hosts", "no-daemon", "pid-file=", "local-ttl=60", "log-queries"),
            *(f"log-facility={self.log}", "user=", "group="),
            *records,
        ]
        self.file.write_text("\n".join(lines) + "\n")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def __aenter__(self) -> Dnsmasq:
        program = shutil.which("dnsmasq") or shutil.which("dnsmasq", path="/usr/sbin")
        assert program, "dnsmasq is not installed: run the tests by `make test`"
        self.process = await asyncio.create_subprocess_exec(program, f"--conf-file={self.file}")
        assert await is_bound(self.port, socket.SOCK_STREAM, self.process), "dnsmasq has ended"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        if kind is not None:
            print(self.log.read_text())

    def queries(self) -> list[str]:
        """What it was asked, such as `NAPTR pbx.test`."""
        lines = [line.partition("query[")[2] for line in self.log.read_text().splitlines()]
        return [line.replace("]", "").rpartition(" from ")[0] for line in lines if line]
