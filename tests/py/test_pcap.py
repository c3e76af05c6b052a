"""Captures are well-formed: headers, lengths and sums."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from sems.trace import Entry, Trace, write_pcap


def packets(tmp_path: Path, *entries: Entry) -> list[bytes]:
    path = tmp_path / "call.pcap"
    write_pcap(Trace("x", entries), path)
    data = path.read_bytes()
    assert struct.unpack("<IHH", data[:8]) == (0xA1B23C4D, 2, 4)
    assert struct.unpack("<I", data[20:24]) == (101,)
    rest, found = data[24:], []
    while rest:
        seconds, nanoseconds, kept, length = struct.unpack("<IIII", rest[:16])
        assert (seconds, nanoseconds, kept) == (1, 500_000_000, length)
        found.append(rest[16 : 16 + kept])
        rest = rest[16 + kept :]
    return found


def message(
    local: str, remote: str, transport: str = "udp", text: bytes = b"OPTIONS", kind: str = "sent"
) -> Entry:
    assert kind in ("sent", "received")
    return Entry(1_500_000_000, "sent" if kind == "sent" else "received", transport, local, remote, text)


def total(data: bytes) -> int:
    data += b"\0" * (len(data) % 2)
    folded = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while folded >> 16:
        folded = (folded & 0xFFFF) + (folded >> 16)
    return folded


@pytest.mark.parametrize("text", [b"OPTIONS", b"BYE twice"])
def test_a_datagram_over_ipv4(tmp_path: Path, text: bytes) -> None:
    (packet,) = packets(tmp_path, message("192.0.2.1:5060", "192.0.2.2:5070", text=text))
    assert packet[0] == 0x45
    assert struct.unpack("!H", packet[2:4]) == (28 + len(text),)
    assert packet[12:20] == bytes([192, 0, 2, 1, 192, 0, 2, 2])
    assert struct.unpack("!HHH", packet[20:26]) == (5060, 5070, 8 + len(text))
    assert packet[28:] == text
    assert total(packet[:20]) == 0xFFFF
    assert total(packet[12:20] + struct.pack("!II", len(packet) - 20, 17) + packet[20:]) == 0xFFFF


def test_a_datagram_over_ipv6_comes_the_other_way_when_received(tmp_path: Path) -> None:
    (packet,) = packets(tmp_path, message("[2001:db8::1]:5060", "[2001:db8::2]:5070", kind="received"))
    assert packet[0] >> 4 == 6
    assert (packet[23], packet[39]) == (2, 1)
    assert struct.unpack("!HH", packet[40:44]) == (5070, 5060)
    assert total(packet[8:40] + struct.pack("!II", len(packet) - 40, 17) + packet[40:]) == 0xFFFF


def test_a_stream_is_cut_and_numbered(tmp_path: Path) -> None:
    first = message("192.0.2.1:5060", "192.0.2.2:40000", "tcp", b"x" * 2000)
    back = message("192.0.2.1:5060", "192.0.2.2:40000", "tcp", b"y" * 10, "received")
    one, two, three = packets(tmp_path, first, back)
    assert [struct.unpack("!II", packet[24:32]) for packet in (one, two, three)] == [
        (1, 1),
        (1401, 1),
        (1, 2001),
    ]
    assert one[40:] + two[40:] == b"x" * 2000
    for packet in (one, two, three):
        assert total(packet[12:20] + struct.pack("!II", len(packet) - 20, 6) + packet[20:]) == 0xFFFF


def test_what_went_over_tls_is_shown_in_clear_at_the_port_of_sip(tmp_path: Path) -> None:
    (packet,) = packets(tmp_path, message("192.0.2.1:5061", "192.0.2.2:40000", "tls"))
    assert packet[9] == 6
    assert struct.unpack("!HH", packet[20:24]) == (5060, 40000)
    assert packet[40:] == b"OPTIONS"
