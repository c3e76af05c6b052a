"""What somebody dials: a name, a number or an address, read so strictly that nothing else fits in.

Who dials may not be who pays, so what can't be told apart from a trick is refused: escapes, header fields
(``?``), passwords, ``maddr`` and all other parameters but ``transport`` and ``user=phone``, and hosts that
are numbers in other spellings than ``192.0.2.1`` and ``[2001:db8::1]``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from typing import Final

#: The longest that can be dialled, in characters.
LONGEST: Final = 255

_LOOPBACK: Final = IPv4Network("127.0.0.0/8")
# RFC 3261 §25.1 has more characters in a user part; those that mean something elsewhere are left out.
_USER = r"[A-Za-z0-9\-_.!~*'()+$=]{1,128}"
# The last label begins with a letter, or the whole would be a number.
_NAME = r"(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?P<v4>\d{{1,3}}(?:\.\d{{1,3}}){{3}})|\[(?P<v6>[0-9A-Fa-f:.]{{2,45}})\]|(?P<name>{_NAME})"
_PLACE = re.compile(rf"(?:{_HOST})(?::(?P<port>\d{{1,5}}))?", re.ASCII)
_ADDRESS = re.compile(
    rf"(?:(?P<scheme>sips?):)?(?:(?P<user>{_USER})@)?(?:{_HOST})(?::(?P<port>\d{{1,5}}))?(?P<params>(?:;[^;]*)*)",
    re.ASCII | re.IGNORECASE,
)
_NUMBER = re.compile(r"(?:tel:)?(?P<number>\+?[\d\-. ()/]{1,64})", re.ASCII | re.IGNORECASE)
_SEPARATORS = str.maketrans("", "", "-. ()/")
_PARAMS = frozenset({"transport=udp", "transport=tcp", "transport=tls", "user=phone"})


@dataclass(frozen=True, slots=True)
class Place:
    """A host, perhaps with a port."""

    host: str
    """A name in lower case, or an address as text, of IPv6 without brackets."""
    port: int | None = None

    @classmethod
    def parse(cls, text: str) -> Place:
        """Reads ``pbx.example``, ``192.0.2.1:5070`` and the like. Raises ValueError."""
        return _place(_PLACE.fullmatch(text))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """It is this machine, and nobody need be asked to know that: 127.0.0.0/8, ::1 or ``localhost``."""
        if self.host == "localhost":
            return True
        try:
            address = ip_address(self.host)
        except ValueError:
            return False
        # IPv4 in IPv6 (::ffff:127.0.0.1) is nothing that anybody would dial.
        return address in _LOOPBACK if isinstance(address, IPv4Address) else address == IPv6Address("::1")


@dataclass(frozen=True, slots=True)
class Address:
    """A SIP address that can be called."""

    scheme: str
    user: str
    """Empty if there is none."""
    place: Place
    transport: str | None = None

    @classmethod
    def parse(cls, text: str) -> Address:
        """Reads ``sip:anna@example.com`` and, without the scheme, ``anna@example.com``. Raises ValueError."""
        found = _ADDRESS.fullmatch(text)
        if found is None or len(text) > LONGEST or (found["scheme"] is None and found["user"] is None):
            raise ValueError(
                f"{text[:LONGEST]!r} is no address that can be called, such as sip:anna@example.com"
            )
        given = [param for param in found["params"].lower().split(";") if param]
        names = [param.partition("=")[0] for param in given]
        if not _PARAMS.issuperset(given) or len(set(names)) < len(names):
            raise ValueError("an address that is called has no parameters but transport")
        transport = next((param.partition("=")[2] for param in given if param.startswith("transport=")), None)
        return cls((found["scheme"] or "sip").lower(), found["user"] or "", _place(found), transport)

    def __str__(self) -> str:
        """The canonical form, without parameters: what patterns are compared with."""
        return f"{self.scheme}:{self.user}@{self.place}" if self.user else f"{self.scheme}:{self.place}"

    @property
    def uri(self) -> str:
        """What is called."""
        return str(self) if self.transport is None else f"{self};transport={self.transport}"


def number_in(text: str) -> str | None:
    """The number without what makes it easier to read, if the text is one: ``+49 (30) 123-45`` and
    ``tel:+4930123`` are; ``None``: it is something else."""
    found = _NUMBER.fullmatch(text)
    number = found["number"].translate(_SEPARATORS) if found else ""
    return number if number.lstrip("+") else None


def _place(found: re.Match[str] | None) -> Place:
    if found is None:
        raise ValueError("a host is wanted, such as pbx.example.com or 192.0.2.1:5070")
    port = None if found["port"] is None else int(found["port"])
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"there is no port {port}")
    if found["name"] is not None:
        if len(found["name"]) > 253:
            raise ValueError("no host has so long a name")
        return Place(found["name"].lower(), port)
    address = IPv4Address(found["v4"]) if found["v4"] is not None else IPv6Address(found["v6"])
    return Place(str(address), port)
