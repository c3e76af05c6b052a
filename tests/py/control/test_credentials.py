"""Links, tokens and the operator's cookie."""

from __future__ import annotations

import asyncio

import pytest

from sems.conference import EndedLink, Links, Member, UnknownLink
from sems.conference.links import MOST_REMEMBERED, REMEMBERED

from .conftest import OPERATOR, Meeting
from .web import client

ROOM = "/api/v1/conferences/standup"


async def test_the_link_itself_is_the_credential_of_a_page(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        for number, name in enumerate(("anna", "ben", "cleo"), start=1):
            page = f"/c/{meeting.token(name)}"
            assert (await browser.get(page)).status_code == 200
            me = (await browser.get(f"{page}/api/v1/me")).json()
            assert (me["conference"], me["participant"]) == ("standup", number)
            assert me["keys"]["mute"] == "*6"
        # Two callers side by side in one browser.
        anna, ben = (f"/c/{meeting.token(name)}{ROOM}" for name in ("anna", "ben"))
        assert (await browser.patch(ben, json={"locked": True})).status_code == 403
        assert (await browser.patch(anna, json={"locked": True})).status_code == 200
        assert not browser.cookies


async def test_the_link_wins_over_any_other_credential(meeting: Meeting) -> None:
    async with meeting.client("operator") as browser:
        me = await browser.get(f"/c/{meeting.token('ben')}/api/v1/me")
        assert me.json()["participant"] == 2


async def test_a_link_dies_with_its_call(meeting: Meeting) -> None:
    token = meeting.token("ben")
    await meeting.phones["ben"].hang_up()
    await asyncio.sleep(0.1)
    async with meeting.client(None) as browser:
        page = await browser.get(f"/c/{token}")
        assert page.status_code == 410
        assert "Your call has ended" in page.text
        assert "no longer works" in page.text
        api = await browser.get(f"/c/{token}/api/v1/me")
        assert api.status_code == 410
        assert api.json()["detail"] == "Your call has ended. This link no longer works."
        api = await browser.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert api.status_code == 410
        unknown = await browser.get("/c/AAAAAAAAAAAAAAAAAAAAAA")
        assert unknown.status_code == 404
        assert "not known" in unknown.text
        assert (await browser.get("/c/AAAAAAAAAAAAAAAAAAAAAA/api/v1/me")).status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer wrong", "Basic b3A6b3A=", "Bearer é"])
async def test_without_a_right_token_nothing_is_told(meeting: Meeting, header: str) -> None:
    async with meeting.client(None) as program:
        response = await program.get(ROOM, headers={"Authorization": header.encode()} if header else {})
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


async def test_the_operator_logs_in_with_the_token_and_out_again(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        assert "Token" in (await browser.get("/operator")).text
        wrong = await browser.post("/operator", data={"token": "wrong"})
        assert wrong.status_code == 403
        assert "not the token" in wrong.text
        assert not browser.cookies

        right = await browser.post("/operator", data={"token": OPERATOR})
        assert right.status_code == 303
        cookie = right.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert OPERATOR not in cookie
        assert "Rooms" in (await browser.get("/operator")).text
        assert (await browser.get("/api/v1/conferences")).status_code == 200

        session = dict(browser.cookies)
        await browser.post("/operator/leave")
        assert (await browser.get("/api/v1/conferences")).status_code == 401
        browser.cookies.update(session)
        assert (await browser.get("/api/v1/conferences")).status_code == 401


async def test_who_leaves_in_one_browser_stays_in_the_other_until_twelve_hours_are_over(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("sems.control.auth.time.monotonic", clock)
    async with meeting.client(None) as one, meeting.client(None) as other:
        for browser in (one, other):
            await browser.post("/operator", data={"token": OPERATOR})
        from_elsewhere = await other.post("/operator/leave", headers={"Sec-Fetch-Site": "cross-site"})
        assert from_elsewhere.status_code == 403
        await one.post("/operator/leave")
        assert (await other.get("/api/v1/conferences")).status_code == 200
        clock.now = 12 * 3600
        assert (await other.get("/api/v1/conferences")).status_code == 401


async def test_over_https_the_cookie_never_leaves_unencrypted(meeting: Meeting) -> None:
    async with client(meeting.server, base="https://sems.test") as browser:
        response = await browser.post("/operator", data={"token": OPERATOR})
    assert "secure" in response.headers["set-cookie"].lower()


async def test_a_page_of_another_site_can_not_use_the_operators_cookie(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        await browser.post("/operator", data={"token": OPERATOR})
        for headers in (
            {},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": "http://["},
            {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
            {"Sec-Fetch-Site": "same-site"},
        ):
            response = await browser.patch(ROOM, json={"locked": True}, headers=headers)
            assert response.status_code == 403
            assert "another site" in response.json()["detail"]
        assert not meeting.model.settings.locked
        for headers in ({"Origin": "http://sems.test"}, {"Sec-Fetch-Site": "same-origin"}):
            response = await browser.patch(ROOM, json={"locked": True}, headers=headers)
            assert response.status_code == 200


async def test_a_cookie_of_another_run_opens_nothing(meeting: Meeting) -> None:
    async with meeting.client(None) as browser:
        await browser.post("/operator", data={"token": OPERATOR})
        cookie = dict(browser.cookies)
    other = await meeting.lab.server(name="other", operator={"token": OPERATOR})
    async with client(other) as browser:
        browser.cookies.update(cookie)
        assert (await browser.get("/api/v1/conferences")).status_code == 401


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_ended_links_are_remembered_for_a_day_and_not_without_bound() -> None:
    clock = Clock()
    links = Links(clock)
    member = object.__new__(Member)
    tokens = [links.reserve() for _ in range(3)]
    for token in tokens:
        links.give(token, member)
    assert len(set(tokens)) == 3
    assert all(len(token) == 22 for token in tokens)
    links.end(tokens[0])
    with pytest.raises(EndedLink):
        links.find(tokens[0])
    clock.now = REMEMBERED + 1
    with pytest.raises(UnknownLink):
        links.find(tokens[0])

    links.end(tokens[1])
    for _ in range(MOST_REMEMBERED):
        links.end(links.reserve())
    with pytest.raises(UnknownLink):
        links.find(tokens[1])
    assert links.find(tokens[2]) is member
