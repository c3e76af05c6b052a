"""What came to a call's ports comes again, as far as anything depends on it."""

from __future__ import annotations

import asyncio
import re
import struct
from collections.abc import Iterator

import pytest
from an_app import app_of
from recorded import course, goes_the_same_way, recorded

from sems import Call, Server
from sems.errors import TraceError
from sems.testing import Lab
from sems.trace import Trace, ladder, replay


async def until_over(call: Call) -> None:
    await call.answer()
    await call.wait_ended()


async def test_keys_are_pressed_again_and_nobody_knows_which(lab: Lab) -> None:
    digits: list[str | None] = []

    async def dial_pad(call: Call) -> None:
        await call.answer()
        while (digit := await call.digit(timeout=None)) is not None:
            digits.append(digit)

    server = await lab.server(apps=[app_of(dial_pad)])
    alice = await lab.phone("alice")
    await alice.call("sip:mine@sems")
    await alice.key("7724")
    await asyncio.sleep(2)
    await alice.hang_up()
    assert digits == list("7724")
    trace = await recorded(server)
    events = [dict(entry.fields) for entry in trace.entries if "event" in dict(entry.fields)]
    assert {event["event"] for event in events} == {"10"}
    again = goes_the_same_way(trace)
    assert course(again.now).count("a key was pressed") == 4
    # Without its packets a key is missed.
    silent = tuple(entry for entry in trace.entries if "event" not in dict(entry.fields))
    keys = [entry for entry in trace.entries if "event" in dict(entry.fields)][:1]
    other = Trace(trace.call_id, tuple(sorted([*silent, *keys], key=_time)), "", trace.settings)
    said = replay(other).divergences
    assert re.fullmatch(r"at \d\.\d+ s the app was told: a key was pressed, and now it is not", said[-1])


def _time(entry: object) -> int:
    return int(getattr(entry, "at_ns", 0))


class Caller:
    """Somebody who calls, and sends packets from wherever he likes."""

    def __init__(self, lab: Lab, server: Server, private: bool = False) -> None:
        self.lab = lab
        self.sip = lab.network.socket("10.9.9.9:5060")
        self.media = lab.network.socket("10.9.9.9:4000")
        self.control = lab.network.socket("10.9.9.9:4001")
        self.address = server.engine.core.sip_addresses()[0]
        self.here = "192.168.1.2" if private else "10.9.9.9"
        self.port = 0
        self.tag = ""

    def _message(self, method: str, cseq: int, body: str = "") -> bytes:
        kind = "Content-Type: application/sdp\r\n" if body else ""
        return (
            f"{method} sip:mine@{self.address} SIP/2.0\r\n"
            f"Via: SIP/2.0/UDP {self.here}:5060;branch=z9hG4bK-{method}-{cseq};rport\r\n"
            f"From: <sip:eve@{self.here}>;tag=1\r\nTo: <sip:mine@{self.address}>{self.tag}\r\n"
            f"Call-ID: packets@eve\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
            f"Contact: <sip:eve@{self.here}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    async def call(self) -> None:
        sdp = (
            f"v=0\r\no=- 1 1 IN IP4 {self.here}\r\ns=-\r\nc=IN IP4 {self.here}\r\nt=0 0\r\n"
            "m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
        )
        self.sip.send(self._message("INVITE", 1, sdp), self.address)
        await asyncio.sleep(0.1)
        answer = self.sip.receive()[-1].decode()
        self.port = int(re.findall(r"m=audio (\d+)", answer)[0])
        self.tag = re.findall(r"To:[^\r]*(;tag=\w+)", answer)[0]
        self.sip.send(self._message("ACK", 1), self.address)

    async def hang_up(self) -> None:
        self.sip.send(self._message("BYE", 2), self.address)
        await asyncio.sleep(0.1)

    def _at(self, control: bool = False) -> str:
        return f"{self.address.partition(':')[0]}:{self.port + control}"

    async def speak(self, seconds: float, first: int = 0, ssrc: int = 7, source: str = "") -> None:
        socket = self.lab.network.socket(source) if source else self.media
        for number in range(first, first + round(seconds * 50)):
            header = struct.pack("!BBHII", 0x80, 0, number & 0xFFFF, number * 160, ssrc)
            socket.send(header + b"\xff" * 160, self._at())
            await asyncio.sleep(0.02)

    def heard(self) -> Iterator[int]:
        """The sources of what has come."""
        for packet in self.media.receive():
            yield int.from_bytes(packet[8:12], "big")

    def report(self, highest: int, ours: int) -> None:
        """That nothing new has come of the server's stream."""
        block = struct.pack("!IIIIII", ours, 0, highest, 0, 0, 0)
        self.control.send(struct.pack("!BBHI", 0x81, 201, 7, 7) + block, self._at(control=True))


async def test_a_stream_that_stops_does_so_again_and_resumes(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(until_over)], rtp_timeout=5)
    caller = Caller(lab, server)
    await caller.call()
    await caller.speak(2)
    await asyncio.sleep(4.5)
    await caller.speak(2, first=500)
    await asyncio.sleep(8)
    trace = await recorded(server)
    told = [entry.text for entry in trace.entries if entry.kind == "told"]
    assert [text for text in told if not text.startswith("audio: ")] == [
        "up, PCMU",
        "nothing is heard of the peer any more",
        "the peer is heard again",
        "nothing is heard of the peer any more",
        "no audio came for 5 s",
        "ended: ended by us",
    ]
    again = replay(trace)
    assert again.divergences == ()
    # What the app did of it comes at its time.
    assert course(again.now)[-4:] == course(trace)[-4:]
    # With the packets left out nothing is heard from the beginning on.
    deaf = tuple(entry for entry in trace.entries if entry.kind != "heard")
    said = replay(Trace(trace.call_id, deaf, "", trace.settings)).divergences
    assert "the app was told: audio: " in said[0]


