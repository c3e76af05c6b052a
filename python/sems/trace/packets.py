"""Packets that came to a call's ports, made again from what was noted of them."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .record import Entry

#: A packet is noted at the tick that takes it in, up to 20 ms after it has come.
_WAITED_NS = 10_000_000

_VERSION = 2 << 6
_SENDER_REPORT, _RECEIVER_REPORT, _GOODBYE = 200, 201, 203
#: What silence looks like in the codecs that have numbers of their own (RFC 3551): PCMU, PCMA.
_SILENCE = {0: 0xFF, 8: 0xD5}


@dataclass(frozen=True, slots=True)
class Packet:
    """One that is to come."""

    at_ns: int
    remote: str
    """Where from."""
    control: bool
    """To the port of RTCP."""
    make: Callable[[int | None], bytes]
    """The datagram, when our own source is known, or not."""


def packets(entry: Entry) -> Iterator[Packet]:
    """All of a run, evenly spaced. Raises ValueError or KeyError for what is none."""
    fields = dict(entry.fields)
    if "packets" not in fields:
        return
    count, span = int(fields["packets"]), int(fields["ms"]) * 1_000_000
    is_report = "payload_type" not in fields
    make = _report if is_report else _event if "event" in fields else _audio
    make(fields, 0, 0.0, 0)  # What is missing or wrong is found at once.
    control = is_report and fields["muxed"] != "true"
    for number in range(count):
        share = number / max(count - 1, 1)
        at = entry.at_ns - _WAITED_NS + round(span * share)
        yield Packet(at, entry.remote, control, _at(make, fields, number, share))


_Make = Callable[[dict[str, str], int, float, int | None], bytes]


def _at(make: _Make, fields: dict[str, str], number: int, share: float) -> Callable[[int | None], bytes]:
    return lambda ours: make(fields, number, share, ours)


def _between(first: str, last: str, share: float, bits: int) -> int:
    """A number on the way from one to another, both of so many bits."""
    way = (int(last) - int(first)) % (1 << bits)
    return (int(first) + round(way * share)) % (1 << bits)


def _header(fields: dict[str, str], number: int, share: float, timestamp: int) -> bytes:
    marker = 0x80 if number == 0 and fields["marker"] == "true" else 0
    passed = int(fields["packets"]) - 1 + int(fields["missing"])
    sequence = (int(fields["sequence"]) + round(passed * share)) & 0xFFFF
    return struct.pack(
        "!BBHII",
        _VERSION,
        marker | int(fields["payload_type"]),
        sequence,
        timestamp,
        int(fields["ssrc"]),
    )


def _audio(fields: dict[str, str], number: int, share: float, _: int | None) -> bytes:
    timestamp = _between(fields["timestamp"], fields["last_timestamp"], share, 32)
    length, first = int(fields["length"]), bytes([int(fields["first_byte"])])
    silence = _SILENCE.get(int(fields["payload_type"]))
    # Elsewhere the first byte tells how long the packet is, or how loud the noise.
    payload = bytes(length) if silence is None else bytes([silence]) * length
    if silence is None and length:
        payload = first + payload[1:]
    return _header(fields, number, share, timestamp) + payload


def _event(fields: dict[str, str], number: int, share: float, _: int | None) -> bytes:
    duration = _between(fields["duration"], fields["last_duration"], share, 16)
    event = struct.pack("!BBH", int(fields["event"]), int(fields["flags"]), duration)
    return _header(fields, number, share, int(fields["timestamp"])) + event


def _report(fields: dict[str, str], _: int, share: float, ours: int | None) -> bytes:
    block = b""
    if ours is not None and "highest" in fields:
        highest = _between(fields["highest"], fields["last_highest"], share, 32)
        block = struct.pack("!IIIIII", ours, int(fields["fraction_lost"]) << 24, highest, 0, 0, 0)
    sender = bytes(20) if fields["sender"] == "true" else b""
    source = struct.pack("!I", int(fields["ssrc"]))
    kind = _SENDER_REPORT if sender else _RECEIVER_REPORT
    report = _control(kind, len(block) // 24, source + sender + block)
    return report + _control(_GOODBYE, 1, source) if fields["goodbye"] == "true" else report


def _control(kind: int, count: int, body: bytes) -> bytes:
    return struct.pack("!BBH", _VERSION | count, kind, len(body) // 4) + body


def source_of(datagram: bytes) -> int | None:
    """Who sends it: RTP or RTCP."""
    if len(datagram) < 8 or datagram[0] >> 6 != 2:
        return None
    if 192 <= datagram[1] < 224:
        return int.from_bytes(datagram[4:8], "big")
    return int.from_bytes(datagram[8:12], "big")
