"""Calling into a conference whom we did not write: SIPp, baresip, and a Kamailio that asks for a password."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from peers.baresip import Baresip
from peers.kamailio import Kamailio
from peers.sems_server import SemsServer
from peers.sipp_server import SippServer
from sems.client import ApiError, Client
from sems.control.views import ConferenceView, DiallingView

REFUSAL = {"status": "486 Not Now", "header": "X-Y: z"}


class Provider(Kamailio):
    """With a password that baresip can read."""

    password = "providers-secret"


@asynccontextmanager
async def meeting(folder: Path, config: str = "") -> AsyncIterator[tuple[SemsServer, Baresip, Client]]:
    """Anna, alone in the room `standup`, and the operator."""
    async with (
        SemsServer(folder, config=config) as server,
        Baresip(folder, "Anna", hz=440) as anna,
        Client(server.url(""), server.operator_token) as operator,
    ):
        await anna.dial(server.uri("standup"))
        yield server, anna, operator


async def until(
    operator: Client, wanted: Callable[[ConferenceView], Any], name: str = "standup"
) -> ConferenceView:
    """Waits until the room is so."""
    async with asyncio.timeout(20):
        room = await operator.conference(name)
        while not wanted(room):
            async for _ in operator.follow(name, since=room.sequence):
                break
            room = await operator.conference(name)
    return room


def call_to(room: ConferenceView, id: int) -> DiallingView:
    return next(call for call in room.calls if call.id == id)


async def test_several_are_called_at_once_one_answers_one_is_busy_and_one_is_taken_back(
    tmp_path: Path,
) -> None:
    async with (
        SippServer("answers", tmp_path) as free,
        SippServer("refuses", tmp_path, keys=REFUSAL) as busy,
        SippServer("rings_in_vain", tmp_path, calls=1) as away,
        Baresip(tmp_path, "Ben", hz=700, answers=True) as ben,
        meeting(tmp_path) as (_, anna, operator),
    ):
        # Nothing is configured, so nobody outside of this machine is called.
        for target in ("sip:bob@192.0.2.1", "bob@example.com", "sip:bob@127.0.0.1;maddr=192.0.2.1", "112"):
            with pytest.raises(ApiError) as refused:
                await operator.dial("standup", target)
            assert refused.value.status in (403, 422)
        phones = (free.uri, busy.uri, away.uri, ben.uri)
        ids = [(await operator.dial("standup", uri)).id for uri in phones]
        room = await until(
            operator,
            lambda room: (
                len(room.participants) == 3
                and {call.id: str(call.state) for call in room.calls} == {ids[1]: "failed", ids[2]: "ringing"}
            ),
        )
        assert {each.id: (each.name, str(each.presence)) for each in room.participants[1:]} == {
            ids[0]: ("bob", "dialled"),
            ids[3]: ("ben", "dialled"),
        }
        failed = call_to(room, ids[1])
        assert (failed.code, failed.reason, failed.phrase) == (486, "busy", "Not Now")

        await operator.cancel_call("standup", ids[2])
        await away.ended()
        assert str(call_to(await operator.conference("standup"), ids[2]).state) == "cancelled"
        await ben.receives()
        # With the last who called in goes nobody else: Ben and the other stay, until they hang up.
        await operator.remove("standup", ids[0])
        await anna.hang_up()
        await ben.hang_up()


async def test_a_proxy_that_asks_for_a_password_is_answered_and_nobody_else(tmp_path: Path) -> None:
    async with Provider(tmp_path) as provider:
        place = f"127.0.0.1:{provider.port}"
        config = f"""
            [dialout]
            domain = "{place}"
            caller = '"Meeting room" <sip:sems@{place}>'
            username = "sems"
            password = "{provider.password}"
        """
        registered = {"registrar": place, "password": provider.password}
        challenge = {"status": "401 Unauthorized", "header": 'WWW-Authenticate: Digest realm="x", nonce="y"'}
        async with (
            Baresip(tmp_path, "Ben", answers=True, **registered) as ben,  # type: ignore[arg-type]
            SippServer("refuses", tmp_path, keys=challenge, calls=1) as nosy,
            meeting(tmp_path, config) as (_, _, operator),
        ):
            await ben.says(r"200 OK.*binding")
            id = (await operator.dial("standup", "ben")).id
            room = await until(operator, lambda room: len(room.participants) == 2)
            assert (room.participants[1].id, room.participants[1].presence) == (id, "dialled")
            caller = await ben.event("CALL_REMOTE_SDP")
            assert caller["peeruri"] == f"sip:sems@{place}"
            assert caller["peerdisplayname"] == "Meeting room"
            nobody = (await operator.dial("standup", "nobody")).id
            refused = (await operator.dial("standup", nosy.uri)).id
            room = await until(operator, lambda room: [each.code for each in room.calls] == [404, 401])
            assert call_to(room, nobody).reason == "nobody has this name or number"
            assert call_to(room, refused).reason == "not allowed there"
            await nosy.ended()


async def test_a_phone_dials_by_key_and_pairs_with_a_browser(tmp_path: Path) -> None:
    async with SippServer("answers", tmp_path) as pbx:
        config = f'[dialout]\ndomain = "127.0.0.1:{pbx.port}"\n'
        async with meeting(tmp_path, config) as (server, anna, operator):
            await anna.key("#0100#")
            room = await until(operator, lambda room: len(room.participants) == 2)
            assert (room.participants[1].name, room.participants[1].presence) == ("100", "dialled")
            (invite,) = pbx.received("INVITE")
            assert invite.startswith(f"INVITE sip:100@127.0.0.1:{pbx.port} SIP/2.0")

            status, body = await server.request("POST", "/api/v1/pairings")
            opened = json.loads(body)
            assert status == 200
            await anna.key(f"*{opened['code']}#")
            status, body = await server.get(f"/api/v1/pairings/{opened['secret']}")
            paired = json.loads(body)
            assert paired["state"] == "paired"
            token = re.fullmatch(rf"{re.escape(server.url('/c/'))}([\w-]+)", paired["link"])
            assert token is not None
            async with Client(server.url(""), token[1]) as hers:
                assert ((await hers.me()).conference, (await hers.me()).participant) == ("standup", 1)
            assert opened["secret"] not in server.text()
            assert token[1] not in server.text()


async def test_a_removal_that_is_undone_late_has_the_phone_ring_that_was_removed(tmp_path: Path) -> None:
    async with (
        Baresip(tmp_path, "Ben", hz=700, answers=True) as ben,
        meeting(tmp_path, "[rooms.default]\nundo_time = 0\n") as (server, _, operator),
    ):
        await ben.dial(server.uri("standup"))
        await until(operator, lambda room: len(room.participants) == 2)
        seen = len(ben.events)
        await operator.remove("standup", 2)
        await ben.event("CALL_CLOSED", after=seen)
        await operator.ask("POST", "/conferences/standup/participants/2/readmit")
        await ben.event("CALL_ESTABLISHED", after=seen)
        room = await until(operator, lambda room: len(room.participants) == 2)
        assert [(each.id, each.name, each.presence) for each in room.participants][1:] == [
            (2, "Ben", "dialled")
        ]
