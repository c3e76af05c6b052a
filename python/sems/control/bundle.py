"""One script and one style sheet for a page, made of the small files that people read.

A page of thirty modules would ask for thirty files before it shows anything. Here they are put into one, in
the order in which they need each other, each in a function of its own so that its names stay its own. What is
for readers alone, comments and indents, is left out: for that the files are taken apart into tokens, so that
nothing in a text or in a regular expression can be taken for a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

_TOKEN = re.compile(
    r"""(?P<gap>(?:\s|//[^\n]*|/\*.*?\*/)+)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<word>[\w$\#]+)
    |(?P<sign>=>|\?\.|\.\.\.|\*\*=?|\?\?=?|&&=?|\|\|=?|[<>]{2,3}=?|\+\+|--|[=!]==?|[-+*/%<>&|^]=|[-+*/%=!<>&|^~?:.,;(){}\[\]`@])
    """,
    re.DOTALL | re.VERBOSE,
)
_REGEX = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
# After these words and signs a slash divides nothing: it begins a regular expression.
_BEFORE_REGEX = re.compile(
    r"return|typeof|case|in|of|delete|void|throw|new|else|do|[-+*%=!<>&|^~?:,;({\[}]+|=>"
)
# A statement can't end after these, nor begin with those, so the line need not end there.
_OPEN = re.compile(r"[({\[,;=:?.!~<>&|^%*/]+|=>")
_SHUT = re.compile(r"[)}\],;=:?.<>&|^%*]+")


def script(folder: Path, path: str, instead: Mapping[str, str] | None = None) -> str:
    """The module at ``path`` with all that it imports, as one module. Another file can take the place of
    one: ``{"words/en.js": "words/de.js"}``."""
    return _Bundle(folder, instead or {}).of(path)


def style(folder: Path, paths: list[str]) -> str:
    """The style sheets, one after the other."""
    return "\n".join(_lean_style((folder / path).read_text("utf-8")) for path in paths)


def tokens(source: str) -> Iterator[tuple[str, str]]:
    """A script as (kind, text); kinds are gap, word, text, template, regex and sign."""
    at, before = 0, "("
    while at < len(source):
        if source[at] == "`":
            kind, end = "template", _template_end(source, at)
        elif (
            source[at] == "/"
            and _BEFORE_REGEX.fullmatch(before)
            and not source.startswith(("//", "/*"), at)
            and (found := _REGEX.match(source, at))
        ):
            kind, end = "regex", found.end()
        elif found := _TOKEN.match(source, at):
            kind, end = str(found.lastgroup), found.end()
        else:
            raise ValueError(f"not understood: {source[at : at + 40]!r}")
        text = source[at:end]
        yield kind, text
        at = end
        if kind != "gap":
            before = text


def lean_script(source: str) -> str:
    """The same script without comments and needless blanks. A line ends where it did, unless it is clear that
    no statement can end there."""
    lean: list[str] = []
    before, gap = ("sign", ";"), ""
    for kind, text in tokens(source):
        if kind == "gap":
            gap = text
            continue
        open_ = before[0] == "sign" and _OPEN.fullmatch(before[1])
        shut = kind == "sign" and _SHUT.fullmatch(text)
        if "\n" in gap and not open_ and not shut:
            lean.append("\n")
        elif gap and _would_join(before[1][-1], text[0]):
            lean.append(" ")
        lean.append(text)
        before, gap = (kind, text), ""
    return "".join(lean)


def _would_join(before: str, after: str) -> bool:
    word = re.compile(r"[\w$#]")
    return bool(word.match(before) and word.match(after)) or (before == after and before in "+-/")


def _template_end(source: str, at: int) -> int:
    """Where the text in backticks ends that begins there."""
    at += 1
    while source[at] != "`":
        if source[at] == "\\":
            at += 2
        elif source.startswith("${", at):
            at = _after_brace(source, at + 2)
        else:
            at += 1
    return at + 1


def _after_brace(source: str, at: int) -> int:
    """Where the code in a text in backticks ends."""
    depth = 1
    for _, text in tokens(source[at:]):
        depth += {"{": 1, "}": -1}.get(text, 0)
        at += len(text)
        if not depth:
            return at
    raise ValueError("a text in backticks has no end")


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
        body = lean_script(source)
        if exported:
            self._parts.append(f"const {name}=(()=>{{{body}\nreturn{{{','.join(exported)}}}}})();")
        else:
            self._parts.append(f"(()=>{{{body}\n}})();")
        return name


def _lean_style(source: str) -> str:
    parts = re.split(r"""(/\*.*?\*/|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')""", source, flags=re.DOTALL)
    for at, part in enumerate(parts):
        if part.startswith("/*"):
            parts[at] = ""
        elif at % 2 == 0:
            blank = re.sub(r"\s+", " ", part)
            parts[at] = re.sub(r" ?([{};,]) ?|(?<=:) ", lambda found: found[1] or "", blank)
    return "".join(parts).strip()
