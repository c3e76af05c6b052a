"""Where a replay goes otherwise than the record."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import unified_diff
from itertools import zip_longest
from typing import Final

from .record import Entry, Trace

#: By how much the time of a message may differ: threads and Python take a little, virtual time nothing.
TOLERANCE_NS: Final = 60_000_000
#: A leg looks only now and then at how its stream goes, and what it tells is noted when Python takes it.
_LOOK_NS: Final = 500_000_000
#: At figures and reports once a second.
_SECOND_LOOK_NS: Final = 1_500_000_000


def of_messages(then: Sequence[Entry], now: Sequence[Entry], start: int, end: int) -> Iterator[str]:
    """What was sent; times count from ``start``, and nothing after ``end`` counts."""
    for number, before in enumerate(then):
        at = (before.at_ns - start) / 1e9
        if number >= len(now):
            yield f"at {at:.3f} s {before.title} was sent, and now nothing is"
            return
        after = now[number]
        later = (after.at_ns - start) / 1e9
        if (before.title, before.transport, before.remote) != (after.title, after.transport, after.remote):
            yield (
                f"at {at:.3f} s {before.title} was sent to {_to(before, after)}, "
                f"and now {after.title} to {_to(after, before)} at {later:.3f} s"
            )
            return
        if abs(before.at_ns - after.at_ns) > TOLERANCE_NS:
            yield f"{before.title} was sent at {at:.3f} s, and now at {later:.3f} s"
        for difference in _differences(before, after):
            yield f"{before.title} at {at:.3f} s: {difference}"
    for after in now[len(then) :]:
        if after.at_ns - TOLERANCE_NS <= end:
            yield f"at {(after.at_ns - start) / 1e9:.3f} s {after.title} is sent now, and was not"
            return


def of_notes(then: Trace, now: Trace, start: int) -> Iterator[str]:
    """What the app was told."""
    if not then.settings.get("trace_packets"):
        # What packets lead to can't be, and in the first version of the file not all was noted.
        return
    end = then.entries[-1].at_ns
    yield from _of_told(_told(then, None), _told(now, None), start, end)
    # What packets lead to is told as long as they are noted, and until the call is over.
    over = (entry for entry in then.entries if entry.text.startswith("ended: ") or _is_full(entry))
    end = next((entry.at_ns for entry in over), end)
    for kind in _BY_PACKETS:
        if kind == _KEY and not _has_key(then):
            # Heard in the sound, which is not recorded.
            continue
        before = [entry for entry in _told(then, kind) if entry.at_ns + _tolerance(entry) <= end]
        after = _told(now, kind)
        # Each look at what comes has figures of its own; that something does is what counts.
        most = 1 if kind == _FIGURES else None
        yield from _of_told(before[:most], after[:most], start, end)


def _told(trace: Trace, kind: tuple[str, ...] | None) -> list[Entry]:
    return [entry for entry in trace.entries if entry.kind == "told" and _by_packets(entry) == kind]


def _is_full(entry: Entry) -> bool:
    return entry.kind == "heard" and not entry.remote


def _of_told(then: list[Entry], now: list[Entry], start: int, end: int) -> Iterator[str]:
    for before, after in zip_longest(then, now):
        if before is None:
            # It may have come later then.
            if after.at_ns + 2 * _tolerance(after) <= end:
                at = (after.at_ns - start) / 1e9
                yield f"at {at:.3f} s the app is told now, and was not: {after.text}"
            return
        at = (before.at_ns - start) / 1e9
        if after is None or _words(before) != _words(after):
            instead = f"and now: {after.text}" if after else "and now it is not"
            yield f"at {at:.3f} s the app was told: {before.text}, {instead}"
            return
        if abs(before.at_ns - after.at_ns) > _tolerance(before):
            later = (after.at_ns - start) / 1e9
            yield f"at {at:.3f} s the app was told: {before.text}, and now at {later:.3f} s"


# What packets lead to, by how the notes begin. Those of one kind come one after the other.
_FIGURES: Final = ("audio: ",)
_KEY: Final = ("a key was pressed",)
_REPORTS: Final = ("the peer hears",)
_BY_PACKETS: Final = (
    _FIGURES,
    _KEY,
    _REPORTS,
    ("no audio came", "audio comes again"),
    ("nothing is heard", "the peer is heard"),
)


def _by_packets(entry: Entry) -> tuple[str, ...] | None:
    return next((kind for kind in _BY_PACKETS if entry.text.startswith(kind)), None)


def _has_key(trace: Trace) -> bool:
    return any(
        "event" in dict(entry.fields) or (entry.kind == "received" and entry.method == "INFO")
        for entry in trace.entries
    )


def _tolerance(entry: Entry) -> int:
    kind = _by_packets(entry)
    if kind is None:
        return TOLERANCE_NS
    return _SECOND_LOOK_NS if kind in (_FIGURES, _REPORTS) else _LOOK_NS


def _words(entry: Entry) -> str:
    return entry.text if _by_packets(entry) is None else re.sub(r"\d+", "*", entry.text)


def of_ends(then: Trace, now: Trace) -> Iterator[str]:
    """How the call ended."""
    if then.outcome != now.outcome:
        before, after = (trace.outcome or "still there" for trace in (then, now))
        yield f"the call was {before!r}, and now is {after!r}"


def _to(entry: Entry, other: Entry) -> str:
    return entry.remote if entry.transport == other.transport else f"{entry.transport}:{entry.remote}"


# What may differ, and what it counts as: what is made up, and what a newer SEMS can do besides.
_NEUTRAL: Final = (
    (re.compile(r"(;\s*tag\s*=\s*)[^;,\s]+"), r"\1*"),
    (re.compile(r"(branch=)[^;,\s]+"), r"\1*"),
    (re.compile(r"(;line=)\w+"), r"\1*"),
    (
        re.compile(
            r"(?i)^(call-id|date|rseq|retry-after|server|user-agent|content-length|allow|supported)\s*:.*"
        ),
        r"\1: *",
    ),
    (re.compile(r"(?i)^(rack)\s*:\s*\d+"), r"\1: *"),
    (re.compile(r"((?:nonce|response)=\")[^\"]*"), r"\1*"),
    (re.compile(r"^o=(\S+) \d+ (\d+)"), r"o=\1 * *"),
    (re.compile(r"^m=(\S+) [1-9]\d*"), r"m=\1 *"),
    (re.compile(r"^a=(rtcp|ssrc):.*"), r"a=\1:*"),
)


# Says what a newer SEMS can do besides, and counts as nothing.
_ABILITY: Final = re.compile(r"(?i)^(allow-events|accept-encoding|accept-language)\s*:")


def _neutral(message: bytes) -> list[str]:
    lines = []
    for line in message.decode("utf-8", "replace").splitlines():
        if _ABILITY.match(line):
            continue
        for pattern, neutral in _NEUTRAL:
            line = pattern.sub(neutral, line)
        lines.append(line)
    return lines


def _differences(then: Entry, now: Entry) -> Iterator[str]:
    before, after = _neutral(then.message), _neutral(now.message)
    if before == after:
        return
    for line in list(unified_diff(before, after, n=0, lineterm=""))[2:]:
        if line.startswith("-"):
            yield f"said {line[1:]!r} and does not now"
        elif line.startswith("+"):
            yield f"says {line[1:]!r} now and did not"
