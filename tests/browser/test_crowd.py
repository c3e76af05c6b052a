"""A room with many people in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from .conftest import PHONE, World, row

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_past_thirty_people_the_list_filters_by_name_and_says_who_speaks(
    world: World, screenshots: Path
) -> None:
    names = ["Anna", *(f"Guest {number}" for number in range(2, 31))]
    anna, *_ = await world.dial(*names)
    page = await world.page_of(anna, viewport=PHONE)
    field = page.get_by_role("searchbox", name="Find a name")
    await expect(page.get_by_role("listitem")).to_have_count(30)
    await expect(field).to_be_hidden()

    (zoe,) = await world.dial("Zoë Müller")
    silence = zoe.speak()
    await expect(page.get_by_text("Speaking now: Zoë Müller")).to_be_visible()
    await field.fill("muller")
    await expect(page.get_by_role("listitem")).to_have_count(1)
    await expect(row(page, "Zoë Müller")).to_contain_text("speaking")
    await field.fill("nobody at all")
    await expect(page.get_by_text("Nobody here has that name.")).to_be_visible()
    await field.fill("")
    await expect(page.get_by_role("listitem")).to_have_count(31)
    await page.screenshot(path=screenshots / "conference-crowd-360.png")

    silence()
    await zoe.call.hangup()
    await expect(field).to_be_hidden()
