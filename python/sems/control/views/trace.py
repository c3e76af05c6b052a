"""What the API sends of what is remembered of calls."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from ...trace.record import message_to_json
from .base import View

if TYPE_CHECKING:
    from ...trace import Trace, TracedCall


class TracedCallView(View):
    """A call, or another request, of which messages are remembered."""

    call_id: str
    """Its Call-ID; `unreadable@ADDRESS` for what had none."""
    call: int | None
    """Its id, if it came as far as to get one."""
    began: datetime
    last: datetime
    """When its last message passed."""
    direction: Literal["in", "out"]
    remote: str
    method: str
    uri: str
    caller: str
    messages: int
    code: int | None
    """The final response to the first request."""
    outcome: str
    """How it ended, in plain words; empty while it lasts."""

    @classmethod
    def of(cls, call: TracedCall) -> TracedCallView:
        """As it is now."""
        return cls(
            call_id=call.call_id,
            call=call.call,
            began=datetime.fromtimestamp(call.first_ns / 1e9, UTC),
            last=datetime.fromtimestamp(call.last_ns / 1e9, UTC),
            direction=call.direction,
            remote=call.remote,
            method=call.method,
            uri=call.uri,
            caller=call.caller,
            messages=call.messages,
            code=call.code,
            outcome=call.outcome,
        )


class TracedCallList(View):
    """The newest first."""

    calls: list[TracedCallView]


class TraceEntryView(View):
    """One thing that happened."""

    at_us: int
    """Microseconds of the Unix time."""
    kind: Literal["received", "sent", "ordered", "told", "heard", "lost"]
    """A message that was received or sent, what the app ordered or was told, packets that came to the call's
    ports one after the other, or a connection that is lost."""
    title: str
    """What a line says of it."""
    again: bool
    """Of a message: the same went by before."""
    transport: str
    local: str
    remote: str
    message: str
    """Of a message: all of it."""
    message_base64: str | None
    """The same, where it isn't UTF-8."""
    text: str
    fields: list[tuple[str, str]]


class TraceView(View):
    """What is remembered of a call."""

    call_id: str
    outcome: str
    version: str
    settings: dict[str, Any]
    """What of the configuration its course depends on."""
    entries: list[TraceEntryView]

    @classmethod
    def of(cls, trace: Trace) -> TraceView:
        """All of it."""
        entries = []
        seen: set[tuple[str, bytes]] = set()
        for entry in trace.entries:
            message = message_to_json(entry.message)
            entries.append(
                TraceEntryView(
                    at_us=entry.at_ns // 1000,
                    kind=entry.kind,
                    title=entry.title,
                    again=entry.is_message and (entry.kind, entry.message) in seen,
                    transport=entry.transport,
                    local=entry.local,
                    remote=entry.remote,
                    message=message["message"],
                    message_base64=message.get("message_base64"),
                    text=entry.text,
                    fields=list(entry.fields),
                )
            )
            seen.add((entry.kind, entry.message))
        return cls(
            call_id=trace.call_id,
            outcome=trace.outcome,
            version=trace.version,
            settings=trace.settings,
            entries=entries,
        )
