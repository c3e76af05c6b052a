"""Bringing the configuration together: command line over environment over file over default."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsConfigDict

from ..errors import ConfigError
from . import variables, wanted
from .lines import key_lines
from .model import Config

DEFAULT_FILE = "sems.toml"
"""Read from the current folder when no other file is named and it exists."""

_Loc = tuple[str | int, ...]
# The last part of the names of values that nobody is to see.
_SECRETS = frozenset({"token", "password", "ha1", "pin", "moderator_pin"})


class _Environment(Config, BaseSettings):
    """The configuration as ``SEMS_…`` variables: ``SEMS_SIP_PORT``, ``SEMS_OPERATOR__TOKEN``."""

    model_config = SettingsConfigDict(env_prefix="SEMS_", env_nested_delimiter="__", enable_decoding=False)


@dataclass(frozen=True, slots=True)
class LoadedConfig:
    """The effective configuration and where each of its values came from."""

    config: Config
    file: Path | None
    """The file that was read."""
    origins: dict[str, str]
    """For each value that is not a default, by its dotted name: ``--sip-port``, ``SEMS_HOST`` or
    ``sems.toml:7``."""

    def origin(self, key: str) -> str:
        """Where the value of that dotted name came from; ``default`` when nobody set it."""
        while key:
            if key in self.origins:
                return self.origins[key]
            key = key.rpartition(".")[0]
        return "default"


@dataclass(frozen=True, slots=True)
class _Source:
    """One place that values come from."""

    values: dict[str, Any]
    places: dict[_Loc, str]
    """For errors and ``sems config``: what to call the place of a value."""
    name: str

    def place(self, loc: _Loc) -> str:
        while loc and loc not in self.places:
            loc = loc[:-1]
        return self.places.get(loc, self.name)


def load_config(
    cli: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None
) -> LoadedConfig:
    """Reads the configuration.

    ``cli`` holds run options by their names (``host``, ``sip_port``, …) and ``config`` for the file;
    None stands for an option that was not given.

    Raises :class:`~sems.errors.ConfigError`, whose text is one line that names the place.
    """
    environ = os.environ if environ is None else environ
    given = {key: value for key, value in (cli or {}).items() if value is not None}
    named = given.pop("config", None) or environ.get("SEMS_CONFIG") or None
    sources = [_from_file(named), _from_environment(environ), _from_command_line(given)]

    values: dict[str, Any] = {}
    origins: dict[_Loc, _Source] = {}
    for source in sources:
        _merge(values, source.values, (), origins, source)
    try:
        config = Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(_explain(error, values, origins)) from None

    file = Path(sources[0].name) if sources[0].name else None
    return LoadedConfig(
        config=_anchor_paths(config, file, origins),
        file=file,
        origins={
            _dotted(leaf): source.place(leaf)
            for loc, source in sorted(origins.items(), key=str)
            for leaf in (loc, *_in_lists(_value_at(values, loc), loc))
        },
    )


def config_of(values: Mapping[str, Any], place: str) -> Config:
    """The configuration of these values. Raises ConfigError, whose one line names ``place`` and the key."""
    given = dict(values)
    try:
        return Config.model_validate(given)
    except ValidationError as error:
        source = _Source(given, {}, place)
        raise ConfigError(_explain(error, given, {(key,): source for key in given})) from None


def _from_file(named: str | os.PathLike[str] | None) -> _Source:
    path = Path(named) if named is not None else Path(DEFAULT_FILE)
    if named is None and not path.exists():
        return _Source({}, {}, "")
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigError(f"{path}: can't be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except tomllib.TOMLDecodeError as error:
        message, _, place = str(error).rpartition(" (at ")
        line = place.removeprefix("line ").partition(",")[0].rstrip(")")
        # "at end of document" is a place without a number.
        where = line if line.isdecimal() else str(text.count("\n") + 1)
        raise ConfigError(f"{path}:{where}: {wanted.of_file(message)}") from None
    lines = key_lines(text)
    return _Source(values, {loc: f"{path}:{line}" for loc, line in lines.items()}, str(path))


def _from_environment(environ: Mapping[str, str]) -> _Source:
    read = EnvSettingsSource(_Environment)
    read.env_vars = {key.lower(): value for key, value in variables.ours(environ).items()}
    values = read()
    places = {loc: variables.name(loc) for loc in _leaves(values)}
    for loc, place in places.items():
        *tables, key = loc
        table = _value_at(values, tuple(tables))
        table[key] = variables.value(place, table[key], _annotation_at(loc))
    return _Source(values, places, "environment")


def _from_command_line(given: dict[str, Any]) -> _Source:
    return _Source(given, {(key,): "--" + key.replace("_", "-") for key in given}, "command line")


def _leaves(values: Any, loc: _Loc = ()) -> list[_Loc]:
    if not isinstance(values, dict):
        return [loc]
    return [leaf for key, value in values.items() for leaf in _leaves(value, (*loc, key))]


def _in_lists(value: Any, loc: _Loc) -> list[_Loc]:
    """The keys in a list of tables: each may be set or not, unlike the members of other lists."""
    if not isinstance(value, list | tuple):
        return []
    tables = [(index, table) for index, table in enumerate(value) if isinstance(table, dict)]
    return [leaf for index, table in tables for leaf in _leaves(table, (*loc, index))]


def _value_at(values: Any, loc: _Loc) -> Any:
    for part in loc:
        values = values[part]
    return values


def _merge(
    into: dict[str, Any], values: dict[str, Any], loc: _Loc, origins: dict[_Loc, _Source], source: _Source
) -> None:
    for key, value in values.items():
        here = (*loc, key)
        if isinstance(value, dict) and isinstance(into.setdefault(key, {}), dict):
            if not value:
                origins[here] = source
            _merge(into[key], value, here, origins, source)
        else:
            into[key] = value
            origins[here] = source


def _anchor_paths(config: Config, file: Path | None, origins: dict[_Loc, _Source]) -> Config:
    """Takes relative paths of the file from the file's folder, all others from the current one."""
    folder = file.parent if file else Path()

    def anchored(path: Path, loc: _Loc) -> Path:
        from_file = loc in origins and file is not None and origins[loc].name == str(file)
        return ((folder if from_file else Path()) / path.expanduser()).absolute()

    folders = tuple(anchored(path, ("announcements", "folders")) for path in config.announcements.folders)
    tls = {
        name: anchored(path, ("tls", name))
        for name in ("certificate", "key", "ca")
        if (path := getattr(config.tls, name)) is not None
    }
    boxes = {
        name: box.model_copy(update={"greeting": anchored(box.greeting, ("boxes", name, "greeting"))})
        if box.greeting is not None
        else box
        for name, box in config.boxes.items()
    }
    storage = config.storage
    if storage.folder is not None:
        storage = storage.model_copy(update={"folder": anchored(storage.folder, ("storage", "folder"))})
    mail = config.mail
    if mail.ca is not None:
        mail = mail.model_copy(update={"ca": anchored(mail.ca, ("mail", "ca"))})
    return config.model_copy(
        update={
            "boxes": boxes,
            "mail": mail,
            "storage": storage,
            "tls": config.tls.model_copy(update=tls),
            "data": anchored(config.data, ("data",)),
            "announcements": config.announcements.model_copy(update={"folders": folders}),
        }
    )


