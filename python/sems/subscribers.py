"""Those who want to be told what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from .errors import is_failure
from .log import logger

_Event = TypeVar("_Event")


class Subscribers(Generic[_Event]):
    """Callbacks in the order in which they came. One that fails is logged and disturbs no other."""

    __slots__ = ("_callbacks",)

    def __init__(self) -> None:
        self._callbacks: tuple[Callable[[_Event], None], ...] = ()

    def __bool__(self) -> bool:
        """There is somebody to be told."""
        return bool(self._callbacks)

    def add(self, callback: Callable[[_Event], None]) -> Callable[[], None]:
        """Tells ``callback`` from now on; returns what ends that, which may be called more than once."""
        self._callbacks += (callback,)

        def remove() -> None:
            if callback in self._callbacks:
                at = self._callbacks.index(callback)
                self._callbacks = self._callbacks[:at] + self._callbacks[at + 1 :]

        return remove

    def tell(self, event: _Event) -> None:
        """Tells all of them."""
        for callback in self._callbacks:
            try:
                callback(event)
            except BaseException as error:
                if not is_failure(error):
                    raise
                logger.exception("a subscriber failed", told=type(event).__name__)

    def clear(self) -> None:
        """Forgets all of them."""
        self._callbacks = ()
