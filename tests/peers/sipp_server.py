"""SIPp as a server that takes calls by a scenario."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from pathlib import Path
from types import TracebackType

from .ports import free_port
from .sipp import SCENARIOS, received


class SippServer:
    """`async with SippServer("answers", folder) as server:` takes calls at `server.port`."""

    def __init__(
        self,
        scenario: str,
        folder: Path,
        *,
        keys: dict[str, str] | None = None,
        tcp: bool = False,
        calls: int | None = None,
    ) -> None:
        """`calls`: how many it takes before it ends by itself."""
        self.scenario = scenario
        self.tcp = tcp
        self.port = free_port()
        self.folder = folder / f"sipp-{scenario}-{self.port}"
        self.keys = keys or {}
        self.calls = [] if calls is None else ["-m", str(calls)]

    async def __aenter__(self) -> SippServer:
        # Another process may be quicker to take one of the ports.
        for _ in range(3):
            if await self._started():
                return self
            self.port = free_port()
        raise AssertionError(f"SIPp ended with {self.process.returncode} before it had its port")

    async def _started(self) -> bool:
        program = shutil.which("sipp")
        assert program, "SIPp is not installed: run the tests by `make test`"
        self.folder.mkdir(parents=True, exist_ok=True)
        # SIPp wants to know a status when it reads the scenario, so we put in the words ourselves.
        text = (SCENARIOS / f"{self.scenario}.xml").read_text()
        for key, value in self.keys.items():
            text = text.replace(f"[{key}]", value)
        scenario = self.folder / "scenario.xml"
        scenario.write_text(text)
        self.process = await asyncio.create_subprocess_exec(
            program,
            *("-sf", str(scenario), "-i", "127.0.0.1", "-p", str(self.port)),
            *("-t", "t1" if self.tcp else "u1"),
            *("-mp", str(free_port(span=4)), "-nostdin", "-trace_err", "-trace_msg", *self.calls),
            cwd=self.folder,
            env=os.environ | {"TERM": "dumb"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        kind = socket.SOCK_STREAM if self.tcp else socket.SOCK_DGRAM
        return await is_bound(self.port, kind, self.process)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()
        if kind is not None:
            print(self.messages())

    @property
    def uri(self) -> str:
        """What is to be called."""
        return f"sip:bob@127.0.0.1:{self.port}"

    async def ended(self) -> None:
        """Waits until it has taken its calls; fails unless all went by the scenario."""
        async with asyncio.timeout(40):
            code = await self.process.wait()
        errors = "\n".join(file.read_text(errors="replace") for file in self.folder.glob("*errors.log"))
        assert code == 0, f"SIPp {self.scenario} ended with {code}:\n{errors}\n{self.messages()}"

    def messages(self) -> str:
        """All that it has sent and received."""
        return "\n".join(file.read_text(errors="replace") for file in self.folder.glob("*messages.log"))

    def received(self, method: str) -> list[str]:
        """The requests of that method that have come, as far as SIPp has written of them."""
        return [text for text in received(self.messages()) if text.startswith(f"{method} ")]


async def is_bound(port: int, kind: socket.SocketKind, process: asyncio.subprocess.Process) -> bool:
    """Waits until the process has taken a port of 127.0.0.1; whether it lives."""
    async with asyncio.timeout(30):
        while process.returncode is None:
            if _is_taken(port, kind):
                return True
            await asyncio.sleep(0.02)
    return False


def _is_taken(port: int, kind: socket.SocketKind) -> bool:
    """As the kernel lists it: to bind it for a moment would keep the process from it that is to take it."""
    table = Path("/proc/net", "tcp" if kind is socket.SOCK_STREAM else "udp").read_text()
    return any(line.split()[1].endswith(f":{port:04X}") for line in table.splitlines()[1:])
