"""What the API shows, and what it says to whoever asks it wrongly."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from sems.conference import Lock, Mute, RaiseHand

from .conftest import Meeting

ROOM = "/api/v1/conferences/standup"


async def test_a_conference_is_shown_as_it_is(meeting: Meeting) -> None:
    meeting.model.do(RaiseHand(3), by=3)
    meeting.model.do(RaiseHand(2), by=2)
    meeting.model.do(Mute(2), by=1)
    meeting.model.do(Lock(), by=1)
    async with meeting.client("ben") as client:
        shown = (await client.get(ROOM)).json()
        assert shown | {"participants": None} == {
            "name": "standup",
            "sequence": meeting.model.sequence,
            "settings": {
                "mode": "open",
                "locked": True,
                "waiting_room": False,
                "wait_for_moderator": False,
                "quiet": False,
                "max_members": None,
                "has_pin": False,
                "has_moderator_pin": False,
                "language": "en",
                "talk_time": None,
                "dial": "moderators",
                "undo_time": 5.0,
            },
            "waiting": [],
            "recording": {"state": "off", "kind": "mix", "since": None},
            "floor": [],
            "volumes": {},
            "hands": [3, 2],
            "participants": None,
            "calls": [],
            "messages": [],
            "talk": None,
            "moderator_here": True,
            "me": 2,
        }
        assert [each["name"] for each in shown["participants"]] == ["anna", "ben", "cleo"]
        assert [each["role"] for each in shown["participants"]] == ["moderator", "speaker", "speaker"]
        assert [each["hand"] for each in shown["participants"]] == [None, 2, 1]
        ben = (await client.get(f"{ROOM}/participants/me")).json()
    assert ben == shown["participants"][1]
    assert ben == {
        "id": 2,
        "name": "ben",
        "role": "speaker",
        "presence": "phone",
        "muted": True,
        "muted_by_moderator": True,
        "gain": 0.0,
        "floor": False,
        "floor_until": None,
        "speaking": False,
        "unheard": False,
        "hand": 2,
        "private": False,
        "side_room": None,
        "on_hold": False,
        "line": None,
        "texts": True,
        "place": 2,
    }


async def test_that_a_muted_member_speaks_is_shown_to_himself_alone(meeting: Meeting) -> None:
    meeting.model.do(Mute(2), by=2)
    meeting.phones["ben"].tone(440)
    await asyncio.sleep(1)
    for who, unheard in (("ben", True), ("anna", False), ("operator", False)):
        async with meeting.client(who) as client:
            ben = (await client.get(f"{ROOM}/participants/2")).json()
            assert (ben["unheard"], ben["speaking"]) == (unheard, False)


async def test_the_operator_sees_all_conferences(meeting: Meeting) -> None:
    zoe = await meeting.lab.phone("zoe")
    await zoe.call("sip:retro@sems")
    async with meeting.client("operator") as client:
        shown = (await client.get("/api/v1/conferences")).json()["conferences"]
    assert {each["name"]: len(each["participants"]) for each in shown} == {"standup": 3, "retro": 1}


@pytest.mark.parametrize("name", ["a/b", "a b", "ü", "100%", "a/events", "q?x", "me"])
async def test_a_conference_may_have_any_name_that_can_be_dialled(meeting: Meeting, name: str) -> None:
    phone = meeting.phones["zoe"] = await meeting.lab.phone("zoe")
    await phone.call(f"sip:{quote(name, safe='/?')}@sems")
    path = f"/api/v1/conferences/{quote(name, safe='')}"
    async with meeting.client("zoe") as client:
        assert (await client.get(path)).json()["name"] == name
        assert (await client.patch(f"{path}/participants/me", json={"muted": True})).status_code == 200
    async with meeting.stream("zoe", name) as stream:
        assert (await stream.next()).data["name"] == name


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/", 404),
        ("GET", "/api/v1/nothing", 404),
        ("POST", "/api/v1/me", 405),
        ("PUT", ROOM, 405),
        ("GET", f"{ROOM}/participants/77", 404),
        ("GET", f"{ROOM}/participants/-1", 404),
        ("GET", f"{ROOM}/participants/99999999999999999999999", 404),
        ("GET", f"{ROOM}/participants/%C2%B2", 404),
        ("DELETE", f"{ROOM}/participants/77", 404),
        ("GET", f"{ROOM}/events?since=x", 422),
        ("GET", f"{ROOM}/events?since=" + "9" * 40, 422),
        ("DELETE", "/api/v1/calls/1", 403),
        ("GET", f"{ROOM}/participants/" + "9" * 5_000, 404),
        ("GET", "/api/v1/conferences/a%0Ab", 403),
    ],
)
async def test_every_error_is_a_problem_with_a_sentence(
    meeting: Meeting, method: str, path: str, status: int
) -> None:
    async with meeting.client("anna") as client:
        response = await client.request(method, path)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert problem["detail"].endswith(".")


@pytest.mark.parametrize(
    ("body", "status", "reason"),
    [
        ('{"locked": "yes"}', 422, "locked"),
        ('{"locked": 1}', 422, "locked"),
        ('{"lockd": true}', 422, "lockd"),
        ("{}", 422, "must be given"),
        ("[]", 422, "object"),
        ("{", 422, "JSON"),
        ("", 422, "JSON"),
        ('{"locked": true, "x": "' + "x" * 70_000 + '"}', 413, "too much"),
    ],
)
async def test_a_wrong_body_is_refused_with_the_reason(
    meeting: Meeting, body: str, status: int, reason: str
) -> None:
    async with meeting.client("anna") as client:
        response = await client.patch(ROOM, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code == status
        assert response.headers["content-type"] == "application/problem+json"
        assert reason in response.json()["detail"]
        response = await client.patch(
            ROOM, content='{"locked": true}', headers={"Content-Type": "text/plain"}
        )
        assert response.status_code == 415
    assert not meeting.model.settings.locked


async def test_the_pin_of_the_room_makes_no_moderators(meeting: Meeting) -> None:
    async with meeting.client("anna") as client:
        for wish in ({"pin": "4711", "moderator_pin": "4711"}, {"moderator_pin": "815815"}):
            await client.patch(ROOM, json={"pin": "815815"})
            response = await client.patch(ROOM, json=wish)
            assert (response.status_code, response.json()["code"]) == (409, "same_pin")
        response = await client.patch(ROOM, json={"pin": "4711", "moderator_pin": "815815"})
        assert response.status_code == 200
        assert (await client.patch(ROOM, json={"pin": "815815"})).status_code == 409


async def test_numbers_of_thousands_of_digits_are_no_failure(meeting: Meeting) -> None:
    many = "9" * 5_000
    async with meeting.client("operator") as client:
        assert (await client.get(f"/api/v1/calls/{many}")).status_code == 404
        assert (await client.get(f"/api/v1/calls/{many}/trace")).status_code == 404
        assert (await client.get(f"/api/v1/traces?limit={many}")).status_code == 422


async def test_of_many_faults_the_first_are_told(meeting: Meeting) -> None:
    async with meeting.client("anna") as client:
        refused = await client.patch(ROOM, json={"x" * 5_000 + str(number): 1 for number in range(9)})
    assert refused.status_code == 422
    assert len(refused.json()["detail"]) < 500
    assert refused.json()["detail"].endswith("and 6 more.")


async def test_a_failure_of_ours_is_a_problem_too_and_tells_nothing_of_the_inside(
    meeting: Meeting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(meeting.model), "sequence", property(lambda _: 1 / 0))
    async with meeting.client("anna") as client:
        client._transport.raise_app_exceptions = False  # type: ignore[attr-defined]
        response = await client.get(ROOM)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "ZeroDivision" not in response.text


async def test_the_api_describes_itself_in_valid_openapi(meeting: Meeting) -> None:
    async with meeting.client(None) as client:
        response = await client.get("/api/v1/openapi.json")
    document = response.json()
    OpenAPIV31SpecValidator(document).validate()
    assert document["openapi"].startswith("3.1")
    operations = {
        operation["operationId"] for methods in document["paths"].values() for operation in methods.values()
    }
    assert operations == {
        *("getMe", "listConferences", "getConference", "changeConference", "followConference"),
        *(
            "getParticipant",
            "changeParticipant",
            "removeParticipant",
            "readmitParticipant",
            "talk",
            "admitParticipant",
            "admitAll",
            "gather",
            "changeRecording",
            "listRecordings",
            "getRecording",
            "deleteRecording",
        ),
        *("listCalls", "getCall", "hangUp", "getStats", "followOverview", "listRegistrations"),
        *("listTraces", "getTrace", "sendMessage"),
        *("askToTalk", "acceptTalk", "declineTalk", "changeTalk", "leaveTalk"),
        *("dial", "cancelCall", "redial", "openPairing", "claimPairing", "waitForPairing"),
        *("connect", "listConnections", "followConnections"),
        *("getConnection", "endConnection", "followConnection"),
        *("listBoxes", "getBox"),
        *("listVoiceMessages", "getVoiceMessage", "saveVoiceMessage", "deleteVoiceMessage"),
    }
    for path, methods in document["paths"].items():
        for operation in methods.values():
            if path.startswith("/pairings"):
                assert operation["security"] == []
                continue
            assert operation["security"]
            assert "application/problem+json" in operation["responses"]["401"]["content"]
