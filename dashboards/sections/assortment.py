"""The assortment: hot, normal and slow sellers, ABC × XYZ.

Here: charts and tables, and the text if there are no data.
Not here: how a chart looks (``dashboards.figures.assortment``), the classes (``sql/products/assortment.sql``).
"""

from __future__ import annotations

import polars as pl

from dashboards.blocks import Block, Chart, Column, Group, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.assortment import ABC, SALES_CLASSES, abc_xyz, sales_classes
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.reading import Reading, no_products, no_table, not_kept
from dashboards.sections.windows import window_text

TABLE = "products.assortment"


def assortment(locale: Locale, reading: Reading) -> Block:
    """Which products sell most and how steadily, over the longest window of the day."""
    if not reading.exists(TABLE):
        return no_table(locale, TABLE)
    if not reading.has(TABLE):
        return not_kept(locale, reading, locale.text("assortment.title"))
    window = reading.frame(query("products.assortment_window"))["days"][0]
    if window is None:
        return no_products(locale, reading.day)
    frame = reading.frame(query("products.classes"), window=window)
    if not (frame["revenue"].sum() or 0) > 0:
        return Text(locale.text("empty.assortment", days=locale.text.days(window)), "missing")
    period = window_text(locale, reading, window)
    return Group((_sales_classes(locale, frame, period), _abc_xyz(locale, frame, period)))


def _shares(frame: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """A row for each class (each value of *keys*): products, revenue, units, unsold, product_share, revenue_share."""
    return (
        frame.group_by(keys, maintain_order=True)
        .agg(pl.col("products", "revenue", "units", "unsold").sum())
        .with_columns(
            (pl.col("products") / pl.col("products").sum()).alias("product_share"),
            (pl.col("revenue") / pl.col("revenue").sum()).alias("revenue_share"),
        )
    )


def _sales_classes(locale: Locale, frame: pl.DataFrame, period: str) -> Chart:
    shares = _shares(frame, "sales_class")
    rows = sorted(shares.to_dicts(), key=lambda row: SALES_CLASSES.index(row["sales_class"]))
    unsold = sum(row["unsold"] for row in rows)
    table = Table(
        "sales_classes",
        locale.text("sales_classes.title"),
        [text(locale.text("column.sales_class"), "name"), *_columns(locale)],
        [row | {"name": locale.text.name("sales_class", row["sales_class"])} for row in rows],
        locale.text.joined(period, locale.text("sales_classes.definition")),
        notes=(locale.text("note.unsold", n=locale.numbers.full(unsold)),) if unsold else (),
    )
    return Chart(sales_classes(locale, shares), table)


def _abc_xyz(locale: Locale, frame: pl.DataFrame, period: str) -> Chart:
    shares = _shares(frame, "abc_class", "xyz_class")
    rows = sorted(shares.to_dicts(), key=lambda row: (ABC.index(row["abc_class"]), row["xyz_class"] or "~"))
    table = Table(
        "abc_xyz",
        locale.text("abc_xyz.title"),
        [text(locale.text("axis.abc"), "abc_class"), text(locale.text("axis.xyz"), "xyz"), *_columns(locale)],
        [row | {"xyz": locale.text(f"xyz.{(row['xyz_class'] or 'none').lower()}")} for row in rows],
        locale.text.joined(period, locale.text("abc_xyz.definition")),
    )
    return Chart(abc_xyz(locale, shares), table)


def _columns(locale: Locale) -> list[Column]:
    return [exact(locale, name) for name in ("products", "product_share", "revenue", "revenue_share", "units")]
