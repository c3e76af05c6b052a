"""TCP, TLS and IPv6 with peers that we did not write, and with some that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import signal
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from peers import sipp
from peers.baresip import Baresip
from peers.linphone import Linphone
from peers.ports import free_port
from peers.sems_server import SemsServer
from peers.sipp_server import SippServer
from peers.tones import hears, tail
from sems import Config, Server
from sems.plugins import Apps

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPTIONS = (
    "OPTIONS sip:echo@127.0.0.1 SIP/2.0\r\n"
    "Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK{number}\r\n"
    "From: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:echo@127.0.0.1>\r\n"
    "Call-ID: {number}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SemsServer]:
    async with SemsServer(tmp_path_factory.mktemp("sems")) as server:
        yield server


@contextlib.asynccontextmanager
async def sems(folder: Path, **settings: Any) -> AsyncIterator[Server]:
    """A server of ours, to call from."""
    low = free_port(span=40)
    given = {"host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": folder / "data"}
    async with Server(Config.model_validate(given | settings), apps=Apps(), web=False) as server:
        yield server


async def asks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int) -> bool:
    """Whether OPTIONS over this connection is answered."""
    writer.write(OPTIONS.format(number=number).encode())
    await writer.drain()
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    return answer.startswith(b"SIP/2.0 200 OK\r\n")


@pytest.mark.parametrize("transport", ["t1", "tn"])
@pytest.mark.parametrize(
    ("scenario", "user"),
    [("plain", "echo"), ("cancel", "ring"), ("hold", "echo"), ("late_offer", "echo"), ("options", "echo")],
)
async def test_sipp_calls_over_tcp(
    server: SemsServer, tmp_path: Path, scenario: str, user: str, transport: str
) -> None:
    await sipp.run(scenario, server.sip_port, user, tmp_path, transport=transport)


async def test_a_hundred_calls_over_one_connection(server: SemsServer, tmp_path: Path) -> None:
    await sipp.run("plain", server.sip_port, "echo", tmp_path, calls=100, rate=50, timeout=40, transport="t1")


async def test_a_call_to_sipp_over_tcp(tmp_path: Path) -> None:
    async with SippServer("answers", tmp_path, tcp=True) as phone, sems(tmp_path) as server:
        async with await server.dial(f"sip:bob@127.0.0.1:{phone.port};transport=tcp", timeout=15) as call:
            assert call.state == "answered"
        (invite,) = phone.received("INVITE")
        assert "SIP/2.0/TCP 127.0.0.1:" in invite
        assert ";transport=tcp>" in invite


async def test_sipp_calls_over_ipv6(tmp_path: Path) -> None:
    port = free_port(span=2)
    low = free_port(span=40)
    config = {
        "host": "::1",
        "sip_port": port,
        "http_port": 0,
        "rtp_ports": f"{low}-{low + 39}",
        "data": tmp_path / "data",
    }
    async with Server(Config.model_validate(config)):
        for transport in ("u1", "t1"):
            await sipp.run("plain", port, "echo", tmp_path / transport, transport=transport, address="::1")


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_two_baresips_hear_each_other_in_a_conference(
    server: SemsServer, tmp_path: Path, transport: str
) -> None:
    ca = server.certificate
    async with (
        Baresip(tmp_path, "Anna", 440, transport=transport, ca=ca) as anna,
        Baresip(tmp_path, "Ben", 700, transport=transport, ca=ca) as ben,
    ):
        for phone in (anna, ben):
            await phone.dial(server.uri(f"over-{transport}", transport))
        await anna.hears_these([700], [440])
        await ben.hears_these([440], [700])
        counters = (await server.operator("/stats"))["counters"]
        assert counters["sip_connections"] >= 2
        for phone in (anna, ben):
            await phone.hang_up()


@pytest.mark.parametrize("transport", ["tcp", "tls"])
async def test_baresip_is_called(server: SemsServer, tmp_path: Path, transport: str) -> None:
    both = tmp_path / "both.pem"
    tls = server.certificate.parent
    both.write_text((tls / "certificate.pem").read_text() + (tls / "key.pem").read_text())
    async with (
        Baresip(tmp_path, "Anna", 440, answers=True, transport=transport, certificate=both) as anna,
        sems(tmp_path, tls={"ca": server.certificate}) as caller,
    ):
        async with await caller.dial(anna.uri, timeout=15) as call:
            assert call.state == "answered"
        await anna.event("CALL_CLOSED")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_linphone_hears_its_echo(server: SemsServer, tmp_path: Path, transport: str) -> None:
    async with Linphone(tmp_path, "lin", 500, ca=server.certificate) as lin:
        await lin.dial(server.uri("echo", transport))
        await asyncio.sleep(2)  # what it hears is recorded in real time
        await lin.hang_up()
    assert hears(tail(lin.recording(), 1.0), 500)


async def test_openssl_sees_a_fresh_certificate_after_a_reload(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    assert openssl, "openssl is not installed: run the tests by `make test`"

    async def run(*words: str) -> str:
        process = await asyncio.create_subprocess_exec(
            openssl,
            *words,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await asyncio.wait_for(process.communicate(), 20)
        return said.decode(errors="replace")

    async def made(name: str) -> None:
        await run(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}"),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "certificate.pem")),
        )

    await made("first.test")
    config = f'[tls]\ncertificate = "{tmp_path}/certificate.pem"\nkey = "{tmp_path}/key.pem"\n'
    async with SemsServer(tmp_path, config=config) as server:
        address = f"127.0.0.1:{server.sip_port + 1}"
        assert "first.test" in await run("s_client", "-connect", address)
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        reader, writer = await asyncio.open_connection("127.0.0.1", server.sip_port + 1, ssl=context)
        assert await asks(reader, writer, 1)
        await made("second.test")
        server.process.send_signal(signal.SIGHUP)
        await server.logged("certificates read again")
        assert "second.test" in await run("s_client", "-connect", address)
        assert await asks(reader, writer, 2), "the connection from before goes on"
        writer.close()


async def test_a_call_over_tcp_hears_nothing_of_those_who_misbehave(tmp_path: Path) -> None:
    chance = random.Random(5626)
    limits = "[connections]\nper_source = 20\n"
    async with SemsServer(tmp_path, config=limits) as server, Baresip(tmp_path, "Anna", 500) as anna:
        await anna.dial(server.uri("echo"))
        ports = (server.sip_port, server.sip_port + 1)
        opened: list[asyncio.StreamWriter] = []

        async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            # From another address than Anna's, whose share of connections is not theirs.
            pair = await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.9", 0))
            opened.append(pair[1])
            return pair

        async def is_closed(reader: asyncio.StreamReader) -> bool:
            with contextlib.suppress(ConnectionError):
                await asyncio.wait_for(reader.read(-1), 10)
            return True

        for port in ports:
            reader, writer = await connect(port)
            writer.write(chance.randbytes(3000))
            assert await is_closed(reader), "garbage"
        reader, writer = await connect(ports[0])
        writer.write(OPTIONS.format(number=1).replace("Length: 0", "Length: 4000000000").encode())
        answer = await asyncio.wait_for(reader.read(-1), 10)
        assert answer.startswith(b"SIP/2.0 513 "), "a body without end"
        reader, writer = await connect(ports[0])
        writer.write(OPTIONS.format(number=2).replace("Content-Length: 0\r\n", "").encode())
        answer = await asyncio.wait_for(reader.read(-1), 10)
        assert answer.startswith(b"SIP/2.0 400 Bad Request (missing Content-Length)"), answer
        for port in ports:
            _, writer = await connect(port)
            writer.write(OPTIONS.format(number=3)[:40].encode())  # and no more
        for _ in range(60):
            with contextlib.suppress(ConnectionError):
                await connect(chance.choice(ports))
        async with asyncio.timeout(10):
            counters = {"sip_connections_refused": 0}
            while counters["sip_connections_refused"] < 30:
                # The system has taken all of them, and the server takes or refuses them later.
                await asyncio.sleep(0.05)
                counters = (await server.operator("/stats"))["counters"]
        assert counters["sip_connections"] <= 21
        reader, writer = await asyncio.open_connection("127.0.0.1", ports[0])
        assert await asks(reader, writer, 4), "another source is served"
        writer.close()
        await anna.hears_mix({500: -20.0}, within=2)
        await anna.hang_up()
        for writer in opened:
            writer.close()
