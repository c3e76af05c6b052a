"""Requests as a fuzz sends them: what fits the OpenAPI document, what nearly does, and what does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import quote

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

#: What tells whoever asks, by the name under which a test knows him.
CREDENTIALS: Final = (
    *("none", "wrong", "moderator", "speaker", "listener", "waiting", "early", "ended", "elsewhere"),
    *("rooms", "other rooms", "everything", "operator", "cookie", "owner", "wrong pin"),
)
#: Of those, who can show a link in the path as well.
LINKS: Final = ("wrong", "moderator", "speaker", "listener", "waiting", "early", "ended", "elsewhere")

_TEXTS: Final = (
    "", " ", "\0", "a\0b", "\r\nX-Odd: 1", "\x7f\x1b[31m", "null", "0", "-1", "1e9", "²", "٣", "٣" * 30,
    "ü", "💥",
    "\u202e\u2066", "e\u0301" * 50, "..", "../../../etc/passwd", "%00", "%", "a/b", "me", "standup", "{}",
    "[]",
    "'; --", "<script>", "${7*7}", "x" * 300, "x" * 5_000, "9" * 19, "9" * 20, "9" * 5_000, "sip:", "sip:@",
    "sip:ü@[::", "tel:", "sip:a@127.0.0.1:99999", "sip:a@127.0.0.1;maddr=1.2.3.4", "127.0.0.1", "@@", ";x=y",
)  # fmt: skip
_VALUES: Final = (
    None, True, False, 0, 1, -1, 2, 3, 1.5, -0.0, 1e-320, 1e308, 2**31, 2**53 + 1, 2**63, 2**64, -(2**63) - 1,
    10**400, float("nan"), float("inf"), [], {}, [[]], [None], {"": None}, {"a": {"a": {}}}, [1] * 600, ["1"],
    *_TEXTS,
)  # fmt: skip
_BODIES: Final = (
    b"", b" ", b"{", b"}", b"[]", b"{}", b"null", b"0", b'"x"', b"\0", b"\xff\xfe", b"\xef\xbb\xbf{}",
    b"{'a': 1}",
    b'{"text": "\\ud800"}', b'{"text": "\\udc00\\ud800", "name": "\\u0000"}', b'{"\\ud800": 1}',
    b'{"text": "\xed\xa0\x80"}', b'{"text": "\xff"}', b'{"text": "a", "text": 1}',
    b'{"side_room": "\\u0000"}',
    b'{"gain": NaN}', b'{"gain": Infinity}', b'{"volume": 1e999}', b'{"talk_time": NaN}', b'{"gain": -}',
    b'{"max_members": ' + b"9" * 5_000 + b"}", b'{"with": [' + b"9" * 5_000 + b"]}", b"[" * 30_000,
    b'{"a":' * 10_000, b'{"a":' * 10_000 + b"1" + b"}" * 10_000, b"{" + b'"a":1,' * 9_000 + b'"b":1}',
    b"{" + b",".join(b'"%d":1' % each for each in range(5_000)) + b"}", b'{"text": "' + b"x" * 70_000 + b'"}',
    b"x" * 200_000, b"a=b&c=d", b"<a/>",
)  # fmt: skip
_TYPES: Final = (
    b"application/json", b"application/json", b"application/json; charset=utf-16", b"APPLICATION/JSON ;x",
    b"text/plain", b"", b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=a", b"\xff",
    b";",
    b"application/json, text/plain", b"application/problem+json",
)  # fmt: skip
_HEADERS: Final = {
    b"last-event-id": (
        b"", b"0", b"1", b"-1", b"7", b"99999", b"9" * 19, b"9" * 5_000, b"x", b"1.0", b"\xb2", b"\xff",
        b"1\x002"
    ),
    b"range": (
        b"bytes=0-0", b"bytes=0-99", b"bytes=-1", b"bytes=5-", b"bytes=-", b"bytes=", b"bytes", b"bytes=9-1",
        b"bytes=0-1,5-9", b"bytes=0-" + b"9" * 5_000, b"bytes=999999999-", b"items=0-1", b"bytes=a-b",
        b"\xff",
        b"bytes=" + b",".join(b"%d-%d" % (2 * each, 2 * each) for each in range(2_000)),
        b"bytes=-" + b"9" * 30,
        b"bytes=--1", b"bytes= 1 - 2 ", b"bytes=\xb2-",
    ),
    b"if-range": (b"x", b'"x"', b"\xff", b"Thu, 01 Jan 1970 00:00:00 GMT"),
    b"if-none-match": (b"*", b'"x"'),
    b"authorization": (
        b"", b" ", b"Bearer", b"Bearer ", b"bearer x y", b"Bearer \xff\xfe", b"Bearer " + b"x" * 9_000,
        b"Basic",
        b"Basic x", b"Basic /w==", b"Basic AAAA", b"Basic YW5uYQ==", b"Basic YW5uYTo=", b"Basic OjI1ODA=",
        b"Basic " + b"QUFB" * 2_000, b"Digest username=x", b"\0", b"Bearer \0",
    ),
    b"cookie": (b"", b"=", b";;;", b"sems_operator=", b"sems_operator=\xff",
    b"sems_operator=x; sems_operator", b"\xff"),
    b"origin": (
        b"", b"null", b"http://[", b"http://]", b"http://[x]", b"http://evil.example", b"http://sems.test",
        b"http://sems.test:99999", b"//", b"\xff", b"http://sems.test@evil.example", b"http://\xe2\x84\x80",
    ),
    b"sec-fetch-site": (b"cross-site", b"same-origin", b"", b"\xff"),
    b"host": (b"", b"[", b"[::1", b"a b", b"\xff", b"evil.example", b"sems.test:x"),
    b"accept": (b"", b"*/*;q=x", b"\xff", b"text/html"),
    b"accept-language": (b"de", b"q;q=9", b"\xff"),
    b"content-length": (b"-1", b"x", b"99999999"),
    b"transfer-encoding": (b"chunked", b"x"),
    b"x-forwarded-for": (b"1.2.3.4", b"\xff"),
    b"x-http-method-override": (b"DELETE",),
    b"expect": (b"100-continue", b"x"),
    b"upgrade": (b"websocket", b"h2c"),
}  # fmt: skip
_QUERIES: Final = (
    b"since=", b"since=x", b"since=0", b"since=3", b"since=99999", b"since=" + b"9" * 19,
    b"since=" + b"9" * 5_000,
    b"since=-1", b"since=%C2%B2", b"since=%D9%A3", b"since=%FF", b"since=1&since=x", b"limit=", b"limit=0",
    b"limit=1", b"limit=5000", b"limit=5001", b"limit=-1", b"limit=x", b"limit=%C2%B2", b"limit=%D9%A3",
    b"limit=" + b"9" * 5_000, b"limit=%00", b"download", b"download=1", b"member=", b"member=call-1",
    b"member=call-" + b"9" * 5_000, b"member=..%2F..%2Fx", b"member=%00", b"member=%FF&download=%0D%0A",
    b"&&&=",
    b"%", b"=%ZZ", b"\xff\xfe", b"a=1&" * 2_000,
)  # fmt: skip
_METHODS: Final = ("HEAD", "OPTIONS", "PUT", "TRACE", "POST", "GET", "PATCH", "DELETE", "get", "", "FOO", "ü")


@dataclass(frozen=True, slots=True)
class Part:
    """A segment of a path that stands for something."""

    name: str
    """Of the parameter."""
    choice: int | bytes
    """Which of those that there are; or a segment as it is sent."""


@dataclass(frozen=True, slots=True)
class Odd:
    """One request, before it is known what there is that it could be about."""

    operation: str
    method: str
    path: tuple[bytes | Part, ...]
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    pieces: int
    """In so many the body comes."""
    who: str
    by_link: bool
    """The credential is in the path, as pages show it."""

    @property
    def is_exact(self) -> bool:
        """It is about something that there is or could be, by a method that the document knows."""
        whole = all(isinstance(each, bytes) or isinstance(each.choice, int) for each in self.path)
        return whole and self.operation.startswith(f"{self.method} ")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path and description of each."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def drawn(what: st.SearchStrategy[Any], many: int, number: int) -> list[Any]:
    """So many examples; the same for the same number."""
    found: list[Any] = []

    @seed(number)
    @settings(
        max_examples=many,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(what)
    def take(example: Any) -> None:
        found.append(example)

    take()
    return found


def odd_requests(
    document: dict[str, Any], method: str, path: str, operation: dict[str, Any]
) -> st.SearchStrategy[Odd]:
    """Requests of this operation: some that are as the document wants them, others that are not."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")

    wanted = [each["name"].encode() for each in operation.get("parameters", ()) if each["in"] == "query"]
    queries = [each for each in _QUERIES if each.partition(b"=")[0] in wanted] or _QUERIES

    @st.composite
    def one(draw: st.DrawFn) -> Odd:
        def seldom(often: int) -> bool:
            return draw(st.integers(0, often)) == 0

        headers = []
        if seldom(2):
            for name in draw(st.lists(st.sampled_from(sorted(_HEADERS)), max_size=3)):
                headers.append((name, draw(st.sampled_from(_HEADERS[name]))))
        if method == "GET" and path.endswith("/events") and seldom(1):
            headers.append((b"last-event-id", draw(st.sampled_from(_HEADERS[b"last-event-id"]))))
        if operation["operationId"] in ("getRecording", "getVoiceMessage") and seldom(1):
            headers.append((b"range", draw(st.sampled_from(_HEADERS[b"range"]))))
        content = draw(_content(document, body)) if body is not None or seldom(8) else b""
        if content or body is not None:
            odd_type = seldom(8)
            headers.append((b"content-type", draw(st.sampled_from(_TYPES)) if odd_type else _TYPES[0]))
        who = draw(st.sampled_from(CREDENTIALS))
        return Odd(
            operation=f"{method} {path}",
            method=draw(st.sampled_from(_METHODS)) if seldom(12) else method,
            path=tuple(
                literal
                if name is None
                else Part(name, draw(_odd_segment() if seldom(7) else st.integers(0, 99)))
                for literal, name in _parts(path)
            ),
            query=draw(st.sampled_from(queries)) if seldom(1 if wanted else 5) else b"",
            headers=tuple(headers),
            body=content,
            pieces=draw(st.integers(1, 4)),
            who=who,
            by_link=who in LINKS and seldom(3),
        )

    return one()


