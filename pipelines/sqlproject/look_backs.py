"""How far back each table reads the events, so that old events can be deleted.

If the events before a day are deleted, a table that reads events n days back can be computed only for days at least n
days after that day. Its earlier days are deleted if the table has ``detail: true``; otherwise they are kept unchanged.

Here: the number n of each table, and refusing models that would need deleted events.
Not here: deleting (``pipelines.compute.old_events``), the effect on a plan (``pipelines.compute.planner``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from pathlib import Path

from pipelines.home.errors import HeadwaterError
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.sqlproject.model import Check, Model, SqlFile
from pipelines.sqlproject.project import Project

DELETED = frozenset(table for table, columns in RAW_TABLES.items() if "dt" in columns)
"""The raw tables whose old days are deleted: those that are divided by day."""

PERSONAL = frozenset({"device_id", "user_id", "person_id", "session_id", "order_id"})
"""Columns by which rows belong to a person. ``headwater forget`` cannot change a day whose events are deleted."""

_EVENT_ID = "event_id"


def look_backs(project: Project) -> dict[str, int]:
    """Table → how many days back it reads events, directly or through tables with ``detail: true``.

    Reading a table without ``detail`` does not count as reading events, because all days of that table are kept.

    Raises:
        HeadwaterError: a model or check needs events or details of all days, or a table without ``detail`` has rows
            that belong to persons.
    """
    found: dict[str, int] = {}
    readable = dict.fromkeys(DELETED, 0)
    for model in project.models.values():
        files: tuple[SqlFile, ...] = (model, *project.checks[model.name])
        days = [n for file in files for n in _days_back(project, file, readable)]
        if not days:
            if model.is_detail:
                raise _refusal(model, "has 'detail: true', but reads neither events nor other details", "remove it")
            continue
        _refuse(project, model)
        found[model.name] = max(days)
        if model.is_detail:
            readable[model.name] = found[model.name]
    return found


def first_days(project: Project, events_from: dt.date | None) -> dict[str, dt.date]:
    """Table → the first day that can be computed from the events since *events_from*; only tables that read events.

    Empty if *events_from* is None: no events were ever deleted.

    Raises:
        HeadwaterError: as in ``look_backs``.
    """
    if events_from is None:
        return {}
    return {table: events_from + dt.timedelta(days=n) for table, n in look_backs(project).items()}


def require_days(look_back: Mapping[str, int], events_days: int, file: Path) -> None:
    """Raise a HeadwaterError if *events_days*, in the settings *file*, is too small for a table of *look_back*."""
    table = max(look_back, key=lambda name: look_back[name])
    if events_days <= look_back[table]:
        raise HeadwaterError(
            f"retention.events_days: {events_days} is too short: {table} reads events {look_back[table]} days back",
            where=file,
            remedy=f"set at least {look_back[table] + 1}; a larger number lets late events change older days",
        )


def _days_back(project: Project, file: SqlFile, readable: Mapping[str, int]) -> Iterator[int]:
    """How many days back *file* reads events, directly and through other tables.

    *readable*: table → how many days back that table reads them.
    """
    for read in project.reads[file.name]:
        if read.table not in readable or (isinstance(file, Check) and read.table == file.model):
            continue
        if read.days is None:
            raise _refusal(
                file,
                f"reads all days of {read.table}, whose old days are deleted because retention.events_days is set",
                "read only the last days, or totals by day such as attribution.entrance_daily",
            )
        yield readable[read.table] + read.days


def _refuse(project: Project, model: Model) -> None:
    """Refuse *model*, which reads events, if deleting old events would break the model or ``headwater forget``."""
    if model.is_detail:
        if project.reads_itself(model):
            raise _refusal(model, "reads its own day before, so it cannot have 'detail: true'", "remove one of them")
        return
    named = sorted(name for name in model.columns if name in PERSONAL or name.endswith(_EVENT_ID))
    if named:
        raise _refusal(
            model,
            f"reads events and has the column {named[0]}: when old events are deleted (retention.events_days), "
            "'headwater forget' can no longer find a person's rows in it",
            "add 'detail: true' to its header, so that its old days are deleted with the events",
        )
    if project.is_versioned_by_content(model):
        raise _refusal(
            model,
            "is versioned by its rows and reads events, whose old days are deleted (retention.events_days)",
            "add 'detail: true' to its header, so that its old days are deleted with the events",
        )


def _refusal(file: SqlFile, what: str, remedy: str) -> HeadwaterError:
    return HeadwaterError(what, where=f"{file.path}:1", remedy=remedy)
