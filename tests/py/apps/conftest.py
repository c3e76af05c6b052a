"""What the tests of apps share."""

from __future__ import annotations

import math
import wave
from array import array
from collections.abc import Callable
from pathlib import Path

import pytest

MakeTone = Callable[..., Path]


@pytest.fixture
def make_tone() -> MakeTone:
    """Writes a WAV file of a tone: ``make_tone(folder / "hello.wav", hz, seconds)``."""

    def make_tone(path: Path, hz: int, seconds: float = 1.0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            samples = (
                round(8000 * math.sin(2 * math.pi * hz * n / 8000)) for n in range(round(8000 * seconds))
            )
            file.writeframes(array("h", samples).tobytes())
        return path

    return make_tone
