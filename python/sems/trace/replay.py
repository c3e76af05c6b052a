"""A recorded call or request goes through the same states again, in virtual time.

What the peers sent, what came to the call's ports and what the app ordered is given to a fresh engine, each
at its time; what the engine sends and tells is compared with what it did then. Whatever the engine makes up
(tags, branches, Call-IDs, nonces, ports) is another each time: what the peers repeat of it is put in place,
and in comparing it counts as the same. A password is another, too, for the true one is not recorded. Of keys
only that one was pressed is known, and of sound only that it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from ..errors import TraceError
from ..sip.headers import split_host_port
from . import comparing, digest
from .orders import Orders
from .packets import Packet, packets
from .record import Entry, Trace
from .stage import Stage
from .wording import Wording

#: How long it is waited for what was sent late.
_AFTER_NS: Final = 1_000_000_000
_A_MOMENT_NS: Final = 1_000_000
#: By how much of it a wait that is drawn by lot may differ, and by how much at least.
_LOT: Final = 0.6
_LEAST_LOT_NS: Final = 4_000_000_000
#: Orders about a registration that are not waited for, since by another lot a refresh could come before.
_IDLE: Final = ("unregister", "reroute", "shutdown")


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
    """Goes through a recorded call or request again. Raises TraceError for what can't be replayed."""
    return _Course(trace).run()


