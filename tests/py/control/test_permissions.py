"""Who may do what through the API: every command and every role."""

from __future__ import annotations

from typing import Any

import pytest

from sems.conference import Remove

from .conftest import Meeting

ROOM = "/api/v1/conferences/standup"
CLEO = f"{ROOM}/participants/3"

COMMANDS: dict[str, tuple[str, str, dict[str, Any] | None]] = {
    "lock": ("PATCH", ROOM, {"locked": True}),
    "unlock": ("PATCH", ROOM, {"locked": False}),
    "mute another": ("PATCH", CLEO, {"muted": True}),
    "unmute another": ("PATCH", CLEO, {"muted": False}),
    "raise another's hand": ("PATCH", CLEO, {"hand": True}),
    "lower another's hand": ("PATCH", CLEO, {"hand": False}),
    "remove another": ("DELETE", CLEO, None),
    "bring another back": ("POST", f"{ROOM}/participants/4/readmit", None),
    "mute oneself": ("PATCH", f"{ROOM}/participants/me", {"muted": True}),
    "unmute oneself": ("PATCH", f"{ROOM}/participants/me", {"muted": False}),
    "raise one's hand": ("PATCH", f"{ROOM}/participants/me", {"hand": True}),
    "lower one's hand": ("PATCH", f"{ROOM}/participants/me", {"hand": False}),
    "write to all": ("POST", f"{ROOM}/messages", {"text": "Hello"}),
    "write to one": ("POST", f"{ROOM}/messages", {"text": "Hello", "to": [3]}),
}
OF_HIMSELF = {"mute oneself", "unmute oneself", "raise one's hand", "lower one's hand"}
OF_ALL = OF_HIMSELF | {"write to all", "write to one"}
OF_MODERATORS = COMMANDS.keys() - {"raise another's hand"}
ALLOWED = {
    "anna": OF_MODERATORS,
    "ben": OF_ALL,
    "listener": OF_ALL - {"unmute oneself"},
    "operator": OF_MODERATORS - OF_HIMSELF,
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("who", ALLOWED)
async def test_a_command_is_carried_out_for_those_who_may_and_refused_to_others(
    meeting: Meeting, who: str, command: str
) -> None:
    dora = meeting.phones["dora"] = await meeting.lab.phone("dora")
    await dora.call("sip:standup@sems")
    listener = meeting.phones["listener"] = await meeting.lab.phone("listener")
    await listener.call("sip:standup@sems", headers=[("P-App-Param", "role=listener")])
    meeting.model.do(Remove(4), by=1)
    before = meeting.model.sequence
    method, path, body = COMMANDS[command]

    async with meeting.client(who) as client:
        response = await client.request(method, path, json=body)

    if command in ALLOWED[who]:
        assert response.status_code == 200
        assert response.json()["sequence"] == meeting.model.sequence
    elif who == "operator" and command in OF_HIMSELF:
        assert response.status_code == 404
    else:
        assert response.status_code == 403
        assert "not allowed" in response.json()["detail"]
        assert meeting.model.sequence == before


@pytest.mark.parametrize("who", [None, "anna", "operator"])
@pytest.mark.parametrize(
    "path",
    [
        "/conferences",
        "/calls",
        "/calls/1",
        "/stats",
        "/registrations",
        "/overview/events",
        "/me",
        "/connections",
        "/connections/events",
    ],
)
async def test_what_is_the_operators_is_shown_to_him_alone(
    meeting: Meeting, who: str | None, path: str
) -> None:
    if who == "operator" and path.endswith("/events"):
        async with meeting.follow(f"/api/v1{path}", who) as stream:
            assert (await stream.next()).name in ("overview", "snapshot")
        return
    async with meeting.client(who) as client:
        status = (await client.get(f"/api/v1{path}")).status_code
    if who is None:
        assert status == 401
    elif path == "/me":
        assert status == (403 if who == "operator" else 200)
    elif who == "anna":
        assert status == 403
    else:
        assert status == (404 if path == "/calls/1" else 200)


async def test_a_member_sees_his_own_conference_and_no_other(meeting: Meeting) -> None:
    zoe = meeting.phones["zoe"] = await meeting.lab.phone("zoe")
    await zoe.call("sip:retro@sems")
    async with meeting.client("zoe") as client:
        assert (await client.get("/api/v1/conferences/retro")).status_code == 200
        for path in ("/api/v1/conferences/standup", "/api/v1/conferences/nowhere"):
            response = await client.get(path)
            assert response.status_code == 403
            assert "another conference" in response.json()["detail"]
        response = await client.patch("/api/v1/conferences/standup", json={"locked": True})
        assert response.status_code == 403
    assert not meeting.model.settings.locked


async def test_a_refusal_is_a_sentence_that_the_page_can_show(meeting: Meeting) -> None:
    async with meeting.client("ben") as client:
        response = await client.patch(ROOM, json={"locked": True})
    assert response.headers["content-type"] == "application/problem+json"
    assert response.json() == {
        "type": "about:blank",
        "title": "Forbidden",
        "status": 403,
        "detail": "That is not allowed. Only a moderator can lock the room.",
        "code": "only_moderators",
    }


async def test_two_wishes_in_one_are_both_granted_or_none(meeting: Meeting) -> None:
    before = meeting.model.sequence
    async with meeting.client("anna") as client:
        response = await client.patch(CLEO, json={"muted": True, "hand": True})
        assert response.status_code == 403
        assert meeting.model.sequence == before
        response = await client.patch(f"{ROOM}/participants/me", json={"muted": True, "hand": True})
        assert response.status_code == 200
    assert meeting.model.participants[1].muted
    assert meeting.model.hands == (1,)
