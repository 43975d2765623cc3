"""Options that several commands share, and the error for wrong usage.

Here: the options ``--home``, ``--trust-proxy`` and ``--json``.
Not here: the commands.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from pipelines.commands.console import error_line
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import DEFAULT_HOME, HOME_VARIABLE, Home, find_home

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help=f"The home; default: ${HOME_VARIABLE}, else ./{DEFAULT_HOME}.", show_default=False),
]
TrustProxyOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="ADDRESS", help="Address or network of a trusted reverse proxy; may be repeated.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def refuse_usage(message: str) -> NoReturn:
    """Print *message* and exit with the code for wrong usage.

    Raises:
        typer.Exit: always, with 2.
    """
    error_line(message)
    raise typer.Exit(2)


def home_or_none(path: Path | None) -> Home | None:
    """The home in *path*; if *path* is None, the home in ``$HEADWATER_HOME`` or ``./home``, or None if there is none.

    Without a home, ``check`` and ``docs`` work on the shipped project.

    Raises:
        HeadwaterError: *path* is not a home.
    """
    try:
        return find_home(path)
    except HeadwaterError:
        if path is not None:
            raise
        return None
