"""What SIPp sees of requests beside calls: INFO, MESSAGE, REFER, SUBSCRIBE and NOTIFY."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from peers import sipp
from peers.sems_server import SemsServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SemsServer]:
    async with SemsServer(tmp_path_factory.mktemp("sems"), str(Path(__file__).parent / "desk.py")) as server:
        yield server


@pytest.mark.parametrize("scenario", ["info_and_message", "refer", "subscribe", "message_outside"])
async def test_sipp_sees_what_the_rfcs_say(server: SemsServer, tmp_path: Path, scenario: str) -> None:
    await sipp.run(scenario, server.sip_port, "desk", tmp_path)
