"""A recorded call goes through the same states again, in virtual time.

What the peers sent and what the app ordered is given to a fresh engine, each at its time; what the engine
sends is compared with what it sent then. Whatever the engine makes up (tags, branches, Call-IDs, ports) is
another each time: what the peers repeat of it is put in place, and in comparing it counts as the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from difflib import unified_diff
from typing import Any, Final

from ..engine import Engine, EngineConfig, Event, MemoryNetwork, MemorySocket
from ..errors import TraceError
from .record import Entry, Trace

#: By how much the time of a message may differ: threads and Python take a little, virtual time nothing.
_TOLERANCE_NS: Final = 60_000_000
#: How long it is waited for what was sent late.
_AFTER_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of a replay."""

    recorded: Trace
    """As it was."""
    now: Trace
    """As it is now."""
    divergences: tuple[str, ...]
    """Where the two differ, a sentence each; empty: nowhere."""


def replay(trace: Trace) -> Replay:
    """Goes through a recorded call again. Raises TraceError for what can't be replayed."""
    return _Stage(trace).run()


class _Stage:
    """An engine at the address of the recorded one, and a socket for each of its peers."""

    def __init__(self, trace: Trace) -> None:
        messages = trace.messages
        if not messages:
            raise TraceError("there is no message in this trace")
        if (method := messages[0].method) != "INVITE":
            article = "an" if method[:1] in "AEIOU" else "a"
            raise TraceError(f"only calls can be replayed, and this is {article} {method}")
        if any(entry.code in (401, 407) for entry in messages):
            # Its nonces and what the other side made of them are never the same again.
            raise TraceError("this call was asked for a password, which can't be replayed")
        if any(entry.remote == entry.local for entry in messages):
            raise TraceError("a call to ourselves can't be replayed")
        if any(entry.transport != "udp" for entry in messages):
            raise TraceError("only calls over UDP can be replayed")
        if len({entry.local for entry in messages}) > 1:
            raise TraceError("this call came over several of our addresses, which can't be replayed")
        self._trace = trace
        self._start = trace.entries[0].at_ns
        self._local = messages[0].local
        self._network = MemoryNetwork(delay_ms=0.0)
        self._network.place_next(self._local.rpartition(":")[0].strip("[]"))
        settings: dict[str, Any] = dict(trace.settings)
        try:
            config = EngineConfig(
                sip_listen=[self._local], workers=1, seed=1, **{k: _tuples(v) for k, v in settings.items()}
            )
        except (TypeError, ValueError) as error:
            raise TraceError(f"the settings in this trace make no sense: {error}") from None
        self._core = Engine(config, self._network).core
        self._peers: dict[str, MemorySocket] = {
            peer: self._network.socket(peer) for peer in {entry.remote for entry in messages}
        }
        self._expected = [entry for entry in messages if entry.kind == "sent"]
        self._sent: list[Entry] = []
        self._call: int | None = None
        # What the engine made up then, and what it made up now.
        self._made: dict[str, str] = {}
        self._divergences: list[str] = []

    def run(self) -> Replay:
        now = 0
        try:
            for entry in self._trace.entries:
                now = max(now, entry.at_ns - self._start)
                self._pass_to(now)
                if entry.kind == "received":
                    self._peers[entry.remote].send(self._translate(entry.message), self._local)
                elif entry.kind == "ordered":
                    self._order(entry)
                self._pass_to(now)
            self._pass_to(now + _AFTER_NS)
            self._compare()
            call_id = self._made.get(self._trace.call_id, self._trace.call_id)
            entries = tuple(Entry.of(entry) for entry in self._core.trace(call_id))
            if not entries:
                # Nothing got as far as to be sent with the recorded Call-ID.
                entries = tuple(self._sent)
            result = Trace(call_id, entries, self._trace.version, self._trace.settings)
            self._compare_ends(result)
        finally:
            self._core.close()
        return Replay(self._trace, result, tuple(self._divergences))

    def _pass_to(self, now: int) -> None:
        """Lets time pass in steps at which something is due, so that each message gets its time."""
        while (due := self._core.next_deadline()) is not None and due < now:
            self._step(due)
        self._step(now)

    def _step(self, now: int) -> None:
        self._core.step(now)
        for event in self._core.events():
            if isinstance(event, Event.Incoming) and self._call is None:
                self._call = event.call
        for peer, socket in self._peers.items():
            for message in socket.receive():
                entry = Entry(self._start + now, "sent", "udp", self._local, peer, message)
                if len(self._sent) < len(self._expected):
                    self._learn(self._expected[len(self._sent)], entry)
                self._sent.append(entry)

    def _learn(self, then: Entry, now: Entry) -> None:
        """Notes which of what the engine made up then is which of now."""
        if then.is_request != now.is_request or then.method != now.method:
            return
        for old, new in zip(_made_up(then), _made_up(now), strict=False):
            if old and new and old != new:
                self._made.setdefault(old, new)

    def _translate(self, message: bytes) -> bytes:
        """What a peer said then, as it would say it now."""
        for old, new in self._made.items():
            if old.startswith("RSeq "):
                pattern = rb"(?im)^(RAck[ \t]*:[ \t]*)" + old[5:].encode() + rb"\b"
                message = re.sub(pattern, rb"\g<1>" + new[5:].encode(), message)
            else:
                message = message.replace(old.encode(), new.encode())
        return message

    def _order(self, entry: Entry) -> None:
        core, fields = self._core, dict(entry.fields)
        headers = [_header(value) for name, value in entry.fields if name == "header"]
        link, reason = fields.get("link"), fields.get("reason")
        if entry.text == "dial":
            several = {
                key: [value for name, value in entry.fields if name == key]
                for key in ("destination", "route")
            }
            _, self._call = core.dial(
                fields["uri"],
                several["destination"],
                route=several["route"],
                to_uri=fields.get("to_uri", ""),
                from_name=fields.get("from_name", ""),
                from_uri=fields.get("from_uri", ""),
                headers=headers,
                link=link,
                late_offer=fields.get("late_offer") == "true",
            )
            return
        call = self._call
        if call is None:
            self._divergences.append(f"the app could not {entry.text}: there is no call")
            return
        orders: dict[str, Callable[[], object]] = {
            "ring": lambda: core.ring(
                call,
                int(fields["code"]),
                headers,
                fields.get("early_media") == "true",
                link,
                fields.get("reliable") == "true",
            ),
            "answer": lambda: core.answer(call, headers, link),
            "reject": lambda: core.reject(call, int(fields["code"]), reason, headers),
            "hangup": lambda: core.hangup(call, reason),
            "focus": lambda: core.focus(call),
            "hold": lambda: core.hold(call, fields["on"] == "true"),
        }
        if entry.text not in orders:
            raise TraceError(f"the order {entry.text!r} is not known here")
        orders[entry.text]()

    def _compare(self) -> None:
        for number, then in enumerate(self._expected):
            at = (then.at_ns - self._start) / 1e9
            if number >= len(self._sent):
                self._divergences.append(f"at {at:.3f} s {then.title} was sent, and now nothing is")
                return
            now = self._sent[number]
            later = (now.at_ns - self._start) / 1e9
            if then.title != now.title or then.remote != now.remote:
                self._divergences.append(
                    f"at {at:.3f} s {then.title} was sent to {then.remote}, "
                    f"and now {now.title} to {now.remote} at {later:.3f} s"
                )
                return
            if abs(then.at_ns - now.at_ns) > _TOLERANCE_NS:
                self._divergences.append(f"{then.title} was sent at {at:.3f} s, and now at {later:.3f} s")
            for difference in _differences(then, now):
                self._divergences.append(f"{then.title} at {at:.3f} s: {difference}")
        for now in self._sent[len(self._expected) :]:
            at = (now.at_ns - self._start) / 1e9
            if now.at_ns - _TOLERANCE_NS <= self._trace.entries[-1].at_ns:
                self._divergences.append(f"at {at:.3f} s {now.title} is sent now, and was not")
                return

    def _compare_ends(self, now: Trace) -> None:
        if self._trace.outcome != now.outcome and not self._divergences:
            then, later = (trace.outcome or "still there" for trace in (self._trace, now))
            self._divergences.append(f"the call was {then!r}, and now is {later!r}")


