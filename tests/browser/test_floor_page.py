"""Who is heard, on the page: modes, hands, the floor and the button "Talk"."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import expect

from sems import Tap

from .conftest import PATIENCE, PHONE, World, button, loudest, row, told
from .handsets import DOWN, SAID, SOON, soonest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_floor_goes_round_by_hands_and_only_its_holder_is_heard(world: World) -> None:
    """Three telephones that speak all the time; what Cleo hears is measured."""
    anna, ben, cleo = await world.join("Anna", "Ben", "Cleo", room="floor")
    page, bens = await world.page_of(anna), await world.page_of(ben, viewport=PHONE)
    before = await cleo.listen()
    assert abs(before.level(anna.hz) - SAID) < 2
    assert abs(before.level(ben.hz) - SAID) < 2
    await page.get_by_role("combobox", name="Mode").select_option("Moderated")
    await expect(bens.get_by_text("moderated", exact=True)).to_be_visible()
    await expect(button(bens, "Mute")).to_be_hidden()
    await expect(bens.get_by_text("The room can't hear you. Raise your hand to speak.")).to_be_visible()
    # Nobody has the floor, the moderator neither, who takes it at once.
    for each in (anna, ben):
        await cleo.hears_not(each.hz)

    async def give_back() -> None:
        await button(page, "Give back the floor").click()
        await cleo.hears_not(anna.hz)

    assert await soonest(button(page, "Talk"), lambda: cleo.hears(anna.hz), give_back) < SOON
    talks = await cleo.listen()
    assert abs(talks.level(anna.hz) - SAID) < 2
    assert talks.level(ben.hz) < DOWN
    await give_back()

    await button(bens, "Raise hand").click()
    await expect(row(page, "Ben")).to_contain_text("hand 1")

    async def take() -> None:
        await button(page, "Take floor from Ben").click()
        await cleo.hears_not(ben.hz)

    give = button(page, "Give floor to Ben")
    assert await soonest(give, lambda: cleo.hears(ben.hz), take) < SOON
    await expect(button(bens, "Talk")).to_have_attribute("aria-pressed", "true")
    await expect(bens.get_by_text("You have the floor: the room hears you")).to_be_visible()
    await expect(row(page, "Ben")).to_contain_text("speaking")
    await expect(row(page, "Ben")).not_to_contain_text("hand")
    holds = await cleo.listen()
    assert abs(holds.level(ben.hz) - SAID) < 2
    assert holds.level(anna.hz) < DOWN

    await take()
    await expect(button(bens, "Talk")).to_be_hidden()
    await expect(row(page, "Ben")).not_to_contain_text("speaking")
    await told(bens, "You do not have the floor any more")


async def test_who_has_the_floor_sees_how_long(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await page.get_by_role("combobox", name="Mode").select_option("Moderated")
    await page.get_by_role("combobox", name="Time to talk").select_option("1 minute")
    await button(page, "Give floor to Ben").click()
    left = bens.get_by_text(re.compile(r"^\d+ seconds left$"))
    first = await left.inner_text()
    await expect(left).not_to_have_text(first)
    assert 0 < seconds(await left.inner_text()) < seconds(first) <= 60

    await button(page, "Take floor from Ben").click()
    status, _ = await world.command("PATCH", "", {"talk_time": 1}, anna)
    assert status == 200
    await button(page, "Give floor to Ben").click()
    await told(bens, "You have the floor: the room hears you")
    await told(bens, "You do not have the floor any more")
    await expect(button(bens, "Talk")).to_be_hidden()
    await expect(bens.locator("#left")).to_be_hidden()


def seconds(left: str) -> int:
    return int(left.split()[0])


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
    async with asyncio.timeout(PATIENCE):
        while not 20 < (softer := await ratio(anna_hears, cleo_hears)) < 45:  # 30 dB are a factor of 32
            assert softer < 45
    silence()


async def ratio(first: Tap, second: Tap) -> float:
    """How much louder the one is, for a while."""
    for tap in (first, second):
        tap.read()
    await asyncio.sleep(0.2)
    return loudest(first.read()) / max(1, loudest(second.read()))
