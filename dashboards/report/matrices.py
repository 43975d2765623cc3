"""The matrices: products, quadrants, who moved, what the laws say of it.

Here: their queries, charts and tables, each over the window of ``dashboards.report.windows``.
Not here: how a chart looks (``dashboards.figures.quadrants``), verdicts (``dashboards.report.health``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.figures.look import Look
from dashboards.figures.points import Matrix
from dashboards.figures.quadrants import quadrant_chart
from dashboards.figures.tables import ENTERED, LEFT, migration_grid
from dashboards.metrics import full_text
from dashboards.report.columns import full_column, text_column
from dashboards.report.health import verdict_cards, verdict_table
from dashboards.report.html import Column, Html, empty_card, joined, message, table, tag
from dashboards.report.page import Page
from dashboards.report.queries import Reader
from dashboards.report.windows import Window, metric_names, what_it_takes, window_note

_QUADRANTS = """
SELECT now.*, coalesce(names.name, now.sku) AS name,
    coalesce(
        now.previous_quadrant <> now.quadrant AND now.days_in_quadrant <= now.window_days
        AND 'unknown' NOT IN (now.previous_quadrant, now.quadrant), FALSE
    ) AS has_moved,
    before.x_value AS x_before, before.y_value AS y_before,
    before.x_threshold AS x_threshold_before, before.y_threshold AS y_threshold_before
FROM products.quadrants AS now
LEFT JOIN core.products AS names USING (sku)
LEFT JOIN products.quadrants AS before
    ON before.dt = $day - $window AND before.window_days = $window AND before.matrix_id = $matrix
    AND before.sku = now.sku
WHERE now.dt = $day AND now.window_days = $window AND now.matrix_id = $matrix
ORDER BY now.revenue DESC NULLS LAST, now.sku
"""
_MIGRATION = """
SELECT from_key, to_key, products AS members FROM products.quadrant_migration
WHERE dt = $day AND window_days = $window AND matrix_id = $matrix ORDER BY products DESC, from_key, to_key
"""
_HEALTH = "SELECT * FROM products.portfolio_health WHERE dt = $day ORDER BY matrix_id, rule"
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")


def matrices(page: Page, reader: Reader, windows: Mapping[str, Window], titles: Mapping[str, str]) -> Html:
    """The verdicts over all matrices, then each of *titles* (id → name) over its window."""
    look = page.look
    health = reader.frame(_HEALTH)
    shown = pl.DataFrame(
        [(matrix_id, window.days) for matrix_id, window in windows.items()],
        schema={"matrix_id": pl.String, "window_days": pl.Int64},
        orient="row",
    )
    health = health.join(shown, on=["matrix_id", "window_days"], how="semi", maintain_order="left")
    cells = reader.frame("SELECT * FROM config.cells WHERE matrix_id <> 'octants' ORDER BY matrix_id, code DESC")
    axes = reader.frame("SELECT matrix_id, axis, metric, is_low_high FROM config.axes")
    if reader.has("products.portfolio_health"):
        parts = [verdict_table(look, health, titles)]
    else:
        parts = [not_kept(look, reader, look.text("health.title"))]
    for matrix_id, title in titles.items():
        own = cells.filter(pl.col("matrix_id") == matrix_id)
        names = _names(look, own)
        parts.append(tag("h4", title))
        if matrix_id not in windows:
            parts.append(empty_card(title, look.text("empty.matrix", metrics=metric_names(look, ()))))
            continue
        window = windows[matrix_id]
        parts += [
            tag("p", window_note(look, window, reader.day, reader.workspace.settings.start_date), class_="note"),
            verdict_cards(look, health.filter(pl.col("matrix_id") == matrix_id)),
            _matrix(page, reader, window, matrix_of(matrix_id, own, axes, names), matrix_id, title, own),
        ]
    return joined(parts)


def not_kept(look: Look, reader: Reader, what: str) -> Html:
    """That the snapshot of *what* is not kept for the day."""
    kept = reader.workspace.settings.snapshots.daily_for_days
    return message(look.text("missing.kept", what=what, day=reader.day, kept=kept), "headwater run")


def _matrix(
    page: Page, reader: Reader, window: Window, matrix: Matrix, matrix_id: str, title: str, cells: pl.DataFrame
) -> Html:
    frame = reader.frame(_QUADRANTS, window=window.days, matrix=matrix_id)
    beside = tag(
        "div",
        _quadrants(page.look, frame, cells, matrix.names),
        _moves(page, reader, window, matrix_id, matrix.names),
        class_="stack",
    )
    return tag("div", _chart(page, reader, frame, matrix, window, title), beside, class_="grid")


def _names(look: Look, cells: pl.DataFrame) -> dict[str, str]:
    names = {row["key"]: row[f"name_{look.language}"] or row["key"] for row in cells.iter_rows(named=True)}
    return names | {key: look.text(f"quadrant.{key.strip('()')}") for key in ("unknown", ENTERED, LEFT)}


def matrix_of(matrix_id: str, cells: pl.DataFrame, axes: pl.DataFrame, names: Mapping[str, str]) -> Matrix:
    """What the matrix is called and measures, from config.cells and config.axes."""
    found = {row["axis"]: row for row in axes.filter(pl.col("matrix_id") == matrix_id).iter_rows(named=True)}
    x, y = found.get("x", {}), found.get("y", {})
    return Matrix(
        str(x.get("metric", "x")),
        str(y.get("metric", "y")),
        {row["code"]: names[row["key"]] for row in cells.iter_rows(named=True)},
        names,
        {row["code"]: row["color"] for row in cells.iter_rows(named=True) if _HEX.fullmatch(row["color"] or "")},
        bool(x.get("is_low_high")),
        bool(y.get("is_low_high")),
    )


def _chart(page: Page, reader: Reader, frame: pl.DataFrame, matrix: Matrix, window: Window, title: str) -> Html:
    look = page.look
    if not window.placed:
        said = look.text("empty.matrix", metrics=metric_names(look, window.wanting))
        needs = what_it_takes(look, window.wanting, reader.workspace.settings.products.repurchase_days)
        return empty_card(title, look.text.joined(said, needs))
    if frame.filter(pl.col("x_before").is_not_null() & pl.col("y_before").is_not_null()).height:
        arrows = look.text("matrix.arrows", days=look.text.days(window.days))
    else:
        arrows = look.text("matrix.no_arrows", earlier=reader.day - dt.timedelta(days=window.days))
    rows = [row | {"called": _called(look, row, matrix)} for row in frame.to_dicts()]
    columns = [
        text_column(look.text("column.product"), "name"),
        text_column(look.text("column.sku"), "sku"),
        text_column(look.text("column.quadrant"), "called"),
        full_column(look, matrix.x_metric, field="x_value"),
        full_column(look, matrix.y_metric, field="y_value"),
        full_column(look, "revenue"),
        full_column(look, "days_in_quadrant"),
    ]
    definition = look.text.joined(look.text("matrix.definition"), arrows)
    return page.chart(quadrant_chart(look, frame, matrix), title, definition, columns, rows)


def _called(look: Look, row: Mapping[str, Any], matrix: Matrix) -> str:
    """The quadrant's name, with what is missing where it is not known."""
    name = matrix.names.get(row["quadrant"], row["quadrant"])
    missing = row["unknown_metrics"]
    return f"{name} ({metric_names(look, tuple(missing.split(', ')))})" if missing else name


