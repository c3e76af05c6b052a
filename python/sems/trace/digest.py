"""Answers to challenges (RFC 7616) in a replay.

Passwords are not recorded, and the answers made with them are masked. So a replay has a password of its own,
which all users have, and what a peer has made with the right one is made with that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import Final, Literal
from urllib.parse import unquote

from .record import Entry

#: The password of everybody in a replay.
PASSWORD: Final = "as-recorded"

Verdict = Literal["right", "stale", "wrong"]

_PARAMETER = re.compile(r'([\w*-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)')
_HASHES: dict[str, Callable[[bytes], str]] = {
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
}


def parameters(value: str) -> dict[str, str]:
    """What a challenge, an answer or a server's proof says, by names in small letters."""
    return {name.lower(): _unquoted(text) for name, text in _PARAMETER.findall(value)}


def username(answer: dict[str, str]) -> str:
    """Who answers (``username*``: RFC 7616 §3.4.4)."""
    extended = answer.get("username*", "").rpartition("'")[2]
    return answer.get("username") or unquote(extended)


def response(answer: dict[str, str], nonce: str, method: str, body: bytes) -> str:
    """What stands as ``response`` in an answer with these parameters to a request; ``method`` is empty in the
    proof of a server (RFC 7615 §3.3)."""
    algorithm = answer.get("algorithm", "MD5").upper()
    digest = _HASHES.get(algorithm.removesuffix("-SESS"), _HASHES["MD5"])

    def hashed(*parts: str) -> str:
        return digest(":".join(parts).encode())

    qop, cnonce = answer.get("qop", ""), answer.get("cnonce", "")
    secret = hashed(username(answer), answer.get("realm", ""), PASSWORD)
    if algorithm.endswith("-SESS"):
        secret = hashed(secret, nonce, cnonce)
    about = [method, answer.get("uri", "")] + ([digest(body)] if qop == "auth-int" else [])
    counted = [answer.get("nc", ""), cnonce, qop] if qop else []
    return hashed(secret, nonce, *counted, hashed(*about))


def challenges(entry: Entry) -> Iterator[tuple[str, str]]:
    """Of a response: the algorithm and the nonce of each challenge, one a header field."""
    for name in ("WWW-Authenticate", "Proxy-Authenticate"):
        for value in entry.headers(name):
            asked = parameters(value)
            yield asked.get("algorithm", "MD5").upper(), asked.get("nonce", "")


def verdict(request: Entry, later: Iterator[Entry]) -> Verdict:
    """What was thought of an answer, as the response to its request shows."""
    asked = (request.header("CSeq"), branch(request))
    for entry in later:
        if entry.kind == "sent" and not entry.is_request and (entry.header("CSeq"), branch(entry)) == asked:
            if entry.code != 401:
                return "right"
            stale = any(
                parameters(value).get("stale") == "true" for value in entry.headers("WWW-Authenticate")
            )
            return "stale" if stale else "wrong"
    return "right"


def branch(entry: Entry) -> str:
    """Which transaction a message is of."""
    found = re.search(r"branch\s*=\s*([^;,\s]+)", entry.header("Via"))
    return found[1] if found else ""


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1]) if text.startswith('"') else text
