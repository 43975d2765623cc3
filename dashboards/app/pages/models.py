"""Attribution models: the sales of each touchpoint by every model, side by side, and where the models disagree.

Here: the switch of type and model, the chart and table of all models, the largest disagreements, what each model means.
Not here: what the models learn (``dashboards.app.pages.effects``), the shape of rows (``dashboards.sections.touch``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go

from dashboards.app.context import Context
from dashboards.app.pages.effects import effects
from dashboards.app.pages.tabs import tabs
from dashboards.app.pages.touchpoints import (
    chosen_model,
    chosen_type,
    model_choice,
    touchpoint_href,
    touchpoint_names,
    type_choice,
)
from dashboards.blocks import Block, Chart, Column, Controls, Group, Table, Text
from dashboards.columns import change, metric, text, with_changes
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.look import ORANGE, plain
from dashboards.figures.touch import share_ranges
from dashboards.locale import Locale
from dashboards.metrics import full_text
from dashboards.queries import query
from dashboards.sections.touch import FUSED, UNATTRIBUTED, Credits, credits_of, model_columns, models_of

PARTS = {"models": ("model",), "effects": ("effect",)}
"""Part of the page → the keys of the URL that only this part reads."""
BARS = 20
RANGES = 12

_DEFAULT_TYPE = "entrance"
_DEFAULT_TOUCH_MODEL = "last"


def models(context: Context) -> Sequence[Block]:
    """All models side by side for the chosen type of touchpoint."""
    locale = context.locale
    kind = chosen_type(context, _DEFAULT_TYPE)
    names = touchpoint_names(context, kind)
    controls = Controls((type_choice(context, kind, _DEFAULT_TYPE),))
    links = tabs(context, PARTS)
    parts: list[Block] = [links, controls]
    if links.choice.value == "effects":
        return [*parts, *effects(context, kind, names), *_guide(context, kind)]
    found = context.rows(query("models.sales"), type=kind)
    if not any(one["revenue"] for one in found):
        return [*parts, context.nothing_there("empty.days")]
    credits = credits_of(locale, kind, found, names)
    parts.append(_check(locale, credits))
    if all(row["touchpoint"] == UNATTRIBUTED for row in credits.rows):
        parts.append(Text(locale.text(f"models.untouched.{kind}"), "missing"))
    return [*parts, *_side_by_side(context, kind, credits), _disagreements(context, kind, credits)]


def _check(locale: Locale, credits: Credits) -> Text:
    amounts = [amount for amount in credits.totals.values() if amount] or [0.0]
    if not credits.is_equal:
        sums = f"{locale.numbers.full_money(min(amounts))} – {locale.numbers.full_money(max(amounts))}"
        return Text(locale.text("models.differ", sums=sums), "warning")
    return Text(locale.text("models.equal", n=len(credits.models), sums=locale.numbers.full_money(amounts[0])), "check")


def _side_by_side(context: Context, kind: str, credits: Credits) -> list[Block]:
    """A table of all models, and bars of the chosen one; marks on the bars show the default model, if it is another."""
    locale = context.locale
    default = FUSED if FUSED in credits.models else _DEFAULT_TOUCH_MODEL
    chosen = chosen_model(context, credits.models, default)
    ranked = sorted(credits.rows, key=lambda row: (-row[chosen], row["name"]))
    rows = with_changes(
        [row | {"revenue": row[chosen], "revenue_before": row[f"before_{chosen}"]} for row in ranked], "revenue"
    )
    shown = rows[:BARS]
    marked = default if default != chosen else None
    table = Table(
        "models",
        locale.text("models.title"),
        [
            text(locale.text(f"touchpoint_type.{kind}"), "name", href=touchpoint_href(context, kind)),
            *model_columns(locale, credits.models),
            *([_change_of(locale, chosen)] if context.days.is_recorded_then else []),
        ],
        rows,
        locale.text.joined(
            locale.text("models.about"), locale.text(f"models.marks.{marked}") if marked else ""
        ),
        {
            "name": locale.text("total"), "touchpoint": "", **credits.totals, "revenue_change": None,
            "revenue": None, "revenue_before": None,
        },
        (locale.text("first_of", n=BARS, m=len(rows)),) if len(rows) > BARS else (),
        is_wide=True,
        is_open=True,
        keys=("touchpoint",),
    )  # fmt: skip
    figure = _bars(locale, credits, chosen, shown, marked)
    about = locale.text.joined(locale.text(f"model.{chosen}.about"), locale.text(f"model.{chosen}.use"))
    return [
        Text(locale.text("models.heading", model=locale.text(f"model.{chosen}")), "heading", about=about),
        Group((Controls((model_choice(context, credits.models, chosen, default),)), Chart(figure, table, is_wide=True)),
              "stack"),
    ]  # fmt: skip


def _change_of(locale: Locale, model: str) -> Column:
    return change(locale, "revenue", title=locale.text("models.change", model=locale.text(f"model.{model}")))


def _bars(
    locale: Locale, credits: Credits, chosen: str, rows: Sequence[dict[str, Any]], marked: str | None
) -> go.Figure:
    """A bar for each of *rows* with its sales by the model *chosen*; a line across shows those by *marked*."""
    bars = Bars(
        locale.text(f"model.{chosen}"),
        [row[chosen] for row in rows],
        [f"{locale.numbers.money(row[chosen])} · {locale.numbers.percent(row[f'share_{chosen}'])}" for row in rows],
    )
    marks = None
    if marked:
        marks = Bars(locale.text(f"model.{marked}"), [row[marked] for row in rows], ["" for _ in rows], ORANGE)
    hovers = [_hover(locale, credits.models, row, "") for row in rows]
    return ranked_bars(locale, [row["name"] for row in rows], [bars], hovers, marks)


def _hover(locale: Locale, models: Sequence[str], row: dict[str, Any], prefix: str) -> str:
    """The sales of a touchpoint by each model, as HTML; with the *prefix* ``share_``, its shares."""
    metric_of = "revenue_share" if prefix else "revenue"
    lines = [
        f"{locale.text(f'model.{model}')} {full_text(locale.numbers, metric_of, row[prefix + model])}"
        for model in models
    ]
    return "<br>".join([f"<b>{plain(row['name'])}</b>", *lines])


def _disagreements(context: Context, kind: str, credits: Credits) -> Chart:
    """The touchpoints by the spread of their share between the models, the largest first."""
    locale = context.locale
    rows = [
        row
        | {
            "highest_name": locale.text(f"model.{row['highest']}") if row["highest"] else None,
            "lowest_name": locale.text(f"model.{row['lowest']}") if row["lowest"] else None,
        }
        for row in sorted(credits.rows, key=lambda row: (-(row["spread"] or 0), row["name"]))
    ]
    shown = rows[:RANGES]
    columns = [
        text(locale.text(f"touchpoint_type.{kind}"), "name", href=touchpoint_href(context, kind)),
        _spread(locale),
        text(locale.text("column.highest_model"), "highest_name"),
        text(locale.text("column.lowest_model"), "lowest_name"),
        *(
            metric(locale, "revenue_share", field=f"share_{model}", title=locale.text(f"model.{model}"))
            for model in credits.models
        ),
    ]
    table = Table(
        "disagreements",
        locale.text("disagreements.title"),
        columns,
        rows,
        locale.text("disagreements.about"),
        notes=(locale.text("first_of", n=RANGES, m=len(rows)),) if len(rows) > RANGES else (),
        is_wide=True,
        keys=("touchpoint",),
    )
    figure = share_ranges(
        locale,
        [row["name"] for row in shown],
        {model: [row[f"share_{model}"] for row in shown] for model in credits.models},
        [_hover(locale, credits.models, row, "share_") for row in shown],
    )
    return Chart(figure, table, is_wide=True)


def _spread(locale: Locale) -> Column:
    """The column with the difference between a touchpoint's largest and smallest share, in percentage points."""
    return Column(
        locale.text("metric.share_spread"),
        lambda row: "–" if row["spread"] is None else locale.text("compare.points", n=_points(locale, row["spread"])),
        field="spread",
        metric="share_spread",
        definition=locale.text("about.share_spread"),
    )


def _points(locale: Locale, share: float) -> str:
    return locale.numbers.full(100 * share, 2)


def _guide(context: Context, kind: str) -> list[Block]:
    """What each model does and when it is useful, and why the fused model and the touch models differ."""
    locale = context.locale
    rows = [
        {
            "model": model,
            "name": locale.text(f"model.{model}"),
            "about": locale.text(f"model.{model}.about"),
            "use": locale.text(f"model.{model}.use"),
        }
        for model in models_of(kind)
    ]
    window = context.copy.settings.touch.window_days
    columns = [
        text(locale.text("models.model"), "name"),
        text(locale.text("column.how_model"), "about", is_long=True),
        text(locale.text("column.use_model"), "use", is_long=True),
    ]
    table = Table(
        "guide",
        locale.text("models.guide"),
        columns,
        rows,
        is_wide=True,
        is_of_days=False,
        keys=("model",),
        is_sortable=False,
    )
    if FUSED not in models_of(kind):
        return [table]
    return [Text(locale.text("models.why"), "heading", about=locale.text("models.why.about", n=window)), table]
