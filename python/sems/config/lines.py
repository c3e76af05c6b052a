"""Where in a TOML file each key stands, so that an error can name its line.

The standard library's reader keeps no positions. This one keeps nothing else: it goes over a text
that ``tomllib`` has accepted, so it needs no errors of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

Path = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|\#[^\n]*)*")
_KEY_PART = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")
_VALUE_PART = re.compile(
    r'''"""(?:[^\\]|\\.)*?"{3,5}|\'\'\'.*?'{3,5}|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'|\#[^\n]*|[\[{]|[\]}]|\n|[^"'\#\[\]{}\n]+''',
    re.DOTALL,
)


def key_lines(text: str) -> dict[Path, int]:
    """The line (from 1) of every key and table of a valid TOML text.

    Array tables count from 0: ``("routes", 1, "app")``. What stands inside an inline table or an
    array has no entry of its own.
    """
    lines: dict[Path, int] = {}
    counts: dict[Path, int] = {}
    table: Path = ()
    for keys, line, is_table, is_array in _expressions(text):
        if is_table:
            table = _resolve(keys, counts, is_array)
            _note(lines, (), table, line)
        else:
            _note(lines, table, tuple(keys), line)
    return lines


def _note(lines: dict[Path, int], table: Path, keys: Path, line: int) -> None:
    for end in range(1, len(keys) + 1):
        lines.setdefault(table + keys[:end], line)


def _resolve(keys: list[str], counts: dict[Path, int], is_array: bool) -> Path:
    """The path of a table header: ``[routes.x]`` speaks of the last of the ``[[routes]]``."""
    path: Path = ()
    for position, key in enumerate(keys):
        path += (key,)
        if is_array and position == len(keys) - 1:
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path += (counts[path],)
    return path


def _expressions(text: str) -> Iterator[tuple[list[str], int, bool, bool]]:
    """Every ``key =`` and ``[table]``: its keys, its line, whether it is a table, and one of an array."""
    at = 0
    while (at := _skip(_BLANK, text, at)) < len(text):
        line = text.count("\n", 0, at) + 1
        brackets = 2 if text.startswith("[[", at) else 1 if text[at] == "[" else 0
        keys, at = _dotted_key(text, at + brackets)
        yield keys, line, brackets > 0, brackets == 2
        at = at + brackets if brackets else _end_of_value(text, at)


def _skip(pattern: re.Pattern[str], text: str, at: int) -> int:
    match = pattern.match(text, at)
    return match.end() if match else at


def _dotted_key(text: str, at: int) -> tuple[list[str], int]:
    keys = []
    while match := _KEY_PART.match(text, at):
        double, single, bare = match.groups()
        keys.append(next(part for part in (bare, single, double) if part is not None))
        at = match.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return keys, at


def _end_of_value(text: str, at: int) -> int:
    depth = 0
    while match := _VALUE_PART.match(text, at):
        at = match.end()
        token = match[0]
        if token in "[{":
            depth += 1
        elif token in "]}":
            depth -= 1
        elif token == "\n" and depth == 0:
            break
    return at
