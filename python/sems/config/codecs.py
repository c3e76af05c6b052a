"""How codecs are called: those of SEMS, and those that other packages bring."""

from __future__ import annotations

import importlib.metadata

GROUP = "sems.audio"
"""The entry points under which packages bring codecs: ``NAME = "module:capsule"``."""

SHIPPED = ("opus", "G722", "PCMU", "PCMA", "L16")
"""Those that SEMS has itself."""


def codec(name: str) -> str:
    """The name of a codec as it is written here. Raises ValueError for one that is not there."""
    there = [*SHIPPED, *(entry.name for entry in importlib.metadata.entry_points(group=GROUP))]
    for known in there:
        if known.lower() == name.lower():
            return known
    raise ValueError(f"a codec is wanted that is here: {', '.join(there)}")
