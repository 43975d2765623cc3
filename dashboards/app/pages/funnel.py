"""The funnel: how many persons did chosen steps in order within a window, as a whole and by where they began.

Here: the blocks of this page.
Not here: the choice of steps (``dashboards.app.pages.funnel_steps``), the breakdown
(``dashboards.app.pages.funnel_parts``), the definition (``dashboards.attempts``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.pages.funnel_parts import STEPS, breakdown_choice, chosen_breakdown, parts_of, persons_by_step
from dashboards.app.pages.funnel_steps import (
    SESSION,
    WINDOWS,
    Steps,
    chosen_steps,
    chosen_window,
    window_choice,
)
from dashboards.attempts import attempts
from dashboards.blocks import Block, Cards, Chart, Column, Controls, Table, Text
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.look import ORANGE, plain
from dashboards.metrics import full_text
from dashboards.queries import query
from dashboards.slices import Slice


def funnel(context: Context) -> Sequence[Block]:
    """The funnel of the URL's steps."""
    locale, days = context.locale, context.days
    if not context.copy.has(STEPS):
        return [Text(locale.text("channels.too_large", tables=STEPS), "missing", "headwater sql")]
    steps, window = chosen_steps(context), chosen_window(context)
    parts: list[Block] = [Controls((*steps.choices, window_choice(context, window)))]
    if steps.twice:
        names = locale.text("list.separator").join(steps.twice)
        parts.append(Text(locale.text("funnel.twice", names=names), "warning"))
    now = _attempts(context, steps, window, days.first, days.last)
    if now.is_empty():
        return [*parts, context.nothing_there("funnel.nobody")]
    then = None
    if days.is_recorded_then and days.then_first and days.then_last:
        then = _attempts(context, steps, window, days.then_first, days.then_last)
    rows, by = _rows(steps.names, now, then), chosen_breakdown(context, steps)
    return [
        *parts,
        _cards(context, rows, is_compared=then is not None),
        _chart(context, rows, window, _still_open(context, now, window, len(steps.keys)), is_compared=then is not None),
        Controls((breakdown_choice(context, steps, by),)),
        *parts_of(context, steps, by, now, then),
    ]


def _attempts(context: Context, steps: Steps, window: str, first: dt.date, last: dt.date) -> pl.DataFrame:
    """The attempt of each person that began from *first* to *last*.

    If the data ends soon after the days shown, persons of the comparison days are followed for the same number of days.
    Otherwise later steps would seem to have become rarer.
    """
    span = WINDOWS[window]
    if isinstance(span, str):
        span = dt.timedelta(days=span == SESSION)  # a session may continue after midnight
    until = last + min(span, max(_last_day(context) - context.days.last, dt.timedelta()))

    def found() -> pl.DataFrame:
        hits = _hits(context, steps, first, until)
        if window == SESSION:
            hits = _with_session(context, hits, steps, first, until)
        return attempts(hits, len(steps.keys), last, WINDOWS[window])

    # Cached: it takes a second for three months of a large shop, and is the same for every breakdown and both
    # languages.
    return context.whole.computed(("attempts", context.slice, steps.keys, window, first, last, until), found)


def _hits(context: Context, steps: Steps, first: dt.date, until: dt.date) -> pl.DataFrame:
    """The events of the steps. Filters choose where step 1 was done; only those by product apply to later steps."""
    days = {"from": first, "to": until, "steps": "\n".join(steps.keys)}
    if not context.slice:
        return context.whole.frame(query("funnel.hits"), **days)
    of_products = Slice(context.slice).only(("category", "brand"))
    later = context.whole.in_slice(of_products if of_products.values else None).frame(query("funnel.hits"), **days)
    begun = context.copy.frame(query("funnel.hits"), **days).filter(pl.col("step_no") == 1)
    return pl.concat([begun, later.filter(pl.col("step_no") > 1)])


def _with_session(context: Context, hits: pl.DataFrame, steps: Steps, first: dt.date, until: dt.date) -> pl.DataFrame:
    """*hits* with the column session: the number of the latest session that the person had begun by then.

    An order belongs to that session if the person did something else before it, within the session timeout. A hit
    without a session gets a number of its own.
    """
    days = {"from": first - dt.timedelta(days=1), "to": until}  # a session that began the day before may continue
    sessions = context.whole.frame(query("funnel.sessions"), **days).with_row_index(SESSION).drop("channel")
    orders = context.whole.frame(query("funnel.orders"), **{"from": first, "to": until})
    order_no = steps.keys.index("order") + 1 if "order" in steps.keys else 0
    timeout = dt.timedelta(minutes=context.whole.settings.sessions.timeout_minutes)
    ended = pl.when(pl.col("last_event_at") <= pl.col("at")).then("last_event_at")
    is_late = (pl.col("at") - pl.max_horizontal("active_at", ended) >= timeout).fill_null(value=True)
    return (
        hits.sort("at")
        .join_asof(sessions, left_on="at", right_on="started_at", by="person_id", check_sortedness=False)
        .join(orders, on=["person_id", "at"], how="left")
        .with_columns(pl.when((pl.col("step_no") == order_no) & is_late).then(None).otherwise(SESSION).alias(SESSION))
        .with_columns(pl.col(SESSION).cast(pl.Int64).fill_null(-1 - pl.int_range(pl.len())))
    )


def _last_day(context: Context) -> dt.date:
    """The last day with events; in a shop without events the last day with orders."""
    return (context.copy.days_of("core.traffic_daily") or context.copy.days_of(STEPS) or context.copy.days)[-1]


