"""Session descriptions as SIPp sends them, and where the sound goes then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from peers import sipp
from peers.sems_server import SemsServer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SemsServer]:
    async with SemsServer(tmp_path_factory.mktemp("sems")) as server:
        yield server


class Listener(asyncio.DatagramProtocol):
    """A port that notes what comes: payload types with lengths of RTP, and packet types of RTCP."""

    def __init__(self) -> None:
        self.rtp: list[tuple[int, int]] = []
        self.numbers: list[tuple[int, int]] = []
        """Their sequence numbers and timestamps."""
        self.rtcp: list[int] = []
        self.said_goodbye = asyncio.Event()

    def steps(self, samples: int) -> int:
        """How many packets came so many samples after the one before; none may come sooner."""
        pairs = list(zip(self.numbers, self.numbers[1:], strict=False))
        assert all(one[0] + 1 & 0xFFFF == next[0] for one, next in pairs), self.numbers
        apart = [next[1] - one[1] & 0xFFFF_FFFF for one, next in pairs[:-1]]
        assert all(step >= samples for step in apart), self.numbers
        return apart.count(samples)

    @classmethod
    async def open(cls) -> tuple[Listener, int]:
        loop = asyncio.get_running_loop()
        transport, listener = await loop.create_datagram_endpoint(cls, local_addr=("127.0.0.1", 0))
        return listener, transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        if 192 <= data[1] <= 223:
            self.rtcp.append(data[1])
            # A report and what follows it come in one datagram.
            if b"\x81\xcb" in data:
                self.said_goodbye.set()
        else:
            self.rtp.append((data[1] & 0x7F, len(data) - 12))
            self.numbers.append((int.from_bytes(data[2:4]), int.from_bytes(data[4:8])))


@pytest.mark.parametrize("scenario", ["savp_only", "host_name", "many_lines"])
async def test_sipp_gets_the_answer_that_its_description_calls_for(
    server: SemsServer, tmp_path: Path, scenario: str
) -> None:
    await sipp.run(scenario, server.sip_port, "echo", tmp_path)


async def test_a_reinvite_moves_the_sound_and_changes_its_packets(server: SemsServer, tmp_path: Path) -> None:
    first, first_port = await Listener.open()
    second, second_port = await Listener.open()
    await sipp.run(
        "change", server.sip_port, "echo", tmp_path, keys={"first": first_port, "second": second_port}
    )
    # 40 ms of PCMU, then 20 ms of PCMA under the number that the peer has given it.
    # What was collected when the change came goes out as it is.
    assert set(first.rtp[:-1]) == {(0, 320)}
    assert first.rtp[-1] in {(0, 320), (0, 160)}
    assert set(second.rtp) == {(110, 160)}
    # Each follows the one before at once, if the machine has left none out.
    assert first.steps(320) >= 3
    assert second.steps(160) >= 6
    # The goodbye comes by the port of RTP once that was agreed on.
    await asyncio.wait_for(second.said_goodbye.wait(), 10)
    assert first.rtcp == []
