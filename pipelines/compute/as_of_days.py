"""The tables that are kept for some days only: snapshots, and tables of the last days.

A snapshot is a table as of the end of a day, for example of customers.
Here: finding these days, from the settings and from the earlier days with which other snapshots are compared.
Not here: the content of a table (``sql/``), when it is stale (``pipelines.compute.planner``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pipelines.home.settings import SnapshotSettings
from pipelines.lake.partitions import Day, DaySpan
from pipelines.sqlproject.project import Project


def kept_days(project: Project, settings: SnapshotSettings, span: DaySpan | None) -> dict[str, list[Day]]:
    """For each model with ``as_of`` or ``last_days``, the days of *span* for which it is kept, in order.

    *span* is all days that are computed; None if there are none. Other models are kept for all days.
    """
    if span is None:
        return {}
    recent = {name: span.days[max(0, len(span.days) - number) :] for name, number in project.last_days.items()}
    return {**snapshot_days(project, settings, span), **recent}


def snapshot_days(project: Project, settings: SnapshotSettings, span: DaySpan) -> dict[str, list[Day]]:
    """For each model with ``as_of``, the days of *span* for which snapshots of it are kept, in order.

    These are the last day of each month, the last ``daily_for_days`` days unless ``as_of`` is ``month_end``, and the
    earlier days with which a kept snapshot is compared (its SQL has ``dt = $dt - n``).
    """
    month_ends = set(_month_ends(span.first, span.last))
    recent = {span.last - dt.timedelta(days=n) for n in range(settings.daily_for_days)}
    days: dict[str, set[Day]] = {}
    for name in reversed(list(project.models)):  # readers first: their days decide which days of their inputs are kept
        as_of = project.models[name].as_of
        if as_of:
            own = month_ends if as_of == "month_end" else month_ends | recent
            days[name] = {day for day in own | _compared(project, name, days) if span.first <= day <= span.last}
    return {name: sorted(found) for name, found in days.items()}


def _compared(project: Project, name: str, days: Mapping[str, set[Day]]) -> set[Day]:
    """The days of table *name* with which the snapshots in *days* (model → days) are compared (``dt = $dt - n``)."""
    return {
        parent
        for reader, own in days.items()
        for read in project.reads[reader]
        if read.table == name and read.is_exact
        for day in own
        for parent in read.days_of(day)
    }


def _month_ends(first: Day, last: Day) -> list[Day]:
    ends = []
    day = first.replace(day=1)
    while day <= last:
        day = (day + dt.timedelta(days=32)).replace(day=1)
        ends.append(day - dt.timedelta(days=1))
    return ends
