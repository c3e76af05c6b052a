"""Being a phone at a real provider: registered at Kamailio with digest, calling and called through it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from peers.kamailio import Kamailio
from peers.ports import free_port
from sems import App, Call, Server
from sems.config import Config
from sems.plugins import Apps


def server(
    folder: Path, provider: Kamailio, user: str, app: App | None = None, transport: str = "udp"
) -> Server:
    account = {"uri": provider.uri(user), "name": user, "password": provider.password, "expires": 60}
    if transport != "udp":
        account["registrar"] = provider.registrar(transport)
    low = free_port(span=20)
    config = Config.model_validate(
        {
            "host": "127.0.0.1",
            "sip_port": free_port(span=2),
            "rtp_ports": (low, low + 19),
            "data": folder / user,
            "accounts": [account],
            "tls": {"ca": provider.certificate} if transport == "tls" else {},
            "routes": [{"account": user, "app": "reception"}],
        }
    )
    apps = Apps()
    if app is not None:
        apps.add(app)
    return Server(config, apps=apps, web=False)


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_call_goes_through_kamailio_from_one_account_to_another(
    tmp_path: Path, algorithm: str
) -> None:
    calls: list[Call] = []
    app = App("reception")

    @app.call
    async def main(call: Call) -> None:
        calls.append(call)
        await call.answer()
        await call.wait_ended()

    async with (
        Kamailio(tmp_path, algorithm=algorithm) as provider,
        server(tmp_path, provider, "bob", app) as bob,
        server(tmp_path, provider, "sems") as sems,
    ):
        async with asyncio.timeout(30):
            await bob.accounts["bob"].wait_registered()
            await sems.accounts["sems"].wait_registered()
        call = await sems.dial(provider.uri("bob"), account="sems", timeout=10)
        assert [one.account for one in calls] == ["bob"]
        # It stays in the path: both ends' requests carry its route.
        assert f"127.0.0.1:{provider.port}" in call.headers["Record-Route"]
        await call.hold(True)
        await call.hold(False)
        await call.hangup()
        end = await asyncio.wait_for(calls[0].wait_ended(), 20)
        assert end.cause == "remote"
        assert sems.engine.core.stats()["auth_answers"] >= 2


@pytest.mark.parametrize(
    ("caller", "called"), [("udp", "udp"), ("tcp", "udp"), ("tcp", "tcp"), ("tls", "tcp"), ("tls", "tls")]
)
async def test_a_call_with_digest_keeps_to_the_route_that_kamailio_records_on_both_sides(
    tmp_path: Path, caller: str, called: str
) -> None:
    calls: list[Call] = []
    app = App("reception")

    @app.call
    async def main(call: Call) -> None:
        calls.append(call)
        await call.answer()
        await call.wait_ended()

    async with (
        Kamailio(tmp_path, streams=True) as provider,
        server(tmp_path, provider, "bob", app, called) as bob,
        server(tmp_path, provider, "sems", transport=caller) as sems,
    ):
        async with asyncio.timeout(30):
            await bob.accounts["bob"].wait_registered()
            await sems.accounts["sems"].wait_registered()
        assert sems.engine.core.stats()["auth_answers"] == 1
        call = await sems.dial(provider.uri("bob"), account="sems", timeout=10)
        # Kamailio knows who calls.
        assert sems.engine.core.stats()["auth_answers"] == 2
        (there,) = calls
        for side in (call, there):
            route = ", ".join(side.headers.all("Record-Route"))
            assert "127.0.0.1" in route
            # Where the two sides have not the same transport, it has recorded both.
            assert route.count("r2=on") == (0 if caller == called else 2)
        await call.hold(True)
        await there.hold(True)
        await there.hangup()
        end = await asyncio.wait_for(call.wait_ended(), 20)
        assert end.cause == "remote"
        # All that belongs to the call, of either side, has gone through it.
        await provider.until(lambda: len(provider.within()) >= 6)
        # Which of its processes is first to say so of two that follow each other is nobody's promise.
        assert Counter(provider.within()) == {"ACK": 3, "INVITE": 2, "BYE": 1}


@pytest.mark.parametrize(("streams", "transport"), [(True, "tcp"), (False, "udp")])
async def test_a_request_too_large_for_a_datagram_comes_to_kamailio_over_tcp_if_it_has_tcp(
    tmp_path: Path, streams: bool, transport: str
) -> None:
    app = App("reception")

    @app.call
    async def main(call: Call) -> None:
        await call.answer()
        await call.wait_ended()

    async with (
        Kamailio(tmp_path, streams=streams) as provider,
        server(tmp_path, provider, "bob", app) as bob,
        server(tmp_path, provider, "sems") as sems,
    ):
        async with asyncio.timeout(30):
            await bob.accounts["bob"].wait_registered()
            await sems.accounts["sems"].wait_registered()
        # Their messages are small: they and what follows them go over UDP.
        for calls, length in enumerate((10, 1300), start=1):
            long = [("X-Long", "x" * length)]
            async with await sems.dial(provider.uri("bob"), account="sems", headers=long, timeout=10):
                pass
            await provider.until(lambda calls=calls: len(provider.came("BYE")) == calls)
        # Each goes out twice, since it is asked who calls.
        small, large = provider.came("INVITE")[:2], provider.came("INVITE")[2:]
        assert [one for one, _ in small] == ["udp"] * 2
        assert [one for one, _ in large] == [transport] * 2
        assert all(length <= 1300 for _, length in small)
        assert all(length > 1300 for _, length in large)
        # The route that it has recorded names the transport for the rest of the call.
        assert [one for one, _ in provider.came("BYE")] == ["udp", transport]
        assert {one for one, _ in provider.came("REGISTER")} == {"udp"}


async def test_after_kamailio_has_forgotten_us_we_are_registered_again(tmp_path: Path) -> None:
    async with Kamailio(tmp_path, expires=4) as provider, server(tmp_path, provider, "sems") as sems:
        account = sems.accounts["sems"]
        await asyncio.wait_for(account.wait_registered(), 10)
        before = sems.engine.core.stats()["auth_answers"]
        await provider.stop()
        await provider.start()
        # The refresh has a nonce that the new one has not made, and is asked again.
        for _ in range(400):
            if sems.engine.core.stats()["auth_answers"] > before and account.state == "registered":
                return
            await asyncio.sleep(0.1)
        raise AssertionError(f"{account!r} {account.code} {account.reason}")


async def test_the_next_nonce_that_kamailio_names_saves_it_from_asking_again(tmp_path: Path) -> None:
    async with (
        Kamailio(tmp_path, expires=1, one_time_nonces=True) as provider,
        server(tmp_path, provider, "sems") as sems,
    ):
        await asyncio.wait_for(sems.accounts["sems"].wait_registered(), 10)
        await provider.until(lambda: len(provider.nonces()) >= 4)
        # Asked once, and each refresh after that with a nonce of its own.
        first, *others = provider.nonces()
        assert first is None
        assert len(set(others)) == len(others)
        assert None not in others
        assert sems.engine.core.stats()["auth_answers"] == 1
