"""The course of one entrance or of one slot by day, with the choice of its metric.

Here: its query and blocks.
Not here: the courses of all entrances beside one another (``dashboards.app.pages.entrances``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards.app.context import Context
from dashboards.blocks import Chart, Choice, Controls, Group, Option, Table
from dashboards.columns import exact, text
from dashboards.figures.course import course
from dashboards.figures.look import Look

_RATIOS = frozenset({"click_through_rate", "click_to_order_rate", "slot_click_rate", "revenue_per_mille"})
"""Metrics that have no value on a day without a row; the others are 0 there."""

_DAYS = """
WITH days AS (SELECT CAST(unnest(generate_series($from, $to, INTERVAL 1 DAY)) AS DATE) AS dt),
computed AS (SELECT DISTINCT dt FROM attribution.entrance_daily),
own AS ({own})
SELECT days.dt,
    CASE WHEN computed.dt IS NULL THEN NULL WHEN own.dt IS NULL THEN {none} ELSE own.{metric} END AS {metric}
FROM days LEFT JOIN computed ON computed.dt = days.dt LEFT JOIN own ON own.dt = days.dt
ORDER BY days.dt
"""


def metric_choice(look: Look, key: str, metrics: Sequence[str], chosen: str) -> Choice:
    """The choice of the metric that a course shows; *key*: in the address."""
    options = tuple(Option(name, look.text.name("metric", name)) for name in metrics)
    return Choice(key, look.text("entrances.metric"), options, chosen, default=metrics[0])


def chosen_metric(context: Context, key: str, metrics: Sequence[str]) -> str:
    """The one of *metrics* that the address names by *key*, else the first."""
    name = context.view.get(key)
    return name if name in metrics else metrics[0]


def one_course(
    context: Context,
    key: str,
    metrics: Sequence[str],
    own: str,
    title: str,
    keys: Mapping[str, object],
    **parameters: object,
) -> Group:
    """The metric that *key* chooses among *metrics*, by day, beside the days compared with.

    Args:
        context: The look at the page.
        key: How the address names the metric.
        metrics: What there is to choose from; the first without a choice.
        own: Query of a row a day: dt and *metrics*, filled with *parameters*.
        title: The key of the title, which names ``{metric}``.
        keys: What the one is named by in files: field and value.
        parameters: What *own* names.
    """
    look, days = context.look, context.days
    name = chosen_metric(context, key, metrics)
    query = _DAYS.format(own=own, metric=name, none="NULL" if name in _RATIOS else "0")
    frame = context.copy.frame(query, **{"from": days.first, "to": days.last}, **parameters)
    earlier = None
    if days.is_recorded_then:
        earlier = context.copy.frame(query, **{"from": days.then_first, "to": days.then_last}, **parameters)
    table = Table(
        "course",
        look.text(title, metric=look.text.name("metric", name)),
        [text(look.text("column.day"), "dt"), exact(look, name)],
        [{**row, **keys} for row in frame.to_dicts()],
        look.text.joined(
            look.text.name("about", name),
            look.text("course.one.about"),
            look.text("course.one.compared") if earlier is not None else "",
        ),
        is_wide=True,
        keys=tuple(keys),
    )
    choice = metric_choice(look, key, metrics, name)
    return Group((Controls((choice,)), Chart(course(look, frame, name, earlier), table, is_wide=True)), "stack")
