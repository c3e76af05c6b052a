"""What people write to each other, on the page."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, Route, expect

from peers.baresip import Baresip

from .conftest import PHONE, World, button, row, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


def log(page: Page) -> Locator:
    return page.get_by_role("log", name="Messages")


async def test_lines_reach_every_page_and_phone_with_their_senders_name_and_those_who_come_later(
    world: World,
) -> None:
    anna, ben = await world.join("Anna", "Ben", room="texts")
    page, other = await world.page_of(anna), await world.page_of(ben)
    field = page.get_by_role("textbox", name="Message")
    await field.fill("Where are the slides?")
    await button(page, "Send").click()
    await expect(log(other)).to_contain_text("Anna")
    await expect(log(other)).to_contain_text("Where are the slides?")
    # On the phones too, and what is written on one of them is on the pages.
    await ben.shows("Anna: Where are the slides\\?")
    await ben.command("message", "On my <b>desk</b>")
    for each in (page, other):
        await expect(log(each)).to_contain_text("On my <b>desk</b>")
    await expect(log(page).locator(".message").last).to_contain_text("Ben")
    await anna.shows("Ben: On my <b>desk</b>")
    await expect(field).to_have_value("")
    await page.keyboard.press("Escape")
    await other.locator("body").press("/")
    await expect(other.get_by_role("textbox", name="Message")).to_be_focused()
    await other.keyboard.type("Here!")
    await other.keyboard.press("Enter")
    await expect(log(page)).to_contain_text("Here!")

    (cleo,) = await world.dial("Cleo")
    late = await world.page_of(cleo)
    await expect(log(late).locator(".message")).to_have_count(3)


async def test_text_is_never_markup_and_only_addresses_of_pages_are_links(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    said = '<img src=x onerror=alert(1)> javascript:alert(1) see https://example.org/a?b="c", and (http://example.org/d).'
    await page.get_by_role("textbox", name="Message").fill(said)
    await button(page, "Send").click()
    await expect(log(page)).to_contain_text(said)
    links = await log(page).get_by_role("link").all()
    assert [await each.get_attribute("href") for each in links] == [
        "https://example.org/a?b=",
        "http://example.org/d",
    ]
    for each in links:
        assert "noopener" in (await each.get_attribute("rel") or "")
    assert await log(page).locator("img").count() == 0


async def test_a_line_to_one_is_read_by_him_alone(world: World) -> None:
    anna, ben, cleo = await world.dial("Anna", "Ben", "Cleo")
    page, bens, cleos = [await world.page_of(each) for each in (anna, ben, cleo)]
    await button(page, "Write to Ben").click()
    await expect(page.get_by_role("textbox", name="Message")).to_be_focused()
    await expect(page.get_by_text("only to Ben")).to_be_visible()
    await page.keyboard.type("psst")
    await page.keyboard.press("Enter")
    await expect(log(bens)).to_contain_text("only to you")
    await expect(log(bens)).to_contain_text("psst")
    await button(page, "To everyone").click()
    await page.keyboard.type("hello all")
    await page.keyboard.press("Enter")
    await expect(log(cleos)).to_contain_text("hello all")
    await expect(log(cleos)).not_to_contain_text("psst")

    # Also one that is half written when he leaves is never for all: it is refused, and comes back.
    world.expects("404", "/messages")
    await button(page, "Write to Ben").click()
    await page.keyboard.type("for you alone")
    await ben.call.hangup()
    await expect(row(page, "Ben")).to_have_count(0)
    await page.keyboard.press("Enter")
    await told(page, "This participant is not in the room any more.")
    await expect(page.get_by_role("textbox", name="Message")).to_have_value("for you alone")
    await expect(page.get_by_text("only to Ben")).to_have_count(2)
    await expect(log(cleos)).not_to_contain_text("for you alone")


async def test_lines_are_shown_at_once_and_come_back_into_the_field_if_they_are_refused(world: World) -> None:
    world.expects("ERR_FAILED", "/messages")
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    written = asyncio.Event()

    async def lose(route: Route) -> None:
        await written.wait()
        await route.abort()

    await page.route("**/messages", lose)
    field = page.get_by_role("textbox", name="Message")
    for text in ("is anybody there?", "hello?"):
        await field.fill(text)
        await field.press("Enter")
    await expect(log(page).locator(".message[data-pending]")).to_have_count(2)
    written.set()
    await told(page, "That did not get through. Try again.")
    await expect(field).to_have_value("is anybody there?\nhello?")
    await expect(log(page).locator(".message")).to_have_count(0)


async def test_a_line_stands_once_also_where_its_event_is_quicker_than_its_answer(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    answers = asyncio.Event()

    async def late(route: Route) -> None:
        answer = await route.fetch()
        await answers.wait()
        await route.fulfill(response=answer)

    await page.route("**/messages", late)
    field = page.get_by_role("textbox", name="Message")
    for text in ("twice", "twice"):
        await field.fill(text)
        await field.press("Enter")
    lines = log(page).locator(".message")
    await expect(log(page).locator(".message:not([data-pending])")).to_have_count(2)
    await expect(lines).to_have_count(2)
    answers.set()
    await world.command("POST", "/messages", {"text": "and again"}, anna)
    await expect(lines).to_have_count(3)


async def test_who_writes_is_told_whom_his_line_did_not_reach(world: World, tmp_path: Path) -> None:
    """Ben has no page open, and his phone, which is called into the room, refuses texts."""
    world.room = "no-link"
    (anna,) = await world.dial("Anna")
    page, german = await world.page_of(anna), await world.open(anna.link, locale="de")
    async with Baresip(tmp_path, "Ben", answers=True, takes_texts=False) as ben:
        await page.get_by_role("textbox", name="Dial").fill(ben.uri)
        await button(page, "Dial").click()
        await button(page, "Write to ben").click()
        for reason, german_reason in (
            ("This phone takes no texts", "Dieses Telefon nimmt keine Texte an"),
            ("The page is not open there", "Die Seite ist dort nicht offen"),
        ):
            await page.get_by_role("textbox", name="Message").fill("are you there?")
            await page.keyboard.press("Enter")
            await expect(log(page)).to_contain_text(f"Not delivered to ben: {reason}")
            await expect(german.locator("#messages")).to_contain_text(
                f"Bei ben nicht angekommen: {german_reason}"
            )


async def test_on_a_telephone_what_is_new_is_counted_on_the_tab(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page = await world.page_of(anna, viewport=PHONE)
    await world.command("POST", "/messages", {"text": "one\n" * 40}, ben)
    await world.command("POST", "/messages", {"text": "two"}, ben)
    tab = page.get_by_role("tab", name="Text")
    await expect(tab).to_contain_text("2 new")
    await tab.click()
    await expect(log(page).get_by_text("two")).to_be_in_viewport()
    await expect(tab).not_to_contain_text("new")
    await expect(row(page, "Ben")).to_be_hidden()
    await page.get_by_role("tab", name="People").click()
    await expect(row(page, "Ben")).to_be_visible()
