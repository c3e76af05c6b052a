"""The registrar (RFC 3261 §10.3): where the phones are that register at us, kept in memory.

A phone that has registered as ``sip:ann@OUR-DOMAIN`` is found by :meth:`Server.dial()
<sems.server.Server.dial>` under that address, the way it came, so also behind a NAT and over the
connection that it has opened. Calls that come in for such an address are not passed on: they are for
services, as all calls are.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, TypeVar

from ..engine import Event
from ..errors import CallFailed, WrongState
from ..log import logger
from ..sip.headers import NameAddr, SipUri, split_host_port
from ..sip.identity import values
from ..subscribers import Subscribers
from .bindings import Binding, Contact, contacts, same_address, seconds

if TYPE_CHECKING:
    from ..server import Server
    from ..sip.requests import SipRequest

_T = TypeVar("_T")

# What is kept of a phone is bounded, since strangers say it.
_LONGEST_USER = 128
_LONGEST_CONTACT = 512
_LONGEST_USER_AGENT = 100
_LONGEST_PATH = 8
_MOST_HOSTS = 64
_TRY_AGAIN = 60
# Of our own making: no phone has said so.
_SILENCE = (408, 503)


class _Refused(Exception):
    def __init__(self, code: int, reason: str | None = None, headers: Iterable[tuple[str, str]] = ()) -> None:
        super().__init__(code)
        self.code, self.reason, self.headers = code, reason, tuple(headers)


class Registrar:
    """Knows which phones are registered. See ``[registrar]`` in the configuration.

    >>> @app.start
    ... async def greet(server: Server) -> None:
    ...     server.registrar.follow(lambda phone: print(phone.aor, "has registered"))
    >>> [phone.contact for phone in server.registrar.find("sip:anna@example.com")]
    []
    """

    def __init__(self, server: Server) -> None:
        self._settings = server.config.registrar
        self._has_users = bool(server.config.auth.users or server.config.auth.users_of_component)
        self._phones: dict[str, list[Binding]] = {}
        self._timers: dict[Binding, asyncio.TimerHandle] = {}
        self._came: Subscribers[Binding] = Subscribers()
        self._hosts, self._ports = _our_places(server)
        self._name = server.config.advertised_address or _first_address(server) or server.reachable_host
        if self.enabled and not self._has_users:
            logger.warning("anybody can register here under any name: [[auth.users]] would ask for passwords")

    @property
    def enabled(self) -> bool:
        """Phones can register."""
        return self._settings.enabled

    def bindings(self) -> list[Binding]:
        """All phones that are registered."""
        return [binding for phones in self._phones.values() for binding in phones]

    def follow(self, callback: Callable[[Binding], None]) -> Callable[[], None]:
        """Tells ``callback`` of each phone that registers, and not again when it refreshes that; returns what
        ends it."""
        return self._came.add(callback)

    def find(self, uri: str) -> list[Binding]:
        """The phones of an address, the one to try first in front; none where the address is not of our
        domains. Raises CallFailed (480) when it is, and no phone is registered for it."""
        if not self.enabled:
            return []
        aor = self._aor(uri)
        if aor is None:
            return []
        if aor not in self._phones:
            raise CallFailed(480, f"no phone is registered for {aor}")
        # Of equals the one that was heard of last.
        newest = reversed(self._phones[aor])
        return sorted(newest, key=lambda binding: -binding.q)

    async def take(self, request: SipRequest) -> None:
        """For the server: answers a REGISTER."""
        self._learn(request.local)
        try:
            aor = self._authorized(request)
            self._change(aor, request)
        except _Refused as refused:
            code, reason, headers = refused.code, refused.reason, refused.headers
            logger.debug("a REGISTER was refused", code=code, why=reason, source=request.source)
        else:
            code, reason = 200, None
            phones = self._phones.get(aor, [])
            headers = tuple(("Contact", _as_contact(binding)) for binding in phones)
            if _supports_path(request):
                headers += tuple(("Path", value) for value in values(request.headers, "Path"))
        try:
            await request.respond(code, reason, headers=headers)
        except WrongState:
            # The core has answered for us, and the phone will come again.
            logger.debug("a REGISTER was answered late", source=request.source)

    def on_flow_closed(self, event: Event.FlowClosed) -> None:
        """For the server: a phone's connection is gone. Who can't be reached otherwise is forgotten, so that
        a call to it fails at once; it will register again (RFC 5626 §4.2.2)."""
        for binding in self.bindings():
            if binding.path or (binding.source, binding.transport) != (event.source, event.transport):
                continue
            before = self._phones[binding.aor]
            kept = [replace(binding, connected=False)] if binding.listens else []
            self._keep(binding.aor, before, [one for one in before if one is not binding] + kept)

    def close(self) -> None:
        """Forgets everything."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._phones.clear()

    # Whose phone it is

    def _aor(self, uri: str) -> str | None:
        """The canonical form of an address of ours; None: it is none."""
        parts = SipUri.parse(uri)
        domain = self._domain(parts)
        return f"{parts.user}@{domain}" if parts.user and domain is not None else None

    def _domain(self, uri: SipUri) -> str | None:
        if uri.scheme not in ("sip", "sips") or (uri.port is not None and uri.port not in self._ports):
            return None
        if self._settings.domains:
            return uri.host if uri.host in self._settings.domains else None
        # However we are reached, it is the same place.
        return self._name if _canonical(uri.host) in self._hosts else None

    def _learn(self, local: str) -> None:
        """The address at which a phone has reached us is one of ours."""
        host = split_host_port(local)[0]
        if len(self._hosts) < _MOST_HOSTS:
            self._hosts.add(_canonical(host))

    def _authorized(self, request: SipRequest) -> str:
        to = NameAddr.parse(request.headers.get("To", "")).uri
        aor = self._aor(to)
        if aor is None or self._domain(SipUri.parse(request.uri)) is None:
            raise _Refused(404)
        user = SipUri.parse(to).user
        if len(user) > _LONGEST_USER:
            raise _Refused(400, "Address Too Long")
        # From networks that are exempt nobody is asked, and that is meant.
        known = request.authenticated_user
        if self._has_users and known is not None and known != user:
            raise _Refused(403, "Not Your Address")
        return aor

    # What it wants

    def _change(self, aor: str, request: SipRequest) -> None:
        """Does all that a REGISTER asks for, or nothing of it."""
        asked = contacts(request.headers)
        if not asked:
            return
        expires = request.headers.get("Expires")
        default = None if expires is None else seconds(expires)
        if any(contact.uri == "*" for contact in asked):
            if len(asked) > 1 or default != 0:
                raise _Refused(400, "Contact * Goes Alone and With Expires 0")
            asked = [Contact(binding.contact, 0.0, 0) for binding in self._phones.get(aor, [])]
        before = self._phones.get(aor, [])
        after, fresh = list(before), set[Binding]()
        call_id = hashlib.blake2b(request.headers.get("Call-ID", "").encode(), digest_size=16).digest()
        cseq = int(re.match(r"\d*", request.headers.get("CSeq", "0"))[0] or 0)  # type: ignore[index]
        now, path = asyncio.get_running_loop().time(), _path(request)
        for contact in asked:
            lasts = self._granted(contact, default)
            old = next((one for one in after if same_address(one.contact, contact.uri)), None)
            if old is not None:
                if old not in fresh and old.call_id == call_id and cseq <= old.cseq:
                    raise _Refused(500, "Request Out of Order")
                after.remove(old)
            if lasts:
                binding = Binding(
                    aor,
                    _checked(contact.uri, request.transport),
                    contact.q,
                    request.source,
                    request.transport,
                    request.headers.get("User-Agent", "")[:_LONGEST_USER_AGENT],
                    now + lasts,
                    call_id,
                    cseq,
                    path=path,
                )
                after.append(binding)
                fresh.add(binding)
        if len(after) > max(self._settings.max_bindings, len(before)):
            raise _Refused(403, "Too Many Phones")
        if after and not before and len(self._phones) >= self._settings.max_users:
            raise _Refused(503, None, [("Retry-After", str(_TRY_AGAIN))])
        self._keep(aor, before, after)

    def _granted(self, contact: Contact, default: int | None) -> int:
        """For how many seconds."""
        wanted = default if contact.expires is None else contact.expires
        if wanted is None:
            return self._settings.max_expires
        if 0 < wanted < self._settings.min_expires:
            raise _Refused(423, None, [("Min-Expires", str(self._settings.min_expires))])
        return min(wanted, self._settings.max_expires)

    def _keep(self, aor: str, before: list[Binding], after: list[Binding]) -> None:
        loop = asyncio.get_running_loop()
        for binding in before:
            if binding not in after:
                self._timers.pop(binding).cancel()
                if not _has(after, binding):
                    _note("a phone has left", binding)
        for binding in after:
            if binding not in before:
                self._timers[binding] = loop.call_at(binding.until, self._expire, binding)
                if not _has(before, binding):
                    _note("a phone has registered", binding)
        if after:
            self._phones[aor] = after
        else:
            self._phones.pop(aor, None)
        for binding in after:
            if not _has(before, binding):
                self._came.tell(binding)

    def _expire(self, binding: Binding) -> None:
        del self._timers[binding]
        phones = self._phones[binding.aor]
        phones.remove(binding)
        if not phones:
            del self._phones[binding.aor]
        _note("a phone was not heard of any more", binding)


