"""Kamailio in front: it sends calls to the servers that have room for them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from peers.dispatcher import Dispatcher
from peers.ports import free_port
from sems import Config, Server


def server(folder: Path, port: int, **settings: Any) -> Server:
    low = free_port(span=20)
    given = {"host": "127.0.0.1", "sip_port": port, "rtp_ports": (low, low + 19), "data": folder / str(port)}
    return Server(Config.model_validate(given | settings), web=False)


async def test_a_server_that_is_full_gets_no_calls_until_it_has_room_again(tmp_path: Path) -> None:
    first, second = free_port(span=2), free_port(span=2)
    async with (
        server(tmp_path, first, limits={"max_calls": 1}) as small,
        server(tmp_path, second) as large,
        server(tmp_path, free_port(span=2)) as phone,
        Dispatcher(tmp_path, [first, second]) as front,
    ):
        async with await phone.dial(front.uri("echo"), timeout=15):
            assert len(small.calls) == 1
            await front.until(lambda: front.changes(first) == ["down"])
            async with await phone.dial(front.uri("echo"), timeout=15):
                assert len(large.calls) == 1
        await front.until(lambda: front.changes(first) == ["down", "up"])
        async with await phone.dial(front.uri("echo"), timeout=15):
            assert len(small.calls) == 1
        assert front.changes(second) == []


async def test_a_server_that_is_stopped_gets_no_calls_until_it_is_there_again(tmp_path: Path) -> None:
    first, second = free_port(span=2), free_port(span=2)
    async with (
        server(tmp_path, second) as large,
        server(tmp_path, free_port(span=2)) as phone,
        Dispatcher(tmp_path, [first, second]) as front,
    ):
        await front.until(lambda: front.changes(first) == ["down"])
        async with await phone.dial(front.uri("echo"), timeout=15):
            assert len(large.calls) == 1
        async with server(tmp_path, first) as small:
            await front.until(lambda: front.changes(first) == ["down", "up"])
            async with await phone.dial(front.uri("echo"), timeout=15):
                assert len(small.calls) == 1
        await front.until(lambda: front.changes(first) == ["down", "up", "down"])
        async with await phone.dial(front.uri("echo"), timeout=15):
            assert len(large.calls) == 1
        assert front.changes(second) == []
