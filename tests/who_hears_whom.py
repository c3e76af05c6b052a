"""Who hears whom: by what the API says to each, and by what arrives at each telephone.

Everybody speaks a tone of his own, all at once, and the spectrum of what one hears says whom, and how loud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import log10
from typing import Any, Final

import numpy as np

RATE: Final = 8000
SPOKEN: Final = -42
"""The level of each tone, in dBov: a hundred of them together are no louder than a voice."""
SOFTLY: Final = -20.0
"""How loud the room is, in dB, for those who talk in private."""
FAINT: Final = -73.0
"""dBov; what is softer is not heard, but what G.711 makes of many tones at once."""
CLEAR: Final = 12.0
"""In dB: so much a tone stands out from what is beside it."""
NEAR: Final = 3.0
"""In dB: so much it may be louder or softer than it is to be."""

_BLOCK: Final = RATE // 4
# In hertz: there no other tone is, and this one not any more.
_ASIDE: Final = (-15, -12, 12, 15)
_WINDOW: Final = np.hanning(_BLOCK + 1)[:-1]
_FULL_SCALE: Final = 32768.0

View = Mapping[str, Any]
"""A conference as the API shows it to one of its participants."""


def tone_of(number: int) -> int:
    """What the one of this number (0 to 99) speaks, in hertz."""
    # No even steps: what a codec makes of two of them would be a third.
    return 311 + 29 * number + 7 * number * number % 11 - 5


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a tone is, in dBov, and what is beside it, such as the clicks of lost packets."""

    tone: float
    noise: float

    @property
    def is_clear(self) -> bool:
        """It is a tone that stands out, and not only noise."""
        return self.tone > max(FAINT, self.noise + CLEAR)


def levels(pcm: bytes, tones: Sequence[int]) -> list[Level]:
    """How loud each tone is in 16-bit samples; what disturbs for a moment changes nothing."""
    beside = [hz + aside for hz in tones for aside in _ASIDE]
    found = _powers(pcm, (*tones, *beside))
    noise = found[len(tones) :].reshape(len(tones), -1).mean(axis=1)
    both = zip(found[: len(tones)], noise, strict=True)
    return [Level(*(10 * log10(each + 1e-13) for each in pair)) for pair in both]


def _powers(pcm: bytes, tones: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.float64]]:
    heard = np.frombuffer(pcm, dtype="<i2").astype(float) / _FULL_SCALE
    blocks = heard[: len(heard) // _BLOCK * _BLOCK].reshape(-1, _BLOCK) * _WINDOW
    # Not by a product of matrices, whose threads would wait for each other on a busy machine.
    found = np.einsum("bt,ft->bf", blocks, _waves(tones), optimize=False)
    powers: np.ndarray[Any, np.dtype[np.float64]] = np.median(
        (2 * np.abs(found) / _WINDOW.sum()) ** 2 / 2, axis=0
    )
    return powers


@cache
def _waves(tones: tuple[int, ...]) -> np.ndarray[Any, np.dtype[np.complex128]]:
    return np.exp(-2j * np.pi * np.outer(tones, np.arange(_BLOCK) / RATE))


def gain(listener: View, speaker: View) -> float | None:
    """How much louder, in dB, the one is to hear the other than he speaks; None: not at all."""
    me, him = _own(listener), _own(speaker)
    if me["id"] == him["id"] or me["side_room"] != him["side_room"] or him["muted"]:
        return None
    louder = float(him["gain"]) + float(listener["volumes"].get(str(him["id"]), 0.0))
    if him["private"]:
        return louder if me["id"] in speaker["talk"]["members"] else None
    in_main_room = him["side_room"] is None
    if in_main_room and listener["settings"]["mode"] != "open" and him["id"] not in listener["floor"]:
        return None
    talk = listener["talk"]
    if talk and talk["state"] == "talking" and me["id"] in talk["members"]:
        if talk["room"] == "off":
            return None
        return louder + (SOFTLY if talk["room"] == "soft" else 0.0)
    return louder


def differences(
    views: Mapping[int, View], heard: Mapping[int, Sequence[Level]], numbers: Mapping[int, int]
) -> list[str]:
    """Where what was heard is not as the API says, one sentence each. ``views``: of all who are there, by id;
    ``heard``: by listener, as :func:`levels` has it; ``numbers``: of the tones, by id."""
    found = []
    for listener, view in views.items():
        for speaker, other in views.items():
            if speaker == listener:
                continue
            level, louder = heard[listener][numbers[speaker]], gain(view, other)
            if louder is None:
                if level.is_clear:
                    found.append(f"{listener} hears {speaker}, whom he must not hear, at {level.tone:.0f} dB")
                continue
            wanted = SPOKEN + louder
            if wanted > level.noise + CLEAR and abs(level.tone - wanted) > NEAR:
                found.append(f"{listener} hears {speaker} at {level.tone:.0f} dB, not at {wanted:.0f}")
    return found


def _own(view: View) -> Mapping[str, Any]:
    row: Mapping[str, Any] = next(each for each in view["participants"] if each["id"] == view["me"])
    return row
