"""Helpers for tests of the complete pipeline: making a home, landing files, running, reading and comparing tables.

Here: the program's input and output as a user has them, landing files and Parquet files.
Not here: expected tables (``tests.reference``), made-up logs (``tests.strategies``).
"""

from __future__ import annotations

import atexit
import csv
import datetime as dt
import gzip
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import yaml

from pipelines.compute.run import Request, RunSummary, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home, init_home
from pipelines.simulator.drawing import png_of
from tests.reference_core import Log, Shop

Row = dict[str, Any]

LANDED_AT = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
"""The modification time of landed files: after every made-up event, and old enough not to be still written."""

ENTRANCE_COLUMNS = (
    "entrance_id",
    "name_zh",
    "name_en",
    "page_type",
    "module",
    "slot",
    "valid_from",
    "valid_to",
)
FX_COLUMNS = ("dt", "currency", "rate")

KEYS: dict[str, tuple[str, ...]] = {
    "core.events": ("dt", "event_id"),
    "core.traffic_daily": ("dt",),
    "core.visitors": ("dt", "person_id"),
    "core.event_sources": ("dt", "event_id"),
    "core.session_starts": ("dt", "session_id"),
    "core.sessions": ("dt", "session_id"),
    "core.orders": ("dt", "order_id"),
    "core.order_lines": ("dt", "order_id", "line_no"),
    "core.paid_orders": ("dt", "order_id"),
    "core.first_orders": ("dt", "user_id"),
    "core.refunds": ("dt", "order_id", "line_no", "refunded_at", "amount", "refund_id"),
    "core.spend": ("dt", "channel", "campaign"),
    "core.first_visits": ("dt", "person_id"),
    "attribution.attributed_events": ("dt", "event_id"),
    "attribution.path_steps": ("dt", "end_event_id", "step_no"),
    "attribution.attributed_sales": ("dt", "order_id", "line_no"),
    "attribution.entrance_daily": ("dt", "entrance_id"),
    "attribution.slot_daily": (
        "dt",
        "entrance_id",
        "head_page_type",
        "head_module",
        "head_slot",
        "head_content_id",
    ),
    "attribution.module_daily": ("dt", "page_type", "module"),
    "attribution.path_summary": ("dt", "effective_path"),
    "attribution.person_steps": ("dt", "person_id", "step_no"),
    "attribution.visitor_variants": ("dt", "person_id", "experiment", "variant"),
    "attribution.touches": ("dt", "touch_event_id", "touchpoint_type"),
    "attribution.order_touches": ("dt", "order_id", "touchpoint_type", "touch_no"),
    "attribution.paths": ("dt", "kind", "path_id", "touchpoint_type"),
    "attribution.touch_paths": ("dt", "order_id", "line_no", "touchpoint_type"),
    "attribution.touch_path_daily": (
        "dt",
        "touchpoint_type",
        "person_group",
        "counted_dt",
        "touchpoints",
        "transformed_path",
    ),
    "attribution.touch_transitions": (
        "dt",
        "touchpoint_type",
        "person_group",
        "counted_dt",
        "from_state",
        "to_state",
    ),
    "attribution.removal_effects": ("dt", "touchpoint_type", "touchpoint"),
    "attribution.touch_credits": ("dt", "order_id", "line_no", "model", "touchpoint_type", "position"),
    "attribution.model_daily": ("dt", "model", "touchpoint_type", "touchpoint"),
    "attribution.touchpoint_daily": ("dt", "touchpoint_type", "touchpoint"),
    "attribution.touch_lag_daily": ("dt", "touchpoint_type", "path_length", "days_to_order"),
    "attribution.touch_path_summary": ("dt", "touchpoint_type", "transformed_path"),
}
"""Table that is compared row by row with the reference implementation → its key columns."""

MARTS: dict[str, tuple[str, ...]] = {
    "core.traffic_hourly": ("dt", "hour"),
    "attribution.entrance_hourly": ("dt", "hour", "entrance_id"),
    "attribution.slot_hourly": (
        "dt",
        "hour",
        "entrance_id",
        "head_page_type",
        "head_module",
        "head_slot",
        "head_content_id",
    ),
    "customers.rfm_values": ("dt", "user_id"),
    "customers.rfm_thresholds": ("dt", "axis"),
    "customers.rfm": ("dt", "user_id"),
    "customers.rfm_daily": ("dt", "kind", "key"),
    "customers.rfm_migration": ("dt", "kind", "from_key", "to_key"),
    "customers.sales_coverage": ("dt",),
    "customers.lifecycle_daily": ("dt", "stage"),
    "customers.pareto": ("dt", "kind", "decile"),
    "customers.cohorts": ("cohort_month", "months_since"),
    "customers.clv_inputs": ("dt", "user_id"),
    "customers.clv_fits": ("dt",),
    "customers.clv": ("dt", "user_id"),
    "products.daily": ("dt", "sku"),
    "products.metrics": ("dt", "window_days", "product_id"),
    "products.rate_priors": ("dt", "window_days", "category", "rate"),
    "products.axis_values": ("dt", "window_days", "matrix_id", "product_id", "axis"),
    "products.quadrants": ("dt", "window_days", "matrix_id", "product_id"),
    "products.quadrant_moves": ("dt", "window_days", "matrix_id", "product_id"),
    "products.quadrant_migration": ("dt", "window_days", "matrix_id", "from_key", "to_key"),
    "products.portfolio_health": ("dt", "window_days", "matrix_id", "rule"),
    "products.assortment": ("dt", "window_days", "product_id"),
}
"""Tables computed from those of ``KEYS`` → their key columns. Tests compare them only between runs."""