def _tuples(value: Any) -> Any:
    return (
        [tuple(each) if isinstance(each, list) else each for each in value]
        if isinstance(value, list)
        else value
    )


def _header(line: str) -> tuple[str, str]:
    name, _, value = line.partition(":")
    return name.strip(), value.strip()


def _tag(value: str) -> str:
    found = re.search(r";\s*tag\s*=\s*([^;,\s]+)", value.rpartition(">")[2] or value)
    return found[1] if found else ""


def _made_up(entry: Entry) -> Iterator[str]:
    """What the engine made up in a message that it sent."""
    if entry.is_request:
        yield _tag(entry.header("From"))
        branch = re.search(r"branch=([^;,\s]+)", entry.header("Via"))
        yield branch[1] if branch else ""
        yield entry.header("Call-ID")
    else:
        yield _tag(entry.header("To"))
        rseq = entry.header("RSeq")
        yield f"RSeq {rseq}" if rseq else ""


# What may differ, and what it counts as: what is made up, and what a newer SEMS can do besides.
_NEUTRAL = (
    (re.compile(r"(;\s*tag\s*=\s*)[^;,\s]+"), r"\1*"),
    (re.compile(r"(branch=)[^;,\s]+"), r"\1*"),
    (
        re.compile(
            r"(?i)^(call-id|date|rseq|retry-after|server|user-agent|content-length|allow|supported)\s*:.*"
        ),
        r"\1: *",
    ),
    (re.compile(r"(?i)^(rack)\s*:\s*\d+"), r"\1: *"),
    (re.compile(r"(nonce=\")[^\"]*"), r"\1*"),
    (re.compile(r"^o=(\S+) \d+ (\d+)"), r"o=\1 * *"),
    (re.compile(r"^m=(\S+) [1-9]\d*"), r"m=\1 *"),
    (re.compile(r"^a=(rtcp|ssrc):.*"), r"a=\1:*"),
)


def _neutral(message: bytes) -> list[str]:
    lines = []
    for line in message.decode("utf-8", "replace").splitlines():
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
