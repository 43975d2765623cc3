"""Retention of visitors: what share of the new visitors of a day, week or month comes back.

Here: the blocks of this page, and which cells are observed.
Not here: customers who buy again (``customers.cohorts``, on the page of customers).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.touchpoints import touchpoint_names
from dashboards.blocks import Block, Card, Cards, Chart, Choice, Column, Controls, Option, Table, Text
from dashboards.columns import definition, exact, text
from dashboards.figures.course import LINES
from dashboards.figures.retention import METRIC, retention_curve, retention_triangle
from dashboards.locale import Locale
from dashboards.metrics import card_text, full_text
from dashboards.queries import query

VISITORS, FIRST_VISITS = "core.visitors", "core.first_visits"

MOST = {"day": 30, "week": 12, "month": 11}
"""Unit → the last period that is counted.

Its end must not be later than 365 days after the first visit: a person who comes back after that counts as new.
"""
SHOWN = {"day": (*range(1, 8), 14, 21, 30), "week": tuple(range(1, 13)), "month": tuple(range(1, 12))}
"""Unit → the periods in the triangle."""
_CARDS = {"day": (1, 7, 30, 3, 14, 2), "week": (1, 4, 8, 2, 3), "month": (1, 3, 6, 2)}
"""Unit → the periods that may get a card; the first three observed ones do."""

LONG_DAYS = 60
"""If too few days are selected to see later periods, the page offers a link to this many days."""

COHORTS = 31
"""Maximum rows of the triangle."""

NEW_LOG_DAYS = 28
"""For this many days after the first day of the log, the page warns that its new visitors may not really be new."""

Sizes = Mapping[tuple[dt.date, str], int]
Returned = Mapping[tuple[dt.date, str, int], int]


def retention(context: Context) -> Sequence[Block]:
    """The retention of the new visitors of the days shown."""
    locale, days = context.locale, context.days
    missing = [table for table in (VISITORS, FIRST_VISITS) if not context.copy.has(table)]
    if missing:
        return [Text(locale.text("channels.too_large", tables=", ".join(missing)), "missing", "headwater sql")]
    unit, by = _chosen(context, "unit", tuple(MOST)), _chosen(context, "by", ("none", "entrance", "channel"))
    parts: list[Block] = [Controls((_choice(context, "unit", tuple(MOST), unit), _by_choice(context, by)))]
    asked = {"unit": unit, "by": by}
    sizes = {(row["cohort"], row["part"]): row["new_visitors"] for row in context.rows(query("retention.new"), **asked)}
    if not sizes:
        return [*parts, context.nothing_there("retention.nobody")]
    returned = {
        (row["cohort"], row["part"], row["period_no"]): row["returned_visitors"]
        for row in context.rows(query("retention.returned"), **asked, most=MOST[unit])
    }
    start = context.copy.days_of(VISITORS)[0]
    if days.first < start + dt.timedelta(days=NEW_LOG_DAYS):
        parts.append(Text(locale.text("retention.log_begins", start=start), "warning"))
    seen = observed(
        {cohort for cohort, _ in sizes}, unit, context.copy.days_of(VISITORS), context.copy.newest(context.now)
    )
    whole = curve_rows(_together(sizes), _together(returned), unit, seen)
    return [
        *parts,
        _cards(context, unit, sum(sizes.values()), whole),
        *_more_days(context, unit, whole),
        _curve(context, unit, by, sizes, returned, seen, whole),
        _triangle(context, unit, _together(sizes), _together(returned), seen),
        Text(locale.text("retention.customers"), "note", href=context.view.to("customers").href),
    ]


# The definition ----------------------------------------------------------------------------------------


def later(cohort: dt.date, unit: str, periods: int) -> dt.date:
    """The first day of the period that is *periods* after the period that begins with *cohort*."""
    if unit == "month":
        months = cohort.year * 12 + cohort.month - 1 + periods
        return dt.date(months // 12, months % 12 + 1, 1)
    return cohort + dt.timedelta(days=periods * (7 if unit == "week" else 1))


def observed(
    cohorts: Collection[dt.date], unit: str, computed: Collection[dt.date], newest: dt.date
) -> set[tuple[dt.date, int]]:
    """The observed pairs of cohort and period, those whose period is over and has data on every day.

    *newest* is the last day that is over, *computed* are the days with data.
    """
    known = set(computed)
    found = set()
    for cohort in cohorts:
        for period in range(1, MOST[unit] + 1):
            first, end = later(cohort, unit, period), later(cohort, unit, period + 1)
            own = {first + dt.timedelta(days=n) for n in range((end - first).days)}
            if max(own) <= newest and own <= known:
                found.add((cohort, period))
    return found


def curve_rows(
    sizes: Sizes, returned: Returned, unit: str, seen: Collection[tuple[dt.date, int]]
) -> list[dict[str, Any]]:
    """The rate of each part in each period, over the cohorts for which the period is observed.

    Rows: part, period_no, new_visitors (of these cohorts), returned_visitors, the rate. A period without such a cohort
        has no row.
    """
    rows = []
    for part in dict.fromkeys(part for _, part in sizes):
        for period in range(1, MOST[unit] + 1):
            cohorts = [cohort for cohort, own in sizes if own == part and (cohort, period) in seen]
            new = sum(sizes[cohort, part] for cohort in cohorts)
            back = sum(returned.get((cohort, part, period), 0) for cohort in cohorts)
            if new:
                rows.append({"part": part, **_measures(period, new, back)})
    return rows


def triangle_rows(
    sizes: Sizes, returned: Returned, unit: str, seen: Collection[tuple[dt.date, int]]
) -> list[dict[str, Any]]:
    """A row for each cohort and period; returned_visitors and the rate are null if the period is not observed."""
    return [
        {
            "cohort": cohort,
            **_measures(period, new, returned.get((cohort, part, period), 0) if (cohort, period) in seen else None),
        }
        for (cohort, part), new in sizes.items()
        for period in range(1, MOST[unit] + 1)
    ]


def _measures(period: int, new: int, back: int | None) -> dict[str, Any]:
    return {
        "period_no": period,
        "new_visitors": new,
        "returned_visitors": back,
        METRIC: None if back is None else back / new,
    }


def _together(counts: Mapping[Any, int]) -> dict[Any, int]:
    """*counts* summed over all parts: keys are (cohort, part) or (cohort, part, period).

    In the result the part is ''.
    """
    sums: Counter[Any] = Counter()
    for (cohort, _, *rest), count in counts.items():
        sums[cohort, "", *rest] += count
    return dict(sums)


# Blocks ------------------------------------------------------------------------------------------------


def _chosen(context: Context, key: str, options: Sequence[str]) -> str:
    asked = context.view.get(key)
    return asked if asked in options else options[0]


def _choice(context: Context, key: str, options: Sequence[str], value: str) -> Choice:
    text_of = context.locale.text
    shown = tuple(Option(option, text_of(f"retention.{key}.{option}")) for option in options)
    return Choice(key, text_of(f"retention.{key}"), shown, value, default=options[0])


def _by_choice(context: Context, by: str) -> Choice:
    return _choice(context, "by", ("none", "entrance", "channel"), by)


def _after(context: Context, unit: str) -> Any:
    """A function from a number of periods to its name: ``day 7 after the first visit``."""
    return lambda period: context.locale.text(f"retention.after.{unit}", n=period)


def _cards(context: Context, unit: str, new: int, whole: Sequence[Mapping[str, Any]]) -> Cards:
    locale = context.locale
    numbers = locale.numbers
    rows = {row["period_no"]: row for row in whole}
    cards = [
        Card(
            locale.text("metric.new_visitors"),
            card_text(numbers, "new_visitors", new),
            numbers.full(new),
            definition=definition(locale, "new_visitors"),
            metric="new_visitors",
        )
    ]
    for period in sorted([period for period in _CARDS[unit] if period in rows][:3]):
        row = rows[period]
        cards.append(
            Card(
                locale.text(f"retention.card.{unit}", n=period),
                card_text(numbers, METRIC, row[METRIC]),
                full_text(numbers, METRIC, row[METRIC]),
                definition=locale.text(f"retention.definition.{unit}"),
                note=locale.text(
                    "retention.of", n=numbers.full(row["returned_visitors"]), m=numbers.full(row["new_visitors"])
                ),
                metric=METRIC,
            )
        )
    return Cards(tuple(cards))


def _more_days(context: Context, unit: str, whole: Sequence[Mapping[str, Any]]) -> list[Text]:
    """A link to more days, if no cohort is old enough for the second card and the log has more days."""
    newest = context.copy.newest(context.now)
    first = max(newest - dt.timedelta(days=LONG_DAYS - 1), context.copy.days_of(VISITORS)[0])
    is_old_enough = any(row["period_no"] >= _CARDS[unit][1] for row in whole)
    if is_old_enough or context.days.first <= first:
        return []
    message = context.locale.text("retention.more_days", first=first, last=newest)
    return [Text(message, "note", href=context.view.over(first, newest).href)]


def _curve(
    context: Context,
    unit: str,
    by: str,
    sizes: Sizes,
    returned: Returned,
    seen: Collection[tuple[dt.date, int]],
    whole: Sequence[dict[str, Any]],
) -> Block:
    locale = context.locale
    names = {"": locale.text("retention.all")}
    rows = [dict(row) for row in whole]
    if by != "none":
        known = _part_names(context, by)
        totals: Counter[str] = Counter()
        for (_, part), new in sizes.items():
            totals[part] += new
        names |= {part: known.get(part, part) for part, _ in totals.most_common()}
        rows += curve_rows(sizes, returned, unit, seen)
    drawn = dict(list(names.items())[: len(LINES)])
    for row in rows:
        row["name"] = names[row["part"]]
    columns = [
        *([text(locale.text(f"retention.by.{by}"), "name")] if by != "none" else []),
        _period_column(locale, unit),
        *(exact(locale, name) for name in ("new_visitors", "returned_visitors", METRIC)),
    ]
    table = Table(
        "curve",
        locale.text("retention.curve"),
        columns,
        rows,
        locale.text.joined(locale.text("retention.curve.about"), locale.text(f"retention.definition.{unit}")),
        notes=(locale.text("first_of", n=len(drawn) - 1, m=len(names) - 1),) if len(drawn) < len(names) else (),
        is_wide=True,
        keys=("part",) if by != "none" else (),
    )
    if not rows:
        return Text(locale.text(f"retention.unobserved.{unit}"), "missing")
    figure = retention_curve(locale, rows, drawn, _after(context, unit), locale.text(f"retention.axis.{unit}"))
    return Chart(figure, table, is_wide=True)


def _period_column(locale: Locale, unit: str) -> Column:
    return Column(locale.text(f"retention.axis.{unit}"), lambda row: str(row["period_no"]), field="period_no")


def _part_names(context: Context, by: str) -> dict[str, str]:
    return touchpoint_names(context, "channel") if by == "channel" else context.entrance_names()


def _triangle(
    context: Context, unit: str, sizes: Sizes, returned: Returned, seen: Collection[tuple[dt.date, int]]
) -> Chart:
    locale = context.locale
    form = "%Y-%m" if unit == "month" else "%Y-%m-%d"
    rows = [row | {"cohort": f"{row['cohort']:{form}}"} for row in triangle_rows(sizes, returned, unit, seen)]
    cohorts = list(dict.fromkeys(row["cohort"] for row in rows))
    drawn = set(cohorts[-COHORTS:])
    table = Table(
        "cohorts",
        locale.text(f"retention.triangle.{unit}"),
        [
            text(locale.text(f"retention.cohort.{unit}"), "cohort"),
            _period_column(locale, unit),
            *(exact(locale, name) for name in ("new_visitors", "returned_visitors", METRIC)),
        ],
        rows,
        locale.text("retention.triangle.about"),
        notes=(locale.text("retention.last_cohorts", n=COHORTS, m=len(cohorts)),) if len(cohorts) > COHORTS else (),
        is_wide=True,
    )
    shown = [row for row in rows if row["cohort"] in drawn]
    periods = [
        period for period in SHOWN[unit] if any(row["period_no"] == period and row[METRIC] is not None for row in shown)
    ] or [SHOWN[unit][0]]
    figure = retention_triangle(locale, shown, periods, _after(context, unit), locale.text(f"retention.axis.{unit}"))
    return Chart(figure, table, is_wide=True)
