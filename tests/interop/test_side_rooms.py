"""Side rooms and coaching on phones that we did not write, by their keys: who hears whom, and how loud."""

from __future__ import annotations

import contextlib
from pathlib import Path

from test_private_talk import FULL, TONES, hears, serving, until

from peers.baresip import Baresip


async def test_side_rooms_and_coaching_are_50_db_away_from_all_others(tmp_path: Path) -> None:
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

        async def hear_only(who: dict[str, set[str]]) -> None:
            """Each of them these, and nobody else."""
            for name, heard in who.items():
                others = TONES.keys() - {name}
                await hears(phones[name], {other: FULL if other in heard else None for other in others})

        # Anna, who moderates, sends Cleo and Dora to side room 3.
        for place, id in (("3", 3), ("4", 4)):
            await phones["Anna"].key(f"#*{place}*3")
            await until(model, lambda id=id: model.participants[id].side_room == "3")
        await hear_only({"Anna": {"Ben"}, "Ben": {"Anna"}, "Cleo": {"Dora"}, "Dora": {"Cleo"}})
        # All come back at once, and Anna coaches Ben.
        await phones["Anna"].key("##0")
        await until(model, lambda: all(each.side_room is None for each in model.participants.values()))
        await phones["Anna"].key("#*2#")
        await until(model, lambda: model.participants[1].private)
        # The coach is heard by whom he coaches, and by nobody else; the others go on as before.
        await hear_only({"Ben": {"Anna", "Cleo", "Dora"}, "Cleo": {"Ben", "Dora"}, "Dora": {"Ben", "Cleo"}})
        await hears(phones["Anna"], {"Ben": FULL})
        for phone in phones.values():
            await phone.hang_up()
