"""Finding apps: those that come with SEMS, those of other packages, and scripts."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType
from typing import Self

from .app import App
from .errors import PluginError
from .log import logger
from .shipped import shipped

GROUP = "sems.apps"
"""The entry points under which packages bring apps: ``name = "package.module:app"``."""


# What the module of a script is called, which is imported by nobody.
_SCRIPT = "sems_script_"
_SEMS = __name__.partition(".")[0]
# Folders of packages that pip, or the system, has installed.
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True)
class Found:
    """An app that was found, loaded or not."""

    name: str
    origin: str
    """The file, or the package that brings it."""
    app: App | None
    """None: it could not be loaded."""
    error: str | None = None
    """Why it could not be loaded, in one line."""
    summary: str = ""
    """The first line of its documentation."""
    modules: Mapping[str, Path] = field(default_factory=dict)
    """The modules of its own folder, and of packages in it, that are there for it, by name, each with its
    file."""
    packaged: bool = False
    """A package brings it."""


class Apps:
    """The apps of this server, by name."""

    def __init__(self) -> None:
        """None at first."""
        self._found: dict[str, Found] = {}

    @classmethod
    def find(cls, scripts: Sequence[Path] = ()) -> Self:
        """All there are: those that come with SEMS, those of other packages, and the scripts.

        A broken one is logged and does not stop the others. But a script was asked for by name: one
        that can't be loaded raises PluginError.
        """
        apps = cls()
        for found in _find(scripts):
            if found.error is not None:
                if any(str(script) == found.origin for script in scripts):
                    raise PluginError(f"{found.origin}: {found.error}")
                logger.error(
                    "an app could not be loaded", app=found.name, origin=found.origin, why=found.error
                )
            apps._found[found.name] = found
        return apps

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[App]:
        return iter([found.app for found in self._found.values() if found.app is not None])

    def get(self, name: str) -> App | None:
        """The app of that name."""
        found = self._found.get(name)
        return None if found is None else found.app

    def add(self, app: App) -> None:
        """One more, in place of any other of its name."""
        self._found[app.name] = Found(app.name, "added by the program", app, summary=_summary(app))

    def of_script(self, path: Path) -> Found | None:
        """What was loaded from the file."""
        return next((found for found in self._found.values() if found.origin == str(path)), None)

    def replace(self, old: Found, new: Found) -> None:
        """Has one take the place of another, also where its name is another."""
        self._found.pop(old.name, None)
        self._found[new.name] = new

    def describe(self) -> list[Found]:
        """All that were found, sorted by name: for ``sems apps``."""
        return sorted(self._found.values(), key=lambda found: found.name)


def _find(scripts: Sequence[Path]) -> Iterator[Found]:
    """Later ones take the place of earlier ones of the same name, so that everything can be replaced."""
    for path in sorted(shipped("apps").glob("*.py")):
        if not path.stem.startswith("_"):
            yield _load(path.stem, path, f"sems_apps.{path.stem}")
    for entry in sorted(importlib.metadata.entry_points(group=GROUP), key=lambda entry: entry.name):
        yield _load_entry(entry)
    for path in scripts:
        # As Python itself does for a script: it may be in several files.
        if (folder := str(path.resolve().parent)) not in sys.path:
            sys.path.insert(0, folder)
        yield load_script(path)


def load_script(path: Path) -> Found:
    """The app of a script, loaded as the file is now. ``app`` is None where that fails."""
    return _load(path.stem, path, _SCRIPT + path.stem)


def _load(name: str, path: Path, module_name: str) -> Found:
    try:
        if not path.is_file():
            raise PluginError("there is no such file")
        spec = importlib.util.spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise PluginError("is not a Python file")
        module = importlib.util.module_from_spec(spec)
        known = set(sys.modules)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
            own = modules_beside(path)
            return replace(_accept(name, str(path), getattr(module, "app", None), path.parent), modules=own)
        except BaseException:
            # Nothing of it stays, so that all of it is read when it is loaded again.
            for half in {module_name, *modules_beside(path)} - known:
                sys.modules.pop(half, None)
            raise
    except (Exception, SystemExit) as error:
        return Found(name, str(path), None, error=_why(error, path))


def modules_beside(script: Path) -> dict[str, Path]:
    """The modules that were imported from the folder of a script, and from packages in it, but for scripts.
    A package without ``__init__.py`` has its folder for a file."""
    folder = str(script.resolve().parent)
    beside = {}
    for name, module in tuple(sys.modules.items()):
        file = str(getattr(module, "__file__", None) or _folder_of(module))
        # Modules are many, and few of them have to be looked at in the file system.
        if file.startswith(folder) and _is_beside(folder, name, file):
            beside[name] = Path(file).resolve()
    return beside


def _is_beside(folder: str, name: str, file: str) -> bool:
    top = name.partition(".")[0]
    # What is installed, in a virtual environment below the folder too, and SEMS stay as they are.
    if name.startswith(_SCRIPT) or top == _SEMS or not _INSTALLED.isdisjoint(Path(file).parts):
        return False
    package = os.path.join(folder, top)
    return os.path.dirname(file) == folder or file.startswith(package + os.sep)


def _folder_of(module: ModuleType) -> str:
    """Of a package without ``__init__.py`` that is in one folder; else empty."""
    try:
        # Some modules answer to any name, but for what they really have.
        folders = list(getattr(module, "__dict__", {}).get("__path__") or ())
    except KeyError:
        # That of its parent is asked for, which is gone.
        return ""
    return str(folders[0]) if len(folders) == 1 else ""


def _load_entry(entry: importlib.metadata.EntryPoint) -> Found:
    origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value
    try:
        app = entry.load()
        file = inspect.getsourcefile(sys.modules[entry.module])
        found = _accept(entry.name, origin, app, Path(file).parent if file else None)
        return replace(found, packaged=True)
    except (Exception, SystemExit) as error:
        return Found(entry.name, origin, None, error=_why(error, None), packaged=True)


def _accept(name: str, origin: str, app: object, folder: Path | None) -> Found:
    if not isinstance(app, App):
        raise PluginError('defines no "app = App()"')
    if not app.handlers:
        raise PluginError("has no coroutine under @app.call, nor under @app.message or the like")
    app.name = app.name or name
    app.folder = app.folder or folder
    return Found(app.name, origin, app, summary=_summary(app))


def _summary(app: App) -> str:
    handler = next(iter(app.handlers), None)
    module = sys.modules.get(getattr(handler, "__module__", ""))
    text = inspect.getdoc(module) or inspect.getdoc(handler) or ""
    return text.partition("\n")[0]


def _why(error: BaseException, path: Path | None) -> str:
    """The error in one line, with the line of the app's file where it came from."""
    if isinstance(error, PluginError):
        return str(error)
    text = f"{type(error).__name__}: {error}".partition("\n")[0]
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {type(error).__name__}: {error.msg}"
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)
    ]
    return f"line {lines[-1]}: {text}" if lines else text
