"""Where the names lie that those at the door have spoken, for as long as they are here."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..call import Call
    from .speech import Speech


class SpokenNames:
    """The folder of names. What a process has left there that was killed goes at the next start: nobody's
    voice is kept longer than his call."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # The folder of the data is this server's alone.
        for left in folder.glob("*.wav"):
            with contextlib.suppress(OSError):
                left.unlink()

    async def ask(self, call: Call, speech: Speech) -> Path | None:
        """Has a caller say his name; None: he has said nothing. Raises HungUp."""
        path = self._folder / f"{call.id}-{secrets.token_hex(4)}.wav"
        await asyncio.to_thread(path.parent.mkdir, parents=True, exist_ok=True)
        kept = False
        try:
            kept = await speech.ask_name(path)
        finally:
            if not kept:
                await asyncio.to_thread(path.unlink, missing_ok=True)
        return path if kept else None
