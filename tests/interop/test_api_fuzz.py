"""The API against its own OpenAPI document: whatever is sent, the server does not fail."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from peers.ports import free_port
from peers.sems_server import SemsServer
from sems import Config, Server
from sems.plugins import Apps

#: How much is tried of each operation; `make proof` tries more.
EXAMPLES = int(os.environ.get("SEMS_API_EXAMPLES", "8"))


def attack(url: str, headers: dict[str, str], answers: Counter[int]) -> list[str]:
    """What went wrong, one line each. ``answers`` counts what was answered."""
    faults: list[str] = []
    for result in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations():
        operation = result.ok()
        # A stream has no end to wait for, and without anybody in it there is no conference.
        if operation.path.endswith("/events") or operation.label.startswith(
            "DELETE /conferences/{name}/part"
        ):
            continue

        @given(case=operation.as_strategy())
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
            if "name" in case.path_parameters:
                case.path_parameters["name"] = "standup"
            if "participant" in case.path_parameters:
                case.path_parameters["participant"] = "2"
            response = case.call(base_url=url, timeout=10)
            answers[response.status_code] += 1
            if response.status_code >= 500:
                faults.append(f"{case.method} {case.formatted_path}: {response.status_code} {response.text}")

        send()
    return faults


@pytest.mark.parametrize("who", ["participant", "operator"])
async def test_nothing_that_fits_the_document_makes_the_server_fail(tmp_path: Path, who: str) -> None:
    limits = "[api]\nrequests_per_second = 0\n[rooms.default]\nmoderator = 'everyone'\n"
    low = free_port(span=100)
    there = Config(host="127.0.0.1", sip_port=0, rtp_ports=(low, low + 99), data=tmp_path / "phones")
    async with SemsServer(tmp_path, config=limits) as server, Server(there, apps=Apps(), web=False) as phones:
        for name in ("Anna", "Ben"):
            call = await phones.dial(server.uri("standup"), from_name=name, timeout=10)
        assert call.peer_link
        url, headers = server.url("/api/v1"), {"Authorization": f"Bearer {server.operator_token}"}
        if who == "participant":
            url, headers = f"{call.peer_link}/api/v1", {}
        answers: Counter[int] = Counter()
        faults = await asyncio.to_thread(attack, url, headers, answers)
        assert not faults, "\n".join(sorted(set(faults)))
        assert "Traceback" not in server.text()
        assert answers[200] > answers.total() / 10, answers
