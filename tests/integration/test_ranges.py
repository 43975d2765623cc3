"""A large day is computed in ranges of devices, with the same rows as at once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.compute import ranges
from pipelines.compute.run import DirectEngine, Request, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.files import temporary_for
from pipelines.home.folder import Home, init_home
from pipelines.lake.partitions import VERSION_KEY, DaySpan, Lake
from pipelines.simulator import simulate

DAY = dt.date(2026, 3, 8)
TABLE = "attribution.attributed_events"
Events = Mapping[dt.date, pl.DataFrame]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with three days of 60 devices. Some path ends of the last day have their head on the day before."""
    made, _ = init_home(tmp_path_factory.mktemp("ranges") / "home")
    simulate(made.landing, days=3, devices=60, seed=3, last_day=DAY)
    run_home(made, Request(frozenset(open_workspace(made).project.select(["core"]))))
    return made


@pytest.fixture(scope="module")
def events(home: Home) -> Events:
    """The days of core.events as they were computed."""
    days = [DAY - dt.timedelta(days=n) for n in range(3)]
    return {day: pl.read_parquet(Lake(home.lake).file("core.events", day)) for day in days}


def write_events(home: Home, events: Events, rows_a_group: int) -> None:
    """Replace the days *events* of core.events by these rows, in row groups of *rows_a_group* rows."""
    lake = Lake(home.lake)
    written = {}
    for day, frame in events.items():
        temporary = temporary_for(lake.file("core.events", day))
        frame.write_parquet(temporary, row_group_size=rows_a_group, statistics="full", metadata={VERSION_KEY: "test"})
        written[day] = (temporary, "test")
    lake.publish("core.events", written)


def computed(home: Home, rows_a_range: int, table: str = TABLE) -> tuple[pl.DataFrame, int]:
    """The rows of *table* on ``DAY``, sorted, and its number of row groups: one if the day was not split."""
    usual = ranges.ROWS_PER_RANGE
    ranges.ROWS_PER_RANGE = rows_a_range
    try:
        result = DirectEngine(home).compute([table], DaySpan(DAY, DAY))
    finally:
        ranges.ROWS_PER_RANGE = usual
    assert all(check.passed for check in result.checks.values())
    path = Lake(home.lake).file(table, DAY)
    with duckdb.connect() as connection:
        groups = connection.execute(f"SELECT num_row_groups FROM parquet_file_metadata('{path}')").fetchall()[0][0]
    rows = pl.read_parquet(path)
    return rows.sort(rows.columns), groups


# A row group of a few rows begins in the middle of a device; a range of one row is smaller than a device.
@pytest.mark.real
@settings(max_examples=8)
@given(rows_a_group=st.integers(3, 400), rows_a_range=st.integers(1, 1000))
def test_ranges_have_the_rows_of_the_whole_day(
    home: Home, events: Events, rows_a_group: int, rows_a_range: int
) -> None:
    write_events(home, events, rows_a_group)
    split, groups = computed(home, rows_a_range)
    whole, one = computed(home, 10**9)
    assert one == 1
    assert groups > 1
    assert split.equals(whole)


def test_a_device_is_in_one_range_even_if_larger(home: Home, events: Events) -> None:
    largest = events[DAY]["device_id"].mode()[0]
    alone = {day: frame.filter(pl.col("device_id") == largest) for day, frame in events.items()}
    write_events(home, alone, 3)
    split, groups = computed(home, 1)
    assert split.height > 3
    assert groups == 1


def test_two_devices_are_in_two_ranges(home: Home, events: Events) -> None:
    devices = events[DAY]["device_id"].unique().sort()[:2]
    two = {day: frame.filter(pl.col("device_id").is_in(devices.implode())) for day, frame in events.items()}
    write_events(home, two, 1)
    split, groups = computed(home, 1)
    assert groups == 2
    assert split.equals(computed(home, 10**9)[0])


def test_events_without_a_device_are_not_lost(home: Home, events: Events) -> None:
    some = events[DAY].with_columns(pl.when(pl.col("page_id") % 5 > 0).then("device_id").alias("device_id"))
    write_events(home, {**events, DAY: some.sort("device_id", maintain_order=True)}, 50)
    found, groups = computed(home, 1)
    assert found["device_id"].null_count() > 0
    assert groups == 1


def test_a_union_with_another_table_is_split_too(home: Home, events: Events) -> None:
    write_events(home, events, 50)
    split, groups = computed(home, 200, "attribution.touches")
    whole, _ = computed(home, 10**9, "attribution.touches")
    assert groups > 1
    assert split.equals(whole)
    assert split["touchpoint_type"].n_unique() == 4


def test_a_table_by_entrance_is_computed_at_once(home: Home, events: Events) -> None:
    write_events(home, events, 50)
    computed(home, 10**9)
    assert computed(home, 1, "attribution.visitor_ends")[1] == 1
