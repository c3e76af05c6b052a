"""A real server, phones (the engine's other end, and baresip where it matters what is heard) and Chromium."""

from __future__ import annotations

import asyncio
import functools
import itertools
import re
from array import array
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    async_playwright,
    expect,
)

from peers.baresip import Baresip
from peers.ports import free_port
from peers.sems_server import SemsServer
from sems import Call, Config, Prompt, Server, Tap
from sems.plugins import Apps

from .handsets import TONES, Handset
from .windows import PATIENCE, PHONE, WIDE, Windows

__all__ = ["PATIENCE", "PHONE", "WIDE"]

CHROMIUM = "/usr/bin/chromium"
# Where pages have no more rights than plain HTTP gives them: those of the own machine have those of HTTPS.
ELSEWHERE = "sems.test"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--host-resolver-rules=MAP {ELSEWHERE} 127.0.0.1",
]
FAINT = 33  # of 32768, which is -60 dB: a codec like Opus gives silence no zeros
CONFIG = """
[rooms.default]
undo_time = 2  # seconds, for which no test shall wait long
[rooms.hall]
wait_for_moderator = true
[rooms.crowd]
moderator = "everyone"
join_sound = false
level_control = false
[boxes.anna]
pin = "2580"
"""
# Nothing is made louder or softer in them than they say, and nothing sounds that is not asked for.
MEASURED = ("floor", "keys", "talk", "side-rooms", "volumes", "studio", "dial", "door", "texts")
CONFIG += """
[registrar]
enabled = true
[rooms.no-link]
link_as_text = false
[rooms.names]
mode = "lecture"
level_control = false
noise_gate = false
[[routes]]
app = "conference"
user = "names-asked"
params = { room = "names", announce_names = "true" }
"""
CONFIG += "".join(
    f"[rooms.'{name}']\nlevel_control = false\nnoise_gate = false\njoin_sound = false\n" for name in MEASURED
)
expect.set_options(timeout=PATIENCE * 1_000)


@dataclass
class Caller:
    """Somebody who is in a call with the server."""

    name: str
    call: Call

    @property
    def link(self) -> str:
        """The page that the call brought."""
        assert self.call.peer_link is not None
        return self.call.peer_link

    @property
    def token(self) -> str:
        return self.link.rpartition("/")[2]

    def speak(self, hz: int = 440) -> Callable[[], None]:
        """Says a tone until the returned function is called."""
        return self.call.start_play(Prompt.tone(f"sine:{hz}:1000:-12"), repeat=0).cancel


@dataclass
class World:
    """One room of the server, with its callers and the browser windows that are open."""

    server: SemsServer
    phones: Server
    windows: Windows
    room: str
    stack: AsyncExitStack
    handsets: Handsets | None = None
    ends: list[Callable[[], Awaitable[Any]]] = field(default_factory=list)
    """What is left to do when the room is not needed any more."""

    def __post_init__(self) -> None:
        self.stack.push_async_callback(self.close)

    async def close(self) -> None:
        """Hangs up and leaves the windows to others, all at once. Fails where a browser has complained."""
        # Who is left for a moment when all hang up may ask for what is his no more: that is no fault.
        complaints = list(self.windows.complaints)
        ends, self.ends[:] = self.ends[:], []
        await asyncio.gather(*(end() for end in ends))
        self.windows.complaints.clear()
        self.windows.expected.clear()
        assert not complaints

    def expects(self, what: str, at: str) -> None:
        """What is asked for there, as addresses end, fails in this test, with that code or error."""
        self.windows.expected.append((what, at))

    async def dial(self, *names: str, room: str | None = None) -> list[Caller]:
        """Callers who are in the room, one after the other; the first moderates."""
        callers = []
        for name in names:
            call = await self.phones.dial(
                self.server.uri(room or self.room), from_name=name, timeout=PATIENCE
            )
            self.ends.append(call.hangup)
            callers.append(Caller(name, call))
        return callers

    async def take(self, *names: str) -> list[Handset]:
        """Telephones of these names, which are not in a call yet."""
        assert self.handsets
        taken = await asyncio.gather(*(self.handsets.take(name) for name in names))
        for each in taken:
            each.forget()
            self.ends.append(each.leave)
        return taken

    async def join(self, *names: str, room: str | None = None) -> list[Handset]:
        """Telephones that are in the room, in this order; the first moderates."""
        self.room = room or self.room
        taken = await self.take(*names)
        for each in taken:
            await each.join(self.server.uri(self.room))
        return taken

    async def window(self, **options: Any) -> BrowserContext:
        """A browser of its own, with cookies of its own."""
        window = await self.windows.take(**options)
        self.ends.append(functools.partial(self.windows.give_back, window))
        return window

    async def open(self, url: str, window: BrowserContext | None = None, **options: Any) -> Page:
        """A page in a window of its own, or in that of others."""
        self.windows.servers |= {self.server.url("/"), self.server.url("/", ELSEWHERE)}
        page = await self.windows.page_in(window or await self.window(**options))
        await page.goto(url)
        return page

    async def page_of(
        self, caller: Caller | Handset, window: BrowserContext | None = None, **options: Any
    ) -> Page:
        """His page, once it shows the room."""
        page = await self.page_to(caller, window, **options)
        await row(page, caller.name).wait_for()
        return page

    async def page_to(
        self, caller: Caller | Handset, window: BrowserContext | None = None, **options: Any
    ) -> Page:
        """His page, whatever it shows."""
        link = caller.link if isinstance(caller, Caller) else await caller.link()
        return await self.open(link, window, **options)

    async def paired(self, phone: Baresip) -> Page:
        """The page of a phone that is in a call and shows no link, by the code that it keys in."""
        page = await self.open(self.server.url("/"))
        code = page.get_by_label("Pairing code")
        await expect(code).to_have_text(re.compile(r"\d"))
        digits = "".join(re.findall(r"\d", await code.inner_text()))
        assert len(digits) == 6
        await phone.key(f"*{digits}#")
        return page

    async def command(self, method: str, path: str, body: Any, who: Caller | Handset) -> tuple[int, str]:
        """What a program says to the API, below the room."""
        token = who.token if isinstance(who, Caller) else (await who.link()).rpartition("/")[2]
        return await self.server.request(method, f"/api/v1/conferences/{self.room}{path}", body, token=token)


