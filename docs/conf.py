"""How the documentation is built: ``make docs``. Warnings are errors."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import api_reference

project = "SEMS"
copyright = "the SEMS authors"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx_copybutton", "configuration_keys"]
myst_enable_extensions = ["deflist"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "SEMS"
nitpicky = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_preserve_defaults = True


def setup(app: Any) -> None:
    """What serves ourselves alone is public by its name only."""
    app.connect("autodoc-skip-member", api_reference.skip)
