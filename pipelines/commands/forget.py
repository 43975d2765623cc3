"""``headwater forget``: erases a person.

Not here: the steps (``pipelines.commands.forget_run``).
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.commands.console import teller
from pipelines.commands.options import HomeOption, JsonOption, refuse_usage
from pipelines.commands.stopping import ignore_signals, run_stoppable
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(
    epilog="Examples: `headwater forget u100718 --dry-run` · `headwater forget u100718` · "
    "`headwater forget u100718 --with-orders --yes`"
)
def forget(
    user: Annotated[str, typer.Argument(metavar="USER", help="The user id, as in the column user_id.")],
    device: Annotated[
        list[str] | None,
        typer.Option(help="A further device of the user; may be repeated.", show_default=False),
    ] = None,
    with_orders: Annotated[
        bool, typer.Option("--with-orders", help="Erase the orders too; default: keep them, without their user.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be erased.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase a person from the lake, reports and copies, then search every file; exit code 1: something is left."""
    # imported here, so that --help and errors of other commands are fast
    from pipelines.commands import forget_output, forget_run

    place = find_home(home)
    request = forget_run.Request(user.strip(), tuple(device or ()), with_orders)
    if not request.user:
        refuse_usage("USER is empty")
    with teller() as tell:
        found, hits = run_stoppable(lambda tell: forget_run.survey(place, request, tell), tell)
    if dry_run:
        if as_json:
            print(json.dumps(forget_output.survey_as_json(found, hits), indent=2))
        else:
            forget_output.print_survey(found, hits, request)
        return
    if not (found.is_begun or found.events or found.orders or hits):
        if as_json:
            print(json.dumps({"user": request.user, "left": []}))
        else:
            forget_output.print_forgotten_already(found.person.ids)
        return
    if not as_json:
        forget_output.print_survey(found, hits, request)
    if not yes and not typer.confirm("Erase this? It cannot be undone.", err=True):
        raise typer.Exit(1)
    with teller() as tell:
        outcome = run_stoppable(lambda tell: forget_run.forget(place, request, tell), tell)
    ignore_signals()
    if as_json:
        print(json.dumps(forget_output.outcome_as_json(outcome), indent=2))
    else:
        forget_output.print_outcome(outcome)
    if outcome.left or outcome.summary.has_errors:
        raise typer.Exit(1)
