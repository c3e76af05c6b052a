"""The whole way of a phone that shows no link, to its page: baresip keys in what the front page shows."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from peers.baresip import Baresip

from .conftest import World, button, row

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_of_a_phone_that_ignores_its_link_is_found_by_key(
    world: World, tmp_path: Path
) -> None:
    async with Baresip(tmp_path, "Anna") as anna:
        await anna.dial(world.server.uri(world.room))
        page = await world.paired(anna)
        await row(page, "Anna").wait_for()
        # It is hers: what she does there is done in her call.
        await button(page, "Mute").click()
        await expect(row(page, "Anna")).to_contain_text("muted")
        await anna.key("*6")
        await expect(row(page, "Anna")).not_to_contain_text("muted")
