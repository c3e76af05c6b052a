"""Finding apps: those that come with SEMS, those of other packages, and scripts."""

from __future__ import annotations

import importlib.util
import inspect
import os
import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Self

from . import checks, entries
from .app import App
from .errors import PluginError, in_one_line, is_failure
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
    tried: frozenset[Path] = frozenset()
    """Of what could not be loaded: the files of its own folder, and of packages in it, that may be why."""
    packaged: bool = False
    """A package brings it."""
    asked: bool = False
    """It was asked for by name, as a script is, or added by the program: a server does not do without it."""
    replaces: str | None = None
    """Where the app came from whose place it takes, since that has the same name."""


class Apps:
    """The apps of this server, by name."""

    def __init__(self) -> None:
        """None at first."""
        self._found: dict[str, Found] = {}
        self._broken: list[Found] = []

    @classmethod
    def find(cls, scripts: Sequence[Path] = ()) -> Self:
        """All there are: those that come with SEMS, those of other packages, and the scripts.

        A broken one is logged and does not stop the others. But a script was asked for by name: one
        that can't be loaded raises PluginError, and so do two of one name.
        """
        checks.kind("scripts", scripts, "a list of Paths", list, tuple)
        for script in scripts:
            checks.kind("each of scripts", script, "a Path", Path)
        apps = cls()
        for found in _find(scripts):
            if found.error is None:
                apps._enter(found)
            elif found.asked:
                raise PluginError(f"{found.origin}: {found.error}")
            else:
                logger.error(
                    "an app could not be loaded", app=found.name, origin=found.origin, why=found.error
                )
                apps._broken.append(found)
        return apps

    def _enter(self, found: Found) -> None:
        """It may take the place of another of its name, of which is told."""
        before = self._found.get(found.name)
        if before is not None:
            if before.asked and found.asked:
                raise PluginError(
                    f"{before.origin} and {found.origin} are both called {found.name}; "
                    f'app = App("NAME") gives one of them another name'
                )
            logger.warning(
                "an app takes the place of another",
                app=found.name,
                origin=found.origin,
                replaced=before.origin,
            )
            found = replace(found, replaces=before.origin)
        self._found[found.name] = found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[App]:
        return iter([found.app for found in self._found.values() if found.app is not None])

    def get(self, name: str) -> App | None:
        """The app of that name."""
        checks.kind("name", name, "a text", str)
        found = self._found.get(name)
        return None if found is None else found.app

    def add(self, app: App) -> None:
        """One more, in place of any other of its name."""
        checks.kind("app", app, "an App", App)
        checks.text("the name of app", app.name, empty=False)
        self._found[app.name] = Found(
            app.name, "added by the program", app, summary=_summary(app), asked=True
        )

    def of_script(self, path: Path) -> Found | None:
        """For reloading: what was loaded from the file."""
        return next((found for found in self._found.values() if found.origin == str(path)), None)

    def replace(self, old: Found, new: Found) -> None:
        """For reloading: has one take the place of another, also where its name is another."""
        self._found.pop(old.name, None)
        other = self._found.pop(new.name, None)
        if other is not None:
            logger.warning(
                "an app takes the place of another", app=new.name, origin=new.origin, replaced=other.origin
            )
        self._found[new.name] = replace(new, replaces=other.origin if other is not None else old.replaces)

    def give_up(self, app: App, why: str) -> Found:
        """For the server: it can't work; it is not there any more, but is described with the reason."""
        found = self._found.pop(app.name)
        given_up = replace(found, app=None, error=why)
        self._broken.append(given_up)
        return given_up

    def describe(self) -> list[Found]:
        """All that were found, sorted by name: for ``sems apps``."""
        return sorted([*self._found.values(), *self._broken], key=lambda found: found.name)


def _find(scripts: Sequence[Path]) -> Iterator[Found]:
    """Later ones take the place of earlier ones of the same name, so that everything can be replaced."""
    for path in sorted(shipped("apps").glob("*.py")):
        if not path.stem.startswith("_"):
            yield _load(path.stem, path, f"sems_apps.{path.stem}")
    for entry in entries.of_group(GROUP, also_broken=True):
        yield _load_entry(entry)
    for path in {path.resolve(): path for path in scripts}.values():
        # As Python itself does for a script: it may be in several files.
        if (folder := str(path.resolve().parent)) not in sys.path:
            sys.path.insert(0, folder)
        yield load_script(path)