EXACTNESS = {"attribution.removal_effects": 1e-9}
"""Table whose ratios come from a system of equations → the relative error that they may have."""


# Landing files -----------------------------------------------------------------------------------------


def make_home(
    folder: Path,
    *,
    settings: Mapping[str, Any] | None = None,
    entrances: Iterable[Row] | None = None,
    fx: Iterable[Row] | None = None,
) -> Home:
    """A new home in *folder*; the arguments replace settings and tables of the template."""
    home, _ = init_home(folder)
    if settings is not None:
        home.settings_file.write_text(yaml.safe_dump(dict(settings), allow_unicode=True), encoding="utf-8")
    if entrances is not None:
        (home.config / "entrances.csv").write_bytes(_csv(entrances, ENTRANCE_COLUMNS))
    if fx is not None:
        (home.config / "fx.csv").write_bytes(_csv(fx, FX_COLUMNS))
    return home


def home_of(folder: Path, shop: Shop) -> Home:
    """A new home in *folder* with the settings and tables of *shop*."""
    names = "head_lookback_hours cart_window_days max_payment_delay_days max_path_steps clock_tolerance_seconds"
    settings = {
        "timezone": shop.timezone,
        "currency": shop.currency,
        "start_date": shop.start_date,
        "attribution": {
            **{name: getattr(shop, name) for name in names.split()},
            "path_ends": list(shop.path_ends),
            "action_modules": list(shop.action_modules),
            "sales_fallbacks": list(shop.sales_fallbacks),
        },
        "touch": {
            "window_days": shop.touch_window_days,
            "half_life_days": shop.touch_half_life_days,
            "transform": list(shop.touch_transform),
            "effects_days": shop.touch_effects_days,
            "markov_order": shop.touch_markov_order,
        },
        # Snapshots (tables as of a day) of one day are enough, because other tests cover them.
        "snapshots": {"daily_for_days": 1},
    }
    return make_home(folder, settings=settings, entrances=shop.entrances, fx=shop.fx)


def land_log(home: Home, log: Log, name: str = "log") -> None:
    """Land a complete log, one file called *name* for each relation that has records."""
    for relation, records in vars(log).items():
        if records:
            land(home, relation, records, name)


def land(home: Home, relation: str, records: Sequence[Row], name: str, format: str = "ndjson") -> Path:
    """Write *records* to the native source's folder of *relation*; returns the file.

    *format* is ndjson, csv, ndjson.gz, csv.gz or parquet. In Parquet every value is text.
    """
    path = home.landing / "native" / relation / f"{name}.{format}"
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = format.removesuffix(".gz")
    columns = list(dict.fromkeys(column for record in records for column in record))
    if kind == "ndjson":
        lines = (json.dumps(record, ensure_ascii=False) + "\n" for record in records)
        content = "".join(lines).encode()
    elif kind == "csv":
        content = _csv(records, columns)
    elif kind == "parquet":
        texts = {c: [None if r.get(c) is None else str(r[c]) for r in records] for c in columns}
        buffer = io.BytesIO()
        pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String)).write_parquet(buffer)
        content = buffer.getvalue()
    else:
        raise ValueError(f"format {format}: expected ndjson, csv or parquet")
    path.write_bytes(gzip.compress(content, mtime=0) if format.endswith(".gz") else content)
    os.utime(path, (LANDED_AT.timestamp(), LANDED_AT.timestamp()))
    return path


