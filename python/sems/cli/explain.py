"""What the keys of the configuration mean: ``sems config KEY``."""

from __future__ import annotations

import difflib
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from ..config import Config
from ..config.section import Section
from ..errors import ConfigError

Row = tuple[str, str]


def explain(key: str, rows: list[Row], origin: Callable[[str], str]) -> Iterator[str]:
    """The lines for one key of a configuration whose values are ``rows``: the key and all below it, with
    what they mean and what they are. Raises ConfigError for a key that there is not."""
    model, field, table, member = _find(key)
    about = _about(model, field)
    if table is None:
        yield from _field(key, about, _below(re.escape(key), rows), origin)
        return
    yield from textwrap.wrap(about, 90)
    for name in table.model_fields:
        yield ""
        mine = _below(rf"{re.escape(key)}{member}\.{name}", rows)
        yield from _field(name, _about(table, name), mine, origin)


def _below(pattern: str, rows: list[Row]) -> list[Row]:
    """The rows of a key and of all in it."""
    return [row for row in rows if re.match(pattern + r"(?!\w)", row[0])]


def _field(name: str, about: str, rows: list[Row], origin: Callable[[str], str]) -> Iterator[str]:
    for key, value in rows:
        yield f"{key} = {value}  # {origin(key)}"
    if not rows:
        yield name
    yield from textwrap.wrap(about, 90, initial_indent="    ", subsequent_indent="    ")


def _find(key: str) -> tuple[type[Section], str, type[Section] | None, str]:
    """The table and the field of a dotted name, the table that the field is or holds several of, and a
    pattern for how these are told apart."""
    model: type[Section] = Config
    names = key.split(".")
    while True:
        field, index, _ = names.pop(0).partition("[")
        if field not in model.model_fields:
            close = difflib.get_close_matches(field, model.model_fields, n=1)
            raise ConfigError(f"there is no key {key}" + (f' (did you mean "{close[0]}"?)' if close else ""))
        here: Any = model.model_fields[field].annotation
        member = ""
        if get_origin(here) is tuple:
            here = get_args(here)[0]
            member = "" if index else r"\[\d+\]"
        elif get_origin(here) is dict:
            here = get_args(here)[1]
            member = "" if names else r"\.[^.]+"
            names = names[1:]
        table = here if isinstance(here, type) and issubclass(here, Section) else None
        if not names:
            return model, field, table, member
        if table is None:
            raise ConfigError(f"there is no key {key}")
        model = table


def _about(model: type[Section], field: str) -> str:
    info = model.model_fields[field]
    text = info.description
    if text is None and isinstance(info.annotation, type):
        text = inspect.getdoc(info.annotation)
    return " ".join((text or "").replace("``", "").split())
