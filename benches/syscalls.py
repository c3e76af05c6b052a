#!/usr/bin/env python3
"""Which system calls a media thread makes: `benches/syscalls.py [--seconds N] [-- COMMAND …]`.

Runs `load` (or that command, which starts a SEMS server), lets strace follow the server's media threads
while calls go on, and prints what they called and how often. Ends with 1 if there is anything but I/O on
the calls' sockets, the clock, the wait for the next tick and the wake-ups of those who wait for it, or
nothing at all. Needs strace, and the right to trace.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOAD = ["cargo", "run", "--quiet", "--release", "--locked", "-p", "sems-benches", "--bin", "load", "--"]

IO = {"recvfrom", "recvmsg", "recvmmsg", "sendto", "sendmsg", "sendmmsg"}
"""Packets."""
ASIDE = {"ioctl", "connect"}
"""When the kernel saw a packet; a socket that takes from its peer alone."""
WAIT = {"ppoll", "read", "write", "clock_gettime", "restart_syscall"}
"""The next tick, and eventfds: read when woken, written to wake who reads events or files."""
TRACER = {"exit", "rt_sigreturn"}


def media_threads(parent: int) -> dict[int, str]:
    """Threads called sems-media-N of the processes that descend from this one."""
    children: dict[int, list[int]] = collections.defaultdict(list)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children[int(fields[1])].append(int(stat.parent.name))
    threads, look = {}, [parent]
    while look:
        process = look.pop()
        look += children[process]
        for task in Path(f"/proc/{process}/task").glob("*/comm"):
            try:
                name = task.read_text().strip()
            except OSError:
                continue
            if name.startswith("sems-media-"):
                threads[int(task.parent.name)] = name
    return threads


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=10, help="how long they are followed")
    parser.add_argument("--settle", type=float, default=6, help="how long after the start of the server")
    parser.add_argument("command", nargs="*", help="what to run instead of load")
    options = parser.parse_args()
    sems = ROOT / ".venv" / "bin" / "sems"
    seconds = str(int(options.settle + options.seconds + 5))
    command = options.command or [*LOAD, "--sems", str(sems), "--seconds", seconds, "conference:30"]
    load = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        threads: dict[int, str] = {}
        while not threads:
            if load.poll() is not None:
                print("it has ended without a media thread", file=sys.stderr)
                return 1
            time.sleep(0.1)
            threads = media_threads(load.pid)
        time.sleep(options.settle)
        with tempfile.TemporaryDirectory() as folder:
            trace = Path(folder) / "trace"
            words = ["strace", "-f", "-qq", "-o", str(trace)]
            words += [word for thread in threads for word in ("-p", str(thread))]
            strace = subprocess.Popen(words)
            time.sleep(options.seconds)
            strace.terminate()
            strace.wait()
            lines = trace.read_text(errors="replace").splitlines()
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(load.pid, 15)
        load.wait()
    counts: collections.Counter[str] = collections.Counter()
    odd = []
    for line in lines:
        thread, _, what = line.partition(" ")
        if int(thread) not in threads or not (found := re.match(r"(\w+)\(", what.strip())):
            continue
        counts[found[1]] += 1
        if found[1] not in IO | ASIDE | WAIT | TRACER:
            odd.append(what.strip())
    total = sum(counts.values())
    print(f"{', '.join(sorted(threads.values()))}: {total} system calls in {options.seconds:.0f} s")
    for name, count in counts.most_common():
        kind = "packets" if name in IO else "sockets" if name in ASIDE else "waits" if name in WAIT else ""
        print(f"  {name:16} {count:9}  {100 * count / total:5.1f} %  {kind or 'NOT I/O AND NOT THE CLOCK'}")
    for what in odd[:20]:
        print(f"  {what}")
    return int(bool(odd) or not counts.keys() & IO)


if __name__ == "__main__":
    sys.exit(main())
