"""The page of a voice mail box."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from playwright.async_api import expect

from .conftest import ELSEWHERE, World, button
from .test_looks import STILL, looked_at

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_owner_opens_the_box_plays_a_message_and_deletes_it(world: World, tmp_path: Path) -> None:
    world.expects("403", "/box")
    app = [("P-App-Name", "voicemail"), ("P-App-Param", "box=anna")]
    call = await world.phones.dial(world.server.uri("voicemail"), from_name="Zoë", headers=app)
    await call.send_digits("1")
    await call.tone("sine:440:2500:-12")
    await call.hangup()
    page = await world.open(world.server.url("/box", ELSEWHERE), **STILL)
    await page.get_by_label("Box").fill("anna")
    await page.get_by_label("PIN").fill("1111")
    await button(page, "Open").click()
    await expect(page.get_by_role("alert")).to_have_text("This is not right.")
    await looked_at(page, tmp_path, "box-login")
    await page.get_by_label("Box").fill("anna")
    await page.get_by_label("PIN").fill("2580")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("status")).to_have_text("1 new, 0 saved")
    await expect(page.get_by_role("heading", name="Zoë")).to_be_visible()
    await looked_at(page, tmp_path, "box")
    seconds = await page.evaluate(
        """new Promise((heard, failed) => {
            const sound = document.querySelector("audio");
            sound.onloadedmetadata = () => heard(sound.duration);
            sound.onerror = () => failed(sound.error.message);
            sound.load();
            sound.preload = "auto";
        })"""
    )
    assert 1.5 < seconds < 4
    async with page.expect_download() as saved:
        await page.get_by_role("link", name="Download").click()
    path = await (await saved.value).path()
    assert (await asyncio.to_thread(Path(path).read_bytes))[:4] == b"RIFF"
    await page.get_by_role("button", name="Delete").click()
    await expect(page.get_by_role("status")).to_have_text("There are no messages.")
    await button(page, "Close the box").click()
    await expect(page.get_by_label("PIN")).to_be_visible()