def module_of_script(path: Path) -> ModuleType | None:
    """The module that was loaded last of the file."""
    return sys.modules.get(_SCRIPT + path.stem)


def load_script(path: Path) -> Found:
    """The app of a script, loaded as the file is now. ``app`` is None where that fails."""
    found = _load(path.stem, path, _SCRIPT + path.stem)
    # Only scripts are loaded again: to look through all modules for each app that comes with SEMS takes long.
    return replace(found, modules=modules_beside(path) if found.app else {}, asked=True)


def _load(name: str, path: Path, module_name: str) -> Found:
    read: Mapping[str, Path] = {}
    try:
        if not path.is_file():
            raise PluginError(_no_file(path))
        spec = importlib.util.spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise PluginError("is not a Python file")
        module = importlib.util.module_from_spec(spec)
        known = set(sys.modules)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
            return _accept(name, str(path), getattr(module, "app", None), path.parent)
        except BaseException:
            # Nothing of it stays, so that all of it is read when it is loaded again.
            read = modules_beside(path)
            for half in {module_name, *read} - known:
                sys.modules.pop(half, None)
            raise
    except BaseException as error:
        if not is_failure(error):
            raise
        tried = _tried(error, path) | {file for file in read.values() if not file.is_dir()}
        return Found(name, str(path), None, error=_where(error, path) + _what(error), tried=frozenset(tried))


def _no_file(path: Path) -> str:
    if path.is_dir():
        return "is a folder, and a script is wanted"
    named = path.with_name(f"{path.name}.py")
    return "there is no such file" + (f' (did you mean "{named}"?)' if named.is_file() else "")


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


def _load_entry(entry: EntryPoint) -> Found:
    origin = entries.origin(entry)
    try:
        app = entries.load(entry)
        file = inspect.getsourcefile(sys.modules[entry.module])
        found = _accept(entry.name, origin, app, Path(file).parent if file else None)
        return replace(found, packaged=True)
    except BaseException as error:
        return Found(entry.name, origin, None, error=entries.why_not(error), packaged=True)


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


def _what(error: BaseException) -> str:
    # Without the name of its file, which is told before.
    return f"{type(error).__name__}: {error.msg}" if isinstance(error, SyntaxError) else in_one_line(error)


def _where(error: BaseException, script: Path) -> str:
    """The line of the script where the error came from, or the file and the line of what it imports from its
    own folder; empty for what has no line there."""
    if isinstance(error, PluginError):
        return ""
    path = script.resolve()
    folder = str(path.parent)
    places = _places(error, path)
    if not places:
        return ""
    file, line = places[-1]
    if file == str(path):
        return f"line {line}: "
    return f"{os.path.relpath(file, folder) if file.startswith(folder + os.sep) else file}, line {line}: "


def _tried(error: BaseException, script: Path) -> set[Path]:
    """The files of its folder that the script could not import: where the error came from, and where a module
    was looked for that is not there."""
    path = script.resolve()
    files = {Path(file) for file, _ in _places(error, path)}
    if isinstance(error, ImportError) and error.name:
        module = path.parent.joinpath(*error.name.split("."))
        files |= {module.with_name(f"{module.name}.py"), module / "__init__.py"}
    return {file for file in files if file.parent.is_dir()}


def _places(error: BaseException, path: Path) -> list[tuple[str, int]]:
    """The files and lines of the script, and of what it imports from its folder, that led to the error."""
    folder = str(path.parent)
    places = [
        (os.path.realpath(frame.f_code.co_filename), line)
        for frame, line in traceback.walk_tb(error.__traceback__)
        if os.path.realpath(frame.f_code.co_filename) == str(path)
        or _is_beside(folder, str(frame.f_globals.get("__name__")), frame.f_code.co_filename)
    ]
    if isinstance(error, SyntaxError) and error.lineno and os.path.isfile(error.filename or ""):
        # Of the file that could not even be read.
        places.append((os.path.realpath(str(error.filename)), error.lineno))
    return places
