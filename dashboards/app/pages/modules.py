"""Modules of campaign and detail pages: assisted and closing sales, impressions and clicks.

Here: the blocks of this page.
Not here: entrances; their sales must not be added to those of modules.
"""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from dashboards.app.context import Context
from dashboards.blocks import Block, Chart, Choice, Controls, Option, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.course import LINES, courses
from dashboards.figures.flows import step_name
from dashboards.figures.look import BLUE, SAND, plain
from dashboards.metrics import full_text
from dashboards.queries import query

_BARS = 14
_HOVER = ("assisted_revenue", "closing_revenue", "module_impressions", "module_clicks", "module_click_rate")
KEYS = ("page_type", "module")
"""The columns that identify a module in exported files."""


def modules(context: Context) -> Sequence[Block]:
    """The modules, with a warning that their sales must not be added up: two modules can count the same sale."""
    locale, view = context.locale, context.view
    types = [row["page_type"] for row in context.rows(query("modules.page_types"))]
    page_type = view.get("page_type")
    page_type = page_type if page_type in types else ""
    options = (
        Option("", locale.text("modules.all")),
        *(Option(name, locale.text.name("page_type", name)) for name in types),
    )
    parts: list[Block] = [
        Text(locale.text("modules.banner"), "warning"),
        Controls((Choice("page_type", locale.text("column.page"), options, page_type),)),
    ]
    rows = [
        row | {"name": step_name(locale, f"{row['page_type']}.{row['module']}")}
        for row in context.rows(query("modules.modules"), page_type=page_type)
    ]
    if not rows:
        return [*parts, context.nothing_there("modules.none")]
    selling = [row for row in rows if row["assisted_revenue"] or row["closing_revenue"]]
    table = Table(
        "modules",
        locale.text("modules.title"),
        [
            text(locale.text("column.module"), "name"),
            *(exact(locale, name) for name in ("assisted_add_to_carts", "assisted_order_lines", "assisted_revenue")),
            *(exact(locale, name) for name in ("closing_add_to_carts", "closing_order_lines", "closing_revenue")),
            *(exact(locale, name) for name in ("module_impressions", "module_clicks")),
            metric(locale, "module_click_rate"),
        ],
        rows,
        locale.text("modules.about"),
        notes=(locale.text("first_of", n=_BARS, m=len(selling)),) if len(selling) > _BARS else (),
        is_wide=True,
        is_open=True,
        keys=KEYS,
        bar="assisted_revenue",
    )
    if selling:
        parts.append(Chart(_bars(context, selling[:_BARS]), table, is_wide=True))
    else:
        parts.append(table)
    parts.append(_course(context, rows, page_type))
    return parts


def _bars(context: Context, rows: Sequence[dict[str, object]]) -> go.Figure:
    locale = context.locale
    measures = [
        Bars(
            locale.text(f"metric.{name}"),
            [_number(row[name]) for row in rows],
            [locale.numbers.money(_number(row[name])) for row in rows],
            color,
            pattern,
        )
        for name, color, pattern in (("assisted_revenue", BLUE, ""), ("closing_revenue", SAND, "/"))
    ]
    hovers = [
        f"<b>{plain(row['name'])}</b><br>"
        + "<br>".join(
            f"{locale.text(f'metric.{name}')} {full_text(locale.numbers, name, _number(row[name]))}"
            for name in (
                "assisted_revenue",
                "closing_revenue",
                "module_impressions",
                "module_clicks",
                "module_click_rate",
            )
        )
        for row in rows
    ]
    return ranked_bars(locale, [str(row["name"]) for row in rows], measures, hovers)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _course(context: Context, rows: Sequence[dict[str, object]], page_type: str) -> Chart:
    locale = context.locale
    frame = pl.DataFrame(context.rows(query("modules.course"), page_type=page_type), infer_schema_length=None)
    own = "module_impressions"
    seen = sorted((row for row in rows if row[own]), key=lambda row: -(_number(row[own]) or 0))
    names = {f"{row['page_type']}.{row['module']}": str(row["name"]) for row in seen[: len(LINES)]}
    table = Table(
        "course",
        locale.text("modules.course"),
        [text(locale.text("column.day"), "dt"), text(locale.text("column.module"), "name"),
         metric(locale, "module_click_rate"), exact(locale, "assisted_revenue")],
        [row | {"name": step_name(locale, row["key"])} for row in frame.to_dicts()],
        locale.text("modules.course.about"),
        notes=(locale.text("first_of", n=len(names), m=len(seen)),) if len(names) < len(seen) else (),
        is_wide=True,
        keys=KEYS,
    )  # fmt: skip
    return Chart(courses(locale, frame, "module_click_rate", names), table, is_wide=True)
