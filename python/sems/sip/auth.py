"""Names and passwords of SIP: those that we answer with, and those of who may call us."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..engine import AuthConfig

if TYPE_CHECKING:
    from ..config import Config
    from ..config.auth import UserSettings

Credential = tuple[str | None, str, str]
"""Realm (:data:`ANY`: any; None: the one that asks first, and no other after it), name and password."""

ANY = "*"
"""Stands for any realm."""


def credentials(
    config: Config, username: str | None, password: str | None, realm: str | None = None
) -> list[Credential]:
    """What the challenges to a request of ours are answered with: what was given with it, before what is
    in the configuration.

    Raises ValueError for half of a credential."""
    configured: list[Credential] = [
        (one.realm, one.username, one.password) for one in config.auth.credentials
    ]
    if username is None and password is None:
        if realm is not None:
            raise ValueError("a realm is for a username and a password")
        return configured
    if username is None or password is None:
        raise ValueError("username and password belong together")
    return [(realm, username, password), *(one for one in configured if one[0] != ANY)]


def gate(config: Config, users: Iterable[UserSettings] | None = None) -> AuthConfig | None:
    """Whom the core asks who they are; None: nobody. ``users``: who may answer; None: those of the
    configuration."""
    auth = config.auth
    known = auth.users if users is None else tuple(users)
    challenge = list(auth.challenge)
    if not challenge:
        return None
    return AuthConfig(
        realm=auth.realm,
        challenge=challenge,
        algorithms=list(auth.algorithms),
        passwords=[(user.name, user.password) for user in known if user.password is not None],
        hashes=[(user.name, user.algorithm, user.ha1) for user in known if user.ha1 is not None],
        exempt=[str(network) for network in auth.exempt],
    )
