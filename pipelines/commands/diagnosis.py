"""``headwater doctor``: what is wrong with a home, and what to do.

Here: the findings, each with its remedy. They come from the home's files; only failed checks come from Dagster's
records.
Not here: repairing anything (``headwater run``).
"""

from __future__ import annotations

import datetime as dt
import platform
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version
from typing import Literal
from zoneinfo import ZoneInfo

from pipelines.collector.landing import last_written, left_files
from pipelines.compute.damage import damage_error
from pipelines.compute.planner import verified_plan
from pipelines.compute.spark import missing
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.databases.loading import missing_packages
from pipelines.databases.settings import load_databases, url_of
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.ingest import (
    changed_unseen,
    changes,
    day_of,
    describe_drifts,
    describe_never_there,
    drifts,
    load_sources,
    never_there,
    outlook,
)
from pipelines.ingest.batches import manifest_file
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.checksums import are_sound

_LIBRARIES = ("headwater", "dagster", "duckdb", "polars", "sqlglot")
DRIFT_DAYS = 28
"""A source's drifts on this many days before the newest record are listed; older drifts count as normal."""

_FREE_BYTES_WANTED = 2 * 2**30

Level = Literal["ok", "warn", "error"]


@dataclass(frozen=True)
class Finding:
    """The result of one examination, with a remedy if something is wrong."""

    topic: str
    level: Level
    message: str
    remedy: str = ""


def diagnose(home: Home, *, deep: bool = False) -> list[Finding]:
    """Examine the machine and the settings, landed files, lake and checks of *home*. Errors become findings.

    Args:
        home: The home.
        deep: Compare the content of every file with its checksum, not only its size.
    """
    findings = list(_machine(home))
    try:
        workspace = open_workspace(home)
    except HeadwaterError as error:
        remedy = "; ".join(filter(None, [error.remedy or "correct it", "'headwater check' lists all errors"]))
        return [*findings, Finding("settings", "error", error.fault, remedy)]
    start = workspace.settings.start_date
    findings.append(
        Finding(
            "settings", "ok", f"{workspace.settings.timezone}, {workspace.settings.currency}, from {start or '(unset)'}"
        )
    )
    if workspace.settings.engine == "spark":
        fault = missing(workspace.settings.spark)
        cluster = workspace.settings.spark.remote or workspace.settings.spark.master
        findings.append(Finding("spark", "error" if fault else "ok", fault or f"{cluster}; it was not asked"))
    findings += _databases(home)
    if home.forgetting_file.exists():
        remedy = f"run it again for the user whose id is in {home.forgetting_file}"
        findings.append(Finding("forgetting", "error", "'headwater forget' has not finished", remedy))
    findings += _landing(workspace, deep=deep)
    findings += _collector(workspace)
    findings += _batches(workspace)
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        lambda: _damaged_batches(workspace, deep=deep),
        lambda: _damaged_partitions(workspace, deep=deep),
        lambda: _lake(workspace),
        lambda: _failed_checks(workspace),
    )
    for look in looks:
        try:
            findings += look()
        except HeadwaterError as error:
            findings.append(Finding("lake", "error", error.fault, error.remedy or "correct it, then headwater run"))
    return findings


def _machine(home: Home) -> Iterator[Finding]:
    versions = ", ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    yield Finding("versions", "ok", f"Python {platform.python_version()}, {versions}")
    free = shutil.disk_usage(home.root).free
    if free < _FREE_BYTES_WANTED:
        yield Finding(
            "disk", "warn", f"{free / 2**30:.1f} GiB free at {home.root}", "free disk space before the next run"
        )
    else:
        yield Finding("disk", "ok", f"{free / 2**30:.0f} GiB free")


def _databases(home: Home) -> Iterator[Finding]:
    try:
        databases = load_databases(home)
    except HeadwaterError as error:
        yield Finding("databases", "error", error.fault, error.remedy or "correct it")
        return
    if databases and (absent := missing_packages()):
        message = f"{home.databases_file}: is not used, because packages are missing: {', '.join(absent)}"
        yield Finding("databases", "error", message, "pip install 'headwater[database]'")
    for name, database in databases.items():
        try:
            url_of(home, name, database)
        except HeadwaterError as error:  # no error: it may be set only where tables are loaded
            yield Finding("databases", "warn", error.fault, error.remedy)
        else:
            yield Finding("databases", "ok", f"{name}: {len(database.tables)} tables")


