"""The command ``sems``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from .. import __version__
from .inspect import apps, config, plugins
from .phone import call
from .reload import reload
from .replay import replay
from .run import run
from .trace import trace

app = typer.Typer(
    name="sems",
    add_completion=True,
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.command()(run)
app.command()(call)
app.command()(apps)
app.command()(plugins)
app.command()(config)
app.command()(reload)
app.command()(trace)
app.command()(replay)

_COMMANDS = {"run", "call", "apps", "plugins", "config", "reload", "trace", "replay"}
_OF_THE_ROOT = {"--help", "-h", "--version", "--install-completion", "--show-completion"}


def _say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sems {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version and stop."),
    ] = False,
) -> None:
    """SEMS, the SIP Express Media Server: announcements, conferences and your own voice services.

    Without a command it runs: [bold]sems[/bold] is [bold]sems run[/bold]. A first conference:

      sems                                       (here)
      sems call sip:standup@127.0.0.1 --open     (in a second terminal, and in a third)
    """


def main() -> None:
    """Runs the command of this process."""
    arguments = sys.argv[1:]
    completing = "_SEMS_COMPLETE" in os.environ
    if not completing and (not arguments or arguments[0] not in _COMMANDS | _OF_THE_ROOT):
        arguments.insert(0, "run")
    app(args=arguments, prog_name="sems")
