"""What goes wrong in a hurry, with odd names, or while the network is away."""

from __future__ import annotations

import asyncio
import json

import pytest
from playwright.async_api import Route, expect

from .conftest import World, button, row, told

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_two_of_one_name_and_who_has_none_can_be_told_apart(world: World) -> None:
    # Who has none is called as in his address, which is sip:sems@….
    anna, ben, *_ = await world.dial("Anna", "Ben", "Ben", " ", "\u202eoelC")
    await world.command("POST", "/messages", {"text": "psst", "to": [2]}, anna)
    page = await world.page_of(anna)
    listed = page.get_by_role("list", name="Participants")
    await expect(listed.locator(".name")).to_have_text(["Anna", "Ben", "Ben", "sems", "oelC"])
    await expect(listed.get_by_title("on the telephone")).to_have_text(["1", "2", "3", "4", "5"])
    for name in ("Mute Ben (2)", "Mute Ben (3)", "Mute sems", "Mute oelC"):
        await expect(button(page, name)).to_be_visible()
    await expect(page.get_by_text("**N#")).to_be_visible()
    await page.evaluate(
        """() => {
          for (const [id, gain] of [[2, -12], [3, -20]]) {
            const slider = document.querySelector(`li[data-id="${id}"] [data-act=volume]`);
            slider.value = gain;
            slider.dispatchEvent(new InputEvent("input", { bubbles: true }));
          }
        }"""
    )
    await expect(page.get_by_role("slider", name="Volume of Ben (3) for me")).to_have_value("-20")
    view = {"volumes": {}}
    while len(view["volumes"]) < 2:
        # The server refuses to be asked more than so many times a second.
        await asyncio.sleep(0.05)
        view = json.loads((await world.command("GET", "", None, anna))[1])
    assert view["volumes"] == {"2": -12, "3": -20}

    # There are two seconds for it: they are not spent on the way between the test and the browser.
    undone = await page.evaluate(
        """async () => {
          const frame = () => new Promise(requestAnimationFrame);
          const line = document.querySelector(".my-state [role=status]");
          const told = [];
          // Without the other his name is enough for the second.
          for (const [id, said] of [[2, "Removed Ben (2)."], [3, "Removed Ben."]]) {
            document.querySelector(`li[data-id="${id}"] [data-act=remove]`).click();
            while (line.textContent !== said) await frame();
          }
          for (let each = 0; each < 2; each += 1) {
            await frame();
            told.push(line.textContent);
            document.querySelector("#undo").click();
          }
          return told;
        }"""
    )
    assert undone == ["Removed Ben.", "Removed Ben (2)."]
    await expect(button(page, "Undo")).to_be_hidden()
    # Whoever presses once more does not mute himself.
    assert await page.evaluate("document.activeElement.dataset.act") == "open"
    for place in (2, 3):
        await expect(button(page, f"Mute Ben ({place})")).to_be_visible()

    await ben.call.hangup()
    await expect(button(page, "Mute Ben")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("log", name="Messages")).to_contain_text("only to Ben")


async def test_nothing_is_lost_that_is_pressed_too_early_or_is_too_much(world: World) -> None:
    anna, _, _ = await world.dial("Anna", "Ben", "Cleo")
    window = await world.window()
    page = await world.page_of(anna, window)
    await page.get_by_role("spinbutton", name="Most people at once").fill("9")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("combobox", name="Mode")).to_be_visible()
    field = page.get_by_role("textbox", name="Message")
    await field.fill("x" * 2100)
    await field.press("Enter")
    await told(page, "2000 characters can be sent at once, and these are 100 more")
    assert len(await field.input_value()) == 2100
    assert json.loads((await world.command("GET", "", None, anna))[1])["settings"]["max_members"] == 9

    # What was done last does not hide that nobody hears.
    await button(page, "Mute").click()
    silence = anna.speak()
    await told(page, "You are muted")
    await expect(page.locator("#mute")).to_have_class("big pulse")
    await button(page, "Remove Cleo").click()
    await told(page, "You are muted · Removed Cleo.")
    silence()

    await button(page, "Move Ben").click()
    dialog = page.get_by_role("dialog", name="Move Ben to")
    name = dialog.get_by_role("textbox", name="New side room")
    refused: list[str] = []

    async def busy(route: Route) -> None:
        refused.append(route.request.method)
        await route.fulfill(status=429)

    world.expects("429", "/events")
    await page.route("**/events*", busy, times=1)
    await window.set_offline(True)
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    await name.press("Enter")
    await expect(dialog.get_by_role("button", name="Move")).to_have_attribute("aria-disabled", "true")
    await expect(dialog).to_be_visible()
    await window.set_offline(False)
    await expect(page.get_by_text("Reconnecting…")).to_be_hidden()
    assert refused == ["HEAD"]
    await name.press("Enter")
    await expect(row(page, "Ben")).to_contain_text("in Blue")
    await button(page, "Move Ben").click()
    await name.fill("main room")
    await name.press("Enter")
    await expect(row(page, "Ben")).not_to_contain_text("in Blue")
    await expect(page.locator("#participants [data-group]")).to_have_count(0)
