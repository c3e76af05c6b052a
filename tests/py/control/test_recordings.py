"""The API of recordings."""

from __future__ import annotations

import asyncio

from .conftest import Meeting

ROOM = "/api/v1/conferences/standup"


async def record(meeting: Meeting, seconds: float = 2) -> str:
    async with meeting.client("anna") as client:
        assert (await client.patch(f"{ROOM}/recording", json={"state": "recording"})).status_code == 200
        await asyncio.sleep(seconds)
        assert (await client.patch(f"{ROOM}/recording", json={"state": "off"})).status_code == 200
        await asyncio.sleep(1)
        (found,) = (await client.get(f"{ROOM}/recordings")).json()["recordings"]
        return str(found["id"])


async def test_a_recording_is_listed_played_in_parts_saved_and_deleted(meeting: Meeting) -> None:
    id = await record(meeting)
    async with meeting.client("anna") as client:
        (found,) = (await client.get(f"{ROOM}/recordings")).json()["recordings"]
        assert 1.5 < found["seconds"] < 3
        whole = await client.get(f"{ROOM}/recordings/{id}")
        assert whole.headers["content-type"] == "audio/wav"
        assert whole.content.startswith(b"RIFF")
        part = await client.get(f"{ROOM}/recordings/{id}", headers={"Range": "bytes=100-199"})
        assert part.status_code == 206
        assert part.content == whole.content[100:200]
        unknown = await client.get(f"{ROOM}/recordings/{id}", headers={"Range": "bytes=999999999-"})
        assert unknown.status_code == 416
        assert unknown.headers["content-range"] == f"bytes */{len(whole.content)}"
        assert unknown.json()["detail"] == "There is no such part of it."
        for odd in ("bytes=9-1", "bytes=", "items=0-1", "bytes=0-1,5-9", "bytes=\xb2-"):
            ignored = await client.get(f"{ROOM}/recordings/{id}", headers={"Range": odd.encode("latin-1")})
            assert (ignored.status_code, ignored.content) == (200, whole.content)
        saved = await client.get(f"{ROOM}/recordings/{id}?download=1")
        assert saved.headers["content-disposition"].startswith("attachment")
        assert (await client.delete(f"{ROOM}/recordings/{id}")).status_code == 200
        assert (await client.get(f"{ROOM}/recordings/{id}")).status_code == 404
        assert (await client.get(f"{ROOM}/recordings")).json() == {"recordings": []}


async def test_only_moderators_hear_recordings_and_the_operator_all(meeting: Meeting) -> None:
    id = await record(meeting)
    async with meeting.client("ben") as client:
        for path in (f"{ROOM}/recordings", f"{ROOM}/recordings/{id}"):
            refused = await client.get(path)
            assert refused.status_code == 403
            assert "not allowed" in refused.json()["detail"]
        assert (await client.delete(f"{ROOM}/recordings/{id}")).status_code == 403
    async with meeting.client(None) as client:
        assert (await client.get(f"{ROOM}/recordings/{id}")).status_code == 401
    async with meeting.client("operator") as client:
        assert (await client.get(f"{ROOM}/recordings/{id}")).status_code == 200


async def test_what_was_recorded_before_the_conference_is_the_operator_s_alone(meeting: Meeting) -> None:
    id, _ = meeting.server.conferences.archive.open("standup", "mix")
    async with meeting.client("anna") as client:
        assert (await client.get(f"{ROOM}/recordings")).json() == {"recordings": []}
        assert (await client.get(f"{ROOM}/recordings/{id}")).status_code == 404
    async with meeting.client("operator") as client:
        (found,) = (await client.get(f"{ROOM}/recordings")).json()["recordings"]
        assert found["id"] == id


async def test_a_recording_that_is_being_made_is_not_deleted(meeting: Meeting) -> None:
    async with meeting.client("anna") as client:
        await client.patch(f"{ROOM}/recording", json={"state": "recording", "kind": "members"})
        await asyncio.sleep(1)
        (found,) = (await client.get(f"{ROOM}/recordings")).json()["recordings"]
        refused = await client.delete(f"{ROOM}/recordings/{found['id']}")
        assert (refused.status_code, "stop that" in refused.json()["detail"]) == (409, True)
        assert (await client.get(f"{ROOM}/recordings/%2E%2E")).status_code == 404
        assert (await client.patch(f"{ROOM}/recording", json={"state": "loud"})).status_code == 422
