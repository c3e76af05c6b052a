"""What goes out and belongs to no call yet: who says that it is them, which way it takes, and what they
show when they are asked who they are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..sip import auth, identity

if TYPE_CHECKING:
    from ..locating.ways import Way
    from ..sip.auth import Credential
    from .server import Server


@dataclass(frozen=True, slots=True)
class Outgoing:
    """For the core: a request that is about to be sent."""

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
    destination: str | Sequence[str] | None,
    route: Sequence[str] | None,
    from_name: str,
    from_uri: str,
    headers: Iterable[tuple[str, str]],
    asserted_identity: str | None,
    privacy: Iterable[str],
    username: str | None,
    password: str | None,
    account: str | None,
) -> Outgoing:
    """Each as :meth:`Server.place() <sems.server.Server.place>` says.

    Raises CallFailed when the next hop can't be found, and ValueError for what makes no sense."""
    ours = server.accounts[account] if account is not None else None
    by_its_way = False
    if ours is not None and destination is None and route is None:
        destination, route = ours.way(uri)
        by_its_way = destination is not None or route is not None
    from_name, from_uri, fields = identity.outgoing(from_name, from_uri, headers, asserted_identity, privacy)
    credentials = auth.credentials(server.config, username, password)
    way = await server.ways.find(uri, destination=destination, route=route)
    if ours is None:
        return Outgoing(way, from_name, from_uri, fields, credentials, None)
    return Outgoing(
        way,
        from_name,
        from_uri or ours.uri,
        fields,
        [*ours.credentials(uri, by_its_way=by_its_way), *credentials],
        ours.contact or None,
    )
