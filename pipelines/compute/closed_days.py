"""Days whose events are deleted: which partitions stay as they are, and what lands for such days later.

Here: finding both.
Not here: deleting events (``pipelines.compute.old_events``), plans (``pipelines.compute.planner``).
"""

from __future__ import annotations

from pipelines.compute.workspace import Workspace
from pipelines.ingest import TARGETS
from pipelines.lake.partitions import Day, PartitionKey


def closed_versions(workspace: Workspace) -> dict[str, dict[PartitionKey, str]]:
    """Model → partition → version, for partitions that stay as they are because their events are deleted."""
    found: dict[str, dict[PartitionKey, str]] = {}
    for name in workspace.first_days:
        if not workspace.project.models[name].is_detail:
            keys = [key for key in workspace.lake.keys(name) if workspace.is_closed(name, key)]
            found[name] = {key: workspace.lake.footer_version(name, key) for key in keys}
    return found


def late_events(workspace: Workspace, first: Day | None) -> int:
    """The number of landed event records of days from *first* on whose events had already been deleted."""
    if first is None or workspace.events_from is None:
        return 0
    rows = [workspace.raw.rows_by_day(target.table) for target in TARGETS.values()]
    return sum(n for by_day in rows for day, n in by_day.items() if first <= day < workspace.events_from)
