"""What comes with SEMS beside its modules: services, prompts and pages."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

from .errors import SoundNotFound


def shipped(folder: str) -> Path:
    """A folder that comes with SEMS (``apps`` or ``web``): in the source tree, or in the package.

    An editable install leaves copies in the package that grow stale, so the tree comes first.
    """
    package = Path(str(importlib.resources.files("sems")))
    tree = package.parent.parent
    for place in (tree / folder if (tree / "Cargo.toml").is_file() else package / folder, package / folder):
        if place.is_dir():
            return place
    raise SoundNotFound(f"this installation of SEMS lacks its folder {folder!r}")
