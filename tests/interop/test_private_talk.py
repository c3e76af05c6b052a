"""A private talk on phones that we did not write: asked for, accepted and ended by their keys."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
from array import array
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from peers.baresip import Baresip
from peers.ports import free_port
from peers.tones import tail, tone_level
from sems import Config, Server
from sems.conference import ConferenceModel
from sems.conference.mixing import BREATH

TONES = {"Anna": 440.0, "Ben": 700.0, "Cleo": 1100.0, "Dora": 1500.0}
ROOM = {"level_control": False, "noise_gate": False, "join_sound": False}


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    """A server with conferences, for twenty seconds at most."""
    low = free_port(span=40)
    given = {
        "host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": folder / "data",
        "rooms": {"default": ROOM},
    }  # fmt: skip
    async with asyncio.timeout(20), Server(Config.model_validate(given), web=False) as server:
        yield server


async def until(model: ConferenceModel, so: Callable[[], bool]) -> None:
    """Waits for an event of the conference after which that is so."""
    happened = asyncio.Event()
    unsubscribe = model.subscribe(lambda _: happened.set())
    async with asyncio.timeout(5):
        while not so():
            await happened.wait()
            happened.clear()
    unsubscribe()


def typical(samples: array[int], hz: float) -> float:
    """The level of a tone in most quarters of a second: a packet that a busy machine makes late splashes over
    all frequencies, but once."""
    quarters = [samples[at : at + 2000] for at in range(0, len(samples) - 1999, 2000)]
    return statistics.median(tone_level(each, hz) for each in quarters)


async def test_a_third_phone_has_a_private_talk_50_db_down(tmp_path: Path) -> None:
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving(tmp_path))
        phones = {
            name: await stack.enter_async_context(Baresip(tmp_path, name, hz)) for name, hz in TONES.items()
        }
        for phone in phones.values():
            await phone.dial(f"sip:standup@127.0.0.1:{server.sip_port}")
        conference = server.conferences.find("standup")
        assert conference is not None
        model = conference.model

        await phones["Anna"].key("**2#")
        await until(model, lambda: model.talk_of(2) is not None)
        await phones["Ben"].key("*1")
        await until(model, lambda: model.participants[1].private and model.participants[2].private)
        await asyncio.sleep(2.2)  # what they hear is recorded in real time
        for name in ("Cleo", "Ben"):
            await phones[name].hang_up()
        await until(model, lambda: not model.participants[1].private)
        await asyncio.sleep(BREATH + 1.4)
        await phones["Dora"].hang_up()
        await phones["Anna"].hang_up()

    def heard(name: str, seconds: float) -> dict[str, float]:
        stretch = tail(phones[name].recording(), seconds)
        return {other: typical(stretch, hz) for other, hz in TONES.items() if other != name}

    cleo, ben, anna, dora = heard("Cleo", 1.5), heard("Ben", 1.5), heard("Anna", 1.0), heard("Dora", 1.0)
    assert abs(cleo["Dora"] + 20) < 2, cleo
    assert max(cleo["Anna"], cleo["Ben"]) < -70, f"the third hears of it {cleo}"
    assert abs(ben["Anna"] + 20) < 2, f"full level: {ben}"
    assert abs(ben["Dora"] + 40) < 2, f"the room underneath: {ben}"
    assert abs(dora["Anna"] + 20) < 2, f"who is left is heard again: {dora}"
    assert abs(anna["Dora"] + 20) < 2, anna
