"""``headwater catalog``: writes a DuckDB file with views of the lake.

Not here: writing the file (``pipelines.compute.catalog``).
"""

from __future__ import annotations

import typer

from pipelines.commands.options import HomeOption
from pipelines.home.folder import find_home

app = typer.Typer()


@app.command(epilog="Example: `headwater catalog && duckdb -readonly home/headwater.duckdb`")
def catalog(home: HomeOption = None) -> None:
    """Write headwater.duckdb: commented views over the lake, for any DuckDB client."""
    from pipelines.compute.catalog import write_catalog

    print(f"wrote {write_catalog(find_home(home))}; open it read-only")
