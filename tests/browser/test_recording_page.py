"""Recording the room, on the page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from .conftest import PHONE, World, button, row

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_recording_is_seen_by_all_and_heard_and_deleted_by_the_moderator(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await expect(button(bens, "Record")).to_be_hidden()
    await button(page, "Record").click()
    await expect(bens.get_by_text("recording", exact=True)).to_be_visible()
    (cleo,) = await world.dial("Cleo")
    late = await world.page_of(cleo, viewport=PHONE)
    await expect(late.get_by_text("recording", exact=True)).to_be_visible()
    await late.get_by_role("tab", name="Text").click()
    await expect(late.get_by_text("recording", exact=True)).to_be_visible()
    silence = ben.speak()
    await expect(row(page, "Ben")).to_contain_text("recorded")
    await button(page, "Mute Cleo").click()
    await expect(row(page, "Cleo")).not_to_contain_text("recorded")
    await button(page, "Pause").click()
    await expect(bens.get_by_text("recording paused", exact=True)).to_be_visible()
    await expect(row(page, "Ben")).not_to_contain_text("recorded")
    await button(page, "Go on").click()
    await expect(bens.get_by_text("recording", exact=True)).to_be_visible()
    await page.wait_for_timeout(500)
    await button(page, "Stop recording").click()
    silence()
    await expect(bens.get_by_text("recording", exact=True)).to_be_hidden()

    made = page.get_by_role("group", name="Recordings").get_by_role("group")
    await expect(made).to_have_count(1)
    heard = await made.locator("audio").evaluate(
        """(audio) => new Promise((done) => {
          audio.addEventListener("canplay", () => done(audio.duration));
          audio.addEventListener("error", () => done(null));
          audio.load();
          audio.preload = "auto";
        })"""
    )
    assert heard > 0.4
    async with page.expect_download() as download:
        await made.get_by_role("link", name="Download").click()
    assert (await download.value).suggested_filename.endswith(".wav")
    delete = made.get_by_role("button", name="Delete the recording")
    await delete.click()
    await expect(delete).to_have_text("Sure?")
    await delete.click()
    await expect(made).to_have_count(0)
