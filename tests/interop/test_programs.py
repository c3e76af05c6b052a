"""Programs elsewhere: the Python client, API tokens, and webhooks taken by another implementation."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from standardwebhooks.webhooks import Webhook
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from peers.baresip import Baresip
from peers.ports import free_port
from peers.sems_server import SemsServer
from sems.client import ApiError, Client

TOKEN = "a-token-for-the-standup"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@dataclass
class Receiver:
    """Somebody who takes webhooks, when he is in the mood."""

    port: int
    failures: int = 0
    """So many he does not take."""
    told: list[dict[str, object]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def take(self, request: Request) -> Response:
        if self.failures:
            self.failures -= 1
            return Response(status_code=503)
        body = await request.body()
        # Raises, so that we hear of it, unless the signature is right and fresh.
        Webhook(SECRET).verify(body, dict(request.headers))
        async with self.changed:
            self.told.append(json.loads(body))
            self.changed.notify_all()
        return Response(status_code=204)

    async def events(self, count: int) -> list[str]:
        async with asyncio.timeout(30), self.changed:
            await self.changed.wait_for(lambda: len(self.told) >= count)
        return [each["event"]["type"] for each in self.told]  # type: ignore[index]


@asynccontextmanager
async def receiver(failures: int = 0) -> AsyncIterator[Receiver]:
    taker = Receiver(free_port(), failures)
    app = Starlette(routes=[Route("/hook", taker.take, methods=["POST"])])
    config = uvicorn.Config(app, port=taker.port, log_config=None, lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    try:
        yield taker
    finally:
        server.should_exit = True
        await serving


def config(port: int) -> str:
    return f"""
[[api.tokens]]
name = "crm"
token = "{TOKEN}"
rooms = ["standup", "team-*"]

[[api.webhooks]]
url = "http://127.0.0.1:{port}/hook"
secret = "{SECRET}"
rooms = ["standup"]
"""


async def test_a_program_steers_a_conference_and_another_is_told_of_it(tmp_path: Path) -> None:
    async with (
        receiver(failures=2) as hook,
        SemsServer(tmp_path, config=config(hook.port)) as server,
        Baresip(tmp_path, "Anna", 440) as anna,
        Client(server.url(""), TOKEN) as sems,
    ):
        await anna.dial(server.uri("standup"))
        assert (await hook.events(1))[0] == "joined"
        (seen,) = await sems.conferences()
        told = sems.follow("standup", since=seen.sequence)
        await sems.change_conference("standup", locked=True)
        await sems.change_participant("standup", 1, muted=True)
        types = []
        async with asyncio.timeout(20):
            while "muted" not in types:
                types.append((await anext(told)).type)
        assert [each for each in types if each != "voice_changed"] == ["settings_changed", "muted"]
        assert await hook.events(3) == ["joined", "settings_changed", "muted"]
        await told.aclose()
        with pytest.raises(ApiError, match="This token is for other rooms"):
            await sems.conference("retro")
        with pytest.raises(ApiError, match="Only the operator"):
            await sems.ask("GET", "/calls")
        assert TOKEN not in server.text()
        assert SECRET not in server.text()


async def test_a_program_has_two_telephones_connected_and_another_is_told_of_it(tmp_path: Path) -> None:
    async with (
        receiver() as hook,
        SemsServer(tmp_path, config=config(hook.port).replace('rooms = ["standup"]', "")) as server,
        Baresip(tmp_path, "Anna", 440, answers=True) as anna,
        Baresip(tmp_path, "Ben", 700, answers=True, codec="pcma") as ben,
        Client(server.url(""), server.operator_token) as sems,
    ):
        made = await sems.connect(anna.uri, ben.uri)
        states = []
        async with asyncio.timeout(40):
            async for told in sems.follow_connection(made.id):
                states.append(told.connection.state)
                if states.count("connected") == 1 and states[-1] == "connected":
                    await anna.hears_these([700])
                    await ben.hears_these([440])
                    await ben.hang_up()
        assert list(dict.fromkeys(states)) == ["calling", "connecting", "connected", "ended"]
        await anna.event("CALL_CLOSED")
        assert set(await hook.events(len(states))) == {"connection_changed"}


async def test_who_follows_goes_on_where_he_was_after_the_line_was_cut(tmp_path: Path) -> None:
    async with (
        SemsServer(tmp_path) as server,
        Baresip(tmp_path, "Anna", 440) as anna,
    ):
        await anna.dial(server.uri("standup"))
        port = free_port()
        links: list[asyncio.StreamWriter] = []

        async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            there, back = await asyncio.open_connection("127.0.0.1", server.http_port)
            links.extend((writer, back))

            async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
                while data := await source.read(65536):
                    sink.write(data)
                sink.close()

            await asyncio.gather(copy(reader, back), copy(there, writer), return_exceptions=True)

        async with (
            await asyncio.start_server(pipe, "127.0.0.1", port) as _,
            Client(f"http://127.0.0.1:{port}", server.operator_token) as far,
            Client(server.url(""), server.operator_token) as near,
        ):
            since = (await near.conference("standup")).sequence
            told = far.follow("standup", since=since)
            await near.change_conference("standup", locked=True)
            first = await asyncio.wait_for(anext(told), 20)
            for link in links:
                link.transport.abort()
            await near.change_conference("standup", locked=False)
            async with asyncio.timeout(20):
                numbers = [first.sequence]
                while True:
                    event = await anext(told)
                    numbers.append(event.sequence)
                    if event.settings is not None and not event.settings.locked:
                        break
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            await told.aclose()
