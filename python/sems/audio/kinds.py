"""What files of sound are, by the ends of their names."""

from __future__ import annotations

from typing import Final

#: Raw G.711: one channel of 8000 samples a second, a byte each.
RAW: Final = (".ulaw", ".ul", ".pcmu", ".alaw", ".al", ".pcma")
#: What the core reads and writes itself.
NATIVE: Final = (".wav", *RAW)
