"""What goes out and belongs to no call yet: who says that it is them, which way it takes, and what they
show when they are asked who they are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, Unpack, cast

from .. import checks
from ..audio.codecs import offered
from ..call import Call
from ..errors import CallFailed
from ..events import EndReason
from ..locating import redirect
from ..registration.registrar import hunt
from ..sip import auth, hops, identity, requests
from ..sip.headers import Headers, NameAddr, SipUri
from ..sip.requests import SipResponse
from ..sip.subscriptions import Notifications

if TYPE_CHECKING:
    from ..locating.ways import Way
    from ..registration.bindings import Binding
    from ..sip.auth import Credential
    from .server import Server

RING_TIMEOUT = 185.0
"""How long a call may ring, in seconds: somewhat longer than proxies have patience (RFC 3261 §16.6)."""


class How(TypedDict, total=False):
    """How :class:`~sems.server.Server` sends what belongs to no call yet: an INVITE, another request or a
    SUBSCRIBE. What is left out is as configured."""

    destination: str | Sequence[str] | None
    """Where to send it, ``"ip:port"`` or several that are tried one after the other; None: what is found
    for the next hop (RFC 3263)."""
    route: Sequence[str] | None
    """URIs of proxies on the way, the next first; None: the outbound proxy of the configuration, unless
    there is a ``destination``."""
    from_name: str
    """The name in the From."""
    from_uri: str
    """The address in the From; empty for our own."""
    headers: Iterable[tuple[str, str]]
    """More header fields, each a name and a value; but none of those that :meth:`Call.answer()
    <sems.call.Call.answer>` refuses, except for two. ``Max-Forwards`` says how often it may be passed on;
    without it 70 times, or once less than the call or request that the app serves just then. ``Contact`` is
    for a request outside calls."""
    asserted_identity: str | None
    """Who sends it by our word (RFC 3325), for trusted neighbours."""
    privacy: Iterable[str]
    """What is to be kept private (RFC 3323): ``id``, ``user`` or ``header`` make the From anonymous."""
    username: str | None
    """Who we are, should anybody ask: together with ``password``. None: as configured."""
    password: str | None
    """What goes with ``username``."""
    realm: str | None
    """Who may ask for that password, as it calls itself; ``"*"``: whoever asks. None: who asks first in this
    call, and nobody later: not, for one, whom we call after a proxy of ours has asked."""
    account: str | None
    """The name of one of ours, as which it is sent: with its address, the way that its registrar wants,
    and its password for those who may ask for it (``[[accounts]] realm``)."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """For the core: a request that is about to be sent."""

    uri: str
    """Whom it is for: of an address of ours the phone that is registered there."""
    way: Way
    from_name: str
    from_uri: str
    """Empty for our own address."""
    headers: list[tuple[str, str]]
    credentials: list[Credential]
    contact: str | None
    """Our address as the account's registrar has it; None: the one at which the peer reaches us."""


async def prepare(
    server: Server,
    uri: str,
    *,
    destination: str | Sequence[str] | None = None,
    route: Sequence[str] | None = None,
    from_name: str = "",
    from_uri: str = "",
    headers: Iterable[tuple[str, str]] = (),
    asserted_identity: str | None = None,
    privacy: Iterable[str] = (),
    username: str | None = None,
    password: str | None = None,
    realm: str | None = None,
    account: str | None = None,
) -> Outgoing:
    """Each as :class:`How` says.

    Raises CallFailed when the next hop can't be found, or with 483 when what is served has been passed on too
    often, and ValueError for what makes no sense."""
    ours = server.accounts[account] if account is not None else None
    by_its_way = False
    if destination is None and route is None:
        if ours is not None:
            destination, route = ours.way(uri)
            by_its_way = destination is not None or route is not None
        elif phones := server.registrar.find(uri):
            uri, (destination, route) = phones[0].contact, phones[0].way
    from_name, from_uri, fields = identity.outgoing(from_name, from_uri, headers, asserted_identity, privacy)
    fields = hops.counted(fields)
    credentials = auth.credentials(server.config, username, password, realm)
    way = await server.ways.find(uri, destination=destination, route=route)
    if ours is None:
        return Outgoing(uri, way, from_name, from_uri, fields, credentials, None)
    return Outgoing(
        uri,
        way,
        from_name,
        from_uri or ours.uri,
        fields,
        [*ours.credentials(uri, by_its_way=by_its_way), *credentials],
        ours.contact or None,
    )


