"""Talking in private, coaching, and side rooms, on the page."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import Page, Route, expect

from .conftest import PHONE, World, button, row, told
from .handsets import SAID

pytestmark = pytest.mark.asyncio(loop_scope="session")

SOFTLY = SAID - 20  # dBov: so loud is the room underneath


async def act(page: Page, who: str, name: str) -> None:
    """Presses a button of his row, which is opened first where it must be."""
    if not await button(page, name).is_visible():
        await button(page, f"More about {who}").click()
    await button(page, name).click()


async def test_who_talks_in_private_can_not_mistake_it_and_the_room_hears_nothing(world: World) -> None:
    """Three telephones that speak all the time: one asks on his page, the other accepts by a key."""
    anna, ben, cleo = await world.join("Anna", "Ben", "Cleo", room="talk")
    page = await world.page_of(ben)
    annas = await world.page_of(anna, viewport=PHONE)
    cleos = await world.page_of(cleo)

    await act(page, "Anna", "Talk privately with Anna")
    await expect(page.get_by_text("You have asked Anna to talk in private.")).to_be_visible()
    await expect(annas.get_by_role("alert")).to_have_text("Ben wants to talk with you in private.")
    await anna.key("*1")
    for each, other in ((page, "Anna"), (annas, "Ben")):
        await expect(each.get_by_text(f"Private with {other}. The room can't hear you.")).to_be_visible()
        assert await each.evaluate("getComputedStyle(document.body, '::after').borderTopWidth") == "6px"
        await expect(button(each, "Back to the room")).to_have_class("big")
    await expect(row(cleos, "Ben")).to_contain_text("in a private talk")
    await expect(row(cleos, "Anna")).to_contain_text("in a private talk")

    await cleo.hears_mix({ben.hz: None, anna.hz: None})
    await ben.hears_mix({anna.hz: SAID, cleo.hz: SOFTLY})

    await button(annas, "Back to the room").click()
    for each in (page, annas):
        await expect(each.get_by_text("The room can't hear you.")).to_be_hidden()
        await expect(button(each, "Back to the room")).to_be_hidden()
        await expect(button(each, "Mute")).to_be_visible()
    # What was pressed is gone: the focus is on the next big button, not lost.
    await expect(button(annas, "Mute")).to_be_focused()
    await expect(row(cleos, "Ben")).to_contain_text("speaking")
    await cleo.hears_mix({anna.hz: SAID, ben.hz: SAID})


async def test_who_is_asked_may_decline_and_the_other_is_told(world: World) -> None:
    world.expects("409", "/talks")
    anna, ben, cleo = await world.dial("Anna", "Ben", "Cleo")
    page, bens, cleos = [await world.page_of(each) for each in (anna, ben, cleo)]
    await act(page, "Ben", "Talk privately with Ben")
    await button(bens, "Decline").click()
    await expect(bens.get_by_role("alert")).to_be_hidden()
    await expect(button(bens, "Mute")).to_be_focused()
    await told(page, "Ben does not want to talk now.")
    # A key on the phone is as good as the button, and who is asked is busy for others.
    await act(page, "Ben", "Talk privately with Ben")
    await expect(button(bens, "Accept")).to_be_visible()
    await act(cleos, "Ben", "Talk privately with Ben")
    await told(cleos, "Ben is busy: in a private talk, or asked to one.")
    await button(page, "Take back").click()
    await expect(button(bens, "Accept")).to_be_hidden()
    await act(page, "Ben", "Talk privately with Ben")
    # The promise that the room can't hear it is made when that is so, and not while Accept is on its way.
    on_its_way = asyncio.Event()

    async def late(route: Route) -> None:
        await on_its_way.wait()
        await route.continue_()

    await bens.route("**/accept", late)
    await button(bens, "Accept").click()
    await expect(bens.get_by_role("alert")).to_have_text("Waiting for Anna")
    await expect(bens.get_by_text("The room can't hear you.")).to_be_hidden()
    await expect(button(bens, "Mute")).to_be_visible()
    on_its_way.set()
    await expect(button(bens, "Back to the room")).to_be_focused()
    await expect(bens.get_by_text("Private with Anna. The room can't hear you.")).to_be_visible()
    await expect(page.get_by_text("Private with Ben. The room can't hear you.")).to_be_visible()
    # Who is only asked has never left it.
    await act(page, "Cleo", "Talk privately with Cleo")
    await expect(button(cleos, "Accept")).to_be_visible()
    # Those who talk see whom they wait for, and none of these can be asked twice.
    for each, other in ((page, "Ben"), (bens, "Anna")):
        said = f"Private with {other}. The room can't hear you. Waiting for Cleo"
        await expect(each.get_by_text(said)).to_be_visible()
        for one in (other, "Cleo"):
            await expect(button(each, f"Talk privately with {one}")).to_be_disabled()
    await button(page, "Back to the room").click()
    await expect(button(page, "Talk privately with Ben")).to_be_enabled()
    await told(bens, "You are back in the room.")
    await expect(button(cleos, "Accept")).to_be_hidden()
    assert "You are back in the room." not in await cleos.evaluate("window.told")


async def test_a_coach_is_heard_by_one_who_goes_on_to_be_heard_by_all(world: World) -> None:
    anna, ben, cleo = await world.join("Anna", "Ben", "Cleo", room="talk")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await act(page, "Ben", "More about Ben")
    await button(page, "Coach Ben").click()
    await expect(page.get_by_text("Only Ben hears you. The room can't hear you.")).to_be_visible()
    await expect(bens.get_by_text("Anna speaks to you alone. The room hears you as ever.")).to_be_visible()
    await expect(button(bens, "Mute")).to_be_visible()
    await cleo.hears_mix({anna.hz: None, ben.hz: SAID})
    await ben.hears_mix({anna.hz: SAID, cleo.hz: SAID})
    await button(page, "Back to the room").click()
    await expect(bens.get_by_text("Anna speaks to you alone.")).to_be_hidden()
    await cleo.hears(anna.hz)


async def test_a_member_is_moved_to_a_side_room_and_comes_back_without_redialling(world: World) -> None:
    anna, ben, cleo = await world.join("Anna", "Ben", "Cleo", room="side-rooms")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await act(page, "Ben", "Move Ben")
    dialog = page.get_by_role("dialog", name="Move Ben to")
    await dialog.get_by_role("textbox", name="New side room").press("Enter")
    await expect(row(page, "Ben")).to_contain_text("in Blue")
    await expect(bens.get_by_text("You are in Blue, and are heard there")).to_be_visible()
    await expect(page.get_by_role("status").filter(has_text="Ben is in Blue now").first).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(bens.get_by_text("The room hears you")).to_be_visible()
    await expect(button(page, "Undo")).to_be_hidden()
    await act(page, "Ben", "Move Ben")
    await dialog.get_by_role("textbox", name="New side room").press("Enter")
    await expect(bens.get_by_text("You are in Blue, and are heard there")).to_be_visible()
    await act(page, "Cleo", "Move Cleo")
    await page.get_by_role("dialog", name="Move Cleo to").get_by_role("button", name="Blue").click()
    await expect(row(bens, "Cleo")).to_contain_text("in Blue")
    # Those who hear each other stand together under the name of their room, mine first.
    for seen, names, headings in (
        (page, ["Anna", "Ben", "Cleo"], ["Main room · 1", "Blue · 2"]),
        (bens, ["Ben", "Cleo", "Anna"], ["Blue · 2", "Main room · 1"]),
    ):
        listed = seen.get_by_role("list", name="Participants")
        await expect(listed.locator(".name")).to_have_text(names)
        assert [
            await one.get_attribute("data-group") for one in await listed.locator("[data-group]").all()
        ] == headings
    await expect(button(bens, "Bring everybody back")).to_be_hidden()

    await cleo.hears_mix({ben.hz: SAID, anna.hz: None})
    await anna.hears_mix({ben.hz: None, cleo.hz: None})
    await expect(page.get_by_text("You are speaking")).to_be_visible()
    await expect(bens.get_by_text("Ben and Cleo are speaking")).to_be_visible()

    await button(page, "Bring everybody back").click()
    await expect(page.get_by_text("Everybody is back in the main room")).to_be_visible()
    await button(page, "Undo").click()
    for moved in ("Ben", "Cleo"):
        await expect(row(page, moved)).to_contain_text("in Blue")
    await button(bens, "To the main room").click()
    await expect(row(page, "Ben")).not_to_contain_text("in Blue")
    await button(page, "Bring everybody back").click()
    await expect(row(bens, "Cleo")).not_to_contain_text("in Blue")
    # By keys there are side rooms of a digit each.
    await anna.key("#*2*5")
    await expect(bens.get_by_text("You are in side room 5, and are heard there")).to_be_visible()
    await anna.key("##0")
    await expect(page.locator("#participants [data-group]")).to_have_count(0)
    await expect(row(page, "Ben")).not_to_contain_text("in Blue")
    await expect(page.get_by_text("Anna, Ben and 1 more are speaking")).to_be_visible()
    # He is in the call in which he came.
    await ben.hears(anna.hz)
    # Whoever goes while somebody thinks about where to move him is not moved, which is said.
    await act(page, "Cleo", "Move Cleo")
    await cleo.leave()
    await expect(row(page, "Cleo")).to_have_count(0)
    world.expects("404", "/participants/3")
    await page.get_by_role("dialog", name="Move Cleo to").get_by_role("textbox").press("Enter")
    await told(page, "This participant is not in the room any more.")
