"""What a caller sees on the page of his call, and what he can do there."""

from __future__ import annotations

import asyncio
import functools
import re
import time
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from sems import CallFailed

from .conftest import PATIENCE, PHONE, World, button, row, told
from .handsets import SOON, TRIES, soonest

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOW = 0.3  # seconds, within which a change reaches every page
HAND_UP = 880  # Hz


async def shown(page: Page, name: str, word: str, act: Callable[[], Awaitable[object]]) -> float:
    """Does something, and tells after how many seconds the row of ``name`` shows the word."""
    shown = page.evaluate(
        """([name, word]) => new Promise((done) => {
          const look = () => {
            const rows = [...document.querySelectorAll("#participants li")];
            if (rows.some((row) => row.textContent.includes(name) && row.textContent.includes(word))) {
              return done(Date.now() / 1000);
            }
            requestAnimationFrame(look);
          };
          look();
        })""",
        [name, word],
    )
    task = asyncio.ensure_future(shown)
    await asyncio.sleep(0.05)
    begin = time.time()
    await act()
    return await asyncio.wait_for(task, PATIENCE) - begin


async def test_everybody_is_listed_by_his_display_name_unaltered(world: World) -> None:
    names = ["Anna Lindqvist", "Ben", "Zoë <b>Müller</b> & Co", "+49 30 1234567"]
    anna, _, zoe, _ = await world.dial(*names)
    for caller in (anna, zoe):
        page = await world.page_of(caller)
        listed = page.get_by_role("list", name="Participants").locator(".name")
        await expect(listed).to_have_text(names)
        assert await page.get_by_role("listitem").count() == len(names)
        await expect(row(page, caller.name)).to_contain_text("you")
        await expect(page.get_by_role("heading", level=1)).to_have_text(world.room)


