"""Whom conferences may call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from ..config import Config


@runtime_checkable
class DialoutPolicy(Protocol):
    """Decides who may be called by those who may dial. How many calls at once, and the phone book, are of
    ``[dialout]`` whatever it says.

    >>> class OfficeHours:
    ...     '''Lets nobody call abroad.'''
    ...     def __init__(self, config: Config, options: dict[str, str]) -> None:
    ...         self.prefix = options.get("prefix", "+49")
    ...     def allows(self, address: str, number: str | None) -> bool | None:
    ...         return number is not None and number.startswith(self.prefix)
    >>> OfficeHours(Config(), {}).allows("sip:+4930@provider.example", "+4930")
    True
    """

    def allows(self, address: str, number: str | None) -> bool | None:
        """Whether this may be called. ``address``: ``sip:USER@HOST``, ``number``: what was dialled if it was
        a number, without blanks and dashes. None: only where it is this machine itself, and by no proxy.

        It is asked from the loop, so it must not wait."""


class AllowList:
    """The patterns of ``[dialout] allow``.

    >>> policy = AllowList(Config(dialout={"allow": [r"\\+49\\d+"]}), {})
    >>> [policy.allows(f"sip:{number}@provider.example", number) for number in ("+4930", "0900")]
    [True, False]
    """

    def __init__(self, config: Config, options: Mapping[str, Any]) -> None:
        self._patterns = config.dialout.allow

    def allows(self, address: str, number: str | None) -> bool | None:
        """Whether a pattern matches the whole of one of both."""
        if not self._patterns:
            return None
        written = [address] if number is None else [address, number]
        return any(pattern.fullmatch(text) for pattern in self._patterns for text in written)
