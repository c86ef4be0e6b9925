"""What a user can mend is one paragraph and exit code 2."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Annotated

import typer

from burnish.cli.message import paragraph
from burnish.errors import BurnishError

_USER_ERROR = 2

Debug = Annotated[bool, typer.Option("--debug", help="Show the stack trace of an error.")]


def guarded(command: Callable[[], object], *, debug: bool) -> None:
    """Run a command; what a user can mend is one paragraph and exit code 2, no trace."""
    try:
        command()
    except (BurnishError, OSError) as error:
        if debug:
            raise
        typer.secho("error: ", fg="red", bold=True, nl=False, err=True)
        told = str(error) if isinstance(error, BurnishError) else _refusal(error)
        typer.echo(paragraph(told), err=True)
        sys.exit(_USER_ERROR)


def _refusal(error: OSError) -> str:
    """What the system refused: a full disk, a missing permission, a name that is taken."""
    place = f"{error.filename}: " if error.filename else ""
    reason = error.strerror or str(error)
    return f"{place}{reason}. Mend that and run the same command again; --debug shows where."
