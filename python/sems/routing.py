"""Which app takes a call."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass, field

from .config import Config, Route
from .sip.headers import Headers, SipUri, parse_params

_OF_ANNOUNCEMENTS = frozenset({"play", "repeat", "delay", "duration", "locale"})
"""What the address of an announcement can say (RFC 4240 §3)."""


@dataclass(frozen=True, slots=True)
class Target:
    """The app that takes a call, and its parameters."""

    app: str
    params: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The response to a call that nobody takes."""

    code: int
    reason: str


def choose(
    uri: SipUri,
    headers: Headers,
    *,
    trusted: bool,
    config: Config,
    apps: Container[str],
    account: str | None = None,
) -> Target | Refusal:
    """The app for a call to ``uri``; ``trusted``: it came from a neighbour whose word counts;
    ``account``: the one of ours that was called.

    In this order: the routes of the configuration; ``P-App-Name`` and ``P-App-Param`` of a trusted
    neighbour; RFC 4240 (``conf=ID``, ``annc``, and no ``dialog``); a user part that is an app's name;
    the conference room named by the user part.
    """
    target = _by_rules(uri, headers, trusted, config, apps, account)
    if isinstance(target, Target) and target.app not in apps:
        return Refusal(404, "No Such Service")
    return target


def _by_rules(
    uri: SipUri,
    headers: Headers,
    trusted: bool,
    config: Config,
    apps: Container[str],
    account: str | None,
) -> Target | Refusal:
    neighbour_params: dict[str, str] = {}
    if trusted and (said := headers.all("P-App-Param")):
        neighbour_params = parse_params(";".join(said))
    for route in config.routes:
        params = match(route, uri, headers, account)
        if params is not None:
            return Target(route.app, params | neighbour_params)
    if trusted and (name := headers.get("P-App-Name", "").strip()):
        return Target(name, neighbour_params)

    service, _, rest = uri.user.partition("=")
    if service == "conf" and rest:
        return Target("conference", {"room": rest} | neighbour_params)
    if uri.user == "dialog" and "voicexml" in uri.params:
        # The service of RFC 4240 that is not there. A room may be called so.
        return Refusal(488, "No VoiceXML Here")
    if uri.user == "annc":
        # Anybody may write them, so they are no more than these.
        known = {name: value for name, value in uri.params.items() if name in _OF_ANNOUNCEMENTS}
        return Target("announcement", known | neighbour_params)
    if not uri.user:
        return Refusal(484, "Address Incomplete")
    if uri.user in apps:
        return Target(uri.user, neighbour_params)
    return Target("conference", neighbour_params)


def match(route: Route, uri: SipUri, headers: Headers, account: str | None = None) -> dict[str, str] | None:
    """The parameters that the route gives to its app; None when it does not match."""
    if route.account is not None and route.account != account:
        return None
    values = {"user": uri.user, "domain": uri.host}
    found = []
    for pattern, text in ((route.user, uri.user), (route.domain, uri.host)):
        if pattern is not None:
            found.append(pattern.fullmatch(text))
    for name, pattern in route.headers.items():
        value = headers.get(name)
        found.append(None if value is None else pattern.search(value))
    for one in found:
        if one is None:
            return None
        values |= {name: group or "" for name, group in one.groupdict().items()}
    return {
        name: re.sub(r"\{(\w+)\}", lambda part: values[part[1]], text) for name, text in route.params.items()
    }
