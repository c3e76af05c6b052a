"""One script and one style sheet for a page, made of the small files that people read.

A page of thirty modules would ask for thirty files before it shows anything. Here they are put into one, in
the order in which they need each other. A module whose names nobody else has stands as it is; any other is
put into a function of its own, so that its names stay its own. What is for readers alone, comments and
indents, is left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rcssmin import cssmin
from rjsmin import jsmin


def script(folder: Path, path: str, instead: Mapping[str, str] | None = None) -> str:
    """The module at ``path`` with all that it imports, as one module. Another file can take the place of
    one: ``{"words/en.js": "words/de.js"}``. Of the object in that, only those properties are taken that some
    module mentions (``words.mute``) by a name that it has for it, and each gets a short name. Raises
    ValueError for ways to import or export that aren't known here."""
    return _Bundle(folder, instead or {}).of(path)


def style(folder: Path, paths: list[str]) -> str:
    """The style sheets, one after the other."""
    return "\n".join(cssmin((folder / path).read_text("utf-8")) for path in paths)


_IMPORT = re.compile(r'^import (\{[^}]*\}|\* as \w+) from "([^"]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|function|class) (\w+))", re.MULTILINE)
_NAMED = re.compile(r"^(?:async )?(?:const|let|function|class)\b ?(\w+|[{\[][^=]*(?= =))", re.MULTILINE)


@dataclass
class _Module:
    """A file of the script."""

    source: str
    """Without what it imports, and without ``export``."""
    imports: list[tuple[str, list[tuple[str, str]]]]
    """From which module it takes what, and how it calls that; ``*``: all of it as one."""
    exports: list[str]
    names: set[str]
    """What it calls something by itself."""
    importers: int = 0
    renamed: bool = False
    """Somebody has its own use for a name of it, and so calls that otherwise; or takes all of it as one."""
    replaces: bool = False
    alone: bool = field(default=True, init=False)
    """It is in a function of its own."""


class _Bundle:
    def __init__(self, folder: Path, instead: Mapping[str, str]) -> None:
        self._folder = folder.resolve()
        self._instead = instead
        self._modules: dict[str, _Module] = {}
        """By path, each behind those that it needs."""

    def of(self, path: str) -> str:
        entry = self._add(path)
        self._settle(entry)
        mentioned = {
            name
            for module in self._modules.values()
            if not module.replaces
            for _, taken in module.imports
            for _, own in taken
            for alias in (own, *re.findall(rf"^const (\w+) = {own};$", module.source, re.MULTILINE))
            for name in re.findall(rf"\b{alias}\.(\w+)", module.source)
        }
        for path, module in self._modules.items():
            if module.replaces:
                module.source = _only(module.source, mentioned)
                self._shorten(path)
        whole = "\n".join(self._written(path) for path in self._modules)
        return _SHORTER.sub(lambda found: found["kept"] or ("let" if found[0] == "const" else ""), whole)

    def _shorten(self, path: str) -> None:
        """Gives the properties of the object in that module, and where they are meant, names of a letter or
        two."""
        module = self._modules[path]
        names = dict.fromkeys(_ENTRY.findall(module.source))
        short = {name: f"{chr(97 + at % 26)}{at // 26 or ''}" for at, name in enumerate(names)}
        module.source = _ENTRY.sub(lambda found: f"  {short[found[1]]}:", module.source)
        known = {(path, name) for name in module.exports}
        for other, each in self._modules.items():
            own = [alias for where, taken in each.imports for name, alias in taken if (where, name) in known]
            for name in own:
                own += re.findall(rf"^const (\w+) = {name};$", each.source, re.MULTILINE)
            known |= {(other, name) for name in own if name in each.exports}
            for name in own:
                each.source = re.sub(
                    rf"\b({name})\.(\w+)",
                    lambda found: f"{found[1]}.{short.get(found[2], found[2])}",
                    each.source,
                )

    def _add(self, path: str) -> str:
        replaces = path in self._instead
        path = self._instead.get(path, path)
        if path in self._modules:
            return path
        source = (self._folder / path).read_text("utf-8")
        imports = []
        for what, where in _IMPORT.findall(source):
            other = ((self._folder / path).parent / where).resolve().relative_to(self._folder)
            imports.append((self._add(other.as_posix()), _taken(what)))
        exports = _EXPORT.findall(source)
        source = _EXPORT.sub("", _IMPORT.sub("", source))
        if re.search(r"^(?:import|export)\b", source, re.MULTILINE):
            raise ValueError(f"{path} imports or exports in a way that is not known here")
        if re.search(r"\$\{[^}`]*`", source):
            raise ValueError(f"{path} has a template in a template, whose blanks would be lost")
        if _EMPTY.search(source):
            raise ValueError(f"{path} has a loop or condition without a body, whose semicolon would be lost")
        names = {name for found in _NAMED.findall(source) for name in re.findall(r"\w+", found)}
        self._modules[path] = _Module(source, imports, exports, names, replaces=replaces)
        for other_path, taken in imports:
            self._modules[other_path].importers += 1
            self._modules[other_path].renamed |= any(
                name != own and name in {"*", *names} for name, own in taken
            )
        return path

    def _settle(self, entry: str) -> None:
        """Which modules need no function of their own: of two that have a name in common, the one that more
        others need."""
        claims = Counter[str]()
        for path, module in sorted(self._modules.items(), key=lambda each: -each[1].importers):
            if path != entry and not module.renamed and not claims.keys() & module.names:
                module.alone = False
                claims.update(module.names)
        for module in self._modules.values():
            # What is taken from a module that is on its own gets its name here.
            here = {own for _, own in self._taken(module)}
            if not module.alone and here & claims.keys():
                module.alone = True
            elif not module.alone:
                claims.update(here)

    def _taken(self, module: _Module) -> list[tuple[str, str]]:
        """What is to be named at its beginning, and how."""
        found = []
        for path, taken in module.imports:
            other = self._modules[path]
            for name, own in taken:
                if other.alone:
                    found.append((self._name(path) if name == "*" else f"{self._name(path)}.{name}", own))
                elif name != own:
                    found.append((name, own))
        return found

    def _name(self, path: str) -> str:
        return f"${list(self._modules).index(path)}"

    def _written(self, path: str) -> str:
        module = self._modules[path]
        taken = ",".join(f"{own}={name}" for name, own in self._taken(module))
        body = _brief(jsmin(module.source))
        if taken:
            body = f"const {taken};{body}"
        if not module.alone:
            return body
        if module.exports:
            return f"const {self._name(path)}=(()=>{{{body}\nreturn{{{','.join(module.exports)}}}}})();"
        return f"(()=>{{{body}\n}})();"


#: What is the same to who runs it, and shorter, as "let" or without the semicolon. What is kept are texts,
#: templates and regular expressions.
_SHORTER = re.compile(
    r"""(?P<kept>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`(?:\\.|[^`\\])*`"""
    r"""|(?:(?<=[(,=:\[!&|?{};\n])|(?<=\breturn))/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\[\n])+/)"""
    r"""|\bconst(?=[ {[])|;(?=\})""",
    re.DOTALL,
)
_EMPTY = re.compile(r"(?<!\} )\b(?:for|while|if) \((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\);")


def _taken(what: str) -> list[tuple[str, str]]:
    if what.startswith("*"):
        return [("*", what.split()[-1])]
    names = [each.split(" as ") for each in what.strip("{} ,\n").split(",")]
    return [(each[0].strip(), each[-1].strip()) for each in names]


def _brief(source: str) -> str:
    """The module with short names for what is private to its classes, which nobody else can know."""
    names = dict.fromkeys(re.findall(r"\.#(\w+)", source))
    short = {name: f"{chr(97 + at % 26)}{at // 26 or ''}" for at, name in enumerate(names)}
    private = re.compile(r"(?:(?<=[.;{}\n])|(?<=\bget)|(?<=\basync))#(\w+)")
    return private.sub(lambda found: f"#{short.get(found[1], found[1])}", source)


#: A property of the object in a module that takes the place of another: it begins a line, two blanks from the
#: margin.
_ENTRY = re.compile(r"^  (\w+):", re.MULTILINE)


def _only(source: str, wanted: Collection[str]) -> str:
    """The module with those properties alone. Each begins a line, two blanks from the margin."""
    entry = re.compile(r"^  (\w+):.*?,\n(?=  [\w/]|\n|\};)", re.DOTALL | re.MULTILINE)
    return entry.sub(lambda found: found[0] if found[1] in wanted else "", source)
