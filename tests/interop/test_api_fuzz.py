"""The API against its own OpenAPI document, over the wire: whatever is sent, the server does not fail."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import Counter
from pathlib import Path
from zlib import crc32

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from odd_requests import Odd, Part, drawn, odd_requests, operations
from peers.ports import free_port
from peers.sems_server import SemsServer
from sems import Config, Server
from sems.plugins import Apps

#: How much is tried of each operation; `make proof` tries more.
EXAMPLES = int(os.environ.get("SEMS_API_EXAMPLES", "1"))
#: What ends what others need, and so comes last.
LAST = ("removeParticipant", "hangUp")
CONFIG = """
[api]
requests_per_second = 0
[rooms.default]
moderator = "everyone"
[boxes.anna]
pin = "2580"
"""
#: What stands in the path for what.
REAL = {"name": "standup", "participant": "2"}


def attack(url: str, headers: dict[str, str], answers: Counter[int]) -> list[str]:
    """What went wrong, one line each. ``answers`` counts what was answered."""
    faults: list[str] = []
    found = schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations()
    everything = [each.ok() for each in found]
    for operation in sorted(everything, key=lambda each: each.definition.raw["operationId"] in LAST):
        for mode in GenerationMode:

            @given(case=operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
                database=None,
                derandomize=True,
            )
            def send(case: schemathesis.Case) -> None:
                case.headers = {**(case.headers or {}), **headers}
                named = REAL.keys() & case.path_parameters
                case.path_parameters = {**case.path_parameters, **{name: REAL[name] for name in named}}
                wanted = case.as_transport_kwargs(base_url=url)
                with requests.request(**wanted, timeout=10, stream=True) as response:
                    kind = response.headers.get("content-type", "")
                    body = next(response.iter_content(64), b"") if "stream" in kind else response.content
                answers[response.status_code] += 1
                known = {*case.operation.definition.raw["responses"], "404", "405"} - {"500"}
                if str(response.status_code) not in known:
                    faults.append(f"{case.method} {case.formatted_path}: {response.status_code} {body!r}")

            # Where nothing is taken, nothing can be wrong.
            with contextlib.suppress(Unsatisfiable):
                send()
    return faults


async def on_the_wire(server: SemsServer, odd: Odd, credential: bytes) -> int:
    """Sends it as it is, byte for byte. The status; 0: the connection was closed without a word."""
    real = {**REAL, "name": "retro"}
    segments = [
        (real.get(each.name, "1").encode() if isinstance(each.choice, int) else each.choice)
        if isinstance(each, Part)
        else each
        for each in odd.path
    ]
    path = b"/api/v1/" + b"/".join(segments) + (b"?" + odd.query if odd.query else b"")
    fields = [(b"host", b"127.0.0.1"), (b"authorization", b"Bearer " + credential), (b"connection", b"close")]
    if odd.body:
        fields.append((b"content-length", b"%d" % len(odd.body)))
    head = [b"%s %s HTTP/1.1" % (odd.method.encode(), path)]
    head += [name + b": " + value for name, value in (*fields, *odd.headers)]
    reader, writer = await asyncio.open_connection("127.0.0.1", server.http_port)
    try:
        async with asyncio.timeout(10):
            writer.write(b"\r\n".join(head) + b"\r\n\r\n" + odd.body)
            # The server may have answered already, and be gone.
            with contextlib.suppress(OSError):
                writer.write_eof()
            line = await reader.readline()
    except ConnectionError:
        line = b""
    finally:
        writer.close()
    return int(line.split()[1]) if line else 0


@pytest.mark.timeout(600)
async def test_nothing_that_is_sent_makes_the_server_fail(tmp_path: Path) -> None:
    low = free_port(span=100)
    there = Config(host="127.0.0.1", sip_port=0, rtp_ports=(low, low + 99), data=tmp_path / "phones")
    async with SemsServer(tmp_path, config=CONFIG) as server, Server(there, apps=Apps(), web=False) as phones:

        async def arrive(room: str) -> str:
            for name in ("Anna", "Ben", "Cleo"):
                call = await phones.dial(server.uri(room), from_name=name, timeout=10)
            assert call.peer_link
            return call.peer_link

        link = await arrive(REAL["name"])
        bearer = {"Authorization": f"Bearer {server.operator_token}"}
        for url, headers in ((f"{link}/api/v1", {}), (server.url("/api/v1"), bearer)):
            answers: Counter[int] = Counter()
            faults = await asyncio.to_thread(attack, url, headers, answers)
            assert not faults, "\n".join(sorted(set(faults)))
            assert answers[200] > answers.total() / 10, answers
        link = await arrive("retro")
        document = json.loads((await server.get("/api/v1/openapi.json"))[1])
        odds = [
            odd
            for method, path, operation in operations(document)
            for odd in drawn(
                odd_requests(document, method, path, operation), EXAMPLES, crc32(f"{path} {method}".encode())
            )
        ]
        credentials = (link.rpartition("/")[2].encode(), server.operator_token.encode(), b"nobody")
        answers = Counter()
        for number, odd in enumerate(odds):
            status = await on_the_wire(server, odd, credentials[number % 3])
            assert status < 500, odd
            answers[status] += 1
        assert answers.keys() >= {200, 401, 403, 404, 405}, answers
        assert (await server.get("/healthz"))[0] == 200
        assert "Traceback" not in server.text()
