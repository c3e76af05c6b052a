"""A `sems run` of its own: free ports, its own data folder, waited for and ended properly."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import sys
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any

from .ports import free_port


class SemsServer:
    """`async with SemsServer(tmp_path, "app.py", config="...") as server:` — a real process."""

    def __init__(
        self, folder: Path, *arguments: str, config: str = "", env: dict[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.arguments = arguments
        self.sip_port = free_port(span=2)
        self.http_port = free_port()
        low = free_port(span=600)
        self.rtp_ports = (low, low + 599)
        self.config = folder / "sems.toml"
        self.config.write_text(config + '\n[operator]\ntoken = "operator-for-tests"\n')
        self.log: list[str] = []
        self.env = env or {}
        self._changed = asyncio.Event()

    @property
    def operator_token(self) -> str:
        return "operator-for-tests"

    def uri(self, user: str, transport: str = "udp") -> str:
        """What a phone dials."""
        port = self.sip_port + (transport == "tls")
        parameter = "" if transport == "udp" else f";transport={transport}"
        return f"sip:{user}@127.0.0.1:{port}{parameter}"

    @property
    def certificate(self) -> Path:
        """The certificate that it has made for itself."""
        return self.folder / "data/tls/certificate.pem"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """What a browser opens."""
        return f"http://{host}:{self.http_port}{path}"

    async def __aenter__(self) -> SemsServer:
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "sems", "run", "--host", "127.0.0.1", "--config", str(self.config)),
            *("--sip-port", str(self.sip_port), "--http-port", str(self.http_port)),
            *("--rtp-ports", f"{self.rtp_ports[0]}-{self.rtp_ports[1]}", "--data", str(self.folder / "data")),
            *self.arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            stdin=asyncio.subprocess.DEVNULL,
            env=os.environ | {"PYTHONUNBUFFERED": "1"} | self.env,
        )
        self._reader = asyncio.create_task(self._read())
        await self.logged(r"calls are taken", timeout=60)
        assert (await self.get("/healthz"))[0] == 200
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGINT)
            try:
                await asyncio.wait_for(self.process.wait(), 10)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
                raise AssertionError(
                    "sems did not end within ten seconds of Ctrl-C:\n" + self.text()
                ) from None
        await self._reader
        if kind is not None:
            print(self.text())

    def text(self) -> str:
        """All that the server has said."""
        return "".join(self.log)

    async def logged(self, pattern: str, timeout: float = 20, times: int = 1) -> re.Match[str]:
        """Waits until so many lines of the log match; the last of them."""

        async def wait() -> re.Match[str]:
            while True:
                self._changed.clear()
                found = [each for line in self.log if (each := re.search(pattern, line))]
                if len(found) >= times:
                    return found[times - 1]
                if self._reader.done():
                    raise AssertionError(f"sems ended before it said {pattern!r}:\n" + self.text())
                await self._changed.wait()

        try:
            return await asyncio.wait_for(wait(), timeout)
        except TimeoutError:
            raise AssertionError(
                f"sems did not say {pattern!r} within {timeout} s:\n" + self.text()
            ) from None

    async def get(self, path: str, token: str | None = None) -> tuple[int, str]:
        """Status and body of a GET."""
        return await self.request("GET", path, token=token)

    async def request(
        self, method: str, path: str, body: Any = None, token: str | None = None
    ) -> tuple[int, str]:
        """Status and body of a request; `body` is sent as JSON, `token` as bearer."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(self.url(path), data=data, headers=headers, method=method)

        def send() -> tuple[int, str]:
            try:
                with urllib.request.urlopen(request, timeout=20) as response:
                    return response.status, response.read().decode()
            except urllib.error.HTTPError as error:
                return error.code, error.read().decode()

        return await asyncio.to_thread(send)

    async def operator(self, path: str) -> Any:
        """JSON of an operator's GET under /api/v1."""
        status, body = await self.get("/api/v1" + path, token=self.operator_token)
        assert status == 200, (path, status, body)
        return json.loads(body)

    async def _read(self) -> None:
        assert self.process.stdout
        async for line in self.process.stdout:
            self.log.append(line.decode(errors="replace"))
            self._changed.set()
        await self.process.wait()
        self._changed.set()
