"""A PostgreSQL of one's own: a cluster in a folder, started for a test and gone after it."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from .ports import free_port

_USER = "postgres"


class PostgreSql:
    """As a context manager it runs, with an empty database."""

    def __init__(self) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="sems-pg-"))
        self._folder = self._home / "data"
        self.port = free_port()
        self._programs = max(
            Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name)
        )
        self._databases = 0
        self._running: subprocess.Popen[bytes] | None = None

    def database(self) -> str:
        """The address of a new, empty database."""
        self._databases += 1
        name = f"test{self._databases}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "sems", name)
        return f"postgresql://sems@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """Ends it, whoever is connected."""
        if self._running is not None:
            self._running.send_signal(signal.SIGINT)
            self._running.wait(60)
            self._running = None

    def start(self) -> None:
        """Starts it, with what was there before."""
        # What lasts is not what is tested here, and a busy disk takes long.
        options = ["-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "shared_buffers=16MB"]
        place = ["-D", str(self._folder), "-p", str(self.port), "-k", str(self._home)]
        command = self._command("postgres", *place, *options)
        with open(self._home / "log", "a") as log:
            self._running = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd="/"
            )
        ready = self._command("pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port))
        deadline = time.monotonic() + 60
        while subprocess.run(ready, cwd="/", timeout=60).returncode != 0:
            assert self._running.poll() is None, (self._home / "log").read_text()
            assert time.monotonic() < deadline, (self._home / "log").read_text()
            time.sleep(0.05)

    def __enter__(self) -> Self:
        if os.geteuid() == 0:
            # It refuses to run as root.
            user = pwd.getpwnam(_USER)
            os.chown(self._home, user.pw_uid, user.pw_gid)
        self._run("initdb", "-D", str(self._folder), "-U", "sems", "-A", "trust", "-N", "-E", "UTF8")
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self._home, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            self._command(program, *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd="/",
            timeout=60,
        )
        assert done.returncode == 0, done.stdout

    def _command(self, program: str, *arguments: str) -> list[str]:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() != 0:
            return command
        # It needs /dev/null, which is root's alone on some machines.
        known = [f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"]
        return ["setpriv", *known, "--inh-caps=+dac_override", "--ambient-caps=+dac_override", "--", *command]
