"""The sections on entrances and slots: sales by source.

Here: charts and tables.
Not here: the totals of the day (``dashboards.report.overview``), how a chart looks (``dashboards.figures.sales``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.blocks import Block, Chart, Column, Empty, Group, Row, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.figures.sales import entrance_revenue, entrance_value, has_place, slot_revenue
from dashboards.locale import Locale
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.report.columns import change_column
from dashboards.report.page import first_of
from dashboards.report.queries import Reader
from dashboards.sections.sales import MATCHES
from pipelines.config_tables.contents import Content

BARS = 12
QUIET_ROWS = 10


def entrances(locale: Locale, reader: Reader) -> list[Block]:
    """The entrances' sales and traffic, and the check that their sales sum to the day's sales."""
    frame = _named(locale, reader.frame(query("report.entrances")))
    total = reader.frame(query("report.total")).row(0, named=True)
    rows = frame.to_dicts()
    if not rows:
        remedy = f"headwater run --from {reader.day} --to {reader.day}"
        return [Text(locale.text("empty.entrances", day=reader.day), "missing", remedy)]
    columns = [
        text(locale.text("column.entrance"), "name"),
        metric(locale, "revenue"),
        metric(locale, "revenue_by_visit"),
        metric(locale, "revenue_share"),
        *_changes(locale),
        *(
            metric(locale, name)
            for name in ("net_revenue", "margin", "orders", "exposures", "product_clicks", "click_through_rate")
        ),
        metric(locale, "click_to_order_rate"),
        metric(locale, "revenue_per_mille"),
    ]
    all_rows = {**total, "name": locale.text("total"), "revenue_share": 1.0 if total["revenue"] else None}
    has_shared_orders = sum(row["orders"] or 0 for row in rows) > (total["orders"] or 0)
    sums = locale.numbers.full_money(total["revenue"] or 0)
    parts: list[Block] = [
        Table("entrances", "", columns, rows, total=all_rows, is_wide=True),
        Text(locale.text("check.equal" if total["is_equal"] else "check.differs", sums=sums), "check"),
    ]
    if has_shared_orders:
        parts.append(Text(locale.text("entrances.orders")))
    beside: list[Block] = _matches(locale, reader)
    full = [
        text(locale.text("column.entrance"), "name"),
        *(
            exact(locale, name)
            for name in ("revenue", "revenue_by_visit", "net_revenue", "margin", "orders", "exposures")
        ),
        *(exact(locale, name) for name in ("product_clicks", "add_to_carts", "click_through_rate")),
        *(exact(locale, name) for name in ("click_to_order_rate", "revenue_per_mille")),
    ]
    if total["revenue"]:
        title, about = locale.text("entrances.revenue.title"), locale.text("definition.entrance_revenue")
        beside.append(Chart(entrance_revenue(locale, frame), Table("revenue", title, full, rows, about)))
        beside.append(_value_chart(locale, frame, full))
    return [*parts, Group(tuple(beside))]


def _matches(locale: Locale, reader: Reader) -> list[Block]:
    """The day's sales by kind of match; empty if the home has no such table."""
    if not reader.has("attribution.attributed_sales"):
        return []
    found = {row["matched_by"]: row for row in reader.frame(query("report.matches")).iter_rows(named=True)}
    rows = [
        found[kind] | {"name": locale.text.name("matched_by", kind), "definition": locale.text(f"about_match.{kind}")}
        for kind in MATCHES
        if kind in found
    ]
    columns = [
        text(locale.text("column.matched"), "name"),
        exact(locale, "order_lines"),
        metric(locale, "revenue"),
        metric(locale, "revenue_share"),
        *(metric(locale, name) for name in ("net_revenue", "margin")),
        text(locale.text("column.definition"), "definition", is_long=True),
    ]
    return [Table("matches", locale.text("matches.title"), columns, rows, is_wide=True)] if rows else []


