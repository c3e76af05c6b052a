"""What pages show of the lines: loss, jitter, how people sound, and who can't be heard."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from playwright.async_api import expect

from peers.baresip import Baresip

from .conftest import World, button, row
from .test_operator_page import log_in

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_rows_show_what_lines_are_like_and_who_can_not_be_heard(
    world: World, tmp_path: Path, screenshots: Path
) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    async with Baresip(tmp_path, "Ben") as ben:
        await ben.dial(world.server.uri(world.room))
        bens = await world.paired(ben)
        await expect(bens.get_by_text("The room hears you")).to_be_visible()
        await button(page, "More about Ben").click()
        await expect(row(page, "Ben")).to_contain_text("The line is good.")
        operator = await log_in(world)
        listed = operator.get_by_role("table", name="Calls").get_by_role("row").filter(has_text="Ben")
        await expect(listed).to_contain_text("MOS 4.")
        ben.process.send_signal(signal.SIGSTOP)
        try:
            await expect(row(page, "Ben")).to_contain_text("can't be heard")
            await expect(bens.get_by_text("Nothing comes from your phone")).to_be_visible()
            await bens.screenshot(path=screenshots / "conference-lost.png")
            await expect(listed).to_contain_text("can't be heard")
        finally:
            ben.process.send_signal(signal.SIGCONT)
        await expect(row(page, "Ben")).not_to_contain_text("can't be heard")
        await expect(bens.get_by_text("The room hears you")).to_be_visible()
        await ben.hang_up()
