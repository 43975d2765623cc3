"""Products that cannot be placed in a matrix, and what is missing.

Here: products without a known cost; for each metric of a matrix the number of products that lack it.
Not here: the matrices (``dashboards.sections.matrices``).
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.blocks import Block, Column, Empty, Group, Row, Table
from dashboards.columns import exact, text
from dashboards.locale import Locale
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.reading import Reading, no_products, no_table, titled
from dashboards.sections.windows import Window, window_text

TABLE = "products.metrics"
MOST = 10


def unplaced_products(
    locale: Locale, reading: Reading, windows: Mapping[str, Window], titles: Mapping[str, str]
) -> Group:
    """Products without a cost in the longest window, and the metrics missing in each matrix of *titles* (id → name)."""
    without_cost = _without_cost(locale, reading)
    return Group((without_cost, _unplaced_by_matrix(locale, windows, titles)) if windows else (without_cost,))


def _without_cost(locale: Locale, reading: Reading) -> Block:
    title = locale.text("without_cost.title")
    if not reading.exists(TABLE):
        return titled(title, no_table(locale, TABLE))
    window = reading.frame(query("products.metrics_window"))["days"][0]
    if window is None:
        return titled(title, no_products(locale, reading.day))
    sold = reading.frame(query("products.sold"), window=window).row(0, named=True)
    if not sold["without_cost"]:
        key = "without_cost.none" if sold["products"] else "empty.assortment"
        return Empty(title, locale.text(key, days=locale.text.days(window)), is_missing=False)
    columns = [
        text(locale.text("column.product"), "name"),
        text(locale.text("column.product_id"), "product_id"),
        exact(locale, "revenue"),
        exact(locale, "margin", field="no_margin"),
        exact(locale, "order_lines"),
        exact(locale, "lines_without_cost"),
    ]
    return Table(
        "without_cost",
        title,
        columns,
        [row | {"no_margin": None} for row in reading.frame(query("products.without_cost"), window=window).to_dicts()],
        locale.text.joined(window_text(locale, reading, window), _cost_note(locale, sold)),
        notes=(locale.text("without_cost.remedy"),),
        most=MOST,
    )


def _cost_note(locale: Locale, sold: Row) -> str:
    return locale.text(
        "without_cost.note",
        n=locale.numbers.full(sold["without_cost"]),
        m=locale.numbers.full(sold["products"]),
        amount=locale.numbers.money(sold["revenue_without"]),
        share=locale.numbers.percent(sold["revenue_without"] / sold["revenue"] if sold["revenue"] else None),
    )


def _unplaced_by_matrix(locale: Locale, windows: Mapping[str, Window], titles: Mapping[str, str]) -> Table:
    columns = [
        text(locale.text("column.matrix"), "name"),
        Column(locale.text("column.window"), lambda row: locale.text.days(row["days"]), is_text=True, field="days"),
        exact(locale, "products", field="unplaced", title=locale.text("column.unplaced")),
        exact(locale, "products"),
        text(locale.text("column.missing"), "missing"),
    ]
    rows = [
        {
            "name": title,
            "days": windows[key].days,
            "missing": _counts(locale, windows[key]),
            "unplaced": windows[key].products - windows[key].placed,
            "products": windows[key].products,
        }
        for key, title in titles.items()
        if key in windows
    ]
    return Table("unplaced", locale.text("unplaced.title"), columns, rows, locale.text("unplaced.definition"))


def _counts(locale: Locale, window: Window) -> str:
    counted = sorted(window.missing.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{locale.text.name('metric', metric)} {locale.numbers.full(count)}" for metric, count in counted]
    return locale.text("list.separator").join(named) or NONE
