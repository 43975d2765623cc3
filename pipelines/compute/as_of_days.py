"""Which days the snapshots are kept of: customers and their like as they stood at the end of a day.

Here: the days, from the settings and from what other snapshots compare with.
Not here: what a snapshot holds (``sql/``), when it is stale (``pipelines.compute.planner``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from pipelines.home.settings import SnapshotSettings
from pipelines.lake.partitions import Day, DaySpan
from pipelines.sqlproject.project import Project


def snapshot_days(project: Project, settings: SnapshotSettings, span: DaySpan) -> dict[str, list[Day]]:
    """The days of *span* of which each model as of a day has a partition, by the model's name.

    These are the last ``daily_for_days`` and the ends of the months before; and the days with which a kept snapshot
    compares itself (``dt = $dt - n``), or there would be nothing to compare it with.
    """
    month_ends = set(_month_ends(span.first, span.last))
    recent = {span.last - dt.timedelta(days=n) for n in range(settings.daily_for_days)}
    days: dict[str, set[Day]] = {}
    for name in reversed(list(project.models)):  # each before what it reads
        as_of = project.models[name].as_of
        if as_of:
            own = month_ends if as_of == "month_end" else month_ends | recent
            days[name] = {day for day in own | _compared(project, name, days) if span.first <= day <= span.last}
    return {name: sorted(found) for name, found in days.items()}


def _compared(project: Project, name: str, days: Mapping[str, set[Day]]) -> set[Day]:
    """The days of *name* that the snapshots of the models in *days* name one by one."""
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
