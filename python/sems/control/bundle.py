"""One script and one style sheet for a page, made of the small files that people read.

A page of thirty modules would ask for thirty files before it shows anything. Here they are put into one, in
the order in which they need each other, each in a function of its own so that its names stay its own. What is
for readers alone, comments and indents, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin


def script(folder: Path, path: str, instead: Mapping[str, str] | None = None) -> str:
    """The module at ``path`` with all that it imports, as one module. Another file can take the place of
    one: ``{"words/en.js": "words/de.js"}``. Raises ValueError for ways to import or export that aren't
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

    def of(self, path: str) -> str:
        self._add(path)
        return "\n".join(self._parts)

    def _add(self, path: str) -> str:
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
        exported = _EXPORT.findall(source)
        source = _EXPORT.sub("", source)
        if re.search(r"^(?:import|export)\b", source, re.MULTILINE):
            raise ValueError(f"{path} imports or exports in a way that is not known here")
        name = self._made[path] = f"${len(self._made)}"
        body = jsmin(source)
        if exported:
            self._parts.append(f"const {name}=(()=>{{{body}\nreturn{{{','.join(exported)}}}}})();")
        else:
            self._parts.append(f"(()=>{{{body}\n}})();")
        return name