def _value_chart(locale: Locale, frame: pl.DataFrame, columns: Sequence[Column]) -> Block:
    rows = frame.to_dicts()
    left_out = [row["name"] for row in rows if not has_place(row)]
    title = locale.text("entrances.value.title")
    if len(left_out) == len(rows):
        return Empty(title, locale.text("empty.value"))
    note = locale.text("note.no_place", names=locale.text("list.separator").join(left_out))
    table = Table("value", title, columns, rows, locale.text("definition.entrance_value"))
    return Chart(entrance_value(locale, frame), table, (note,) if left_out else ())


def _changes(locale: Locale) -> list[Column]:
    return [
        change_column(locale, locale.text("column.against_before"), "revenue", "revenue_before"),
        change_column(locale, locale.text("column.against_week"), "revenue", "revenue_week"),
    ]


def slots(locale: Locale, reader: Reader) -> list[Block]:
    """The slots with the most sales, and the most-seen slots without a sale."""
    frame = _named(locale, reader.frame(query("report.slots"))).with_columns(pl.col("name").alias("entrance"))
    modules = dict(frame.group_by("entrance_id").agg(pl.col("head_module").n_unique()).iter_rows())
    rows = [
        row | {"place": place, "name": _slot_name(row, place)}
        for row in frame.to_dicts()
        for place in [_place(locale, row, reader.contents, has_modules=modules[row["entrance_id"]] > 1)]
    ]
    if not rows:
        remedy = f"headwater run --from {reader.day} --to {reader.day}"
        return [Text(locale.text("empty.slots", day=reader.day), "missing", remedy)]
    columns = [
        text(locale.text("column.entrance"), "entrance"),
        text(locale.text("column.slot"), "place"),
        *(metric(locale, name) for name in ("impressions", "clicks", "slot_click_rate", "exposures")),
        *(metric(locale, name) for name in ("click_through_rate", "orders", "revenue", "revenue_by_visit", "margin")),
        metric(locale, "revenue_per_mille"),
    ]
    selling = [row for row in rows if row["revenue"] > 0]
    parts: list[Block] = []
    if selling:
        total = sum(row["revenue"] for row in rows)
        figure = slot_revenue(locale, pl.DataFrame(selling[:BARS], infer_schema_length=None), total)
        table = Table("slots", locale.text("slots.title"), columns, rows, locale.text("definition.slots"))
        parts.append(Chart(figure, table, (first_of(locale, min(BARS, len(selling)), len(selling)),)))
    quiet = [row for row in rows if not row["revenue"] and row["impressions"]]
    if quiet:
        parts.append(
            Table(
                "quiet",
                locale.text("slots.quiet.title"),
                columns[:5],
                sorted(quiet, key=lambda row: -row["impressions"]),
                locale.text("slots.quiet.definition"),
                most=QUIET_ROWS,
            )
        )
    return [Group(tuple(parts))] if parts else [Text(locale.text("empty.selling"), "missing")]


def _named(locale: Locale, frame: pl.DataFrame) -> pl.DataFrame:
    names = [
        locale.text.name("entrance", row["entrance_id"])
        if row["entrance_id"].startswith("(")
        else row[f"name_{locale.language}"] or row["entrance_id"]
        for row in frame.iter_rows(named=True)
    ]
    return frame.with_columns(pl.Series("name", names, dtype=pl.String))


def _place(locale: Locale, row: Row, contents: Mapping[str, Content], *, has_modules: bool) -> str:
    """Module, number and content of a slot as text; the module only if *has_modules*: its entrance has several."""
    parts = [locale.text.name("module", row["head_module"])] if has_modules and row["head_module"] != "(none)" else []
    if row["head_slot"]:
        parts.append(locale.text("slot.number", n=row["head_slot"]))
    if row["head_content_id"] != "(none)":
        content = contents.get(row["head_content_id"])
        parts.append(content.name(locale.language) if content else row["head_content_id"])
    return " · ".join(parts) or NONE


def _slot_name(row: Mapping[str, Any], place: str) -> str:
    return row["entrance"] if place == NONE else f"{row['entrance']} · {place}"
