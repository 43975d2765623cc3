"""Octants and segments of the customers: what they bring, how many they are, who moved between them.

Here: their queries, charts and tables.
Not here: how a chart looks (``dashboards.figures``), the other parts of the section (``dashboards.report.customers``).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import polars as pl

from dashboards.figures.customers import group_shares
from dashboards.figures.look import Look
from dashboards.figures.tables import LEFT, NEW, migration_grid
from dashboards.figures.treemap import group_tiles
from dashboards.report.columns import full_column, text_column
from dashboards.report.html import Html, empty_card
from dashboards.report.page import Page
from dashboards.report.queries import Reader

Kind = Literal["octant", "segment"]

_NAMES = """
SELECT 'octant' AS kind, key, name_zh, name_en, advice_zh, advice_en, code AS place
FROM config.cells WHERE matrix_id = 'octants'
UNION ALL
SELECT 'segment', segment, name_zh, name_en, advice_zh, advice_en, CAST(1000 - position AS VARCHAR) FROM config.segments
ORDER BY place DESC
"""
_GROUPS = (
    "SELECT * FROM customers.rfm_daily WHERE dt = $day AND customers > 0 ORDER BY revenue_share DESC NULLS LAST, key"
)
_MIGRATION = """
SELECT from_key, to_key, customers AS members, net_revenue FROM customers.rfm_migration
WHERE dt = $day AND kind = $kind ORDER BY customers DESC, from_key, to_key
"""


def all_groups(reader: Reader) -> pl.DataFrame:
    """The octants and segments of the day that have customers; none where nobody bought in the window."""
    return reader.frame(_GROUPS)


def all_names(reader: Reader) -> pl.DataFrame:
    """Names and advice of octants and segments in both languages: kind, key, name_zh, name_en, advice_zh, advice_en."""
    return reader.frame(_NAMES)


def names_of(look: Look, names: pl.DataFrame, kind: Kind) -> dict[str, str]:
    """The keys of *kind* in their order, with their names."""
    rows = names.filter(pl.col("kind") == kind).iter_rows(named=True)
    return {row["key"]: row[f"name_{look.language}"] or row["key"] for row in rows}


def group_bars(page: Page, reader: Reader, groups: pl.DataFrame, names: pl.DataFrame, kind: Kind) -> Html:
    """What each octant or segment brings, and what to do."""
    look = page.look
    frame = _called(look, groups, names, kind)
    return page.chart(
        group_shares(look, frame),
        look.text(f"{kind}s.title"),
        look.text.joined(look.text(f"{kind}s.definition"), _thresholds(look, reader) if kind == "octant" else ""),
        [
            text_column(look.text(f"column.{kind}"), "name"),
            full_column(look, "customers"),
            full_column(look, "net_revenue_share", field="revenue_share"),
            full_column(look, "net_revenue"),
            full_column(look, "net_order_value", field="average_order_value"),
            full_column(look, "average_recency_days"),
            text_column(look.text("column.advice"), "advice", is_long=True),
        ],
        frame.to_dicts(),
    )


def segment_tiles(page: Page, groups: pl.DataFrame, names: pl.DataFrame) -> Html:
    """How many customers each segment has, and what one of them brings."""
    look = page.look
    frame = (
        _called(look, groups, names, "segment")
        .with_columns((pl.col("net_revenue") / pl.col("customers")).alias("mean_monetary"))
        .sort("customers", descending=True, maintain_order=True)
    )
    return page.chart(
        group_tiles(look, frame),
        look.text("tiles.title"),
        look.text("tiles.definition"),
        [
            text_column(look.text("column.segment"), "name"),
            full_column(look, "customers"),
            full_column(look, "customer_share"),
            full_column(look, "mean_monetary"),
            full_column(look, "net_revenue_share", field="revenue_share"),
        ],
        frame.to_dicts(),
    )


def _called(look: Look, groups: pl.DataFrame, names: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """The groups of *kind* with their name and advice."""
    language = look.language
    called = names.filter(pl.col("kind") == kind).select(
        "key", pl.col(f"name_{language}").alias("name"), pl.col(f"advice_{language}").alias("advice")
    )
    found = groups.filter(pl.col("kind") == kind).join(called, on="key", how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("name", "key").alias("name"))


def _thresholds(look: Look, reader: Reader) -> str:
    found = reader.frame("SELECT axis, value FROM customers.rfm_thresholds WHERE dt = $day")
    values = {row["axis"]: row["value"] for row in found.iter_rows(named=True)}
    if any(values.get(axis) is None for axis in "rfm"):
        return ""
    return look.text(
        "octants.thresholds",
        r=look.numbers.short(values["r"]),
        f=look.numbers.short(values["f"]),
        m=look.numbers.money(values["m"]),
    )


def migration(page: Page, reader: Reader, names: pl.DataFrame, kind: Kind) -> Html:
    """From which octant or segment to which the customers went."""
    look = page.look
    back = reader.workspace.settings.rfm.compare_days
    earlier = reader.day - dt.timedelta(days=back)
    frame = reader.frame(_MIGRATION, kind=kind)
    title = look.text(f"migration.title_{kind}", n=back)
    if frame.is_empty():
        return empty_card(title, look.text("missing.migration", earlier=earlier))
    called = names_of(look, names, kind) | {NEW: look.text("migration.new"), LEFT: look.text("migration.left")}
    rows = [
        row | {"from": called.get(row["from_key"], row["from_key"]), "to": called.get(row["to_key"], row["to_key"])}
        for row in frame.to_dicts()
    ]
    return page.chart(
        migration_grid(look, frame, called, "metric.customers"),
        title,
        look.text("migration.definition", earlier=earlier),
        [
            text_column(look.text("column.from"), "from"),
            text_column(look.text("column.to"), "to"),
            full_column(look, "customers", field="members"),
            full_column(look, "net_revenue"),
        ],
        rows,
        is_wide=kind == "segment",
    )