class _Course:
    def __init__(self, trace: Trace) -> None:
        messages = trace.messages
        if not messages:
            raise TraceError("there is no message in this trace")
        if any(entry.remote == entry.local for entry in messages):
            raise TraceError("a call to ourselves can't be replayed")
        if len({split_host_port(entry.local)[0] for entry in messages}) > 1:
            raise TraceError("this call came over several of our addresses, which can't be replayed")
        self._trace = trace
        self._start = trace.entries[0].at_ns
        auth = trace.settings.get("auth")
        self._wording = Wording(auth["realm"] if auth else None)
        self._verdicts = {
            number: digest.verdict(entry, iter(trace.entries[number + 1 :]))
            for number, entry in enumerate(trace.entries)
            if entry.kind == "received" and entry.headers("Authorization")
        }
        self._stage = Stage(trace, self._users())
        self._orders = Orders(self._stage.engine, trace.entries)
        self._stage.on_event = self._orders.told
        self._stage.on_sent = self._on_sent
        self._expected = [entry for entry in messages if entry.kind == "sent"]
        self._sent: list[Entry] = []
        self._divergences: list[str] = []
        # By how much all is later now than it was then, and since when.
        self._slip = 0
        self._slips = [(0, 0)]

    def _users(self) -> Iterator[str]:
        """Who has shown to know a password."""
        for number, verdict in self._verdicts.items():
            if verdict != "wrong":
                for answer in self._trace.entries[number].headers("Authorization"):
                    yield digest.username(digest.parameters(answer))

    def run(self) -> Replay:
        try:
            now = 0
            for at, _, what in self._inputs():
                if isinstance(what, Packet):
                    now = self._pass_to(max(now, at + self._slip))
                    self._stage.hear(what.remote, what.control, what.make)
                    continue
                entry = self._trace.entries[what]
                if entry.kind == "sent":
                    now = self._keep_in_step(entry, now)
                    continue
                if entry.text in _IDLE and self._trace.messages[0].method == "REGISTER":
                    now = self._pass_to(now + _A_MOMENT_NS)
                    self._move(now, now - at)
                now = self._pass_to(max(now, at + self._slip))
                self._take(what, entry, now)
                self._pass_to(now)
            end = self._trace.entries[-1].at_ns - self._start + self._slip
            self._pass_to(max(now, end) + _AFTER_NS)
            result = self._result()
        finally:
            self._stage.engine.core.close()
        self._compare(result)
        return Replay(self._trace, result, tuple(self._divergences))

    def _inputs(self) -> list[tuple[int, int, int | Packet]]:
        """All that happens, in order: when, and the place of the entry or a packet."""
        inputs: list[tuple[int, int, int | Packet]] = []
        try:
            for number, entry in enumerate(self._trace.entries):
                if entry.kind == "heard":
                    run = ((packet.at_ns - self._start, number, packet) for packet in packets(entry))
                    inputs.extend(run)
                else:
                    inputs.append((entry.at_ns - self._start, number, number))
        except (KeyError, ValueError) as error:
            raise TraceError(f"the packets in this trace make no sense: {error}") from None
        return sorted(inputs, key=lambda one: one[:2])

    def _pass_to(self, now: int) -> int:
        self._stage.pass_to(now)
        return now

    def _take(self, number: int, entry: Entry, now: int) -> None:
        if entry.kind == "received":
            self._stage.send(entry, self._words(number, entry, now))
        elif entry.kind == "ordered":
            problem = self._orders.give(entry)
            self._divergences.extend([problem] if problem else ())
        elif entry.kind == "lost":
            self._stage.lose(entry)

    def _words(self, number: int, entry: Entry, now: int) -> bytes:
        if entry.is_request:
            verdict = self._verdicts.get(number, "right")
            return self._wording.request(entry, verdict, lambda: self._stage.challenge(entry, now))
        asked = entry.header("CSeq")
        answered = (sent for sent in reversed(self._sent) if sent.is_request and sent.header("CSeq") == asked)
        return self._wording.response(entry, next(answered, None))

    def _keep_in_step(self, entry: Entry, now: int) -> int:
        """Waits for a request whose time is drawn by lot; what followed on it does so again."""
        place = self._expected.index(entry)
        if len(self._sent) > place or not self._is_drawn(place):
            return now
        at = entry.at_ns - self._start + self._slip
        latest = at + max(_LEAST_LOT_NS, round((at - now) * _LOT))
        while len(self._sent) <= place and self._stage.pass_once(latest):
            pass
        if len(self._sent) <= place:
            return now
        late = self._sent[place].at_ns - entry.at_ns
        self._sent[place] = replace(self._sent[place], at_ns=entry.at_ns)
        self._move(at + late, self._slip + late)
        return max(now, at + late)

    def _move(self, now: int, slip: int) -> None:
        self._slip = slip
        self._slips.append((now, slip))

    def _is_drawn(self, place: int) -> bool:
        """Refreshed registrations (RFC 3261 §10.2.4), and what met with glare (§14.1)."""
        entry, before = self._expected[place], self._expected[:place]
        if not entry.is_request:
            return False
        if entry.method == "REGISTER":
            return any(other.is_request for other in before)
        met = (one for one in self._trace.messages if one.at_ns <= entry.at_ns and one.code == 491)
        return entry.method in ("INVITE", "UPDATE") and any(met)

    def _on_sent(self, entry: Entry) -> None:
        entry = replace(entry, at_ns=entry.at_ns - self._slip)
        if len(self._sent) < len(self._expected):
            self._wording.learn(self._expected[len(self._sent)], entry)
        self._sent.append(entry)

    def _result(self) -> Trace:
        call_id = self._wording.of(self._trace.call_id)
        entries = tuple(self._then(Entry.of(entry)) for entry in self._stage.engine.core.trace(call_id))
        if not entries:
            # Nothing got as far as to be sent with the recorded Call-ID.
            entries = tuple(self._sent)
        return Trace(call_id, entries, self._trace.version, self._trace.settings)

    def _then(self, entry: Entry) -> Entry:
        """At the time that it would have had."""
        slip = next(slip for since, slip in reversed(self._slips) if since <= entry.at_ns)
        return replace(entry, at_ns=self._start + entry.at_ns - slip)

    def _compare(self, now: Trace) -> None:
        end = self._trace.entries[-1].at_ns
        found = self._divergences
        found.extend(comparing.of_messages(self._expected, self._sent, self._start, end))
        if not found:
            found.extend(comparing.of_notes(self._trace, now, self._start))
        if not found:
            found.extend(comparing.of_ends(self._trace, now))
