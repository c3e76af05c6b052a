"""The page of a box."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import httpx
import pytest_asyncio

from mailbox_contract import leave
from sems import Server, StoredMessage
from sems.storage import Counts
from sems.testing import Lab

from .web import client


@dataclass
class Owner:
    """A browser, and the box of Anna with a message of Zoë."""

    server: Server
    browser: httpx.AsyncClient
    message: StoredMessage

    async def post(self, path: str, origin: str = "http://sems.test", **form: str) -> httpx.Response:
        return await self.browser.post(path, data=form, headers={"Origin": origin})

    async def opens(self, box: str = "100", pin: str = "2580") -> httpx.Response:
        return await self.post("/box", box=box, pin=pin)

    @property
    def sound(self) -> str:
        return f"/box/messages/{self.message.id}"


@pytest_asyncio.fixture
async def owner(lab: Lab) -> AsyncIterator[Owner]:
    boxes = {"anna": {"users": ["anna", "100"], "pin": "2580", "name": "Anna & Co"}, "ben": {"pin": "1357"}}
    boxes["anna"] |= {"timezone": "Pacific/Kiritimati"}
    server = await lab.server(boxes=boxes)
    message = await leave(
        server.mailboxes, "anna", 3.0, caller_name="<b>Zoë", caller_uri="sip:zoe@example.com"
    )
    async with client(server) as browser:
        yield Owner(server, browser, message)


async def test_the_owner_opens_the_box_and_plays_downloads_and_deletes_what_is_in_it(owner: Owner) -> None:
    assert 'name="pin"' in (await owner.browser.get("/box")).text
    response = await owner.opens()
    assert (response.status_code, response.headers["location"]) == (303, "box")
    cookie = response.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    page = (await owner.browser.get("/box")).text
    assert "<h1>Anna &amp; Co</h1>" in page
    assert "&lt;b&gt;Zoë" in page
    assert "<b>Zoë" not in page
    # Fourteen hours ahead of UTC, where she is.
    there = datetime.fromtimestamp(owner.message.left_at, timezone(timedelta(hours=14)))
    assert f'<time datetime="{there:%Y-%m-%dT%H:%M:%S+14:00}">{there:%Y-%m-%d %H:%M}</time>' in page
    assert "1 new, 0 saved" in page
    [source] = re.findall(r'<audio [^>]*src="([^"]+)"', page)
    sound = await owner.browser.get(f"/{source}")
    assert (sound.headers["content-type"], sound.content[:4]) == ("audio/wav", b"RIFF")
    part = await owner.browser.get(f"/{source}", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"RIFF")
    saved = await owner.browser.get(f"/{source}?download")
    assert saved.headers["content-disposition"] == f'attachment; filename="{owner.message.id}.wav"'
    assert (await owner.post(f"{owner.sound}/save")).headers["location"] == "../../../box"
    assert "0 new, 1 saved" in (await owner.browser.get("/box")).text
    assert (await owner.post(f"{owner.sound}/delete")).status_code == 303
    assert "There are no messages." in (await owner.browser.get("/box")).text
    assert await owner.server.mailboxes.counts("anna") == Counts()
    assert (await owner.browser.get(owner.sound)).status_code == 404


async def test_nobody_comes_in_without_the_pin_or_to_the_messages_of_another(owner: Owner) -> None:
    for box, pin in (("100", "1111"), ("999", "2580"), ("ben", "2580"), ("", "")):
        response = await owner.opens(box, pin)
        assert response.status_code == 403
        assert "This is not right." in response.text
    assert (await owner.browser.get(owner.sound)).status_code == 403
    assert (await owner.post(f"{owner.sound}/delete")).status_code == 403
    assert (await owner.opens("ben", "1357")).status_code == 303
    assert (await owner.browser.get(owner.sound)).status_code == 404
    assert (await owner.post(f"{owner.sound}/delete")).status_code == 404
    assert await owner.server.mailboxes.counts("anna") == Counts(new=1)


async def test_pages_of_others_can_do_nothing_with_an_open_box(owner: Owner) -> None:
    await owner.opens()
    for path in (f"{owner.sound}/delete", f"{owner.sound}/save", "/box/leave", "/box"):
        response = await owner.post(path, origin="http://evil.example", box="100", pin="2580")
        assert response.status_code == 403
    assert await owner.server.mailboxes.counts("anna") == Counts(new=1)


async def test_a_box_that_is_closed_is_closed(owner: Owner) -> None:
    await owner.opens()
    token = owner.browser.cookies["sems_box"]
    assert (await owner.post("/box/leave")).status_code == 303
    answer = await owner.browser.get(owner.sound, headers={"Cookie": f"sems_box={token}"})
    assert answer.status_code == 403


async def test_guessing_locks_the_page_as_it_does_the_telephone(owner: Owner) -> None:
    for _ in range(10):
        await owner.opens(pin="1111")
    assert (await owner.opens()).status_code == 429


async def test_the_page_is_in_the_language_of_who_reads_it(owner: Owner) -> None:
    owner.browser.headers["Accept-Language"] = "de"
    page = (await owner.browser.get("/box")).text
    assert "<h1>Anrufbeantworter</h1>" in page
    await owner.opens()
    assert "Löschen" in (await owner.browser.get("/box")).text
