"""What code finds that imports in the middle of a call: modules of its own time, also after a reload.

Python keeps one module of each name. When a script is loaded again, so are the modules beside it, and a
handler of the old code that then says ``from words import HELLO`` would get the new ones. So ``import`` is
told which modules belong to the code that says it.
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from ..plugins import modules_beside

# Where the globals of a module say to which generation it belongs.
_MARK: Final = "__sems_generation__"
# While an old generation imports, its modules stand where others look for theirs.
_turn: Final = threading.RLock()


class Generation:
    """The code of a script and of the modules beside it, as they were read together."""

    def __init__(self, script: Path, module: ModuleType | None, names: Sequence[str]) -> None:
        """``module``: that of the script; ``names``: those of the modules beside it, which have been read."""
        self.is_old = False
        """There is a newer one, of which it is to see nothing."""
        self._script = script
        self._modules: dict[str, ModuleType] = {}
        if module is not None:
            self._mark(module)
        self.keep({name: sys.modules[name] for name in names if name in sys.modules})
        _install()

    def keep(self, modules: Mapping[str, ModuleType]) -> None:
        """These belong to it, unless it has others of their names."""
        for name, module in modules.items():
            if self._modules.setdefault(name, module) is module:
                self._mark(module)

    def _mark(self, module: ModuleType) -> None:
        # Of a module that several scripts share the first has it: they have read the same.
        vars(module).setdefault(_MARK, self)

    @contextmanager
    def importing(self) -> Iterator[None]:
        """What is imported meanwhile is of this generation, where that has read it."""
        with _turn:
            others = {
                name: sys.modules.pop(name, None)
                for name in {*self._modules, *(modules_beside(self._script) if self.is_old else ())}
                if sys.modules.get(name) is not self._modules.get(name)
            }
            sys.modules.update((name, self._modules[name]) for name in others.keys() & self._modules.keys())
            known = set(sys.modules)
            try:
                yield
            finally:
                if not known.issuperset(sys.modules):
                    self._take_in(known)
                for name, other in others.items():
                    if other is None:
                        sys.modules.pop(name, None)
                    else:
                        sys.modules[name] = other

    def _take_in(self, known: set[str]) -> None:
        """What has just been read for the first time belongs to it; newer code reads it for itself."""
        new = {name: sys.modules[name] for name in modules_beside(self._script) if name not in known}
        self.keep(new)
        if self.is_old:
            for name in new:
                sys.modules.pop(name, None)


def _install() -> None:
    """Once in a process, and only where something is ever reloaded."""
    before = builtins.__import__
    if getattr(before, _MARK, False):
        return

    def import_of_its_time(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        generation = None if globals is None else globals.get(_MARK)
        if generation is None:
            return before(name, globals, locals, fromlist or (), level)
        with generation.importing():
            return before(name, globals, locals, fromlist or (), level)

    setattr(import_of_its_time, _MARK, True)
    builtins.__import__ = import_of_its_time
