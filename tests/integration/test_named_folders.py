"""A home below folders named like columns: ``sku=x/dt=2020-01-01/revenue=5/shop`` is a home like any other.

By default DuckDB and Polars read each ``name=value`` in a path as a column, which replaces a column of that name in the
files.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
import pytest

from dashboards.copy.build import publish
from pipelines.compute.catalog import write_catalog
from pipelines.compute.reading import query_rows
from pipelines.home.folder import Home
from pipelines.home.settings import Settings
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.partitions import dated_sql, relation_sql
from pipelines.sqlproject.project import load_project
from tests.processes import assert_same_contents, contents, copy_of, made_up_shop
from tests.support import run

VALUES = {"DATE": "2020-01-01", "TIMESTAMP": "2020-01-01 00:00:00", "BOOLEAN": "false", "VARCHAR": "x"}
LONGEST_PATH = 2500
"""Maximum bytes of a home's path. Linux allows 4,096 bytes, but the folders and files of the lake need some of them."""


INTERNAL = {"line": "VARCHAR", "id_hash": "BIGINT", "filename": "VARCHAR", "file_index": "BIGINT"}
"""Columns that only the temporary tables and the internal files of ingestion have."""


def columns(tables: Iterable[str]) -> dict[str, str]:
    """Every column of *tables*, with a value of its type."""
    project = load_project(None, Settings())
    types = dict(INTERNAL)
    for table in tables:
        types |= project.relation(table)
    return {name: VALUES.get(kind, "5") for name, kind in types.items()}


def all_columns() -> dict[str, str]:
    """Every column of every table, with a value of its type."""
    return columns([*RAW_TABLES, *load_project(None, Settings()).models])


def folders(names: Mapping[str, str]) -> list[list[str]]:
    """As few paths as possible that together contain all *names*; a path is a list of folders called ``name=value``."""
    paths: list[list[str]] = [[]]
    for name, value in sorted(names.items()):
        if len("/".join(paths[-1])) > LONGEST_PATH:
            paths.append([])
        paths[-1].append(f"{name}={value}")
    return paths


def land_odd_records(home: Home) -> None:
    """Land files for each way in which ingestion reads files: broken lines, a compressed file, CSV."""
    events = home.landing / "native" / "events"
    broken = events / "broken.ndjson"
    broken.write_text('{"event_id": 1\n\nnot json\n{"event_id": "e", "device_id": ""}\n', encoding="utf-8")
    (events / "broken.ndjson.zst").write_bytes(zstd('{"event_id": 2}\nbroken too\n', home.root))
    (home.landing / "native" / "refunds").mkdir(exist_ok=True)
    (home.landing / "native" / "refunds" / "r.csv").write_text(
        "order_id,line_no,refunded_at,amount\nnobody,1,2026-05-19T00:00:00Z,1\nnobody,1,when,1\n", encoding="utf-8"
    )
    for path in home.landing.rglob("*"):
        os.utime(path, (1_780_000_000, 1_780_000_000))


def zstd(text: str, folder: Path) -> bytes:
    target = folder / "text.zst"
    duckdb.execute(
        f"COPY (SELECT unnest(string_split(trim(?, chr(10)), chr(10))) AS line) TO '{target}' "
        "(FORMAT csv, HEADER false, QUOTE '', DELIMITER '\x01', COMPRESSION zstd)",
        [text],
    )
    content = target.read_bytes()
    target.unlink()
    return content


@pytest.fixture(scope="module")
def landed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = made_up_shop(tmp_path_factory.mktemp("plain") / "home", days=2, devices=80)
    land_odd_records(home)
    return home


@pytest.fixture(scope="module")
def plain(landed: Home, tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = copy_of(landed, tmp_path_factory.mktemp("computed") / "home")
    run(home)
    return home


def assert_is_like_any_other(home: Home, plain: Home) -> None:
    """Compute *home*, whose path has ``name=value``; assert that its tables and files equal those of *plain*."""
    run(home)
    assert_same_contents(contents(home), contents(plain))
    assert run(home).did_nothing
    for table in ("core.events", "attribution.entrance_daily", "raw.events", "raw.orders", "raw.quarantine"):
        query = f"SELECT * FROM {table} ORDER BY ALL"
        assert query_rows(home, query, 1000).rows == query_rows(plain, query, 1000).rows
    for made in (write_catalog, lambda home: publish(home).path):
        assert rows_of(made(home)) == rows_of(made(plain))


def rows_of(database: Path) -> dict[str, list[tuple[object, ...]]]:
    """Table → the number of rows and a hash of them, for each table of a DuckDB file; without the times of files."""
    with duckdb.connect(str(database), read_only=True) as connection:
        query = (
            "SELECT table_schema || '.' || table_name, string_agg('\"' || column_name || '\"', ', ') "
            "FROM information_schema.columns WHERE data_type <> 'DOUBLE' AND column_name <> 'ingested_at' "
            "AND (table_name, column_name) <> ('copied_partitions', 'state') GROUP BY 1"
        )
        return {
            table: connection.execute(f"SELECT count(*), sum(hash({names})) FROM {table}").fetchall()
            for table, names in connection.execute(query).fetchall()
        }


@pytest.mark.real
def test_a_home_below_folders_named_like_records_works(plain, landed, tmp_path):
    names = columns(RAW_TABLES)
    (path,) = folders(names)
    assert {"sku", "dt", "page_id", "event_id", "batch_id", "record_hash"} <= names.keys()
    assert_is_like_any_other(copy_of(landed, tmp_path.joinpath(*path, "home")), plain)


@pytest.mark.real
@pytest.mark.parametrize("number", range(len(folders(all_columns()))))
def test_a_home_below_folders_named_like_columns_works(plain, landed, tmp_path, number):
    assert {"revenue", "quadrant", "exposures"} <= all_columns().keys()
    path = folders(all_columns())[number]
    assert_is_like_any_other(copy_of(landed, tmp_path.joinpath(*path, "home")), plain)


def test_a_filter_of_the_day_skips_the_files_of_other_days(tmp_path):
    table = tmp_path / "dt=1999-01-01" / "core" / "events"
    files = []
    for day in range(1, 29):
        files.append(table / f"dt=2026-02-{day:02}" / "part-0.parquet")
        files[-1].parent.mkdir(parents=True)
        duckdb.execute(f"COPY (SELECT {day} AS n, 'x' AS filename) TO '{files[-1]}' (FORMAT parquet)")
    types = {"n": "INTEGER", "filename": "VARCHAR", "dt": "DATE"}
    for listed in (files, [table / "dt=*" / "part-0.parquet"]):
        relation = relation_sql(types, listed)
        one = f"SELECT n, filename, dt FROM ({relation}) WHERE dt = DATE '2026-02-17'"
        assert [(n, name, str(day)) for n, name, day in duckdb.sql(one).fetchall()] == [(17, "x", "2026-02-17")]
        assert "Scanning Files: 1/28" in duckdb.sql(f"EXPLAIN {one}").fetchall()[0][1]
        week = f"SELECT count(*) FROM {dated_sql(listed, types)} WHERE dt BETWEEN '2026-02-01' AND '2026-02-07'"
        assert duckdb.sql(week).fetchall() == [(7,)]
        assert "Scanning Files: 7/28" in duckdb.sql(f"EXPLAIN {week}").fetchall()[0][1]
