"""The page in the language of the browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .conftest import World, button, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_german_browser_gets_a_german_page_refusals_included(world: World) -> None:
    world.expects("403", "/participants/me")
    anna, ben = await world.dial("Anna", "Ben")
    page = await world.open(ben.link, locale="de-AT")
    await expect(page.locator("html")).to_have_attribute("lang", "de")
    await button(page, "Hand heben").click()
    await expect(page.get_by_text("Ihre Hand ist oben: Platz 1")).to_be_visible()
    await world.command("PATCH", "/participants/2", {"muted": True}, anna)
    await button(page, "Ton an").click()
    await told(page, "Die Leitung hat Sie stumm geschaltet. Heben Sie die Hand")
    listed = page.get_by_role("list", name="Teilnehmer").get_by_role("listitem").nth(1)
    await expect(listed).to_contain_text("Sie · stumm")


async def test_who_wants_a_language_that_there_is_not_gets_english(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna, locale="tlh")
    await expect(page.locator("html")).to_have_attribute("lang", "en")
    await expect(button(page, "Mute")).to_be_visible()
