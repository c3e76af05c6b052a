"""What the operator sees."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from peers.kamailio import Kamailio
from peers.ports import free_port
from peers.sems_server import SemsServer
from sems import Config, Server
from sems.plugins import Apps

from .conftest import PATIENCE, PHONE, World, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def log_in(world: World, **options: object) -> Page:
    page = await world.open(world.server.url("/operator"), **options)
    await page.get_by_label("Token").fill(world.server.operator_token)
    await page.get_by_role("button", name="Open").click()
    await page.get_by_role("heading", name="Operator").wait_for()
    return page


async def test_a_wrong_token_opens_nothing(world: World) -> None:
    world.expects("403", "/operator")
    page = await world.open(world.server.url("/operator"))
    await page.get_by_label("Token").fill("guess")
    await page.get_by_role("button", name="Open").click()
    await expect(page.get_by_role("alert")).to_have_text("This is not the token.")


async def test_rooms_and_calls_come_and_go_by_themselves(world: World) -> None:
    page = await log_in(world)
    rooms, calls = page.get_by_role("table", name="Rooms"), page.get_by_role("table", name="Calls")
    anna, ben = await world.dial("Anna", "Ben")
    await expect(rooms.get_by_role("row").filter(has_text=world.room)).to_contain_text("2")
    await expect(calls.get_by_role("row").filter(has_text="Anna")).to_contain_text("answered, opus 48 kHz")
    await ben.call.hold(True)
    await expect(calls.get_by_role("row").filter(has_text="Ben")).to_contain_text("on hold")
    for each in (anna, ben):
        await each.call.hangup()
    await expect(rooms.get_by_role("row").filter(has_text=world.room)).to_have_count(0)


async def test_a_call_is_hung_up_after_a_second_press(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await log_in(world)
    await page.get_by_role("button", name="Hang up Anna").click()
    await asyncio.sleep(0.3)
    assert anna.call.end is None
    await page.get_by_role("button", name="Sure? Hang up Anna").click()
    end = await asyncio.wait_for(anna.call.wait_ended(), PATIENCE)
    assert end.cause == "remote"
    await told(page, "The call has been ended.")


async def test_one_is_called_into_a_room_and_it_is_shown_how_far_that_is(world: World) -> None:
    world.expects("403", "/connections")
    page = await log_in(world)
    await page.get_by_text("Connect two people").click()
    part = page.locator("#connect")
    shown = part.get_by_role("list", name="Connections").get_by_role("listitem")
    await part.get_by_label("From").fill("sip:nobody@192.0.2.1")
    await part.get_by_label("or into the room").fill(world.room)
    await part.get_by_role("button", name="Connect").click()
    await expect(part.get_by_role("alert")).to_contain_text("Only this machine itself")
    # Nobody listens at the discard port.
    await part.get_by_label("From").fill("sip:nobody@127.0.0.1:9")
    await part.get_by_role("button", name="Connect").click()
    await expect(part.get_by_role("alert")).to_have_text("")
    await expect(shown.first).to_contain_text("failed – sip:nobody@127.0.0.1:9: failed 503")
    await expect(part.get_by_label("From")).to_have_value("")


async def test_logging_out_closes_the_page_for_this_browser(world: World) -> None:
    page = await log_in(world)
    await page.get_by_role("button", name="Log out").click()
    await expect(page.get_by_label("Token")).to_be_visible()


async def test_a_call_opens_into_its_ladder_and_a_rung_into_its_message(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await log_in(world)
    await page.get_by_role("button", name="Trace of Anna").click()
    ladder = page.get_by_role("dialog", name="What happened")
    rungs = ladder.get_by_role("listitem")
    await expect(rungs.first).to_contain_text("INVITE + SDP")
    await expect(rungs.first).to_contain_text("0.000")
    await expect(ladder.get_by_role("button", name="ACK, from the peer")).to_be_visible()
    await expect(ladder.get_by_role("button", name="up, opus, told")).to_be_visible()
    answer = ladder.get_by_role("button", name="200 OK (INVITE) + SDP, from us")
    await expect(answer).to_have_attribute("aria-expanded", "false")
    await answer.click()
    message = rungs.filter(has_text="200 OK (INVITE)").locator("pre")
    await expect(message).to_contain_text("SIP/2.0 200 OK")
    # A link opens a page: it is not shown to the operator either.
    await expect(message).to_contain_text("/c/masked")
    await expect(message).not_to_contain_text(anna.token)
    await ladder.get_by_role("button", name="Close").click()
    await expect(ladder).to_be_hidden()


async def test_calls_that_have_passed_are_listed_with_what_became_of_them(world: World) -> None:
    (ben,) = await world.dial("Ben Passing")
    page = await log_in(world)
    await ben.call.hangup()
    await page.get_by_text("Recent calls").click()
    passed = page.get_by_role("table", name="Recent calls").get_by_role("row").filter(has_text="Ben Passing")
    await expect(passed).to_contain_text("ended by the peer")
    await passed.get_by_role("button").click()
    ladder = page.get_by_role("dialog", name="What happened")
    await expect(ladder.get_by_role("button", name="BYE, from the peer")).to_be_visible()


ACCOUNT = """
[[accounts]]
uri = "{}"
name = "{}"
password = "{}"
"""

REGISTRAR = """
[registrar]
enabled = true
[[auth.users]]
name = "desk"
password = "secret"
"""


def desk_phone(server: SemsServer, folder: Path) -> Server:
    """A phone that registers there."""
    low = free_port(span=20)
    account = {"uri": server.uri("desk"), "password": "secret"}
    settings = {
        "host": "127.0.0.1",
        "sip_port": free_port(span=2),
        "rtp_ports": (low, low + 19),
        "data": folder / "phone",
        "accounts": [account],
    }
    return Server(Config.model_validate(settings), apps=Apps(), web=False)


async def test_registrations_are_shown_in_words_as_they_change(
    world: World, tmp_path: Path, screenshots: Path
) -> None:
    world.expects("ERR_CONNECTION_REFUSED", "/overview/events")
    async with Kamailio(tmp_path) as provider:
        ann, eve = provider.uri("ann"), provider.uri("eve")
        config = REGISTRAR + ACCOUNT.format(ann, "work", provider.password)
        config += ACCOUNT.format(eve, "other", "a guess")
        async with SemsServer(tmp_path, config=config) as server:
            page = await log_in(dataclasses.replace(world, server=server))
            table = page.get_by_role("table", name="Registrations")
            works, fails = (table.get_by_role("row").filter(has_text=uri) for uri in (ann, eve))
            await expect(works).to_contain_text("registered until")
            await expect(fails).to_contain_text("refused: 401 Unauthorized, trying again in")
            desk = table.get_by_role("row").filter(has_text="desk@")
            await expect(desk).to_have_count(0)
            phone = desk_phone(server, tmp_path)
            async with phone:
                await expect(desk).to_contain_text("registered until")
                await expect(desk).to_contain_text(f"from 127.0.0.1:{phone.sip_port}")
                await page.screenshot(path=screenshots / "registrations.png")
            # It has taken itself back.
            await expect(desk).to_have_count(0)
            await page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            await table.scroll_into_view_if_needed()
            await page.screenshot(path=screenshots / "registrations-360.png")


async def test_plots_show_the_last_hour_and_what_each_line_is_like(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    silence = anna.speak()
    await ben.call.hangup()
    page = await log_in(world)
    await expect(
        page.get_by_role("img", name=re.compile(r"Calls at once in the last hour, \d+"))
    ).to_be_visible()
    await expect(page.get_by_role("img", name=re.compile(r"How calls ended.* answered"))).to_be_visible()
    await expect(page.get_by_role("img", name=re.compile(r"INVITE to answer, [1-9]\d* ms"))).to_be_visible()
    row = page.get_by_role("table", name="Calls").get_by_role("row").filter(has_text="Anna")
    await expect(row.get_by_role("img", name=re.compile(r"MOS of Anna, now [1-4]\.\d"))).to_be_visible()
    await expect(row.get_by_role("img", name="Jitter of Anna")).to_be_visible()
    await page.get_by_role("button", name="Trace of Anna").click()
    ladder = page.get_by_role("dialog", name="What happened")
    # How the call is now, and its end, above what has been.
    await expect(ladder.get_by_text(f"conference {world.room}")).to_be_visible()
    await expect(ladder.get_by_text("answered, opus 48 kHz")).to_be_visible()
    await expect(ladder.get_by_role("img", name="MOS of Anna, now")).to_be_visible()
    await ladder.get_by_role("button", name="Hang up Anna").click()
    await ladder.get_by_role("button", name="Sure? Hang up Anna").click()
    await expect(ladder.get_by_role("button", name="Hang up Anna")).to_be_hidden()
    assert (await asyncio.wait_for(anna.call.wait_ended(), PATIENCE)).cause == "remote"
    silence()
