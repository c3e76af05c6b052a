"""Which languages somebody wants to hear."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from .headers import Headers

_TAG = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}", re.ASCII)
# More than anybody speaks, for each is looked for.
_MOST = 8


def tag(text: str) -> str | None:
    """``de``, ``de-AT`` of a language tag (RFC 5646); ``de_AT`` (RFC 4240) is the same. None for what is
    none."""
    text = text.strip()
    if _TAG.fullmatch(text) is None:
        return None
    language, *rest = re.split("[-_]", text)
    # As folders are called: regions in capitals, scripts with one.
    subtags = [part.upper() if len(part) == 2 else part.capitalize() for part in rest]
    return "-".join([language.lower(), *subtags])


def accepted(headers: Headers) -> list[str]:
    """Those of Accept-Language (RFC 3261 §20.3), the preferred first; without ``*`` and what is refused
    (``q=0``)."""
    found: list[tuple[float, str]] = []
    for value in ",".join(headers.all("Accept-Language")).split(",")[: 4 * _MOST]:
        name, _, params = value.partition(";")
        language = tag(name)
        quality = _quality(params)
        if language is not None and quality > 0:
            found.append((quality, language))
    # Sorting leaves those that are equally welcome as they stand.
    return [language for _, language in sorted(found, key=lambda one: -one[0])]


def wanted(params: Mapping[str, str], headers: Headers) -> tuple[str, ...]:
    """What a caller wants to hear: the parameter ``language``, else ``locale`` (RFC 4240 §3), then what its
    phone says."""
    said = [tag(params[name]) for name in ("language", "locale") if name in params]
    return _once([*(one for one in said if one is not None), *accepted(headers)])


def _once(languages: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(languages))[:_MOST]


def _quality(params: str) -> float:
    found = re.search(r"(?:^|;)\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*(?:;|$)", params, re.ASCII)
    return 1.0 if found is None else float(found[1])
