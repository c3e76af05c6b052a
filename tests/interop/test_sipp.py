"""What SIPp, following its scenarios to the letter, sees of us."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from peers import sipp
from peers.sems_server import SemsServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SemsServer]:
    async with SemsServer(tmp_path_factory.mktemp("sems")) as server:
        yield server


async def nothing_left(server: SemsServer) -> None:
    """All calls are gone from the operator's list, with their legs and ports."""
    for _ in range(200):
        stats = (await server.operator("/stats"))["counters"]
        if stats["calls"] == stats["legs"] == stats["rtp_ports"] == 0:
            return
        await asyncio.sleep(0.1)  # the last BYE has been answered; its leg goes at the next tick
    raise AssertionError(stats)


@pytest.mark.parametrize(
    ("scenario", "user"),
    [
        ("call", "standup"),
        ("plain", "echo"),
        ("plain", "announcement"),
        ("cancel", "ring"),
        ("hold", "echo"),
        ("late_offer", "echo"),
        ("video_refused", "echo"),
        ("unsupported_codec", "echo"),
        ("options", "echo"),
        ("method_unknown", "echo"),
        ("method_not_allowed", "echo"),
        ("bye_without_dialog", "echo"),
        ("extension_required", "echo"),
        ("body_type", "echo"),
        ("version", "echo"),
    ],
)
async def test_sipp_sees_what_the_rfc_says(
    server: SemsServer, tmp_path: Path, scenario: str, user: str
) -> None:
    await sipp.run(scenario, server.sip_port, user, tmp_path)
    await nothing_left(server)


async def test_the_200_is_sent_again_until_the_ack_comes(server: SemsServer, tmp_path: Path) -> None:
    # SIPp takes repeats silently, so the server is asked: T1 and twice T1 pass before the ACK.
    async def repeated() -> int:
        counters = (await server.operator("/stats"))["counters"]
        return int(counters["sip_retransmitted"])

    before = await repeated()
    await sipp.run("lost_ack", server.sip_port, "echo", tmp_path)
    assert await repeated() - before >= 2
    await nothing_left(server)


async def test_a_hundred_calls_at_fifty_a_second_are_all_answered_and_all_given_back(
    server: SemsServer, tmp_path: Path
) -> None:
    await sipp.run("plain", server.sip_port, "echo", tmp_path, calls=100, rate=50, timeout=40)
    await nothing_left(server)
