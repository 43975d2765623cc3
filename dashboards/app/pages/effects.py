"""What the data-driven models have learned: the effect of each touchpoint, with its 95 % interval.

Here: the chart and table of attribution.model_effects as of a day, the warning for small samples.
Not here: the sales by model (``dashboards.app.pages.models``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.as_of import as_of
from dashboards.app.context import Context
from dashboards.app.pages.touchpoints import touchpoint_href
from dashboards.app.slice_bar import whole_note
from dashboards.blocks import Block, Chart, Choice, Controls, Empty, Group, Option, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.look import plain
from dashboards.figures.touch import effect_intervals
from dashboards.locale import Locale
from dashboards.metrics import full_text
from dashboards.queries import query
from dashboards.sections.touch import touchpoint_name

MAIN = "attribution.model_effects"
MOST_DRAWN = 20

METRICS = {"markov": "removal_effect", "shapley": "shapley_orders", "shapley_rate": "shapley_rate"}
"""Model → the metric of its effects, which gives their unit and definition."""


def effects(context: Context, kind: str, names: Mapping[str, str]) -> list[Block]:
    """The effects of the touchpoints of the type *kind*, with the control that chooses their model."""
    locale = context.locale
    heading = Text(locale.text("effects.title"), "heading")
    reading, note = as_of(context, MAIN)
    model = context.view.get("effect")
    model = model if model in METRICS else next(iter(METRICS))
    if reading.day not in reading.days(MAIN):
        text_of = locale.text("effects.no_snapshot", day=context.days.last)
        return [heading, Empty(locale.text("effects.title"), text_of, "headwater run")]
    rows = [
        row | {"name": touchpoint_name(locale, kind, row["touchpoint"], names), "sample": _sample(locale, row)}
        for row in reading.frame(query("models.effects"), type=kind, model=model).to_dicts()
        if row["effect"] is not None
    ]
    options = tuple(Option(name, locale.text(f"effects.{name}")) for name in METRICS)
    choice = Choice("effect", locale.text("effects.model"), options, model, default=next(iter(METRICS)))
    days = context.copy.settings.touch.effects_days
    intro = Text(locale.text("effects.window", n=days, day=reading.day), "intro")
    if not rows:
        empty = Text(locale.text("effects.none", n=days, day=reading.day), "missing")
        return [heading, note, Group((Controls((choice,)), empty), "stack")]
    small = sum(row["is_small_sample"] for row in rows)
    warning = [Text(locale.text("effects.small", n=small, m=len(rows)), "warning")] if small else []
    chart = _chart(context, kind, model, rows)
    return [heading, note, intro, *whole_note(context), *warning, Group((Controls((choice,)), chart), "stack")]


def _sample(locale: Locale, row: Mapping[str, Any]) -> str:
    return locale.text("effects.sample_small" if row["is_small_sample"] else "effects.sample_enough")


def _chart(context: Context, kind: str, model: str, rows: Sequence[dict[str, Any]]) -> Chart:
    locale, name = context.locale, METRICS[model]
    shown = rows[:MOST_DRAWN]
    table = Table(
        "effects",
        locale.text(f"effects.{model}"),
        [
            text(locale.text(f"touchpoint_type.{kind}"), "name", href=touchpoint_href(context, kind)),
            exact(locale, name, field="effect"),
            exact(locale, name, field="low", title=locale.text("column.low")),
            exact(locale, name, field="high", title=locale.text("column.high")),
            exact(locale, "effect_share", field="share"),
            exact(locale, "orders_touched"),
            exact(locale, "paths"),
            text(locale.text("column.sample"), "sample"),
        ],
        rows,
        locale.text.joined(locale.text(f"about.{name}"), locale.text("effects.about")),
        notes=(locale.text("first_of", n=MOST_DRAWN, m=len(rows)),) if len(rows) > MOST_DRAWN else (),
        is_wide=True,
        keys=("touchpoint", "standard_error"),
    )
    figure = effect_intervals(
        locale,
        name,
        [row["name"] for row in shown],
        [(row["effect"], row["low"], row["high"]) for row in shown],
        [row["is_small_sample"] for row in shown],
        [_hover(locale, name, row) for row in shown],
    )
    return Chart(figure, table, is_wide=True)


def _hover(locale: Locale, name: str, row: Mapping[str, Any]) -> str:
    def shown(field: str) -> str:
        return full_text(locale.numbers, name, row[field])

    interval = locale.text("effects.interval", low=shown("low"), high=shown("high"))
    sample = f"{locale.text('metric.paths')} {locale.numbers.full(row['paths'])} · {row['sample']}"
    return f"<b>{plain(row['name'])}</b><br>{locale.text(f'metric.{name}')} {shown('effect')}<br>{interval}<br>{sample}"