async def test_who_comes_and_goes_is_seen_at_once(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    await expect(page.get_by_text("You are alone here")).to_be_visible()
    await world.dial("Ben")
    await expect(row(page, "Ben")).to_contain_text("phone")
    await expect(page.get_by_text("2 people")).to_be_visible()
    (cleo,) = await world.dial("Cleo")
    await row(page, "Cleo").wait_for()
    await cleo.call.hangup()
    await expect(row(page, "Cleo")).to_have_count(0)


async def test_who_speaks_is_marked_where_he_stands_and_named_above(world: World) -> None:
    anna, ben, _ = await world.dial("Anna", "Ben", "Cleo")
    page = await world.page_of(anna)
    await expect(page.get_by_text("Nobody is speaking")).to_be_visible()
    before = [await each.bounding_box() for each in await page.get_by_role("listitem").all()]

    silence = ben.speak()
    await expect(row(page, "Ben")).to_contain_text("speaking")
    await expect(page.get_by_text("Ben is speaking")).to_be_visible()
    level = row(page, "Ben").locator(".bar")
    await expect(level).to_have_attribute("style", re.compile(r"--level: ?(0\.[5-9]|1)"))
    assert before == [await each.bounding_box() for each in await page.get_by_role("listitem").all()]

    silence()
    await expect(row(page, "Ben")).not_to_contain_text("speaking")
    await expect(page.get_by_text("Nobody is speaking")).to_be_visible()
    await expect(level).to_have_attribute("style", re.compile(r"--level: ?0(\.00)?;"))


async def test_a_key_on_the_phone_and_a_command_of_a_program_reach_every_page_at_once(world: World) -> None:
    anna, ben = await world.join("Anna", "Ben", room="keys")
    pages = [await world.page_of(anna), await world.page_of(ben)]
    for page, keys, word in ((pages[0], "*6", "muted"), (pages[1], "*9", "hand 1")):
        for _ in range(TRIES):
            await ben.key(keys[0])
            # A key counts from when it goes down.
            took = await shown(page, "Ben", word, lambda key=keys[1]: ben.key(key))
            if took < NOW:
                break
            await ben.key(keys)
            await expect(row(page, "Ben")).not_to_contain_text(word)
        assert took < NOW
    await expect(button(pages[1], "Unmute")).to_be_visible()
    await expect(button(pages[1], "Lower hand")).to_be_visible()

    command = functools.partial(world.command, "PATCH", "/participants/me", who=ben)
    for _ in range(TRIES):
        await command({"hand": False})
        await expect(row(pages[0], "Ben")).not_to_contain_text("hand 1")
        took = await shown(pages[0], "Ben", "hand 1", lambda: command({"hand": True}))
        if took < NOW:
            break
    assert took < NOW


async def test_what_is_pressed_on_a_page_is_heard_on_the_phones_at_once(world: World) -> None:
    anna, ben = await world.join("Anna", "Ben", room="keys")
    page, bens = await world.page_of(anna), await world.page_of(ben)

    async def lower() -> None:
        await button(bens, "Lower hand").click()
        await ben.hears_not(HAND_UP)

    assert (
        await soonest(
            button(bens, "Raise hand"), ben, lambda mark: ben.hears(HAND_UP, -45, since=mark), lower
        )
        < SOON
    )

    async def unmute() -> None:
        await button(page, "Unmute").click()
        await ben.hears(anna.hz)

    assert (
        await soonest(button(page, "Mute"), ben, lambda mark: ben.hears_not(anna.hz, since=mark), unmute)
        < SOON
    )
    # She goes on speaking, and is told.
    await expect(page.locator("#mute")).to_have_class(re.compile("pulse"))
    await expect(button(page, "Unmute")).to_be_visible()
    await expect(page.get_by_text("You are muted")).to_be_visible()
    await expect(row(bens, "Anna")).to_contain_text("muted")
    await expect(row(bens, "Anna")).not_to_contain_text("speaking")
    await ben.hears_mix({anna.hz: None})
    await unmute()
    await expect(row(bens, "Anna")).to_contain_text("speaking")


async def test_that_something_is_asked_for_is_shown_at_once_and_that_it_is_so_when_it_is(
    world: World,
) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    answers = asyncio.Event()

    async def late(route: Route) -> None:
        await answers.wait()
        await route.continue_()

    await page.route("**/participants/me", late)
    for wanted in ["Not muted yet…", "The room hears you"] * TRIES:
        took = await page.evaluate(
            """(wanted) => new Promise((done) => {
              const text = document.querySelector("#me [role=status]");
              const begin = performance.now();
              document.querySelector("#mute").click();
              const look = () => (text.innerText === wanted ? done(performance.now() - begin)
                                                            : requestAnimationFrame(look));
              requestAnimationFrame(look);
            })""",
            wanted,
        )
        if wanted == "Not muted yet…" and took < 100:
            break
    assert took < 100
    # Until it is so the room hears her, and nothing says that it doesn't.
    await expect(page.locator("#mute[aria-busy]")).to_have_text("Mute")
    await expect(row(page, "Anna")).not_to_contain_text("muted")
    await expect(page.locator("[data-heard]")).to_be_visible()
    # Without an answer it is looked whether there is a line at all, and said at once that there is none.
    await page.route("**/events*", lambda route: route.abort())
    world.expects("ERR_FAILED", "/events")
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    await expect(page.get_by_text("Not muted yet…")).to_be_visible()
    await page.unroute("**/events*")
    async with page.expect_response("**/participants/me") as response:
        answers.set()
    assert (await response.value).ok
    await expect(button(page, "Unmute")).to_be_visible()
    await expect(page.locator("#mute[aria-busy]")).to_have_count(0)
    await expect(row(page, "Anna")).to_contain_text("muted")


async def test_what_is_refused_is_taken_back_with_a_sentence(world: World) -> None:
    world.expects("403", "/participants/me")
    anna, ben = await world.dial("Anna", "Ben")
    page = await world.page_of(ben)
    await world.command("PATCH", "/participants/2", {"muted": True}, anna)
    await expect(page.get_by_text("A moderator has muted you")).to_be_visible()
    await button(page, "Unmute").click()
    await told(page, "That is not allowed. A moderator has muted you.")
    await expect(button(page, "Unmute")).to_be_visible()
    await expect(row(page, "Ben")).to_contain_text("muted")


async def test_what_did_not_get_through_is_taken_back_with_a_sentence(world: World) -> None:
    world.expects("ERR_FAILED", "/participants/me")
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    await page.route("**/participants/me", lambda route: route.abort())
    await button(page, "Mute").click()
    await told(page, "That did not get through. Try again.")
    await expect(button(page, "Mute")).to_be_visible()


async def test_hands_are_raised_lowered_and_queue(world: World) -> None:
    anna, ben, cleo = await world.dial("Anna", "Ben", "Cleo")
    pages = {each.name: await world.page_of(each) for each in (anna, ben, cleo)}
    await button(pages["Cleo"], "Raise hand").click()
    await expect(row(pages["Ben"], "Cleo")).to_contain_text("hand 1")
    await button(pages["Ben"], "Raise hand").click()
    await expect(row(pages["Anna"], "Ben")).to_contain_text("hand 2")
    await expect(pages["Ben"].get_by_text("you are second")).to_be_visible()

    await pages["Anna"].get_by_role("button", name="hand 1, lower it for Cleo").click()
    await expect(row(pages["Cleo"], "Ben")).to_contain_text("hand 1")
    await expect(button(pages["Cleo"], "Raise hand")).to_be_visible()
    await button(pages["Ben"], "Lower hand").click()
    await expect(row(pages["Anna"], "Ben")).not_to_contain_text("hand")


async def test_only_a_moderator_is_shown_what_only_he_can_do(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, other = await world.page_of(anna), await world.page_of(ben)
    for name in ("Lock room", "Mute Ben", "Remove Ben"):
        await expect(button(page, name)).to_be_visible()
    for name in ("Lock room", "Mute Anna", "Remove Anna"):
        await expect(button(other, name)).to_have_count(0)
    await anna.call.hangup()
    await expect(button(other, "Lock room")).to_be_visible()


async def test_a_moderator_mutes_another_and_lets_him_be_heard_again(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, other = await world.page_of(anna), await world.page_of(ben)
    await button(page, "Mute Ben").click()
    await expect(row(page, "Ben")).to_contain_text("muted")
    await expect(other.get_by_text("A moderator has muted you")).to_be_visible()
    await button(page, "Unmute Ben").click()
    await expect(row(page, "Ben")).not_to_contain_text("muted")
    await expect(button(other, "Mute")).to_be_visible()


async def test_a_locked_room_lets_nobody_in_until_it_is_unlocked(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, other = await world.page_of(anna), await world.page_of(ben)
    await button(page, "Lock room").click()
    await expect(other.get_by_text("locked", exact=True)).to_be_visible()
    with pytest.raises(CallFailed) as failed:
        await world.dial("Cleo")
    assert failed.value.code == 403
    await button(page, "Unlock room").click()
    await expect(other.get_by_text("locked", exact=True)).to_be_hidden()
    await world.dial("Cleo")
    await row(other, "Cleo").wait_for()


async def test_who_is_removed_sees_it_and_his_phone_is_hung_up(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, other = await world.page_of(anna), await world.page_of(ben)
    # It can be undone as long as the server says, which is less than it says by itself.
    seconds = await page.evaluate(
        """() => new Promise((done) => {
          const undo = document.querySelector("#undo");
          const begin = performance.now();
          document.querySelector("#participants li:nth-child(2) [data-act=remove]").click();
          let was = "";
          const look = () => {
            const is = undo.checkVisibility() ? undo.textContent : "";
            if (was && was !== is) return done((performance.now() - begin) / 1000);
            was = is;
            requestAnimationFrame(look);
          };
          look();
        })"""
    )
    assert 1.9 < seconds < 4.5
    await told(page, "Removed Ben.")
    await expect(button(page, "Undo")).to_be_hidden()
    await expect(row(page, "Ben")).to_have_count(0)
    await expect(other.get_by_text("A moderator has removed you from the room.")).to_be_visible()
    await expect(other.get_by_role("list", name="Participants")).to_be_hidden()
    end = await asyncio.wait_for(ben.call.wait_ended(), PATIENCE)
    assert end.cause == "remote"
    await expect(other.get_by_text("Your call has ended. This link no longer works.")).to_be_visible()


async def test_a_removal_is_undone_in_time(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, other = await world.page_of(anna), await world.page_of(ben)
    # There are two seconds for it: they are not spent on the way between the test and the browser.
    await page.evaluate(
        """() => new Promise((done) => {
          document.querySelector("#participants li:nth-child(2) [data-act=remove]").click();
          const look = () => {
            if (document.activeElement.id !== "undo") return requestAnimationFrame(look);
            document.activeElement.click();
            done();
          };
          look();
        })"""
    )
    await expect(button(page, "Undo")).to_be_hidden()
    await expect(row(page, "Ben")).to_be_visible()
    await expect(row(other, "Ben")).to_be_visible()
    await button(other, "Mute").click()
    await expect(row(page, "Ben")).to_contain_text("muted")
    assert ben.call.end is None
    assert anna.call.end is None


async def test_when_the_call_ends_the_page_says_so_and_the_link_is_dead(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page = await world.page_of(ben)
    await ben.call.hangup()
    await expect(page.get_by_text("Your call has ended. This link no longer works.")).to_be_visible()
    await expect(button(page, "Mute")).to_be_hidden()
    await expect(page.get_by_role("list", name="Participants")).to_be_hidden()
    world.expects("410", ben.token)
    response = await page.reload()
    assert response is not None
    assert response.status == 410
    await expect(page.get_by_role("heading", name="Your call has ended")).to_be_visible()
    assert anna.call.end is None


async def test_hold_is_said_in_words(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page, other = await world.page_of(ben), await world.page_of(anna)
    await ben.call.hold(True)
    await expect(page.get_by_text("Your phone has put the call on hold")).to_be_visible()
    await expect(row(other, "Ben")).to_contain_text("on hold")
    await ben.call.hold(False)
    await expect(row(other, "Ben")).not_to_contain_text("on hold")


async def test_a_lost_network_is_said_and_nothing_of_the_meantime_is_lost(world: World) -> None:
    anna, ben, cleo = await world.dial("Anna", "Ben", "Cleo")
    window = await world.window()
    page = await world.page_of(ben, window)
    world.expects("ERR_INTERNET_DISCONNECTED", "/events")
    await window.set_offline(True)
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    await expect(button(page, "Mute")).to_be_disabled()
    await expect(row(page, "Anna")).to_be_visible()

    await world.command("PATCH", "/participants/me", {"hand": True}, cleo)
    await world.command("PATCH", "", {"locked": True}, anna)
    await window.set_offline(False)
    await expect(row(page, "Cleo")).to_contain_text("hand 1")
    await expect(page.get_by_text("locked", exact=True)).to_be_visible()
    await told(page, "Cleo raised a hand")
    await button(page, "Mute").click()
    await expect(row(page, "Ben")).to_contain_text("muted")
    for _ in range(TRIES):
        if (took := await away(window, page)) < 2:
            break
    assert took < 2

    # Nor is anything lost of the time in which nobody looks at it, and it holds no line.
    await look(page, False)
    await world.command("PATCH", "", {"locked": False}, anna)
    await world.command("PATCH", "/participants/me", {"hand": False}, cleo)
    await expect(page.get_by_text("locked", exact=True)).to_be_visible()
    await look(page, True)
    await expect(page.get_by_text("locked", exact=True)).to_be_hidden()
    await expect(row(page, "Cleo")).not_to_contain_text("hand 1")


async def look(page: Page, at_it: bool) -> None:
    """Another tab is chosen, or this one again."""
    await page.evaluate(
        """(hidden) => {
          Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        not at_it,
    )


async def away(window: BrowserContext, page: Page) -> float:
    """After how many seconds of a network the page is there again."""
    await window.set_offline(True)
    await expect(page.get_by_text("Reconnecting…")).to_be_visible()
    begin = time.monotonic()
    await window.set_offline(False)
    await expect(page.get_by_text("Reconnecting…")).to_be_hidden()
    return time.monotonic() - begin


async def test_everything_is_done_by_keyboard_too(world: World) -> None:
    (anna,) = await world.dial("Anna")
    page = await world.page_of(anna)
    await page.keyboard.press("m")
    await expect(button(page, "Unmute")).to_be_visible()
    await page.keyboard.press("h")
    await expect(button(page, "Lower hand")).to_be_visible()
    await page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard")
    await expect(dialog).to_be_visible()
    await page.keyboard.press("m")
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(button(page, "Unmute")).to_be_visible()

    seen: list[str] = []
    await page.locator("body").press("Tab")
    while "Keyboard" not in seen and len(seen) < 30:
        focused = page.locator(":focus-visible")
        assert await focused.evaluate("(element) => getComputedStyle(element).outlineStyle") == "solid"
        seen.append(await focused.evaluate("(element) => element.ariaLabel ?? element.innerText.trim()"))
        await page.keyboard.press("Tab")
    assert seen[:2] == ["Unmute", "Lower hand"]
    assert {"Message", "Send", "Lock room", "Keyboard"} <= set(seen)


async def test_rows_are_opened_and_closed_by_keyboard(world: World) -> None:
    anna, *_ = await world.dial("Anna", "Ben", "Cleo")
    page = await world.page_of(anna, viewport=PHONE)
    ben, cleo = button(page, "More about Ben"), button(page, "More about Cleo")
    await expect(button(page, "Remove Ben")).to_be_hidden()
    await ben.press("Enter")
    await expect(ben).to_have_attribute("aria-expanded", "true")
    await expect(button(page, "Remove Ben")).to_be_visible()
    await page.keyboard.press("ArrowDown")
    await expect(cleo).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Escape")
    await expect(ben).to_be_focused()
    await expect(button(page, "Remove Ben")).to_be_hidden()
    await row(page, "Cleo").click()
    await expect(button(page, "Remove Cleo")).to_be_visible()


async def test_what_happens_is_told_to_screen_readers(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    page = await world.page_of(anna)
    await expect(page.get_by_role("status", name="News")).to_be_attached()
    await ben.call.send_digits("*9")
    await told(page, "Ben raised a hand")
    await world.dial("Cleo")
    await told(page, "Cleo joined")
    await ben.call.hangup()
    await told(page, "Ben left")


async def test_two_callers_are_open_side_by_side_in_one_browser(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    window = await world.window()
    first, second = await world.page_of(anna, window), await world.page_of(ben, window)
    await button(second, "Mute").click()
    await expect(row(first, "Ben")).to_contain_text("muted")
    await expect(row(first, "Anna")).not_to_contain_text("muted")
    await expect(button(first, "Mute")).to_be_visible()

    # A browser has six lines to a server, and keeps some for what is pressed however many windows are seen.
    others = await asyncio.gather(*(world.page_of(each, window) for each in (anna, anna, ben, ben, ben)))
    seventh = others[-1]
    await button(seventh, "Unmute").click()
    for page in (first, *others):
        await expect(row(page, "Ben")).not_to_contain_text("muted")
    world.expects("410", "/events")
    await anna.call.hangup()
    for page in (first, *others[:2]):
        await expect(page.get_by_text("Your call has ended.")).to_be_visible()
    await expect(row(seventh, "Anna")).to_have_count(0)


@pytest.mark.parametrize("size", [PHONE, {"width": 768, "height": 1024}, {"width": 2560, "height": 1440}])
async def test_everything_fits_and_can_be_hit_with_a_finger(world: World, size: dict[str, int]) -> None:
    anna, ben, cleo = await world.dial("Anna", "Ben Abcdefghijklmnopqrstuvwxyz Ben Abcdefghij", "Cleo")
    await world.command("PATCH", "/participants/me", {"hand": True}, cleo)
    await world.command("PATCH", "/participants/me", {"muted": True}, ben)
    page = await world.page_of(anna, viewport=size, has_touch=True)
    assert await page.evaluate("document.documentElement.scrollWidth") == size["width"]
    for control in await page.get_by_role("button").all():
        if await control.is_visible():
            box = await control.evaluate(
                """(element) => {
                  const { width, height } = element.getBoundingClientRect();
                  const more = getComputedStyle(element, "::after");
                  const grown = more.position === "absolute" ? parseFloat(more.height) : height;
                  return [width, grown];
                }"""
            )
            assert min(box) >= 44, await control.inner_text()
    # My own zone is always in view.
    for name in ("Mute", "Raise hand"):
        assert await button(page, name).evaluate(
            "(element) => element.getBoundingClientRect().bottom <= innerHeight"
        )
        await button(page, name).click(trial=True)
    # Nor is it lost which part is open where the system says the colours, …
    await page.emulate_media(forced_colors="active")
    lines = await page.locator("#tabs button").evaluate_all(
        "(tabs) => tabs.map((each) => getComputedStyle(each).borderBottomColor)"
    )
    assert lines.count(lines[0]) == 1, lines
    # … or a part of the page at the margin where letters are twice as large.
    await page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert await page.evaluate("document.documentElement.scrollWidth") == size["width"]


async def test_nothing_jumps_when_states_change(world: World) -> None:
    anna, ben, cleo = await world.dial("Anna", "Ben", "Cleo")
    page = await world.page_of(anna, viewport=PHONE)

    async def places() -> list[dict[str, float] | None]:
        stable = page.locator("#participants li, #mute, #hand, #room-name")
        return [dict(box) if (box := await each.bounding_box()) else None for each in await stable.all()]

    before = await places()
    silence = ben.speak()
    await world.command("PATCH", "/participants/me", {"muted": True, "hand": True}, cleo)
    await world.command("PATCH", "/participants/me", {"muted": True}, anna)
    await expect(row(page, "Ben")).to_contain_text("speaking")
    await expect(button(page, "Unmute")).to_be_visible()
    assert await places() == before
    silence()


async def test_a_reader_who_can_not_see_is_told_the_same(world: World) -> None:
    anna, ben = await world.dial("Anna", "Ben")
    await world.command("PATCH", "/participants/me", {"muted": True, "hand": True}, ben)
    page = await world.page_of(anna)
    tree = await page.get_by_role("list", name="Participants").aria_snapshot()
    assert "Ben" in tree
    assert "muted" in tree
    assert "hand 1" in tree
    assert 'button "Remove Ben"' in tree


async def test_the_page_asks_for_little_and_not_again_and_again(world: World) -> None:
    """For itself, its script and its styles, who it is for, what happens, and what was recorded."""
    (anna,) = await world.dial("Anna")
    window = await world.window()
    page = await world.windows.page_in(window)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition("?")[0].rpartition("/")[2]))
    await world.page_of(anna, window)
    await expect(button(page, "Record")).to_be_visible()
    needed = [anna.token, "conference.css", "conference.en.js", "me", "events", "recordings"]
    async with asyncio.timeout(PATIENCE):
        while not set(needed) <= set(asked):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    await asyncio.sleep(1)
    assert sorted(each for each in asked if not each.startswith("data:")) == sorted(needed)
