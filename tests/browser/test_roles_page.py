"""A page whose owner gets another role while he looks at it."""

from __future__ import annotations

import socket

import pytest
from playwright.async_api import Page, expect

from .conftest import Caller, World, button, row

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def be(world: World, who: int, role: str, by: Caller) -> None:
    status, _ = await world.command("PATCH", f"/participants/{who}", {"role": role}, by)
    assert status == 200


async def record(world: World, by: Caller) -> None:
    for state in ("recording", "off"):
        assert (await world.command("PATCH", "/recording", {"state": state}, by))[0] == 200


async def focused(page: Page) -> str:
    return await page.evaluate("document.activeElement.ariaLabel ?? document.activeElement.innerText.trim()")


async def test_what_stands_in_lists_can_be_done_by_whoever_becomes_a_moderator_and_by_nobody_else(
    world: World,
) -> None:
    # What was asked for as a moderator can arrive when he is none any more.
    world.expects("403", "/recordings")
    anna, ben = await world.dial("Anna", "Ben")
    page = await world.page_of(ben)
    await world.command("PATCH", "", {"waiting_room": True}, anna)
    await record(world, anna)
    await world.dial("Cleo", "Dora")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nobody:
        nobody.bind(("127.0.0.1", 0))
        target = f"sip:emil@127.0.0.1:{nobody.getsockname()[1]}"
        assert (await world.command("POST", "/calls", {"target": target}, anna))[0] == 200
        waiting = page.get_by_role("list", name="Waiting").get_by_role("listitem")
        recordings = page.get_by_role("group", name="Recordings").get_by_role("group")
        of_moderators = ("Admit Dora", "Turn away Dora", "Cancel call to emil", "Mute Anna", "Remove Anna")
        for what in (waiting.filter(has_text="Dora"), row(page, "emil"), row(page, "Anna")):
            await expect(what).to_be_visible()
        for name in of_moderators:
            await expect(button(page, name)).to_have_count(0)

        await be(world, 2, "moderator", anna)
        for name in ("Admit Cleo", *of_moderators):
            await expect(button(page, name)).to_be_visible()
        await expect(recordings).to_have_count(1)
        # What is pressed goes away, and the focus to what is next to it.
        await button(page, "Admit Cleo").press("Enter")
        await expect(row(page, "Cleo")).to_be_visible()
        assert await focused(page) == "Admit Dora"
        await button(page, "Record").press("Enter")
        await expect(button(page, "Stop recording")).to_be_visible()
        assert await focused(page) == "Pause"
        await button(page, "Stop recording").press("Enter")
        await expect(button(page, "Record")).to_be_visible()
        assert await focused(page) == "Record"

        await be(world, 2, "speaker", anna)
        await expect(waiting).to_have_count(1)
        for name in of_moderators:
            await expect(button(page, name)).to_have_count(0)
        await expect(recordings).to_be_hidden()
        await record(world, anna)
        await be(world, 2, "moderator", anna)
        await expect(recordings).to_have_count(3)
        await button(page, "Admit Dora").press("Enter")
        await expect(waiting).to_have_count(0)
        assert await focused(page) == "Mute"
        # Who can only listen does not find at the first place what he would be refused.
        await be(world, 2, "listener", anna)
        await expect(button(page, "Raise hand")).to_have_class("big")
        await expect(button(page, "Unmute")).not_to_have_class("big")


async def test_who_waits_where_no_moderator_is_is_not_told_that_one_knows(world: World) -> None:
    (ben,) = await world.dial("Ben", room="hall")
    page = await world.open(ben.link)
    await expect(page.get_by_text("No moderator is here yet.")).to_be_visible()
