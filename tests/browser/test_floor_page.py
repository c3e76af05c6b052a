"""Who is heard, on the page: modes, hands, the floor and the button "Talk"."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .conftest import PHONE, World, button, row, told
from .handsets import SAID, SOON, soonest

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_floor_goes_round_by_hands_and_only_its_holder_is_heard(world: World) -> None:
    """Three telephones that speak all the time; what Cleo hears is measured."""
    anna, ben, cleo = await world.join("Anna", "Ben", "Cleo", room="floor")
    page, bens = await world.page_of(anna), await world.page_of(ben, viewport=PHONE)
    await cleo.hears_mix({anna.hz: SAID, ben.hz: SAID})
    await page.get_by_role("combobox", name="Mode").select_option("Moderated")
    await expect(bens.get_by_text("moderated", exact=True)).to_be_visible()
    await expect(button(bens, "Mute")).to_be_hidden()
    await expect(bens.get_by_text("The room can't hear you. Raise your hand to speak.")).to_be_visible()
    # Nobody has the floor, the moderator neither, who takes it at once.
    await cleo.hears_mix({anna.hz: None, ben.hz: None})

    async def give_back() -> None:
        await button(page, "Give back the floor").click()
        await cleo.hears_not(anna.hz)

    assert (
        await soonest(button(page, "Talk"), cleo, lambda mark: cleo.hears(anna.hz, since=mark), give_back)
        < SOON
    )
    await cleo.hears_mix({anna.hz: SAID, ben.hz: None})
    await give_back()

    await button(bens, "Raise hand").click()
    await expect(row(page, "Ben")).to_contain_text("hand 1")

    async def take() -> None:
        await button(page, "Take floor from Ben").click()
        await cleo.hears_not(ben.hz)

    give = button(page, "Give floor to Ben")
    assert await soonest(give, cleo, lambda mark: cleo.hears(ben.hz, since=mark), take) < SOON
    await expect(button(bens, "Talk")).to_have_attribute("aria-pressed", "true")
    await expect(bens.get_by_text("You have the floor: the room hears you")).to_be_visible()
    await expect(row(page, "Ben")).to_contain_text("speaking")
    await expect(row(page, "Ben")).not_to_contain_text("hand")
    await cleo.hears_mix({ben.hz: SAID, anna.hz: None})

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
    await expect(button(page, "Talk")).to_be_focused()
    await page.keyboard.press("t")
    await expect(button(page, "Talk")).to_have_attribute("aria-pressed", "true")
    status, view = await world.command("GET", "/participants/me", None, anna)
    assert status == 200
    assert '"floor":true' in view


async def test_all_are_as_loud_as_a_moderator_likes_and_for_each_as_loud_as_he_likes(world: World) -> None:
    """Set by keyboard, and measured on telephones that speak all the time."""
    anna, ben, cleo = await world.join("Anna", "Ben", "Cleo", room="volumes")
    cleos, annas, bens = [await world.page_of(each) for each in (cleo, anna, ben)]
    mine = cleos.get_by_role("slider", name="Volume of Ben for me")
    for _ in range(12):
        await mine.press("ArrowLeft")
    await expect(mine).to_have_attribute("aria-valuetext", "much softer")
    await cleo.hears_mix({ben.hz: SAID - 12, anna.hz: SAID})
    await anna.hears_mix({ben.hz: SAID})

    await button(annas, "More about Ben").press("Enter")
    his = annas.get_by_role("slider", name="Volume of Ben for all")
    await his.focus()
    for _ in range(6):
        await annas.keyboard.press("ArrowLeft")
    await expect(his).to_have_attribute("aria-valuetext", "softer")
    await anna.hears_mix({ben.hz: SAID - 6})
    await cleo.hears_mix({ben.hz: SAID - 12 - 6, anna.hz: SAID})
    _, view = await world.command("GET", "/participants/2", None, anna)
    assert '"gain":-6.0' in view

    await button(annas, "Make moderator: Ben").click()
    await expect(button(bens, "Lock room")).to_be_visible()
    await button(bens, "More about Anna").click()
    await expect(bens.get_by_role("slider", name="Volume of Anna for all")).to_be_visible()