async def hunt(
    phones: Sequence[Binding], call: Callable[[Binding, float], Awaitable[_T]], timeout: float
) -> _T:
    """Calls one phone after the other until one answers (RFC 3261 §16.6). ``timeout``: seconds for all of
    them, of which each gets an equal part of what is left.

    Raises the CallFailed of the first that says why, and that of whoever says that nobody wants the call
    (6xx) or sends it elsewhere."""
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    why: CallFailed | None = None
    for place, phone in enumerate(phones):
        try:
            return await call(phone, max(1.0, (end - loop.time()) / (len(phones) - place)))
        except CallFailed as failed:
            if failed.code >= 600 or failed.targets:
                raise
            if why is None or why.code in _SILENCE:
                why = failed
        except ValueError:
            # What the phone calls its address is none.
            why = why or CallFailed(503, f"{phone.contact} can't be called")
    raise why or CallFailed(480, "no phone is registered")


def _our_places(server: Server) -> tuple[set[str], set[int]]:
    """The hosts and the ports by which we are reached, as far as can be known."""
    config = server.config
    hosts, ports = {"localhost", socket.gethostname().lower(), server.reachable_host}, set[int]()
    places = [listener.partition(":")[2] for listener in server.engine.core.listeners()]
    for listener in config.listen:
        places += [
            part.removeprefix("advertise=")
            for part in listener.split(";")[1:]
            if part.startswith("advertise=")
        ]
    for place in places:
        host, port = split_host_port(place)
        hosts.add("127.0.0.1" if host == "0.0.0.0" else "::1" if host == "::" else host)
        ports |= {port} if port is not None else set()
    if config.advertised_address is not None:
        hosts.add(config.advertised_address)
    return {_canonical(host) for host in hosts}, ports


