"""What the peers of a replay say: what they said then, in the words of now.

Whatever the engine makes up (tags, branches, Call-IDs, nonces) is another each time. What peers repeat of it
is put in place, and what they make of it (answers to challenges) is made again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from . import digest
from .record import Entry


class Wording:
    """Knows which of what the engine made up then is which of now."""

    def __init__(self, realm: str | None) -> None:
        """``realm``: in which the engine challenges; None: in none."""
        self._realm = realm
        self._made: dict[str, str] = {}

    def learn(self, then: Entry, now: Entry) -> None:
        """The engine has sent ``now`` where it sent ``then``."""
        if then.is_request != now.is_request or then.method != now.method:
            return
        for old, new in zip(_made_up(then), _made_up(now), strict=False):
            if old and new and old != new:
                self._made.setdefault(old, new)

    def of(self, made_up: str) -> str:
        """What it is called now."""
        return self._made.get(made_up, made_up)

    def _answers(self, request: Entry) -> Iterator[dict[str, str]]:
        for value in request.headers("Authorization"):
            answer = digest.parameters(value)
            if answer.get("realm") == self._realm:
                yield answer

    def request(
        self, entry: Entry, verdict: digest.Verdict, nonces: Callable[[], Mapping[str, str]]
    ) -> bytes:
        """A request of a peer's. ``nonces`` gives one for each algorithm, for a peer that has it from
        before."""
        message = entry.message
        for answer in self._answers(entry):
            old = answer.get("nonce", "")
            new = self.of(old)
            if new == old and verdict == "right":
                new = nonces().get(answer.get("algorithm", "MD5").upper(), old)
            message = _swapped(message, old, new)
            if verdict != "wrong":
                made = digest.response(answer, new, entry.method, entry.body)
                message = _swapped(message, answer.get("response", ""), made)
        return self._translate(message)

    def response(self, entry: Entry, request: Entry | None) -> bytes:
        """A response of a peer's, to what the engine has sent now as ``request``."""
        message = entry.message
        for value in entry.headers("Authentication-Info"):
            proof = digest.parameters(value)
            if request is None or "rspauth" not in proof:
                continue
            for answered in map(digest.parameters, request.headers("Authorization")):
                nonce = answered.get("nonce", "")
                made = digest.response(answered, nonce, "", entry.body)
                message = _swapped(message, proof["rspauth"], made)
        return self._translate(message)

    def _translate(self, message: bytes) -> bytes:
        for old, new in self._made.items():
            if old.startswith("RSeq "):
                pattern = rb"(?im)^(RAck[ \t]*:[ \t]*)" + old[5:].encode() + rb"\b"
                message = re.sub(pattern, rb"\g<1>" + new[5:].encode(), message)
            else:
                message = _swapped(message, old, new)
        # A masked number of two digits (RFC 4733 §3.2) is that of the star.
        return re.sub(rb"(?im)^(signal[ \t]*=[ \t]*|)\*\*(?=\s*$)", rb"\g<1>10", message)


def _swapped(message: bytes, old: str, new: str) -> bytes:
    return message.replace(old.encode(), new.encode()) if old else message


def _tag(value: str) -> str:
    found = re.search(r";\s*tag\s*=\s*([^;,\s]+)", value.rpartition(">")[2] or value)
    return found[1] if found else ""


def _made_up(entry: Entry) -> Iterator[str]:
    """What the engine made up in a message that it sent."""
    if entry.is_request:
        yield _tag(entry.header("From"))
        yield digest.branch(entry)
        yield entry.header("Call-ID")
        line = re.search(r";line=(\w+)", entry.header("Contact"))
        yield line[1] if line else ""
    else:
        yield _tag(entry.header("To"))
        rseq = entry.header("RSeq")
        yield f"RSeq {rseq}" if rseq else ""
        for _, nonce in digest.challenges(entry):
            yield nonce
