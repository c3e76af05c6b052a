"""Where we are registered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, runtime_checkable

from ..config import AccountSettings, Config


@runtime_checkable
class AccountSource(Protocol):
    """Knows accounts of ours, such as those of a database. It is asked once, at the start.

    >>> class Accounts:
    ...     '''Those of our customers.'''
    ...     def __init__(self, config: Config, options: dict[str, str]) -> None:
    ...         self.domain = options.get("domain", "provider.example")
    ...     def accounts(self) -> list[AccountSettings]:
    ...         return [AccountSettings(uri=f"sip:{name}@{self.domain}") for name in ("anna", "ben")]
    >>> isinstance(Accounts(Config(), {}), AccountSource)
    True
    """

    def accounts(self) -> Iterable[AccountSettings]:
        """All that are to be registered, beside those of ``[[accounts]]``."""


class ConfiguredAccounts:
    """Those of ``[[accounts]]`` alone.

    >>> list(ConfiguredAccounts(Config(), {}).accounts())
    []
    """

    def __init__(self, config: Config, options: Mapping[str, Any]) -> None:
        """It needs neither."""

    def accounts(self) -> Iterable[AccountSettings]:
        """None beside them."""
        return ()
