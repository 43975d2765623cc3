"""The assortment: hot, normal and slow sellers, ABC × XYZ.

Here: its queries, charts and tables, and what it says where nothing is there.
Not here: how a chart looks (``dashboards.figures.assortment``), what a class is (``sql/products/assortment.sql``).
"""

from __future__ import annotations

import polars as pl

from dashboards.figures.assortment import ABC, SALES_CLASSES, abc_xyz, sales_classes
from dashboards.figures.look import Look
from dashboards.report.columns import full_column, text_column
from dashboards.report.html import Column, Html, message, tag
from dashboards.report.matrices import not_kept
from dashboards.report.page import Page
from dashboards.report.queries import Reader

TABLE = "products.assortment"

_CLASSES = """
SELECT sales_class, abc_class, xyz_class, count(*) AS products, sum(revenue) AS revenue, sum(units) AS units,
    count(*) FILTER (WHERE units <= 0) AS unsold
FROM products.assortment WHERE dt = $day AND window_days = $window GROUP BY ALL ORDER BY ALL
"""


def assortment(page: Page, reader: Reader) -> Html:
    """What sells most and how steadily, over the longest window of the day."""
    look, day = page.look, reader.day
    if not reader.exists(TABLE):
        return message(look.text("missing.table", table=TABLE), "headwater run")
    if not reader.has(TABLE):
        return not_kept(look, reader, look.text("assortment.title"))
    window = reader.frame("SELECT max(window_days) AS days FROM products.assortment WHERE dt = $day")["days"][0]
    if window is None:
        return message(look.text("empty.products", day=day), f"headwater run --from {day} --to {day} --force")
    frame = reader.frame(_CLASSES, window=window)
    if not (frame["revenue"].sum() or 0) > 0:
        return message(look.text("empty.assortment", days=look.text.days(window)))
    return tag(
        "div",
        _sales_classes(page, frame, window),
        _abc_xyz(page, frame, window),
        class_="grid",
    )


def _shares(frame: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Products and revenue of each class, and their shares of all."""
    return (
        frame.group_by(keys, maintain_order=True)
        .agg(pl.col("products", "revenue", "units", "unsold").sum())
        .with_columns(
            (pl.col("products") / pl.col("products").sum()).alias("product_share"),
            (pl.col("revenue") / pl.col("revenue").sum()).alias("revenue_share"),
        )
    )


def _sales_classes(page: Page, frame: pl.DataFrame, window: int) -> Html:
    look = page.look
    shares = _shares(frame, "sales_class")
    rows = sorted(shares.to_dicts(), key=lambda row: SALES_CLASSES.index(row["sales_class"]))
    unsold = sum(row["unsold"] for row in rows)
    return page.chart(
        sales_classes(look, shares),
        look.text("sales_classes.title"),
        look.text.joined(
            look.text("products.window", days=look.text.days(window)), look.text("sales_classes.definition")
        ),
        [
            text_column(look.text("column.sales_class"), "name"),
            *_columns(look),
        ],
        [row | {"name": look.text.name("sales_class", row["sales_class"])} for row in rows],
        notes=[look.text("note.unsold", n=look.numbers.full(unsold))] if unsold else [],
    )


def _abc_xyz(page: Page, frame: pl.DataFrame, window: int) -> Html:
    look = page.look
    shares = _shares(frame, "abc_class", "xyz_class")
    rows = sorted(shares.to_dicts(), key=lambda row: (ABC.index(row["abc_class"]), row["xyz_class"] or "~"))
    return page.chart(
        abc_xyz(look, shares),
        look.text("abc_xyz.title"),
        look.text.joined(look.text("products.window", days=look.text.days(window)), look.text("abc_xyz.definition")),
        [
            text_column(look.text("axis.abc"), "abc_class"),
            text_column(look.text("axis.xyz"), "xyz"),
            *_columns(look),
        ],
        [row | {"xyz": look.text(f"xyz.{(row['xyz_class'] or 'none').lower()}")} for row in rows],
    )


def _columns(look: Look) -> list[Column]:
    return [full_column(look, name) for name in ("products", "product_share", "revenue", "revenue_share", "units")]
