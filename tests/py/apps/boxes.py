"""Prompts that can be told apart by ear: each is a tone of its own."""

from __future__ import annotations

import wave
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from sems.testing.hearing import RATE, Hearing

SHIPPED = Path(__file__).parents[3] / "apps" / "prompts" / "en.txt"
LOWEST, STEP = 525, 50
_BLOCK = RATE // 10


def names() -> list[str]:
    """The prompts of voice mail."""
    lines = SHIPPED.read_text().partition("# Leaving messages.")[2].splitlines()
    found = [line.partition(" = ")[0] for line in lines if " = " in line]
    return [*found, "goodbye", "wrong-pin", "please-hold"]


def tone(path: Path, hz: float, seconds: float = 0.6) -> None:
    """A file of a tone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    turns = np.arange(int(seconds * RATE)) * hz / RATE
    pcm = (9000 * np.sin(2 * np.pi * turns)).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(pcm.tobytes())


class Prompts:
    """Takes the place of the prompts of a server, in one language."""

    def __init__(self, data: Path, language: str = "", said: Iterable[str] | None = None) -> None:
        """``said``: their names; None: those of voice mail."""
        said = names() if said is None else said
        self.pitch = {name: LOWEST + STEP * number for number, name in enumerate(said)}
        for name, hz in self.pitch.items():
            tone(data / "prompts" / language / f"{name}.wav", hz)

    def said(self, heard: Hearing) -> list[str]:
        """Which prompts are heard, one after the other. What is no prompt, such as the beep or a message, is
        left out."""
        pcm = np.array(heard.pcm, dtype=np.float64)
        found: list[str] = []
        last = ""
        for at in range(0, len(pcm) - _BLOCK + 1, _BLOCK):
            power = np.abs(np.fft.rfft(pcm[at : at + _BLOCK] * np.hanning(_BLOCK))) ** 2
            # Bins are 10 Hz apart.
            loudest = int(np.argmax(power))
            clear = power[max(0, loudest - 2) : loudest + 3].sum() > 0.9 * power.sum() > 1e6
            name = next((name for name, hz in self.pitch.items() if abs(hz - 10 * loudest) < 15), "")
            name = name if clear else ""
            if name and name != last:
                found.append(name)
            last = name
        return found
