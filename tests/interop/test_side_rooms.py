"""Side rooms and coaching on phones that we did not write, by their keys: who hears whom, and how loud."""

from __future__ import annotations

import asyncio
import contextlib
import time
from array import array
from pathlib import Path

from test_private_talk import serving, typical, until

from peers.baresip import Baresip

#: In Hz, and with nothing in common: what µ-law makes of a tone (ITU-T G.711) lies nowhere near another.
TONES = {"Anna": 443.0, "Ben": 701.0, "Cleo": 1103.0, "Dora": 1499.0}

#: A tone is heard as it was said, at -20 dBov; what is softer than -70 dBov is 50 dB down.
FULL, DOWN = -20.0, -70.0


async def test_side_rooms_and_coaching_are_50_db_away_from_all_others(tmp_path: Path) -> None:
    stretches: dict[str, float] = {}

    async def listen(what: str) -> None:
        # What was under way when it was said is over then; what they hear is recorded in real time.
        await asyncio.sleep(2.2)
        stretches[what] = time.monotonic()

    ended: dict[str, float] = {}
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

        # Anna, who moderates, sends Cleo and Dora to side room 3.
        for place, id in (("3", 3), ("4", 4)):
            await phones["Anna"].key(f"#*{place}*3")
            await until(model, lambda id=id: model.participants[id].side_room == "3")
        await listen("apart")
        # All come back at once, and Anna coaches Ben.
        await phones["Anna"].key("##0")
        await until(model, lambda: all(each.side_room is None for each in model.participants.values()))
        await phones["Anna"].key("#*2#")
        await until(model, lambda: model.participants[1].private)
        await listen("coached")
        for name, phone in phones.items():
            await phone.hang_up()
            ended[name] = time.monotonic()

    def heard(name: str, what: str) -> dict[str, float]:
        recording: array[int] = phones[name].recording()
        end = len(recording) - round(8000 * (ended[name] - stretches[what]))
        stretch = recording[end - 12_000 : end]
        return {other: typical(stretch, hz) for other, hz in TONES.items() if other != name}

    for name, who in (
        ("Anna", {"Ben"}), ("Ben", {"Anna"}), ("Cleo", {"Dora"}), ("Dora", {"Cleo"}),
    ):  # fmt: skip
        hears_only(heard(name, "apart"), who)
    # The coach is heard by whom he coaches, and by nobody else; the others go on as before.
    hears_only(heard("Ben", "coached"), {"Anna", "Cleo", "Dora"})
    hears_only(heard("Cleo", "coached"), {"Ben", "Dora"})
    hears_only(heard("Dora", "coached"), {"Ben", "Cleo"})
    assert abs(heard("Anna", "coached")["Ben"] - FULL) < 2


def hears_only(levels: dict[str, float], who: set[str]) -> None:
    for name, level in levels.items():
        assert abs(level - FULL) < 2 if name in who else level < DOWN, (who, levels)
