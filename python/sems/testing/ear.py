"""What a phone hears in a call, from the first moment at which there is a way for sound."""

from __future__ import annotations

import asyncio
import contextlib
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..engine import Spectrogram
from .hearing import RATE

if TYPE_CHECKING:
    from ..call import Call

# A tap holds two seconds, with Opus less than one.
_READ_EVERY = 0.5
# What is kept of what was heard before anybody asks to recognise something in it.
_KEPT = 120 * RATE
_SILENCE = array("h", bytes(RATE))


class Ear:
    """Listens to a call until that ends or it is closed."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.cursor = 0
        """The frame of :attr:`shape` from which on nothing has been asked for yet."""
        self._tap = call.tap("in")
        self._over = False
        self._kept = array("h")
        self._forgotten = 0
        self._shape: Spectrogram | None = None
        self._begin = 0.0
        self._following: list[array[int]] = []
        self._task = asyncio.create_task(self._listen())

    @property
    def shape(self) -> Spectrogram:
        """What was heard, so that sounds can be found in it."""
        self.take()
        if self._shape is None:
            self._shape = Spectrogram()
            self._shape.push(self._kept.tobytes())
            self._begin = self._forgotten / RATE
        return self._shape

    @property
    def begin(self) -> float:
        """How many seconds of the call were heard before the first frame of :attr:`shape`."""
        return self._begin

    @property
    def kept(self) -> array[int]:
        """The samples since then."""
        return self._kept

    def take(self) -> None:
        """Takes what has come."""
        came = array("h", self._tap.read())
        for heard in self._following:
            heard.extend(came)
        self._keep(came)
        if self.call.end is not None and not self._over:
            # A sound at whose end the other side hangs up is whole with the silence behind it.
            self._over = True
            self._keep(_SILENCE)

    def _keep(self, came: array[int]) -> None:
        self._kept.extend(came)
        if self._shape is not None:
            self._shape.push(came.tobytes())
        elif len(self._kept) > 2 * _KEPT:
            self._forgotten += len(self._kept) - _KEPT
            del self._kept[:-_KEPT]

    @contextlib.contextmanager
    def following(self) -> Iterator[array[int]]:
        """All that is heard from now on, up to the last :meth:`take`."""
        self.take()
        heard = array("h")
        self._following.append(heard)
        try:
            yield heard
        finally:
            # By its identity: two that have heard the same are equal.
            self._following = [each for each in self._following if each is not heard]

    def close(self) -> None:
        """Listens no more."""
        self._task.cancel()

    async def _listen(self) -> None:
        while self.call.end is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_READ_EVERY):
                    await self.call.wait_ended()
            self.take()
