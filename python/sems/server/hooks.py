"""The start and stop hooks of apps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..app import App, Hook
from ..errors import in_one_line, is_failure
from ..log import logger
from ..waiting import cancelled

if TYPE_CHECKING:
    from .server import Server

# After so many seconds somebody wonders what is being waited for.
_LONG = 5.0
# What one that is cancelled may take to clean up, in seconds.
_CLEANING_TIME = 0.1


async def run(server: Server, app: App, hooks: Iterable[Hook], within: float | None) -> str | None:
    """As :meth:`Server.run_hooks() <sems.server.Server.run_hooks>`."""
    loop = asyncio.get_running_loop()
    latest = None if within is None else loop.time() + within
    why = None
    for hook in hooks:
        name = getattr(hook, "__name__", repr(hook))
        told = loop.call_later(_LONG, _tell, app, name)
        try:
            if latest is None:
                await hook(server)
            elif not await _ends_by(latest, hook, server):
                why = why or f"its hook {name} does not return"
                logger.error("a hook of an app does not return, and is given up", app=app.name, hook=name)
        except BaseException as error:
            if not is_failure(error):
                raise
            why = why or f"its hook {name} raised {in_one_line(error)}"
            logger.exception("a hook of an app failed", app=app.name, hook=name)
        finally:
            told.cancel()
    return why


def _tell(app: App, name: str) -> None:
    logger.warning(
        "a hook of an app has not returned yet: what it does for ever is for server.spawn()",
        app=app.name,
        hook=name,
    )


async def _ends_by(latest: float, hook: Hook, server: Server) -> bool:
    """It has returned by then; False: it has not, and is cancelled. Raises what it raises."""

    async def whole() -> None:
        await hook(server)

    task = asyncio.create_task(whole())
    try:
        await asyncio.wait({task}, timeout=max(latest - asyncio.get_running_loop().time(), _CLEANING_TIME))
        if task.done():
            await task
            return True
        await cancelled({task}, _CLEANING_TIME)
        return False
    finally:
        task.cancel()
