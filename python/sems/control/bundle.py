"""One script and one style sheet for a page, made of the small files that people read.

A page of thirty modules would ask for thirty files before it shows anything. Here they are put into one, in
the order in which they need each other, each in a function of its own so that its names stay its own. What is
for readers alone, comments and indents, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin


def script(folder: Path, path: str, instead: Mapping[str, str] | None = None) -> str:
    """The module at ``path`` with all that it imports, as one module. Another file can take the place of
    one: ``{"words/en.js": "words/de.js"}``. Of the object in that, only those properties are taken that some
    module mentions (``words.mute``). Raises ValueError for ways to import or export that aren't
    known here."""
    return _Bundle(folder, instead or {}).of(path)


def style(folder: Path, paths: list[str]) -> str:
    """The style sheets, one after the other."""
    return "\n".join(cssmin((folder / path).read_text("utf-8")) for path in paths)


_IMPORT = re.compile(r'^import (\{[^}]*\}|\* as \w+) from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function|class) (\w+))", re.MULTILINE)


class _Bundle:
    def __init__(self, folder: Path, instead: Mapping[str, str]) -> None:
        self._folder = folder.resolve()
        self._instead = instead
        self._made: dict[str, str] = {}
        """The name of each module that is in it, by its path."""
        self._parts: list[str] = []
        self._mentioned: set[str] = set()
        self._later: list[tuple[int, list[str], str, str]] = []
        """What is put at its place when it is known what of it is mentioned."""

    def of(self, path: str) -> str:
        self._add(path)
        for at, exported, name, source in self._later:
            self._parts[at] = _module(name, exported, _only(source, self._mentioned))
        return "\n".join(self._parts)

    def _add(self, path: str) -> str:
        replaced = path in self._instead
        path = self._instead.get(path, path)
        if path in self._made:
            return self._made[path]
        source = (self._folder / path).read_text("utf-8")

        def take(found: re.Match[str]) -> str:
            other = (self._folder / path).parent / found[2]
            name = self._add(other.resolve().relative_to(self._folder).as_posix())
            if found[1].startswith("*"):
                return f"const {found[1].split()[-1]} = {name};\n"
            return f"const {found[1].replace(' as ', ': ')} = {name};\n"

        source = _IMPORT.sub(take, source)
        if not replaced:
            self._mentioned.update(re.findall(r"\.(\w+)", source))
        exported = _EXPORT.findall(source)
        source = _EXPORT.sub("", source)
        if re.search(r"^(?:import|export)\b", source, re.MULTILINE):
            raise ValueError(f"{path} imports or exports in a way that is not known here")
        name = self._made[path] = f"${len(self._made)}"
        if replaced:
            self._later.append((len(self._parts), exported, name, source))
        self._parts.append(_module(name, exported, source))
        return name


def _module(name: str, exported: list[str], source: str) -> str:
    body = jsmin(source)
    if exported:
        return f"const {name}=(()=>{{{body}\nreturn{{{','.join(exported)}}}}})();"
    return f"(()=>{{{body}\n}})();"


def _only(source: str, wanted: Collection[str]) -> str:
    """The module with those properties alone. Each begins a line, two blanks from the margin."""
    entry = re.compile(r"^  (\w+):.*?,\n(?=  [\w/]|\n|\};)", re.DOTALL | re.MULTILINE)
    return entry.sub(lambda found: found[0] if found[1] in wanted else "", source)
