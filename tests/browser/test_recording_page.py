"""Recording the room, on the page."""

from __future__ import annotations

import pytest
from playwright.async_api import Route, expect

from .conftest import PHONE, World, button, row
from .handsets import AUDIBLE, SAID, read_sound

pytestmark = pytest.mark.asyncio(loop_scope="session")


BEEP, FALLS = 1000, 1318.51  # Hz, with which it begins and pauses
# What the page itself plays: the loudest frequency, in Hz, once it is about this one, or at the end. First
# there is the beep with which the recording begins.
PLAYED = """async (audio, hz) => {
  const context = new AudioContext();
  const analyser = new AnalyserNode(context, { fftSize: 4096 });
  context.createMediaElementSource(audio).connect(analyser).connect(context.destination);
  await audio.play();
  const bins = new Float32Array(analyser.frequencyBinCount);
  let loudest = 0;
  while (!audio.ended && (audio.currentTime < 0.3 || Math.abs(loudest - hz) > 15)) {
    await new Promise(requestAnimationFrame);
    analyser.getFloatFrequencyData(bins);
    loudest = bins.indexOf(Math.max(...bins)) * context.sampleRate / analyser.fftSize;
  }
  await context.close();
  return [loudest, audio.duration, audio.currentTime];
}"""


async def test_a_recording_is_seen_by_all_and_heard_and_deleted_by_the_moderator(world: World) -> None:
    """Three telephones that speak all the time; Anna is muted but while it pauses."""
    anna, ben = await world.join("Anna", "Ben", room="studio")
    page, bens = await world.page_of(anna), await world.page_of(ben)
    await button(page, "Mute").click()
    await ben.hears_not(anna.hz)
    await expect(button(bens, "Record")).to_be_hidden()
    mark = ben.mark()
    await button(page, "Record").click()
    await ben.hears(BEEP, since=mark)
    await expect(bens.get_by_text("recording", exact=True)).to_be_visible()
    (cleo,) = await world.join("Cleo")
    late = await world.page_of(cleo, viewport=PHONE)
    await expect(late.get_by_text("recording", exact=True)).to_be_visible()
    await late.get_by_role("tab", name="Text").click()
    await expect(late.get_by_text("recording", exact=True)).to_be_visible()
    await expect(row(page, "Ben")).to_contain_text("recorded")
    await button(page, "Mute Cleo").click()
    await expect(row(page, "Cleo")).not_to_contain_text("recorded")
    mark = ben.mark()
    await button(page, "Pause").click()
    await ben.hears(FALLS, -45, since=mark)
    await expect(bens.get_by_text("recording paused", exact=True)).to_be_visible()
    await expect(row(page, "Ben")).not_to_contain_text("recorded")
    await button(page, "Unmute").click()
    await ben.hears(anna.hz)
    await button(page, "Mute").click()
    await ben.hears_not(anna.hz)
    mark = ben.mark()
    await button(page, "Go on").click()
    await ben.hears(BEEP, since=mark)
    await expect(bens.get_by_text("recording", exact=True)).to_be_visible()
    await button(page, "Stop recording").click()
    await expect(bens.get_by_text("recording", exact=True)).to_be_hidden()

    made = page.get_by_role("group", name="Recordings").get_by_role("group")
    await expect(made).to_have_count(1)
    async with page.expect_download() as download:
        await made.get_by_role("link", name="Download").click()
    file = await download.value
    assert file.suggested_filename.endswith(".wav")
    recorded = read_sound(await file.path())
    assert abs(recorded.level(ben.hz) - SAID) < 2
    assert max(recorded.levels(BEEP)) > AUDIBLE
    assert max(recorded.levels(cleo.hz)) > AUDIBLE
    assert max(recorded.levels(anna.hz)) < AUDIBLE
    hz, seconds, at = await made.locator("audio").evaluate(PLAYED, ben.hz)
    assert abs(hz - ben.hz) < 15
    assert 0.3 <= at <= seconds
    playing = await made.locator("audio").element_handle()
    assert playing

    async def grown(route: Route) -> None:
        response = await route.fetch()
        listed = await response.json()
        listed["recordings"][-1]["bytes"] += 1
        await route.fulfill(response=response, json=listed)

    # It plays on while another is made, and more becomes known of this one.
    await page.route("**/recordings", grown)
    await button(page, "Record").click()
    await expect(bens.get_by_text("recording", exact=True)).to_be_visible()
    await button(page, "Stop recording").click()
    await expect(made).to_have_count(2)
    assert await playing.evaluate("(audio) => audio.isConnected && (audio.ended || !audio.paused)")
    delete = made.last.get_by_role("button", name="Delete the recording")
    await delete.click()
    await expect(delete).to_have_text("Sure?")
    await delete.click()
    await expect(made).to_have_count(1)
