"""The assortment: hot, normal and slow sellers, ABC × XYZ.

Here: charts and tables, and the text if there are no data.
Not here: how a chart looks (``dashboards.figures.assortment``), the classes (``sql/products/assortment.sql``).
"""

from __future__ import annotations

import polars as pl

from dashboards.blocks import Block, Chart, Column, Group, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.assortment import ABC, SALES_CLASSES, abc_xyz, sales_classes
from dashboards.figures.look import Look
from dashboards.queries import query
from dashboards.sections.reading import Reading, no_products, no_table, not_kept

TABLE = "products.assortment"


def assortment(look: Look, reading: Reading) -> Block:
    """Which products sell most and how steadily, over the longest window of the day."""
    if not reading.exists(TABLE):
        return no_table(look, TABLE)
    if not reading.has(TABLE):
        return not_kept(look, reading, look.text("assortment.title"))
    window = reading.frame(query("products.assortment_window"))["days"][0]
    if window is None:
        return no_products(look, reading.day)
    frame = reading.frame(query("products.classes"), window=window)
    if not (frame["revenue"].sum() or 0) > 0:
        return Text(look.text("empty.assortment", days=look.text.days(window)), "missing")
    return Group((_sales_classes(look, frame, window), _abc_xyz(look, frame, window)))


def _shares(frame: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Products and revenue of each class, and their shares of the total."""
    return (
        frame.group_by(keys, maintain_order=True)
        .agg(pl.col("products", "revenue", "units", "unsold").sum())
        .with_columns(
            (pl.col("products") / pl.col("products").sum()).alias("product_share"),
            (pl.col("revenue") / pl.col("revenue").sum()).alias("revenue_share"),
        )
    )


def _sales_classes(look: Look, frame: pl.DataFrame, window: int) -> Chart:
    shares = _shares(frame, "sales_class")
    rows = sorted(shares.to_dicts(), key=lambda row: SALES_CLASSES.index(row["sales_class"]))
    unsold = sum(row["unsold"] for row in rows)
    table = Table(
        "sales_classes",
        look.text("sales_classes.title"),
        [text(look.text("column.sales_class"), "name"), *_columns(look)],
        [row | {"name": look.text.name("sales_class", row["sales_class"])} for row in rows],
        _within(look, window, "sales_classes.definition"),
        notes=(look.text("note.unsold", n=look.numbers.full(unsold)),) if unsold else (),
    )
    return Chart(sales_classes(look, shares), table)


def _abc_xyz(look: Look, frame: pl.DataFrame, window: int) -> Chart:
    shares = _shares(frame, "abc_class", "xyz_class")
    rows = sorted(shares.to_dicts(), key=lambda row: (ABC.index(row["abc_class"]), row["xyz_class"] or "~"))
    table = Table(
        "abc_xyz",
        look.text("abc_xyz.title"),
        [text(look.text("axis.abc"), "abc_class"), text(look.text("axis.xyz"), "xyz"), *_columns(look)],
        [row | {"xyz": look.text(f"xyz.{(row['xyz_class'] or 'none').lower()}")} for row in rows],
        _within(look, window, "abc_xyz.definition"),
    )
    return Chart(abc_xyz(look, shares), table)


def _within(look: Look, window: int, definition: str) -> str:
    return look.text.joined(look.text("products.window", days=look.text.days(window)), look.text(definition))


def _columns(look: Look) -> list[Column]:
    return [exact(look, name) for name in ("products", "product_share", "revenue", "revenue_share", "units")]
