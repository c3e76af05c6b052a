"""Ears for recordings: who is heard in them, and how loud."""

from __future__ import annotations

import math
import statistics
import wave
from array import array
from pathlib import Path


def read_wav(path: Path, rate: int = 8000) -> array[int]:
    """Samples of a 16-bit WAV file at that rate; of several channels, the first."""
    with wave.open(str(path), "rb") as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, rate), path
        return array("h", file.readframes(file.getnframes()))[:: file.getnchannels()]


def read_wav_at_8000(path: Path) -> array[int]:
    """The same of a file at a multiple of that rate, for phones that record at the rate of their codec. Means
    of neighbours: right for tones of some hundred Hz."""
    with wave.open(str(path), "rb") as file:
        rate = file.getframerate()
    assert rate % 8000 == 0, f"{path} has {rate} Hz"
    samples, step = read_wav(path, rate), rate // 8000
    whole = len(samples) - len(samples) % step
    return array("h", (sum(samples[at : at + step]) // step for at in range(0, whole, step)))


def write_tone(
    path: Path, hz: float | tuple[float, ...], seconds: float, dbov: float = -20.0, rate: int = 8000
) -> Path:
    """A steady sine, or several at once, as a mono 16-bit WAV file; `dbov` is the RMS level of each. They
    are in whole Hz, so that one second is like the other."""
    peak = 32767 * math.sqrt(2) * 10 ** (dbov / 20)
    tones = hz if isinstance(hz, tuple) else (hz,)
    turns = [2 * math.pi * tone / rate for tone in tones]
    second = array("h", (round(sum(peak * math.sin(turn * n) for turn in turns)) for n in range(rate)))
    samples = (second * math.ceil(seconds))[: int(seconds * rate)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return path


def level(samples: array[int]) -> float:
    """RMS level in dBov; −127 for digital silence or nothing."""
    if not samples:
        return -127.0
    power = sum(s * s for s in samples) / len(samples)
    return max(-127.0, 10 * math.log10(power / 32767**2)) if power else -127.0


def tone_level(samples: array[int], hz: float, rate: int = 8000) -> float:
    """Level in dBov of what sounds at `hz` (Goertzel under a Hann window, so that other tones don't leak
    in); −127 for nothing."""
    if not samples:
        return -127.0
    coefficient = 2 * math.cos(2 * math.pi * hz / rate)
    previous = before = 0.0
    for n, sample in enumerate(samples):
        weight = 1 - math.cos(2 * math.pi * (n + 0.5) / len(samples))
        previous, before = weight * sample + coefficient * previous - before, previous
    power = previous * previous + before * before - coefficient * previous * before
    amplitude = 2 * math.sqrt(max(power, 0.0)) / len(samples)
    rms = amplitude / math.sqrt(2) / 32767
    return max(-127.0, 20 * math.log10(rms)) if rms > 0 else -127.0


def typical(samples: array[int], hz: float, rate: int = 8000) -> float:
    """The same in most tenths of a second, or of less than one in all of it. A packet that a busy machine
    makes late splashes over all frequencies, but once; and it turns the phase of a tone, so that of a longer
    stretch one half can take away the other."""
    tenth = min(rate // 10, len(samples)) or 1
    starts = range(0, len(samples) - tenth + 1, tenth)
    return statistics.median([tone_level(samples[at : at + tenth], hz, rate) for at in starts] or [-127.0])


def hears(samples: array[int], hz: float, rate: int = 8000) -> bool:
    """The tone stands out: louder than −35 dBov in most tenths of a second."""
    return typical(samples, hz, rate) > -35.0


def tail(samples: array[int], seconds: float, rate: int = 8000) -> array[int]:
    """The last seconds of a recording."""
    return samples[-int(seconds * rate) :]
