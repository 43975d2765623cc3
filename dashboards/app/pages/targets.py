"""Targets of a month: the value reached, the pace, the forecast.

Here: the cards of the overview, and the values of targets.
Not here: computing pace and forecast (``dashboards.plans.pace``), editing targets (``dashboards.app.pages.plan``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from dashboards.app.context import Context
from dashboards.app.pages.sales_tree import PAGE_OF_METRIC
from dashboards.app.slice_bar import Dimensions
from dashboards.app.view import SLICES_READ
from dashboards.blocks import Block, Card, Cards, Change, Text
from dashboards.metrics import card_text, full_text, short_text
from dashboards.plans.pace import HISTORY_DAYS, Pace, pace
from dashboards.plans.targets import adds_up, fault_of
from dashboards.slices import Slice
from pipelines.config_tables import targets_of
from pipelines.config_tables.targets import Target
from pipelines.home.errors import HeadwaterError
from pipelines.sqlproject.metric_sql import select
from pipelines.sqlproject.model import DIALECT


@dataclass(frozen=True)
class Progress:
    """A target with the value that its month has reached.

    Attributes:
        target: The target.
        value: The value so far; None if nothing of the month is computed.
        pace: Pace and forecast; None for a month without data, and for a metric that does not add up over days.
    """

    target: Target
    value: float | None
    pace: Pace | None

    @property
    def reached(self) -> float | None:
        """The value as a share of the target."""
        return None if self.value is None else self.value / self.target.value


def progress(context: Context, target: Target) -> Progress:
    """The value that the month of *target* has reached up to the newest closed day."""
    copy, newest = context.whole, context.whole.newest(context.now)
    end = (target.month + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)
    last = min(end, newest)
    if last < target.month or (target.slice and not all(map(copy.has, SLICES_READ["overview"]))):
        return Progress(target, None, None)
    if target.slice:
        copy = copy.in_slice(Slice(target.slice, context.segments_on, None, "rows"))
    days = "dt BETWEEN $from AND $to"
    whole = select((target.metric,), where=days).sql(dialect=DIALECT)
    value = copy.one(whole, **{"from": target.month, "to": last})[target.metric]
    if value is None or not adds_up(target.metric):
        return Progress(target, None if value is None else float(value), None)
    by_day = select((target.metric,), by=("dt",), where=days).sql(dialect=DIALECT)
    first = min(target.month, last - dt.timedelta(days=HISTORY_DAYS - 1))
    rows = copy.rows(by_day, **{"from": first, "to": last})
    found = {row["dt"]: float(row[target.metric]) for row in rows}
    values = {day: found.get(day, 0.0) for day in context.whole.days if first <= day <= last}
    return Progress(target, float(value), pace(values, target.value, target.month, last))


def target_cards(context: Context) -> list[Block]:
    """A card for each target of the month of the last day shown; empty if there are none."""
    try:
        targets = targets_of(context.whole.home)
    except HeadwaterError as error:
        return [Text(str(error), "warning")]
    month = context.days.last.replace(day=1)
    own = [target for target in targets if target.month == month and not fault_of(target)]
    if not own:
        return []
    heading = Text(
        context.locale.text("targets.title", month=context.locale.text.date("date.month", month)),
        "heading",
        about=context.locale.text("targets.about"),
    )
    return [heading, Cards(tuple(_card(context, progress(context, target)) for target in own))]


def _card(context: Context, found: Progress) -> Card:
    locale, target = context.locale, found.target
    numbers, text, name = locale.numbers, locale.text, target.metric
    aim = card_text(numbers, name, target.value)
    changes = [Change(numbers.percent(found.reached), text("targets.of", target=aim))]
    note, due = "", None
    if found.pace:
        state = found.pace
        if state.days < state.of_days:
            due = state.expected / target.value
            points = numbers.points(found.reached, due)
            tone = "better" if state.value >= state.expected else "worse"
            changes.append(Change(text("compare.points", n=points), text("targets.pace"), tone=tone))
            note = text("targets.days", n=state.days, of=state.of_days)
            if state.forecast is not None and state.low is not None and state.high is not None:
                values = {key: short_text(numbers, name, getattr(state, key)) for key in ("forecast", "low", "high")}
                note = text.joined(note, text("targets.forecast", **values))
    elif found.value is None:
        note = text("targets.no_data")
    page = PAGE_OF_METRIC.get(name, "overview")
    view = context.view.to(page).sliced(**dict(target.slice)).over(target.month, context.days.last)
    return Card(
        text.joined(text(f"metric.{name}"), slice_name(context, target)),
        card_text(numbers, name, found.value),
        full_text(numbers, name, found.value),
        tuple(changes),
        text.name("about", name),
        note,
        metric=name,
        href=view.href,
        reached=found.reached,
        due=due,
    )


def slice_name(context: Context, target: Target) -> str:
    """The slice of *target* as text in brackets; '' for the whole shop."""
    if not target.slice:
        return ""
    dimensions, text = Dimensions(context), context.locale.text
    names = [text("list.separator").join(dimensions.name(name, one) for one in values) for name, values in target.slice]
    return text("targets.slice", names=text("slice.separator").join(names))