def sweep(method: str, path: str, operation: dict[str, Any]) -> Iterator[Odd]:
    """Everything odd once in every place of this operation, by one who may do it."""
    parts = _parts(path)
    plain = Odd(
        operation=f"{method} {path}",
        method=method,
        path=tuple(literal if name is None else Part(name, 0) for literal, name in parts),
        query=b"",
        headers=(_JSON,) if "requestBody" in operation else (),
        body=b"{}" if "requestBody" in operation else b"",
        pieces=1,
        who="moderator" if operation["security"] == [{"participant": []}] else "operator",
        by_link=False,
    )
    for number, (_, name) in enumerate(parts):
        for segment in _SEGMENTS if name else ():
            changed = list(plain.path)
            changed[number] = Part(name or "", segment)
            yield replace(plain, path=tuple(changed))
    for query in _QUERIES:
        yield replace(plain, query=query)
    for field, values in _HEADERS.items():
        for value in values:
            yield replace(plain, headers=(*plain.headers, (field, value)))
            if field in (b"origin", b"sec-fetch-site", b"host"):
                yield replace(plain, headers=(*plain.headers, (field, value)), who="cookie")
    for body in _BODIES:
        yield replace(plain, body=body, headers=(_JSON,))
    for kind in _TYPES if plain.body else ():
        yield replace(plain, headers=((b"content-type", kind),))
    for other in _METHODS:
        yield replace(plain, method=other)


