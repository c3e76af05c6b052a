"""SIPp as a caller that follows a scenario to the letter."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

from .ports import free_port

SCENARIOS = Path(__file__).parent.parent / "interop" / "sipp"


async def run(
    scenario: str,
    sip_port: int,
    user: str,
    folder: Path,
    *,
    calls: int = 1,
    rate: int = 10,
    timeout: int = 30,
    keys: dict[str, object] | None = None,
    transport: str = "u1",
    address: str = "127.0.0.1",
    options: tuple[str, ...] = (),
) -> None:
    """Runs calls by `scenario` against `sip:user@127.0.0.1:sip_port`; fails with SIPp's own words.

    `keys` are what `[key]` in the scenario stands for. `transport` is SIPp's: `u1`, `t1` (all calls over one
    connection), `tn` (a connection each). `options` are more of SIPp's own.
    """
    program = shutil.which("sipp")
    assert program, "SIPp is not installed: run the tests by `make test`"
    work = folder / f"sipp-{scenario}"
    work.mkdir(parents=True, exist_ok=True)
    words = [word for key, value in (keys or {}).items() for word in ("-key", key, str(value))]
    process = await asyncio.create_subprocess_exec(
        program,
        *("-sf", str(SCENARIOS / f"{scenario}.xml"), "-s", user, "-i", address, "-p", str(free_port())),
        *("-t", transport, "-max_socket", "500"),
        *(
            "-m",
            str(calls),
            "-r",
            str(rate),
            "-l",
            str(max(calls, 1)),
            "-nostdin",
            "-timeout",
            f"{timeout}s",
            "-timeout_error",
        ),
        *words,
        *options,
        *("-mp", str(free_port(span=4)), "-trace_err", "-trace_msg", "-recv_timeout", "20000"),
        f"[{address}]:{sip_port}" if ":" in address else f"{address}:{sip_port}",
        cwd=work,
        env=os.environ | {"TERM": "dumb"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), timeout + 15)
    if process.returncode != 0:
        logs = "\n".join(file.read_text(errors="replace")[-6000:] for file in sorted(work.glob("*.log")))
        raise AssertionError(
            f"SIPp {scenario} ended with {process.returncode}:\n"
            f"{output.decode(errors='replace')[-2500:]}\n{logs}"
        )


def received(log: str) -> list[str]:
    """The messages that have come, by what SIPp has written of all. Each once: UDP sends again what a busy
    machine takes too long to answer (RFC 3261 §17)."""
    parts = log.split("-----------------------------------------------")
    texts = (part.partition("\n\n")[2] for part in parts if "message received" in part)
    return list(dict.fromkeys(texts))
