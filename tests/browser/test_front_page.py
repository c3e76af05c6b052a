"""The front page: from a call without a link to its page, by six digits."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from .conftest import ELSEWHERE, World, button

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_wrong_code_opens_nothing_and_that_is_said(world: World) -> None:
    world.expects("404", "/pairings/claim")
    page = await world.open(world.server.url("/", ELSEWHERE))
    field = page.get_by_role("textbox", name="Code")
    await field.fill("12 34")
    await field.press("Enter")
    await expect(page.get_by_role("alert")).to_have_text("A code has six digits.")
    await field.fill("000000")
    await button(page, "Open").click()
    await expect(page.get_by_role("alert")).to_have_text("This code is not known, or its time is over.")


async def test_the_front_page_speaks_german_to_a_german_browser(world: World) -> None:
    page = await world.open(world.server.url("/"), locale="de")
    await expect(page.get_by_role("heading", level=1)).to_have_text(
        "Kommen Sie mit dem Telefon in einen Raum"
    )
    await expect(page.get_by_label("Code zum Tippen")).to_have_text(re.compile(r"[0-9]{6}"))
