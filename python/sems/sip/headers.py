"""SIP header fields, addresses and URIs, as far as an app reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import overload
from urllib.parse import unquote

from .. import checks

_FIELDS = "a list of names and values, such as [('Subject', 'Lunch')]"
_FIELD = "a name and its value, such as ('Subject', 'Lunch')"
# RFC 3261 §7.3.3 and the extensions that define a compact form.
_COMPACT = {
    "a": "accept-contact",
    "b": "referred-by",
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "o": "event",
    "r": "refer-to",
    "s": "subject",
    "t": "to",
    "u": "allow-events",
    "v": "via",
    "x": "session-expires",
}


# The names come in few spellings, and each look-up asks for all of a message.
@lru_cache(maxsize=1024)
def _canonical(name: str) -> str:
    name = name.lower()
    return _COMPACT.get(name, name)


class Headers:
    """Header fields in the order of the message; names match in any case and in compact form.

    >>> headers = Headers([("Subject", "Lunch"), ("Via", "a"), ("v", "b")])
    >>> headers["s"], headers.all("via"), headers.get("Call-Info")
    ('Lunch', ['a', 'b'], None)
    """

    __slots__ = ("_fields", "_first")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        """``fields``: names and values, in order."""
        if isinstance(fields, str | bytes | Mapping) or not isinstance(fields, Iterable):
            raise checks.wrong("fields", _FIELDS, fields, TypeError)
        self._fields = tuple(fields)
        for each in self._fields:
            if not (isinstance(each, tuple) and list(map(type, each)) == [str, str]):
                raise checks.wrong("each of fields", _FIELD, each, TypeError)
        self._first: dict[str, str] | None = None

    @classmethod
    def of_message(cls, fields: Iterable[tuple[str, str]]) -> Headers:
        """For what the core tells of: they are what they have to be, so nothing is looked at."""
        headers = cls.__new__(cls)
        headers._fields = tuple(fields)
        headers._first = None
        return headers

    def _by_name(self) -> dict[str, str]:
        """The first value of each name; few names have more."""
        # An app asks for none, or for several.
        if self._first is None:
            # From the last on, so that the first stays.
            self._first = {_canonical(name): value for name, value in reversed(self._fields)}
        return self._first

    @overload
    def get(self, name: str) -> str | None: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value of that name."""
        checks.kind("name", name, "a text", str)
        if default is not None:
            checks.kind("default", default, "a text, or None", str)
        return self._by_name().get(_canonical(name), default)

    @staticmethod
    def canonical(name: str) -> str:
        """A name in small letters, a compact form (RFC 3261 §7.3.3) written out."""
        checks.kind("name", name, "a text", str)
        return _canonical(name)

    def all(self, name: str) -> list[str]:
        """Every value of that name, in order, one for each line of the message."""
        checks.kind("name", name, "a text", str)
        name = _canonical(name)
        if name not in self._by_name():
            return []
        return [value for other, value in self._fields if _canonical(other) == name]

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"Headers({list(self._fields)!r})"


@dataclass(frozen=True, slots=True)
class SipUri:
    """A ``sip:``, ``sips:`` or ``tel:`` URI in its parts (RFC 3261 §19.1, RFC 3966).

    >>> uri = SipUri.parse("sip:anna@example.org:5070;transport=tcp")
    >>> uri.user, uri.host, uri.port, uri.params
    ('anna', 'example.org', 5070, {'transport': 'tcp'})
    """

    scheme: str
    """``sip``, ``sips`` or ``tel``."""
    user: str
    """Unescaped, without password; the number of a ``tel:`` URI, without visual separators; empty when there
    is none."""
    host: str
    """Lower case; an IPv6 address without its brackets."""
    port: int | None = None
    """1 to 65535; None: it is not said."""
    params: dict[str, str] = field(default_factory=dict)
    """Names in lower case, values unescaped; a parameter without a value has ``""``."""

    @classmethod
    def parse(cls, text: str) -> SipUri:
        """Reads what can be read; what can't stays empty. Never raises: the core has checked the grammar."""
        scheme, _, rest = text.strip().partition(":")
        scheme = scheme.lower()
        if scheme == "tel":
            number, _, tail = rest.partition(";")
            number = number.translate(_NO_SEPARATORS)
            return cls(scheme, number, "", None, parse_params(tail, escaped=True))
        # The user part may hold ; and ? as they are, while what follows the host can hold no @
        # (RFC 3261 §25.1).
        userinfo, at, hostpart = rest.rpartition("@")
        if not at:
            userinfo, hostpart = "", rest
        hostport, _, tail = hostpart.partition("?")[0].partition(";")
        host, port = split_host_port(hostport)
        user = userinfo.partition(":")[0]
        return cls(
            scheme,
            unquote(user) if "%" in user else user,
            host.lower(),
            port,
            parse_params(tail, escaped=True) if tail else {},
        )


def split_host_port(text: str) -> tuple[str, int | None]:
    """``"host:port"``, ``"[v6]:port"`` or a bare host in its two parts; a port that is no number is None."""
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
    else:
        host, port = text, ""
    return host, int(port) if port.isascii() and port.isdigit() else None


def join_host_port(host: str, port: int) -> str:
    """The two parts as ``"host:port"``, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


# What makes a telephone number easier to read, and nothing else (RFC 3966 §5.1.1).
_NO_SEPARATORS = str.maketrans("", "", "-.()")

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)")
_PARAM = re.compile(
    r"""\s* (?P<name>[^=;\s]+) \s*
        (?: = \s* (?: "(?P<quoted>(?:[^"\\]|\\.)*)" | (?P<plain>[^;]*?) ) \s* )? (?:;|$)""",
    re.VERBOSE | re.DOTALL,
)


def parse_params(text: str, *, escaped: bool = False) -> dict[str, str]:
    """``key=value;key="quoted; value";flag`` as a dictionary.

    Names become lower case; the last of two equal names wins. ``escaped``: values are %-unescaped.
    """
    params: dict[str, str] = {}
    if not text:
        return params
    for match in _PARAM.finditer(text):
        quoted, plain = match["quoted"], match["plain"]
        value = _unescape(quoted) if quoted is not None else (plain or "").strip()
        params[match["name"].lower()] = unquote(value) if escaped else value
    return params


def _unescape(text: str) -> str:
    """The text between the quotes of a quoted-string."""
    return _ESCAPED.sub(r"\1", text) if "\\" in text else text


def quote(text: str) -> str:
    """A quoted-string (RFC 3261 §25.1); control characters become spaces."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    return '"' + printable.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True, slots=True)
class NameAddr:
    """The address of a From, To or Contact header field (RFC 3261 §20.10).

    >>> NameAddr.parse('"Anna Meier" <sip:anna@example.org>;tag=7')
    NameAddr(name='Anna Meier', uri='sip:anna@example.org')
    """

    name: str
    """Display name without its quotes, otherwise unaltered; empty when there is none."""
    uri: str
    """The URI, without the angle brackets."""

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Reads ``"Name" <sip:…>;tag=…``, ``Name <sip:…>`` and ``sip:…;tag=…``. Never raises."""
        text = text.strip()
        if text.startswith('"'):
            quoted = _QUOTED.match(text)
            if quoted:
                name = _unescape(quoted[1])
                rest = text[quoted.end() :]
                return cls(name, rest.partition("<")[2].partition(">")[0] or rest.strip())
        name, bracket, rest = text.partition("<")
        if bracket:
            return cls(name.strip(), rest.partition(">")[0])
        # Without brackets, parameters belong to the header field and not to the URI.
        return cls("", text.partition(";")[0].strip())
