"""A call as a ladder in plain text."""

from __future__ import annotations

from .record import Entry, Trace, clock, peers

_COLUMN = 42
_TIME = 10


def ladder(trace: Trace) -> str:
    """The ladder: a column for each peer and one for us, a line for each thing that happened."""
    columns = peers(trace.entries)
    lines = [f"Call-ID  {trace.call_id}"]
    if trace.entries:
        lines.append(f"Began    {clock(trace.entries[0].at_ns)}")
    if trace.outcome:
        lines.append(f"Ended    {trace.outcome}")
    own = next((entry.local for entry in trace.entries if entry.is_message), "")
    heads = [*columns, f"SEMS {own}".strip()]
    lines += ["", " " * _TIME + "".join(f"{head:<{_COLUMN}}" for head in heads).rstrip()]
    start = trace.entries[0].at_ns if trace.entries else 0
    seen: set[tuple[str, bytes]] = set()
    for entry in trace.entries:
        time = f"{(entry.at_ns - start) / 1e9:9.3f} "
        again = entry.is_message and (entry.kind, entry.message) in seen
        seen.add((entry.kind, entry.message))
        lines.append(time + _row(entry, columns, again))
    return "\n".join(lines) + "\n"


def _row(entry: Entry, columns: list[str], again: bool) -> str:
    if not entry.is_message:
        rails = "".join(f"{'|':<{_COLUMN}}" for _ in columns)
        mark = "<" if entry.kind == "ordered" else ">"
        return f"{rails}| {mark} {_note(entry)}"
    place = columns.index(entry.remote)
    title = entry.title + (" again" if again else "")
    width = _COLUMN * (len(columns) - place) - 1
    text = f" {title[: width - 6]} ".center(width - 1, "-")
    arrow = f"{text}>" if entry.kind == "received" else f"<{text}"
    return "".join(f"{'|':<{_COLUMN}}" for _ in range(place)) + f"|{arrow}|"


def _note(entry: Entry) -> str:
    if entry.kind == "heard" and entry.remote:
        return f"{entry.text} from {entry.remote}"
    wanted = ("code", "reason", "uri", "destination", "on")
    details = " ".join(value for name, value in entry.fields if name in wanted and entry.kind == "ordered")
    return f"{entry.text} {details}".strip()
