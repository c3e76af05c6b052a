"""Who may call us, and register here, and with which password."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from ..config import Config
from ..config.auth import UserSettings


@runtime_checkable
class Authentication(Protocol):
    """Knows users. It is asked once, at the start: the answers to challenges are looked at in the core, where
    nobody waits for Python.

    >>> class Users:
    ...     '''Those of a table.'''
    ...     def __init__(self, config: Config, options: dict[str, str]) -> None:
    ...         pass
    ...     def users(self) -> list[UserSettings]:
    ...         return [UserSettings(name="anna", password="a long secret")]
    >>> isinstance(Users(Config(), {}), Authentication)
    True
    """

    def users(self) -> Iterable[UserSettings]:
        """All who may answer a challenge."""


class ConfiguredUsers:
    """Those of ``[[auth.users]]``.

    >>> config = Config(auth={"users": [{"name": "anna", "password": "a long secret"}]})
    >>> [user.name for user in ConfiguredUsers(config, {}).users()]
    ['anna']
    """

    def __init__(self, config: Config, options: Mapping[str, Any]) -> None:
        self._users = config.auth.users

    def users(self) -> Iterable[UserSettings]:
        """As configured."""
        return self._users
