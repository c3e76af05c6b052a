"""Text to speech. The protocol, and what comes with SEMS, are in :mod:`sems.audio.voice`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..audio.voice import EspeakNg, Speech, Voice
from ..config import Config
from ..errors import NoVoice

__all__ = ["EspeakNg", "NoVoiceAtAll", "Speech", "Voice", "espeak"]


def espeak(config: Config, options: Mapping[str, Any]) -> Voice:
    """``espeak-ng``. Options: ``program``, ``words_per_minute``, ``voices``, as of
    :class:`~sems.audio.voice.EspeakNg`. Raises TypeError for others."""
    return EspeakNg(**options)


class NoVoiceAtAll:
    """Stands where a package brings a voice that is broken."""

    def __init__(self, why: str) -> None:
        self._why = why

    async def speak(self, text: str, language: str) -> Speech:
        """Raises NoVoice."""
        raise NoVoice(self._why)
