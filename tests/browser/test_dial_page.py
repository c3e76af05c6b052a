"""Calling somebody into the room, on the page."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import expect

from peers.ports import free_port
from sems import App, Call, Config, Server
from sems.plugins import Apps

from .conftest import PHONE, World, button, row, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def telephone(
    tmp_path_factory: pytest.TempPathFactory, lift: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """The address of a telephone that rings until somebody lifts it."""
    app = App("cleo")
    apps = Apps()
    apps.add(app)

    @app.call
    async def main(call: Call) -> None:
        await call.ring()
        if lift is None:
            await call.wait_ended()
        else:
            await lift.wait()
        await call.answer()
        await call.wait_ended()

    low = free_port(span=20)
    config = Config.model_validate(
        {
            "host": "127.0.0.1",
            "sip_port": 0,
            "rtp_ports": (low, low + 19),
            "data": tmp_path_factory.mktemp("telephone"),
        }
    )
    async with Server(config, apps=apps, web=False) as server:
        yield f"sip:cleo@127.0.0.1:{server.sip_port}"


async def test_progress_is_shown_where_he_will_stand_until_he_is_there(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    lift = asyncio.Event()
    async with telephone(tmp_path_factory, lift) as address:
        await page.get_by_role("textbox", name="Dial").fill(address)
        await button(page, "Dial").click()
        await expect(row(page, "cleo")).to_contain_text("ringing")
        await expect(button(page, "Cancel call to cleo")).to_be_visible()
        lift.set()
        await expect(row(page, "cleo")).to_contain_text("called by us")
        await expect(button(page, "Cancel call to cleo")).to_have_count(0)
        await expect(page.get_by_role("listitem")).to_have_count(2)
        await button(page, "Remove cleo").click()
        # In time it would be undone; when his call is over, he is called.
        await button(page, "Call again: cleo").click()
        await expect(row(page, "cleo")).to_contain_text("called by us")
        await expect(button(page, "Call again: cleo")).to_be_hidden()
        await button(page, "Remove cleo").click()


async def test_a_call_is_taken_back_while_it_rings_and_dialled_again(
    world: World, tmp_path_factory: pytest.TempPathFactory
) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna, viewport=PHONE)
    async with telephone(tmp_path_factory) as address:
        await page.get_by_role("tab", name="Dial").click()
        await page.get_by_role("textbox", name="Dial").fill(address)
        await page.get_by_role("textbox", name="Dial").press("Enter")
        # What comes of it is seen at once, among the people.
        await expect(row(page, "cleo")).to_contain_text("ringing")
        await button(page, "Cancel call to cleo").click()
        await expect(row(page, "cleo")).to_contain_text("taken back")
        await button(page, "Call again: cleo").click()
        await expect(row(page, "cleo")).to_contain_text("ringing")
        await button(page, "Cancel call to cleo").click()
        await button(page, "Forget call to cleo").click()
        await expect(row(page, "cleo")).to_have_count(0)


async def test_why_somebody_does_not_come_is_said_with_its_code_and_refusals_give_the_text_back(
    world: World,
) -> None:
    world.expects("403", "/calls")
    anna, ben = await world.dial("Anna", "Ben")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await expect(bens.get_by_role("textbox", name="Dial")).to_be_hidden()
    field = page.get_by_role("textbox", name="Dial")
    await field.fill("sip:dora@192.0.2.1")
    await field.press("Enter")
    await told(page, "That is not allowed. Only this machine itself can be called")
    await expect(field).to_have_value("sip:dora@192.0.2.1")
    await field.fill("sip:dora@127.0.0.1:1")
    await field.press("Enter")
    await expect(row(page, "dora")).to_contain_text("could not be reached (503)")
    # Only who dialled and moderators take it back.
    await expect(row(bens, "dora").get_by_role("button")).to_have_count(0)
    await expect(button(page, "Forget call to dora")).to_be_visible()
