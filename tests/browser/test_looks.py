"""How the pages look: pictures to be looked at, and what axe finds."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

from .conftest import PHONE, Caller, World, button, row
from .test_operator_page import log_in

pytestmark = pytest.mark.asyncio(loop_scope="session")

SIZES = {"360": PHONE, "768": {"width": 768, "height": 1024}, "1440": {"width": 1440, "height": 900}}
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


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_pages_of_a_call(world: World, screenshots: Path, size: str, scheme: str) -> None:
    anna, _, _, _, cagla = await lively(world)
    options = {"viewport": SIZES[size], "color_scheme": scheme, "bypass_csp": True}
    for caller, role in ((anna, "moderator"), (cagla, "speaker")):
        page = await world.page_of(caller, **options)
        await row(page, "Ben").get_by_text("speaking").wait_for()
        await picture(page, screenshots, f"conference-{role}-{size}-{scheme}")
        await flawless(page)
    page = await world.page_of(anna, **options)
    if size != "1440":
        await button(page, "More about Çağla Şahin").click()
    await picture(page, screenshots, f"conference-open-{size}-{scheme}")
    await flawless(page)
    await button(page, "Remove Çağla Şahin").click()
    await page.get_by_text("Removed Çağla Şahin.").wait_for()
    await picture(page, screenshots, f"conference-removing-{size}-{scheme}")
    await flawless(page)
    await page.context.set_offline(True)
    await page.get_by_text("Reconnecting…").wait_for()
    await picture(page, screenshots, f"conference-offline-{size}-{scheme}")
    await page.context.set_offline(False)
    await page.get_by_text("Reconnecting…").wait_for(state="hidden")
    await anna.call.hangup()
    await page.get_by_text("Your call has ended.").wait_for()
    await picture(page, screenshots, f"conference-ended-{size}-{scheme}")
    await flawless(page)


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
