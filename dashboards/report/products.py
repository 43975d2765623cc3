"""Section of the products: matrices, who moved in them, the health of the portfolio.

Here: its queries, charts and tables, and what it says where a table is not there.
Not here: how a chart looks (``dashboards.figures.quadrants``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.figures.look import Look
from dashboards.figures.points import Matrix
from dashboards.figures.quadrants import quadrant_chart
from dashboards.figures.tables import ENTERED, LEFT, migration_grid
from dashboards.metrics import full_text
from dashboards.numbers import NONE
from dashboards.report.columns import full_column, text_column
from dashboards.report.html import Column, Html, Row, joined, message, table, tag
from dashboards.report.page import Page
from dashboards.report.queries import Reader

TABLES = ("products.quadrants", "products.quadrant_migration", "products.portfolio_health")

_QUADRANTS = """
SELECT quadrants.*, coalesce(names.name, quadrants.sku) AS name,
    coalesce(previous_quadrant <> quadrant AND days_in_quadrant <= window_days, FALSE) AS has_moved
FROM products.quadrants AS quadrants LEFT JOIN core.products AS names USING (sku)
WHERE dt = $day AND window_days = $window
ORDER BY revenue DESC NULLS LAST, sku
"""
_MIGRATION = """
SELECT matrix_id, from_key, to_key, products AS members FROM products.quadrant_migration
WHERE dt = $day AND window_days = $window ORDER BY products DESC, from_key, to_key
"""
_HEALTH = "SELECT * FROM products.portfolio_health WHERE dt = $day AND window_days = $window ORDER BY matrix_id, rule"
_HEX = re.compile(r"#[0-9A-Fa-f]{6}")
_SIGNS = {"good": "●", "warn": "▲", "bad": "■"}


def products(page: Page, reader: Reader) -> Html:
    """The matrices over the longest window that there is for the day."""
    look, day = page.look, reader.day
    absent = [name for name in TABLES if not reader.exists(name)]
    if absent:
        return message(look.text("missing.tables", tables=", ".join(absent)), "headwater docs")
    if not reader.has("products.quadrants"):
        kept = reader.workspace.settings.snapshots.daily_for_days
        return message(look.text("missing.matrices", day=day, kept=kept), "headwater run")
    if reader.frame("SELECT 1 AS one FROM config.matrices LIMIT 1").is_empty():
        return message(look.text("empty.matrices"), "headwater init")
    window = reader.frame("SELECT max(window_days) AS days FROM products.quadrants WHERE dt = $day")["days"][0]
    if window is None:
        return message(look.text("empty.products", day=day), f"headwater run --from {day} --to {day} --force")
    frame = reader.frame(_QUADRANTS, window=window)
    moved = reader.frame(_MIGRATION, window=window)
    health = reader.frame(_HEALTH, window=window)
    matrices = reader.frame("SELECT * FROM config.matrices ORDER BY position")
    cells = reader.frame("SELECT * FROM config.cells WHERE matrix_id <> 'octants' ORDER BY matrix_id, code DESC")
    axes = reader.frame("SELECT matrix_id, axis, metric, is_low_high FROM config.axes")
    titles = {row["matrix_id"]: row[f"name_{look.language}"] for row in matrices.iter_rows(named=True)}
    parts = [tag("p", look.text("products.window", n=window), class_="note"), _verdicts(look, health, titles)]
    for matrix_id, title in titles.items():
        own = cells.filter(pl.col("matrix_id") == matrix_id)
        names = _names(look, own)
        matrix = matrix_of(matrix_id, own, axes, names)
        rows = frame.filter(pl.col("matrix_id") == matrix_id)
        parts += [
            tag("h4", title),
            _health(look, health.filter(pl.col("matrix_id") == matrix_id)),
            tag(
                "div",
                _chart(page, rows, matrix, title),
                tag(
                    "div",
                    _quadrants(look, rows, own, names),
                    _moves(page, moved.filter(pl.col("matrix_id") == matrix_id), names),
                    class_="stack",
                ),
                class_="grid",
            ),
        ]
    return joined(parts)


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


def _chart(page: Page, frame: pl.DataFrame, matrix: Matrix, title: str) -> Html:
    look = page.look
    if frame.filter(pl.col("x_high").is_not_null() & pl.col("y_high").is_not_null()).is_empty():
        metrics = sorted({name for reason in frame["unknown_metrics"].drop_nulls() for name in reason.split(", ")})
        named = look.text("list.separator").join(look.text.name("metric", name) for name in metrics) or NONE
        return tag("div", tag("h3", title), message(look.text("empty.matrix", metrics=named)), class_="card")
    rows = [row | {"called": matrix.names.get(row["quadrant"], row["quadrant"])} for row in frame.to_dicts()]
    columns = [
        text_column(look.text("column.product"), "name"),
        text_column(look.text("column.sku"), "sku"),
        text_column(look.text("column.quadrant"), "called"),
        full_column(look, matrix.x_metric, field="x_value"),
        full_column(look, matrix.y_metric, field="y_value"),
        full_column(look, "revenue"),
        full_column(look, "days_in_quadrant"),
    ]
    return page.chart(
        quadrant_chart(look, frame, matrix), title, look.text("matrix.definition"), columns, rows, notes=[]
    )


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


def _moves(page: Page, frame: pl.DataFrame, names: Mapping[str, str]) -> Html:
    look = page.look
    title = look.text("quadrant_migration.title")
    if frame.is_empty():
        return tag("div", tag("h3", title), message(look.text("empty.quadrant_migration")), class_="card")
    rows = [
        row | {"from": names.get(row["from_key"], row["from_key"]), "to": names.get(row["to_key"], row["to_key"])}
        for row in frame.to_dicts()
    ]
    return page.chart(
        migration_grid(look, frame, names, "metric.products"),
        title,
        look.text("quadrant_migration.definition"),
        [
            text_column(look.text("column.from"), "from"),
            text_column(look.text("column.to"), "to"),
            full_column(look, "products", field="members"),
        ],
        rows,
    )


def _verdicts(look: Look, frame: pl.DataFrame, titles: Mapping[str, str]) -> Html:
    """A row a matrix, a column a law."""
    if frame.is_empty():
        return message(look.text("empty.health"))
    rules = list(dict.fromkeys(frame["rule"]))
    found = {(row["matrix_id"], row["rule"]): row for row in frame.iter_rows(named=True)}
    columns = [text_column(look.text("column.matrix"), "name")]
    columns += [_verdict_column(look, rule) for rule in rules]
    rows = [
        {"name": title} | {rule: found.get((matrix_id, rule)) for rule in rules}
        for matrix_id, title in titles.items()
        if any((matrix_id, rule) in found for rule in rules)
    ]
    return tag("div", tag("h3", look.text("health.title")), table(columns, rows), class_="card")


def _verdict_column(look: Look, rule: str) -> Column:
    def verdict(row: Row) -> str:
        return _verdict_text(look, row[rule]["verdict"]) if row[rule] else NONE

    def evidence(row: Row) -> str:
        return (row[rule][f"evidence_{look.language}"] if row[rule] else None) or NONE

    return Column(look.text.name("rule", rule), verdict, evidence, is_text=True)


def _health(look: Look, frame: pl.DataFrame) -> Html:
    """A card a law, with its evidence."""
    cards = []
    for row in frame.iter_rows(named=True):
        verdict = row["verdict"] if row["verdict"] in _SIGNS else None
        cards.append(
            tag(
                "div",
                tag("p", look.text.name("rule", row["rule"]), class_="name"),
                tag("p", _verdict_text(look, row["verdict"]), class_=f"verdict {verdict}" if verdict else "verdict"),
                tag("p", row[f"evidence_{look.language}"] or NONE, class_="evidence"),
                class_="card kpi health",
            )
        )
    return tag("div", *cards, class_="cards") if cards else Html("")


def _verdict_text(look: Look, verdict: str | None) -> str:
    return f"{_SIGNS.get(verdict or '', NONE)} {look.text.name('verdict', verdict or 'unknown')}"
