"""Calling somebody into the room, on the page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .conftest import PHONE, World, button, row, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_progress_is_shown_where_he_will_stand_until_he_is_there(world: World) -> None:
    anna, ben = await world.join("Anna", "Ben", room="dial")
    (cleo,) = await world.take("Cleo")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await page.get_by_role("textbox", name="Dial").fill(cleo.uri)
    await button(page, "Dial").click()
    await expect(row(page, "cleo")).to_contain_text("ringing")
    await expect(row(bens, "cleo")).to_contain_text("ringing")
    await expect(button(page, "Cancel call to cleo")).to_be_visible()
    await cleo.answer()
    await expect(row(page, "cleo")).to_contain_text("called by us")
    await expect(button(page, "Cancel call to cleo")).to_have_count(0)
    await expect(page.get_by_role("listitem")).to_have_count(3)
    await ben.hears(cleo.hz)
    await cleo.hears(ben.hz)
    # The call has brought a page, as one that comes in does.
    await row(await world.page_of(cleo), "Ben").wait_for()
    await button(page, "Remove cleo").click()
    await ben.hears_not(cleo.hz)
    # In time it would be undone; when his call is over, he is called.
    await button(page, "Call again: cleo").click()
    await cleo.answer()
    await expect(row(page, "cleo")).to_contain_text("called by us")
    await expect(button(page, "Call again: cleo")).to_be_hidden()
    await ben.hears(cleo.hz)


async def test_a_call_is_taken_back_while_it_rings_and_dialled_again(world: World) -> None:
    anna, *_ = await world.dial("Anna", "Ben", "Dora", "Emil", "Frida", "Gina", "Hans")
    (cleo,) = await world.take("Cleo")
    page = await world.page_of(anna, viewport=PHONE)
    await page.get_by_role("tab", name="Dial").click()
    await page.get_by_role("textbox", name="Dial").fill(cleo.uri)
    await page.get_by_role("textbox", name="Dial").press("Enter")
    # What comes of it is seen at once, among the people, however many there are.
    await expect(row(page, "cleo")).to_contain_text("ringing")
    await expect(row(page, "cleo")).to_be_in_viewport()
    await button(page, "Cancel call to cleo").click()
    await expect(row(page, "cleo")).to_contain_text("taken back")
    await cleo.rings_no_more()
    await button(page, "Call again: cleo").click()
    await expect(row(page, "cleo")).to_contain_text("ringing")
    await cleo.decline()
    await expect(row(page, "cleo")).to_contain_text("busy (486)")
    await button(page, "Call again: cleo").click()
    await expect(row(page, "cleo")).to_contain_text("ringing")
    await button(page, "Cancel call to cleo").click()
    await button(page, "Forget call to cleo").click()
    await expect(row(page, "cleo")).to_have_count(0)


async def test_why_somebody_does_not_come_is_said_with_its_code_and_refusals_give_the_text_back(
    world: World,
) -> None:
    world.expects("403", "/calls")
    anna, ben = await world.dial("Anna", "Ben")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await expect(bens.get_by_role("textbox", name="Dial")).to_be_hidden()
    field = page.get_by_role("textbox", name="Dial")
    await field.fill("sip:dora@192.0.2.1")
    await field.press("Enter")
    await told(page, "That is not allowed. Only this machine itself can be called")
    await expect(field).to_have_value("sip:dora@192.0.2.1")
    await field.fill("sip:dora@127.0.0.1:1")
    await field.press("Enter")
    await expect(row(page, "dora")).to_contain_text("could not be reached (503)")
    # Only who dialled and moderators take it back.
    await expect(row(bens, "dora").get_by_role("button")).to_have_count(0)
    await expect(button(page, "Forget call to dora")).to_be_visible()
    # Another of that name is told from it by what was dialled.
    await field.fill("sip:dora@127.0.0.1:2")
    await field.press("Enter")
    await button(page, "Forget call to dora (sip:dora@127.0.0.1:2)").click()
    await expect(button(page, "Forget call to dora")).to_be_visible()
