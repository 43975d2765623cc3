"""Targets and calendar: what the shop plans, and what happened that explains a chart.

Here: the blocks of this page: all targets with the values reached so far, all occasions, and for admins the forms to
change them.
Not here: the cards of the overview and the values of targets (``dashboards.app.pages.targets``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

from dashboards.app.context import Context
from dashboards.app.edits import may_edit
from dashboards.app.forms import Field, folded, form, to_change
from dashboards.app.pages.targets import Progress, progress, slice_name
from dashboards.blocks import Block, Column, Part, Table, Text
from dashboards.columns import text
from dashboards.locale import Locale
from dashboards.metrics import card_text, full_text, whole
from dashboards.plans.targets import TARGETED, fault_of
from pipelines.config_tables import calendar_of, targets_of
from pipelines.config_tables.calendar import KINDS, Occasion
from pipelines.config_tables.targets import Target
from pipelines.home.errors import HeadwaterError


def plan(context: Context) -> Sequence[Block]:
    """The targets of all months, newest first, then the calendar, newest first."""
    return [*_targets(context), *_calendar(context)]


def _targets(context: Context) -> list[Block]:
    locale = context.locale
    try:
        targets = sorted(targets_of(context.whole.home), key=lambda one: one.month, reverse=True)
    except HeadwaterError as error:
        return [Text(str(error), "warning")]
    parts: list[Block] = [
        Text(locale.text("targets.fault", fault=fault), "warning") for fault in map(fault_of, targets) if fault
    ]
    own = [target for target in targets if not fault_of(target)]
    if own:
        parts.append(_progress_table(locale, [_progress_row(context, progress(context, one)) for one in own]))
    else:
        parts.append(Text(locale.text("targets.none"), "missing"))
    if may_edit("targets", context.role):
        parts.append(
            _forms(context, "targets", [(_title(context, one), _target_fields(context, one), one.cells) for one in own])
        )
    return parts


def _title(context: Context, target: Target) -> str:
    text = context.locale.text
    name = text.joined(text(f"metric.{target.metric}"), slice_name(context, target))
    return f"{name} · {target.month:%Y-%m}"


def _progress_row(context: Context, found: Progress) -> dict[str, Any]:
    target, pace = found.target, found.pace
    return {
        "month": f"{target.month:%Y-%m}",
        "metric": target.metric,
        "name": context.locale.text.joined(context.locale.text(f"metric.{target.metric}"), slice_name(context, target)),
        "target": target.value,
        "value": found.value,
        "reached": found.reached,
        "expected": pace.expected if pace else None,
        "forecast": pace.forecast if pace else None,
        "low": pace.low if pace else None,
        "high": pace.high if pace else None,
    }


def _progress_table(locale: Locale, rows: Sequence[dict[str, Any]]) -> Table:
    def value(field: str) -> Column:
        return Column(
            locale.text(f"targets.column.{field}"),
            lambda row: card_text(locale.numbers, row["metric"], whole(row["metric"], row[field])),
            lambda row: full_text(locale.numbers, row["metric"], whole(row["metric"], row[field])),
            field=field,
            definition=locale.text(f"targets.column.{field}.about"),
        )

    columns = [
        text(locale.text("targets.column.month"), "month"),
        text(locale.text("entrances.metric"), "name"),
        value("target"),
        value("value"),
        Column(
            locale.text("targets.column.reached"),
            lambda row: locale.numbers.percent(row["reached"]),
            field="reached",
            metric="",
        ),
        *map(value, ("expected", "forecast", "low", "high")),
    ]
    about = locale.text("targets.about")
    return Table("targets", locale.text("plan.targets"), columns, rows, about, is_wide=True, keys=("metric",))


def _calendar(context: Context) -> list[Block]:
    locale = context.locale
    try:
        occasions = [*reversed(calendar_of(context.whole.home))]
    except HeadwaterError as error:
        return [Text(str(error), "warning")]
    rows = [
        {
            "first": one.first,
            "last": one.last,
            "kind": locale.text(f"occasion.{one.kind}"),
            "name": one.name(locale.text.language),
            "href": context.view.to("overview").over(one.first, one.last).href,
        }
        for one in occasions
    ]
    columns = [
        text(locale.text("column.first_day"), "first"),
        text(locale.text("column.last_day"), "last"),
        text(locale.text("column.kind"), "kind"),
        text(locale.text("column.name"), "name", href=lambda row: row["href"]),
    ]
    parts: list[Block] = []
    if rows:
        about = locale.text("plan.calendar.about")
        parts.append(Table("calendar", locale.text("plan.calendar"), columns, rows, about, is_wide=True))
    else:
        parts.append(Text(locale.text("plan.calendar.none"), "missing"))
    if may_edit("calendar", context.role):
        named = [
            (f"{one.name(locale.text.language)} · {one.first}", _occasion_fields(locale, one), one.cells)
            for one in occasions
        ]
        parts.append(_forms(context, "calendar", named))
    return parts


def _forms(context: Context, what: str, rows: Sequence[tuple[str, list[Field], Any]]) -> Part:
    """A form to add a row to the file of *what*, and folded forms to change the existing *rows*.

    Each of *rows* has a title, the fields of its form, and its cells in the file.
    """
    text = context.locale.text
    fields = _target_fields(context) if what == "targets" else _occasion_fields(context.locale)
    add = folded(text(f"plan.add.{what}"), [form(text, what, fields)], name="add", is_open=not rows)
    change = to_change(text, [(title, form(text, what, own, cells)) for title, own, cells in rows])
    return Part(html.Div([add, *change], className="edits"))


def _target_fields(context: Context, target: Target | None = None) -> list[Field]:
    text, cells = context.locale.text, target.cells if target else {}
    metrics = [(name, text(f"metric.{name}")) for name in TARGETED]
    month = f"{context.whole.newest(context.now):%Y-%m}"
    return [
        Field("metric", text("entrances.metric"), cells.get("metric", TARGETED[0]), metrics),
        Field("month", text("targets.column.month"), cells.get("month", month), hint="2026-11", is_required=True),
        Field("value", text("targets.column.target"), cells.get("value", ""), hint="120000", is_required=True),
        Field("slice", text("targets.column.slice"), cells.get("slice", ""), hint="platform=ios; channel=email"),
    ]


def _occasion_fields(locale: Locale, one: Occasion | None = None) -> list[Field]:
    text, cells = locale.text, one.cells if one else {}
    kinds = [(kind, text(f"occasion.{kind}")) for kind in KINDS]
    return [
        Field("first_day", text("column.first_day"), cells.get("first_day", ""), hint="2026-11-11", is_required=True),
        Field("last_day", text("column.last_day"), cells.get("last_day", ""), hint="2026-11-12"),
        Field("kind", text("column.kind"), cells.get("kind") or KINDS[0], kinds),
        Field("name_zh", text("plan.name_zh"), cells.get("name_zh", "")),
        Field("name_en", text("plan.name_en"), cells.get("name_en", "")),
    ]
