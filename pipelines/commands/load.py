"""``headwater load``: loads tables of databases into landing files.

Not here: loading (``pipelines.databases.loading``).
"""

from __future__ import annotations

import json
from typing import Annotated

import typer

from pipelines.commands.console import error_line, teller
from pipelines.commands.options import HomeOption, JsonOption, refuse_usage
from pipelines.commands.stopping import ignore_signals, run_stoppable
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import find_home
from pipelines.home.lock import Tell

app = typer.Typer()


@app.command(epilog="Examples: `headwater load && headwater run` · `headwater load shop`")
def load(
    databases: Annotated[
        list[str] | None, typer.Argument(metavar="[DATABASE]...", help="Default: all databases.", show_default=False)
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Land the rows that are new or changed in the tables of config/databases.yaml; `headwater run` ingests them."""
    from pipelines.databases.loading import TableLoad, load_database
    from pipelines.databases.settings import load_databases

    place = find_home(home)
    known = load_databases(place)
    if not known:
        raise HeadwaterError(
            "the file is missing or empty; it lists the databases and tables to load",
            where=place.databases_file,
            remedy="write it: docs/user-guide.md, 'From a database'",
        )
    if unknown := [name for name in databases or () if name not in known]:
        refuse_usage(f"no database '{unknown[0]}' in {place.databases_file}; expected one of {', '.join(known)}")

    def work(tell: Tell) -> dict[str, list[TableLoad]]:
        return {name: load_database(place, name, known[name], tell=tell) for name in databases or known}

    with teller() as tell:
        loaded = run_stoppable(work, tell)
    ignore_signals()
    if as_json:
        print(json.dumps({name: [vars(one) for one in loads] for name, loads in loaded.items()}, default=str, indent=2))
    for name, loads in loaded.items():
        for one in loads:
            if one.error:
                error_line(f"{name}: {one.name}: {one.error}")
            elif not as_json:
                print(f"{name}: {one.name}: {one.rows:,} rows into {one.to}, {len(one.files)} files")
    if any(one.error for loads in loaded.values() for one in loads):
        raise typer.Exit(1)
