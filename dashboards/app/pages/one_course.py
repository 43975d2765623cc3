"""A chart by day of one entrance, slot or product, with the control that chooses its metric.

Here: the chart, its control, and the values of a metric by day.
Not here: the chart of all entrances (``dashboards.app.pages.entrances``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

import polars as pl

from dashboards.app.context import Context
from dashboards.blocks import Block, Chart, Choice, Controls, Group, Option, Table
from dashboards.columns import exact, text
from dashboards.figures.course import course
from dashboards.figures.occasions import Shown
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.report.queries import MAIN
from pipelines.sqlproject.metrics import known_metric


def metric_choice(locale: Locale, key: str, metrics: Sequence[str], chosen: str) -> Choice:
    """The control that chooses the metric of the chart; *key* is the control's key in the URL."""
    options = tuple(Option(name, locale.text.name("metric", name)) for name in metrics)
    return Choice(key, locale.text("entrances.metric"), options, chosen, default=metrics[0])


def chosen_metric(context: Context, key: str, metrics: Sequence[str]) -> str:
    """The value of *key* in the URL if it is one of *metrics*, else the first of them."""
    name = context.view.get(key)
    return name if name in metrics else metrics[0]


def by_day(
    context: Context,
    own: str,
    name: str,
    first: dt.date,
    last: dt.date,
    parameters: Mapping[str, object],
    table: str = MAIN,
) -> pl.DataFrame:
    """The metric *name* on each day from *first* to *last*, read by the query *own*: columns dt and *name*.

    The value is null on days for which *table* is not computed. On a computed day without a row of the query it is 0,
    or null for a ratio. *parameters* are further parameters of the query.
    """
    found = context.copy.frame(query(own), **{"from": first, "to": last}, **parameters)
    values = dict(found.select("dt", name).iter_rows())
    computed = set(context.copy.days_of(table))
    nothing = None if known_metric(name).is_ratio else 0
    days = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    shown = [values.get(day, nothing) if day in computed else None for day in days]
    return pl.DataFrame({"dt": days, name: pl.Series(shown, dtype=found.schema[name], strict=False)})


def one_course(
    context: Context,
    key: str,
    metrics: Sequence[str],
    own: str,
    title: str,
    keys: Mapping[str, object],
    occasions: Sequence[Shown] = (),
    beside: Sequence[Block] = (),
    **parameters: object,
) -> Group:
    """A chart of an item (entrance, slot or product): one of *metrics* by day, beside the comparison days.

    A control above the chart chooses the metric.

    Args:
        context: The context of the request.
        key: The key of the control in the URL.
        metrics: The metrics to choose from; the first is the default.
        own: The query for the item; one row per day from ``$from`` to ``$to``, with columns dt and *metrics*.
        title: The text key of the title, which contains ``{metric}``.
        keys: Name → value of extra columns in the CSV and XLSX files; they identify the item.
        occasions: Occasions of this item alone.
        beside: Charts of the same metric, shown beside this one; the control acts on them too.
        parameters: Other parameters of *own*.
    """
    locale, days = context.locale, context.days
    name = chosen_metric(context, key, metrics)
    frame = by_day(context, own, name, days.first, days.last, parameters)
    earlier = None
    if days.is_recorded_then and days.then_first and days.then_last:
        earlier = by_day(context, own, name, days.then_first, days.then_last, parameters)
    table = Table(
        "course",
        locale.text(title, metric=locale.text.name("metric", name)),
        [text(locale.text("column.day"), "dt"), exact(locale, name)],
        [{**row, **keys} for row in frame.to_dicts()],
        locale.text.joined(
            locale.text.name("about", name),
            locale.text("course.one.about"),
            locale.text("course.one.compared") if earlier is not None else "",
        ),
        is_wide=not beside,
        keys=tuple(keys),
    )
    controls = Controls((metric_choice(locale, key, metrics, name),))
    chart = Chart(course(locale, frame, name, earlier), table, is_wide=not beside, occasions=tuple(occasions))
    has_charts = any(isinstance(block, Chart) for block in beside)
    shown = (Group((chart, *beside)),) if has_charts else (chart, *beside)
    return Group((controls, *shown), "stack")