def _rows(names: Sequence[str], now: pl.DataFrame, then: pl.DataFrame | None) -> list[dict[str, Any]]:
    """A row for each step: name, funnel_persons, rates, minutes; with values of the comparison days."""
    counts = persons_by_step(now, len(names))
    before = persons_by_step(then, len(names)) if then is not None else None
    rows = []
    for place, name in enumerate(names):
        row: dict[str, Any] = {"step_no": place + 1, "name": name, **_rates(counts, place)}
        earlier = _rates(before, place) if before else dict.fromkeys(_rates(counts, place))
        row |= {f"{key}_before": value for key, value in earlier.items()}
        seconds = now[f"seconds_{place + 1}"].filter(now["depth"] > place).median() if place else None
        row["minutes"] = None if seconds is None else float(str(seconds)) / 60
        rows.append(row)
    return with_changes(rows, "funnel_persons", "funnel_step_rate", "funnel_rate")


def _rates(counts: Sequence[int], place: int) -> dict[str, float | None]:
    before = counts[place - 1] if place else None
    return {
        "funnel_persons": counts[place],
        "funnel_step_rate": counts[place] / before if before else None,
        "funnel_rate": counts[place] / counts[0] if counts[0] else None,
    }


def _cards(context: Context, rows: Sequence[Mapping[str, Any]], *, is_compared: bool) -> Cards:
    """How many persons began, how many did all steps, and the ratio of the two numbers."""
    locale = context.locale
    first, last = rows[0], rows[-1]
    names = ("funnel_rate", "funnel_persons")
    then = {name: last[f"{name}_before"] for name in names} if is_compared else None
    begun = {"funnel_persons": first["funnel_persons_before"]} if is_compared else None
    return Cards(
        (
            metric_card(locale, "funnel_rate", last, then, f"{first['name']} → {last['name']}"),
            replace(
                metric_card(locale, "funnel_persons", first, begun),
                name=locale.text("funnel.entered", name=first["name"]),
            ),
            replace(
                metric_card(locale, "funnel_persons", last, then),
                name=locale.text("funnel.completed", name=last["name"]),
            ),
        )
    )


def _chart(
    context: Context, rows: Sequence[dict[str, Any]], window: str, still_open: int, *, is_compared: bool
) -> Chart:
    locale = context.locale
    numbers = locale.numbers

    def label(row: Mapping[str, Any]) -> str:
        persons = numbers.short(row["funnel_persons"])
        return persons if row["step_no"] == 1 else f"{persons} · {numbers.percent(row['funnel_step_rate'])}"

    shown = ("funnel_persons", "funnel_step_rate", "funnel_rate")
    hovers = [
        f"<b>{plain(row['name'])}</b><br>"
        + "<br>".join(
            f"{locale.text(f'metric.{name}')} {full_text(numbers, name, row[name])}"
            for name in shown
            if row[name] is not None
        )
        for row in rows
    ]
    bars = Bars(locale.text("legend.these_days"), [row["funnel_persons"] for row in rows], [label(row) for row in rows])
    marks = None
    if is_compared:
        before = [row["funnel_persons_before"] for row in rows]
        marks = Bars(locale.text("legend.those_days"), before, ["" for _ in rows], ORANGE)
    table = _table(context, rows, window, still_open, is_compared=is_compared)
    return Chart(ranked_bars(locale, [row["name"] for row in rows], [bars], hovers, marks), table, is_wide=True)


def _table(
    context: Context, rows: Sequence[dict[str, Any]], window: str, still_open: int, *, is_compared: bool
) -> Table:
    locale, numbers = context.locale, context.locale.numbers
    return Table(
        "funnel",
        locale.text("funnel.people"),
        [
            Column(locale.text("funnel.no"), lambda row: str(row["step_no"]), field="step_no"),
            text(locale.text("funnel.step"), "name"),
            exact(locale, "funnel_persons"),
            *([change(locale, "funnel_persons")] if is_compared else []),
            metric(locale, "funnel_step_rate"),
            *([change(locale, "funnel_step_rate")] if is_compared else []),
            metric(locale, "funnel_rate"),
            *([change(locale, "funnel_rate")] if is_compared else []),
            Column(
                locale.text("funnel.minutes"),
                lambda row: numbers.full(row["minutes"], 1),
                lambda row: numbers.full(row["minutes"], 2),
                field="minutes",
                definition=locale.text("funnel.minutes.about"),
            ),
        ],
        rows,
        locale.text.joined(locale.text("funnel.definition"), locale.text(f"funnel.definition.{window}")),
        notes=(
            locale.text.joined(
                locale.text("funnel.open", n=numbers.full(still_open)),
                locale.text("funnel.open.compared") if is_compared else "",
            )
            if still_open
            else "",
            locale.text.joined(locale.text("funnel.steps.about"), locale.text("funnel.persons")),
        ),
        is_wide=True,
        is_open=True,
        is_sortable=False,
    )


def _still_open(context: Context, now: pl.DataFrame, window: str, steps: int) -> int:
    """The number of persons who may still do more steps: their window is not over when the data ends."""
    span = WINDOWS[window]
    if isinstance(span, str):
        return 0
    end = dt.datetime.combine(_last_day(context) + dt.timedelta(days=1), dt.time())
    end_utc = end.replace(tzinfo=ZoneInfo(context.copy.settings.timezone)).astimezone(dt.UTC).replace(tzinfo=None)
    return int(((now["depth"] < steps) & (now["at"] + span >= end_utc)).sum())
