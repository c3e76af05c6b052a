"""What the reference of the API shows: all that ``docs/api.md`` names, and nothing that serves ourselves."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

PAGE = Path(__file__).with_name("api.md")

#: How the documentation begins of what is public only by its name: a part of ours calls it.
OURS = re.compile(r"For [^.;:]+: ")


def is_for_us(member: object) -> bool:
    """A function that serves a part of ours, and no app."""
    return callable(member) and OURS.match(getattr(member, "__doc__", None) or "") is not None


def objects() -> dict[str, Any]:
    """All classes and functions, by the names that the page has for them."""
    found = {}
    directive = re.compile(r"^\.\. auto(class|module):: (\S+)((?:\n +:.*)*)", re.MULTILINE)
    for kind, name, options in directive.findall(PAGE.read_text()):
        if kind == "class":
            module, _, attribute = name.rpartition(".")
            found[name] = getattr(importlib.import_module(module), attribute)
            continue
        module = importlib.import_module(name)
        left_out = re.findall(r":exclude-members: (.*)", options)
        skipped = {each.strip() for line in left_out for each in line.split(",")}
        for each in getattr(module, "__all__", None) or vars(module):
            shown = getattr(module, each)
            ours = inspect.isclass(shown) or inspect.isfunction(shown)
            home = getattr(shown, "__module__", "")
            if each.startswith("_") or each in skipped or not ours or not home.startswith("sems"):
                continue
            if home == name or "imported-members" in options:
                found[f"{name}.{each}"] = shown
    return found


def examples(name: str, shown: object) -> str:
    """What stands there of examples: in the documentation of a class or function, or, where it is made of
    Rust, below its name on the page."""
    below = re.search(
        rf"^\.\. auto\w+:: {re.escape(name)}\n((?:\n|   .*\n)*)", PAGE.read_text(), re.MULTILINE
    )
    page = inspect.cleandoc(below[1]) if below else ""
    return f"{inspect.getdoc(shown) or ''}\n\n{page}"


def methods(cls: type) -> dict[str, Callable[..., Any]]:
    """The public methods of a class of ours, those that it inherits from ours as well."""
    found = {}
    for base in reversed(cls.__mro__):
        if not base.__module__.startswith("sems"):
            continue
        for name, member in vars(base).items():
            member = member.__func__ if isinstance(member, staticmethod | classmethod) else member
            if not name.startswith("_") and inspect.isfunction(member):
                found[name] = member
    return {name: method for name, method in found.items() if not is_for_us(method)}


def skip(app: object, what: str, name: str, member: object, skipped: bool, options: object) -> bool | None:
    """For Sphinx: whether a member is left out."""
    return True if is_for_us(member) else None
