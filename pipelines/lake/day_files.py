"""Writing the rows of many days, each to its own file, with one query.

Here: one COPY that writes a file for each day, and putting the version of each day into its file.
Not here: publishing the files (``pipelines.lake.partitions``), which days are computed (``pipelines.compute.runner``).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path

import duckdb

from pipelines.lake.duck import literal
from pipelines.lake.partitions import PARQUET_OPTIONS, VERSION_KEY, Day, copy_to

FEW_ROWS = 1_000
"""Up to this many rows a day on average, ``copy_days`` is faster than one COPY for each day.

A COPY takes two milliseconds even for a day without rows. But ``copy_days`` uses only one thread.
"""


def copy_days(
    connection: duckdb.DuckDBPyConnection, query: str, targets: Mapping[Day, tuple[Path, str]], scratch: Path
) -> dict[Day, int]:
    """Write the rows of *query* to Parquet files, like ``copy_to`` for each day but without column dt.

    Args:
        connection: A session.
        query: A query with column dt, sorted by dt and then as in the files.
        targets: Day → its file and version; rows of other days are ignored. All versions have 16 characters.
        scratch: An empty folder.

    Returns:
        The number of rows of each day in *targets*.

    Raises:
        OSError: a file cannot be written.
    """
    # COPY writes the same metadata into all files. So it writes a random text, which we replace by the file's version.
    mark = secrets.token_hex(8)
    empty = scratch / "empty.parquet"
    copy_to(connection, f"SELECT * EXCLUDE (dt) FROM ({query}) WHERE false", empty, mark)
    found = _copy_partitioned(connection, query, mark, scratch / "days")
    for day, (path, version) in targets.items():
        file, _ = found.get(day, (empty, 0))
        path.write_bytes(_with_version(file.read_bytes(), mark, version))
    return {day: found[day][1] if day in found else 0 for day in targets}


def _copy_partitioned(
    connection: duckdb.DuckDBPyConnection, query: str, mark: str, folder: Path
) -> dict[Day, tuple[Path, int]]:
    """Write a file for each day of *query* below *folder*; returns the file and the number of rows of each day."""
    options = f"{PARQUET_OPTIONS}, KV_METADATA {{{VERSION_KEY}: {literal(mark)}}}, PARTITION_BY (dt), RETURN_STATS"
    threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
    connection.execute("SET threads = 1")  # several threads do not keep the order of the rows
    try:
        rows = connection.execute(f"COPY ({query}) TO {literal(str(folder))} ({options})").fetchall()
    finally:
        connection.execute(f"SET threads = {threads}")
    found = {Day.fromisoformat(Path(name).parent.name.removeprefix("dt=")): (Path(name), n) for name, n, *_ in rows}
    assert len(found) == len(rows), "COPY wrote two files for one day"
    return found


def _with_version(content: bytes, mark: str, version: str) -> bytes:
    """*content* of a Parquet file with *version* instead of *mark*; both have the same length, so no offset changes."""
    before, found, after = content.rpartition(mark.encode())
    assert found
    assert len(mark) == len(version)
    return before + version.encode() + after
