"""A server that stops while people look at its pages."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from playwright.async_api import expect

from peers.sems_server import SemsServer
from sems import Server

from .conftest import PATIENCE, World, button
from .test_operator_page import log_in
from .windows import Windows

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_open_pages_do_not_delay_a_stop_and_say_what_happened(
    phones: Server, windows: Windows, tmp_path: Path
) -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(SemsServer(tmp_path))
        world = World(server, phones, windows, "stopping", stack)
        world.expects("ERR_CONNECTION_REFUSED", "/events")
        anna, ben = await world.dial("Anna", "Ben")
        pages = [await world.page_of(caller) for caller in (anna, ben) for _ in range(2)]
        operator = await log_in(world)
        # Nobody registers here, so there is no table of it.
        await expect(operator.get_by_role("table", name="Rooms")).to_be_visible()
        await expect(operator.get_by_role("table", name="Registrations")).to_be_hidden()

        begin = time.monotonic()
        server.process.send_signal(signal.SIGINT)
        assert await asyncio.wait_for(server.process.wait(), PATIENCE) == 0
        assert time.monotonic() - begin < 10
        assert (await ben.call.wait_ended()).cause == "remote"
        for page in pages:
            said = page.get_by_text("Your call has ended.").or_(page.get_by_text("Reconnecting…"))
            await expect(said.first).to_be_visible()
            await expect(button(page, "Mute")).not_to_be_enabled()
