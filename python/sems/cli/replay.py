"""``sems replay``: a recorded call or request goes through the same states again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..errors import TraceError
from ..trace import Trace, ladder
from ..trace import replay as go_through
from .failure import one_clear_line


def replay(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `sems trace CALL-ID --replay FILE` wrote.")
    ],
) -> None:
    """Go through a recorded call or request again, in virtual time, and show its ladder.

    Says where it diverges from the record, and ends with 1 then. Sound is not recorded, so keys that came as
    tones are not heard again.
    """
    with one_clear_line():
        try:
            trace = Trace.from_json(file.read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise TraceError(f"{file} can't be read: {getattr(error, 'strerror', None) or error}") from None
        except TraceError as error:
            raise TraceError(f"{file}: {error}") from None
        try:
            found = go_through(trace)
        except TraceError as error:
            raise TraceError(f"{file}: {error}") from None
        typer.echo(ladder(found.now), nl=False)
        for divergence in found.divergences:
            typer.echo(f"diverges: {divergence}", err=True)
        if found.divergences:
            raise typer.Exit(1)
        typer.echo("\nAs recorded.")
