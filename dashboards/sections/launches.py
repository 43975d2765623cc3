"""New products: their sales and exposures since launch.

Here: the curves, chart and table.
Not here: how the chart looks (``dashboards.figures.launches``), the new product test as a matrix
(``dashboards.sections.matrices``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from dashboards.blocks import Chart, Empty, Table
from dashboards.columns import exact, text
from dashboards.figures.course import LINES
from dashboards.figures.launches import launch_curves
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.reading import Href, Reading

NEW_FOR = 60
"""Days for which a product is new, unless a matrix has another threshold for days since launch."""

_MEASURES = ("exposures", "views", "units", "revenue")


def launches(locale: Locale, reading: Reading, href: Href | None = None) -> Chart | Empty:
    """Sales by days since launch of the best-selling new products; *href* gives the link of a product.

    If a product was launched before the shop's records begin, its curve begins with the records.
    """
    title = locale.text("launches.title")
    new_for = reading.frame(query("products.new_for"))["days"][0] or NEW_FOR
    daily = reading.frame(query("products.launched"), days=new_for)
    rows = _products(daily)
    if not rows:
        return Empty(title, locale.text("empty.launches", days=locale.text.days(new_for), day=reading.day))
    shown = [row for row in rows if row["revenue"] > 0][: len(LINES)]
    if not shown:
        return Empty(title, locale.text("empty.launch_sales", n=locale.numbers.full(len(rows)), day=reading.day))
    table = Table(
        "launches",
        title,
        [
            text(locale.text("column.product"), "name", href=href),
            text(locale.text("column.product_id"), "product_id"),
            text(locale.text("column.launched_on"), "launched_on"),
            *(exact(locale, name) for name in ("days_since_launch", *_MEASURES)),
        ],
        rows,
        locale.text("launches.definition", n=len(shown), days=locale.text.days(new_for), day=reading.day),
        notes=_notes(locale, reading, rows, shown),
    )
    names = {row["product_id"]: row["name"] for row in shown}
    return Chart(launch_curves(locale, _curves(daily, shown, reading), "revenue", names, new_for), table, is_wide=True)


def _products(daily: pl.DataFrame) -> list[dict[str, Any]]:
    """A row for each product, best-selling first."""
    keys = ("product_id", "name", "category", "launched_on", "days_since_launch")
    sums = daily.group_by(keys).agg(pl.col(_MEASURES).sum())
    return sums.sort("revenue", "views", "product_id", descending=[True, True, False]).to_dicts()


def _curves(daily: pl.DataFrame, shown: Sequence[dict[str, Any]], reading: Reading) -> pl.DataFrame:
    """Cumulative revenue of the products *shown*, from their launch or the first record: product_id, age, revenue."""
    first = min(reading.days("products.daily"))
    sold = {(row["product_id"], row["age"]): row["revenue"] for row in daily.iter_rows(named=True)}
    points: list[tuple[str, int, float]] = []
    for row in shown:
        total = 0.0
        for age in range(max((first - row["launched_on"]).days, 0), row["days_since_launch"] + 1):
            total += sold.get((row["product_id"], age), 0.0)
            points.append((row["product_id"], age, total))
    return pl.DataFrame(points, schema={"product_id": pl.String, "age": pl.Int64, "revenue": pl.Float64}, orient="row")


def _notes(
    locale: Locale, reading: Reading, rows: Sequence[dict[str, Any]], shown: Sequence[dict[str, Any]]
) -> tuple[str, ...]:
    first = min(reading.days("products.daily"))
    notes = (
        [locale.text("note.launches", n=len(shown), m=locale.numbers.full(len(rows)))] if len(shown) < len(rows) else []
    )
    earlier = sum(row["launched_on"] < first for row in shown)
    if earlier:
        notes.append(locale.text("note.launched_earlier", n=earlier, first=first))
    return tuple(notes)
