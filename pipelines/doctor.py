"""``headwater doctor``: what is wrong with a home, and what to do.

Here: the findings, each with its remedy. They are derived from the files, like everything else; only the failed
checks come from Dagster's records.
Not here: repairing anything: ``headwater run`` does.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal

from pipelines.duck import session
from pipelines.errors import HeadwaterError
from pipelines.home import Home
from pipelines.ingest import outlook
from pipelines.planner import make_plan
from pipelines.workspace import Workspace, open_workspace

_LIBRARIES = ("headwater", "dagster", "duckdb", "polars", "sqlglot")
_FREE_BYTES_WANTED = 2 * 2**30

Level = Literal["ok", "warn", "error"]


@dataclass(frozen=True)
class Finding:
    """Something looked at: how it is, and what to do if it is not well."""

    topic: str
    level: Level
    message: str
    remedy: str = ""


def diagnose(home: Home) -> list[Finding]:
    """Look at *home* from the machine up to the marts; never raises for what it finds."""
    findings = list(_machine(home))
    try:
        workspace = open_workspace(home)
    except HeadwaterError as error:
        return [*findings, Finding("settings", "error", str(error), "correct it; 'headwater check' tells all faults")]
    start = workspace.settings.start_date
    findings.append(
        Finding(
            "settings", "ok", f"{workspace.settings.timezone}, {workspace.settings.currency}, from {start or '(unset)'}"
        )
    )
    findings += _landing(workspace)
    findings += _batches(workspace)
    for look in (_lake, _failed_checks):
        try:
            findings += look(workspace)
        except HeadwaterError as error:
            findings.append(Finding("lake", "error", str(error), "mend it, then headwater run"))
    return findings


def _machine(home: Home) -> Iterator[Finding]:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield Finding("versions", "ok", f"Python {platform.python_version()}, {versions}")
    free = shutil.disk_usage(home.root).free
    if free < _FREE_BYTES_WANTED:
        yield Finding("disk", "warn", f"{free / 2**30:.1f} GiB free at {home.root}", "make room before the next run")
    else:
        yield Finding("disk", "ok", f"{free / 2**30:.0f} GiB free")


def _landing(workspace: Workspace) -> Iterator[Finding]:
    found = outlook(workspace.home, workspace.settings)
    for error in found.errors:
        yield Finding("landing", "error", error)
    if found.pending:
        remedy = "headwater run; it names those that it cannot read"
        yield Finding("landing", "warn", f"{len(found.pending)} files wait to be ingested", remedy)
    if found.is_outdated:
        message = "batches were read under another mapping or time zone"
        yield Finding("landing", "warn", message, "headwater run reads their files again")
    if not found.has_work:
        yield Finding("landing", "ok", "every landed file is ingested")


def _batches(workspace: Workspace) -> Iterator[Finding]:
    batches = [batch for batch in workspace.raw.batches if batch.kind == "file"]
    records, refused = sum(b.records for b in batches), sum(b.quarantined for b in batches)
    if refused:
        share = f"{refused:,} of {records:,} records quarantined"
        remedy = 'headwater sql "SELECT reasons, count(*) FROM core.quarantine GROUP BY reasons"'
        yield Finding("quarantine", "warn" if refused * 100 > records else "ok", share, remedy)
    lost = [path for path in sorted(workspace.raw.paths()) if not (workspace.raw.root / path).is_file()]
    if lost:
        message = f"{len(lost)} files of ingested records are gone, e.g. {workspace.raw.root / lost[0]}"
        remedy = f"restore them, or remove {workspace.raw.root} to read everything in the landing folder again"
        yield Finding("raw", "error", message, remedy)


def _lake(workspace: Workspace) -> Iterator[Finding]:
    with session(workspace.home, workspace.settings) as connection:
        plan = make_plan(workspace, connection)
    if before := plan.describe_before():
        yield Finding("start", "warn", before)
    partitions = sum(len(keys) for keys in plan.expected.values())
    if plan.is_empty:
        through = f", {plan.first} to {plan.last}" if plan.first and plan.last else ""
        yield Finding("lake", "ok", f"all {partitions} partitions are up to date{through}")
        return
    for table, keys in plan.stale.items():
        days = sorted(key for key in keys if key is not None)
        span = f" from {days[0]} to {days[-1]}" if days else ""
        yield Finding("lake", "warn", f"{table}: {len(keys)} stale partitions{span}", "headwater run")
    for table, keys in plan.obsolete.items():
        yield Finding("lake", "warn", f"{table}: {len(keys)} partitions without inputs", "headwater run removes them")


def _failed_checks(workspace: Workspace) -> Iterator[Finding]:
    from pipelines.launch import failed_checks

    failed = failed_checks(workspace.home)
    for check in failed:
        level: Level = "error" if check.severity == "error" else "warn"
        yield Finding("checks", level, f"{check.name}: {check.found}", "see the check's remedy")
    if not failed:
        yield Finding("checks", "ok", "no check failed when last run")
