"""Products that cannot be placed in a matrix, and what is missing.

Here: products without a known cost; for each metric of a matrix the number of products that lack it.
Not here: the matrices (``dashboards.sections.matrices``).
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.blocks import Block, Column, Empty, Group, Row, Table
from dashboards.columns import exact, text
from dashboards.figures.look import Look
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.reading import Reading, no_products, no_table, titled
from dashboards.sections.windows import Window

TABLE = "products.metrics"
MOST = 10


def unplaced_products(look: Look, reading: Reading, windows: Mapping[str, Window], titles: Mapping[str, str]) -> Group:
    """Products without a cost in the longest window, and the metrics missing in each matrix of *titles* (id → name)."""
    without_cost = _without_cost(look, reading)
    return Group((without_cost, _unplaced_by_matrix(look, windows, titles)) if windows else (without_cost,))


def _without_cost(look: Look, reading: Reading) -> Block:
    title = look.text("without_cost.title")
    if not reading.exists(TABLE):
        return titled(title, no_table(look, TABLE))
    window = reading.frame(query("products.metrics_window"))["days"][0]
    if window is None:
        return titled(title, no_products(look, reading.day))
    sold = reading.frame(query("products.sold"), window=window).row(0, named=True)
    if not sold["without_cost"]:
        key = "without_cost.none" if sold["products"] else "empty.assortment"
        return Empty(title, look.text(key, days=look.text.days(window)), is_missing=False)
    columns = [
        text(look.text("column.product"), "name"),
        text(look.text("column.product_id"), "product_id"),
        exact(look, "revenue"),
        exact(look, "margin", field="no_margin"),
        exact(look, "order_lines"),
        exact(look, "lines_without_cost"),
    ]
    return Table(
        "without_cost",
        title,
        columns,
        [row | {"no_margin": None} for row in reading.frame(query("products.without_cost"), window=window).to_dicts()],
        look.text.joined(look.text("products.window", days=look.text.days(window)), _cost_note(look, sold)),
        notes=(look.text("without_cost.remedy"),),
        most=MOST,
    )


def _cost_note(look: Look, sold: Row) -> str:
    return look.text(
        "without_cost.note",
        n=look.numbers.full(sold["without_cost"]),
        m=look.numbers.full(sold["products"]),
        amount=look.numbers.money(sold["revenue_without"]),
        share=look.numbers.percent(sold["revenue_without"] / sold["revenue"] if sold["revenue"] else None),
    )


def _unplaced_by_matrix(look: Look, windows: Mapping[str, Window], titles: Mapping[str, str]) -> Table:
    columns = [
        text(look.text("column.matrix"), "name"),
        Column(look.text("column.window"), lambda row: look.text.days(row["days"]), is_text=True, field="days"),
        text(look.text("column.missing"), "missing"),
        exact(look, "products", field="unplaced", title=look.text("column.unplaced")),
        exact(look, "products"),
    ]
    rows = [
        {
            "name": title,
            "days": windows[key].days,
            "missing": _counts(look, windows[key]),
            "unplaced": windows[key].products - windows[key].placed,
            "products": windows[key].products,
        }
        for key, title in titles.items()
        if key in windows
    ]
    return Table("unplaced", look.text("unplaced.title"), columns, rows, look.text("unplaced.definition"))


def _counts(look: Look, window: Window) -> str:
    counted = sorted(window.missing.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{look.text.name('metric', metric)} {look.numbers.full(count)}" for metric, count in counted]
    return look.text("list.separator").join(named) or NONE
