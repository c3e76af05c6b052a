"""Dialogic ADPCM: four bits a sample, 8000 a second, and no header. Old announcement machines have it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from sems.audio.formats import Decoded

RATE = 8000
PIECE = 4096
# 49 sizes of a step, each a tenth larger than the one before.
STEPS = [int(16 * 1.1**number) for number in range(49)]
# By the three bits without the sign: how many sizes further the next step is.
FURTHER = (-1, -1, -1, -1, 2, 4, 6, 8)


class Vox:
    """Dialogic ADPCM, 8 kHz."""

    suffixes = (".vox",)

    def knows(self, beginning: bytes) -> bool:
        """Nothing in it says what it is, only its name does."""
        return False

    def decode(self, path: Path) -> Decoded:
        """High halves of the bytes come first."""
        return Decoded(RATE, _blocks(path))


def _blocks(path: Path) -> Iterator[bytes]:
    sample, size = 0, 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            block = []
            for code in (half for byte in piece for half in (byte >> 4, byte & 15)):
                step = STEPS[size]
                change = step >> 3
                for bit, part in ((4, step), (2, step >> 1), (1, step >> 2)):
                    change += part if code & bit else 0
                # Twelve bits, which are the upper ones here.
                sample = max(-2048, min(2047, sample - change if code & 8 else sample + change))
                size = max(0, min(len(STEPS) - 1, size + FURTHER[code & 7]))
                block.append(sample << 4)
            yield struct.pack(f"<{len(block)}h", *block)
