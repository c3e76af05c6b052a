"""A private talk on phones that we did not write: asked for, accepted and ended by their keys."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from peers.baresip import Baresip
from peers.ports import free_port
from sems import Config, Server
from sems.conference import ConferenceModel

#: In Hz, and with nothing in common: what µ-law makes of a tone (ITU-T G.711) lies nowhere near another.
TONES = {"Anna": 443.0, "Ben": 701.0, "Cleo": 1103.0, "Dora": 1499.0}
#: A tone is heard as it was said, in dBov.
FULL = -20.0
ROOM = {"level_control": False, "noise_gate": False, "join_sound": False}


@contextlib.asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Server]:
    """A server with conferences, for a minute at most."""
    low = free_port(span=40)
    given = {
        "host": "127.0.0.1", "sip_port": 0, "rtp_ports": f"{low}-{low + 39}", "data": folder / "data",
        "rooms": {"default": ROOM},
    }  # fmt: skip
    async with asyncio.timeout(60), Server(Config.model_validate(given), web=False) as server:
        yield server


async def until(model: ConferenceModel, so: Callable[[], bool]) -> None:
    """Waits for an event of the conference after which that is so."""
    happened = asyncio.Event()
    unsubscribe = model.subscribe(lambda _: happened.set())
    async with asyncio.timeout(20):
        while not so():
            await happened.wait()
            happened.clear()
    unsubscribe()


async def hears(phone: Baresip, mix: dict[str, float | None]) -> None:
    """Waits until it hears them as loud as this, in dBov; None: not at all."""
    await phone.hears_mix({TONES[name]: level for name, level in mix.items()}, within=2)


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
        await hears(phones["Cleo"], {"Dora": FULL, "Anna": None, "Ben": None})
        # Each other at full level, and the room underneath.
        await hears(phones["Ben"], {"Anna": FULL, "Dora": -40.0})
        for name in ("Cleo", "Ben"):
            await phones[name].hang_up()
        # Who is left is heard again.
        await hears(phones["Dora"], {"Anna": FULL})
        await hears(phones["Anna"], {"Dora": FULL})
        for name in ("Dora", "Anna"):
            await phones[name].hang_up()
