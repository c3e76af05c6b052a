"""What is recorded of a call, and the file that it is saved in."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

from ..errors import TraceError

if TYPE_CHECKING:
    from ..engine import TracedCall as CoreTracedCall
    from ..engine import TraceEntry

#: What the file of a trace begins with, and the newest version that is understood. In the first there were
#: neither packets nor lost connections, nor what was told of either.
FORMAT = "sems-trace"
VERSION = 2

Kind = Literal["received", "sent", "ordered", "told", "heard", "lost"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    at_ns: int
    """Nanoseconds of the Unix time, or of virtual time."""
    kind: Kind
    """A message that was ``received`` or ``sent``, what the app ``ordered`` or was ``told``, packets that
    were ``heard`` one after the other at the call's ports, or a connection that is ``lost``."""
    transport: str = ""
    """Of a message or a connection: ``udp``, ``tcp`` or ``tls``."""
    local: str = ""
    """The same: our address."""
    remote: str = ""
    """The same, and of packets: the peer's."""
    message: bytes = b""
    """Of a message: all of it."""
    text: str = ""
    """Of anything else: what."""
    fields: tuple[tuple[str, str], ...] = ()
    """Its details."""

    @classmethod
    def of(cls, entry: TraceEntry) -> Self:
        """From the core."""
        return cls(
            entry.at_ns,
            _KINDS[entry.kind],
            entry.transport,
            entry.local,
            entry.remote,
            entry.payload,
            entry.text,
            tuple(entry.fields),
        )

    def to_json(self) -> dict[str, Any]:
        """As an object of a file; what is empty is left out."""
        data: dict[str, Any] = {
            name: value for name, value in asdict(self).items() if value or name == "at_ns"
        }
        return data | message_to_json(self.message) if self.is_message else data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """The other way round. Raises ValueError, KeyError or TypeError."""
        data = dict(data)
        text, encoded = data.pop("message", ""), data.pop("message_base64", None)
        message = text.encode() if encoded is None else b64decode(encoded)
        fields = tuple((str(name), str(value)) for name, value in data.pop("fields", ()))
        return cls(message=message, fields=fields, **data)

    @property
    def is_message(self) -> bool:
        """It went over the wire."""
        return self.kind in ("received", "sent")

    @property
    def start_line(self) -> str:
        """Of a message: its first line."""
        return self.message.lstrip(b"\r\n").partition(b"\n")[0].decode("utf-8", "replace").strip()

    @property
    def is_request(self) -> bool:
        """Of a message: no response."""
        return not self.start_line.startswith("SIP/")

    @property
    def code(self) -> int | None:
        """Of a response: its code."""
        words = self.start_line.split(" ", 2)
        return None if self.is_request or len(words) < 2 or not words[1].isdigit() else int(words[1])

    @property
    def method(self) -> str:
        """The method of the request, or of the one that is answered."""
        return self.start_line.split(" ")[0] if self.is_request else self.header("CSeq").rpartition(" ")[2]

    @property
    def title(self) -> str:
        """What a line of a ladder says of it."""
        if not self.is_message:
            return self.text
        words = self.start_line.split(" ", 2)
        title = words[0] if self.is_request else f"{' '.join(words[1:])} ({self.method})"
        return f"{title} + SDP" if self.has_description else title

    @property
    def has_description(self) -> bool:
        """Of a message: it carries an offer or an answer."""
        return self.header("Content-Type").lower().startswith("application/sdp")

    @property
    def body(self) -> bytes:
        """Of a message: what comes after its header fields."""
        return self.message.partition(b"\r\n\r\n")[2]

    def header(self, name: str) -> str:
        """The first value of a header field of a message; ``""`` when there is none."""
        return next(iter(self.headers(name)), "")

    def headers(self, name: str) -> list[str]:
        """The values of all header fields of that name, in order; those of one line are not taken apart."""
        head = self.message.partition(b"\r\n\r\n")[0]
        found = re.findall(_field(name), re.sub(rb"\r?\n[ \t]+", b" ", head))
        return [value.decode("utf-8", "replace").strip() for value in found]

    def values(self, name: str) -> list[str]:
        """All details of that name."""
        return [value for field, value in self.fields if field == name]


_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_COMPACT = {"call-id": "i", "content-type": "c", "from": "f", "to": "t", "via": "v", "contact": "m"}


