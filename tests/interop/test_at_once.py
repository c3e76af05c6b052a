"""What happens on a phone is seen on every page at once, and the other way round: with phones and over HTTP
that are real."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from peers.baresip import Baresip
from peers.ports import free_port
from sems import Config, Server
from sems.client import Client
from sems.conference import Conference
from sems.control.views import EventView

TOKEN = "operator-for-tests"
#: In seconds. Of several times the one in the middle counts: a busy machine is late now and then.
HAND, VOICE = 0.5, 0.3


class Page:
    """One who follows the room over HTTP, and when it was told what."""

    def __init__(self, url: str, token: str) -> None:
        self.client = Client(url, token)
        self.told: list[tuple[float, EventView]] = []
        self._new = asyncio.Event()
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for event in self.client.follow("standup"):
            self.told.append((time.monotonic(), event))
            self._new.set()

    async def sees(self, wanted: Callable[[EventView], bool], since: int) -> float:
        """When it was told of that, after so many events."""
        async with asyncio.timeout(20):
            while True:
                self._new.clear()
                for at, event in self.told[since:]:
                    if wanted(event):
                        return at
                await self._new.wait()

    async def close(self) -> None:
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.client.close()


async def seen(
    pages: list[Page], act: Callable[[], object], wanted: Callable[[EventView], bool]
) -> list[float]:
    """After how many seconds each page was told of what it leads to."""
    since = [len(page.told) for page in pages]
    begin = time.monotonic()
    await act()  # type: ignore[misc]
    times = [await page.sees(wanted, before) for page, before in zip(pages, since, strict=True)]
    return [at - begin for at in times]


@contextlib.asynccontextmanager
async def meeting(folder: Path) -> AsyncIterator[tuple[Conference, Baresip, list[Page]]]:
    """Anna and Ben on their phones, both pages and the operator's; Ben's phone, and his page first."""
    low = free_port(span=40)
    given = {
        "host": "127.0.0.1", "sip_port": 0, "http_port": 0, "rtp_ports": f"{low}-{low + 39}",
        "data": folder / "data", "operator": {"token": TOKEN},
    }  # fmt: skip
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(Server(Config.model_validate(given)))
        anna = await stack.enter_async_context(Baresip(folder, "Anna", 440))
        ben = await stack.enter_async_context(Baresip(folder, "Ben", 700))
        for phone in (anna, ben):
            await phone.dial(f"sip:standup@127.0.0.1:{server.sip_port}")
        conference = server.conferences.find("standup")
        assert conference is not None
        assert len(conference.members) == 2
        url = server.base_url(None)
        pages = [
            Page(url, token) for token in (conference.members[2].link, conference.members[1].link, TOKEN)
        ]
        for page in pages:
            stack.push_async_callback(page.close)
        # Each has begun to follow when it is told of something.
        while not all(page.told for page in pages):
            await pages[0].client.change_participant("standup", "me", hand=True)
            await pages[0].client.change_participant("standup", "me", hand=False)
            await asyncio.sleep(0.05)
        yield conference, ben, pages


async def test_hands_are_seen_within_500_ms_and_voices_within_300_ms(tmp_path: Path) -> None:
    async with meeting(tmp_path) as (_, ben, pages):
        me = pages[0].client
        by_key: list[float] = []
        by_page: list[float] = []
        voices: list[float] = []
        for _ in range(3):
            by_key += await seen(pages, lambda: ben.key("*9"), lambda event: event.type == "hand_raised")
            by_page += await seen(
                pages,
                lambda: me.change_participant("standup", "me", hand=False),
                lambda event: event.type == "hand_lowered",
            )
            await seen(pages, lambda: ben.command("mute"), speaks(2, False))
            voices += await seen(pages, lambda: ben.command("mute"), speaks(2, True))
    print(f"seen after, in ms: keys {ms(by_key)}, pages {ms(by_page)}, voices {ms(voices)}")
    assert statistics.median(by_key) < HAND, by_key
    assert statistics.median(by_page) < HAND, by_page
    assert statistics.median(voices) < VOICE, voices


def speaks(who: int, on: bool) -> Callable[[EventView], bool]:
    return lambda event: (
        event.type == "voice_changed"
        and event.participant is not None
        and (event.participant.id, event.participant.speaking) == (who, on)
    )


def ms(seconds: list[float]) -> list[int]:
    return [round(1000 * each) for each in sorted(seconds)]
