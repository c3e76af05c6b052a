"""The loop of a server, which goes on whatever the services do in it."""

from __future__ import annotations

import asyncio
import selectors
import traceback
from typing import Any

from ..log import logger


class _Selector(selectors.DefaultSelector):
    """Asks the system every second time at most while there is something else to do: what has just come has
    mostly had a task woken, which is run at once so, and nothing new can have come that soon."""

    def __init__(self) -> None:
        super().__init__()
        self._passed_over = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout == 0 and not self._passed_over:
            self._passed_over = True
            return []
        self._passed_over = False
        return super().select(timeout)


class EnduringLoop(asyncio.SelectorEventLoop):
    """A loop that ends with what it was to run, and not when a task or a callback beside that calls
    ``sys.exit()``, as asyncio's own do: that ends only who called it, as any other exception would."""

    def __init__(self, selector: selectors.BaseSelector | None = None) -> None:
        super().__init__(_Selector() if selector is None else selector)

    def run_until_complete(self, future: Any) -> Any:
        """As always."""
        whole = asyncio.ensure_future(future, loop=self)
        while True:
            try:
                return super().run_until_complete(whole)
            except SystemExit as error:
                if whole.done():
                    raise
                place = traceback.extract_tb(error.__traceback__)[-1]
                logger.warning(
                    "sys.exit() ends what has called it, and not the server",
                    place=f"{place.filename}, line {place.lineno}",
                )