def _first_address(server: Server) -> str | None:
    host = split_host_port(server.engine.core.sip_addresses()[0])[0]
    return None if ip_address(host).is_unspecified else host


def _canonical(host: str) -> str:
    try:
        return str(ip_address(host))
    except ValueError:
        return host.lower()


def _checked(contact: str, transport: str) -> str:
    """What can be called."""
    if _address("Contact", contact).scheme == "sips" and transport != "tls":
        raise _Refused(400, "A sips Contact Needs TLS")
    return contact


def _address(what: str, text: str) -> SipUri:
    uri = SipUri.parse(text)
    if len(text) > _LONGEST_CONTACT:
        raise _Refused(400, f"{what} Too Long")
    if uri.scheme not in ("sip", "sips") or not uri.host or re.search(r'[\s<>"]', text):
        raise _Refused(400, f"{what} Is No SIP Address")
    return uri


def _path(request: SipRequest) -> tuple[str, ...]:
    """The proxies that stand between us and a phone (RFC 3327). They are named by neighbours whom we trust,
    since whoever names them has our calls sent there (§6)."""
    if not request.trusted:
        return ()
    path = tuple(NameAddr.parse(value).uri for value in values(request.headers, "Path"))
    if len(path) > _LONGEST_PATH:
        raise _Refused(400, "Path Too Long")
    for proxy in path:
        _address("Path", proxy)
    return path


def _supports_path(request: SipRequest) -> bool:
    """The phone wants to know the Path that we keep (§5.3)."""
    tags = (tag.lower() for tag in values(request.headers, "Supported"))
    return request.trusted and "path" in tags


def _has(phones: list[Binding], binding: Binding) -> bool:
    return any(same_address(one.contact, binding.contact) for one in phones)


def _as_contact(binding: Binding) -> str:
    q = "" if binding.q == 1.0 else f";q={binding.q:g}"
    return f"<{binding.contact}>;expires={binding.expires_in}{q}"


def _note(what: str, binding: Binding) -> None:
    logger.info(what, address=binding.aor, source=binding.source, transport=binding.transport)
