"""``python -m benchmarks.copy_growth --home HOME``: how much larger some tables make the dashboards' copy of the lake.

Here: making a copy with all tables and one without these; the sizes of both, the times, and the size of each table.
Not here: which tables are in the copy (``dashboards.copy.build``).
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import duckdb

from dashboards.copy.build import LARGEST_TABLE, copied_tables
from dashboards.copy.tables import write_tables
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home

OF_SLICES = (
    "attribution.visitor_ends",
    "attribution.visitor_slots",
    "attribution.person_steps",
    "attribution.entrance_hourly",
    "attribution.slot_hourly",
    "core.first_visits",
    "core.order_profiles",
    "core.traffic_hourly",
)
"""The tables that only slices, funnels, retention and hours read."""


def megabytes(file: Path, tables: Sequence[str]) -> dict[str, float]:
    """Megabytes of the blocks that each of *tables* has in the copy *file*."""
    with duckdb.connect(str(file), read_only=True) as connection:
        size = connection.execute("SELECT block_size FROM pragma_database_size()").fetchall()[0][0]
        sql = "SELECT count(DISTINCT block_id) FROM pragma_storage_info(?) WHERE persistent"
        return {table: connection.execute(sql, [table]).fetchall()[0][0] * size / 1e6 for table in tables}


def main() -> None:
    """Print the sizes of both copies and of each table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("tables", nargs="*", default=list(OF_SLICES))
    options = parser.parse_args()
    workspace = open_workspace(Home(options.home.resolve()))
    every, excluded = copied_tables(workspace, LARGEST_TABLE)
    with tempfile.TemporaryDirectory(prefix="headwater-copy-") as scratch:
        sizes = []
        for name, tables in (("all", every), ("without", [one for one in every if one not in options.tables])):
            file = Path(scratch) / f"{name}.duckdb"
            begun, worked = time.perf_counter(), time.process_time()
            write_tables(workspace, tables, file)
            seconds, processor = time.perf_counter() - begun, time.process_time() - worked
            sizes.append(file.stat().st_size / 1e6)
            print(f"{name:<8} {len(tables):>3} tables {sizes[-1]:>8,.1f} MB {seconds:>7.1f} s {processor:>7.1f} cpu s")
        print(f"larger by {sizes[0] / sizes[1] - 1:.0%}; too large for the copy: {', '.join(excluded) or 'none'}")
        found = megabytes(Path(scratch) / "all.duckdb", every)
    for table, size in sorted(found.items(), key=lambda item: -item[1])[:20]:
        print(f"{size:>8,.1f} MB  {table}{'  *' if table in options.tables else ''}")


if __name__ == "__main__":
    main()
