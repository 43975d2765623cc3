"""Deleting old events, and the tables with a row for each of them, when ``retention.events_days`` says so.

Here: how far events can be deleted, and deleting them with the days of the tables that have ``detail: true``.
Not here: the raw files (``pipelines.ingest.old_events``), how far back tables read events
(``pipelines.sqlproject.look_backs``), files outside of the lake (``pipelines.ingest.retention``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from pipelines.compute.damage import name_damaged_file
from pipelines.compute.planner import Plan, make_plan
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.folder import Home
from pipelines.ingest.old_events import delete_events, raw_files_before
from pipelines.lake.duck import session
from pipelines.lake.partitions import Day, PartitionKey
from pipelines.sqlproject.look_backs import look_backs


@dataclass(frozen=True)
class OldEvents:
    """What is deleted, or would be.

    Attributes:
        before: Events of earlier days are deleted.
        raw_files: The number of their raw files.
        partitions: Table with ``detail: true`` → its days that are deleted too.
        bytes: The size of all these files.
        waiting: Why later days, which are old enough, are kept; '' if none are.
    """

    before: Day
    raw_files: int
    partitions: Mapping[str, frozenset[PartitionKey]]
    bytes: int
    waiting: str = ""

    def describe(self, done: str) -> str:
        """What is deleted in one line; *done*: 'deleted' or 'would be deleted'."""
        days = sum(len(keys) for keys in self.partitions.values())
        tables = len(self.partitions)
        line = (
            f"events before {self.before}: {self.raw_files:,} raw files and {days:,} partitions of {tables} tables, "
            f"{self.bytes / 1e6:,.1f} MB {done}"
        )
        return f"{line}; {self.waiting}" if self.waiting else line


def old_events(home: Home, now: dt.datetime) -> OldEvents | None:
    """What may be deleted at *now* according to ``retention.events_days``; None if nothing.

    The events of a day are deleted only if all tables without ``detail: true`` that need them are up to date.

    Raises:
        HeadwaterError: the home cannot be read, or a model's query fails.
    """
    workspace = open_workspace(home)
    days = workspace.settings.retention.events_days
    if days is None:
        return None
    with name_damaged_file(workspace), session(home, workspace.settings) as connection:
        plan = make_plan(workspace, connection)
    if plan.last is None:
        return None
    # A record with a wrong date must not delete anything, so no day after today counts.
    last = min(plan.last, now.astimezone(ZoneInfo(workspace.settings.timezone)).date())
    before, waiting = _not_needed(workspace, plan, last - dt.timedelta(days=days))
    if workspace.events_from is not None:
        before = max(before, workspace.events_from)
    raw = raw_files_before(home, before)
    if not raw and workspace.events_from is None:
        # No event is old enough to delete, and none was ever deleted, so the tables with details keep all their days.
        return OldEvents(before, 0, {}, 0, waiting) if waiting else None
    closed = replace(workspace, events_from=before)
    partitions = {name: keys for name in closed.first_days if (keys := _details(closed, name))}
    if not (raw or partitions or waiting):
        return None
    paths = [*raw, *(workspace.lake.file(name, key) for name, keys in partitions.items() for key in keys)]
    return OldEvents(before, len(raw), partitions, sum(path.stat().st_size for path in paths), waiting)


def delete(home: Home, old: OldEvents) -> None:
    """Delete *old* from *home*. The caller must have the home's lock since calling ``old_events``.

    Raises:
        HeadwaterError: a file cannot be written, or 'headwater forget' was interrupted.
    """
    if not (old.raw_files or old.partitions):
        return
    delete_events(home, old.before)
    lake = open_workspace(home).lake
    for table, keys in old.partitions.items():
        for key in keys:
            lake.remove(table, key)


def _not_needed(workspace: Workspace, plan: Plan, before: Day) -> tuple[Day, str]:
    """The day before which no stale partition needs events, at most *before*; and the reason if it is earlier.

    Tables with ``detail: true`` do not count, because their old days are deleted too.
    """
    waiting = ""
    back = look_backs(workspace.project)
    for table in back.keys() & plan.stale.keys():
        if workspace.project.models[table].is_detail:
            continue
        for day in filter(None, plan.stale[table]):
            needed = day - dt.timedelta(days=back[table])
            if needed < before:
                before = needed
                waiting = f"later ones are kept, because {table} of {day} is not up to date: see 'headwater run'"
    return before, waiting


def _details(workspace: Workspace, name: str) -> frozenset[PartitionKey]:
    """The partitions of *name* that are deleted with their events; empty for a table without ``detail: true``."""
    if not workspace.project.models[name].is_detail:
        return frozenset()
    return frozenset(key for key in workspace.lake.keys(name) if workspace.is_closed(name, key))
