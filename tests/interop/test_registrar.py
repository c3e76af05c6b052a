"""Phones that we did not write register at us, and are called by their names: a complete set-up."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from peers import sipp
from peers.baresip import Baresip
from peers.linphone import Linphone
from peers.ports import free_port
from peers.sems_server import SemsServer
from sems import CallFailed, Config, Server
from sems.plugins import Apps
from sems.registration.bindings import Binding

USERS = [{"name": name, "password": f"secret of {name}".replace(" ", "-")} for name in ("anna", "ben", "lin")]


@contextlib.asynccontextmanager
async def sems(folder: Path, *algorithms: str, **more: Any) -> AsyncIterator[Server]:
    """A server of ours that phones can register at, each with its password."""
    low, port = free_port(span=40), free_port(span=2)
    config = {
        "host": "127.0.0.1",
        "sip_port": port,
        "rtp_ports": f"{low}-{low + 39}",
        "data": folder / "data",
        "registrar": {"enabled": True},
        "auth": {"users": USERS, "algorithms": algorithms or ("SHA-256", "MD5")},
    } | more
    async with Server(Config.model_validate(config), apps=Apps(), web=False) as server:
        yield server


def phone(folder: Path, server: Server, name: str, port: int | None = None, **how: Any) -> Baresip:
    """A baresip that registers."""
    registrar = f"127.0.0.1:{port or server.sip_port}"
    password = f"secret-of-{name.lower()}"
    return Baresip(folder, name, answers=True, registrar=registrar, password=password, **how)


async def count(server: Server, user: str, wanted: int) -> list[Binding]:
    """Waits until so many phones of that user are registered."""
    for _ in range(200):
        found = [one for one in server.registrar.bindings() if one.aor.startswith(f"{user}@")]
        if len(found) == wanted:
            return found
        await asyncio.sleep(0.05)  # it may register before its console can be asked
    raise AssertionError(server.registrar.bindings())


async def test_phones_register_with_their_passwords_and_are_called(tmp_path: Path) -> None:
    # This baresip gives up when it is offered anything else.
    async with sems(tmp_path, "MD5") as server:
        async with (
            phone(tmp_path, server, "Anna", hz=440) as anna,
            phone(tmp_path, server, "Ben", hz=700, transport="tcp") as ben,
        ):
            (of_anna,) = await count(server, "anna", 1)
            (of_ben,) = await count(server, "ben", 1)
            assert (of_anna.aor, of_anna.transport) == ("anna@127.0.0.1", "udp")
            assert (of_ben.aor, of_ben.transport) == ("ben@127.0.0.1", "tcp")
            assert "baresip" in of_anna.user_agent
            # Two phones and SEMS: they are brought together in a room.
            room = await server.open_room()
            calls = [
                await server.dial(f"sip:{user}@127.0.0.1:{server.sip_port}", timeout=10)
                for user in ("anna", "ben")
            ]
            for call in calls:
                await call.join(room)
            await anna.hears_these([700])
            await ben.hears_these([440])
            for call in calls:
                await call.hangup()
            await anna.event("CALL_CLOSED")
            await ben.event("CALL_CLOSED")
            assert server.engine.core.stats()["auth_challenges"] >= 2
        await count(server, "anna", 0)
        await count(server, "ben", 0)
        with pytest.raises(CallFailed, match="480"):
            await server.dial("sip:anna@127.0.0.1")


async def test_a_phone_is_called_over_the_tls_connection_that_it_has_opened(tmp_path: Path) -> None:
    async with sems(tmp_path, "MD5") as server:
        certificate = tmp_path / "data/tls/certificate.pem"
        tls = {"transport": "tls", "ca": certificate, "port": server.sip_port + 1}
        async with phone(tmp_path, server, "Anna", **tls) as anna:
            (binding,) = await count(server, "anna", 1)
            assert binding.transport == "tls"
            # It shows no certificate, so that no other way would lead there.
            async with await server.dial("sip:anna@127.0.0.1", timeout=10) as call:
                assert call.source == f"tls:{binding.source}"
            await anna.event("CALL_CLOSED")
        await count(server, "anna", 0)


async def test_linphone_registers_and_is_called(tmp_path: Path) -> None:
    async with sems(tmp_path) as server, Linphone(tmp_path, "lin") as lin:
        place = f"127.0.0.1:{server.sip_port}"
        await lin.command(f"register sip:lin@{place} sip:{place} secret-of-lin")
        (binding,) = await count(server, "lin", 1)
        assert binding.aor == "lin@127.0.0.1"
        before = len(lin.said)
        dialling = asyncio.create_task(server.dial(f"sip:lin@{place}", timeout=15))
        await lin.says(r"call from|incoming call|Receiving new incoming call", after=before)
        await lin.command("answer")
        async with await dialling as call:
            assert call.state == "answered"
        await lin.command("unregister")
        await count(server, "lin", 0)


@pytest.mark.parametrize("transport", ["u1", "t1"])
async def test_sipp_sees_what_the_rfc_says(tmp_path: Path, transport: str) -> None:
    async with SemsServer(tmp_path, config="[registrar]\nenabled = true") as server:
        assert "anybody can register here" in server.text()
        await sipp.run("register", server.sip_port, "ann", tmp_path, transport=transport)
        await server.logged("a phone has left")


async def test_a_phone_whose_connection_is_closed_can_not_be_called_and_that_is_told_at_once(
    tmp_path: Path,
) -> None:
    async with sems(tmp_path, auth={}) as server:
        known: list[Binding] = []
        server.registrar.follow(known.append)
        await sipp.run("register_and_vanish", server.sip_port, "eve", tmp_path, transport="t1")
        assert [one.transport for one in known] == ["tcp"]
        await count(server, "eve", 0)
        # And not after Timer B of 32 seconds.
        async with asyncio.timeout(10):
            with pytest.raises(CallFailed, match="480"):
                await server.dial(f"sip:eve@127.0.0.1:{server.sip_port}")
