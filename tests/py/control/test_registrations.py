"""What the operator sees of registrations."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from typing import Any

from sems import App, Server, SipRequest
from sems.testing import Lab

from .web import Stream, client

OPERATOR = "operator-for-tests"


def provider() -> App:
    """Registers whoever asks, but for Eve."""
    app = App("provider")

    @app.request("REGISTER")
    async def take(request: SipRequest) -> None:
        if "eve" in request.headers["To"]:
            await request.respond(403, reason="Not You")
        else:
            await request.respond(200, headers=[("Contact", request.headers["Contact"])])

    return app


async def sems(lab: Lab, *users: str) -> Server:
    """A server that has accounts for them, each with a password."""
    await lab.server(name="provider", apps=[provider()])
    address = lab.resolve("provider")
    accounts = [
        {"uri": f"sip:{user}@{address}", "name": user, "password": "hunter2", "expires": 100}
        for user in users
    ]
    return await lab.server(name="sems", accounts=accounts, operator={"token": OPERATOR})


async def shown(server: Server) -> Any:
    async with client(server, OPERATOR) as operator:
        answer = await operator.get("/api/v1/registrations")
    assert answer.status_code == 200
    assert "hunter2" not in answer.text
    return answer.json()


def seconds_until(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() - time.time()


async def test_accounts_are_listed_with_how_they_stand(lab: Lab) -> None:
    server = await sems(lab, "ann", "eve")
    await asyncio.sleep(1)
    listed = await shown(server)
    ann, eve = listed["accounts"]
    assert (ann["name"], ann["state"], ann["code"], ann["reason"]) == ("ann", "registered", None, "")
    assert ann["uri"] == f"sip:ann@{lab.resolve('provider')}"
    assert ann["contact"] == server.accounts["ann"].contact != ""
    assert 95 < seconds_until(ann["until"]) < 105
    assert (eve["state"], eve["code"], eve["reason"]) == ("failed", 403, "Not You")
    assert seconds_until(eve["until"]) > 0
    assert (listed["total"], listed["phones"]) == (0, [])


async def test_phones_that_register_here_are_listed_too(lab: Lab) -> None:
    users = [{"name": "ann", "password": "hunter2"}]
    server = await lab.server(
        name="sems", registrar={"enabled": True}, auth={"users": users}, operator={"token": OPERATOR}
    )
    address = lab.resolve("sems")
    account = {"uri": f"sip:ann@{address}", "name": "desk", "password": "hunter2", "expires": 100}
    phone = await lab.server(name="phone", accounts=[account])
    await asyncio.wait_for(phone.accounts["desk"].wait_registered(), 10)
    listed = await shown(server)
    assert (listed["accounts"], listed["total"]) == ([], 1)
    (ann,) = listed["phones"]
    assert ann["address"].startswith("ann@")
    assert (ann["contact"], ann["user_agent"], ann["q"]) == (phone.accounts["desk"].contact, "SEMS", 1.0)
    assert ann["source"] == lab.resolve("phone")
    assert 95 < seconds_until(ann["until"]) < 105


async def test_each_refresh_says_anew_until_when(lab: Lab) -> None:
    server = await sems(lab, "ann")
    account = server.accounts["ann"]
    await asyncio.wait_for(account.wait_registered(), 10)
    # Virtual time passes, so that only a new event can move what is in real time.
    account.until = 0.0
    await asyncio.sleep(100)
    assert account.until is not None
    assert account.until > time.time()


async def test_whoever_follows_the_overview_is_told_of_a_change(lab: Lab) -> None:
    server = await sems(lab, "ann")
    assert server.web_app is not None
    headers = {"Authorization": f"Bearer {OPERATOR}"}
    async with Stream(server.web_app, "/api/v1/overview/events", headers) as stream:
        states = []
        while "registered" not in states:
            told = await stream.next("overview", timeout=5)
            states = [account["state"] for account in told.data["registrations"]["accounts"]]
