"""The whole way from a phone to its page, for one that ignores its link, one that takes texts, and one that
follows the conference."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from peers.linphone import Linphone

from .conftest import World, button, row

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_page_is_found_by_the_link_in_the_answer_and_by_a_code_that_is_spoken_or_keyed_in(
    world: World,
) -> None:
    anna, ben = await world.join("Anna", "Ben", room="keys")
    await anna.key("*6")  # so that what Ben hears are words alone
    await ben.key("*#")
    # Meanwhile: what the answer to a call carries, and what is sent as a text, is the page of that call.
    described, called = await anna.links()
    assert described == called == await anna.link()
    annas = await world.open(described)
    await expect(row(annas, "Anna")).to_contain_text("you")
    typed = await world.open(world.server.url("/"))
    await typed.get_by_role("textbox", name="Code").fill(await ben.digits())
    await button(typed, "Open").click()
    await expect(row(typed, "Ben")).to_contain_text("you")
    page = await world.paired(ben)
    await expect(row(page, "Ben")).to_contain_text("you")
    # It is his: what he does there is done in his call, and what he keys in is seen there.
    await button(page, "Mute").click()
    await expect(row(annas, "Ben")).to_contain_text("muted")
    await anna.hears_not(ben.hz)
    await ben.key("*6")
    await expect(row(page, "Ben")).not_to_contain_text("muted")
    await anna.hears(ben.hz)


async def test_a_phone_that_follows_the_conference_is_told_of_its_page_and_of_what_is_done_there(
    world: World, tmp_path: Path
) -> None:
    """linphone subscribes where it is registered, and reads what it is told by RFC 4575."""
    (anna,) = await world.dial("Anna")
    annas = await world.page_of(anna)
    async with Linphone(tmp_path, "lin", account=f"127.0.0.1:{world.server.sip_port}", logs=True) as lin:
        await world.server.logged("a phone has registered")
        await lin.dial(world.server.uri(world.room))
        link = (await lin.logged(r"<uri>http://[^<]+(?=</uri><purpose>web-page)")).removeprefix("<uri>")
        page = await world.open(link)
        await expect(
            page.get_by_role("listitem").filter(has=page.get_by_text("lin", exact=True))
        ).to_contain_text("you")
        await button(page, "Mute").click()
        await expect(
            annas.get_by_role("listitem").filter(has=annas.get_by_text("lin", exact=True))
        ).to_contain_text("muted")
        await lin.logged("<status>recvonly<")
        await lin.hang_up()
