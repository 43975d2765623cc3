"""Octants and segments of customers: sales, sizes, moves between them.

Here: charts and tables.
Not here: how a chart looks (``dashboards.figures``), the rest of the customers (``dashboards.sections.customers``).
"""

from __future__ import annotations

import datetime as dt
from typing import Literal

import polars as pl

from dashboards.blocks import Block, Chart, Empty, Table
from dashboards.columns import exact, text
from dashboards.figures.customers import group_shares
from dashboards.figures.tables import LEFT, NEW, migration_grid
from dashboards.figures.treemap import group_tiles
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.reading import Href, Reading

Kind = Literal["octant", "segment"]


def all_groups(reading: Reading) -> pl.DataFrame:
    """The octants and segments that have customers on the day: customers.rfm_daily, with mean_monetary added."""
    return reading.frame(query("customers.groups"))


def all_names(reading: Reading) -> pl.DataFrame:
    """Names and advice of octants and segments in both languages: kind, key, name_zh, name_en, advice_zh, advice_en."""
    return reading.frame(query("customers.names"))


def names_of(locale: Locale, names: pl.DataFrame, kind: Kind) -> dict[str, str]:
    """Key → name, for all groups of *kind*, in the order of *names*."""
    rows = names.filter(pl.col("kind") == kind).iter_rows(named=True)
    return {row["key"]: row[f"name_{locale.language}"] or row["key"] for row in rows}


def group_bars(
    locale: Locale, reading: Reading, groups: pl.DataFrame, names: pl.DataFrame, kind: Kind, href: Href | None = None
) -> Chart:
    """Sales and advice for each octant or segment; *href* returns the link for the name of an octant or segment."""
    frame = _called(locale, groups, names, kind)
    table = Table(
        f"{kind}s",
        locale.text(f"{kind}s.title"),
        [
            text(locale.text(f"column.{kind}"), "name", href=href),
            exact(locale, "customers"),
            exact(locale, "net_revenue_share", field="revenue_share"),
            exact(locale, "net_revenue"),
            exact(locale, "net_order_value", field="average_order_value"),
            exact(locale, "average_recency_days"),
            text(locale.text("column.advice"), "advice", is_long=True),
        ],
        frame.to_dicts(),
        locale.text.joined(
            locale.text(f"{kind}s.definition"), _thresholds(locale, reading) if kind == "octant" else ""
        ),
    )
    return Chart(group_shares(locale, frame), table)


def segment_tiles(locale: Locale, groups: pl.DataFrame, names: pl.DataFrame) -> Chart:
    """Customers of each segment, and net sales per customer."""
    frame = _called(locale, groups, names, "segment").sort("customers", descending=True, maintain_order=True)
    table = Table(
        "tiles",
        locale.text("tiles.title"),
        [
            text(locale.text("column.segment"), "name"),
            exact(locale, "customers"),
            exact(locale, "customer_share"),
            exact(locale, "mean_monetary"),
            exact(locale, "net_revenue_share", field="revenue_share"),
        ],
        frame.to_dicts(),
        locale.text("tiles.definition"),
    )
    return Chart(group_tiles(locale, frame), table)


def _called(locale: Locale, groups: pl.DataFrame, names: pl.DataFrame, kind: Kind) -> pl.DataFrame:
    """The groups of *kind* with their name and advice."""
    language = locale.language
    called = names.filter(pl.col("kind") == kind).select(
        "key", pl.col(f"name_{language}").alias("name"), pl.col(f"advice_{language}").alias("advice")
    )
    found = groups.filter(pl.col("kind") == kind).join(called, on="key", how="left", maintain_order="left")
    return found.with_columns(pl.coalesce("name", "key").alias("name"))


def _thresholds(locale: Locale, reading: Reading) -> str:
    found = reading.frame(query("customers.thresholds"))
    values = {row["axis"]: row["value"] for row in found.iter_rows(named=True)}
    if any(values.get(axis) is None for axis in "rfm"):
        return ""
    return locale.text(
        "octants.thresholds",
        r=locale.numbers.short(values["r"]),
        f=locale.numbers.short(values["f"]),
        m=locale.numbers.money(values["m"]),
    )


def migration(locale: Locale, reading: Reading, names: pl.DataFrame, kind: Kind, href: Href | None = None) -> Block:
    """Moves of customers between octants or segments; *href* returns the link from a move to its customers."""
    back = reading.settings.rfm.compare_days
    earlier = reading.day - dt.timedelta(days=back)
    frame = reading.frame(query("customers.migration"), kind=kind)
    title = locale.text(f"migration.title_{kind}", n=back)
    if frame.is_empty():
        return Empty(title, locale.text("missing.migration", earlier=earlier))
    called = names_of(locale, names, kind) | {NEW: locale.text("migration.new"), LEFT: locale.text("migration.left")}
    rows = [
        row | {"from": called.get(row["from_key"], row["from_key"]), "to": called.get(row["to_key"], row["to_key"])}
        for row in frame.to_dicts()
    ]
    table = Table(
        f"{kind}_moves",
        title,
        [
            text(locale.text("column.from"), "from"),
            text(locale.text("column.to"), "to", href=href),
            exact(locale, "customers", field="members"),
            exact(locale, "net_revenue"),
        ],
        rows,
        locale.text("migration.definition", earlier=earlier),
    )
    return Chart(migration_grid(locale, frame, called, "metric.customers"), table, is_wide=kind == "segment")
