"""Slices: the part of a shop's visitors, events and order lines that a page shows, such as those on one platform.

Here: the dimensions, and rewriting a query so that it reads only a slice of its tables, or has a dimension as a column.
Not here: choosing a slice in the URL (``dashboards.app.view``) and on the page (``dashboards.app.slice_bar``).

A query names tables. In a slice, each table is replaced by its rows that are in the slice: rows of events and order
lines are joined with the dimensions by a key (``dashboards/queries/slices.sql``), and a mart is computed again by its
own model from such rows. So a page's queries and the definitions of its metrics stay the same in every slice.
A slice of customers is different: it has all rows of every customer with an order line in it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import sqlglot
from sqlglot import exp

from dashboards.queries import all_queries
from pipelines.home.folder import DATA
from pipelines.home.settings import SettingValue
from pipelines.sqlproject.model import DIALECT, read_model
from pipelines.sqlproject.parameters import bind

OF_VISITS = ("platform", "channel", "customers", "segment")
"""Dimensions of a visitor on a day, and of the buyer of an order."""

OF_ITEMS = ("category", "brand", "entrance")
"""Dimensions of a single event or order line."""

DIMENSIONS = (*OF_VISITS, *OF_ITEMS)

_KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "people": (("dt", "person_id"), OF_VISITS),
    "orders": (("dt", "order_id"), OF_VISITS),
    "lines": (("dt", "order_id", "line_no"), OF_ITEMS),
    "products": (("product_id",), ("category", "brand")),
}
"""Query of ``slices.sql`` → the columns by which it is joined, and the dimensions that it has."""

_JOINED: Mapping[str, tuple[str, ...]] = {
    "core.visitors": ("people",),
    "core.sessions": ("people",),
    "core.first_visits": ("people",),
    "core.events": ("people", "products"),
    "core.order_lines": ("orders", "lines"),
    "attribution.attributed_events": ("people", "products"),
    "attribution.attributed_sales": ("orders", "lines"),
    "attribution.touch_credits": ("orders", "lines"),
    "attribution.visitor_ends": ("people", "products"),
    "attribution.visitor_slots": ("people",),
    "attribution.person_steps": ("people",),
    "products.daily": ("products",),
    "products.metrics": ("products",),
    "products.quadrants": ("products",),
}
"""Table → the queries of ``slices.sql`` that its rows are joined with."""

_WITH_ENTRANCE = frozenset(
    {
        "attribution.attributed_events",
        "attribution.visitor_ends",
        "attribution.visitor_slots",
        "attribution.person_steps",
        "core.first_visits",
    }
)
"""Tables whose column ``entrance_id`` is the entrance of a row."""

NONE = "(none)"
"""Stands for a missing value, such as the category of an event without a product."""

_COMPUTED = frozenset(
    {
        "attribution.entrance_daily",
        "attribution.entrance_hourly",
        "attribution.slot_daily",
        "attribution.slot_hourly",
        "attribution.module_daily",
        "attribution.model_daily",
        "attribution.path_summary",
        "attribution.touch_lag_daily",
        "attribution.touchpoint_daily",
        "core.paid_orders",
        "core.traffic_daily",
        "core.traffic_hourly",
        "customers.cohorts",
        "customers.lifecycle_daily",
        "customers.pareto",
        "customers.rfm_daily",
        "customers.rfm_migration",
        "customers.sales_coverage",
    }
)
"""Tables of daily or windowed figures, which are computed again by their models from the rows in the slice."""

_EMPTY = frozenset({"core.spend"})
"""Tables without any dimension. Their sums would be wrong in a slice, so a slice has none of their rows."""

_WHOLE = frozenset(
    {
        "attribution.model_effects",
        "attribution.path_steps",
        "attribution.paths",
        "attribution.touch_models",
        "attribution.visitor_variants",
        "core.batches",
        "core.entrances",
        "core.first_orders",
        "core.order_mismatches",
        "core.products",
        "core.quarantine",
        "customers.clv_fits",
        "customers.rfm_thresholds",
        "products.catalog",
        "products.names",
    }
)
"""Tables that no slice filters: names, landed records, thresholds, and effects that models learn from all paths."""

_RAW = {
    "raw.events": "SELECT CAST(NULL AS DATE) AS dt, '' AS event_id, '' AS batch_id, TRUE AS is_bot WHERE FALSE",
    "raw.superseded_events": "SELECT CAST(NULL AS DATE) AS dt, '' AS event_id, '' AS batch_id WHERE FALSE",
}
"""Tables that models read only to count bots → an empty query in their place: bots are in no slice of visitors."""

_ALL = "all_"
"""No slice filters a table whose alias begins with this."""

_OF_PEOPLE = frozenset({"core.visitors", "core.sessions", "core.first_visits"})
_TRAFFIC = frozenset({"core.traffic_daily", "core.traffic_hourly"})
_EVENTS, _LINES = "core.events", "core.order_lines"
_ENDS, _SLOTS, _STEPS = "attribution.visitor_ends", "attribution.visitor_slots", "attribution.person_steps"
_OF_PRODUCTS = frozenset({"category", "brand"})
"""Dimensions that impressions of a slot do not have: a banner shows no product.

