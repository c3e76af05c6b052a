"""The app ``announcement``, and every WAV file that it may be given."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest

from sems import CallFailed
from sems.testing import Hearing, Lab, Phone

Samples = np.ndarray
PCM, FLOAT, ALAW, ULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE

RATES = [
    1000, 4000, 8000, 11_025, 12_345, 16_000, 44_100, 48_000, 96_000, 192_000, 352_800, 384_000, 768_000
]  # fmt: skip
LEVEL = -20.0
"""Of the tones, in dBov."""


def tone(hz: float, rate: int, seconds: float = 0.5) -> Samples:
    # A sine of full scale is 3 dB below the loudest square wave.
    amplitude = 10 ** ((LEVEL + 3.01) / 20)
    return amplitude * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate)) / rate)


def ulaw(samples: Samples) -> bytes:
    """ITU-T G.711 by its segments."""
    value = np.rint(samples * 8158).astype(int)
    size = np.minimum(np.abs(value), 8158) + 33
    exponent = np.floor(np.log2(size)).astype(int) - 5
    code = exponent << 4 | (size >> (exponent + 1)) & 15
    return bytes((~(code | np.where(value < 0, 0x80, 0)) & 0xFF).astype("u1"))


def alaw(samples: Samples) -> bytes:
    """ITU-T G.711 by its segments."""
    value = np.rint(samples * 4095).astype(int)
    size = np.minimum(np.abs(value), 4095)
    exponent = np.maximum(np.floor(np.log2(np.maximum(size, 1))).astype(int) - 4, 0)
    code = exponent << 4 | (size >> np.maximum(exponent, 1)) & 15
    return bytes((code ^ np.where(value < 0, 0x55, 0xD5)).astype("u1"))


def wide(samples: Samples) -> bytes:
    """24 bits: the upper three bytes of 32."""
    four = np.rint(samples * (1 << 31)).astype("<i4")
    return four.view("u1").reshape(-1, 4)[:, 1:].tobytes()


WIDTHS: dict[str, tuple[int, int, Callable[[Samples], bytes]]] = {
    "8": (PCM, 8, lambda s: np.rint(s * 127 + 128).astype("u1").tobytes()),
    "16": (PCM, 16, lambda s: np.rint(s * 32_767).astype("<i2").tobytes()),
    "24": (PCM, 24, wide),
    "32": (PCM, 32, lambda s: np.rint(s * ((1 << 31) - 1)).astype("<i4").tobytes()),
    "float32": (FLOAT, 32, lambda s: s.astype("<f4").tobytes()),
    "float64": (FLOAT, 64, lambda s: s.astype("<f8").tobytes()),
    "alaw": (ALAW, 8, alaw),
    "ulaw": (ULAW, 8, ulaw),
}


def wav(rate: int, width: str, samples: Samples, *, channels: int = 1, extensible: bool = False) -> bytes:
    """A file of these samples in every channel."""
    tag, bits, coded = WIDTHS[width]
    data = coded(np.repeat(samples, channels))
    block = bits // 8 * channels
    about = struct.pack(
        "<HHIIHH", EXTENSIBLE if extensible else tag, channels, rate, rate * block & 0xFFFFFFFF, block, bits
    )
    if extensible:
        about += struct.pack("<HHIH", 22, bits, 0, tag) + bytes.fromhex("000000001000800000aa00389b71")
    chunks = (
        b"WAVEfmt " + struct.pack("<I", len(about)) + about + b"data" + struct.pack("<I", len(data)) + data
    )
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks


def announce(lab: Lab, name: str, content: bytes) -> None:
    path = lab.folder / "sems" / "announcements" / f"{name}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


async def heard(alice: Phone, name: str) -> Hearing:
    """What a phone hears of an announcement from its first sound to its last."""
    await alice.call(f"sip:annc@sems;play={name}")
    whole = await alice.hear_all(5)
    loud = [at for at, sample in enumerate(whole.pcm) if abs(sample) > 200]
    return Hearing(whole.pcm[loud[0] : loud[-1] + 1] if loud else whole.pcm)


@pytest.mark.parametrize("rate", RATES)
async def test_a_tone_is_heard_as_it_is_from_every_rate_in_every_width(lab: Lab, rate: int) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    for width in WIDTHS:
        announce(lab, width, wav(rate, width, tone(300, rate)))
        sound = await heard(alice, width)
        assert sound.seconds == pytest.approx(0.5, abs=0.05), width
        middle = sound.after(0.05).before(0.4)
        assert middle.tone_level(300) == pytest.approx(LEVEL, abs=0.3), width
        # All that is heard is that tone.
        assert middle.level == pytest.approx(LEVEL, abs=0.3), width


@pytest.mark.parametrize("rate", [rate for rate in RATES if rate > 16_000])
async def test_what_a_telephone_can_not_hear_is_not_folded_into_what_it_hears(lab: Lab, rate: int) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    # All of these would be heard at 300 Hz, taken as they are.
    for hz in (7700, 8300, 15_700, 16_300, 40_300, 160_300):
        if hz < 0.49 * rate:
            announce(lab, f"high{hz}", wav(rate, "24", tone(hz, rate)))
            await alice.call(f"sip:annc@sems;play=high{hz}")
            assert (await alice.hear_all(5)).before(0.45).is_silent, hz


@pytest.mark.parametrize("channels", [2, 6, 9, 64])
async def test_several_channels_are_heard_as_one_in_either_form_of_header(lab: Lab, channels: int) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    for width in WIDTHS:
        announce(lab, width, wav(16_000, width, tone(600, 16_000), channels=channels, extensible=True))
        sound = await heard(alice, width)
        assert sound.after(0.05).before(0.4).tone_level(600) == pytest.approx(LEVEL, abs=0.3), width


async def test_what_can_not_be_read_is_refused_and_the_log_says_in_a_sentence_why(
    lab: Lab, caplog: pytest.LogCaptureFixture
) -> None:
    await lab.server()
    alice = await lab.phone("alice")
    good = wav(8000, "16", tone(600, 8000))
    adpcm = good[:20] + struct.pack("<H", 0x11) + good[22:34] + struct.pack("<H", 4) + good[36:]
    for name, content, why in (
        ("low", wav(999, "16", tone(300, 999)), "a sampling rate of 999 Hz is not between 1000 and 768000"),
        ("coding", adpcm, "WAV coding 0x0011 with 4 bits a sample is not supported"),
        ("text", b"Good evening.", "not a WAV file: the RIFF/WAVE header is missing"),
        ("empty", good[:44], "the file holds no audio"),
    ):
        announce(lab, name, content)
        with pytest.raises(CallFailed, match="404 That Announcement Can Not Be Read"):
            await alice.call(f"sip:annc@sems;play={name}")
        told = [one for one in caplog.records if one.message == "an announcement can't be played"]
        assert told[-1].why.endswith(f"{name}.wav: {why}")  # type: ignore[attr-defined]
