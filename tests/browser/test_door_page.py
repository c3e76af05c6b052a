"""Who waits, who is let in, and what a moderator decides of it, on the page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .conftest import PHONE, World, button, row, told
from .handsets import AUDIBLE, DOWN, SAID, Sound

pytestmark = pytest.mark.asyncio(loop_scope="session")

BEEP = 1000  # Hz
PIN = "47110815"  # so long that no time of day spells it
JOINS = (523.25, 783.99)
"""The two notes of the sound with which somebody comes, in Hz. The other way round he goes."""


async def test_who_waits_is_told_so_and_is_let_in_from_wherever_the_moderator_looks(world: World) -> None:
    (anna,) = await world.join("Anna", room="door")
    page = await world.page_of(anna, viewport=PHONE)
    await page.get_by_role("tab", name="More").click()
    async with page.expect_response("**/conferences/door"):
        await page.get_by_role("checkbox", name="Newcomers wait").check()
    (ben,) = await world.join("Ben")
    bens = await world.page_to(ben)
    await expect(bens.get_by_text("The moderator has been told that you are here.")).to_be_visible()
    await expect(button(bens, "Mute")).to_be_hidden()
    knock = page.get_by_role("list", name="Waiting").get_by_role("listitem")
    await expect(knock).to_contain_text("Ben")
    await expect(knock).to_contain_text("waiting")
    await told(page, "Ben is waiting")
    # He hears something, but not her, and she hears nothing at all.
    await ben.hears_something()
    assert (await ben.listen()).level(anna.hz) < DOWN + 20
    await anna.hears_nothing()
    await anna.hears_mix({ben.hz: None})

    await button(page, "Admit Ben").click()
    await anna.hears(ben.hz)
    await ben.hears(anna.hz)
    await row(bens, "Anna").wait_for()
    await expect(button(bens, "Mute")).to_be_visible()
    await expect(page.get_by_role("list", name="Waiting")).to_be_hidden()
    await page.get_by_role("tab", name="People").click()
    await expect(row(page, "Ben")).to_be_visible()


async def test_all_are_let_in_at_once_and_who_is_turned_away_is_told(world: World) -> None:
    (anna,) = await world.dial("Anna", room="door")
    world.room = "door"
    page = await world.page_of(anna)
    await world.command("PATCH", "", {"waiting_room": True}, anna)
    ben, cleo = await world.join("Ben", "Cleo")
    (dora,) = await world.dial("Dora")
    doras = await world.open(dora.link)
    away = button(page, "Turn away Dora")
    await expect(away).to_be_visible()
    (other,) = await world.dial("Dora")
    for place in (3, 4):
        await expect(button(page, f"Admit Dora ({place})")).to_be_visible()
    await other.call.hangup()
    await away.click()
    await expect(away).to_have_text("Sure?")
    await away.click()
    await expect(doras.get_by_text("A moderator did not let you in.")).to_be_visible()
    assert (await ben.listen(0.2)).level(cleo.hz) < AUDIBLE
    await button(page, "Admit all").click()
    await ben.hears(cleo.hz)
    await cleo.hears(ben.hz)
    await expect(row(page, "Ben")).to_be_visible()
    await expect(row(page, "Cleo")).to_be_visible()
    await expect(page.get_by_role("list", name="Waiting")).to_be_hidden()


async def test_a_pin_is_set_and_taken_away_and_shown_to_nobody(world: World) -> None:
    world.expects("409", "/me")
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    field = page.get_by_role("textbox", name="PIN", exact=True)
    await field.fill(PIN)
    await field.press("Enter")
    await expect(field).to_have_value("")
    await expect(field).to_have_attribute("placeholder", "is set")
    assert PIN not in (await world.command("GET", "", None, anna))[1]
    (ben,) = await world.dial("Ben")
    bens = await world.open(ben.link)
    await expect(bens.get_by_text("Key in the PIN on your phone")).to_be_visible()
    await expect(button(bens, "Mute")).to_be_hidden()
    await expect(row(page, "Ben")).to_have_count(0)
    await ben.call.send_digits(f"{PIN}#")
    await expect(row(bens, "Ben")).to_be_visible()
    await expect(button(bens, "Mute")).to_be_visible()
    await expect(row(page, "Ben")).to_be_visible()
    await button(page, "Take away").click()
    await expect(field).to_have_attribute("placeholder", "none")


async def test_a_spoken_name_is_heard_when_its_owner_comes_and_goes_and_nothing_in_a_quiet_room(
    world: World,
) -> None:
    """In a lecture, so that nothing of Ben is heard but his name, which is the tone that he says."""
    (anna,) = await world.join("Anna", room="names")
    page = await world.page_of(anna)
    (ben,) = await world.join("Ben", room="names-asked")
    await ben.hears_at(BEEP, SAID, since=0)
    await ben.hears_not(BEEP)
    await ben.listen()  # while he says it
    await anna.hears_nothing()
    comes = anna.mark()
    await ben.key("#")
    await row(page, "Ben").wait_for()
    for hz in (*JOINS, ben.hz):
        await anna.hears(hz, since=comes)
    await anna.hears_nothing()
    goes = anna.mark()
    await ben.leave()
    await expect(row(page, "Ben")).to_have_count(0)
    for hz in (*reversed(JOINS), ben.hz):
        await anna.hears(hz, since=goes)

    async with page.expect_response("**/conferences/names"):
        await page.get_by_role("checkbox", name="No sounds when people come and go").check()
    await anna.hears_nothing()
    quiet = anna.mark()
    (cleo,) = await world.join("Cleo", room="names")
    await row(page, "Cleo").wait_for()
    await cleo.leave()
    await expect(row(page, "Cleo")).to_have_count(0)
    await anna.listen(0.2)
    assert Sound(anna.heard()[quiet:]).loudness() < DOWN
