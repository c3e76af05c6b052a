"""The house stands: arrows between its parts point down only."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "python" / "sems"

# What each crate may import of ours.
CRATES = {
    "sip": set[str](),
    "sdp": set[str](),
    "rtp": set[str](),
    "audio": set[str](),
    "engine": {"sems-sip", "sems-sdp", "sems-rtp", "sems-audio"},
    "py": {"sems-engine"},
}
PURE = ("sip", "sdp", "rtp", "audio")

# Sockets, threads and clocks belong to the engine; these are their names.
OF_THE_ENGINE = re.compile(
    r"\b(UdpSocket|TcpStream|TcpListener|UnixStream|socket2|libc|mio|tokio|std::thread|thread::spawn"
    r"|Instant::now|SystemTime|std::os::fd|std::fs)\b"
)
PACKAGES_OF_THE_ENGINE = {"socket2", "libc", "mio", "tokio", "io-uring", "rtrb", "crossbeam-channel", "nix"}

# The parts of the package, modules and folders, in layers from the bottom up. A part imports what is below
# it; parts of one layer know nothing of each other.
LAYERS = (
    {"checks", "clock", "errors", "events", "log", "waiting"},
    {"engine", "entries", "shipped", "subscribers"},
    {"words"},
    {"sip"},
    {"config"},
    {"routing", "locating", "audio", "trace", "storage"},
    {"registration", "app", "call", "components", "session"},
    {"plugins", "conference"},
    {"connecting"},
    {"control"},
    {"server"},
    {"cli", "testing", "client"},
    {"__init__", "__main__"},
)


def dependencies(manifest: Path) -> set[str]:
    """Names of the crates that a crate is built from; those of its tests don't count."""
    data = tomllib.loads(manifest.read_text())
    targets = data.get("target", {}).values()
    return {name for table in (data, *targets) for name in table.get("dependencies", {})}


def rust_code(crate: str) -> Iterator[tuple[Path, int, str]]:
    """Lines of a crate without comments, up to the tests of a file."""
    for path in sorted((ROOT / "rust" / crate / "src").rglob("*.rs")):
        if path.stem == "tests":
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.startswith("#[cfg(test)]"):
                break
            yield path, number, line.partition("//")[0]


def imports(path: Path, at_run_time_only: bool = True) -> set[str]:
    """Absolute names of the modules that a Python file imports."""
    tree = ast.parse(path.read_text())
    skipped: set[ast.AST] = set()
    if at_run_time_only:
        for node in ast.walk(tree):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                skipped.update(ast.walk(node))
    names: set[str] = set()
    package = (
        list(path.relative_to(ROOT / "python").with_suffix("").parts) if path.is_relative_to(PACKAGE) else []
    )
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = [*package[: len(package) - node.level]] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names.add(module)
            names.update(f"{module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("crate", CRATES)
def test_a_crate_imports_only_crates_below_it(crate: str) -> None:
    ours = {name for name in dependencies(ROOT / "rust" / crate / "Cargo.toml") if name.startswith("sems-")}
    assert ours <= CRATES[crate]


def test_only_the_binding_crate_knows_python() -> None:
    knowing = {crate for crate in CRATES if "pyo3" in dependencies(ROOT / "rust" / crate / "Cargo.toml")}
    assert knowing == {"py"}


@pytest.mark.parametrize("crate", PURE)
def test_a_pure_crate_names_no_socket_thread_or_clock(crate: str) -> None:
    assert not dependencies(ROOT / "rust" / crate / "Cargo.toml") & PACKAGES_OF_THE_ENGINE
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, number, line in rust_code(crate)
        if OF_THE_ENGINE.search(line)
    ]
    assert not found


def test_the_binding_crate_names_no_socket_thread_or_clock() -> None:
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, number, line in rust_code("py")
        if OF_THE_ENGINE.search(line)
    ]
    assert not found


def test_only_the_engine_module_imports_the_core() -> None:
    importing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if any(name == "sems._core" or name.startswith("sems._core.") for name in imports(path))
    }
    assert importing == {"engine.py"}


def parts() -> dict[str, list[Path]]:
    """The parts of the package with their files. What a wheel brings along is none."""
    found: dict[str, list[Path]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        part = path.relative_to(PACKAGE).with_suffix("").parts[0]
        if part not in {"apps", "web"}:
            found.setdefault(part, []).append(path)
    return found


def test_each_part_of_the_package_has_its_layer() -> None:
    assert set(parts()) == set().union(*LAYERS)
    assert len(parts()) == sum(len(layer) for layer in LAYERS)


@pytest.mark.parametrize("height", range(len(LAYERS)))
def test_a_python_layer_imports_only_layers_below_it(height: int) -> None:
    here = set().union(*LAYERS[height:])
    wrong = [
        f"{path.relative_to(PACKAGE)}: {name}"
        for part in LAYERS[height]
        for path in parts()[part]
        for name in sorted(imports(path))
        if name.startswith("sems.") and name.split(".")[1] in here - {part}
    ]
    assert not wrong


def test_apps_stand_on_the_public_api_and_not_on_each_other() -> None:
    import sems

    public = {"sems", *(f"sems.{name}" for name in sems.__all__)}
    for path in (ROOT / "apps").rglob("*.py"):
        for name in imports(path, at_run_time_only=False):
            if name == "sems" or name.startswith("sems."):
                assert name in public, f"{path.name} reaches into {name}"
            assert not (ROOT / "apps" / f"{name.partition('.')[0]}.py").exists(), (
                f"{path.name} imports {name}"
            )
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and re.match("_[^_]", node.attr):
                of_its_own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")
                assert of_its_own, f"{path.name} reaches for {node.attr}"


def test_pages_ask_nobody_but_their_own_server() -> None:
    for path in (ROOT / "web").rglob("*"):
        if path.suffix in {".js", ".html", ".css"}:
            foreign = re.findall(
                r"""(?:src|href|url\(|fetch\(|import)\s*[=(]?\s*["'](?:https?:)?//[^"']+""", path.read_text()
            )
            assert not foreign, path
