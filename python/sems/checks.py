"""What apps pass to us: a wrong argument is refused at once, with one sentence that names it and says what it
may be. TypeError: it is of another kind than is wanted; ValueError: of the right kind, but none that makes
sense.

Each function is given the name of the argument first.
"""

from __future__ import annotations

import functools
import inspect
import math
import re
import reprlib
from collections.abc import Callable, Collection, Iterable, Mapping
from numbers import Integral, Real
from types import FunctionType, MethodType
from typing import Any, Final

YEAR: Final = 31_536_000.0
"""How many seconds may be waited at the longest."""
RATES: Final = (4000, 192_000)
"""How many samples a second there may be."""
OPENING: Final = frozenset({"max-forwards"})
"""What may be said beside the rest by what belongs to no call yet."""

_TOKEN = re.compile(r"[A-Za-z0-9\-.!%*_+`'~]+")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"\x00-\x20\x7f]+")
_SIP_URI = re.compile(
    r"(?:sips?:(?:[^@\s<>\"]+@)?[^@:;?\s<>\"]|tel:[^;\s])[^\s<>\"\x00-\x20\x7f]*", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LONE = re.compile(r"[\ud800-\udfff]")

# What says how a message travels and between whom, which is ours to write; `Content-Type` has an argument.
_OURS = frozenset({"via", "from", "to", "call-id", "cseq", "contact", "content-length", "content-type"})
_OURS |= {"max-forwards", "route", "record-route", "session-expires", "min-se", "rseq", "rack"}
_COMPACT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length"}
_COMPACT |= {"c": "content-type", "x": "session-expires", "o": "event", "r": "refer-to"}

_METHODS_OF_CALLS = ("INVITE", "ACK", "CANCEL", "BYE", "PRACK", "UPDATE")


def wrong(name: str, allowed: str, value: object, kind: type[Exception] = ValueError) -> Exception:
    """The error that says of an argument what it may be."""
    return kind(f"{name} has to be {allowed}, not {_SHORT.repr(value)}")


# Numbers


def number(name: str, value: object, least: float, most: float, unit: str = "") -> None:
    """A number, never NaN, from ``least`` to ``most``."""
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
    begin = "a number of seconds " + ("above 0 and up to" if more_than_0 else "from 0 to")
    allowed = f"{begin} {YEAR:.0f} (a year){', or None' if none else ''}"
    found = _real(value)
    if found is None:
        raise wrong(name, allowed, value, TypeError)
    if not 0 <= found <= YEAR or (more_than_0 and found == 0):
        raise wrong(name, allowed, value)


def whole(name: str, value: object, least: int, most: int | None = None, *, none: bool = False) -> None:
    """A whole number from ``least`` to ``most`` (None: as large as the core can count)."""
    if none and value is None:
        return
    allowed = f"a whole number {f'from {least} to {most}' if most is not None else f'of at least {least}'}"
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
        whole("rate", value, *RATES)


def gain(name: str, value: object, *, none: bool = False) -> None:
    """So many dB louder; what is softer than can be heard is silence."""
    allowed = f"a number of dB up to 18, or -math.inf{', or None' if none else ''}"
    if none and value is None:
        return
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
    ``lines``: it may have several lines. ``empty``: it may be empty."""
    if none and value is None:
        return
    allowed = f"a text{'' if empty else ' that is not empty'}{', or None' if none else ''}"
    if not isinstance(value, str):
        raise wrong(name, allowed, value, TypeError)
    if not value and not empty:
        raise wrong(name, allowed, value)
    if _LONE.search(value):
        raise wrong(name, f"{allowed}, without half characters (lone surrogates)", value)
    if "\0" in value or (not lines and _CONTROL.search(value)):
        raise wrong(
            name, f"{allowed}, without {'NUL' if lines else 'line ends and control characters'}", value
        )


def one_of(name: str, value: object, *choices: object) -> None:
    """One of a few."""
    allowed = " or ".join(repr(choice) if isinstance(choice, str) else str(choice) for choice in choices)
    if not any(type(value) is type(choice) for choice in choices):
        raise wrong(name, allowed, value, TypeError)
    if value not in choices:
        raise wrong(name, allowed, value)


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


# Of SIP


def uri(name: str, value: object, *, empty: bool = False) -> None:
    """The address of somebody who can be called or asked. Whether it is right to the last letter says the
    core."""
    allowed = "an address such as 'sip:alice@example.org' or 'tel:+4930100'"
    if not isinstance(value, str):
        raise wrong(name, allowed, value, TypeError)
    if not (empty and not value) and (not _SIP_URI.fullmatch(value) or _LONE.search(value)):
        raise wrong(name, allowed, value)


def any_uri(name: str, value: object, *, none: bool = False) -> None:
    """An address of any scheme."""
    if none and value is None:
        return
    allowed = "a URI such as 'sip:alice@example.org'"
    if not isinstance(value, str):
        raise wrong(name, allowed, value, TypeError)
    if not _URI.fullmatch(value) or _LONE.search(value):
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


def body(value: object, content_type: object, *, empty_type: bool = False) -> None:
    """What a request carries, and of which type it is."""
    if isinstance(value, str):
        if _LONE.search(value):
            raise wrong("body", "a text without half characters (lone surrogates)", value)
    elif value is not None and not isinstance(value, bytes):
        raise wrong("body", "bytes, a text or None", value, TypeError)
    text("content_type", content_type)
    assert isinstance(content_type, str)
    kind, slash, rest = content_type.partition(";")[0].strip().partition("/")
    if (content_type or (value is not None and not empty_type)) and not (
        slash and _TOKEN.fullmatch(kind) and _TOKEN.fullmatch(rest)
    ):
        raise wrong("content_type", "a media type such as 'text/plain'", content_type)


# Other kinds


def flag(name: str, value: object) -> None:
    """True or False."""
    if not isinstance(value, bool):
        raise wrong(name, "True or False", value, TypeError)


def kind(name: str, value: object, what: str, *kinds: type) -> None:
    """An object of one of these classes."""
    if not isinstance(value, kinds):
        raise wrong(name, what, value, TypeError)


def callback(name: str, value: object, *, none: bool = False) -> None:
    """What is called when something happens, and not waited for."""
    if none and value is None:
        return
    allowed = f"a function, and no coroutine function{', or None' if none else ''}"
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
