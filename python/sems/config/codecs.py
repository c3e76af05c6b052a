"""How codecs are called: those of SEMS, and those that other packages bring."""

from __future__ import annotations

from collections.abc import Iterable

from .. import entries

GROUP = "sems.audio"
"""The entry points under which packages bring codecs, ``NAME = "module:capsule"``, and formats of files."""

SHIPPED = ("opus", "G722", "PCMU", "PCMA", "L16")
"""Those that SEMS has itself."""


def codec(name: str) -> str:
    """The name of a codec as it is written here. Raises ValueError for one that is not there."""
    found = _same(name, SHIPPED)
    if found is None:
        # Packages are only looked for where they are needed: there may be many.
        brought = [entry.name for entry in entries.of_group(GROUP)]
        found = _same(name, brought)
        if found is None:
            raise ValueError(f"a codec is wanted that is here: {', '.join([*SHIPPED, *brought])}")
    return found


def _same(name: str, known: Iterable[str]) -> str | None:
    return next((one for one in known if one.lower() == name.lower()), None)
