"""Who is heard, on the page: modes, hands, the floor and the button "Talk"."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from .conftest import PHONE, World, button, loudest, row

pytestmark = pytest.mark.asyncio(loop_scope="session")

FAINT = 33  # of 32768, which is -60 dB


async def test_the_floor_goes_round_by_hands_and_only_its_holder_is_heard(world: World) -> None:
    anna, ben, cleo = await world.dial("Anna", "Ben", "Cleo")
    page, bens = await world.page_of(anna), await world.page_of(ben, viewport=PHONE)
    await page.get_by_role("combobox", name="Mode").select_option("Moderated")
    await expect(bens.get_by_text("moderated", exact=True)).to_be_visible()
    await expect(button(bens, "Mute")).to_be_hidden()
    cleo_hears = cleo.call.tap("in")
    ben.speak()
    await expect(bens.get_by_text("The room can't hear you. Raise your hand to speak.")).to_be_visible()

    await button(bens, "Raise hand").click()
    await expect(row(page, "Ben")).to_contain_text("hand 1")
    await asyncio.sleep(0.4)
    cleo_hears.read()
    await asyncio.sleep(0.3)
    assert loudest(cleo_hears.read()) <= FAINT

    await button(page, "Give floor to Ben").click()
    await expect(button(bens, "Talk")).to_have_attribute("aria-pressed", "true")
    await expect(bens.get_by_text("You have the floor: the room hears you")).to_be_visible()
    await expect(row(page, "Ben")).to_contain_text("speaking")
    await expect(row(page, "Ben")).not_to_contain_text("hand")
    await asyncio.sleep(0.3)
    cleo_hears.read()
    await asyncio.sleep(0.2)
    assert loudest(cleo_hears.read()) > 100 * FAINT

    await button(page, "Take floor from Ben").click()
    await expect(button(bens, "Talk")).to_be_hidden()
    await expect(row(page, "Ben")).not_to_contain_text("speaking")
    await expect(bens.get_by_role("status", name="News")).to_contain_text(
        "You do not have the floor any more"
    )


async def test_who_has_the_floor_sees_how_long(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await page.get_by_role("combobox", name="Mode").select_option("Moderated")
    status, _ = await world.command("PATCH", "", {"talk_time": 3}, anna)
    assert status == 200
    await button(page, "Give floor to Ben").click()
    await expect(bens.get_by_text("2 seconds left")).to_be_visible()
    await expect(button(bens, "Talk")).to_be_hidden(timeout=5_000)
    await expect(bens.get_by_text("no time left")).to_be_hidden()


async def test_talk_always_leads_to_being_heard(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await page.get_by_role("combobox", name="Mode").select_option("Lecture")
    await expect(button(page, "Talk")).to_have_attribute("aria-pressed", "true")
    await expect(bens.get_by_text("This is a lecture: you listen")).to_be_visible()
    await button(page, "Mute").click()
    await expect(button(page, "Talk")).to_have_attribute("aria-pressed", "false")
    await expect(row(bens, "Anna")).to_contain_text("muted")
    await button(page, "Talk").click()
    await expect(button(page, "Talk")).to_have_attribute("aria-pressed", "true")
    await expect(row(bens, "Anna")).not_to_contain_text("muted")
    await button(page, "Talk").click()
    await expect(button(page, "Talk")).to_have_attribute("aria-pressed", "true")

    await button(page, "Give back the floor").click()
    await expect(button(page, "Talk")).to_have_attribute("aria-pressed", "false")
    await page.keyboard.press("t")
    await expect(button(page, "Talk")).to_have_attribute("aria-pressed", "true")
    status, view = await world.command("GET", "/participants/me", None, anna)
    assert status == 200
    assert '"floor":true' in view


async def test_a_moderator_makes_another_one_and_sets_how_loud_he_is_for_all(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await button(page, "More about Ben").click()
    slider = page.get_by_role("slider", name="Volume of Ben for all")
    await slider.fill("-12")
    await expect(slider).to_have_attribute("aria-valuetext", "much softer")
    await button(page, "Make moderator: Ben").click()
    await expect(button(bens, "Lock room")).to_be_visible()
    await button(bens, "More about Anna").click()
    _, view = await world.command("GET", "/participants/2", None, anna)
    assert '"gain":-12.0' in view


async def test_each_hears_others_as_loud_as_he_likes(world: World) -> None:
    anna, ben, cleo = await world.dial("Anna", "Ben", "Cleo")
    page = await world.page_of(cleo)
    silence = ben.speak()
    cleo_hears, anna_hears = cleo.call.tap("in"), anna.call.tap("in")
    await expect(row(page, "Ben")).to_contain_text("speaking")
    await page.get_by_role("slider", name="Volume of Ben for me").fill("-30")
    await asyncio.sleep(1)
    for tap in (cleo_hears, anna_hears):
        tap.read()
    await asyncio.sleep(0.4)
    softly, fully = loudest(cleo_hears.read()), loudest(anna_hears.read())
    assert 20 < fully / softly < 45  # 30 dB are a factor of 32
    silence()
