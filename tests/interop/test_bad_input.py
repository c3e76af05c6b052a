"""Whatever comes from the network, the server goes on and no other call notices."""

from __future__ import annotations

import asyncio
import random
import socket
from array import array
from itertools import groupby
from pathlib import Path

from peers.baresip import Baresip
from peers.sems_server import SemsServer
from peers.tones import level, tone_level

INVITE = (
    b"INVITE sip:echo@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKx\r\n"
    b"From: <sip:a@b>;tag=1\r\nTo: <sip:echo@127.0.0.1>\r\nCall-ID: bad\r\nCSeq: 1 INVITE\r\n"
    b"Contact: <sip:a@127.0.0.1:9>\r\n"
    b"Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: 20\r\n\r\nv=0\r\no=- 1 1 IN IP4 x"
)


def mangled(chance: random.Random) -> bytes:
    """Garbage, a piece of an INVITE, or one with absurd numbers."""
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 1400))
    if kind == 1:
        return INVITE[: chance.randrange(len(INVITE))]
    if kind == 2:
        return INVITE.replace(b": 20", b": 99999999999999999999").replace(b"CSeq: 1", b"CSeq: -7" * 50)
    broken = bytearray(INVITE)
    for _ in range(20):
        broken[chance.randrange(len(broken))] = chance.randrange(256)
    return bytes(broken)


def is_whole(piece: array[int]) -> bool:
    """What Anna has said is in it, as loud as she has said it."""
    return abs(level(piece) + 20) < 3 and abs(tone_level(piece, 500) + 20) < 3


async def test_a_call_hears_nothing_of_garbage_at_every_port(tmp_path: Path) -> None:
    chance = random.Random(4475)
    async with SemsServer(tmp_path) as server, Baresip(tmp_path, "Anna", 500) as anna:
        await anna.dial(server.uri("echo"))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as attacker:
            attacker.bind(("127.0.0.2", 0))
            for _ in range(40):
                for _ in range(25):
                    attacker.sendto(mangled(chance), ("127.0.0.1", server.sip_port))
                for port in range(*server.rtp_ports):
                    attacker.sendto(b"\x80\x00" + chance.randbytes(170), ("127.0.0.1", port))
                await asyncio.sleep(0.05)  # spread over the call, not one burst
        await anna.hang_up()
        # Garbage comes all the time, and what else the machine does makes a gap now and then.
        pieces = (heard[at : at + 160] for heard in [anna.recording()] for at in range(0, len(heard), 160))
        whole = max(sum(len(piece) for piece in run) for ok, run in groupby(pieces, is_whole) if ok)
        assert whole >= 8000, "there is no gap in what Anna hears for a second"
        counters = (await server.operator("/stats"))["counters"]
        assert counters["sip_malformed"] > 100
        # A latched leg's socket is connected, so the kernel itself keeps foreign packets out.

        await anna.dial(server.uri("echo"))
        await anna.hang_up()


async def test_pages_and_rooms_that_are_none_get_a_clear_no(tmp_path: Path) -> None:
    async with SemsServer(tmp_path) as server:
        assert (await server.get("/c/AAAAAAAAAAAAAAAAAAAAAA"))[0] == 404
        for path, token, wanted in (
            ("/api/v1/conferences", None, 401),
            ("/api/v1/conferences", "not-the-token", 401),
            ("/api/v1/conferences/nowhere", server.operator_token, 404),
            ("/api/v1/nothing", server.operator_token, 404),
        ):
            status, body = await server.get(path, token=token)
            assert status == wanted, (path, body)
            assert '"status"' in body