@dataclass
class Handsets:
    """Telephones, which are started once and are used again from test to test."""

    server: SemsServer
    folder: Path
    stack: AsyncExitStack
    known: dict[str, Handset] = field(default_factory=dict)

    async def take(self, name: str) -> Handset:
        if name not in self.known:
            phone = Handset(
                self.folder,
                name,
                TONES[name],
                shows_texts=True,
                shows_messages=True,
                writes_to=self.server.uri("texts"),
            )
            self.known[name] = await self.stack.enter_async_context(phone)
        return self.known[name]


def row(page: Page, name: str) -> Locator:
    """The item of this participant in the list."""
    return page.get_by_role("list", name="Participants").get_by_role("listitem").filter(has_text=name)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


async def told(page: Page, text: str) -> None:
    """Waits until the page has told this, however short the time that it could be read."""
    known: list[str] = []
    try:
        async with asyncio.timeout(PATIENCE):
            while not any(text in each for each in known):
                await asyncio.sleep(0.03)
                known = await page.evaluate("window.told")
    except TimeoutError:
        raise AssertionError(f"{text!r} was not told, but {known}") from None


async def hears(tap: Tap, something: bool) -> None:
    """Waits until whoever is there hears something, or nothing any more."""
    tap.read()
    quiet = 0
    async with asyncio.timeout(PATIENCE):
        while quiet < 5:
            await asyncio.sleep(0.06)
            if not (samples := tap.read()):
                continue
            loud = loudest(samples)
            if something and loud > 100 * FAINT:
                return
            quiet = quiet + 1 if not something and loud <= FAINT else 0


def loudest(samples: bytes) -> int:
    """The largest sample, of 32767."""
    return max(map(abs, array("h", samples)), default=0)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SemsServer]:
    async with SemsServer(tmp_path_factory.mktemp("sems"), config=CONFIG) as server:
        yield server
    # A link is a secret.
    assert not re.search(r"/c/[\w-]{10}", server.text())


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def phones(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Server]:
    low = free_port(span=200)
    settings = {
        "host": "127.0.0.1",
        "sip_port": 0,
        "rtp_ports": (low, low + 199),
        "rtp_timeout": 0,
        "data": tmp_path_factory.mktemp("phones"),
    }
    async with Server(Config.model_validate(settings), apps=Apps(), web=False) as phones:
        yield phones


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def handsets(server: SemsServer, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Handsets]:
    async with AsyncExitStack() as stack:
        yield Handsets(server, tmp_path_factory.mktemp("handsets"), stack)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()


@pytest.fixture(scope="session")
def windows(browser: Browser) -> Windows:
    return Windows(browser)


@pytest.fixture(scope="session")
def room_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest_asyncio.fixture(loop_scope="session")
async def world(
    server: SemsServer, phones: Server, windows: Windows, handsets: Handsets, room_numbers: Iterator[int]
) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(server, phones, windows, f"room-{next(room_numbers)}", stack, handsets)


@pytest.fixture
def screenshots() -> Path:
    """Where pictures of the pages are put, to be looked at."""
    folder = Path(__file__).parent / "screenshots"
    folder.mkdir(exist_ok=True)
    return folder