def _explain(error: ValidationError, values: dict[str, Any], origins: dict[_Loc, _Source]) -> str:
    # An unknown key explains a missing one.
    problems = sorted(error.errors(include_url=False), key=lambda found: found["type"] != "extra_forbidden")
    problem = problems[0]
    loc = _within(problem["loc"], values)
    missing = problem["type"] == "missing"
    source = _source_of(loc, origins)
    place = source.place(loc[:-1] if missing else loc) if source else "configuration"
    if problem["type"] == "extra_forbidden":
        message = "unknown key" + _suggestion(loc)
    elif missing:
        message = "is missing"
    else:
        pattern = problem.get("ctx", {}).get("pattern", "")
        message = wanted.of_value(problem["type"], problem["msg"], pattern) + _given(problem["input"], loc)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    # A place such as --sip-port or SEMS_HOST says the name already.
    name = "" if source and source.name in ("command line", "environment") else f"{_dotted(loc)}: "
    return f"{place}: {name}{message}{more}"


def _within(loc: _Loc, values: Any) -> _Loc:
    """``loc`` without what pydantic adds to tell the members of a union apart."""
    path: _Loc = ()
    for part in loc:
        is_key = isinstance(values, dict) and isinstance(part, str)
        is_index = isinstance(values, list | tuple) and isinstance(part, int)
        if not (is_key or is_index):
            break
        path += (part,)
        try:
            values = values[part]
        except (KeyError, IndexError):
            break
    return path


def _source_of(loc: _Loc, origins: dict[_Loc, _Source]) -> _Source | None:
    for end in range(len(loc), 0, -1):
        prefix = loc[:end]
        for known, source in origins.items():
            if known[:end] == prefix:
                return source
    return None


def _given(value: Any, loc: _Loc) -> str:
    if isinstance(value, str | int | float) and not _SECRETS.intersection(map(str, loc)):
        return f", not {value!r}"
    return ""


def _suggestion(loc: _Loc) -> str:
    model = _model_at(loc[:-1])
    close = difflib.get_close_matches(str(loc[-1]), model.model_fields if model else (), n=1)
    return f' (did you mean "{close[0]}"?)' if close else ""


def _model_at(loc: _Loc) -> type[BaseModel] | None:
    here = _annotation_at(loc)
    return here if isinstance(here, type) and issubclass(here, BaseModel) else None


def _annotation_at(loc: _Loc) -> Any:
    """What a value there may be; None: nobody knows."""
    here: Any = Config
    for part in loc:
        if isinstance(here, type) and issubclass(here, BaseModel):
            info = here.model_fields.get(str(part))
            if info is None:
                return None
            here = info.annotation
        elif get_origin(here) in (dict, tuple):
            here = get_args(here)[1 if get_origin(here) is dict else 0]
    return here


def _dotted(loc: _Loc) -> str:
    text = ""
    for part in loc:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
