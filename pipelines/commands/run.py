"""``headwater run``: ingests new files and computes stale partitions.

Not here: the steps of a run (``pipelines.compute.run``).
"""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Annotated, Literal

import typer

from pipelines.commands.console import print_summary, teller
from pipelines.commands.options import HomeOption, JsonOption, refuse_usage
from pipelines.commands.stopping import ignore_signals, run_stoppable
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(
    epilog="Examples: `headwater run` · `headwater run --from 2026-11-01 --to 2026-11-07 --force` · "
    "`headwater run --select +attribution.entrance_daily`"
)
def run(
    from_: Annotated[
        dt.datetime | None,
        typer.Option(
            "--from", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="First day to compute.", show_default=False
        ),
    ] = None,
    to: Annotated[
        dt.datetime | None,
        typer.Option(
            "--to", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="Last day to compute.", show_default=False
        ),
    ] = None,
    select: Annotated[
        list[str] | None,
        typer.Option(
            "--select", help="TABLE, SCHEMA or +TABLE (and all upstream); may be repeated.", show_default=False
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Compute the days even if nothing has changed.")] = False,
    verify: Annotated[
        bool,
        typer.Option(
            "--verify", help="Compare every file of the lake with its checksum; a damaged partition is computed again."
        ),
    ] = False,
    engine: Annotated[
        Literal["duckdb", "spark"] | None,
        typer.Option(help="Where queries run, instead of `engine` in the settings.", show_default=False),
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ingest new files and compute stale partitions, through Dagster; prints a summary."""
    from pipelines.commands.engine import recording_engine
    from pipelines.compute.run import Request, run_home
    from pipelines.compute.workspace import open_workspace

    place = find_home(home)
    if from_ and to and from_ > to:
        refuse_usage(f"--from {from_.date()} is after --to {to.date()}")
    project = open_workspace(place).project
    try:
        tables = frozenset(project.select(select)) if select else None
    except HeadwaterError as error:
        refuse_usage(str(error))
    request = Request(tables, from_.date() if from_ else None, to.date() if to else None, force, verify)
    recorder = partial(recording_engine, queries_on=engine)
    with teller() as tell:
        summary = run_stoppable(lambda tell: run_home(place, request, engine=recorder, tell=tell), tell)
    ignore_signals()
    print_summary(summary, as_json=as_json)
    if summary.has_errors:
        raise typer.Exit(1)
