"""How the pages look: pictures to be looked at, and what axe finds."""

from __future__ import annotations

import json
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
JUDGED = (("360", "dark"), ("1440", "light"))
ALL = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
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
    """Axe finds nothing, of the best practices either."""
    if not await page.evaluate("Boolean(window.axe)"):
        await page.evaluate(Axe().axe_script)
    found = await page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then(({ violations }) => violations)"
    )
    assert not found, json.dumps(found, indent=1)


async def looked_at(page: Page, folder: Path, name: str, everywhere: bool = False) -> None:
    """In all sizes, light and dark, and axe finds nothing in either scheme and layout. What is much like
    another is looked at in the two that have all that there is, and by axe in the narrower."""
    for size, scheme in ALL if everywhere else JUDGED:
        await page.set_viewport_size(SIZES[size])
        await page.emulate_media(color_scheme=scheme)
        await picture(page, folder, f"{name}-{size}-{scheme}")
        assert await page.evaluate("document.documentElement.scrollWidth") <= SIZES[size]["width"], name
        if (size, scheme) in (JUDGED if everywhere else JUDGED[:1]):
            await flawless(page)


async def test_a_lively_meeting(world: World, screenshots: Path) -> None:
    anna, _, _, _, cagla = await lively(world)
    page, other = [await world.page_of(each, **STILL) for each in (anna, cagla)]
    await row(page, "Ben").get_by_text("speaking").wait_for()
    await looked_at(page, screenshots, "conference-moderator", True)
    await looked_at(other, screenshots, "conference-speaker")
    await button(page, "More about Çağla Şahin").click()
    await looked_at(page, screenshots, "conference-open")
    await page.set_viewport_size(SIZES["1440"])
    await button(page, "Move Çağla Şahin").click()
    await looked_at(page, screenshots, "conference-moving")
    await page.keyboard.press("Escape")
    await button(page, "Remove Çağla Şahin").click()
    await page.get_by_text("Removed Çağla Şahin.").wait_for()
    await picture(page, screenshots, "conference-removing")
    await flawless(page)
    await other.get_by_text("Your call has ended.").wait_for()
    await looked_at(other, screenshots, "conference-ended")
    await page.context.set_offline(True)
    await page.get_by_text("Reconnecting…").wait_for()
    await looked_at(page, screenshots, "conference-offline")


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
    await page.get_by_text("could not be reached").first.wait_for()
    await looked_at(page, screenshots, "conference-moderated", True)
    await looked_at(bens, screenshots, "conference-floor")
    await looked_at(waits, screenshots, "conference-waiting")
    await page.set_viewport_size(PHONE)
    # Nobody is let in whose name can not be read.
    names = page.get_by_role("list", name="Waiting").locator(".name")
    assert await names.evaluate_all("(all) => all.map((each) => each.scrollWidth <= each.clientWidth)") == [
        True,
        True,
    ]
    for tab in ("Text", "Dial", "More"):
        await page.get_by_role("tab", name=tab).click()
        await picture(page, screenshots, f"conference-tab-{tab.lower()}")
        await flawless(page)


async def test_a_private_talk(world: World, screenshots: Path) -> None:
    anna, ben = await world.dial("Anna Lindqvist", "Ben")
    page, bens = [await world.page_of(each, **STILL) for each in (anna, ben)]
    await button(page, "Talk privately with Ben").click()
    await button(bens, "Accept").wait_for()
    await looked_at(page, screenshots, "conference-asking")
    await looked_at(bens, screenshots, "conference-asked")
    await button(bens, "Accept").click()
    await page.get_by_text("Private with Ben.").wait_for()
    await looked_at(page, screenshots, "conference-private", True)


async def test_other_pages(world: World, screenshots: Path) -> None:
    world.expects("404", "/c/unknown")
    await world.dial("Anna Lindqvist", "Ben")
    page = await log_in(world, **STILL)
    await page.get_by_role("button", name="Hang up Ben").wait_for()
    await looked_at(page, screenshots, "operator", True)
    await page.get_by_text("Recent calls").click()
    await page.get_by_role("button", name="Trace of Ben").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Hang up Ben").wait_for()
    await page.get_by_role("button", name="200 OK (INVITE) + SDP, from us").click()
    await looked_at(page, screenshots, "trace")
    await page.context.clear_cookies()
    for name, path in (("front", "/"), ("login", "/operator"), ("unknown", "/c/unknown")):
        await page.goto(world.server.url(path))
        await looked_at(page, screenshots, name)


async def test_the_help_is_flawless_too(world: World, screenshots: Path) -> None:
    (anna,) = await world.dial("Anna Lindqvist")
    page = await world.page_of(anna, **STILL)
    await button(page, "Keyboard").click()
    await page.get_by_role("dialog").wait_for()
    await picture(page, screenshots, "help")
    await flawless(page)


async def test_who_wants_less_motion_gets_none(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna, **STILL)
    moving = await page.evaluate(
        """() => [...document.querySelectorAll("*")].filter((element) =>
          ["", "::before", "::after"].some((part) =>
            getComputedStyle(element, part).transitionDuration !== "0s")).length"""
    )
    assert moving == 0
