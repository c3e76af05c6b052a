"""TCP, TLS and IPv6 between real servers on this machine."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
from pathlib import Path
from typing import Any

import pytest

from sems import App, Call, CallFailed, Server
from sems.config import Config
from sems.errors import StartError
from sems.plugins import Apps
from sems.server.hosting import Signals
from sems.server.listening import addresses
from sems.testing import Lab


def config(folder: Path, **settings: Any) -> Config:
    return Config.model_validate(
        {
            "host": "127.0.0.1",
            "sip_port": 0,
            "tls_port": 0,
            "http_port": 0,
            "rtp_ports": "9100-9299",
            "data": folder / "data",
            **settings,
        }
    )


def phone(folder: Path, **settings: Any) -> Server:
    """A server without pages, to call from."""
    own = {"data": folder / "phone", "rtp_ports": "9300-9499", "rtp_timeout": 0}
    return Server(config(folder, **own | settings), apps=Apps(), web=False)


def at(server: Server, transport: str) -> str:
    """Where a server listens for that, ``"ip:port"``."""
    listeners = server.engine.core.listeners()
    return next(one.partition(":")[2] for one in listeners if one.startswith(f"{transport}:"))


async def fingerprint(address: str) -> bytes:
    """The certificate that a server shows."""
    host, _, port = address.rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection(host, int(port), ssl=context)
    certificate = writer.get_extra_info("ssl_object").getpeercert(True)
    writer.close()
    assert isinstance(certificate, bytes)
    return certificate


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
async def test_a_call_is_up_both_ways_and_ends_over_each_transport(tmp_path: Path, transport: str) -> None:
    async with Server(config(tmp_path)) as server:
        ca = tmp_path / "data/tls/certificate.pem"
        async with phone(tmp_path, tls={"ca": ca}) as caller:
            address = at(server, transport)
            call = await caller.dial(f"sip:echo@{address};transport={transport}")
            (other,) = server.calls.values()
            async with asyncio.timeout(5):
                await other.wait_answered()  # its ACK may still be on its way
            if transport != "udp":
                assert server.engine.core.stats()["sip_connections"] == 1
            await call.hangup()
            async with asyncio.timeout(5):
                await other.wait_ended()
            assert other.end is not None
            assert other.end.cause == "remote"


async def test_sips_is_called_over_tls_and_by_a_trusted_server_only(tmp_path: Path) -> None:
    async with Server(config(tmp_path)) as server:
        uri = f"sips:echo@{at(server, 'tls')}"
        async with phone(tmp_path) as stranger:
            with pytest.raises(CallFailed) as failed:
                await stranger.dial(uri)
            assert failed.value.code == 503
            with pytest.raises(CallFailed, match="over TLS only"):
                await stranger.dial(uri, destination=f"udp:{at(server, 'udp')}")
        async with phone(tmp_path, tls={"verify": False}) as trustful:
            call = await trustful.dial(uri)
            await call.hangup()


async def test_a_call_over_ipv6(tmp_path: Path) -> None:
    async with Server(config(tmp_path, host="::1")) as server, phone(tmp_path, host="::1") as caller:
        for transport in ("udp", "tcp"):
            address = at(server, transport)
            assert address.startswith("[::1]:")
            call = await caller.dial(f"sip:echo@{address};transport={transport}")
            await call.hangup()


async def test_several_listeners_at_once_and_none_beside_them(tmp_path: Path) -> None:
    listen = ("udp:127.0.0.1:0", "udp:127.0.0.2:0", "tcp:[::1]:0")
    async with Server(config(tmp_path, listen=listen)) as server:
        listeners = server.engine.core.listeners()
        assert [one.rpartition(":")[0] for one in listeners] == [one.rpartition(":")[0] for one in listen]
        async with phone(tmp_path) as caller:
            for one in listeners[:2]:
                call = await caller.dial(f"sip:echo@{one.partition(':')[2]}")
                await call.hangup()
        async with phone(tmp_path, host="::1") as caller:
            call = await caller.dial(f"sip:echo@{at(server, 'tcp')};transport=tcp")
            await call.hangup()
        with pytest.raises(CallFailed, match="no way to tls:"):
            await server.dial("sip:a@127.0.0.1", destination="tls:127.0.0.1:5061")


async def test_certificates_are_exchanged_by_a_signal_while_a_call_goes_on(tmp_path: Path) -> None:
    for name in ("one", "two"):
        async with Server(config(tmp_path, data=tmp_path / name), web=False):
            pass
    own, other = tmp_path / "one/tls", tmp_path / "two/tls"
    async with Server(config(tmp_path, data=tmp_path / "one")) as server:
        address = at(server, "tls")
        with Signals(server):
            assert (tmp_path / "one/sems.pid").read_text().strip() == str(os.getpid())
            before = await fingerprint(address)
            async with phone(tmp_path, tls={"verify": False}) as caller:
                call = await caller.dial(f"sip:echo@{address};transport=tls")
                for name in ("certificate.pem", "key.pem"):
                    (own / name).write_bytes((other / name).read_bytes())
                os.kill(os.getpid(), signal.SIGHUP)
                after = before
                async with asyncio.timeout(5):
                    while after == before:
                        after = await fingerprint(address)
                (own / "key.pem").write_text("nonsense")
                server.reload_certificates()
                assert await fingerprint(address) == after
                assert call.state == "answered"
                await call.hangup()
        assert not (tmp_path / "one/sems.pid").exists()


async def test_what_is_wrong_with_a_certificate_is_one_clear_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"
    with pytest.raises(StartError) as error:
        await Server(config(tmp_path, tls={"certificate": missing})).start()
    assert str(error.value) == f"tls: {missing}: no such file or directory"


async def test_a_port_for_tls_that_nobody_asked_for_may_be_somebody_elses(tmp_path: Path) -> None:
    assert addresses(Config(sip_port=5070)) == [
        "udp:0.0.0.0:5070",
        "tcp:0.0.0.0:5070",
        "tls:0.0.0.0:5071;optional",
    ]
    async with Server(config(tmp_path)) as first:
        taken = at(first, "tls")
        other = {"data": tmp_path / "second", "rtp_ports": "9500-9599"}
        listen = ("udp:127.0.0.1:0", f"tls:{taken};optional")
        async with Server(config(tmp_path, **other, listen=listen), web=False) as second:
            assert len(second.engine.core.listeners()) == 1
            assert any(f"tls {taken}: address already in use" in one for one in second.engine.core.notices())
        with pytest.raises(StartError, match=f"tls {taken}: address already in use"):
            await Server(config(tmp_path, **other, tls_port=taken.rpartition(":")[2]), web=False).start()


async def test_a_large_request_reaches_who_has_no_tcp(tmp_path: Path) -> None:
    texts: asyncio.Queue[str] = asyncio.Queue()
    app = App("texts")

    @app.message
    async def take(message: Any) -> None:
        texts.put_nowait(message.text)

    long = "x" * 2000
    apps = Apps()
    apps.add(app)
    only_udp = config(tmp_path, listen=("udp:127.0.0.1:0",), routes=[{"app": "texts"}])
    async with Server(only_udp, apps=apps, web=False) as server, phone(tmp_path) as caller:
        await caller.send_message(f"sip:texts@{at(server, 'udp')}", long)
        assert texts.get_nowait() == long


BOTH = ("udp:127.0.0.1:0", "udp:[::1]:0")


@pytest.mark.parametrize("living", ["127.0.0.1", "::1"])
async def test_a_call_goes_on_to_a_server_of_the_other_family_and_its_sound_too(
    tmp_path: Path, living: str
) -> None:
    dead = "::1" if living == "127.0.0.1" else "127.0.0.1"
    async with (
        Server(config(tmp_path, host=living)) as server,
        Server(config(tmp_path, data=tmp_path / "gone", host=dead)) as gone,
        phone(tmp_path, listen=BOTH) as caller,
    ):
        there, nobody = at(server, "udp"), at(gone, "udp")
        await gone.stop()
        call = await caller.dial("sip:echo@pbx.test", destination=[nobody, there], timeout=5)
        assert caller.engine.core.stats()["sip_failovers"] == 1
        (invite,) = (other.headers for other in server.calls.values())
        for name in ("Via", "Contact"):
            assert living in invite[name]
        # What is heard of the echo came to the port that was offered there.
        for _ in range(100):
            if caller.engine.core.stats()["rtp_received"] >= 10:
                break
            await asyncio.sleep(0.05)
        stats = caller.engine.core.stats()
        assert stats["rtp_received"] >= 10
        assert stats["rtp_ports"] == 1
        await call.hangup()


async def test_ports_of_both_families_are_given_back_when_nobody_answers(tmp_path: Path) -> None:
    async with phone(tmp_path, listen=BOTH) as caller:
        async with Server(config(tmp_path)) as gone:
            port = at(gone, "udp").rpartition(":")[2]
        with pytest.raises(CallFailed):
            await caller.dial(
                "sip:echo@pbx.test", destination=[f"[::1]:{port}", f"127.0.0.1:{port}"], timeout=5
            )
        stats = caller.engine.core.stats()
        assert (stats["sip_failovers"], stats["rtp_ports"], stats["sessions"]) == (1, 0, 0)


async def test_texts_and_questions_go_on_to_the_other_family_too(tmp_path: Path) -> None:
    async with Server(config(tmp_path)) as server, phone(tmp_path, listen=BOTH) as caller:
        port = at(server, "udp").rpartition(":")[2]
        places = [f"[::1]:{port}", f"127.0.0.1:{port}"]
        answer = await caller.request("OPTIONS", "sip:pbx.test", destination=places)
        assert answer.code == 200


async def test_in_the_lab_calls_go_over_tcp_too(lab: Lab) -> None:
    server = await lab.server()
    alice = await lab.phone("alice")
    call: Call = await alice.server.place(
        "sip:echo@sems;transport=tcp", destination=f"tcp:{at(server, 'tcp')}"
    )
    await call.wait_answered()
    await call.hangup()
    await asyncio.sleep(1)  # for the BYE, in virtual time
    assert server.engine.core.stats()["calls"] == 0
