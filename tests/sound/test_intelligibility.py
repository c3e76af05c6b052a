"""What is heard is understood: STOI, by a package that knows nothing of us, of what tests/sound carries."""

from __future__ import annotations

import json
import subprocess
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pystoi import stoi

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "target" / "sound"

# The least that each weather may leave of the 1.0 of what was said; Opus and G.722 hide no loss of the wave
# as those do that code it sample by sample. 0.75 is understood without effort.
LEAST = {"clean": 0.98, "lossy": 0.93, "bad": 0.91}
LEAST_OF_SAMPLES = {"clean": 0.99, "lossy": 0.97, "bad": 0.96}


def _carried() -> list[dict[str, Any]]:
    # Not by --package: with the features of that package alone all of the engine would be built once more.
    command = ["cargo", "run", "--quiet", "--locked", "--bin", "sems-sound", "--", str(FOLDER)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=900)
    return [json.loads(line) for line in (FOLDER / "figures.jsonl").read_text().splitlines()]


def _samples(name: str) -> tuple[int, np.ndarray]:
    with wave.open(str(FOLDER / f"{name}.wav")) as file:
        frames = file.readframes(file.getnframes())
        return file.getframerate(), np.frombuffer(frames, dtype="<i2").astype(float)


@pytest.fixture(scope="module")
def carried() -> list[dict[str, Any]]:
    return _carried()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("weather", LEAST)
def test_each_codec_is_understood_under_each_weather(carried: list[dict[str, Any]], weather: str) -> None:
    lines = [line for line in carried if line["weather"] == weather]
    assert lines
    for line in lines:
        rate, said = _samples(f"{line['name']}-said")
        _, heard = _samples(f"{line['name']}-heard")
        understood = stoi(said, heard, rate)
        print(f"{line['name']}: STOI {understood:.3f}, {line}")
        least = LEAST if line["codec"] in ("opus", "G722") else LEAST_OF_SAMPLES
        assert understood >= least[weather], f"{line['name']}: {understood:.3f}"


@pytest.mark.timeout(900)
def test_the_measure_tells_noise_from_speech(carried: list[dict[str, Any]]) -> None:
    narrow = next(line for line in carried if line["codec"] == "PCMU")
    rate, said = _samples(f"{narrow['name']}-said")
    noise = np.random.default_rng(1).normal(0, np.sqrt(np.mean(said**2)) * 3, len(said))
    assert stoi(said, said + noise, rate) < 0.6
