"""A call as a packet capture, for Wireshark, sngrep and the like (the libpcap format, nanoseconds)."""

from __future__ import annotations

import struct
from collections import defaultdict
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

from ..sip.headers import split_host_port
from .record import Entry, Trace

_MAGIC = 0xA1B23C4D  # with nanoseconds
_RAW_IP = 101  # LINKTYPE_RAW: a packet begins with its IP header
_UDP, _TCP = 17, 6
_PUSH_AND_ACK = 0x18
_SEGMENT = 1400


def write_pcap(trace: Trace, path: Path) -> None:
    """Writes the messages. IP, UDP and TCP headers are made up; what went over TLS is shown as TCP, in clear,
    to another port, since Wireshark takes what goes to 5061 for encrypted."""
    path.write_bytes(b"".join(_packets(trace)))


def _packets(trace: Trace) -> Iterator[bytes]:
    yield struct.pack("<IHHiIII", _MAGIC, 2, 4, 0, 0, 0x40000, _RAW_IP)
    sequences: dict[tuple[str, str], int] = defaultdict(lambda: 1)
    for entry in trace.messages:
        source, target = (entry.local, entry.remote) if entry.kind == "sent" else (entry.remote, entry.local)
        for packet in _carried(entry, source, target, sequences):
            seconds, nanoseconds = divmod(entry.at_ns, 1_000_000_000)
            yield struct.pack("<IIII", seconds, nanoseconds, len(packet), len(packet)) + packet


def _carried(
    entry: Entry, source: str, target: str, sequences: dict[tuple[str, str], int]
) -> Iterator[bytes]:
    (from_ip, from_port), (to_ip, to_port) = _address(source), _address(target)
    if entry.transport in ("", "udp"):
        length = 8 + len(entry.message)
        datagram = struct.pack("!HHHH", from_port, to_port, length & 0xFFFF, 0) + entry.message
        yield _ip(from_ip, to_ip, _UDP, datagram, 6)
        return
    if entry.transport == "tls":
        from_port, to_port = (5060 if port == 5061 else port for port in (from_port, to_port))
    for start in range(0, len(entry.message), _SEGMENT):
        part = entry.message[start : start + _SEGMENT]
        ours, theirs = sequences[source, target], sequences[target, source]
        sequences[source, target] = (ours + len(part)) & 0xFFFFFFFF
        header = struct.pack(
            "!HHIIBBHHH", from_port, to_port, ours, theirs, 5 << 4, _PUSH_AND_ACK, 65535, 0, 0
        )
        yield _ip(from_ip, to_ip, _TCP, header + part, 16)


def _address(address: str) -> tuple[bytes, int]:
    host, port = split_host_port(address)
    return ip_address(host.strip("[]")).packed, port or 5060


def _ip(source: bytes, target: bytes, protocol: int, segment: bytes, checksum_at: int) -> bytes:
    if len(source) != len(target):
        # One of the two is written as IPv6 that is mapped from IPv4.
        source, target = (b"\0" * 10 + b"\xff\xff" + ip if len(ip) == 4 else ip for ip in (source, target))
    pseudo = source + target + struct.pack("!II", len(segment), protocol)
    check = _checksum(pseudo + segment) or 0xFFFF
    segment = segment[:checksum_at] + struct.pack("!H", check) + segment[checksum_at + 2 :]
    if len(source) == 16:
        return struct.pack("!IHBB", 6 << 28, len(segment) & 0xFFFF, protocol, 64) + source + target + segment
    header = struct.pack("!BBHHHBBH", 0x45, 0, (20 + len(segment)) & 0xFFFF, 0, 0x4000, 64, protocol, 0)
    check = _checksum(header + source + target)
    return header[:10] + struct.pack("!H", check) + source + target + segment


def _checksum(data: bytes) -> int:
    """The Internet's (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
