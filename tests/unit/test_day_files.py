"""Days written with one query: the same files as with one query each."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import polars as pl

from pipelines.home.files import temporary_for
from pipelines.lake.day_files import copy_days
from pipelines.lake.partitions import VERSION_KEY, ListedLake, copy_to

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(150)]
VERSIONS = {day: f"{day.toordinal():016x}" for day in DAYS}
ROWS = f"""
    SELECT
        DATE '{FIRST}' + CAST(hash(i) % 149 AS INTEGER) AS dt,
        'order ' || i AS order_id,
        CAST(i / 7 AS DECIMAL(18, 4)) AS revenue,
        TIMESTAMP '2026-03-01 10:00:00' + INTERVAL (i) SECOND AS paid_at,
        CASE WHEN i % 3 > 0 THEN [i, i + 1] END AS numbers
    FROM range(40000) AS made(i)
"""


def test_files_equal_those_written_one_by_one(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"SET threads = 4; CREATE TABLE made AS {ROWS}")
        scratch = tmp_path / "scratch"
        scratch.mkdir()
        targets = {day: (tmp_path / f"{day}.parquet", VERSIONS[day]) for day in DAYS}
        rows = copy_days(connection, "SELECT * FROM made ORDER BY dt, revenue DESC", targets, scratch)
        assert connection.execute("SELECT current_setting('threads')").fetchall() == [(4,)]
        for day in DAYS:
            alone = tmp_path / "alone.parquet"
            query = f"SELECT * EXCLUDE (dt) FROM made WHERE dt = DATE '{day}' ORDER BY revenue DESC"
            assert rows[day] == copy_to(connection, query, alone, VERSIONS[day])
            assert pl.read_parquet(targets[day][0]).equals(pl.read_parquet(alone))
            schemas = [
                connection.execute(f"SELECT name, type, logical_type FROM parquet_schema('{path}')").fetchall()
                for path in (alone, targets[day][0])
            ]
            assert schemas[0] == schemas[1]
            assert pl.read_parquet_metadata(targets[day][0])[VERSION_KEY] == VERSIONS[day]
    assert rows[DAYS[-1]] == 0  # a day without rows has a file too
    assert sum(rows.values()) == 40_000


def test_a_listed_lake_knows_what_it_publishes_and_removes(tmp_path: Path) -> None:
    lake = ListedLake(tmp_path)
    assert lake.files("core.orders") == {}
    for day in DAYS[:2]:
        temporary = temporary_for(lake.file("core.orders", day))
        pl.DataFrame({"n": [1]}).write_parquet(temporary, metadata={VERSION_KEY: VERSIONS[day]})
        lake.publish("core.orders", {day: (temporary, VERSIONS[day])})
    assert lake.versions("core.orders") == {day: VERSIONS[day] for day in DAYS[:2]}
    lake.remove("core.orders", DAYS[0])
    assert (
        lake.files("core.orders")
        == {DAYS[1]: lake.file("core.orders", DAYS[1])}
        == ListedLake(tmp_path).files("core.orders")
    )
