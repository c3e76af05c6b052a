"""An app for real phones: they meet in a room, which is recorded in three ways."""

from __future__ import annotations

import os
from pathlib import Path

from sems import App, Call, Recording, Room

app = App()
folder = Path(os.environ["RECORDINGS"])
rooms: list[Room] = []
recordings: list[Recording] = []


@app.call
async def main(call: Call) -> None:
    await call.answer()
    if not rooms:
        rooms.append(await call.server.open_room())
        recordings.append(await rooms[0].record(folder / "room", members="both"))
    await call.join(rooms[0])
    recording = await call.record(folder / f"{call.caller_name}.wav", "both")
    recording.on_end(lambda: call.log.info("the call goes on", recording=recording.error))
    await call.wait_ended()
