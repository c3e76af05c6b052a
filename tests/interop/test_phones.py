"""What phones do beside talking: they transfer and are transferred, hold, press keys, ring
reliably, read, and watch us."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from peers.baresip import Baresip
from peers.linphone import Linphone
from peers.ports import free_port
from sems import App, Call, Config, Hold, Refer, Replaced, Server, Subscription, Transfer
from sems.plugins import Apps

PRESENCE = (
    '<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:desk@sems">'
    '<tuple id="t"><status><basic>{}</basic></status></tuple></presence>'
)


class Desk:
    """The app ``desk``, which notes what it sees."""

    def __init__(self) -> None:
        self.calls: asyncio.Queue[Call] = asyncio.Queue()
        self.followed: asyncio.Queue[Call] = asyncio.Queue()
        self.subscriptions: asyncio.Queue[Subscription] = asyncio.Queue()
        self.way: str | None = None
        """Where those are whom it is to call; None: where their address says."""
        self.rings_reliably = False
        self.app = App("desk")
        self.app.call(self._on_call)
        self.app.refer(self._on_refer)
        self.app.subscription("presence")(self._on_subscription)

    async def _on_call(self, call: Call) -> None:
        if self.rings_reliably:
            await call.ring(reliable=True)
        await call.answer()
        self.calls.put_nowait(call)
        await call.wait_ended()

    async def _on_refer(self, refer: Refer) -> None:
        self.followed.put_nowait(await refer.follow(timeout=5, destination=self.way))

    async def _on_subscription(self, subscription: Subscription) -> None:
        self.subscriptions.put_nowait(subscription)


@contextlib.asynccontextmanager
async def serving(folder: Path, desk: Desk) -> AsyncIterator[Server]:
    """A server with that desk, for a minute at most."""
    low = free_port(span=40)
    given = {"host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": folder / "data"}
    apps = Apps()
    apps.add(desk.app)
    async with asyncio.timeout(60), Server(Config.model_validate(given), apps=apps, web=False) as server:
        yield server


def uri(server: Server) -> str:
    return f"sip:desk@127.0.0.1:{server.sip_port}"


async def test_baresip_hands_us_over_to_another(tmp_path: Path) -> None:
    desk = Desk()
    async with (
        serving(tmp_path, desk) as server,
        Baresip(tmp_path, "Anna") as anna,
        Baresip(tmp_path, "Ben", answers=True) as ben,
    ):
        await anna.dial(uri(server))
        call = await desk.calls.get()
        await anna.command("transfer", ben.uri)
        new = await desk.followed.get()
        await ben.event("CALL_ESTABLISHED")
        assert (new.uri, new.state) == (ben.uri, "answered")
        # She hangs up once she is told that it went well.
        await anna.event("CALL_CLOSED")
        assert (await call.wait_ended()).cause == "remote"
        await new.hangup()
        await ben.event("CALL_CLOSED")


async def test_baresip_is_handed_over_to_another(tmp_path: Path) -> None:
    desk = Desk()
    async with (
        serving(tmp_path, desk) as server,
        Baresip(tmp_path, "Anna") as anna,
        Baresip(tmp_path, "Ben", answers=True) as ben,
    ):
        await anna.dial(uri(server))
        call = await desk.calls.get()
        assert await call.transfer(ben.uri) == Transfer(200, "OK")
        assert call.end is not None
        await ben.event("CALL_ESTABLISHED")


async def test_baresip_watches_whether_we_are_there(tmp_path: Path) -> None:
    desk = Desk()
    async with serving(tmp_path, desk) as server, Baresip(tmp_path, "Anna", watches=uri(server)) as anna:
        subscription = await desk.subscriptions.get()
        # It says nothing of the first that it is told.
        await subscription.notify(PRESENCE.format("closed"), "application/pidf+xml")
        for state, shown in (("open", "Online"), ("closed", "Offline")):
            await subscription.notify(PRESENCE.format(state), "application/pidf+xml")
            await anna.says(f"changed status from .* to .*{shown}")
        await subscription.finish("noresource")
        assert await subscription.wait_ended() == "terminated"
        await anna.says("subscriber closed .*: noresource")


@pytest.mark.parametrize("by", ["RFC 4733", "INFO"])
async def test_linphone_holds_resumes_and_presses_keys(tmp_path: Path, by: str) -> None:
    desk = Desk()
    sip = f"use_info={int(by == 'INFO')}\nuse_rfc2833={int(by != 'INFO')}"
    async with serving(tmp_path, desk) as server, Linphone(tmp_path, "lin", sip=sip) as lin:
        await lin.dial(uri(server))
        call = await desk.calls.get()
        held: asyncio.Queue[bool] = asyncio.Queue()
        call.subscribe(lambda event: held.put_nowait(event.on) if isinstance(event, Hold) else None)
        await lin.command("pause")
        assert await held.get()
        await lin.says("is now paused")
        said = len(lin.said)
        await lin.command("resume")
        assert not await held.get()
        await lin.says("Media streams established", after=said)
        for key in "5#":
            await lin.command(key)
            assert await call.digit() == key
        await lin.hang_up()
        # Each once: UDP sends again what a busy machine takes too long to answer (RFC 3261 §17).
        sent = {entry.message for entry in server.trace(call.id).messages}
        assert len([message for message in sent if message.startswith(b"INFO ")]) == (
            2 if by == "INFO" else 0
        )


async def test_linphone_joins_its_two_calls(tmp_path: Path) -> None:
    here, there = Desk(), Desk()
    async with (
        serving(tmp_path / "here", here) as one,
        serving(tmp_path / "there", there) as other,
        Linphone(tmp_path, "lin") as lin,
    ):
        await lin.dial(uri(one))
        first = await here.calls.get()
        await lin.command("pause")
        await lin.says("is now paused")
        await lin.dial(uri(other))
        second = await there.calls.get()
        taken: asyncio.Queue[str] = asyncio.Queue()
        second.subscribe(lambda event: taken.put_nowait("") if isinstance(event, Replaced) else None)
        # linphone names the address that it has dialled, without the port.
        here.way = f"127.0.0.1:{other.sip_port}"
        await lin.command("transfer 1 --to-call 2")
        new = await here.followed.get()
        await taken.get()
        assert second.source == f"127.0.0.1:{one.sip_port}"
        assert (await first.wait_ended()).cause == "remote"
        assert second.state == new.state == "answered"
        await new.hangup()


async def test_two_linphones_get_each_other_in_our_place(tmp_path: Path) -> None:
    desk = Desk()
    async with (
        serving(tmp_path, desk) as server,
        Linphone(tmp_path, "lin") as lin,
        Linphone(tmp_path, "lou") as lou,
    ):
        await lin.dial(uri(server))
        first = await desk.calls.get()
        await lou.dial(uri(server))
        second = await desk.calls.get()
        said = len(lou.said)
        assert (await first.transfer(second)).code == 200
        assert (await second.wait_ended()).cause == "remote"
        await lou.says("Media streams established", after=said)


async def test_linphone_calls_and_is_called_with_prack_and_a_session_timer(tmp_path: Path) -> None:
    desk = Desk()
    desk.rings_reliably = True
    sip = "100rel_support_level=1\nsession_expires_enabled=1\nsession_expires_value=90"
    async with serving(tmp_path, desk) as server, Linphone(tmp_path, "lin", sip=sip) as lin:
        await lin.dial(uri(server))
        incoming = await desk.calls.get()
        await lin.hang_up()
        await incoming.wait_ended()
        placed = await server.place(lin.uri, reliable=True)
        await lin.says("Receiving new incoming call")
        await lin.command("answer")
        await placed.wait_answered()
        await placed.hangup()
        for call in (incoming, placed):
            # Each once: UDP sends again what a busy machine takes too long to answer (RFC 3261 §17).
            sent = {entry.message: entry for entry in server.trace(call.id).messages}.values()
            (prack,) = [entry for entry in sent if entry.message.startswith(b"PRACK ")]
            (ok,) = [entry for entry in sent if entry.message.startswith(b"SIP/2.0 200") and entry.body]
            assert prack.header("RAck").endswith(" INVITE")
            assert ok.header("Session-Expires").startswith("90;refresher=ua")


async def test_linphone_reads_a_text(tmp_path: Path) -> None:
    async with serving(tmp_path, Desk()) as server, Linphone(tmp_path, "lin") as lin:
        assert (await server.send_message(lin.uri, "Grüße")).code == 200
        await lin.says("Message received from .*: Grüße")
