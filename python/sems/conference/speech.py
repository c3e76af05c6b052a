"""What a room says to one of its members, in his language."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..audio.sounds import Sound
from ..errors import EngineError, SoundNotFound, WrongState

if TYPE_CHECKING:
    from ..audio.playback import Playback
    from ..call import Call

#: Up to this number the room counts aloud.
COUNTED: Final = 20
#: How long a spoken name can be, in seconds; shorter than the least it was nothing.
LONGEST_NAME: Final = 4.0
SHORTEST_NAME: Final = 0.4


class Speech:
    """The prompts of one call, in the language that it hears."""

    def __init__(self, call: Call, language: str) -> None:
        self._call = call
        self.language = language
        self.name: Path | None = None
        """His name, as he has spoken it."""
        self._told: list[Playback] = []

    def find(self, name: str) -> Sound:
        """The prompt of that name in his language, or in English where there is none. Raises
        SoundNotFound."""
        return self._call.server.sounds.spoken(name, self.language)

    def start(self, *names: str) -> Playback | None:
        """Begins to say it to him alone, over the room. ``None`` if that is not possible, or there is nothing
        to say."""
        if names:
            with contextlib.suppress(SoundNotFound, WrongState):
                return self._call.start_play([self.find(name) for name in names])
        return None

    async def say(self, *names: str) -> None:
        """Says it to the end, as far as that is possible. Raises HungUp."""
        with contextlib.suppress(SoundNotFound, WrongState):
            await self._call.play([self.find(name) for name in names])

    def place(self, number: int) -> list[str]:
        """Names of prompts: that he is the so-manieth."""
        return ["you-are", f"ordinal-{number}"] if 2 <= number <= COUNTED else []

    def count(self, number: int) -> list[str]:
        """Names of prompts: how many are here."""
        if number == 1:
            return ["only-participant"]
        more = ["more-than"] if number > COUNTED else []
        return ["there-are", *more, *self.number(min(number, COUNTED)), "people-here"]

    def number(self, number: int) -> list[str]:
        """Names of prompts: the number, from 1, or its digits where the room does not count so far."""
        if 2 <= number <= COUNTED:
            return [f"number-{number}"]
        return [f"digit-{digit}" for digit in str(number)]

    def tell(self, name: Playback) -> None:
        """That plays his name, for which it must be there until the end."""
        self._told = [*(each for each in self._told if not each.done), name]

    def forget_name(self) -> None:
        """Nothing is left of what he has spoken, as soon as nothing of it plays any more."""
        if self.name is None:
            return
        if playing := next((each for each in self._told if not each.done), None):
            playing.on_end(self.forget_name)
        else:
            self.name.unlink(missing_ok=True)

    async def ask_name(self, path: Path) -> bool:
        """Has him say his name, which is written to the file. False if nothing came. Raises HungUp."""
        await self.say("say-your-name")
        with contextlib.suppress(SoundNotFound, WrongState):
            await self._call.tone("beep")
        self._call.forget_digits()
        try:
            recording = await self._call.record(path)
            began = asyncio.get_running_loop().time()
            await self._call.digit(LONGEST_NAME)
            seconds = asyncio.get_running_loop().time() - began
            await recording.stop()
        except (EngineError, WrongState) as error:
            self._call.log.warning("a spoken name can not be kept", why=str(error))
            return False
        return seconds >= SHORTEST_NAME