def _landing(workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    found = outlook(workspace.home, workspace.settings)
    for error in found.errors:
        yield Finding("landing", "error", error)
    if found.pending:
        remedy = "headwater run; it lists the files that it cannot read"
        yield Finding("landing", "warn", f"{len(found.pending)} files are not yet ingested", remedy)
    if found.is_outdated:
        message = "batches whose mapping, time zone or input settings have changed, or whose raw files are gone"
        yield Finding("landing", "warn", message, "headwater run reads their files again")
    if not found.has_work:
        yield Finding("landing", "ok", "every landed file is ingested")
    for change in changes(workspace.raw.batches):
        remedy = f"if they should replace the earlier ones: remove {workspace.raw.root}, then headwater run"
        yield Finding("landing", "warn", change.describe(), remedy)
    for line in changed_unseen(workspace.home.landing, workspace.raw.batches) if deep else ():
        yield Finding("landing", "warn", line)


def _collector(workspace: Workspace) -> Iterator[Finding]:
    try:
        left, last = left_files(workspace.home), last_written(workspace.home)
    except OSError as error:
        yield Finding("collector", "error", f"{error.filename}: cannot be read: {error.strerror}")
        return
    if left:
        message = f"{len(left)} files of killed processes, which ingestion does not read, e.g. {left[0]}"
        yield Finding("collector", "warn", message, "headwater collect completes them when it starts")
    if last is not None:
        moment = dt.datetime.fromtimestamp(last, ZoneInfo(workspace.settings.timezone))
        yield Finding("collector", "ok", f"last events written {moment:%Y-%m-%d %H:%M:%S}")


def _batches(workspace: Workspace) -> Iterator[Finding]:
    batches = [batch for batch in workspace.raw.batches if batch.kind == "file"]
    sources = {source.name: source for source in load_sources(workspace.home)}
    newest = max(map(day_of, batches), default=dt.date.min)
    recent = [drift for drift in drifts(batches, sources) if (newest - drift.day).days < DRIFT_DAYS]
    for line in describe_drifts(recent):
        yield Finding("drift", "warn", line)
    for line in describe_never_there(never_there(batches, sources)):
        yield Finding("columns", "ok", line)
    records, refused = sum(b.records for b in batches), sum(b.quarantined for b in batches)
    if refused:
        share = f"{refused:,} of {records:,} records quarantined"
        # The remedy queries raw.quarantine, which ingestion itself fills; core.quarantine may be stale.
        remedy = (
            'headwater sql "SELECT file, reasons, count(*) FROM raw.quarantine GROUP BY ALL"; if a source writes '
            "amounts below zero, or times with words, its SQL can convert them: docs/user-guide.md, "
            "'What a value may be'"
        )
        yield Finding("quarantine", "warn" if refused * 100 > records else "ok", share, remedy)


def _damaged_batches(workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    for damage in workspace.raw.damaged(deep=deep):
        error = damage_error(workspace, damage)
        yield Finding("raw", "error", error.fault, error.remedy)


def _damaged_partitions(workspace: Workspace, *, deep: bool) -> Iterator[Finding]:
    folders = [manifest_file(workspace.raw.root).parent]
    for table in workspace.project.models:
        folders.append(workspace.lake.folder(table))
        for path in workspace.lake.damaged(table, workspace.lake.versions(table, deep=deep)):
            remedy = workspace.remedy_for_damage(*workspace.lake.partition(path))
            yield Finding("lake", "error", f"{path}: damaged: it does not match {folders[-1] / CHECKSUMS}", remedy)
    for folder in folders:
        if not are_sound(folder):
            yield Finding("lake", "error", f"{folder / CHECKSUMS}: damaged", "headwater run --verify writes it again")


def _lake(workspace: Workspace) -> Iterator[Finding]:
    plan = verified_plan(workspace)
    if before := plan.describe_before():
        yield Finding("start", "warn", before)
    if closed := plan.describe_closed():
        yield Finding("retention", "warn" if plan.late else "ok", closed)
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
    from assets.instance import failed_checks

    failed = failed_checks(workspace.home)
    for check in failed:
        level: Level = "error" if check.severity == "error" else "warn"
        yield Finding("checks", level, f"{check.name}: {check.found}", "see the check's remedy")
    if not failed:
        yield Finding("checks", "ok", "no check failed when last run")
