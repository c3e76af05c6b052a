"""How the pages look: pictures to be looked at, and what axe finds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from .conftest import PHONE, Caller, World, button, row
from .test_operator_page import log_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = {"360": PHONE, "768": {"width": 768, "height": 1024}, "1440": {"width": 1440, "height": 900}}
# What moves from one colour to another has neither in a picture.
STILL: dict[str, Any] = {"bypass_csp": True, "reduced_motion": "reduce"}
NAMES = ("Anna Lindqvist", "Ben", "Dr. Cleo Okonkwo-Barrington", "+49 30 1234567", "Çağla Şahin")


async def lively(world: World) -> list[Caller]:
    """A meeting in which everything happens that a row can show."""
    callers = await world.dial(*NAMES)
    anna, ben, _, number, cagla = callers
    ben.speak()
    await world.command("PATCH", "/participants/3", {"muted": True}, anna)
    await world.command("PATCH", "/participants/me", {"hand": True}, number)
    await number.call.hold(True)
    await world.command("PATCH", "/participants/me", {"muted": True, "hand": True}, cagla)
    return callers


async def picture(page: Page, folder: Path, name: str) -> None:
    """Of what is in view; an empty one would be a few bytes."""
    path = folder / f"{name}.png"
    await page.screenshot(path=path)
    assert path.stat().st_size > 5_000


async def flawless(page: Page) -> None:
    """Axe finds nothing, of the best practices either. The middle size has nothing that the others lack."""
    if page.viewport_size == SIZES["768"]:
        return
    found = await Axe().run(page)
    assert not found.response["violations"], found.generate_report()


async def looked_at(page: Page, folder: Path, name: str) -> None:
    """In every size, light and dark; and axe finds nothing in either scheme and layout."""
    for size, viewport in SIZES.items():
        await page.set_viewport_size(viewport)
        for scheme in ("light", "dark"):
            await page.emulate_media(color_scheme=scheme)
            await picture(page, folder, f"conference-{name}-{size}-{scheme}")
            if (size, scheme) in (("360", "dark"), ("1440", "light")):
                await flawless(page)


async def test_a_lively_meeting(world: World, screenshots: Path) -> None:
    anna, _, _, _, cagla = await lively(world)
    page, other = [await world.page_of(each, **STILL) for each in (anna, cagla)]
    await row(page, "Ben").get_by_text("speaking").wait_for()
    await looked_at(page, screenshots, "moderator")
    await looked_at(other, screenshots, "speaker")
    await button(page, "More about Çağla Şahin").click()
    await looked_at(page, screenshots, "open")
    await page.set_viewport_size(SIZES["1440"])
    await button(page, "Move Çağla Şahin").click()
    await looked_at(page, screenshots, "moving")
    await page.keyboard.press("Escape")
    await button(page, "Remove Çağla Şahin").click()
    await page.get_by_text("Removed Çağla Şahin.").wait_for()
    await picture(page, screenshots, "conference-removing")
    await flawless(page)
    await other.get_by_text("Your call has ended.").wait_for()
    await looked_at(other, screenshots, "ended")
    await page.context.set_offline(True)
    await page.get_by_text("Reconnecting…").wait_for()
    await looked_at(page, screenshots, "offline")


async def test_a_moderated_meeting_with_all_that_can_go_on(world: World, screenshots: Path) -> None:
    anna, ben, cleo = await world.dial("Anna Lindqvist", "Ben", "Dr. Cleo Okonkwo-Barrington")
    page, bens = [await world.page_of(each, **STILL) for each in (anna, ben)]
    await world.command("PATCH", "", {"mode": "moderated", "waiting_room": True}, anna)
    await world.command("PATCH", "/participants/me", {"hand": True}, cleo)
    await world.command("PATCH", "/participants/2", {"floor": True}, anna)
    await world.command("PATCH", "/recording", {"state": "recording"}, anna)
    await world.command("POST", "/messages", {"text": "The slides: https://example.org/slides"}, ben)
    await world.command("POST", "/messages", {"text": "Thank you!", "to": [2]}, anna)
    await world.command("POST", "/calls", {"target": "sip:dora@127.0.0.1:1"}, anna)
    dina, _ = await world.dial("Dina", "Evgenij Kowalski-Brzeczyszczykiewicz")
    waits = await world.open(dina.link, **STILL)
    ben.speak()
    await row(page, "Ben").get_by_text("speaking").wait_for()
    await page.get_by_text("could not be reached").or_(page.get_by_text("overloaded")).first.wait_for()
    await looked_at(page, screenshots, "moderated")
    await looked_at(bens, screenshots, "floor")
    await looked_at(waits, screenshots, "waiting")
    await page.set_viewport_size(PHONE)
    for tab in ("Text", "Dial", "More"):
        await page.get_by_role("tab", name=tab).click()
        await picture(page, screenshots, f"conference-tab-{tab.lower()}")
        await flawless(page)


async def test_a_private_talk(world: World, screenshots: Path) -> None:
    anna, ben = await world.dial("Anna Lindqvist", "Ben")
    page, bens = [await world.page_of(each, **STILL) for each in (anna, ben)]
    await button(page, "Talk privately with Ben").click()
    await button(bens, "Accept").wait_for()
    await looked_at(page, screenshots, "asking")
    await looked_at(bens, screenshots, "asked")
    await button(bens, "Accept").click()
    await page.get_by_text("Private with Ben.").wait_for()
    await looked_at(page, screenshots, "private")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_other_pages(world: World, screenshots: Path, size: str, scheme: str) -> None:
    await world.dial("Anna Lindqvist", "Ben")
    options = {"viewport": SIZES[size], "color_scheme": scheme, "bypass_csp": True}
    page = await log_in(world, **options)
    await page.get_by_role("button", name="Hang up Ben").wait_for()
    await picture(page, screenshots, f"operator-{size}-{scheme}")
    await flawless(page)
    await page.get_by_text("Recent calls").click()
    await page.get_by_role("button", name="Trace of Ben").first.click()
    await page.get_by_role("button", name="200 OK (INVITE) + SDP, from us").click()
    await picture(page, screenshots, f"trace-{size}-{scheme}")
    await flawless(page)
    for name, path in (("front", "/"), ("login", "/operator"), ("unknown", "/c/unknown")):
        page = await world.open(world.server.url(path), **options)
        await picture(page, screenshots, f"{name}-{size}-{scheme}")
        await flawless(page)


async def test_the_help_is_flawless_too(world: World, screenshots: Path) -> None:
    (anna,) = await world.dial("Anna Lindqvist")
    page = await world.page_of(anna, bypass_csp=True)
    await button(page, "Keyboard").click()
    await page.get_by_role("dialog").wait_for()
    await picture(page, screenshots, "help")
    await flawless(page)


async def test_who_wants_less_motion_gets_none(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna, reduced_motion="reduce")
    moving = await page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) =>
          ["", "::before", "::after"].some((part) =>
            getComputedStyle(element, part).transitionDuration !== "0s")).length"""
    )
    assert moving == 0
