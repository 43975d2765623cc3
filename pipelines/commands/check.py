"""``headwater check``: validates the models, sources and settings without running anything.

Not here: what is checked (``pipelines.compute.home_check``).
"""

from __future__ import annotations

import typer

from pipelines.commands.console import error_line
from pipelines.commands.options import HomeOption, home_or_none

app = typer.Typer()


@app.command(epilog="Example: `headwater check`")
def check(home: HomeOption = None) -> None:
    """Parse, lint and check every model, metric, query, source and setting without running anything."""
    from dashboards.queries import all_queries
    from pipelines.compute.home_check import check_home

    place = home_or_none(home)
    report = check_home(place, all_queries().values())
    for fault in report.faults:
        error_line(fault)
    print(report.summary())
    if report.faults:
        raise typer.Exit(1)