A page filtered by one of these shows no impressions.
"""

Range = tuple[dt.date, dt.date]
"""First and last day."""

SettingValues = tuple[tuple[str, SettingValue], ...]
"""Names and values of the settings that models use."""


@dataclass(frozen=True)
class Slice:
    """A part of the shop's visitors, events and order lines.

    Attributes:
        values: Dimension → the values that it may have; a row must match every dimension.
        segments_on: The day as of which customers are in a segment; None if no segments are computed.
        by: A dimension that the tables have as a column ``slice_<dimension>``; None: no such column.
        of: Which rows are in the slice. ``rows``: those that match. ``visitors``: those that match, and all events of
            the visitors who match. ``customers``: all rows of each customer with a matching order line that was paid
            up to *segments_on*.
    """

    values: tuple[tuple[str, tuple[str, ...]], ...] = ()
    segments_on: dt.date | None = None
    by: str | None = None
    of: Literal["rows", "visitors", "customers"] = "rows"

    @property
    def dimensions(self) -> frozenset[str]:
        """The dimensions that a table must have to be filtered or broken down by this slice."""
        return frozenset(name for name, _ in self.values) | ({self.by} if self.by else set())

    def only(self, dimensions: Collection[str]) -> Slice:
        """The same slice, limited to *dimensions*."""
        values = tuple((name, found) for name, found in self.values if name in dimensions)
        return replace(self, values=values, by=self.by if self.by in dimensions else None)


@lru_cache(maxsize=1024)
def sliced(sql: str, part: Slice, days: tuple[Range, ...], settings: SettingValues) -> str:
    """*sql*, rewritten so that it reads only the rows of *part*.

    Args:
        sql: The query.
        part: The slice.
        days: The days that the query reads, for marts that are computed again.
        settings: The parameters of these marts' models.

    Raises:
        ValueError: a table of the query lacks a dimension of the slice.
    """
    text, tables = _with_names(sql)
    rows = [f"{_name(table)} AS {_rows(table, part, days, settings)}" for table in tables]
    if not rows:
        return text
    rest = text.removeprefix("WITH ")
    return f"WITH {', '.join(rows)}{' ' if rest is text else ', '}{rest}"


@lru_cache(maxsize=512)
def _with_names(sql: str) -> tuple[str, tuple[str, ...]]:
    """(*sql* in which each table that a slice filters is replaced by the name of a CTE, the replaced tables)."""
    tree = sqlglot.parse_one(f"{sql}\n", read=DIALECT)
    found = []
    for node in [node for node in tree.find_all(exp.Table) if node.db]:
        table = f"{node.db}.{node.name}"
        if table in _WHOLE or node.db == "config" or node.alias.startswith(_ALL):
            continue
        found.append(table)
        node.replace(exp.alias_(exp.to_table(_name(table)), node.alias_or_name, table=True))
    return tree.sql(dialect=DIALECT, comments=False), tuple(dict.fromkeys(found))


def _name(table: str) -> str:
    return "slice_of_" + table.replace(".", "_")


@lru_cache(maxsize=1024)
def _rows(table: str, part: Slice, days: tuple[Range, ...], settings: SettingValues) -> str:
    """The rows of *table* that are in the slice, as the text of a CTE."""
    if table in _COMPUTED:
        own = replace(part, of="visitors") if table in _TRAFFIC else part
        return f"({sliced(_model_over(table, days, settings), own, days, settings)})"
    if table == _STEPS and part.dimensions & _OF_PRODUCTS:
        # A row that sums several events has no product, so compute the table again from the events with these products.
        of_products = sliced(_model_over(table, days, settings), part.only(_OF_PRODUCTS), days, settings)
        rest = part.only(part.dimensions - _OF_PRODUCTS)
        return f"({_joined(table, rest, sqlglot.parse_one(of_products, read=DIALECT)).sql(dialect=DIALECT)})"
    return f"NOT MATERIALIZED ({_selected(table, part).sql(dialect=DIALECT, comments=False)})"


def _selected(table: str, part: Slice) -> exp.Expr:
    if table in _RAW:
        return sqlglot.parse_one(_RAW[table], read=DIALECT)
    if table in _EMPTY or (table == _SLOTS and part.dimensions & _OF_PRODUCTS):
        return exp.select("*").from_(table).where(exp.false())
    if part.of == "customers":
        return _of_customers(table, part)
    if table in _OF_PEOPLE or (table == _EVENTS and part.of == "visitors"):
        own = {*OF_VISITS, *({"entrance"} if table in _WITH_ENTRANCE else ())}
        if others := part.dimensions - own:
            return _joined(table, part.only(own), _with_ends(table, part.only(others)))
    return _joined(table, part)


def _with_ends(table: str, part: Slice) -> exp.Select:
    """The rows of *table* for visitors who had an exposure, click or add-to-cart in the slice on the row's day.

    A visitor has no category, brand or entrance, but exposures, clicks and add-to-carts do.
    """
    columns = [f"slice_{part.by}"] if part.by else []
    people = exp.select("dt", "person_id", *columns).distinct().from_(_joined(_ENDS, part).subquery("ends"))
    rows = exp.alias_(exp.to_table(table), "rows", table=True)
    return exp.select("rows.*", *columns).from_(rows).join(people.subquery("ends"), using=["dt", "person_id"])


def _of_customers(table: str, part: Slice) -> exp.Select:
    """The rows of *table* whose ``user_id`` is a customer who bought in the slice."""
    lines = _joined(_LINES, replace(part, by=None)).where(f"dt <= DATE '{part.segments_on or dt.date.max}'")
    buyers = exp.select("user_id").from_(lines.subquery("lines"))
    return _joined(table, replace(part, values=())).where(exp.column("user_id").isin(query=buyers))


def _joined(table: str, part: Slice, source: exp.Expr | None = None) -> exp.Select:
    """The rows of *table*, or of the query *source* if given, that are in the slice *part*.

    Each dimension that *part* uses is a column ``slice_<dimension>``.
    """
    own = exp.alias_(exp.to_table(table), "rows", table=True) if source is None else exp.Subquery(this=source)
    own.set("alias", exp.TableAlias(this=exp.to_identifier("rows")))
    rows = exp.select("rows.*").from_(own)
    missing = set(part.dimensions)
    if "entrance" in missing and table in _WITH_ENTRANCE:
        missing.remove("entrance")
        rows = rows.select(_dimension("entrance", exp.column("entrance_id", "rows")))
    for source_name in _JOINED.get(table, ()):
        keys, dimensions = _KEYS[source_name]
        needed = [dimension for dimension in dimensions if dimension in missing]
        if not needed:
            continue
        missing -= set(needed)
        joined = bind(all_queries()[f"slices.{source_name}"].tree, {"segments_on": part.segments_on or dt.date.min})
        same_key = [exp.column(key, source_name).eq(exp.column(key, "rows")) for key in keys]
        rows = rows.join(joined.subquery(source_name), on=exp.and_(*same_key), join_type="left")
        for dimension in needed:
            rows = rows.select(_dimension(dimension, exp.column(f"slice_{dimension}", source_name)))
    if missing:
        raise ValueError(f"{table} cannot be sliced by {', '.join(sorted(missing))}")
    found = exp.select("*").from_(rows.subquery("rows"))
    for dimension, values in part.values:
        found = found.where(exp.column(f"slice_{dimension}").isin(*(exp.Literal.string(value) for value in values)))
    return found


def _dimension(name: str, value: exp.Expr) -> exp.Expr:
    return exp.alias_(exp.func("COALESCE", value, exp.Literal.string(NONE)), f"slice_{name}")


@lru_cache(maxsize=256)
def _model_over(table: str, days: tuple[Range, ...], settings: SettingValues) -> str:
    """The query of the model of *table*, for *days*; for a table as of a day, only the last day of each range."""
    schema, name = table.split(".")
    tree = read_model(DATA / "sql" / schema / f"{name}.sql", schema).tree.copy()
    for between in list(tree.find_all(exp.Between)):
        if any(node.name in ("from_dt", "to_dt") for node in between.find_all(exp.Placeholder)):
            between.replace(exp.paren(exp.or_(*(_within(between, *one) for one in days))))
    is_snapshot = any(node.name == "dt" for node in tree.find_all(exp.Placeholder))
    parts = [bind(tree, {**dict(settings), "dt": last}) for _, last in (days if is_snapshot else days[:1])]
    texts = [one.sql(dialect=DIALECT, comments=False) for one in parts]
    return texts[0] if len(texts) == 1 else " UNION ALL ".join(f"SELECT * FROM ({one})" for one in texts)


def _within(between: exp.Between, first: dt.date, last: dt.date) -> exp.Expr:
    """The condition *between*, with the days *first* and *last* in place of ``$from_dt`` and ``$to_dt``."""
    found = between.copy()
    for placeholder in list(found.find_all(exp.Placeholder)):
        if placeholder.name in ("from_dt", "to_dt"):
            day = first if placeholder.name == "from_dt" else last
            placeholder.replace(exp.cast(exp.Literal.string(day.isoformat()), "DATE"))
    return found