def _quadrants(look: Look, frame: pl.DataFrame, cells: pl.DataFrame, names: Mapping[str, str]) -> Html:
    """How many products each quadrant has, what they bring, what to do."""
    sums = {
        row["quadrant"]: row
        for row in frame.group_by("quadrant")
        .agg(pl.len().alias("products"), pl.col("revenue").sum())
        .iter_rows(named=True)
    }
    total = frame["revenue"].sum() or 0
    rows: list[dict[str, Any]] = []
    advice = {row["key"]: row[f"advice_{look.language}"] for row in cells.iter_rows(named=True)}
    for key in [*advice, *sorted(set(sums) - set(advice))]:
        own = sums.get(key, {"products": 0, "revenue": 0.0})
        share = own["revenue"] / total if total else None
        rows.append(
            {
                "name": names.get(key, key),
                "products": own["products"],
                "revenue": own["revenue"],
                "revenue_share": share,
                "advice": advice.get(key),
            }
        )
    columns = [
        text_column(look.text("column.quadrant"), "name"),
        full_column(look, "products"),
        Column(
            look.text("metric.revenue_share"),
            lambda row: look.numbers.percent(row["revenue_share"]),
            lambda row: full_text(look.numbers, "revenue", row["revenue"]),
        ),
        text_column(look.text("column.advice"), "advice", is_long=True),
    ]
    return tag("div", tag("h3", look.text("quadrants.title")), table(columns, rows), class_="card")


def _moves(page: Page, reader: Reader, window: Window, matrix_id: str, names: Mapping[str, str]) -> Html:
    look = page.look
    title = look.text("quadrant_migration.title", days=look.text.days(window.days))
    if not reader.has("products.quadrant_migration"):
        return tag("div", tag("h3", title), not_kept(look, reader, title), class_="card")
    frame = reader.frame(_MIGRATION, window=window.days, matrix=matrix_id)
    earlier = reader.day - dt.timedelta(days=window.days)
    if frame.is_empty():
        return empty_card(title, look.text("empty.quadrant_migration", earlier=earlier))
    rows = [
        row | {"from": names.get(row["from_key"], row["from_key"]), "to": names.get(row["to_key"], row["to_key"])}
        for row in frame.to_dicts()
    ]
    return page.chart(
        migration_grid(look, frame, names, "metric.products"),
        title,
        look.text("quadrant_migration.definition", earlier=earlier),
        [
            text_column(look.text("column.from"), "from"),
            text_column(look.text("column.to"), "to"),
            full_column(look, "products", field="members"),
        ],
        rows,
    )
