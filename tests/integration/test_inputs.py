"""Input tables that a run loads into memory once for many days: for each day, a query sees only the days it reads."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest

from pipelines.compute import inputs
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import Home
from pipelines.lake.duck import session
from pipelines.lake.partitions import Day, DaySpan
from pipelines.sqlproject.reads import Read
from tests.integration.small_shop import DAYS

TABLE, READER = "core.order_lines", "customers.rfm_values"
LINES = Read(TABLE, offsets=(0, 2))
SPANS = [DaySpan(day, day) for day in DAYS]


def _days(connection: duckdb.DuckDBPyConnection) -> list[Day]:
    return [day for (day,) in connection.execute(f"SELECT DISTINCT dt FROM {TABLE} ORDER BY dt").fetchall()]


def _without_files(workspace: Workspace, scratch: Path) -> None:
    shutil.move(workspace.lake.folder(TABLE), scratch / "moved")


def test_each_day_reads_its_days_from_memory(computed_copy: Home, tmp_path: Path) -> None:
    workspace = open_workspace(computed_copy)
    with session(computed_copy, workspace.settings) as connection:
        tables = inputs.Inputs(workspace, connection)
        tables.load([LINES], SPANS, READER)
        _without_files(workspace, tmp_path)
        for number, span in enumerate(SPANS):
            tables.mount([LINES], span, READER)
            assert _days(connection) == ([DAYS[number - 2]] if number >= 2 else []) + [DAYS[number]]


def test_a_table_that_is_computed_again_is_read_again(computed_copy: Home) -> None:
    workspace = open_workspace(computed_copy)
    with session(computed_copy, workspace.settings) as connection:
        tables = inputs.Inputs(workspace, connection)
        tables.load([LINES], SPANS, READER)
        tables.show(TABLE, f"SELECT DATE '{DAYS[0]}' AS dt")
        workspace.lake.remove(TABLE, DAYS[1])
        tables.mount([Read(TABLE, offsets=(0, 1, 2))], SPANS[2], READER)
        assert _days(connection) == [DAYS[0], DAYS[2]]


@pytest.mark.parametrize(("most", "spans"), [(inputs.LOADED_BYTES, SPANS[:1]), (1, SPANS)])
def test_a_single_day_or_a_large_table_stays_on_disk(
    computed_copy: Home, monkeypatch: pytest.MonkeyPatch, most: int, spans: list[DaySpan]
) -> None:
    monkeypatch.setattr(inputs, "LOADED_BYTES", most)
    workspace = open_workspace(computed_copy)
    with session(computed_copy, workspace.settings) as connection:
        tables = inputs.Inputs(workspace, connection)
        tables.load([LINES], spans, READER)
        assert connection.execute("SELECT table_name FROM duckdb_tables()").fetchall() == []
        tables.mount([LINES], SPANS[2], READER)
        assert _days(connection) == [DAYS[0], DAYS[2]]
