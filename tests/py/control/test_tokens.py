"""Tokens of programs: what each may do."""

import pytest
from pydantic import ValidationError

from sems.config.api import ApiSettings
from sems.testing import Lab

from .web import client

ROOM, ALL = "a-token-for-rooms", "a-token-for-everything"
TOKENS = {
    "tokens": [
        {"name": "crm", "token": ROOM, "rooms": ["standup", "team-*"]},
        {"name": "ops", "token": ALL, "scope": "operator"},
    ]
}


async def test_a_token_is_for_its_rooms_or_for_everything(lab: Lab) -> None:
    server = await lab.server(api=TOKENS)
    for name, room in (("anna", "standup"), ("ben", "team-a"), ("cleo", "retro")):
        phone = await lab.phone(name)
        await phone.call(f"sip:{room}@sems")
    async with client(server, ROOM) as crm, client(server, ALL) as ops:
        seen = (await crm.get("/api/v1/conferences")).json()["conferences"]
        assert [each["name"] for each in seen] == ["standup", "team-a"]
        assert len((await ops.get("/api/v1/conferences")).json()["conferences"]) == 3
        for room, status in (("standup", 200), ("team-a", 200), ("retro", 403)):
            answered = await crm.patch(f"/api/v1/conferences/{room}", json={"locked": True})
            assert answered.status_code == status
        for path in ("/calls", "/stats", "/traces"):
            assert (await crm.get(f"/api/v1{path}")).status_code == 403
            assert (await ops.get(f"/api/v1{path}")).status_code == 200
        assert (await crm.get("/api/v1/conferences/retro/recordings")).status_code == 403


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ([{"name": "crm", "token": "x" * 16}], "says which"),
        ([{"name": "crm", "token": "short", "rooms": ["a"]}], "at least 16"),
        ([{"name": n, "token": "x" * 16, "rooms": ["a"]} for n in "ab"], "two tokens are the same"),
    ],
)
def test_a_token_that_makes_no_sense_is_refused(tokens: list[object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ApiSettings.model_validate({"tokens": tokens})
