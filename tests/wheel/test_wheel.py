"""What people install: one wheel with core, apps and pages, that works outside the source tree."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from peers.ports import free_port

ROOT = Path(__file__).parents[2]
DIST = ROOT / "dist"


def only(pattern: str) -> Path:
    """The one file in dist/ of that form."""
    found = list(DIST.glob(pattern))
    assert len(found) == 1, f"make wheel leaves one {pattern} in dist/, not {found}"
    return found[0]


def tracked(*folders: str) -> set[str]:
    """Files in the tree that git keeps."""
    names = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    return {name for name in names.splitlines() if (ROOT / name).exists()}


def test_the_wheel_is_one_for_all_pythons_from_3_11() -> None:
    assert re.search(r"-cp311-abi3-\w*linux", only("*.whl").name)


def test_the_wheel_has_all_apps_pages_and_modules_and_nothing_stray() -> None:
    with zipfile.ZipFile(only("*.whl")) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    wanted = {f"sems/{name}" for name in tracked("apps", "web")}
    wanted |= {name.removeprefix("python/") for name in tracked("python")}
    # py.typed: whoever installs it gets the types, too (PEP 561).
    wanted |= {"sems/_core.abi3.so", "sems/py.typed"}
    assert names == wanted


def test_the_sdist_has_all_that_the_wheel_is_made_of() -> None:
    with tarfile.open(only("*.tar.gz")) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = tracked("apps", "web", "python", "rust", "Cargo.lock", "pyproject.toml", "LICENSE", "README.md")
    wanted = {name for name in wanted if not re.match(r"rust/\w+/(tests|benches)/", name)}
    assert wanted <= names, wanted - names


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an empty environment with nothing but the wheel and what it asks for."""
    folder = tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    binaries = folder / "venv" / "bin"
    subprocess.run([binaries / "pip", "install", "-q", str(only("*.whl"))], check=True, cwd=folder)
    return binaries


def clean_environment() -> dict[str, str]:
    """Ours without anything that could lead back to the source tree."""
    return {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VIRTUAL_ENV", "SEMS_"))
    }


def test_the_installed_command_says_its_version_and_its_apps(installed: Path, tmp_path: Path) -> None:
    def sems(*arguments: str) -> str:
        return subprocess.run(
            [installed / "sems", *arguments],
            cwd=tmp_path, env=clean_environment(), check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip

    assert re.fullmatch(r"sems \d+\.\d+\.\d+\n", sems("--version"))
    apps = sems("apps")
    for name in ("conference", "announcement", "echo", "ring"):
        assert re.search(rf"^{name}\b", apps, re.MULTILINE), apps


async def test_the_installed_server_serves_its_pages_and_ends_at_ctrl_c(
    installed: Path, tmp_path: Path
) -> None:
    sip, http, rtp = free_port(span=2), free_port(), free_port(span=20)
    process = await asyncio.create_subprocess_exec(
        installed / "sems", "run", "--host", "127.0.0.1", "--sip-port", str(sip), "--http-port", str(http),
        "--rtp-ports", f"{rtp}-{rtp + 19}", "--data", str(tmp_path / "data"),
        cwd=tmp_path, env=clean_environment() | {"PYTHONUNBUFFERED": "1"},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said = ""
    try:
        assert process.stdout
        async with asyncio.timeout(60):
            while "calls are taken" not in said:
                line = await process.stdout.readline()
                assert line, said
                said += line.decode()
        for path, wanted in {"/": "Join a room", "/healthz": "", "/api/v1/openapi.json": '"openapi"'}.items():
            reader, writer = await asyncio.open_connection("127.0.0.1", http)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
            answer = (await reader.read()).decode()
            writer.close()
            assert answer.startswith("HTTP/1.1 200"), answer
            assert wanted in answer
    finally:
        if process.returncode is None:
            process.send_signal(2)
    async with asyncio.timeout(30):
        assert await process.wait() == 0


def test_the_test_kit_needs_nothing_but_pytest(installed: Path, tmp_path: Path) -> None:
    subprocess.run([installed / "pip", "install", "-q", "pytest"], check=True, cwd=tmp_path)
    page = (ROOT / "docs" / "testing.md").read_text()
    # The first test that the documentation shows, as somebody copies it.
    shown = re.search(r"^```python\n(# test_lottery\.py\n.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert shown
    (tmp_path / "test_lottery.py").write_text(shown[1])
    done = subprocess.run(
        [installed / "pytest", "-q"], cwd=tmp_path, env=clean_environment(), capture_output=True, text=True
    )
    assert re.search(r"^\d passed in ", done.stdout, re.MULTILINE), done.stdout + done.stderr