def _parts(path: str) -> list[tuple[bytes, str | None]]:
    """Its segments: what is always the same, or the name of a parameter."""
    return [
        (each.encode(), None) if (found := re.fullmatch(r"\{(\w+)\}", each)) is None else (b"", found[1])
        for each in path.strip("/").split("/")
    ]


def _quoted(text: str) -> bytes:
    return quote(text.encode("utf-8", "surrogatepass"), safe="").encode()


#: What stands for nothing in a path.
_SEGMENTS: Final = (
    *(b"-1", b"0", b"9" * 18, b"9" * 19, b"9" * 5_000, b"%C2%B2", b"%D9%A3", b"1.0", b"me"),
    *map(_quoted, _TEXTS[1:]),
    *(b"%FF", b"%ED%A0%80", b"%", b"%zz", b"%2f", b"%2F%2e%2e", b"\xff", b"%00", b"%0A"),
)
_JSON: Final = (b"content-type", b"application/json")


def _odd_segment() -> st.SearchStrategy[bytes]:
    return st.one_of(st.sampled_from(_SEGMENTS), st.text(min_size=1, max_size=20).map(_quoted))


def _content(document: dict[str, Any], schema: dict[str, Any] | None) -> st.SearchStrategy[bytes]:
    odd = st.sampled_from(_BODIES)
    if schema is None:
        return odd
    fits = _fitting(document, schema)
    return st.one_of(fits.map(_coded), fits.map(_coded), _bent(fits).map(_coded), odd)