async def test_a_peer_behind_a_nat_is_found_again_and_a_stranger_is_not_heard(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(until_over)])
    caller = Caller(lab, server, private=True)
    await caller.call()
    await caller.speak(1)
    stranger = asyncio.create_task(caller.speak(1, ssrc=9, source="10.66.66.66:6666"))
    await caller.speak(2, first=50)
    await stranger
    assert list(caller.heard())
    await caller.hang_up()
    trace = await recorded(server)
    heard = [entry for entry in trace.entries if entry.kind == "heard"]
    assert [(entry.remote, "foreign" in dict(entry.fields)) for entry in heard] == [
        ("10.9.9.9:4000", False),
        ("10.66.66.66:6666", True),
    ]
    assert "RTP of a stranger's: 50 packets in 1.0 s from 10.66.66.66:6666" in ladder(trace)
    again = goes_the_same_way(trace)
    strangers = [dict(one.fields)["packets"] for one in again.now.entries if "foreign" in dict(one.fields)]
    assert [int(count) for count in strangers] == [pytest.approx(50, abs=2)]


async def test_a_peer_that_reports_that_it_hears_nothing_does_so_again(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(until_over)])
    caller = Caller(lab, server)
    await caller.call()
    speaking = asyncio.create_task(caller.speak(25))
    for _ in range(4):
        await asyncio.sleep(5)
        caller.report(100, set(caller.heard()).pop())
    await speaking
    await caller.hang_up()
    trace = await recorded(server)
    assert "the peer hears nothing any more" in [entry.text for entry in trace.entries]
    goes_the_same_way(trace)


async def test_a_long_call_takes_few_places_also_when_packets_get_lost(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(until_over)])
    caller = Caller(lab, server)
    await caller.call()
    for second in range(60):
        # One in fifty is lost.
        await caller.speak(0.98, first=second * 50)
        await asyncio.sleep(0.02)
    await caller.hang_up()
    trace = await recorded(server)
    (run,) = (entry for entry in trace.entries if entry.kind == "heard")
    fields = dict(run.fields)
    assert (fields["packets"], fields["missing"]) == ("2940", "59")
    goes_the_same_way(trace)


async def test_what_is_heard_has_a_limit_and_strangers_leave_room(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(until_over)])
    caller = Caller(lab, server)
    await caller.call()
    for number in range(400):
        # Each from another source of the stranger's.
        await caller.speak(0.02, ssrc=1000 + number, source=f"10.66.66.66:{7000 + number}")
    await caller.speak(1)
    for number in range(400):
        await caller.speak(0.04, first=number * 1000, ssrc=number)
    await caller.hang_up()
    trace = await recorded(server)
    heard = [entry for entry in trace.entries if entry.kind == "heard"]
    assert len(heard) <= 257
    assert len({entry.remote for entry in heard if "foreign" in dict(entry.fields)}) == 8
    assert heard[-1].text == "what came after this was not noted"
    assert any(dict(entry.fields).get("packets") == "50" for entry in heard)
    # Of what would have come of the rest nothing is said.
    assert replay(trace).divergences == ()


async def test_packets_are_not_noted_when_that_is_switched_off(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(until_over)], trace={"packets": False})
    caller = Caller(lab, server)
    await caller.call()
    await caller.speak(1)
    await caller.hang_up()
    trace = await recorded(server)
    assert {entry.kind for entry in trace.entries} == {"received", "sent", "ordered", "told"}
    assert replay(trace).divergences == ()


async def test_packets_that_make_no_sense_are_a_clear_error(lab: Lab) -> None:
    server = await lab.server(apps=[app_of(until_over)])
    caller = Caller(lab, server)
    await caller.call()
    await caller.speak(1)
    await caller.hang_up()
    trace = await recorded(server)
    text = trace.to_json()
    for old, new in (('"ssrc", "', '"ssrc", "x'), ('["ms"', '["msec"')):
        assert old in text
        with pytest.raises(TraceError, match="the packets in this trace make no sense"):
            replay(Trace.from_json(text.replace(old, new)))
