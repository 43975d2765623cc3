"""A change of a slot judged against a control: other slots, or the same slot on other days of the week.

Here: choosing the days and the control of a change, and passing them to the statistics.
Not here: the statistics (``dashboards.trends``), the blocks that show it (``dashboards.app.pages.judged_change``).
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.app.context import Context
from dashboards.queries import query
from dashboards.sections.verdicts import bounds, difference_text
from dashboards.trends import Day, Judged, judge

METRICS: Mapping[str, tuple[str, str, float, str]] = {
    "slot_click_rate": ("clicks_with_impressions", "impressions", 1, "clicks_with_impressions"),
    "click_through_rate": ("product_clicks", "exposures", 1, "product_clicks"),
    "revenue_per_mille_impressions": ("revenue_with_impressions", "impressions", 1000, "order_lines"),
    "revenue_per_mille": ("revenue", "exposures", 1000, "order_lines"),
}
"""Metric → its numerator, denominator, factor, and the column that counts its events."""

_NAMES = frozenset(name for top, bottom, _, events in METRICS.values() for name in (top, bottom, events))

WEEKS = 12
"""A day is compared with the same weekday in up to this many weeks before."""

Slot = tuple[str, str, int]
"""Page type, module and number of a slot."""

Sums = Mapping[str, float]

_NOTHING: Sums = defaultdict(float)


@dataclass(frozen=True)
class Against:
    """A change judged against a control.

    Attributes:
        judged: The result; None: there is no control.
        control: ``module`` or ``page``: the other slots of the slot's module or page, if their content did not change;
            ``weekdays``: the same slot on other days; '': there is no control.
        slots: The slots of the control.
    """

    judged: Judged | None
    control: str = ""
    slots: tuple[Slot, ...] = ()


class SlotDays:
    """What slots showed on each day, with their traffic and sales."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """*rows* are those of the query ``slots.content_days``: the content shown most on a day comes first."""
        self._sums: dict[Slot, dict[dt.date, dict[str, Sums]]] = defaultdict(lambda: defaultdict(dict))
        for row in rows:
            slot = (row["head_page_type"], row["head_module"], row["head_slot"])
            sums = {name: float(row[name] or 0) for name in _NAMES}
            self._sums[slot][row["dt"]][row["head_content_id"]] = sums

    def content(self, slot: Slot, day: dt.date) -> str | None:
        """The content that *slot* showed most on *day*; None if it was not seen."""
        shown = self._sums.get(slot, {}).get(day)
        return next(iter(shown)) if shown else None

    def days_of(self, slot: Slot, content: str) -> list[dt.date]:
        """The days on which *slot* showed *content* most."""
        return [day for day in self._sums.get(slot, {}) if self.content(slot, day) == content]

    def of_contents(self, metric: str, slot: Slot, content: str, before: str, days: Collection[dt.date]) -> Against:
        """How *slot* changed from the days when it showed *before* to those when it showed *content*, among *days*.

        The control is other slots.
        """
        after_days, before_days = ({day for day in self.days_of(slot, key) if day in days} for key in (content, before))
        shown = dict.fromkeys(after_days, content) | dict.fromkeys(before_days, before)
        return self._by_slots(metric, slot, before_days, after_days, shown)

    def of_change(self, metric: str, row: Mapping[str, Any]) -> Against:
        """The change in a *row* of the query ``slots.changes``: days of the new content against days of the old one."""
        first, last = row["first_day_before"], row["last_day"]
        days = {first + dt.timedelta(days=nth) for nth in range((last - first).days + 1)}
        slot = (row["head_page_type"], row["head_module"], row["head_slot"])
        return self.of_contents(metric, slot, row["content"], row["content_before"], days)

    def since(self, metric: str, slot: Slot, day: dt.date, days: Collection[dt.date]) -> Against:
        """How *slot* changed on *day*: later days compared with earlier ones, among *days*, whatever it showed.

        The control is other slots.
        """
        return self._by_slots(metric, slot, {one for one in days if one < day}, {one for one in days if one >= day}, {})

    def weekday(self, metric: str, slot: Slot, day: dt.date) -> Against:
        """How *slot* on *day* alone differs from the same weekday in earlier weeks.

        The control of each of these days is the six days before it.
        """
        units = []
        for week in range(WEEKS + 1):
            own = day - dt.timedelta(days=7 * week)
            others = [own - dt.timedelta(days=back) for back in range(1, 7)]
            if self.content(slot, own) is not None and all(self.content(slot, one) is not None for one in others):
                control = [self._total(slot, one) for one in others]
                units.append(_unit(metric, -week, week == 0, [self._total(slot, own)], control))
        return Against(judge(units), "weekdays", (slot,))

    def _by_slots(
        self,
        metric: str,
        slot: Slot,
        before: Collection[dt.date],
        after: Collection[dt.date],
        shown: Mapping[dt.date, str],
    ) -> Against:
        control, others = self._control(slot, before, after)
        if not others:
            return Against(None)
        units = []
        for day in (*before, *after):
            own = self._sums[slot][day].get(shown[day], _NOTHING) if day in shown else self._total(slot, day)
            units.append(_unit(metric, day.toordinal(), day in after, [own], [self._total(one, day) for one in others]))
        return Against(judge(units), control, tuple(others))

    def _control(self, slot: Slot, before: Collection[dt.date], after: Collection[dt.date]) -> tuple[str, list[Slot]]:
        """The slots that serve as control: those whose contents are the same before and after.

        They are slots of the same module; if there are none, of the same page. The first value says which: ``module``
        or ``page``.
        """

        def is_steady(other: Slot) -> bool:
            then, now = ({self.content(other, day) for day in days} - {None} for days in (before, after))
            return bool(then) and then == now

        steady = [other for other in self._sums if other != slot and other[0] == slot[0] and is_steady(other)]
        module = [other for other in steady if other[1] == slot[1]]
        return ("module", module) if module else ("page", steady)

    def _total(self, slot: Slot, day: dt.date) -> Sums:
        total: dict[str, float] = defaultdict(float)
        for sums in self._sums.get(slot, {}).get(day, {}).values():
            for name, value in sums.items():
                total[name] += value
        return total


def _unit(metric: str, number: int, is_after: bool, slot: Iterable[Sums], control: Iterable[Sums]) -> Day:
    top, bottom, factor, events = METRICS[metric]

    def summed(parts: Iterable[Sums]) -> tuple[float, float, float]:
        parts = list(parts)
        return (
            factor * sum(one[top] for one in parts),
            sum(one[bottom] for one in parts),
            sum(one[events] for one in parts),
        )

    (own_top, own_bottom, own_events), (others_top, others_bottom, others_events) = summed(slot), summed(control)
    return Day(number, is_after, own_top, own_bottom, others_top, others_bottom, own_events, others_events)


def slot_days(context: Context, first: dt.date, last: dt.date, page_type: str = "") -> SlotDays:
    """The slots of *page_type*, '' for any, from *first* to *last*."""
    return SlotDays(context.rows(query("slots.content_days"), **{"from": first, "to": last, "page_type": page_type}))


def changes_of(context: Context, entrance: str, place: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of the query ``slots.changes``, without contents of A/B tests: showing another variant is no change."""
    tests = context.copy.settings.experiments.pattern
    return context.rows(query("slots.changes"), entrance=entrance, tests=tests, **place)


def verdict(context: Context, metric: str, against: Against) -> str:
    """The result of the comparison with the control, as a sentence."""
    text = context.locale.text
    if against.judged is None:
        return text("control.none")
    interval = against.judged.interval
    if not against.judged.has_enough_days:
        return text("control.days_few", n=against.judged.days_before, m=against.judged.days_after)
    if interval.effect is None:
        return text("control.events_few")
    size = difference_text(context.locale, metric, abs(interval.effect)).removeprefix("+")
    said = bounds(context.locale, metric, interval)
    return text(f"control.{interval.verdict}", n=size, interval=said, control=text(f"control.of.{against.control}"))
