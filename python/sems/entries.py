"""The entry points of other packages, by which they bring apps, codecs, formats of files and components.

They are the work of others, so nothing in them, however wrong, is in the way of the rest.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from importlib.metadata import Distribution, EntryPoint
from typing import Any, NoReturn

from .errors import PluginError, in_one_line, is_failure


def of_group(group: str, *, also_broken: bool = False) -> list[EntryPoint]:
    """All of a group, sorted by name. ``also_broken``: of a package whose list of entry points makes no sense
    there is one that has the name of the package, and can't be loaded."""
    try:
        found = list(importlib.metadata.entry_points(group=group))
    except Exception:
        # One list that makes no sense is enough to get none of them.
        found = [entry for entry in _one_by_one(group) if also_broken or not isinstance(entry, _Nonsense)]
    return sorted(found, key=lambda entry: entry.name)


def load(entry: EntryPoint) -> Any:
    """What the entry point names. Raises PluginError for one that names nothing, and whatever its package
    raises."""
    if not isinstance(entry, _Nonsense) and entry.pattern.match(entry.value) is None:
        raise PluginError(f'its entry point is {entry.value!r}, which is not as "package.module:name"')
    return entry.load()


def origin(entry: EntryPoint) -> str:
    """The package that brings it, and its version."""
    if entry.dist is None:
        return entry.value
    try:
        # A package may have lost the file that says how it is called.
        return f"{entry.dist.name or entry.value} {entry.dist.version or ''}".rstrip()
    except Exception:
        return entry.value


def why_not(error: BaseException) -> str:
    """Why something that another brings can't be used, in one line; passes on what is not its failure."""
    if not is_failure(error):
        raise error
    return in_one_line(error)


class _Nonsense(EntryPoint):
    """Stands for the entry points of a package that nobody can read."""

    def load(self) -> NoReturn:
        raise PluginError(self.value)


def _one_by_one(group: str) -> Iterator[EntryPoint]:
    seen = set()
    for package in importlib.metadata.distributions():
        name = _name(package)
        # The first that Python finds hides others of its name.
        if name in seen:
            continue
        seen.add(name)
        try:
            yield from [entry for entry in package.entry_points if entry.group == group]
        except Exception as error:
            yield _nonsense(name, error, group, package)


def _name(package: Distribution) -> str:
    try:
        return package.name or str(getattr(package, "_path", "?"))
    except Exception:
        return str(getattr(package, "_path", "?"))


def _nonsense(name: str, error: Exception, group: str, package: Distribution) -> EntryPoint:
    entry = _Nonsense(name, f"its entry_points.txt makes no sense: {in_one_line(error)}", group)
    vars(entry).update(dist=package)
    return entry
