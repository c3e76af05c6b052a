"""Browser windows, which are used again from test to test: to open one takes longer than most of what is done
in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page

PATIENCE = 20  # seconds; a busy machine needs them, and what is there at once costs none
WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}

# Keeps what the page has told in a line that others take the place of: none is too short to be noticed. And
# when something was pressed last, for the way from here to there takes its time too.
LISTEN = """
  addEventListener("click", () => { window.pressed = Date.now() / 1000; }, true);
  window.told = [];
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const element = target.closest ? target : target.parentElement;
      const line = element?.closest("[role=status], [role=alert], #left");
      if (!line?.checkVisibility()) continue;
      const text = line.textContent;
      if (window.told.at(-1) !== text) window.told.push(text);
    }
  }).observe(document, { subtree: true, childList: true, characterData: true, attributeFilter: ["hidden"] });
"""


@dataclass
class Windows:
    """Each has cookies of its own, and a page that is empty when it is given out."""

    browser: Browser
    servers: set[str] = field(default_factory=set)
    """Addresses of those of whom pages may ask something."""
    expected: list[tuple[str, str]] = field(default_factory=list)
    """What browsers say of what fails, as a test wants it to, and how the address ends."""
    complaints: list[str] = field(default_factory=list)
    """What the browser found wrong, or asked of others."""
    _idle: dict[str, list[BrowserContext]] = field(default_factory=dict)
    _kinds: dict[BrowserContext, str] = field(default_factory=dict)

    async def take(self, **options: Any) -> BrowserContext:
        """A window. Its size and its colours can be changed, so they make no window of another kind."""
        viewport = options.pop("viewport", WIDE)
        scheme = options.pop("color_scheme", "light")
        kind = repr(sorted(options.items()))
        if idle := self._idle.get(kind):
            window = idle.pop()
        else:
            window = await self.browser.new_context(**options)
            window.set_default_timeout(PATIENCE * 1_000)
            await window.add_init_script(LISTEN)
            self._kinds[window] = kind
            await self._page(window)
        await window.pages[0].set_viewport_size(viewport)
        await window.pages[0].emulate_media(color_scheme=scheme)
        return window

    async def give_back(self, window: BrowserContext) -> None:
        """Leaves nothing in it of what was done there."""
        await window.set_offline(False)
        first, *others = window.pages
        for page in others:
            await page.close()
        await first.unroute_all(behavior="ignoreErrors")
        await first.goto("about:blank")
        await window.clear_cookies()
        self._idle.setdefault(self._kinds[window], []).append(window)

    async def page_in(self, window: BrowserContext) -> Page:
        """Its page if that is empty still, otherwise another one."""
        empty = window.pages[0].url == "about:blank"
        return window.pages[0] if empty else await self._page(window)

    async def _page(self, window: BrowserContext) -> Page:
        page = await window.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("request", lambda request: self._check(request.url))
        page.on("console", self._listen)
        return page

    def _listen(self, said: ConsoleMessage) -> None:
        if said.type != "error":
            return
        at = said.location["url"].partition("?")[0]
        if not any(what in said.text and at.endswith(end) for what, end in self.expected):
            self.complaints.append(f"console: {said.text} {at}")

    def _check(self, url: str) -> None:
        if not url.startswith((*self.servers, "data:", "about:")):
            self.complaints.append(f"request to another server: {url}")
