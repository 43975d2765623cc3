"""Processes that read a lake while another process writes it, in every way in which users read a lake.

Here: reading some tables of the lake again and again, and comparing each day with the versions that it may have.
Not here: the writer (``tests.integration.test_concurrency``).

A run replaces each day of a table atomically, but not the whole table. So a read must see exactly one version of each
day.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from pipelines.compute.reading import query_rows
from pipelines.home.folder import Home

TABLES = {
    "attribution.attributed_events": "count(*), count_if(entrance_id = '(direct)'), max(entrance_id), max(event_id)",
    "attribution.entrance_daily": "count(*), sum(exposures), sum(add_to_carts), max(entrance_id)",
}
"""The tables to read → expressions that distinguish the versions of a day."""

Versions = dict[str, set[str]]
"""'table day' → its versions, each as the text of the values of ``TABLES``."""


def by_sql(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Read through ``headwater sql``."""
    return {
        name: [tuple(row) for row in query_rows(home, f"SELECT dt, {marks} FROM {name} GROUP BY dt", 1000).rows]
        for name, marks in TABLES.items()
    }


def by_duckdb(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Read by a glob over a table's folder, as any DuckDB client may."""
    with duckdb.connect() as connection:
        return {
            name: connection.execute(
                f"SELECT dt, {marks} FROM read_parquet('{home.lake}/{name.replace('.', '/')}/*/*.parquet', "
                "hive_partitioning = true) GROUP BY dt"
            ).fetchall()
            for name, marks in TABLES.items()
        }


def by_catalogue(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Read through ``headwater.duckdb``."""
    with duckdb.connect(str(home.catalog_file), read_only=True) as connection:
        return {
            name: connection.execute(f"SELECT dt, {marks} FROM {name} GROUP BY dt").fetchall()
            for name, marks in TABLES.items()
        }


def by_polars(home: Home) -> dict[str, list[tuple[Any, ...]]]:
    """Read with Polars."""
    marks = {
        "attribution.attributed_events": [
            pl.len(),
            (pl.col("entrance_id") == "(direct)").sum().alias("direct"),
            pl.col("entrance_id").max(),
            pl.col("event_id").max(),
        ],
        "attribution.entrance_daily": [
            pl.len(),
            pl.col("exposures").sum(),
            pl.col("add_to_carts").sum(),
            pl.col("entrance_id").max(),
        ],
    }
    return {
        name: pl.scan_parquet(home.lake / name.replace(".", "/") / "*" / "*.parquet", hive_partitioning=True)
        .group_by("dt")
        .agg(marks[name])
        .collect()
        .rows()
        for name in TABLES
    }


READERS: dict[str, Callable[[Home], dict[str, list[tuple[Any, ...]]]]] = {
    "sql": by_sql,
    "polars": by_polars,
    "duckdb": by_duckdb,
    "catalogue": by_catalogue,
}


def versions_in(home: Home) -> Versions:
    """'table day' → a set with only the current version of that day's rows in *home*."""
    return {key: {version} for key, version in spelled(by_duckdb(home))}


def spelled(read: dict[str, list[tuple[Any, ...]]]) -> Iterable[tuple[str, str]]:
    """('table day', version) for each day in *read*; the version is a text of aggregates of the day's rows."""
    for name, rows in read.items():
        for day, *marks in rows:
            yield f"{name} {day}", " ".join(str(mark) for mark in marks)


def main(name: str, root: str, folder: str, number: str) -> None:
    """Read until the writer asks to stop; then print the number of reads and the unexpected results as JSON.

    *folder* has the file ``versions.json`` with the expected versions, and files by which the processes communicate.
    The reader creates ``reading-<number>`` after the first read. When the writer has created ``stop``, the
    reader reads once more and ends.
    """
    signs = Path(folder)
    known = json.loads((signs / "versions.json").read_text(encoding="utf-8"))
    home, writer = Home(Path(root)), os.getppid()
    reads, faults, seen, is_last = 0, [], set(), False
    while not is_last:
        is_last = (signs / "stop").exists() or os.getppid() != writer
        try:
            for key, version in spelled(READERS[name](home)):
                seen.add((key, version))
                if version not in known.get(key, ()):
                    faults.append(f"torn: {key}: {version}")
        except Exception as error:
            faults.append(f"{type(error).__name__}: {error}")
        reads += 1
        (signs / f"reading-{number}").touch()
    print(json.dumps({"reads": reads, "versions": len(seen), "faults": len(faults), "examples": faults[:20]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
