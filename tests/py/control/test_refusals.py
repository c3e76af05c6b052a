"""Why something is refused, for people and for pages that say it in another language."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import httpx
import pytest

import sems
from sems.client import ApiError, Client
from sems.conference import Refused

from .conftest import Meeting

ROOM = "/api/v1/conferences/standup"
PYTHON = Path(inspect.getfile(sems)).parent


def kinds(kind: type[Refused] = Refused) -> list[type[Refused]]:
    return [kind, *(each for sub in kind.__subclasses__() for each in kinds(sub))]


@pytest.mark.parametrize(
    ("who", "method", "path", "body", "code", "values"),
    [
        ("ben", "PATCH", "", {"locked": True}, "only_moderators", None),
        ("ben", "DELETE", "/participants/1", None, "only_moderators", None),
        ("ben", "PATCH", "/participants/1", {"hand": True}, "not_your_hand", None),
        ("anna", "PATCH", "/participants/2", {"floor": True}, "no_floor", None),
        ("anna", "PATCH", "/participants/1", {"role": "speaker"}, "nobody_steers", None),
        ("anna", "DELETE", "/participants/77", None, "not_here", None),
        ("anna", "PATCH", "/participants/2", {"side_room": "MAIN  room"}, "main_room", None),
        ("anna", "PATCH", "/participants/2", {"side_room": "Hauptraum"}, "main_room", None),
        ("anna", "PATCH", "/participants/2", {"side_room": "Standup"}, "main_room", None),
        ("anna", "POST", "/messages", {"text": " "}, "nothing_said", None),
        ("anna", "POST", "/calls", {"target": "sip:0900123@premium.example"}, "only_this_machine", None),
        ("operator", "POST", "/talk", None, "operator_takes_no_part", None),
    ],
)
async def test_a_refusal_says_why_in_words_and_by_a_name_that_stays_the_same(
    meeting: Meeting,
    who: str,
    method: str,
    path: str,
    body: dict[str, object] | None,
    code: str,
    values: dict[str, object] | None,
) -> None:
    async with meeting.client(who) as client:
        problem = (await client.request(method, ROOM + path, json=body)).json()
    assert problem["detail"].endswith(".")
    assert problem["code"] == code
    assert problem.get("values") == values


async def test_what_varies_in_a_refusal_comes_beside_its_name(meeting: Meeting) -> None:
    async with meeting.client("anna") as client:
        assert (await client.patch(f"{ROOM}/participants/2", json={"side_room": "Blue"})).is_success
        problem = (await client.post(f"{ROOM}/talks", json={"with": [2]})).json()
    assert problem["detail"] == "ben is in another room."
    assert (problem["code"], problem["values"]) == ("elsewhere", {"name": "ben"})


async def test_what_no_room_refuses_has_no_such_name(meeting: Meeting) -> None:
    async with meeting.client("anna") as client:
        assert "code" not in (await client.get("/api/v1/nothing")).json()
        assert "code" not in (await client.patch(ROOM, json={"lockd": True})).json()


async def test_programs_get_the_name_too(meeting: Meeting) -> None:
    assert meeting.server.web_app is not None
    through = httpx.ASGITransport(meeting.server.web_app)
    async with Client("http://sems.test", meeting.token("ben"), transport=through) as client:
        with pytest.raises(ApiError) as refused:
            await client.remove("standup", 1)
    assert (refused.value.status, refused.value.code) == (403, "only_moderators")


def test_every_kind_of_refusal_has_a_name_of_its_own() -> None:
    names = [kind.code for kind in kinds() if "code" in vars(kind)]
    assert len(set(names)) == len(names)
    assert all(kind.code != "refused" or kind is Refused for kind in kinds())


def test_every_sentence_of_a_refusal_has_a_name() -> None:
    """Those of NotAllowed, Refused and BadTarget: one class, many sentences."""
    for path in PYTHON.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            name = call.func.id if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) else ""
            if name in ("NotAllowed", "Refused") and isinstance(call, ast.Call) and call.args:
                assert len(call.args) == 2, f"{path.name}:{call.lineno}"
