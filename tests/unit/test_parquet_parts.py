"""Parquet files joined end to end: the rows of all parts, in order, for every reader."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake.parquet_parts import Value, footer_bytes, footer_of, join_parts
from pipelines.lake.partitions import VERSION_KEY, copy_to

ROWS = """
    SELECT
        i,
        'order ' || i AS order_id,
        'entrance ' || hash(i) % 5 AS entrance_id,
        CAST(i / 7 AS DECIMAL(18, 4)) AS revenue,
        TIMESTAMP '2026-03-01 10:00:00' + INTERVAL (i) SECOND AS paid_at,
        i % 3 > 0 AS is_paid,
        CASE WHEN i % 3 > 0 THEN [i, i + 1] END AS numbers
    FROM range({}, {}) AS made(i)
"""
BOUNDS = [0, 300_000, 300_000, 300_001, 310_000]
"""Where the parts begin and end. They have, in order: several row groups, no rows, one row, one row group."""


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("parts")
    written = [folder / f"{number}.parquet" for number in range(len(BOUNDS) - 1)]
    with duckdb.connect() as connection:
        for number, path in enumerate(written):
            copy_to(connection, ROWS.format(*BOUNDS[number : number + 2]), path, "a version")
    return written


def test_joined_parts_have_the_rows_of_one_file(parts: list[Path], tmp_path: Path) -> None:
    joined, alone = tmp_path / "joined.parquet", tmp_path / "alone.parquet"
    join_parts(parts, joined)
    with duckdb.connect() as connection:
        copy_to(connection, ROWS.format(BOUNDS[0], BOUNDS[-1]), alone, "a version")
        rows = [connection.execute(f"FROM read_parquet('{path}')").fetchall() for path in (joined, alone)]
        assert rows[0] == rows[1]
        # A filter uses statistics, dictionaries and Bloom filters, which are at offsets of their own.
        for condition, count in (("order_id = 'order 300000'", 1), ("entrance_id = 'entrance 9'", 0), ("i < 5", 5)):
            found = connection.execute(f"SELECT count(*) FROM read_parquet('{joined}') WHERE {condition}")
            assert found.fetchall() == [(count,)]
        groups = connection.execute(f"SELECT num_rows, num_row_groups FROM parquet_file_metadata('{joined}')")
        assert groups.fetchall() == [(310_000, 5)]
    assert pl.read_parquet(joined).equals(pl.read_parquet(alone))
    assert pl.read_parquet_metadata(joined)[VERSION_KEY] == "a version"


def test_a_part_alone_stays_the_same_file(parts: list[Path], tmp_path: Path) -> None:
    joined = tmp_path / "joined.parquet"
    join_parts(parts[:1], joined)
    assert joined.read_bytes() == parts[0].read_bytes()


def test_parts_of_another_writer_are_joined_too(tmp_path: Path) -> None:
    frames = [pl.DataFrame({"i": range(n, n + 1000), "name": [f"name {n}"] * 1000}) for n in range(3)]
    for number, frame in enumerate(frames):
        frame.write_parquet(tmp_path / f"{number}.parquet", row_group_size=300, statistics="full")
    join_parts([tmp_path / f"{number}.parquet" for number in range(3)], tmp_path / "joined.parquet")
    assert pl.read_parquet(tmp_path / "joined.parquet").equals(pl.concat(frames))
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"FROM read_parquet('{tmp_path / 'joined.parquet'}') WHERE name = 'name 2'"
        ).fetchall()
    assert rows == frames[2].rows()


def values() -> st.SearchStrategy[Value]:
    integers = st.integers(-(2**63), 2**63 - 1)
    plain = {5: integers, 6: integers, 7: st.binary(min_size=8, max_size=8), 8: st.binary(max_size=200)}
    leaf = st.one_of(
        *(st.builds(Value, st.just(kind), content) for kind, content in plain.items()),
        st.builds(Value, st.sampled_from((1, 2)), st.none()),
        *(
            st.builds(Value, st.just(9), st.lists(content, max_size=20), st.just(kind))
            for kind, content in plain.items()
        ),
    )
    structs = lambda inner: st.dictionaries(st.integers(1, 40), inner, max_size=5)  # noqa: E731
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.builds(Value, st.just(12), structs(inner)),
            st.builds(Value, st.just(9), st.lists(structs(inner), max_size=20), st.just(12)),
        ),
        max_leaves=10,
    )


@given(st.dictionaries(st.integers(1, 40), values(), max_size=6))
def test_a_footer_is_read_as_it_was_written(footer: dict[int, Value]) -> None:
    assert footer_of(footer_bytes(footer)) == footer
