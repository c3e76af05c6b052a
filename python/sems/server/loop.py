"""The loop of a server, which goes on whatever the services do in it."""

from __future__ import annotations

import asyncio
import traceback
from typing import Any

from ..log import logger


class EnduringLoop(asyncio.SelectorEventLoop):
    """A loop that ends with what it was to run, and not when a task or a callback beside that calls
    ``sys.exit()``, as asyncio's own do: that ends only who called it, as any other exception would."""

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
