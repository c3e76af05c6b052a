"""What a phone can tell of what it heard."""

from __future__ import annotations

import math
from array import array

import pytest

from sems.testing import Hearing
from sems.testing.hearing import RATE


def tones(*parts: tuple[float, float], seconds: float = 1.0) -> Hearing:
    """Sines of so many hertz at so many dBov."""
    # A full-scale sine has a power of one half.
    peaks = [(hz, 32768 * math.sqrt(2 * 10 ** (level / 10))) for hz, level in parts]
    return Hearing(
        array(
            "h",
            (
                round(sum(peak * math.sin(2 * math.pi * hz * n / RATE) for hz, peak in peaks))
                for n in range(round(seconds * RATE))
            ),
        )
    )


def test_silence_is_silent() -> None:
    silence = Hearing(array("h", [0] * RATE))
    assert silence.is_silent
    assert silence.level == -127
    assert not silence.has_tone(440)
    assert Hearing(array("h")).is_silent
    assert not Hearing(array("h")).has_tone(440)


def test_a_tone_is_heard_at_its_level() -> None:
    heard = tones((440, -20))
    assert heard.seconds == 1.0
    assert heard.level == pytest.approx(-20, abs=0.2)
    assert heard.tone_level(440) == pytest.approx(-20, abs=0.2)
    assert heard.has_tone(440)
    assert not heard.is_silent


def test_tones_are_told_apart() -> None:
    heard = tones((440, -20), (1000, -23), (1700, -30))
    assert [hz for hz in (300, 420, 440, 460, 600, 1000, 1100, 1700, 2000) if heard.has_tone(hz)] == [
        440,
        1000,
        1700,
    ]


def test_a_tone_is_heard_in_spite_of_pauses() -> None:
    heard = tones((440, -15))
    for at in range(0, RATE, 320):
        heard.pcm[at : at + 160] = array("h", [0] * 160)
    assert heard.has_tone(440)


def test_a_stretch_can_be_cut_in_two() -> None:
    heard = Hearing(tones((440, -20)).pcm + tones((600, -20)).pcm)
    assert heard.before(1).has_tone(440)
    assert not heard.before(1).has_tone(600)
    assert heard.after(1).has_tone(600)
    assert not heard.after(1).has_tone(440)


def test_a_stretch_shorter_than_a_block_is_heard_too() -> None:
    assert tones((440, -20), seconds=0.05).has_tone(440)
