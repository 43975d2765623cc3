"""Reading the tables of one day for the report.

Here: the list of tables, a Reader of one home, the computed days.
Not here: what the report shows of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from zoneinfo import ZoneInfo

import duckdb
import polars as pl

from pipelines.compute.reading import reading_session
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.config_tables import contents_of, product_names_of
from pipelines.config_tables.contents import Content
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import Settings

MARTS = (
    "core.order_lines",
    "core.entrances",
    "products.names",
    "core.traffic_daily",
    "core.visitors",
    "core.sessions",
    "core.spend",
    "attribution.attributed_sales",
    "attribution.entrance_daily",
    "attribution.slot_daily",
    "attribution.model_daily",
    "customers.rfm",
    "customers.rfm_daily",
    "customers.rfm_migration",
    "customers.rfm_thresholds",
    "customers.sales_coverage",
    "customers.lifecycle_daily",
    "customers.cohorts",
    "customers.pareto",
    "customers.clv",
    "customers.clv_fits",
    "products.metrics",
    "products.quadrants",
    "products.quadrant_migration",
    "products.portfolio_health",
    "products.assortment",
)
"""The tables that the report reads if the home has them."""

MAIN = "attribution.entrance_daily"
"""The table whose days can have a report."""

_TYPES: dict[str, pl.DataType | type[pl.DataType]] = {
    "VARCHAR": pl.String,
    "DATE": pl.Date,
    "BOOLEAN": pl.Boolean,
    "DOUBLE": pl.Float64,
    "BIGINT": pl.Int64,
    "INTEGER": pl.Int64,
    "HUGEINT": pl.Int64,
    "TIMESTAMP": pl.Datetime("us"),
}


@dataclass(frozen=True)
class Reader:
    """One day of a home, open for reading."""

    day: dt.date
    workspace: Workspace
    connection: duckdb.DuckDBPyConnection
    _frames: dict[str, pl.DataFrame] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        """The current settings."""
        return self.workspace.settings

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*, in which ``$day`` is the day; money becomes floating point, so sum exactly in SQL.

        The rows are kept, because the report in another language has the same.
        """
        values = {name: value for name, value in {"day": self.day, **parameters}.items() if f"${name}" in sql}
        key = f"{sql} {values}"
        if key not in self._frames:
            self._frames[key] = to_frame(self.connection.sql(sql, params=values))
        return named(self._frames[key], self.names)

    def in_language(self, language: str) -> Reader:
        """The same tables, whose frames name products, categories and brands as ``config/product_names.csv`` does.

        A fault of that file is reported by ``headwater check``; the products' own names are then used.
        """
        try:
            return replace(self, names=product_names_of(self.workspace.home).get(language, {}))
        except HeadwaterError:
            return self

    def exists(self, table: str) -> bool:
        """Whether the home has *table*."""
        return table in self.workspace.project.models

    def days(self, table: str) -> Collection[dt.date]:
        """The days that *table* is computed for."""
        return computed_days(self.workspace, table)

    @cached_property
    def contents(self) -> Mapping[str, Content]:
        """content_id → its names; empty if contents.csv has a fault, which ``headwater check`` reports."""
        try:
            return contents_of(self.workspace.home)
        except HeadwaterError:
            return {}

    def has(self, table: str) -> bool:
        """Whether *table* is computed for the day."""
        return self.exists(table) and self.day in self.days(table)


_NAMED = ("name", "product", "variant", "category", "brand")
"""The columns of queries with names of products, categories or brands."""


def named(frame: pl.DataFrame, names: Mapping[str, str]) -> pl.DataFrame:
    """*frame*, with the names from *names* for the products, categories and brands that are in it."""
    columns = [column for column in _NAMED if frame.schema.get(column) == pl.String]
    return frame.with_columns(pl.col(columns).replace(names)) if names and columns else frame


class _ArrowStream:
    """The rows of a relation as an Arrow stream for Polars.

    Polars keeps a reference to the class of its input. If that is DuckDB's class, DuckDB reports a leak on standard
    error when Python ends; so we pass this class instead.
    """

    def __init__(self, relation: duckdb.DuckDBPyRelation) -> None:
        self._relation = relation

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._relation.__arrow_c_stream__(requested_schema)


def to_frame(relation: duckdb.DuckDBPyRelation) -> pl.DataFrame:
    """The rows of a query, read through Arrow; decimals become floating point, integers Int64."""
    kinds = zip(relation.columns, map(str, relation.types), strict=True)
    return pl.DataFrame(_ArrowStream(relation)).cast({name: _TYPES.get(kind, pl.Float64) for name, kind in kinds})


@contextmanager
def open_day(home: Home, day: dt.date) -> Iterator[Reader]:
    """A Reader of *day*; files that a run replaces meanwhile stay readable as they were.

    Raises:
        HeadwaterError: the day is not computed, or the home cannot be read.
    """
    workspace = open_workspace(home)
    days = computed_days(workspace, MAIN)
    if day not in days:
        raise _not_there(home, day, days)
    tables = [table for table in MARTS if table in workspace.project.models]
    with reading_session(home, " ".join(tables)) as connection:
        yield Reader(day, workspace, connection)


def computed_days(workspace: Workspace, table: str) -> set[dt.date]:
    """The days for which *table* has a partition."""
    return {key for key in workspace.lake.keys(table) if key is not None}


def newest_day(workspace: Workspace, now: dt.datetime) -> dt.date | None:
    """The newest computed day that is over at *now* in the shop's time zone; if none is over, the newest.

    None if no day is computed.
    """
    days = computed_days(workspace, MAIN)
    today = now.astimezone(ZoneInfo(workspace.settings.timezone)).date()
    return max((day for day in days if day < today), default=max(days, default=None))


def _not_there(home: Home, day: dt.date, days: Collection[dt.date]) -> HeadwaterError:
    run = f"'headwater run --home {home.root}"
    if not days:
        return HeadwaterError("no day is computed yet", where=home.root, remedy=f"land files and run {run}'")
    first, last = min(days), max(days)
    if first <= day <= last:
        return HeadwaterError(f"{day} is not computed", remedy=f"{run} --from {day} --to {day}' computes it")
    return HeadwaterError(
        f"{day} is not among the computed days, {first} to {last}", remedy="choose one of them with --dt"
    )
