"""Voice mail for programs: the owner by box and PIN, and the operator."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from mailbox_contract import leave
from sems import Server, StorageError
from sems.storage import Counts
from sems.testing import Lab

from .conftest import OPERATOR
from .web import client

ANNA = ("anna", "2580")
BOX = "/api/v1/boxes/anna"
TOKEN = "token-for-the-rooms-alone"


@dataclass
class Box:
    server: Server
    web: httpx.AsyncClient
    message: str

    async def ask(
        self, method: str, place: str = "", who: tuple[str, str] | str | None = ANNA, body: object = None
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {who}"} if isinstance(who, str) else {}
        basic = who if isinstance(who, tuple) else None
        return await self.web.request(
            method, BOX + place, auth=basic, headers=headers, json=body if body is not None else None
        )


@pytest_asyncio.fixture
async def box(lab: Lab) -> AsyncIterator[Box]:
    server = await lab.server(
        operator={"token": OPERATOR},
        boxes={"anna": {"users": ["anna", "100"], "pin": "2580", "name": "Anna"}, "ben": {"pin": "1357"}},
        api={"tokens": [{"name": "rooms", "token": TOKEN, "rooms": ["*"]}]},
    )
    message = await leave(server.mailboxes, "anna", 3.0, caller_name="Zoë", caller_uri="sip:zoe@example.com")
    async with client(server) as web:
        yield Box(server, web, message.id)


@pytest.mark.parametrize("who", [ANNA, ("100", "2580"), OPERATOR])
async def test_messages_are_listed_heard_saved_and_deleted(box: Box, who: tuple[str, str] | str) -> None:
    shown = (await box.ask("GET", who=who)).json()
    assert shown == {"name": "anna", "owner": "Anna", "users": ["anna", "100"], "new": 1, "saved": 0}
    (message,) = (await box.ask("GET", "/messages", who)).json()["messages"]
    assert (message["id"], message["state"], message["seconds"]) == (box.message, "new", 3.0)
    assert (message["caller_name"], message["caller_uri"]) == ("Zoë", "sip:zoe@example.com")
    one = f"/messages/{box.message}"
    sound = await box.ask("GET", one, who)
    assert (sound.headers["content-type"], sound.content[:4]) == ("audio/wav", b"RIFF")
    saved = await box.ask("GET", f"{one}?download=1", who)
    assert saved.headers["content-disposition"] == f'attachment; filename="{box.message}.wav"'
    assert (await box.ask("PATCH", one, who, {"state": "saved"})).json()["state"] == "saved"
    assert await box.server.mailboxes.counts("anna") == Counts(saved=1)
    assert (await box.ask("DELETE", one, who)).status_code == 204
    for method, body in (("GET", None), ("PATCH", {"state": "saved"}), ("DELETE", None)):
        assert (await box.ask(method, one, who, body)).status_code == 404


@pytest.mark.parametrize(
    ("who", "status"),
    [
        (("anna", "1111"), 401), (("ben", "1357"), 401), (("ben", "2580"), 401), (("", ""), 401),
        (("nobody", "2580"), 401), (TOKEN, 403), ("x", 401), (None, 401),
    ],
)  # fmt: skip
async def test_nobody_else_comes_to_a_message(
    box: Box, who: tuple[str, str] | str | None, status: int
) -> None:
    for method, place in (("GET", ""), ("GET", "/messages"), ("DELETE", f"/messages/{box.message}")):
        response = await box.ask(method, place, who)
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
    assert await box.server.mailboxes.counts("anna") == Counts(new=1)


async def test_guesses_close_the_box_and_a_box_that_is_not_there_looks_like_any_other(box: Box) -> None:
    there = await box.ask("GET", who=("anna", "1111"))
    nowhere = await box.web.get("/api/v1/boxes/nowhere", auth=("nowhere", "1111"))
    assert (nowhere.status_code, nowhere.json()) == (there.status_code, there.json())
    for _ in range(9):
        await box.ask("GET", who=("anna", "1111"))
    closed = await box.ask("GET")
    assert (closed.status_code, closed.headers["retry-after"]) == (429, "900")
    assert closed.json()["detail"].startswith("Too many wrong PINs")
    assert (await box.ask("GET", who=OPERATOR)).status_code == 200


@pytest.mark.parametrize("text", ["x", "\u00ff", "Zm9v", "", "Og=="])
async def test_nonsense_in_place_of_a_pin_is_no_pin(box: Box, text: str) -> None:
    response = await box.web.get(BOX, headers={"Authorization": f"Basic {text}".encode("latin-1")})
    assert response.status_code == 401


@pytest.mark.parametrize("body", [{}, {"state": "new"}, {"state": "saved", "x": 1}, [], "x"])
async def test_a_wish_that_makes_no_sense_is_refused(box: Box, body: object) -> None:
    assert (await box.ask("PATCH", f"/messages/{box.message}", ANNA, body)).status_code == 422


async def test_the_operator_sees_all_boxes_and_owners_do_not(box: Box) -> None:
    async with client(box.server, OPERATOR) as operator:
        boxes = (await operator.get("/api/v1/boxes")).json()["boxes"]
    assert [(each["name"], each["new"]) for each in boxes] == [("anna", 1), ("ben", 0)]
    assert (await box.web.get("/api/v1/boxes", auth=ANNA)).status_code == 401


async def test_a_storage_that_does_not_work_is_said_so(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_: str) -> None:
        raise StorageError("the disk is gone")

    monkeypatch.setattr(box.server.mailboxes, "messages", broken)
    response = await box.ask("GET", "/messages", OPERATOR)
    assert (response.status_code, response.json()["detail"]) == (503, "The boxes can not be used now.")


async def test_without_boxes_there_are_none_and_no_database(lab: Lab) -> None:
    server = await lab.server(operator={"token": OPERATOR})
    async with client(server, OPERATOR) as web:
        assert (await web.get("/api/v1/boxes")).json() == {"boxes": []}
        assert (await web.get("/api/v1/boxes/anna")).status_code == 404
    assert not server.components.storage_is_made


async def test_the_page_of_boxes_is_for_those_who_know_it_and_the_front_page_has_nothing_of_it(
    box: Box,
) -> None:
    assert (await box.web.get("/box")).status_code == 200
    assert 'href="box"' not in (await box.web.get("/")).text


async def test_the_documentation_has_every_request(box: Box) -> None:
    page = (Path(__file__).parents[3] / "docs" / "voicemail.md").read_text()
    described = (await box.web.get("/api/v1/openapi.json")).json()
    for path, methods in described["paths"].items():
        if path.startswith("/boxes"):
            short = path.replace("{box}", "BOX").replace("{id}", "ID")
            for method, operation in methods.items():
                assert f"| `{method.upper()} /api/v1{short}` |" in page
                assert {"owner": []} in operation["security"] or path == "/boxes"
