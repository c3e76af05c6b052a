"""``sems reload``: fresh certificates without a restart."""

from __future__ import annotations

import os
import signal

import typer

from ..config import load_config
from ..errors import SemsError
from ..server.hosting import pid_file
from .failure import one_clear_line
from .options import ConfigFile, Data


def reload(data: Data = None, config: ConfigFile = None) -> None:
    """Have the running server read its certificates again. Calls and connections go on.

    Its log says whether they make sense; if not, those that it has stay.
    """
    with one_clear_line():
        folder = load_config({"data": data, "config": config}).config.data
        try:
            pid = int(pid_file(folder).read_text())
            os.kill(pid, signal.SIGHUP)
        except (OSError, ValueError):
            raise SemsError(f"no server runs with the data folder {folder}; --data names another") from None
    typer.echo(f"the server (process {pid}) reads its certificates")