def _coded(value: Any) -> bytes:
    return json.dumps(value).encode()


@st.composite
def _bent(draw: st.DrawFn, fits: st.SearchStrategy[Any]) -> Any:
    """What would fit, but for a member of another kind, one that is missing, or one too many."""
    value = draw(fits)
    if not isinstance(value, dict):
        return draw(st.sampled_from(_VALUES))
    how = draw(st.integers(0, 3))
    if how == 0:
        value[draw(st.sampled_from(["x", "", "\0", "id", "__class__", "a" * 3_000]))] = draw(
            st.sampled_from(_VALUES)
        )
    elif value and how == 1:
        del value[draw(st.sampled_from(sorted(value)))]
    elif value:
        value[draw(st.sampled_from(sorted(value)))] = draw(st.sampled_from(_VALUES))
    return value


def _fitting(document: dict[str, Any], schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Values of a JSON schema, as far as the document goes with it."""
    if "$ref" in schema:
        found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return _fitting(document, found)
    if "anyOf" in schema:
        return st.one_of(*(_fitting(document, each) for each in schema["anyOf"]))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    match schema["type"]:
        case "null":
            return st.none()
        case "boolean":
            return st.booleans()
        case "integer":
            return st.one_of(st.integers(0, 9), st.integers(schema.get("minimum"), schema.get("maximum")))
        case "number":
            least, most = schema.get("minimum"), schema.get("maximum")
            return st.floats(least, most, allow_nan=False, allow_infinity=False)
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        case "string":
            longest = min(schema.get("maxLength", 40), 40)
            return st.one_of(_targets(), st.text(min_size=schema.get("minLength", 0), max_size=longest))
        case "array":
            least, most = schema.get("minItems", 0), min(schema.get("maxItems", 4), 4)
            return st.lists(_fitting(document, schema["items"]), min_size=least, max_size=most)
        case "object" if "properties" in schema:
            wanted = schema.get("required", ())
            return st.fixed_dictionaries(
                {name: _fitting(document, schema["properties"][name]) for name in wanted},
                optional={
                    name: _fitting(document, each)
                    for name, each in schema["properties"].items()
                    if name not in wanted
                },
            )
        case "object":
            keys = st.text(max_size=10)
            return st.dictionaries(keys, st.text(max_size=10), max_size=3)
        case other:
            raise AssertionError(f"the fuzz knows no schema of type {other}")


def _targets() -> st.SearchStrategy[str]:
    return st.sampled_from(["sip:nobody@127.0.0.1:9", "standup", "echo", "100", "sip:dora@10.0.0.1", "Zoë"])


def choose(choices: Sequence[str], choice: int) -> bytes:
    """One of what there is, as a segment of a path."""
    return quote(choices[choice % len(choices)], safe="").encode()
