"""Whom a call is for that comes to a service on its way to somebody else, and how it gets there."""

from __future__ import annotations

import contextlib
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ..conference.errors import BadTarget, LinesBusy, Refused
from ..errors import CallFailed
from ..events import CallEvent, Ended
from ..sip.headers import NameAddr, quote, split_host_port
from ..sip.identity import values

if TYPE_CHECKING:
    from ..call import Call
    from .outgoing import How
    from .server import Server


async def onward(server: Server, call: Call, to: str | None) -> tuple[str, How]:
    """As :meth:`Server.onward() <sems.server.Server.onward>`."""
    target = to or call.uri
    how: How = {}
    # A name or a number is nobody's address before [dialout] has said whose.
    if call.trusted and target.lower().startswith(("sip:", "sips:")):
        if to is None and (route := await _rest_of_route(server, call)):
            how["route"] = route
    else:
        target, how = _as_permitted(server, call, target)
    destinations: list[str] = []
    if not server.registrar.find(target):
        destinations = (await server.ways.find(target, route=how.get("route"))).destinations
        if _is_here(server, call, destinations):
            raise CallFailed(482, "Loop Detected")
    if privacy := call.privacy:
        how["privacy"] = sorted(privacy)
    if (identity := call.asserted_identity) is not None and _is_trusted(server, destinations):
        # RFC 3325 §5: by the word of one neighbour, to another whom we trust as well, and to nobody else.
        name = f"{quote(identity.name)} " if identity.name else ""
        how["asserted_identity"] = f"{name}<{identity.uri}>"
    return target, how


async def _rest_of_route(server: Server, call: Call) -> list[str]:
    """What of its Route is before the call still: all, without us (RFC 3261 §16.4)."""
    route = [NameAddr.parse(value).uri for value in values(call.headers, "Route")]
    with contextlib.suppress(CallFailed, ValueError):
        if route and _is_here(server, call, (await server.ways.find(route[0], route=())).destinations):
            return route[1:]
    return route


def _as_permitted(server: Server, call: Call, target: str) -> tuple[str, How]:
    """The way that ``[dialout]`` has, counted for the caller as long as he is there."""
    who = call.caller_uri if call.trusted else split_host_port(call.source)[0]
    try:
        uri, how = server.way_out(target, who)
    except BadTarget as refused:
        raise CallFailed(404, "Not Found") from refused
    except LinesBusy as refused:
        raise CallFailed(503, "Lines Busy") from refused
    except Refused as refused:
        call.log.info("it may not be put through", to=target, why=str(refused))
        raise CallFailed(403, "Not Called From Here") from refused
    if not how.get("from_uri"):
        # Who calls is the caller, unless [dialout] caller says otherwise.
        how.pop("from_name", None)
    over = server.conferences.exchange.begin(who)

    def on_event(event: CallEvent) -> None:
        if isinstance(event, Ended):
            over()

    call.subscribe(on_event)
    return uri, how


def _is_trusted(server: Server, destinations: list[str]) -> bool:
    """Whether all of these are neighbours whose word counts."""
    hosts = [host for host, _ in map(_place, destinations)]
    return bool(hosts) and all(
        any(ip_address(host) in network for network in server.config.trusted) for host in hosts
    )


def _place(destination: str) -> tuple[str, int | None]:
    """The address and the port in what the core takes: ``tls:192.0.2.1:5061;name=example.org``."""
    destination = destination.partition(";")[0]
    kind, _, rest = destination.partition(":")
    return split_host_port(rest if kind in ("udp", "tcp", "tls") else destination)


def _is_here(server: Server, call: Call, destinations: list[str]) -> bool:
    """Whether a request that is sent there comes to this server."""
    listeners = [split_host_port(listener.partition(":")[2]) for listener in server.engine.core.listeners()]
    own = {server.config.advertised_address, server.reachable_host, split_host_port(call.local)[0]}
    for destination in destinations:
        host, port = _place(destination)
        for listening, at in listeners:
            wild = ip_address(listening).is_unspecified
            mine = host in own or ip_address(host).is_loopback if wild else host == listening
            if port == at and mine:
                return True
    return False
