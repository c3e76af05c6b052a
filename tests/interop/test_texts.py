"""Text between the pages of a room and real phones, and what real peers are told of a conference."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest_asyncio

from peers import conference_info, sipp
from peers.baresip import Baresip
from peers.conference_info import NAMES
from peers.linphone import Linphone
from peers.sems_server import SemsServer

ROOM = "/api/v1/conferences/standup"
#: The call of one who was removed ends soon.
AT_ONCE = "[rooms.default]\nundo_time = 0.1\n"
#: The first text that a phone refuses is one that a person wrote, not the one with its link.
NO_LINK = "[rooms.default]\nlink_as_text = false\n"


@pytest_asyncio.fixture
async def server(tmp_path: Path) -> AsyncIterator[SemsServer]:
    async with SemsServer(tmp_path, config=AT_ONCE) as server:
        yield server


async def api(server: SemsServer, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """What the operator is answered."""
    status, answer = await server.request(method, path, body, token=server.operator_token)
    return status, json.loads(answer)


async def room(server: SemsServer) -> dict[str, Any]:
    status, shown = await api(server, "GET", ROOM)
    return shown if status == 200 else {"messages": [], "participants": []}


async def written(server: SemsServer, text: str) -> dict[str, Any]:
    """Waits until somebody has written this, and returns the line."""
    async with asyncio.timeout(20):
        while True:
            for line in (await room(server))["messages"]:
                if line["text"] == text:
                    return line  # type: ignore[no-any-return]
            await asyncio.sleep(0.02)


async def joined(server: SemsServer) -> None:
    """Waits until somebody is in the room."""
    async with asyncio.timeout(20):
        while True:
            if (await room(server))["participants"]:
                return
            await asyncio.sleep(0.02)


async def write(server: SemsServer, text: str) -> None:
    """The operator writes to all."""
    status, answer = await api(server, "POST", f"{ROOM}/messages", {"text": text})
    assert status == 200, answer


async def failures(server: SemsServer, text: str) -> list[dict[str, Any]]:
    """Waits until this line has failed somewhere."""
    async with asyncio.timeout(20):
        while True:
            if failed := (await written(server, text))["failed"]:
                return failed  # type: ignore[no-any-return]
            await asyncio.sleep(0.02)


async def taken(server: SemsServer, many: int) -> None:
    """Waits until phones have taken so many texts. What is in them the operator can not read."""
    async with asyncio.timeout(20):
        while True:
            sent, answered = set(), set()
            for traced in (await server.operator("/traces"))["calls"]:
                messages = (await server.operator(f"/calls/{traced['call_id']}/trace"))["entries"]
                sent |= {_transaction(each["message"]) for each in messages if each["title"] == "MESSAGE"}
                answered |= {
                    _transaction(each["message"]) for each in messages if each["title"] == "200 OK (MESSAGE)"
                }
            if len(sent & answered) >= many:
                return
            await asyncio.sleep(0.05)


def _transaction(message: str) -> str:
    found = re.search(r"\r\nVia: .*?;branch=([^;\r]+)", message)
    assert found is not None
    return found[1]


async def test_sipp_writes_and_reads_and_gets_its_link(server: SemsServer, tmp_path: Path) -> None:
    phone = asyncio.create_task(sipp.run("conference_texts", server.sip_port, "standup", tmp_path))
    for text in ("Hello in the call", "Hello from outside"):
        line = await written(server, text)
        assert (line["sender"], line["name"], line["to"]) == (1, "Sipp Tester", None)
    sent = next((tmp_path / "sipp-conference_texts").glob("*_messages.log")).read_text()
    token = re.search(r"Your page for this conference: http://[^/]+/c/(\S+)", sent)
    assert token is not None
    assert (await server.get(f"/c/{token[1]}"))[0] == 200, "the link opens the page"
    await write(server, "Hello <b>Sipp</b>")
    await write(server, "And once more")
    (failed,) = await failures(server, "And once more")
    assert failed == {"participant": 1, "name": "Sipp Tester", "reason": "This phone takes no texts."}
    await api(server, "DELETE", f"{ROOM}/participants/1")
    await phone


async def test_a_stranger_can_not_write_into_a_room(server: SemsServer, tmp_path: Path) -> None:
    await sipp.run("conference_stranger", server.sip_port, "standup", tmp_path)


async def test_a_phone_that_takes_no_texts_is_tried_once(server: SemsServer, tmp_path: Path) -> None:
    phone = asyncio.create_task(sipp.run("conference_no_texts", server.sip_port, "standup", tmp_path))
    await joined(server)
    await write(server, "Hello")
    await write(server, "Hello again")
    # It would mind a second one.
    await api(server, "DELETE", f"{ROOM}/participants/1")
    await phone


async def test_sipp_follows_a_conference(server: SemsServer, tmp_path: Path) -> None:
    follower = asyncio.create_task(sipp.run("conference_follows", server.sip_port, "standup", tmp_path))
    await written(server, "ready")
    assert (await api(server, "PATCH", ROOM, {"locked": True}))[0] == 200
    await follower
    log = next((tmp_path / "sipp-conference_follows").glob("*_messages.log")).read_text()
    bodies = re.findall(r"<\?xml.*?</conference-info>", log, re.DOTALL)
    documents = [conference_info.read(body) for body in bodies]
    assert [document.get("state") for document in documents] == ["full", "partial", "full"]
    user = documents[0].find("users/user", NAMES)
    assert user is not None
    assert (user.get("entity") or "").startswith("sip:tester@127.0.0.1:")
    assert user.findtext("display-text", None, NAMES) == "Sipp Tester"


async def test_linphone_reads_its_link_texts_and_every_kind_of_document_of_the_conference(
    tmp_path: Path,
) -> None:
    """Its reader of conferences was made from the schema of RFC 4575, by others."""
    async with (
        SemsServer(tmp_path, config=AT_ONCE + "[registrar]\nenabled = true") as server,
        Linphone(tmp_path, "lin", account=f"127.0.0.1:{server.sip_port}", logs=True) as lin,
        Baresip(tmp_path, "Ben") as ben,
    ):
        await server.logged("a phone has registered")
        await lin.dial(server.uri("standup"))
        await lin.says(r"Message received .*: Your page for this conference: http://\S+/c/")
        await lin.logged("sip:lin@127.0.0.1.* requested to be added is me")
        link = (await lin.logged(r"<uri>http://[^<]+(?=</uri><purpose>web-page)")).removeprefix("<uri>")
        assert f"Your page for this conference: {link}" in lin.said
        assert (await server.get(f"/c/{link.rpartition('/')[2]}"))[0] == 200, "it opens the page"
        await write(server, "Hello, linphone")
        await lin.says(r"Message received .*: Operator: Hello, linphone")
        # Each document tells all that was new within a second.
        await ben.dial(server.uri("standup"))
        await api(server, "PATCH", ROOM, {"max_members": 9, "waiting_room": True})
        await lin.logged(r"Addition of participant .*sip:ben@127.* has been successful")
        await api(server, "PATCH", f"{ROOM}/participants/1", {"muted": True})
        await ben.hang_up()
        await api(server, "POST", f"{ROOM}/calls", {"target": ben.uri, "name": '<Ben> & "co"'})
        await ben.event("CALL_INCOMING")
        await lin.logged("alerting</status>(?s:.)*Addition of participant .*@dialling.invalid.* successful")
        await lin.logged("Removal of participant .*sip:ben@127.* has been successful")
        seen = len(ben.events)
        await api(server, "DELETE", f"{ROOM}/calls/3")
        await ben.event("CALL_CLOSED", after=seen)
        await ben.command("dial", server.uri("standup"))
        await lin.logged("pending</status>")
        await api(server, "DELETE", f"{ROOM}/participants/4")
        await lin.hang_up()
        assert lin.log
        log = lin.log.read_text(errors="replace")
    bodies = re.findall(r"<\?xml.*?</conference-info>", log, re.DOTALL)
    states = [conference_info.read(body).get("state") for body in bodies]
    assert states[0] == "full"
    assert states.count("partial") >= 3
    assert "<status>recvonly<" in log
    assert "<maximum-user-count>9<" in log
    assert "Error while parsing" not in log
    assert "requesting full state" not in log.lower(), "it has missed nothing"


async def test_sipp_has_baresip_called_into_the_room_and_removed(server: SemsServer, tmp_path: Path) -> None:
    async with Baresip(tmp_path, "Ben", answers=True) as ben:
        whom = ben.uri.removeprefix("sip:")
        await sipp.run("conference_refers", server.sip_port, "standup", tmp_path, keys={"whom": whom})
        await ben.event("CALL_ESTABLISHED")
        await ben.event("CALL_CLOSED")


async def test_baresip_writes_and_takes_what_others_write_and_it_is_told_of_one_that_refuses(
    tmp_path: Path,
) -> None:
    async with (
        SemsServer(tmp_path, config=NO_LINK) as server,
        Baresip(tmp_path, "Anna", writes_to=server.uri("standup")) as anna,
    ):
        await anna.dial(server.uri("standup"))
        await anna.command("message", "Hello from baresip")
        assert (await written(server, "Hello from baresip"))["sender"] == 1
        await write(server, "Hello, baresip")
        # It shows them to people only, so what it answers has to do.
        await taken(server, 2)  # with the one that it has written
        assert (await room(server))["participants"][0]["texts"]
        assert not (await written(server, "Hello, baresip"))["failed"]
        async with Baresip(tmp_path, "Ben", answers=True, takes_texts=False) as ben:
            await api(server, "POST", f"{ROOM}/calls", {"target": ben.uri, "name": "Ben"})
            await ben.event("CALL_ESTABLISHED")
            await write(server, "Hello, Ben")
            (failed,) = await failures(server, "Hello, Ben")
            assert failed == {"participant": 2, "name": "Ben", "reason": "This phone takes no texts."}
