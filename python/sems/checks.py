"""What apps pass to us: a wrong argument is refused at once, with one sentence that names it and says what it
may be. TypeError: it is of another kind than is wanted; ValueError: of the right kind, but none that makes
sense.

Each function is given the name of the argument first.
"""

from __future__ import annotations

import functools
import inspect
import ipaddress
import math
import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from numbers import Integral, Real
from os import PathLike, fspath
from os.path import splitext
from types import FunctionType, MethodType
from typing import Any, Final, TypeVar, cast

YEAR: Final = 31_536_000.0
"""How many seconds may be waited at the longest."""
RATES: Final = (1000, 768_000)
"""How many samples a second there may be."""
HIGHEST: Final = 2**64 - 1
"""The highest number of anything."""
OPENING: Final = frozenset({"max-forwards"})
"""What may be said beside the rest by what belongs to no call yet."""

_Decorator = TypeVar("_Decorator", bound=Callable[..., Any])

_NUMBERS = (int, float)
_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"\x00-\x20\x7f]+")
_SIP_URI = re.compile(
    r"(?:sips?:(?:[^@\s<>\"\x00-\x20\x7f]+@)?[^@:;?\s<>\"\x00-\x20\x7f]|tel:[^;\s\x00-\x20])"
    r"[^\s<>\"\x00-\x20\x7f]*",
    re.IGNORECASE,
)
_PLACE = re.compile(
    r"(?:(?:udp|tcp|tls):)?(?:\[(?P<v6>[^\]]+)\]|(?P<host>[0-9.]+)):(?P<port>\d{1,5})(?:;name=[!-:<-~]+)?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LANGUAGE = re.compile(r"[A-Za-z0-9]+(?:[-_][A-Za-z0-9]+)*")
# Others stand for bytes in the names of files that are no text (PEP 383).
_LONE_IN_PATHS = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
_LONE = re.compile(r"[\ud800-\udfff]")

# What says how a message travels and between whom, which is ours to write; `Content-Type` has an argument.
_OURS = frozenset({"via", "from", "to", "call-id", "cseq", "contact", "content-length", "content-type"})
_OURS |= {"max-forwards", "route", "record-route", "session-expires", "min-se", "rseq", "rack"}
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
_COMPACT |= {"c": "content-type", "x": "session-expires", "o": "event", "r": "refer-to"}

_KEYS = frozenset("0123456789*#ABCD")
_KEYS_ALLOWED = "keys of a telephone (0–9, *, # and A–D)"

_METHODS_OF_CALLS = ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE")


def wrong(name: str, allowed: str, value: object, kind: type[Exception] = ValueError) -> Exception:
    """The error that says of an argument what it may be."""
    return kind(f"{name} has to be {allowed}, not {_SHORT.repr(value)}")


# Numbers


def number(name: str, value: object, least: float, most: float, unit: str = "") -> None:
    """A number, never NaN, from ``least`` to ``most``."""
    # What is right is so at a glance; what is wrong may take its time. Below as well.
    if type(value) in _NUMBERS and least <= value <= most:  # type: ignore[operator]
        return
    allowed = f"a number{unit and f' of {unit}'} from {_told(least)} to {_told(most)}"
    found = _real(value)
    if found is None:
        raise wrong(name, allowed, value, TypeError)
    if not least <= found <= most:
        raise wrong(name, allowed, value)


def seconds(name: str, value: object, *, more_than_0: bool = False, none: bool = False) -> None:
    """A time in seconds, at most a year. ``more_than_0``: 0 is none. ``none``: None is one."""
    if none and value is None:
        return
    if type(value) in _NUMBERS and 0 < value <= YEAR:  # type: ignore[operator]
        return
    begin = "a number of seconds " + ("above 0 and up to" if more_than_0 else "from 0 to")
    allowed = f"{begin} {YEAR:.0f} (a year){', or None' if none else ''}"
    found = _real(value)
    if found is None:
        raise wrong(name, allowed, value, TypeError)
    if not 0 <= found <= YEAR or (more_than_0 and found == 0):
        raise wrong(name, allowed, value)


def whole(
    name: str, value: object, least: int, most: int | None = None, *, none: bool = False, unit: str = ""
) -> None:
    """A whole number from ``least`` to ``most`` (None: as large as the core can count)."""
    if none and value is None:
        return
    if type(value) is int and least <= value <= (0xFFFF_FFFF if most is None else most):
        return
    allowed = (
        f"a whole number {unit}{f'from {least} to {most}' if most is not None else f'of at least {least}'}"
    )
    allowed += ", or None" if none else ""
    found = _integral(value)
    if found is None:
        raise wrong(name, allowed, value, TypeError)
    if not least <= found <= (0xFFFF_FFFF if most is None else most):
        raise wrong(name, allowed, value)


def rate(value: object) -> None:
    """How many samples there are a second."""
    # Asked for each block that is written.
    if type(value) is not int or not RATES[0] <= value <= RATES[1]:
        whole("rate", value, *RATES, unit="of Hz ")


def gain(name: str, value: object, *, none: bool = False) -> None:
    """So many dB louder; what is softer than can be heard is silence."""
    if none and value is None:
        return
    if type(value) in _NUMBERS and value <= 18:  # type: ignore[operator]
        return
    allowed = f"a number of dB up to 18, or -math.inf{', or None' if none else ''}"
    found = _real(value)
    if found is None:
        raise wrong(name, allowed, value, TypeError)
    if math.isnan(found) or found > 18:
        raise wrong(name, allowed, value)


def _real(value: object) -> float | None:
    if not isinstance(value, Real) or isinstance(value, bool):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _integral(value: object) -> int | None:
    return int(value) if isinstance(value, Integral) and not isinstance(value, bool) else None


# Texts


def text(name: str, value: object, *, empty: bool = True, none: bool = False, lines: bool = False) -> None:
    """A text that can be sent: without half a character (a lone surrogate), and without control characters.
    ``lines``: it may have several lines, and whatever else. ``empty``: it may be empty."""
    if none and value is None:
        return
    if type(value) is str and value.isascii() and value.isprintable() and (value or empty):
        return
    allowed = f"a text{'' if empty else ' that is not empty'}{', or None' if none else ''}"
    if not isinstance(value, str):
        raise wrong(name, allowed, value, TypeError)
    if not value and not empty:
        raise wrong(name, allowed, value)
    if _LONE.search(value):
        raise wrong(name, f"{allowed}, without half characters (lone surrogates)", value)
    if not lines and _CONTROL.search(value):
        raise wrong(name, f"{allowed}, without line ends and control characters", value)


def display_name(name: str, value: object) -> None:
    """What somebody is called, which is quoted where it is sent."""
    text(name, value, lines=True)
    if isinstance(value, str) and not {"\r", "\n", "\0"}.isdisjoint(value):
        raise wrong(name, "a text without line ends and NUL", value)


def params(name: str, value: object) -> None:
    """Parameters of an app, texts by their names; None: there are none."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise wrong(name, "a mapping of names to texts, or None", value, TypeError)
    for each, told in value.items():
        text(f"each name in {name}", each, empty=False)
        text(f"{each} in {name}", told, lines=True)


def one_of(name: str, value: object, *choices: object) -> None:
    """One of a few."""
    for choice in choices:
        if value is choice:
            return
    allowed = " or ".join(repr(choice) if isinstance(choice, str) else str(choice) for choice in choices)
    if not any(type(value) is type(choice) for choice in choices):
        raise wrong(name, allowed, value, TypeError)
    if value not in choices:
        raise wrong(name, allowed, value)


def is_token(value: str) -> bool:
    """Whether it is one word, as RFC 3261 §25.1 has it."""
    return _TOKEN.fullmatch(value) is not None


def token(name: str, value: object, what: str = "a name of SIP (letters, digits and -.!%*_+`'~)") -> None:
    """One word, as RFC 3261 §25.1 has it."""
    if not isinstance(value, str):
        raise wrong(name, what, value, TypeError)
    if not _TOKEN.fullmatch(value):
        raise wrong(name, what, value)


def texts(name: str, value: object, *, none: bool = False) -> None:
    """Several texts, in a list or the like."""
    if none and value is None:
        return
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise wrong(name, f"a list of texts{', or None' if none else ''}", value, TypeError)
    for each in value:
        text(f"each of {name}", each, empty=False)


def language(name: str, value: object, *, empty: bool = False, none: bool = False) -> None:
    """A language, such as ``de`` or ``pt-BR``."""
    if none and value is None:
        return
    allowed = f"a language such as 'en' or 'pt-BR'{', or None' if none else ''}"
    if not isinstance(value, str):
        raise wrong(name, allowed, value, TypeError)
    if (value or not empty) and not _LANGUAGE.fullmatch(value):
        raise wrong(name, allowed, value)


def keys(name: str, value: object) -> None:
    """Keys of a telephone, in a text."""
    if not isinstance(value, str):
        raise wrong(name, _KEYS_ALLOWED, value, TypeError)
    if not set(value) <= _KEYS:
        raise wrong(name, _KEYS_ALLOWED, value)


def pattern(name: str, value: object) -> None:
    """A regular expression for a whole, or None."""
    allowed = r"a regular expression such as r'\d{4,6}', or None"
    if not isinstance(value, str | re.Pattern | None):
        raise wrong(name, allowed, value, TypeError)
    try:
        re.compile(value or "")
    except (re.error, RecursionError, OverflowError):
        raise wrong(name, allowed, value) from None


def path(name: str, value: object, *, endings: Collection[str] | None = None) -> None:
    """The path of a file or a folder. ``endings``: how its name may end, if at all."""
    if not isinstance(value, str | PathLike):
        raise wrong(name, "the path of a file", value, TypeError)
    told = fspath(value)
    if not isinstance(told, str) or not told or "\0" in told or _LONE_IN_PATHS.search(told):
        raise wrong(name, "the path of a file", value)
    if endings is not None and (ending := splitext(told)[1].lower()) and ending not in endings:
        raise wrong(name, f"a file whose name ends in {', '.join(endings)} or nothing", value)


# Of SIP


def can_be_called(value: str) -> bool:
    """It is the address of somebody who can be called."""
    return bool(_SIP_URI.fullmatch(value)) and not _LONE.search(value)


def uri(name: str, value: object, *, empty: bool = False) -> None:
    """The address of somebody who can be called or asked. Whether it is right to the last letter says the
    core."""
    allowed = "an address such as 'sip:alice@example.org' or 'tel:+4930100'"
    if not isinstance(value, str):
        raise wrong(name, allowed, value, TypeError)
    if (value or not empty) and not can_be_called(value):
        raise wrong(name, allowed, value)


def is_uri(value: str) -> bool:
    """It is an address of some scheme."""
    return bool(_URI.fullmatch(value)) and not _LONE.search(value)


def any_uri(name: str, value: object, *, none: bool = False) -> None:
    """An address of any scheme."""
    if none and value is None:
        return
    allowed = "a URI such as 'sip:alice@example.org'"
    if not isinstance(value, str):
        raise wrong(name, allowed, value, TypeError)
    if not is_uri(value):
        raise wrong(name, allowed, value)


def method(name: str, value: object) -> None:
    """A method whose requests are sent or taken as they are: none of those that make calls."""
    token(name, value, "the name of a method, such as 'INFO'")
    if value in _METHODS_OF_CALLS:
        *most, last = _METHODS_OF_CALLS
        raise wrong(name, f"any method but those of calls ({', '.join(most)} and {last})", value)


def code(value: object, least: int, most: int) -> None:
    """The code of a response."""
    whole("code", value, least, most)


def headers(
    value: object, *, may: Collection[str] = frozenset(), ours: Collection[str] = frozenset()
) -> list[tuple[str, str]]:
    """Header fields, each a name and a value, as a list. ``may``: names in small letters that are ours to
    write elsewhere; ``ours``: others that are ours here."""
    if type(value) is tuple and not value:
        return []
    allowed = "pairs of a name and a value, such as [('X-Desk', '7')]"
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        raise wrong("headers", allowed, value, TypeError)
    fields = list(value)
    for field in fields:
        if not isinstance(field, tuple | list) or len(field) != 2:
            raise wrong("headers", allowed, field, TypeError)
        name, content = field
        token("the name of a header field in headers", name)
        text(f"the value of {name} in headers", content)
        own_header(name, may=may, ours=ours)
    return fields


def own_header(
    name: str,
    argument: str = "headers",
    *,
    may: Collection[str] = frozenset(),
    ours: Collection[str] = frozenset(),
) -> None:
    """No header field that SEMS writes itself."""
    plain = _COMPACT.get(name.lower(), name.lower())
    if (plain in _OURS and plain not in may) or plain in ours:
        raise ValueError(f"{argument} can't hold {name}, which SEMS writes itself in this message")


def sendable(name: str, value: str) -> bool:
    """Whether a header field that came in may go out again, as far as its characters go."""
    return bool(_TOKEN.fullmatch(name)) and not _CONTROL.search(value) and not _LONE.search(value)


def one_line(reason: str) -> str:
    """What somebody else has said, as a phrase that can be sent."""
    return _LONE.sub("?", _CONTROL.sub(" ", reason))


def is_media_type(content_type: str) -> bool:
    """``text/plain``, with parameters or without."""
    kind, slash, rest = content_type.partition(";")[0].strip().partition("/")
    fits = slash and _TOKEN.fullmatch(kind) and _TOKEN.fullmatch(rest)
    return bool(fits) and not _CONTROL.search(content_type) and not _LONE.search(content_type)


def body(value: object, content_type: object, *, empty_type: bool = False) -> None:
    """What a request carries, and of which type it is."""
    if isinstance(value, str):
        if _LONE.search(value):
            raise wrong("body", "a text without half characters (lone surrogates)", value)
    elif value is not None and not isinstance(value, bytes):
        raise wrong("body", "bytes, a text or None", value, TypeError)
    text("content_type", content_type)
    assert isinstance(content_type, str)
    if (content_type or (value is not None and not empty_type)) and not is_media_type(content_type):
        raise wrong("content_type", "a media type such as 'text/plain'", content_type)


def destination(name: str, value: object) -> None:
    """Where something is sent: one address and port, or several that are tried one after the other; None: not
    said."""
    if value is None:
        return
    allowed = "an address and a port such as '192.0.2.1:5060' or 'tls:192.0.2.1:5061', or a list of these"
    several = [value] if isinstance(value, str) else value
    if not isinstance(several, Collection) or isinstance(several, bytes):
        raise wrong(name, allowed, value, TypeError)
    if not several:
        raise wrong(name, allowed, value)
    for each in several:
        if not isinstance(each, str):
            raise wrong(name, allowed, each, TypeError)
        found = _PLACE.fullmatch(each)
        try:
            if found is None or not 0 < int(found["port"]) <= 0xFFFF:
                raise ValueError
            ipaddress.ip_address((found["host"] or found["v6"]).partition("%")[0])
        except ValueError:
            raise wrong(name, allowed, each) from None


def way(name: str, value: object) -> None:
    """The proxies on the way; None: not said."""
    if value is None:
        return
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise wrong(name, "a list of URIs, or None", value, TypeError)
    for each in value:
        any_uri(f"each of {name}", each)


def privacy(name: str, value: object) -> None:
    """What is to be kept private (RFC 3323 §4.2)."""
    if isinstance(value, str | bytes) or not isinstance(value, Collection):
        raise wrong(name, "a list of words such as 'id'", value, TypeError)
    for each in value:
        token(f"each of {name}", each, "a word such as 'id'")


def from_uri(name: str, value: object) -> None:
    """Who calls; empty: as configured."""
    if value != "":
        any_uri(name, value)


_HOW: dict[str, Callable[[str, Any], None]] = {
    "destination": destination,
    "route": way,
    "from_name": display_name,
    "from_uri": from_uri,
    "asserted_identity": functools.partial(text, empty=False, none=True),
    "privacy": privacy,
    "username": functools.partial(text, none=True),
    "password": functools.partial(text, none=True),
    "realm": functools.partial(text, none=True),
    "account": functools.partial(text, none=True),
}
_HOW_INVITE = _HOW | {
    "to_uri": functools.partial(uri, empty=True),
    "link": functools.partial(any_uri, none=True),
    "focus": lambda name, value: flag(name, value),
    "reliable": lambda name, value: flag(name, value),
    "codecs": texts,
}


def sending(
    how: MutableMapping[str, Any],
    *,
    invite: bool = False,
    may: Collection[str] = OPENING,
    ours: Collection[str] = frozenset(),
) -> None:
    """How something is sent that belongs to no call yet. What can be looked at only once is made a list of.
    ``invite``: it is a call, or several. ``may``, ``ours``: as for :func:`headers`."""
    known = _HOW_INVITE if invite else _HOW
    for name in how:
        if name == "headers":
            how[name] = headers(how[name], may=may, ours=ours)
            continue
        if name not in known:
            raise TypeError(f"there is no argument {name!r}")
        if name == "privacy" and isinstance(how[name], Iterable) and not isinstance(how[name], str | bytes):
            how[name] = list(how[name])
        known[name](name, how[name])


def forking(serial: object, timeout: object, ring: object, placed: object, follow_redirects: object) -> None:
    """How several are called."""
    flag("serial", serial)
    seconds("timeout", timeout, more_than_0=True)
    seconds("ring", ring, more_than_0=True, none=True)
    callback("placed", placed, none=True)
    if not isinstance(follow_redirects, bool):
        callback("follow_redirects", follow_redirects, allowed="True, False or a function such as way_on")


# Other kinds


def flag(name: str, value: object) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(name, "True or False", value, TypeError)


def call(name: str, value: object, verb: str = "whisper") -> None:
    """A call, or what else has such a verb: classes are not known down here."""
    if isinstance(value, type) or not hasattr(value, verb):
        raise wrong(name, "a call", value, TypeError)


def kind(name: str, value: object, what: str, *kinds: type) -> None:
    """An object of one of these classes."""
    if not isinstance(value, kinds):
        raise wrong(name, what, value, TypeError)


def callback(name: str, value: object, *, none: bool = False, allowed: str = "") -> None:
    """What is called when something happens, and not waited for."""
    if none and value is None:
        return
    allowed = allowed or f"a function, and no coroutine function{', or None' if none else ''}"
    if not callable(value) or inspect.iscoroutinefunction(_plain(value)):
        raise wrong(name, allowed, value, TypeError)


def handler(value: object, what: str, *takes: str) -> None:
    """A coroutine function of an app. ``what``: what it is for; ``takes``: what it is called with. Says
    where it is."""
    plain = _plain(value)
    if not isinstance(plain, FunctionType | MethodType):
        is_object = callable(plain) and not inspect.isclass(plain)
        if is_object and inspect.iscoroutinefunction(type(plain).__call__):
            return
        raise wrong(what, "a coroutine function (async def)", value, TypeError)
    # That what a lambda returns can be waited for is not to be seen.
    is_lambda = plain.__name__ == "<lambda>"
    if not is_lambda and not inspect.iscoroutinefunction(plain):
        more = ", without yield" if inspect.isasyncgenfunction(plain) else ""
        raise TypeError(f"{what} has to be a coroutine function (async def{more}), not {where(plain)}")
    try:
        inspect.signature(value).bind(*takes)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{what} has to take {' and '.join(takes)}: {where(plain)} does not") from None
    except ValueError:
        # Nothing tells what it takes.
        pass


def without_brackets(decorator: _Decorator) -> _Decorator:
    """Of a method that is written above a function or a class: who calls it first is told how."""
    name = decorator.__name__

    @functools.wraps(decorator)
    def decorate(self: object, *decorated: object, **named: object) -> object:
        if not decorated and not named:
            raise TypeError(f"@app.{name} is written without brackets, in the line above what it is for")
        return decorator(self, *decorated, **named)

    return cast(_Decorator, decorate)


def where(function: FunctionType | MethodType) -> str:
    """What a function is called, and where it is."""
    told = function.__code__
    return f"{function.__qualname__}() in line {told.co_firstlineno} of {told.co_filename}"


def _plain(value: Any) -> Callable[..., Any] | Any:
    """The function below decorators that have kept it, and below arguments that are given already."""
    while True:
        if isinstance(value, functools.partial):
            value = value.func
        elif (below := getattr(value, "__wrapped__", None)) is not None and not inspect.iscoroutinefunction(
            value
        ):
            value = below
        else:
            return value


def _told(number: float) -> str:
    return {math.inf: "infinity", -math.inf: "-infinity"}.get(number) or f"{number:g}"


class _Short(reprlib.Repr):
    """Values as they are shown in errors."""

    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = 60


_SHORT = _Short()
