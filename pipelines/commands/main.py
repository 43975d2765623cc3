"""``headwater``: the command line.

Here: the list of commands, and exit codes: 0 done, 1 something is wrong with the home or the data, 2 wrong usage,
130 stopped by Ctrl-C.
Not here: the commands. Each has its own module, which imports what it needs when it runs, so that ``--help`` and
errors are fast.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import typer

from pipelines.commands import (
    alerts,
    backup,
    catalog,
    check,
    collect,
    dashboard,
    demo,
    docs,
    doctor,
    forget,
    init,
    load,
    prune,
    report,
    run,
    serve,
    simulate,
    sql,
    user,
)
from pipelines.commands.console import error_line
from pipelines.commands.stopping import ignore_signals
from pipelines.home.errors import HeadwaterError

_INTERRUPTED = 130

app = typer.Typer(
    name="headwater",
    help="On-site attribution: compute which entrances, slots and paths lead to sales, from tracking and order logs.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _command in (
    *(demo, init, simulate, collect, load, run, sql, report, dashboard, serve, alerts),
    *(check, catalog, docs, doctor, forget, backup, prune),
):
    app.add_typer(_command.app)
app.add_typer(user.app, name="user")


def main() -> None:
    """Run the command line; the entry point of the process."""
    try:
        try:
            execute()
        finally:
            ignore_signals()  # a signal during shutdown could stop Python before it has flushed the output
    except KeyboardInterrupt:  # Ctrl-C came when Typer no longer handled it, for example while an error was printed
        _leave_interrupted()


def execute() -> None:
    """Run the command line; a HeadwaterError becomes one line on standard error and exit code 1."""
    _exit_with(lambda: app(standalone_mode=True))


def _exit_with(command: Callable[[], Any]) -> None:
    try:
        command()
    except HeadwaterError as error:
        error_line(str(error))
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(0)
    except SystemExit as end:
        if end.code == _INTERRUPTED:  # Typer's exit code for a KeyboardInterrupt
            _leave_interrupted()
        raise


def _leave_interrupted() -> NoReturn:
    ignore_signals()
    with contextlib.suppress(BrokenPipeError):  # Ctrl-C may also have ended the program that reads our output
        error_line("stopped; published partitions are intact, run again to continue")
        sys.stdout.flush()
    os._exit(_INTERRUPTED)  # a normal exit would wait for a query that could not be stopped


if __name__ == "__main__":
    main()
