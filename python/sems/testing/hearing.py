"""What a phone heard."""

from __future__ import annotations

import math
from array import array

from .. import checks

RATE = 8000
"""Samples a second."""

_BLOCK = RATE // 10
_FULL_SCALE = 32768.0
_SILENT_BELOW = -60.0
# A tone counts as heard when it is no quieter than this and no smaller a part of what is heard.
_TONE_ABOVE = -50.0
_TONE_SHARE = 0.02


class Hearing:
    """A stretch of sound, 16-bit mono at 8 kHz.

    >>> from array import array
    >>> hearing = Hearing(array("h", bytes(16_000)))
    >>> hearing.seconds, hearing.is_silent, hearing.has_tone(440), hearing.after(0.25).seconds
    (1.0, True, False, 0.75)
    """

    def __init__(self, pcm: array[int]) -> None:
        if not isinstance(pcm, array) or pcm.typecode != "h":
            raise checks.wrong("pcm", 'an array("h")', pcm, TypeError)
        self.pcm = pcm
        """The samples, as an ``array("h")``."""

    def __len__(self) -> int:
        return len(self.pcm)

    def __repr__(self) -> str:
        return f"<Hearing {self.seconds:.2f} s at {self.level:.0f} dBov>"

    @property
    def seconds(self) -> float:
        """How long it is."""
        return len(self.pcm) / RATE

    @property
    def level(self) -> float:
        """How loud it is on the whole, in dBov: 0 is the loudest square wave, −127 is silence."""
        return _decibels(_power(self.pcm))

    @property
    def is_silent(self) -> bool:
        """Nothing can be heard in it."""
        return self.level < _SILENT_BELOW

    def tone_level(self, hz: float) -> float:
        """How loud the tone of ``hz`` hertz is in it, in dBov. Pauses and lost packets make it quieter."""
        checks.number("hz", hz, 1, RATE / 2, "hertz")
        # In short blocks, for a lost packet breaks the phase.
        blocks = [self.pcm[at : at + _BLOCK] for at in range(0, len(self.pcm) - _BLOCK + 1, _BLOCK)]
        if not blocks and self.pcm:
            blocks = [self.pcm]
        return _decibels(sum(_goertzel(block, hz) for block in blocks) / len(blocks)) if blocks else -127.0

    def has_tone(self, hz: float) -> bool:
        """A tone of ``hz`` hertz can be heard in it, alone or among others. Tones that are to be told
        apart must lie 20 Hz apart."""
        level = self.tone_level(hz)
        return level > _TONE_ABOVE and level > self.level + 10 * math.log10(_TONE_SHARE)

    def after(self, seconds: float) -> Hearing:
        """What was heard from then on."""
        checks.seconds("seconds", seconds)
        return Hearing(self.pcm[round(seconds * RATE) :])

    def before(self, seconds: float) -> Hearing:
        """What was heard until then."""
        checks.seconds("seconds", seconds)
        return Hearing(self.pcm[: round(seconds * RATE)])


def _power(pcm: array[int]) -> float:
    """Mean square, 1.0 for the loudest square wave."""
    return sum(sample * sample for sample in pcm) / len(pcm) / _FULL_SCALE**2 if pcm else 0.0


def _decibels(power: float) -> float:
    return max(-127.0, 10 * math.log10(power)) if power > 0 else -127.0


def _goertzel(pcm: array[int], hz: float) -> float:
    """The power of one frequency, as :func:`_power` would tell it of that tone alone."""
    turn = 2 * math.cos(2 * math.pi * hz / RATE)
    before = last = 0.0
    for sample in pcm:
        before, last = last, sample + turn * last - before
    energy = last * last + before * before - turn * last * before
    return 2 * energy / len(pcm) ** 2 / _FULL_SCALE**2
