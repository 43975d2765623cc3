"""What the product tables cannot judge, and for want of what.

Here: products without a known cost; how many products each metric of a matrix is missing for.
Not here: the matrices (``dashboards.report.matrices``).
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.figures.look import Look
from dashboards.numbers import NONE
from dashboards.report.columns import full_column, text_column
from dashboards.report.html import Column, Html, empty_card, first_of, table, tag
from dashboards.report.queries import Reader
from dashboards.report.windows import Window

TABLE = "products.metrics"
MOST = 10

_SOLD = """
SELECT count(*) AS products, sum(revenue) AS revenue, count(*) FILTER (WHERE margin IS NULL) AS without_cost,
    sum(revenue) FILTER (WHERE margin IS NULL) AS revenue_without
FROM products.metrics WHERE dt = $day AND window_days = $window AND order_lines > 0
"""
_WITHOUT_COST = """
SELECT sku, coalesce(names.name, sku) AS name, metrics.category, revenue, order_lines, lines_without_cost
FROM products.metrics AS metrics LEFT JOIN core.products AS names USING (sku)
WHERE dt = $day AND window_days = $window AND order_lines > 0 AND margin IS NULL
ORDER BY revenue DESC, sku
"""


def unjudged(look: Look, reader: Reader, windows: Mapping[str, Window], titles: Mapping[str, str]) -> Html:
    """Products without cost over the longest window, and what each matrix of *titles* (id → name) lacks."""
    parts = [_without_cost(look, reader)]
    if windows:
        parts.append(_missing(look, windows, titles))
    return tag("div", *parts, class_="grid")


def _without_cost(look: Look, reader: Reader) -> Html:
    title = look.text("without_cost.title")
    if not reader.exists(TABLE):
        return empty_card(title, look.text("missing.table", table=TABLE), "headwater run")
    window = reader.frame("SELECT max(window_days) AS days FROM products.metrics WHERE dt = $day")["days"][0]
    if window is None:
        day = reader.day
        return empty_card(title, look.text("empty.products", day=day), f"headwater run --from {day} --to {day} --force")
    sold = reader.frame(_SOLD, window=window).row(0, named=True)
    within = look.text("products.window", days=look.text.days(window))
    if not sold["without_cost"]:
        key = "without_cost.none" if sold["products"] else "empty.assortment"
        return tag(
            "div",
            tag("h3", title),
            tag("p", look.text(key, days=look.text.days(window)), class_="definition"),
            class_="card",
        )
    rows = reader.frame(_WITHOUT_COST, window=window).to_dicts()
    said = look.text(
        "without_cost.said",
        n=look.numbers.full(sold["without_cost"]),
        m=look.numbers.full(sold["products"]),
        amount=look.numbers.money(sold["revenue_without"]),
        share=look.numbers.percent(sold["revenue_without"] / sold["revenue"] if sold["revenue"] else None),
    )
    columns = [
        text_column(look.text("column.product"), "name"),
        text_column(look.text("column.sku"), "sku"),
        full_column(look, "revenue"),
        full_column(look, "margin", field="no_margin"),
        full_column(look, "order_lines"),
        full_column(look, "lines_without_cost"),
    ]
    shown = [row | {"no_margin": None} for row in rows[:MOST]]
    return tag(
        "div",
        tag("h3", title),
        tag("p", look.text.joined(within, said), class_="definition"),
        table(columns, shown),
        tag(
            "p",
            look.text.joined(first_of(look, len(shown), len(rows)), look.text("without_cost.remedy")),
            class_="note",
        ),
        class_="card",
    )


def _missing(look: Look, windows: Mapping[str, Window], titles: Mapping[str, str]) -> Html:
    rows = [{"name": title, "window": windows[key]} for key, title in titles.items() if key in windows]
    columns = [
        text_column(look.text("column.matrix"), "name"),
        Column(look.text("column.window"), lambda row: look.text.days(row["window"].days), is_text=True),
        Column(look.text("column.missing"), lambda row: _counts(look, row["window"]), is_text=True),
        Column(
            look.text("column.unplaced"), lambda row: look.numbers.full(row["window"].products - row["window"].placed)
        ),
        Column(look.text("metric.products"), lambda row: look.numbers.full(row["window"].products)),
    ]
    return tag(
        "div",
        tag("h3", look.text("unplaced.title")),
        tag("p", look.text("unplaced.definition"), class_="definition"),
        table(columns, rows),
        class_="card",
    )


def _counts(look: Look, window: Window) -> str:
    counted = sorted(window.missing.items(), key=lambda pair: (-pair[1], pair[0]))
    named = [f"{look.text.name('metric', metric)} {look.numbers.full(count)}" for metric, count in counted]
    return look.text("list.separator").join(named) or NONE
