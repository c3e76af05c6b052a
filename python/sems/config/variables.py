"""The configuration as variables: ``SEMS_SIP_PORT``, ``SEMS_LIMITS__MAX_CALLS``, ``SEMS_TRUSTED``."""

from __future__ import annotations

import difflib
import re
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
# So much alike is an error of whoever has typed it. Of others nobody knows whose they are.
_ALIKE: Final = 0.85
# So much alike are the names of tables, of which only what stands there is compared.
_TABLE_ALIKE: Final = 0.7
# What Kubernetes sets for a Service, and Docker for a link, that is called sems-sip: SEMS_SIP_PORT says
# then where that is, which is no value of ours.
_LINK: Final = re.compile(r"(?:tcp|udp|sctp)://\S+:\d+", re.ASCII)


def name(loc: tuple[str | int, ...]) -> str:
    """Of the variable for the key there."""
    return PREFIX + _NESTED.join(str(part) for part in loc).upper()


def ours(environ: Mapping[str, str]) -> dict[str, str]:
    """Those of the configuration. Raises ConfigError for one that looks like one of these and is none."""
    found = {}
    for variable, text in environ.items():
        if variable.upper().startswith(PREFIX) and not _LINK.fullmatch(text):
            _check(variable)
            found[variable] = text
    return found


def _check(variable: str) -> None:
    key = variable[len(PREFIX) :].lower()
    table = key.partition(_NESTED)[0]
    if table in Config.model_fields or key in _OTHERS:
        return
    # One "_" in place of two is what is most often wrong.
    known = {_flat(each): each for each in (*_OTHERS, *_keys(Config)) if _may_mean(key, each)}
    if close := difflib.get_close_matches(_flat(key), known, 1, _ALIKE):
        meant = known[close[0]]
    elif _NESTED in key and (close := difflib.get_close_matches(table, Config.model_fields, 1, _ALIKE)):
        meant = close[0] + key[len(table) :]
    else:
        return
    raise ConfigError(f"{variable}: unknown variable (did you mean {PREFIX}{meant.upper()}?)")


def _may_mean(key: str, known: str) -> bool:
    """Whether they begin alike, if the known one is in a table: many end with "password" or "port"."""
    table, nested, _ = known.rpartition(_NESTED)
    begins = key[: len(table)]
    return not nested or difflib.SequenceMatcher(None, _flat(begins), _flat(table)).ratio() >= _TABLE_ALIKE


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
