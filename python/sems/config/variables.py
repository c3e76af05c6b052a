"""The configuration as variables: ``SEMS_SIP_PORT``, ``SEMS_LIMITS__MAX_CALLS``, ``SEMS_TRUSTED``."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel

from ..errors import ConfigError
from . import wanted
from .model import Config

PREFIX: Final = "SEMS_"
"""What the names of all begin with."""

_NESTED: Final = "__"
# No keys: what names the file, and the password that "sems call" shows.
_OTHERS: Final = ("config", "call_password")
# So much alike is an error of whoever has typed it. Of others nobody knows whose they are: of a script, of
# Kubernetes, which has SEMS_PORT and the like for a service that is called sems.
_ALIKE: Final = 0.8


def name(loc: tuple[str | int, ...]) -> str:
    """Of the variable for the key there."""
    return PREFIX + _NESTED.join(str(part) for part in loc).upper()


def check(environ: Mapping[str, str]) -> None:
    """Raises ConfigError for a variable that is none of the configuration and looks like one that is."""
    for variable in environ:
        if not variable.upper().startswith(PREFIX):
            continue
        key = variable[len(PREFIX) :].lower()
        table = key.partition(_NESTED)[0]
        if table in Config.model_fields or key in _OTHERS:
            continue
        # One "_" in place of two is what is most often wrong.
        known = {_flat(each): each for each in (*_OTHERS, *_keys(Config))}
        if close := difflib.get_close_matches(_flat(key), known, 1, _ALIKE):
            meant = known[close[0]]
        elif _NESTED in key and (close := difflib.get_close_matches(table, Config.model_fields, 1, _ALIKE)):
            meant = close[0] + key[len(table) :]
        else:
            continue
        raise ConfigError(f"{variable}: unknown variable (did you mean {PREFIX}{meant.upper()}?)")


def value(variable: str, text: Any, annotation: Any) -> Any:
    """What its text stands for: a list is written as in the file. Raises ConfigError where that is none."""
    wants_list = any(get_origin(each) is tuple for each in (annotation, *get_args(annotation)))
    if not wants_list or not isinstance(text, str) or not text.lstrip().startswith("["):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError as error:
        message = str(error).rpartition(" (at ")[0]
        raise ConfigError(f"{variable}: {wanted.of_file(message)}") from None


def _flat(key: str) -> str:
    return key.replace(_NESTED, "_")


def _keys(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """All keys that are no tables, and those within tables of one name."""
    for key, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            yield from _keys(inner, f"{before}{key}{_NESTED}")
        else:
            yield before + key