def _csv(rows: Iterable[Row], columns: Sequence[str]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


# Running, and reading tables ---------------------------------------------------------------------------


def run(home: Home, **request: Any) -> RunSummary:
    """Ingest new files and compute stale partitions, without Dagster; an error fails the test.

    The arguments are those of ``Request``: tables, days, force.
    """
    summary = run_home(home, Request(**request))
    failed = [check.describe() for check in summary.failed_checks.values() if check.severity == "error"]
    assert not summary.has_errors, "\n".join([*map(str, summary.ingested.errors), *failed])
    return summary


def run_selected(home: Home, *selection: str, **request: Any) -> RunSummary:
    """Like ``run``, for *selection* as in ``--select``: TABLE, SCHEMA, or +TABLE with all that it reads."""
    return run(home, tables=selected(home, *selection), **request)


def selected(home: Home, *selection: str) -> frozenset[str]:
    """The tables of *selection*, for the ``tables`` of a ``Request``."""
    return frozenset(open_workspace(home).project.select(selection))


def attribute(home: Home, **request: Any) -> RunSummary:
    """Like ``run``, but only for the schemas core and attribution, which takes half of the time."""
    return run_selected(home, "core", "attribution", **request)


def table(home: Home, name: str) -> list[Row]:
    """The rows of a table of the lake, from all partitions, with dt; empty if it has no files."""
    folder = home.lake.joinpath(*name.split("."))
    files = sorted(str(path) for path in folder.rglob("part-0.parquet"))
    if not files:
        return []
    relation = reading().read_parquet(files, hive_partitioning=True)
    return [dict(zip(relation.columns, values, strict=True)) for values in relation.fetchall()]


@cache
def reading() -> duckdb.DuckDBPyConnection:
    """A DuckDB session in UTC to read files with, shared because opening one takes longer than a small query."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    atexit.register(reading.cache_clear)  # if it stays open, DuckDB reports a leak when the process ends
    return connection


def partition_days(home: Home, name: str) -> list[dt.date]:
    """The days of which a table of the lake has a partition, with or without rows."""
    files = home.lake.joinpath(*name.split(".")).rglob("part-0.parquet")
    return sorted(dt.date.fromisoformat(file.parent.name.removeprefix("dt=")) for file in files)


def tables(home: Home) -> dict[str, list[Row]]:
    """Name → rows of every table for which ``tests.reference`` computes rows, too."""
    return {name: table(home, name) for name in KEYS}


def all_tables(home: Home) -> dict[str, list[Row]]:
    """Name → rows of the tables of ``KEYS`` and ``MARTS``."""
    return {name: table(home, name) for name in (*KEYS, *MARTS)}


# Comparison --------------------------------------------------------------------------------------------


def assert_same_tables(actual: Mapping[str, list[Row]], expected: Mapping[str, list[Row]]) -> None:
    """Fail if a table differs; the message has the differing rows of the first such table, inputs before results."""
    assert set(actual) == set(expected), "a table is missing"
    keys = {**KEYS, **MARTS}
    assert set(KEYS) <= set(actual) <= set(keys), "a table is missing, or has no key"
    for name in keys:
        if name in actual:
            assert_same_rows(actual[name], expected[name], keys[name], name, EXACTNESS.get(name, 1e-12))


def assert_same_rows(
    actual: list[Row], expected: list[Row], keys: Sequence[str], name: str = "rows", exactness: float = 1e-12
) -> None:
    """Fail unless both have the same rows in any order. The message names rows by *keys*, and the columns that differ.

    Ratios may differ by *exactness* (relatively); everything else must be equal.
    """
    assert not (actual or expected) or keys, f"{name}: no keys"
    found, wanted = _by_key(actual, keys, name), _by_key(expected, keys, name)
    faults = [f"missing row {_shown(wanted[key])}" for key in wanted if key not in found]
    faults += [f"unexpected row {_shown(found[key])}" for key in found if key not in wanted]
    for key in wanted:
        if key in found:
            faults += _row_faults(dict(zip(keys, key, strict=True)), found[key], wanted[key], exactness)
    assert not faults, f"{name}: {len(faults)} differences\n" + "\n".join(faults[:20])


def _by_key(rows: list[Row], keys: Sequence[str], name: str) -> dict[tuple[Any, ...], Row]:
    found: dict[tuple[Any, ...], Row] = {}
    for row in rows:
        key = tuple(row[column] for column in keys)
        assert key not in found, f"{name}: two rows with the same key\n{_shown(found[key])}\n{_shown(row)}"
        found[key] = row
    return found


def _row_faults(key: Row, actual: Row, expected: Row, exactness: float) -> list[str]:
    if set(actual) != set(expected):
        missing, unexpected = set(expected) - set(actual), set(actual) - set(expected)
        return [f"{_shown(key)}: columns missing {sorted(missing)}, unexpected {sorted(unexpected)}"]
    return [
        f"{_shown(key)}: {column} is {actual[column]!r}, expected {expected[column]!r}"
        for column in expected
        if not _same(actual[column], expected[column], exactness)
    ]


def _same(actual: Any, expected: Any, exactness: float) -> bool:
    if isinstance(actual, float) and isinstance(expected, float):
        return math.isclose(actual, expected, rel_tol=exactness, abs_tol=1e-12)
    if isinstance(actual, float) or isinstance(expected, float):
        return False
    return bool(actual == expected)


def _shown(row: Row) -> str:
    return "{" + ", ".join(f"{name}: {value}" for name, value in row.items() if value is not None) + "}"


def png(width: int, height: int) -> bytes:
    """A grey picture as a PNG file."""
    return png_of(np.full((height, width, 3), 128, dtype=np.uint8))
