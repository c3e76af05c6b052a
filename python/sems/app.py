"""An app: the coroutine that takes calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from .call import Call
    from .server import Server

Handler = Callable[["Call"], Awaitable[None]]
Hook = Callable[["Server"], Awaitable[None]]
_Handler = TypeVar("_Handler", bound="Handler")
_Hook = TypeVar("_Hook", bound="Hook")


class App:
    """A voice service.

    >>> app = App()
    >>> @app.call
    ... async def main(call: Call) -> None:
    ...     await call.answer()
    ...     await call.play("welcome")

    When the handler returns, the call is hung up. When it raises, the error is logged and the call
    ends: with 500 before the answer, with BYE after it.
    """

    def __init__(self, name: str | None = None) -> None:
        self.name = name or ""
        """How routes and callers call it. Unset: the stem of the file, or the name of the entry point."""
        self.folder: Path | None = None
        """The folder of the app's file: sounds are looked for here first."""
        self.handler: Handler | None = None
        self.start_hooks: list[Hook] = []
        self.stop_hooks: list[Hook] = []

    def call(self, handler: _Handler) -> _Handler:
        """Makes the coroutine function the one that takes each call."""
        self.handler = handler
        return handler

    def start(self, hook: _Hook) -> _Hook:
        """Runs the coroutine function once, before the first call is taken."""
        self.start_hooks.append(hook)
        return hook

    def stop(self, hook: _Hook) -> _Hook:
        """Runs the coroutine function once, after the last call has ended."""
        self.stop_hooks.append(hook)
        return hook

    def __repr__(self) -> str:
        return f"App({self.name!r})"
