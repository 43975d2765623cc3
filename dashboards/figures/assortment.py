"""The assortment: which products sell most, and how steadily they sell.

Here: figures over products.assortment.
Not here: queries, texts.
"""

from __future__ import annotations

from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.heat import Cell, add_heat
from dashboards.figures.look import SAND, base
from dashboards.locale import Locale

SALES_CLASSES = ("hot", "normal", "slow")
ABC, XYZ = ("A", "B", "C"), ("X", "Y", "Z")


def sales_classes(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """The share of sales of hot, normal and slow sellers, beside their share of the products.

    Columns sales_class, products, revenue, product_share, revenue_share; classes without a row have no bar.
    """
    found = {row["sales_class"]: row for row in frame.iter_rows(named=True)}
    rows: list[dict[str, Any]] = [found[key] for key in SALES_CLASSES if key in found]
    number = locale.numbers
    return ranked_bars(
        locale,
        [locale.text(f"sales_class.{row['sales_class']}") for row in rows],
        [
            Bars(
                locale.text("metric.revenue_share"),
                [row["revenue_share"] for row in rows],
                [f"{number.percent(row['revenue_share'])} · {number.money(row['revenue'])}" for row in rows],
            ),
            Bars(
                locale.text("metric.product_share"),
                [row["product_share"] for row in rows],
                [
                    locale.text(
                        "label.products", share=number.percent(row["product_share"]), n=number.short(row["products"])
                    )
                    for row in rows
                ],
                SAND,
                "/",
            ),
        ],
        [
            f"<b>{locale.text('sales_class.' + row['sales_class'])}</b>"
            f"<br>{locale.text('metric.products')} {number.full(row['products'])}"
            f"<br>{locale.text('metric.revenue')} {number.full_money(row['revenue'])}"
            for row in rows
        ],
    )


def abc_xyz(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """Products by revenue (ABC) and by how steadily they sell (XYZ), coloured by their share of the revenue.

    Columns abc_class, xyz_class (null: unknown, shown in its own column "–"), products, revenue, revenue_share.
    Cells without products are blank.
    """
    cells = {(row["abc_class"], row["xyz_class"]): row for row in frame.iter_rows(named=True)}
    columns: list[str | None] = [*XYZ, None] if any(xyz is None for _, xyz in cells) else list(XYZ)
    number = locale.numbers
    figure = base(locale, 290)

    def cell(abc: str, xyz: str | None) -> Cell:
        row = cells.get((abc, xyz))
        if row is None:
            return Cell()
        hover = (
            f"{abc} · {xyz or locale.text('xyz.none')}"
            f"<br>{locale.text('metric.products')} {number.full(row['products'])}"
            f"<br>{locale.text('metric.revenue')} {number.full_money(row['revenue'])}"
            f" · {number.full_percent(row['revenue_share'])}"
        )
        text = f"<b>{number.short(row['products'])}</b><br>{number.percent(row['revenue_share'])}"
        return Cell(row["revenue_share"] or 0, text, hover)

    names = [locale.text(f"xyz.{(key or 'none').lower()}") for key in columns]
    add_heat(figure, [[cell(abc, xyz) for xyz in columns] for abc in ABC], names, ABC, gap=3)
    figure.update_xaxes(title_text=locale.text("axis.xyz"))
    figure.update_yaxes(title_text=locale.text("axis.abc"))
    return figure
