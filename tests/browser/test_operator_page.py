"""What the operator sees."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, expect

from .conftest import World

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def log_in(world: World, **options: object) -> Page:
    page = await world.open(world.server.url("/operator"), **options)
    await page.get_by_label("Token").fill(world.server.operator_token)
    await page.get_by_role("button", name="Open").click()
    await page.get_by_role("heading", name="Operator").wait_for()
    return page


async def test_a_wrong_token_opens_nothing(world: World) -> None:
    page = await world.open(world.server.url("/operator"))
    await page.get_by_label("Token").fill("guess")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("alert")).to_have_text("This is not the token.")


async def test_rooms_and_calls_come_and_go_by_themselves(world: World) -> None:
    page = await log_in(world)
    rooms, calls = page.get_by_role("table", name="Rooms"), page.get_by_role("table", name="Calls")
    anna, ben = await world.dial("Anna", "Ben")
    await expect(rooms.get_by_role("row").filter(has_text=world.room)).to_contain_text("2")
    await expect(calls.get_by_role("row").filter(has_text="Anna")).to_contain_text("answered, PCMU")
    await ben.call.hold(True)
    await expect(calls.get_by_role("row").filter(has_text="Ben")).to_contain_text("on hold")
    for each in (anna, ben):
        await each.call.hangup()
    await expect(rooms.get_by_role("row").filter(has_text=world.room)).to_have_count(0, timeout=1_000)


async def test_a_call_is_hung_up_after_a_second_press(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await log_in(world)
    await page.get_by_role("button", name="Hang up Anna").click()
    await asyncio.sleep(0.3)
    assert anna.call.end is None
    await page.get_by_role("button", name="Sure? Hang up Anna").click()
    end = await asyncio.wait_for(anna.call.wait_ended(), 3)
    assert end.cause == "remote"
    await expect(page.get_by_role("status")).to_contain_text("The call has been ended.")


async def test_logging_out_closes_the_page_for_this_browser(world: World) -> None:
    page = await log_in(world)
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_label("Token")).to_be_visible()