async def place(
    server: Server,
    uri: str,
    *,
    to_uri: str,
    link: str | None,
    focus: bool,
    reliable: bool,
    ring_timeout: float,
    codecs: Sequence[str] = (),
    **how: Unpack[How],
) -> Call:
    """As :meth:`Server.place() <sems.server.Server.place>`."""
    checks.uri("uri", uri)
    checks.sending(cast("dict[str, Any]", how))
    checks.uri("to_uri", to_uri, empty=True)
    checks.any_uri("link", link, none=True)
    checks.flag("focus", focus)
    checks.flag("reliable", reliable)
    checks.seconds("ring_timeout", ring_timeout, more_than_0=True)
    to_offer = offered(codecs, server.config.audio)
    out = await prepare(server, uri, **how)
    request, call_id = server.engine.core.dial(
        out.uri,
        out.way.destinations,
        route=out.way.route,
        to_uri=to_uri or (uri if uri != out.uri else ""),
        from_name=out.from_name,
        from_uri=out.from_uri,
        headers=out.headers,
        link=link,
        focus=focus,
        reliable=reliable,
        ring_timeout_ms=round(ring_timeout * 1000),
        credentials=out.credentials,
        contact=out.contact,
        codecs=to_offer,
    )
    call = Call(
        server,
        call_id,
        direction="out",
        uri=out.uri,
        caller=NameAddr(out.from_name, out.from_uri or "sip:sems"),
        headers=Headers(),
        source=out.way.destinations[0],
        local="",
    )
    call.link = link
    call.account = how.get("account")
    server.adopt(call)

    def sent(error: str | None) -> None:
        if error is not None:
            call.on_ended(EndReason("error", None, error))
            if server.calls.pop(call_id, None):
                server.history.ends(call)

    server.engine.when_done(request, sent)
    return call


async def dial(
    server: Server,
    uri: str,
    *,
    link: str | None,
    reliable: bool,
    timeout: float,
    follow_redirects: bool,
    codecs: Sequence[str] = (),
    **how: Unpack[How],
) -> Call:
    """As :meth:`Server.dial() <sems.server.Server.dial>`."""
    # What of it can be looked at only once is a list afterwards: it may be needed more than once.
    checks.uri("uri", uri)
    checks.sending(cast("dict[str, Any]", how))
    checks.seconds("timeout", timeout, more_than_0=True)
    checks.flag("follow_redirects", follow_redirects)
    codecs = offered(codecs, server.config.audio)
    straight = all(how.get(named) is None for named in ("account", "destination", "route"))

    async def call_at(target: str) -> Call:
        if straight:
            phones = server.registrar.find(target)
            if len(phones) > 1:
                return await hunt(phones, lambda phone, share: ring(target, share, phone), timeout)
        return await ring(target, timeout)

    async def ring(target: str, seconds: float, phone: Binding | None = None) -> Call:
        first = target == uri
        mine = how.copy()
        if phone is not None:
            mine["destination"], mine["route"] = phone.way
        elif not first:
            mine["destination"] = None
        if SipUri.parse(target).host != SipUri.parse(uri).host:
            mine["username"] = mine["password"] = mine["realm"] = None
        call = await server.place(
            target if phone is None else phone.contact,
            to_uri="" if first and phone is None else uri,
            link=link,
            reliable=reliable,
            ring_timeout=seconds,
            codecs=codecs,
            **mine,
        )
        try:
            await call.wait_answered()
        except asyncio.CancelledError:
            server.spawn(call.hangup())
            raise
        return call

    try:
        async with asyncio.timeout(timeout):
            return await (redirect.follow(uri, call_at) if follow_redirects else call_at(uri))
    except TimeoutError:
        raise CallFailed(408, f"no answer within {timeout:g} seconds") from None


async def request(
    server: Server, method: str, uri: str, *, body: bytes | str | None, content_type: str, **how: Unpack[How]
) -> SipResponse:
    """As :meth:`Server.request() <sems.server.Server.request>`."""
    checks.method("method", method)
    checks.uri("uri", uri)
    checks.body(body, content_type)
    # Such as a REGISTER that an app writes itself.
    checks.sending(cast("dict[str, Any]", how), may=checks.OPENING | {"contact"})
    out = await prepare(server, uri, **how)
    sent = server.engine.core.request(
        method,
        uri=out.uri,
        destinations=out.way.destinations,
        route=out.way.route,
        from_name=out.from_name,
        from_uri=out.from_uri,
        headers=out.headers,
        credentials=out.credentials,
        **requests.content(body, content_type),
    )
    return requests.response(await server.engine.answered(sent))


async def subscribe(
    server: Server, uri: str, package: str, *, expires: int, again: bool, **how: Unpack[How]
) -> Notifications:
    """As :meth:`Server.subscribe() <sems.server.Server.subscribe>`."""
    checks.uri("uri", uri)
    checks.token("package", package)
    checks.whole("expires", expires, 0)
    checks.flag("again", again)
    checks.sending(cast("dict[str, Any]", how), ours={"event", "expires"})
    out = await prepare(server, uri, **how)

    def ask() -> tuple[int, int]:
        return server.engine.core.subscribe(
            out.uri,
            out.way.destinations,
            package,
            expires,
            route=out.way.route,
            from_name=out.from_name,
            from_uri=out.from_uri,
            headers=out.headers,
            credentials=out.credentials,
        )

    notifications = Notifications(server, ask, again=again and expires > 0)
    await notifications.open()
    return notifications
