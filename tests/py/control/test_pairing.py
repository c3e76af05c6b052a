"""Browsers that come to the page of a call without a link."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

import httpx
import pytest

from sems.conference.pairing import MOST_OF_SOURCE, MOST_WRONG_OF_SOURCE, WrongCode
from sems.log import conceal
from sems.testing import Lab

from .conftest import OPERATOR, Meeting
from .web import client

PAIRINGS = "/api/v1/pairings"


async def asked(browser: httpx.AsyncClient, secret: str) -> tuple[str, str | None]:
    answer = (await browser.get(f"{PAIRINGS}/{secret}")).json()
    return answer["state"], answer["link"]


async def test_a_code_keyed_in_on_the_phone_opens_the_page_in_the_browser_that_shows_it(
    meeting: Meeting,
) -> None:
    async with meeting.client(None) as browser:
        opened = (await browser.post(PAIRINGS)).json()
        left = datetime.fromisoformat(opened["until"]) - datetime.now(UTC)
        assert 115 < left.total_seconds() <= 121
        waiting = asyncio.create_task(asked(browser, opened["secret"]))
        await asyncio.sleep(5)
        assert not waiting.done()
        began = asyncio.get_running_loop().time()
        await meeting.phones["ben"].key(f"*{opened['code']}#")
        assert await waiting == ("paired", f"http://sems.test/c/{meeting.token('ben')}")
        assert asyncio.get_running_loop().time() - began < 2
        # An answer that is lost on the way can be asked for again.
        state, link = await asked(browser, opened["secret"])
        assert state == "paired"
        assert link is not None
        assert (await browser.get(link)).status_code == 200


async def test_nobody_but_the_browser_that_opened_the_code_is_told(meeting: Meeting) -> None:
    async with meeting.client(None) as browser, meeting.client(None) as other:
        mine, others = [(await each.post(PAIRINGS)).json() for each in (browser, other)]
        await meeting.phones["ben"].key(f"*{mine['code']}#")
        await asyncio.sleep(0.5)
        assert (await asked(other, others["secret"]))[0] == "waiting"
        assert await asked(other, mine["code"]) == ("expired", None)
        assert (await other.post(f"{PAIRINGS}/claim", json={"code": mine["code"]})).status_code == 404
        assert (await asked(browser, mine["secret"]))[0] == "paired"


async def test_a_wait_ends_after_25_seconds_and_with_the_code(meeting: Meeting) -> None:
    loop = asyncio.get_running_loop()
    async with meeting.client(None) as browser:
        secret = (await browser.post(PAIRINGS)).json()["secret"]
        began = loop.time()
        states = []
        while not states or states[-1] == "waiting":
            states.append((await asked(browser, secret))[0])
        assert states == ["waiting"] * 4 + ["expired"]
        assert 119 < loop.time() - began < 121
        assert await asked(browser, "x") == ("expired", None)


async def test_a_code_that_the_phone_speaks_opens_the_page_in_which_it_is_typed(meeting: Meeting) -> None:
    await asyncio.sleep(3)
    ben = meeting.phones["ben"]
    await ben.key("*#")
    heard = await ben.hear(10)
    assert not heard.before(5).is_silent
    assert heard.after(9.7).is_silent
    conference = meeting.server.conferences.find("standup")
    assert conference is not None
    code = conference.pairings.speak(conference.members[2])
    async with meeting.client(None) as browser:
        response = await browser.post(f"{PAIRINGS}/claim", json={"code": code})
        assert response.json() == {"link": f"http://sems.test/c/{meeting.token('ben')}"}
        again = await browser.post(f"{PAIRINGS}/claim", json={"code": code})
        assert (again.status_code, again.json()["detail"]) == (
            404,
            "This code is not known, or its time is over.",
        )


async def test_guesses_are_counted(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        statuses = [
            (await browser.post(f"{PAIRINGS}/claim", json={"code": f"{n:06}"})).status_code
            for n in range(MOST_WRONG_OF_SOURCE + 1)
        ]
        assert statuses == [404] * MOST_WRONG_OF_SOURCE + [429]
        statuses = [(await browser.post(PAIRINGS)).status_code for n in range(MOST_OF_SOURCE + 1)]
        assert statuses == [200] * MOST_OF_SOURCE + [429]


@pytest.mark.parametrize("code", ["", "12345", "1234567", "12345a", "１２３４５６", 123456, None])
async def test_what_is_no_code_is_said_so(meeting: Meeting, code: object) -> None:
    async with meeting.client(None) as browser:
        response = await browser.post(f"{PAIRINGS}/claim", json={"code": code})
    assert response.status_code == 422
    assert "code" in response.json()["detail"]


async def test_pages_of_other_sites_pair_nothing(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200), ("none", 200)):
            response = await browser.post(PAIRINGS, headers={"Sec-Fetch-Site": site})
            assert response.status_code == status


async def test_who_only_pairs_can_do_nothing_else(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        for path in ("/me", "/conferences", "/conferences/standup"):
            assert (await browser.get(f"/api/v1{path}")).status_code == 401


async def test_a_phone_that_guesses_hears_that_and_is_not_listened_to_for_a_while(meeting: Meeting) -> None:
    await asyncio.sleep(3)
    ben = meeting.phones["ben"]
    conference = meeting.server.conferences.find("standup")
    assert conference is not None
    async with meeting.client(None) as browser:
        opened = (await browser.post(PAIRINGS)).json()
        wrong = opened["code"][:5] + str((int(opened["code"][5]) + 1) % 10)
        await ben.key(f"*{wrong}#")
        assert not (await ben.hear(0.5)).is_silent
        for _ in range(4):
            await ben.key(f"*{wrong}#")
        await ben.key(f"*{opened['code']}#")
        await asyncio.sleep(0.5)
        assert conference.pairings.find(opened["secret"]) is not None
        waiting = conference.pairings.find(opened["secret"])
        assert waiting is not None
        assert waiting.link is None
        await meeting.phones["cleo"].key(f"*{opened['code']}#")
        assert await asked(browser, opened["secret"]) == (
            "paired",
            f"http://sems.test/c/{meeting.token('cleo')}",
        )


async def test_who_waits_to_be_let_in_can_pair(lab: Lab) -> None:
    room = {"waiting_room": True}
    server = await lab.server(operator={"token": OPERATOR}, rooms={"default": room})
    anna, ben = await lab.phone("anna"), await lab.phone("ben")
    for phone in (anna, ben):
        await phone.call("sip:standup@sems")
    async with client(server) as browser:
        opened = (await browser.post(PAIRINGS)).json()
        await ben.key(f"*{opened['code']}#")
        state, link = await asked(browser, opened["secret"])
        assert (state, link) == ("paired", f"http://sems.test/c/{(ben.link or '').rpartition('/')[2]}")


async def test_a_code_dies_with_the_call_that_spoke_it(meeting: Meeting) -> None:
    conference = meeting.server.conferences.find("standup")
    assert conference is not None
    code = conference.pairings.speak(conference.members[2])
    await meeting.phones["ben"].hang_up()
    await asyncio.sleep(0.5)
    with pytest.raises(WrongCode):
        conference.pairings.claim(code, "192.0.2.1")


async def test_links_are_below_the_configured_address(lab: Lab) -> None:
    server = await lab.server(base_url="https://meet.example.com/sems")
    anna = await lab.phone("anna")
    await anna.call("sip:standup@sems")
    async with client(server) as browser:
        opened = (await browser.post(PAIRINGS)).json()
        await anna.key(f"*{opened['code']}#")
        _, link = await asked(browser, opened["secret"])
    assert link == anna.link


async def test_a_stop_waits_for_no_phone(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        secret = (await browser.post(PAIRINGS)).json()["secret"]
        waiting = asyncio.create_task(asked(browser, secret))
        await asyncio.sleep(1)
        began = asyncio.get_running_loop().time()
        await meeting.server.stop()
        await waiting
        assert asyncio.get_running_loop().time() - began < 5


async def test_no_line_of_the_log_has_a_secret(meeting: Meeting, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with meeting.client(None) as browser:
        opened = (await browser.post(PAIRINGS)).json()
        await meeting.phones["ben"].key(f"*{opened['code']}#")
        response = await browser.get(f"{PAIRINGS}/{opened['secret']}")
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["cache-control"] == "no-store"
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("sems")]
    assert not any(opened["secret"] in line or meeting.token("ben") in line for line in ours)
    assert conceal(f"GET /api/v1/pairings/{opened['secret']}?x") == "GET /api/v1/pairings/…?x"
