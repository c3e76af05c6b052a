"""How a command fails: one clear line, and exit code 1 (2 for what was asked wrongly)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

from ..errors import ConfigError, SemsError


@contextmanager
def one_clear_line() -> Iterator[None]:
    """Turns the errors of SEMS into a line on stderr and an exit code."""
    try:
        yield
    except SemsError as error:
        typer.echo(f"sems: {error}", err=True)
        raise typer.Exit(2 if isinstance(error, ConfigError) else 1) from None