def _field(name: str) -> bytes:
    names = "|".join(filter(None, (re.escape(name), _COMPACT.get(name.lower()))))
    return rf"(?im)^(?:{names})[ \t]*:([^\r\n]*)".encode()


@dataclass(frozen=True, slots=True)
class Trace:
    """All that is recorded of a call.

    >>> trace = server.trace(call.id)
    >>> Path("call.json").write_text(trace.to_json())       # what sems explain reads
    >>> Trace.from_json(Path("call.json").read_text()).call_id == trace.call_id
    True
    """

    call_id: str
    """Its Call-ID; ``unreadable@ADDRESS`` for what had none."""
    entries: tuple[Entry, ...]
    """What happened, in its order."""
    version: str = ""
    """The version of SEMS that recorded it."""
    settings: dict[str, Any] = field(default_factory=dict)
    """What of the configuration its course depends on."""

    @property
    def messages(self) -> tuple[Entry, ...]:
        """Those that went over the wire."""
        return tuple(entry for entry in self.entries if entry.is_message)

    @property
    def outcome(self) -> str:
        """How the call ended, in plain words; ``""`` while it lasts, or when it never was a call."""
        ends = [entry.text for entry in self.entries if entry.text.startswith("ended: ")]
        return ends[-1].removeprefix("ended: ") if ends else ""

    def to_json(self) -> str:
        """As a file that :func:`sems.trace.replay` reads."""
        entries = [entry.to_json() for entry in self.entries]
        head = {"format": FORMAT, "format_version": VERSION, "sems": self.version, "call_id": self.call_id}
        # An entry a line: such a file can be read, compared and cut.
        lines = ",\n  ".join(json.dumps(entry, ensure_ascii=False) for entry in entries)
        rest = json.dumps({**head, "settings": self.settings}, indent=1, ensure_ascii=False)
        return f'{rest[:-2]},\n "entries": [\n  {lines}\n ]\n}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises TraceError for what is no such file."""
        try:
            data = json.loads(text)
        except ValueError:
            raise TraceError("this is no trace, nor any JSON") from None
        try:
            if data["format"] != FORMAT:
                raise TraceError("this is no trace")
            if data["format_version"] > VERSION:
                raise TraceError(
                    f"this trace is of version {data['format_version']}, which is newer than SEMS"
                )
            entries = tuple(Entry.from_json(entry) for entry in data["entries"])
            return cls(data["call_id"], entries, data.get("sems", ""), data.get("settings", {}))
        except (ValueError, KeyError, TypeError):
            raise TraceError("this is no trace: something of it is missing or wrong") from None


def message_to_json(message: bytes) -> dict[str, str]:
    """As text, where it is UTF-8."""
    try:
        return {"message": message.decode()}
    except UnicodeDecodeError:
        return {
            "message": message.decode("utf-8", "replace"),
            "message_base64": b64encode(message).decode(),
        }


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A call, or any other request, of which messages are recorded.

    >>> for traced in server.traced_calls(limit=20):
    ...     print(traced.method, traced.uri, traced.outcome)
    """

    call_id: str
    """Its Call-ID."""
    call: int | None
    """Its number, if it came as far as to get one."""
    first_ns: int
    """When it began, in nanoseconds since 1970."""
    last_ns: int
    """When something was last recorded of it."""
    direction: Literal["in", "out"]
    """``in``: it came to us; ``out``: we sent it."""
    remote: str
    """Where the peer is, ``"ip:port"``."""
    method: str
    """That of its first request."""
    uri: str
    """The Request-URI of that."""
    caller: str
    """The address of its From."""
    messages: int
    """How many of its messages are recorded."""
    code: int | None
    """The final response to the first request."""
    outcome: str
    """How it ended, in plain words; ``""`` while it lasts."""

    @classmethod
    def of(cls, call: CoreTracedCall) -> Self:
        """From the core."""
        return cls(
            call.call_id,
            call.call,
            call.first_ns,
            call.last_ns,
            "in" if call.incoming else "out",
            call.remote,
            call.method,
            call.uri,
            call.caller,
            call.messages,
            call.code,
            call.outcome,
        )


def clock(at_ns: int) -> str:
    """The time of day, as the machine that recorded it has it in UTC."""
    moment = datetime.fromtimestamp(at_ns / 1e9, UTC)
    return moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + " UTC"


def peers(entries: Iterable[Entry]) -> list[str]:
    """The peers' addresses, in the order in which they appear."""
    return list(dict.fromkeys(entry.remote for entry in entries if entry.is_message))
