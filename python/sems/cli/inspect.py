"""``sems apps`` and ``sems config``: what there is, and where it came from."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..audio import brought as audio
from ..components import KINDS, KINDS_OF_OURS, Components
from ..config import load_config
from ..plugins import Apps, Found
from .explain import explain
from .failure import one_clear_line
from .options import BaseUrl, ConfigFile, Data, Host, HttpPort, RtpPorts, SipPort

# The last part of the names of values that are not shown.
_SECRETS = {"token", "password", "ha1", "pin", "moderator_pin"}


def apps(
    scripts: Annotated[
        list[Path] | None, typer.Argument(metavar="[APP.py …]", help="Scripts to look at too.")
    ] = None,
) -> None:
    """List the services: their names, what they do, where they come from, or why one did not load."""
    with one_clear_line(), _told_in_the_list():
        found = Apps.find(scripts or ()).describe()
    width = max((len(one.name) for one in found), default=0)
    for one in found:
        about = one.summary if one.error is None else f"DOES NOT LOAD: {one.error}"
        typer.echo(f"{one.name:<{width}}  {about}\n{'':<{width}}  {_origin(one)}")


def plugins(config: ConfigFile = None) -> None:
    """List what packages bring (apps, codecs, formats of files, components), from where, and why one did not
    load."""
    with one_clear_line(), _told_in_the_list():
        loaded = load_config({"config": config}).config
        components = Components(loaded).describe()
        found, brought_audio = Apps.find().describe(), audio.load()
    rows = [
        ("apps", one.name, one.summary, _origin(one), one.error)
        for one in found
        if one.packaged or one.error is not None
    ]
    rows += [("audio", one.name, one.summary, one.origin, one.error) for one in brought_audio]
    own = audio.own()
    # It is left out by most.
    rows.append(("audio", own.name, own.summary or f"not installed: {own.error}", own.origin, None))
    for kind in KINDS:
        brought = [one for one in components if one.kind == kind]
        if not any(one.used for one in brought):
            rows.append(("components", kind, KINDS_OF_OURS[kind], "comes with SEMS", None))
        for one in brought:
            summary = one.summary if one.used else f"not used: {one.summary}"
            rows.append(("components", kind, summary, one.origin, one.error))
    rows += [
        ("components", one.kind, "", one.origin, one.error) for one in components if one.kind not in KINDS
    ]
    width = max(len(name) for _, name, *_ in rows)
    for group, name, summary, origin, error in rows:
        about = summary if error is None else f"DOES NOT LOAD: {error}"
        typer.echo(f"{group:<10}  {name:<{width}}  {about}\n{'':<{width + 14}}{origin}")


def _origin(found: Found) -> str:
    return found.origin if found.replaces is None else f"{found.origin}, in place of {found.replaces}"


@contextlib.contextmanager
def _told_in_the_list() -> Iterator[None]:
    """What does not load is listed with the reason, and need not be logged before."""
    ours = logging.getLogger("sems")
    before = ours.level
    ours.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        ours.setLevel(before)


def config(
    key: Annotated[
        str | None, typer.Argument(metavar="[KEY]", help="Only this one, and what it means: limits, rooms …")
    ] = None,
    host: Host = None,
    sip_port: SipPort = None,
    http_port: HttpPort = None,
    rtp_ports: RtpPorts = None,
    data: Data = None,
    config: ConfigFile = None,
    base_url: BaseUrl = None,
) -> None:
    """Show the effective configuration, and where each value came from.

    sems config limits     (what can be set there, and what it means)
    """
    with one_clear_line():
        loaded = load_config(
            {
                "host": host,
                "sip_port": sip_port,
                "http_port": http_port,
                "rtp_ports": rtp_ports,
                "data": data,
                "config": config,
                "base_url": base_url,
            }
        )
        rows = _rows(loaded.config.model_dump(mode="json"), "")
        if key is not None:
            for line in explain(key, rows, loaded.origin):
                typer.echo(line)
            return
    width = max(len(f"{key} = {value}") for key, value in rows)
    for key, value in rows:
        typer.echo(f"{f'{key} = {value}':<{width}}  # {loaded.origin(key)}")


def _rows(value: Any, key: str) -> list[tuple[str, str]]:
    """Dotted names and values, written as TOML does; a secret is not shown."""
    if isinstance(value, dict) and value:
        return [
            row for name, inner in value.items() for row in _rows(inner, f"{key}.{name}" if key else name)
        ]
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return [row for index, inner in enumerate(value) for row in _rows(inner, f"{key}[{index}]")]
    if value is None:
        return [(key, "(unset)")]
    if key.rpartition(".")[2] in _SECRETS:
        return [(key, '"…"')]
    # JSON writes strings, numbers, truth and lists of them as TOML does.
    return [(key, json.dumps(value, ensure_ascii=False))]
