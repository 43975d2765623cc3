"""Runs ``headwater`` commands in the process of the tests, which is faster because the project is loaded only once.

Here: running a command and returning its output; parsing a command's options without running it.
Not here: commands in separate processes, which tests can kill (``tests.processes``).
"""

from __future__ import annotations

import contextlib
import io
import signal
import subprocess
import sys
from typing import Any
from unittest import mock

import typer

from pipelines.commands import main as cli
from pipelines.home.folder import Home

HEADWATER = typer.main.get_command(cli.app)


def headwater(*arguments: object, home: Home | None = None, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``headwater`` with *arguments*, for *home* if given; returns the exit code and the output."""
    command = ["headwater", *map(str, arguments), *(["--home", str(home.root)] if home is not None else [])]
    told, errors = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    code = 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    with (
        mock.patch.multiple(sys, argv=command, stdin=io.StringIO(stdin)),
        contextlib.redirect_stdout(told),
        contextlib.redirect_stderr(errors),
    ):
        try:
            cli.execute()
        except SystemExit as end:
            code = end.code
        # Restore the signal handlers. A command does not restore them, because normally its process ends then.
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    stdout, stderr = (stream.buffer.getvalue().decode() for stream in (told, errors))
    return subprocess.CompletedProcess(command, code, stdout, stderr)


def parsed(command: Any, arguments: list[str]) -> dict[str, Any]:
    """The options that *command* (of Typer or Click) parses from *arguments*, which start with the program's name.

    Raises:
        Exception: the error of Typer or Click for an unknown command or option.
    """
    context = command.make_context(arguments[0], arguments[1:])
    while hasattr(command, "resolve_command"):
        name, command, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    return dict(context.params)
