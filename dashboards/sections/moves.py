"""Moves of products between quadrants since one window earlier.

Here: the grid and the flow chart, each with its table.
Not here: how they look (``dashboards.figures.tables``, ``dashboards.figures.moves``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import plotly.graph_objects as go
import polars as pl

from dashboards.blocks import Chart, Empty, Table
from dashboards.columns import exact, text
from dashboards.figures.moves import migration_flow
from dashboards.figures.tables import migration_grid
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.definitions import Definition
from dashboards.sections.reading import Reading, not_kept, titled
from dashboards.sections.windows import Window

_TEXTS = {"moves": "quadrant_migration", "moves_flow": "quadrant_flow"}
"""Chart → the beginning of the keys of its texts."""


def moves_grid(locale: Locale, reading: Reading, definition: Definition, window: Window) -> Chart | Empty:
    """The moves as a grid: a row for each earlier quadrant, a column for each quadrant now."""
    names = definition.matrix.names
    return _moves(
        locale,
        reading,
        definition,
        window,
        "moves",
        lambda frame: migration_grid(locale, frame, names, "metric.products"),
    )


def moves_flow(locale: Locale, reading: Reading, definition: Definition, window: Window) -> Chart | Empty:
    """The moves as bands from the earlier quadrant (left) to the quadrant now (right)."""
    matrix = definition.matrix
    colors = {
        row["key"]: matrix.colors[row["code"]] for row in definition.cells.to_dicts() if row["code"] in matrix.colors
    }
    return _moves(
        locale,
        reading,
        definition,
        window,
        "moves_flow",
        lambda frame: migration_flow(locale, frame, matrix.names, colors, "metric.products"),
    )


def _moves(
    locale: Locale,
    reading: Reading,
    definition: Definition,
    window: Window,
    key: str,
    draw: Callable[[pl.DataFrame], go.Figure],
) -> Chart | Empty:
    title = locale.text(f"{_TEXTS[key]}.title", days=locale.text.days(window.days))
    if not reading.has("products.quadrant_migration"):
        return titled(title, not_kept(locale, reading, title))
    frame = reading.frame(query("products.moves"), window=window.days, matrix=definition.key)
    earlier = reading.day - dt.timedelta(days=window.days)
    if frame.is_empty():
        return Empty(title, locale.text("empty.quadrant_migration", earlier=earlier))
    names = definition.matrix.names
    table = Table(
        key,
        title,
        [
            text(locale.text("column.from"), "from"),
            text(locale.text("column.to"), "to"),
            exact(locale, "products", field="members"),
        ],
        [
            row | {"from": names.get(row["from_key"], row["from_key"]), "to": names.get(row["to_key"], row["to_key"])}
            for row in frame.to_dicts()
        ],
        locale.text(f"{_TEXTS[key]}.definition", earlier=earlier),
    )
    return Chart(draw(frame), table)
