"""Which server takes a call: a real name server says it, and SIPp is that server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from peers.dnsmasq import Dnsmasq
from peers.ports import free_port
from peers.sipp_server import SippServer
from sems import CallFailed, Config, Server
from sems.plugins import Apps


@contextlib.asynccontextmanager
async def sems(folder: Path, **settings: Any) -> AsyncIterator[Server]:
    """A server of ours, to call from."""
    low = free_port(span=40)
    given = {"host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": folder / "data"}
    async with Server(Config.model_validate(given | settings), apps=Apps(), web=False) as server:
        yield server


def zone(udp: list[tuple[int, int]]) -> list[str]:
    """`pbx.test` with servers over UDP, each as port and priority."""
    return [
        "naptr-record=pbx.test,10,20,S,SIP+D2T,,_sip._tcp.pbx.test",
        "naptr-record=pbx.test,10,10,S,SIP+D2U,,_sip._udp.pbx.test",
        *(f"srv-host=_sip._udp.pbx.test,one.pbx.test,{port},{priority},1" for port, priority in udp),
        "host-record=one.pbx.test,127.0.0.1,::1",
        "host-record=pbx.test,127.0.0.99",
    ]


async def test_a_server_that_is_gone_is_passed_over_at_once_and_the_next_takes_the_call(
    tmp_path: Path,
) -> None:
    async with (
        SippServer("answers", tmp_path) as living,
        Dnsmasq(tmp_path, *zone([(living.port, 20), (free_port(), 10)])) as dns,
        sems(tmp_path, dns={"servers": [dns.address]}) as server,
    ):
        # ICMP says that nobody has the port.
        async with await server.dial("sip:bob@pbx.test", timeout=3) as call:
            assert call.state == "answered"
            asked = dns.queries()
            assert asked[:2] == ["NAPTR pbx.test", "SRV _sip._udp.pbx.test"]
            # Only our kind of address, and never the host itself.
            assert sorted(set(asked[2:])) == ["A one.pbx.test"]
        (invite,) = living.received("INVITE")
        assert invite.startswith("INVITE sip:bob@pbx.test SIP/2.0")
        assert dns.queries() == asked, "the BYE waits for no name server"


async def test_a_server_that_has_ipv6_in_its_name_alone_is_called_by_ipv4(tmp_path: Path) -> None:
    both = ("udp:127.0.0.1:0", "udp:[::1]:0")
    async with (
        SippServer("answers", tmp_path) as living,
        Dnsmasq(tmp_path, *zone([(living.port, 10)])) as dns,
        sems(tmp_path, listen=both, dns={"servers": [dns.address]}) as server,
    ):
        async with await server.dial("sip:bob@pbx.test", timeout=3) as call:
            assert call.state == "answered"
        assert {"A one.pbx.test", "AAAA one.pbx.test"} <= set(dns.queries())
        assert server.engine.core.stats()["sip_failovers"] == 1
        (invite,) = living.received("INVITE")
        # All that names our address names the one that it came from.
        assert "::1" not in invite.partition("From:")[0]
        assert "Contact: <sip:sems@127.0.0.1:" in invite
        assert "c=IN IP4 127.0.0.1" in invite


async def test_a_server_that_keeps_silent_costs_four_seconds(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        async with (
            SippServer("answers", tmp_path) as living,
            Dnsmasq(tmp_path, *zone([(living.port, 20), (silent.getsockname()[1], 10)])) as dns,
            sems(tmp_path, dns={"servers": [dns.address]}) as server,
        ):
            began = asyncio.get_running_loop().time()
            await (await server.dial("sip:bob@pbx.test", timeout=15)).hangup()
            assert asyncio.get_running_loop().time() - began > 3.9
        assert silent.recv(2000).startswith(b"INVITE sip:bob@pbx.test")


async def test_a_server_that_says_503_is_passed_over_and_avoided(tmp_path: Path) -> None:
    refusal = {"status": "503 Full", "header": "Retry-After: 30"}
    async with (
        SippServer("refuses", tmp_path, keys=refusal) as full,
        SippServer("answers", tmp_path) as free,
        Dnsmasq(tmp_path, *zone([(full.port, 10), (free.port, 20)])) as dns,
        sems(tmp_path, dns={"servers": [dns.address]}) as server,
    ):
        for _ in range(3):
            await (await server.dial("sip:bob@pbx.test", timeout=5)).hangup()
        assert len(full.received("INVITE")) == 1, "asked once, then avoided for 30 seconds"
        assert len(free.received("INVITE")) == 3
        # Each question was asked once: the answers hold for a minute.
        assert len(dns.queries()) == len(set(dns.queries()))


async def test_where_no_server_is_left_the_last_refusal_is_the_answer(tmp_path: Path) -> None:
    async with (
        SippServer("refuses", tmp_path, keys={"status": "503 Full", "header": "X-A: 1"}) as one,
        SippServer("refuses", tmp_path, keys={"status": "503 Closed", "header": "X-B: 2"}) as two,
        Dnsmasq(tmp_path, *zone([(one.port, 10), (two.port, 20)])) as dns,
        sems(tmp_path, dns={"servers": [dns.address]}) as server,
    ):
        with pytest.raises(CallFailed, match="503 Closed"):
            await server.dial("sip:bob@pbx.test", timeout=5)
        with pytest.raises(CallFailed, match=r"503 there is no host named nowhere\.test"):
            await server.dial("sip:bob@nowhere.test", timeout=5)


async def test_calls_go_by_the_outbound_proxy(tmp_path: Path) -> None:
    async with (
        SippServer("answers", tmp_path) as proxy,
        Dnsmasq(tmp_path, *zone([(proxy.port, 10)])) as dns,
        sems(tmp_path, outbound_proxy="sip:pbx.test", dns={"servers": [dns.address]}) as server,
    ):
        await (await server.dial("sip:bob@far.example", timeout=5)).hangup()
        (invite,) = proxy.received("INVITE")
        assert invite.startswith("INVITE sip:bob@far.example SIP/2.0")
        assert "Route: <sip:pbx.test;lr>" in invite
        assert not [query for query in dns.queries() if "far.example" in query]


async def test_a_redirect_of_a_real_server_is_followed(tmp_path: Path) -> None:
    async with SippServer("answers", tmp_path) as there:
        contact = f"Contact: <sip:bob@127.0.0.1:{there.port}>;q=0.5"
        refusal = {"status": "302 Moved", "header": contact}
        async with SippServer("refuses", tmp_path, keys=refusal) as here, sems(tmp_path) as server:
            uri = f"sip:bob@127.0.0.1:{here.port}"
            with pytest.raises(CallFailed) as failed:
                await server.dial(uri, timeout=5)
            assert failed.value.targets == (f"sip:bob@127.0.0.1:{there.port}",)
            await (await server.dial(uri, timeout=5, follow_redirects=True)).hangup()
            (invite,) = there.received("INVITE")
            assert f"To: <{uri}>" in invite


async def test_a_dead_name_server_costs_its_time_and_no_more(tmp_path: Path) -> None:
    dns = {"servers": [f"127.0.0.1:{free_port()}"], "timeout": 1.0}
    async with sems(tmp_path, dns=dns) as server:
        began = asyncio.get_running_loop().time()
        with pytest.raises(CallFailed, match=r"503 no name server answers for pbx\.test"):
            await server.dial("sip:bob@pbx.test")
        assert asyncio.get_running_loop().time() - began < 3
        # Names of this machine need none.
        async with SippServer("answers", tmp_path) as there:
            await (await server.dial(f"sip:bob@localhost:{there.port}", timeout=5)).hangup()


async def test_a_server_that_refuses_the_connection_is_passed_over_at_once(tmp_path: Path) -> None:
    async with SippServer("answers", tmp_path) as living, sems(tmp_path) as server:
        places = [f"tcp:127.0.0.1:{free_port()}", f"127.0.0.1:{living.port}"]
        began = asyncio.get_running_loop().time()
        await (await server.dial("sip:bob@pbx.test", destination=places, timeout=10)).hangup()
        assert asyncio.get_running_loop().time() - began < 2
