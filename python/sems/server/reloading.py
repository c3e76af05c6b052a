"""Hot reload: the scripts of ``sems run --reload`` are followed while the server runs."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from ..log import logger
from ..plugins import Found, load_script, module_of_script, modules_beside
from . import dispatch
from .generations import Generation

if TYPE_CHECKING:
    from .server import Server


# What the hooks of new code may take, in seconds: meanwhile no edit is taken up.
_START_TIME = 10.0


def _real(paths: Iterable[str]) -> set[Path]:
    return {Path(path).resolve() for path in paths}


class Reloading:
    """Follows scripts: when one of them, or a module that it imports from its own folder or a package in
    it, is written, the next call runs the new code.

    Calls in progress finish on the old code. The new code's start hooks run before its first call, the
    old one's stop hooks after its last. Code that can't be loaded is logged with the line where it fails,
    and the old stays, until what the new imports is mended; so it does where a start hook of the new raises,
    or has not returned within ten seconds.

    ``import`` in a handler of the old code finds the modules that this has read as they were then; what it
    imports for the first time is read as it is now. ``importlib.import_module()`` knows of no old code: it
    finds the newest.
    """

    def __init__(self, server: Server, scripts: Iterable[Path]) -> None:
        """``scripts``: files that the server's apps were loaded from."""
        self._server = server
        self._scripts = tuple(scripts)
        self._tried: dict[Path, frozenset[Path]] = {}
        """What new code could not be loaded from, to be followed too, until it can."""
        self._generations = {script: self._generation(script) for script in self._scripts}
        # Two edits of a second look alike to Python's cache of compiled files.
        sys.dont_write_bytecode = True

    async def follow(self) -> None:
        """Reloads whenever a file is written, until it is cancelled."""
        from watchfiles import awatch

        while True:
            files = self.files
            logger.info("edits of these are taken up", files=sorted(str(file) for file in files))
            async for changes in awatch(*{file.parent for file in files}, recursive=False):
                if written := _real(path for _, path in changes) & files:
                    await self.reload(written)
                    if self.files != files:
                        break

    @property
    def files(self) -> set[Path]:
        """The scripts, and the modules that they import from their own folders and packages in them."""
        return {file for script in self._scripts for file in self._files_of(script)}

    async def reload(self, written: Collection[Path]) -> None:
        """Has the next calls run what is in these files now."""
        stale = [script for script in self._scripts if not self._files_of(script).isdisjoint(written)]
        # A module that several scripts share is read again once, for all of them.
        # With what was imported only in the middle of a call: a package is read again as a whole.
        old = {
            script: replace(found, modules={**found.modules, **modules_beside(script)})
            for script in stale
            if (found := self._server.apps.of_script(script))
        }
        modules = {name for found in old.values() for name in found.modules}
        before = {name: module for name in modules if (module := sys.modules.pop(name, None))}
        for script, found in old.items():
            self._generations[script].keep(
                {name: before[name] for name in found.modules.keys() & before.keys()}
            )
        importlib.invalidate_caches()
        for script, found in old.items():
            await self._load_again(script, found, before)

    async def _load_again(self, script: Path, old: Found, before: dict[str, ModuleType]) -> None:
        server = self._server
        new = load_script(script)
        self._tried[script] = new.tried | _files(new)
        if new.app is None:
            logger.error("the old code goes on", script=str(script), why=new.error)
            # What it has yet to import in the middle of a call is there as before.
            for name in old.modules.keys() & before.keys():
                sys.modules.setdefault(name, before[name])
            return
        why = await server.run_hooks(new.app, new.app.start_hooks, within=_START_TIME)
        if why is not None:
            logger.error("the old code goes on", script=str(script), why=why)
            sys.modules.update({name: before[name] for name in old.modules.keys() & before.keys()})
            # What its other hooks have begun ends.
            await server.run_hooks(new.app, new.app.stop_hooks, within=_START_TIME)
            return
        del self._tried[script]
        server.apps.replace(old, new)
        self._generations[script].is_old = True
        self._generations[script] = self._generation(script)
        logger.info("the next call runs the new code", script=str(script), app=new.name)
        dispatch.tell(server)
        if old.app is not None:
            server.spawn(server.incoming.retire(old.app))

    def _generation(self, script: Path) -> Generation:
        found = self._server.apps.of_script(script)
        return Generation(script, module_of_script(script), tuple(found.modules) if found is not None else ())

    def _files_of(self, script: Path) -> set[Path]:
        found = self._server.apps.of_script(script)
        files = _files(found) if found is not None else set()
        return {script.resolve()} | files | self._tried.get(script, frozenset())


def _files(found: Found) -> set[Path]:
    return {file for file in found.modules.values() if not file.is_dir()}
