"""The entrances' sales by each attribution model, side by side.

Here: the list of models, the table and chart that compare them.
Not here: the entrances (``dashboards.app.pages.entrances``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from dashboards.app.context import Context
from dashboards.blocks import Block, Chart, Choice, Controls, Group, Option, Table, Text
from dashboards.columns import metric, text
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.look import ORANGE, plain
from dashboards.locale import Locale
from dashboards.metrics import full_text
from dashboards.queries import query

MODELS = ("fused", "first", "last", "linear", "position_based", "time_decay")
"""The fused model (the first click of the nearest entrance visit gets the sale), then the rule models over touches."""


def model_frame(context: Context) -> pl.DataFrame:
    """Revenue and conversions of each model and entrance: columns model, entrance, revenue, conversions."""
    return pl.DataFrame(
        context.rows(query("models.models")),
        schema={"model": pl.String, "entrance": pl.String, "revenue": pl.Float64, "conversions": pl.Float64},
    )


def compared_models(context: Context, frame: pl.DataFrame, names: Mapping[str, str]) -> Sequence[Block]:
    """All models side by side; a chart of the chosen model, with the fused model as marks."""
    locale = context.locale
    if frame.is_empty():
        return []
    cells = {(row["model"], row["entrance"]): row["revenue"] for row in frame.iter_rows(named=True)}
    totals = {name: sum(value for (own, _), value in cells.items() if own == name) for name in MODELS}
    model = context.view.get("model")
    chosen = model if model in MODELS else MODELS[0]
    keys = sorted(
        {entrance for _, entrance in cells}, key=lambda key: (-(cells.get((chosen, key)) or 0), names.get(key, key))
    )
    rows = [
        {"name": names.get(key, key), "entrance_id": key} | {name: cells.get((name, key), 0.0) for name in MODELS}
        for key in keys
    ]
    table = _model_table(context, rows, totals)
    figure = _model_bars(locale, cells, chosen, keys, names)
    options = tuple(Option(name, locale.text(f"model.{name}")) for name in MODELS)
    choice = Choice("model", locale.text("entrances.model"), options, chosen, default=MODELS[0])
    return [
        Text(locale.text("models.heading", model=locale.text(f"model.{chosen}")), "heading"),
        Text(locale.text(f"model.{chosen}.about"), "intro"),
        Group((Controls((choice,)), Chart(figure, table, is_wide=True)), "stack"),
    ]


def _model_table(context: Context, rows: Sequence[Mapping[str, Any]], totals: Mapping[str, float]) -> Table:
    locale = context.locale
    return Table(
        "models",
        locale.text("models.title"),
        [
            text(
                locale.text("column.entrance"),
                "name",
                href=lambda row: context.view.to(entrance=row["entrance_id"], model=None).href,
            ),
            *(metric(locale, "revenue", field=name, title=locale.text(f"model.{name}")) for name in MODELS),
        ],
        rows,
        locale.text("models.about"),
        {"name": locale.text("total"), "entrance_id": "", **totals},
        is_wide=True,
        is_open=True,
        keys=("entrance_id",),
    )


def _model_bars(
    locale: Locale, cells: Mapping[tuple[str, str], float], chosen: str, keys: Sequence[str], names: Mapping[str, str]
) -> go.Figure:
    """A bar for each entrance of *keys* with its sales by the model *chosen*; a line across shows the fused model's.

    *cells* maps (model, entrance) to sales; *names* maps entrances to display names.
    """
    values = [cells.get((chosen, key), 0.0) for key in keys]
    total = sum(value for (model, _), value in cells.items() if model == chosen)
    bars = Bars(
        locale.text(f"model.{chosen}"),
        values,
        [
            f"{locale.numbers.money(value)} · {locale.numbers.percent(value / total if total else None)}"
            for value in values
        ],
    )
    hovers = [
        f"<b>{plain(names.get(key, key))}</b><br>"
        + "<br>".join(
            f"{locale.text(f'model.{name}')} {full_text(locale.numbers, 'revenue', cells.get((name, key), 0.0))}"
            for name in MODELS
        )
        for key in keys
    ]
    marks = None
    if chosen != "fused":
        fused = [cells.get(("fused", key), 0.0) for key in keys]
        marks = Bars(locale.text("model.fused"), fused, ["" for _ in fused], ORANGE)
    return ranked_bars(locale, [names.get(key, key) for key in keys], [bars], hovers, marks)
