"""What a participant keys in on his phone."""

from collections.abc import Callable
from typing import Final

from .commands import Command, LowerHand, Mute, RaiseHand, Unmute
from .model import ConferenceModel

#: A star that is not followed by a key within this time, in seconds, is forgotten.
PATIENCE: Final = 5.0


def _mute_or_unmute(room: ConferenceModel, id: int) -> Command:
    return Unmute(id) if room.participants[id].muted else Mute(id)


def _raise_or_lower_hand(room: ConferenceModel, id: int) -> Command:
    return LowerHand(id) if id in room.hands else RaiseHand(id)


#: What each code means for the one who keys it in.
CODES: Final[dict[str, Callable[[ConferenceModel, int], Command]]] = {
    "*6": _mute_or_unmute,
    "*9": _raise_or_lower_hand,
}


class Keypad:
    """Makes codes of keys. A code is a star and what follows; anything else means nothing."""

    def __init__(self) -> None:
        self._keys = ""
        self._pressed_at = 0.0

    def press(self, key: str, now: float) -> str | None:
        """The code in :data:`CODES` that this key completes. ``now`` is in seconds."""
        if now - self._pressed_at > PATIENCE:
            self._keys = ""
        self._pressed_at = now
        self._keys = key if key == "*" else self._keys + key
        if self._keys in CODES:
            code, self._keys = self._keys, ""
            return code
        if not any(code.startswith(self._keys) for code in CODES):
            self._keys = ""
        return None
