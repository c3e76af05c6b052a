"""FLAC, Ogg, MP3 and others, by libsndfile, where ``soundfile`` is installed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import PluginError, SemsError
from .formats import Decoded

#: How it is installed.
INSTALL: Final = "pip install 'sems[soundfile]'"
#: How the names of its files end.
SUFFIXES: Final = (
    ".flac", ".ogg", ".oga", ".opus", ".mp3", ".aiff", ".aif", ".aifc", ".au", ".snd", ".caf", ".w64", ".rf64"
)  # fmt: skip
_MAGIC = (b"fLaC", b"OggS", b"ID3", b"FORM", b".snd", b"caff", b"riff", b"RF64")
_BLOCK = 65_536
# What its name does not say.
_WRITTEN = {".opus": ("OGG", "OPUS"), ".oga": ("OGG", "VORBIS"), ".snd": ("AU", "PCM_16")}


class SoundFile:
    """FLAC, Ogg, MP3, AIFF and others, by libsndfile."""

    suffixes = SUFFIXES

    def __init__(self) -> None:
        """Raises PluginError where it is not installed."""
        try:
            import soundfile
        except (ImportError, OSError) as error:
            raise PluginError(f"{error}; {INSTALL}") from None
        self._soundfile = soundfile

    def knows(self, beginning: bytes) -> bool:
        """As :class:`~sems.audio.formats.FileFormat`."""
        # An MP3 without tags begins with the eleven ones of a frame, and never with layer 0.
        frame = len(beginning) > 1 and beginning[0] == 0xFF and beginning[1] & 0xE0 == 0xE0
        return beginning.startswith(_MAGIC) or (frame and beginning[1] & 0x06 != 0)

    def decode(self, path: Path) -> Decoded:
        """As :class:`~sems.audio.formats.FileFormat`; of several channels the mean."""
        try:
            file = self._soundfile.SoundFile(path)
        except self._soundfile.LibsndfileError as error:
            # What libsndfile says misleads: of damaged MP3 that there is no such file.
            raise SemsError("it is damaged, or of another kind than its name says") from error

        def blocks() -> Iterator[bytes]:
            with file:
                while len(block := file.read(_BLOCK, dtype="int16", always_2d=True)):
                    one = block[:, 0] if file.channels == 1 else block.mean(axis=1)
                    yield one.astype("<i2").tobytes()

        return Decoded(file.samplerate, blocks(), file.frames if file.frames > 0 else None)

    def encode(self, path: Path, sound: Decoded) -> None:
        """As :class:`~sems.audio.formats.WritableFormat`."""
        import numpy

        kind, coding = _WRITTEN.get(path.suffix.lower(), (None, None))
        with self._soundfile.SoundFile(
            path, "w", samplerate=sound.rate, channels=1, format=kind, subtype=coding
        ) as file:
            for block in sound.blocks:
                file.write(numpy.frombuffer(block, dtype="<i2"))
