"""The matrices: products in their quadrants, over the window of ``dashboards.sections.windows``.

Here: the chart, the quadrants, the health of a matrix; all matrices in order.
Not here: what a matrix is (``definitions``), moves (``moves``), how verdicts are shown (``health``), how a chart
looks (``dashboards.figures.quadrants``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.blocks import Block, Chart, Column, Empty, Group, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.points import Matrix
from dashboards.figures.quadrants import quadrant_chart
from dashboards.locale import Locale
from dashboards.metrics import full_text
from dashboards.queries import query
from dashboards.sections.definitions import Definition, titles_of
from dashboards.sections.health import verdict_cards, verdict_table
from dashboards.sections.moves import moves_grid
from dashboards.sections.reading import Href, Reading, not_kept
from dashboards.sections.windows import Window, metric_names, what_it_takes, window_note


def matrices(
    locale: Locale, reading: Reading, windows: Mapping[str, Window], defined: Mapping[str, Definition]
) -> list[Block]:
    """The table of all matrices' health, then the blocks of each matrix over its window."""
    health = health_of(reading, windows)
    blocks: list[Block] = [verdicts(locale, reading, health, defined)]
    for key, definition in defined.items():
        blocks.append(Text(definition.title, "heading"))
        window = windows.get(key)
        if window is None:
            blocks.append(Empty(definition.title, locale.text("empty.matrix", metrics=metric_names(locale, ()))))
            continue
        frame = placed(reading, key, window)
        beside = Group(
            (quadrant_table(locale, frame, definition), moves_grid(locale, reading, definition, window)), "stack"
        )
        blocks += [
            Text(window_note(locale, window, reading)),
            verdict_cards(locale, health.filter(pl.col("matrix_id") == key)),
            Group((matrix_chart(locale, reading, frame, definition, window), beside)),
        ]
    return blocks


def health_of(reading: Reading, windows: Mapping[str, Window]) -> pl.DataFrame:
    """The rows of products.portfolio_health, for each matrix over its window in *windows* (by matrix id)."""
    shown = pl.DataFrame(
        [(matrix_id, window.days) for matrix_id, window in windows.items()],
        schema={"matrix_id": pl.String, "window_days": pl.Int64},
        orient="row",
    )
    return reading.frame(query("products.health")).join(
        shown, on=["matrix_id", "window_days"], how="semi", maintain_order="left"
    )


def verdicts(
    locale: Locale, reading: Reading, health: pl.DataFrame, defined: Mapping[str, Definition], href: Href | None = None
) -> Block:
    """The table of all matrices' health (*health*); *href* returns the link of a matrix."""
    if reading.has("products.portfolio_health"):
        return verdict_table(locale, health, titles_of(defined), href)
    return not_kept(locale, reading, locale.text("health.title"))


def placed(reading: Reading, matrix_id: str, window: Window) -> pl.DataFrame:
    """The products of the matrix over its window, best-selling first."""
    return reading.frame(query("products.quadrants"), window=window.days, matrix=matrix_id)


def matrix_chart(
    locale: Locale,
    reading: Reading,
    frame: pl.DataFrame,
    definition: Definition,
    window: Window,
    href: Href | None = None,
) -> Chart | Empty:
    """The chart of the products in *frame* in their quadrants; *href* gives the link of a product."""
    if not window.placed:
        reason = locale.text("empty.matrix", metrics=metric_names(locale, window.wanting))
        needs = what_it_takes(locale, window.wanting, reading.settings.products.repurchase_days)
        return Empty(definition.title, locale.text.joined(reason, needs))
    if frame.filter(pl.col("x_before").is_not_null() & pl.col("y_before").is_not_null()).height:
        arrows = locale.text("matrix.arrows", days=locale.text.days(window.days))
    else:
        arrows = locale.text("matrix.no_arrows", earlier=reading.day - dt.timedelta(days=window.days))
    matrix = definition.matrix
    table = Table(
        "matrix",
        definition.title,
        [
            text(locale.text("column.product"), "name", href=href),
            text(locale.text("column.product_id"), "product_id"),
            text(locale.text("column.quadrant"), "called"),
            exact(locale, matrix.x_metric, field="x_value"),
            exact(locale, matrix.y_metric, field="y_value"),
            exact(locale, "revenue"),
            exact(locale, "days_in_quadrant"),
        ],
        [row | {"called": quadrant_name(locale, row, matrix)} for row in frame.to_dicts()],
        locale.text.joined(locale.text("matrix.definition"), arrows),
    )
    return Chart(quadrant_chart(locale, frame, matrix), table, selects="product_id")


def quadrant_name(locale: Locale, row: Mapping[str, Any], matrix: Matrix) -> str:
    """The name of the quadrant in *row*; for the quadrant "unknown", also the metrics that the product lacks."""
    name: str = matrix.names.get(row["quadrant"], row["quadrant"])
    missing = row["unknown_metrics"]
    if not missing:
        return name
    return locale.text("lacking", name=name, metrics=metric_names(locale, tuple(missing.split(", "))))


def quadrant_table(locale: Locale, frame: pl.DataFrame, definition: Definition) -> Table:
    """Number of products, sales and advice for each quadrant."""
    sums = {
        row["quadrant"]: row
        for row in frame.group_by("quadrant")
        .agg(pl.len().alias("products"), pl.col("revenue").sum())
        .iter_rows(named=True)
    }
    total = frame["revenue"].sum() or 0
    advice = {row["key"]: row[f"advice_{locale.language}"] for row in definition.cells.iter_rows(named=True)}
    rows = []
    for key in [*advice, *sorted(set(sums) - set(advice))]:
        own = sums.get(key, {"products": 0, "revenue": 0.0})
        rows.append(
            {
                "name": definition.matrix.names.get(key, key),
                "products": own["products"],
                "revenue": own["revenue"],
                "revenue_share": own["revenue"] / total if total else None,
                "advice": advice.get(key),
            }
        )
    columns = [
        text(locale.text("column.quadrant"), "name"),
        exact(locale, "products"),
        Column(
            locale.text("metric.revenue_share"),
            lambda row: locale.numbers.percent(row["revenue_share"]),
            lambda row: full_text(locale.numbers, "revenue", row["revenue"]),
            field="revenue_share",
            metric="revenue_share",
        ),
        text(locale.text("column.advice"), "advice", is_long=True),
    ]
    return Table("quadrants", locale.text("quadrants.title"), columns, rows)
