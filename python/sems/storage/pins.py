"""PINs, as they are kept: nobody who reads the database has them."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_COST = {"n": 1 << 14, "r": 8, "p": 1}


def hashed(pin: str) -> str:
    """What is kept of a PIN. Takes some 50 ms, on purpose."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_hash(pin, salt).hex()}"


def fits(pin: str, kept: str) -> bool:
    """The PIN is that of which this is kept."""
    kind, _, rest = kept.partition("$")
    salt, _, wanted = rest.partition("$")
    if kind != "scrypt":
        return False
    return hmac.compare_digest(_hash(pin, bytes.fromhex(salt)).hex(), wanted)


def _hash(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, dklen=32, **_COST)
