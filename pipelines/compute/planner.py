"""What is stale: derived from the inputs and the footers, never remembered.

Here: which partitions there should be, which of them have another version than they would have if they were made
today, and in which runs they are computed.
Not here: what a version is (``pipelines.compute.versions``), making the rows (``pipelines.compute.runner``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.compute.as_of_days import snapshot_days
from pipelines.compute.damage import damage_named
from pipelines.compute.inputs import Verifier
from pipelines.compute.versions import content_versions, input_version
from pipelines.compute.workspace import Workspace, mount_view
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.ingest import RAW_TABLES, TARGETS
from pipelines.lake.duck import first_line, identifier, session
from pipelines.lake.partitions import Day, DaySpan, PartitionKey, parquet_sql, relation_sql
from pipelines.sqlproject.model import Model
from pipelines.sqlproject.project import Project
from pipelines.sqlproject.reads import Read

Keys = frozenset[PartitionKey]

_Piece = tuple[DaySpan, frozenset[str]]
"""Days in a row, and the tables that are to be computed on them."""

LONGEST_GAP_DAYS = 14
"""Days without anything to compute that a segment may hold."""

LONGEST_SILENCE_DAYS = 31
"""Days in a row without any record that the history of a shop may hold, where the settings name no start date."""


@dataclass(frozen=True)
class Plan:
    """The partitions of every model: which there should be, in which version, and what differs.

    Attributes:
        first, last: The days that are computed; None while nothing has landed.
        expected: Model → partition → version.
        stale: Model → partitions whose version differs or that are missing; models without any are left out.
        obsolete: Model → partitions that should not be there (any more).
        damaged: Files of partitions that are not as they were written; their partitions are stale.
        before: By target, how many of its records landed that are of days before *first*: they are not computed.
        earliest: The first of these days.
    """

    first: Day | None
    last: Day | None
    expected: Mapping[str, Mapping[PartitionKey, str]]
    stale: Mapping[str, Keys]
    obsolete: Mapping[str, Keys]
    damaged: tuple[Path, ...] = ()
    before: Mapping[str, int] = field(default_factory=dict)
    earliest: Day | None = None

    def describe_before(self) -> str:
        """A line on what has landed and lies before the first day; '' if nothing does."""
        if not any(self.before.values()):
            return ""
        counts = " and ".join(f"{count:,} {target}" for target, count in self.before.items())
        return (
            f"{counts} lie before start_date {self.first} "
            f"(from {self.earliest} on) and are not computed; if their days are right, set start_date in "
            "config/headwater.yaml to an earlier one to have them"
        )

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.stale and not self.obsolete

    def stale_days(self) -> list[Day]:
        """The days on which any table is stale, in order."""
        return sorted({key for keys in self.stale.values() for key in keys if key is not None})


@dataclass(frozen=True)
class Segment:
    """Days in a row on which the same tables are to be computed, or tables without days (None): one run."""

    span: DaySpan | None
    tables: frozenset[str]


def make_plan(workspace: Workspace, connection: duckdb.DuckDBPyConnection, *, deep: bool = False) -> Plan:
    """Compare what the lake of *workspace* should hold with what it holds.

    Args:
        workspace: The home.
        connection: A session in which the small, whole models are evaluated.
        deep: Compare the content of every partition with its checksum, not only its size.
    """
    landed = landed_days(workspace, connection)
    first = workspace.settings.start_date or (landed[0] if landed else None)
    last = landed[1] if landed else None
    expected = _expected(workspace, connection, first, last)
    stale: dict[str, Keys] = {}
    obsolete: dict[str, Keys] = {}
    damaged: list[Path] = []
    for name, versions in expected.items():
        present = workspace.lake.versions(name, deep=deep)
        damaged += workspace.lake.damaged(name, present)
        if differing := frozenset(key for key, version in versions.items() if present.get(key) != version):
            stale[name] = differing
        if unexpected := frozenset(present.keys() - versions.keys()):
            obsolete[name] = unexpected
    return Plan(first, last, expected, stale, obsolete, tuple(damaged), *_before(workspace, connection, first))


def sound_plan(workspace: Workspace, *, deep: bool = False) -> Plan:
    """``make_plan``; if it says that anything is to be done, it was made of raw files that are as they were written.

    Raises:
        HeadwaterError: a raw file is damaged, or a model's query fails.
    """
    with damage_named(workspace), session(workspace.home, workspace.settings) as connection:
        plan = make_plan(workspace, connection, deep=deep)
    if not plan.is_empty:
        # Models that are versioned by their rows were evaluated on these tables. Tables that are read day by day are
        # left to the runner, which verifies its inputs: hashing all events would make each run as long as the history.
        project = workspace.project
        by_content = [name for name, model in project.models.items() if project.is_judged_by_content(model)]
        tables = {
            read.table
            for name in by_content
            for read in project.reads[name]
            if read.table in RAW_TABLES and not (read.offsets and project.is_partitioned(read.table))
        }
        Verifier(workspace).verify_all(sorted(tables))
    return plan


def _before(
    workspace: Workspace, connection: duckdb.DuckDBPyConnection, first: Day | None
) -> tuple[dict[str, int], Day | None]:
    """By target, how many of its records are of days before *first*; and the earliest of these days."""
    if first is None:
        return {}, None
    counts: dict[str, int] = {}
    days: list[Day] = []
    for name, target in TARGETS.items():
        if target.partitioned:
            rows = {day: count for day, count in workspace.raw.rows_by_day(target.table).items() if day < first}
            counts[name] = sum(rows.values())
            days += rows
        elif day := target.own_day:
            counts[name] = 0
            if files := workspace.files(target.table, None):
                key = ", ".join(map(identifier, target.key))
                query = f"SELECT count(DISTINCT ({key})), min({day}) FROM {parquet_sql(files)} WHERE {day} < ?"
                counts[name], earliest = connection.execute(query, [first]).fetchall()[0]
                days += [earliest] if earliest else []
    return counts, min(days, default=None)


def landed_days(workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> tuple[Day, Day] | None:
    """The first and last day to compute of those on which a record counts that has landed; None without any.

    The first is ``first_of_shop``: what lies before a long silence is a wrong clock or another time of the shop.
    """
    days: set[Day] = set()
    for target in TARGETS.values():
        days |= workspace.raw.rows_by_day(target.table).keys()
        files = workspace.files(target.table, None) if target.counted_on else []
        for counted in target.counted_on if files else ():
            query = (
                f"SELECT DISTINCT {counted.column} FROM {parquet_sql(files)} "
                f"WHERE {counted.condition} AND {counted.column} IS NOT NULL"
            )
            days |= {day for (day,) in connection.execute(query).fetchall()}
    return (first_of_shop(days), max(days)) if days else None


def first_of_shop(days: Collection[Day]) -> Day:
    """The first of *days* (not empty) after which no more than ``LONGEST_SILENCE_DAYS`` days in a row are missing."""
    first, *earlier = sorted(days, reverse=True)
    for day in earlier:
        if (first - day).days - 1 > LONGEST_SILENCE_DAYS:
            break
        first = day
    return first


def _expected(
    workspace: Workspace, connection: duckdb.DuckDBPyConnection, first: Day | None, last: Day | None
) -> dict[str, dict[PartitionKey, str]]:
    project = workspace.project
    expected: dict[str, dict[PartitionKey, str]] = {}
    given: dict[str, Mapping[PartitionKey, str]] = {}

    def version_of(table: str, key: PartitionKey) -> str | None:
        if table in expected:
            return expected[table].get(key)
        if table not in given:
            config = table in CONFIG_TABLES
            given[table] = {None: workspace.config.version(table)} if config else workspace.raw.versions(table)
        return given[table].get(key)

    span = DaySpan(first, last) if first and last else None
    days = span.days if span else []
    snapshots = snapshot_days(project, workspace.settings.snapshots, span) if span else {}
    for name, model in project.models.items():
        if project.is_judged_by_content(model):
            workspace.mount(connection, _unmounted(workspace, model), span)
            if model.is_partitioned and span is None:
                sql = relation_sql(model.types, [])  # nothing has landed
            else:
                sql = project.sql(model, span if model.is_partitioned else None)
            # Models that read this one see its query, not its file: that may be out of date.
            mount_view(connection, name, sql)
            expected[name] = _evaluated(connection, model)
        else:
            expected[name] = {}
            for day in snapshots.get(name, []) if model.as_of else days:
                # In order of the days: one that reads itself finds the version of its day before.
                if (version := input_version(workspace, model, day, version_of)) is not None:
                    expected[name][day] = version
    return expected


def _evaluated(connection: duckdb.DuckDBPyConnection, model: Model) -> dict[PartitionKey, str]:
    try:
        return content_versions(connection, model, identifier(model.name))
    except (duckdb.OutOfMemoryException, duckdb.IOException):
        raise
    except duckdb.Error as error:
        raise HeadwaterError(first_line(error), where=model.path) from error


def _unmounted(workspace: Workspace, model: Model) -> list[Read]:
    """The reads of a whole model that are no models: those are mounted as queries already."""
    return [read for read in workspace.project.reads[model.name] if read.table not in workspace.project.models]


def steps(
    project: Project,
    stale: Mapping[str, Iterable[PartitionKey]],
    expected: Mapping[str, Mapping[PartitionKey, str]],
) -> list[Segment]:
    """The runs that compute *stale*, each after those whose tables it reads.

    First the tables without days, then the segments of days, then the tables without days that are made of those.
    """
    whole = {name for name, keys in stale.items() if None in keys}
    by_day = [name for name, model in project.models.items() if model.is_partitioned]
    late = whole & project.downstream(by_day)
    early, late_ones = ([Segment(None, frozenset(tables))] if tables else [] for tables in (whole - late, late))
    return early + segments(stale, expected) + late_ones


def segments(
    stale: Mapping[str, Iterable[PartitionKey]], expected: Mapping[str, Mapping[PartitionKey, str]]
) -> list[Segment]:
    """The stale partitions by days as runs: days in a row with the same tables, earliest first.

    Models look back in time, never ahead, so computing the segments in this order finds every input done. A table
    that has no partition on a day (no refunds, say) does not end a segment: there it has nothing to compute. No
    partition that is up to date is ever inside a segment of its table. Many days in a row without anything to compute
    do end one: a single order of twenty years ago must not make a run of seven thousand days.
    """
    tables_of: dict[Day, set[str]] = {}
    for table, keys in stale.items():
        for key in keys:
            if key is not None:
                tables_of.setdefault(key, set()).add(table)
    up_to_date = {table: expected[table].keys() - frozenset(keys) for table, keys in stale.items()}
    found: list[_Piece] = []
    for day in sorted(tables_of):
        own = DaySpan(day, day), frozenset(tables_of[day])
        near = found and (day - found[-1][0].last).days <= LONGEST_GAP_DAYS
        if near and not _is_disturbed(joined := _joined(found[-1], own), found[-1], up_to_date):
            found[-1] = joined
        else:
            found.append(own)
    return [Segment(span, tables) for span, tables in found]


def _joined(piece: _Piece, more: _Piece) -> _Piece:
    return DaySpan(piece[0].first, more[0].last), piece[1] | more[1]


def _is_disturbed(joined: _Piece, before: _Piece, up_to_date: Mapping[str, Set[PartitionKey]]) -> bool:
    """Whether the days or tables that *joined* adds to *before* hold a partition that needs no computing."""
    (span, tables), (span_before, tables_before) = joined, before
    new_days = DaySpan(span_before.last, span.last).days[1:]
    if any(day in up_to_date[table] for table in tables for day in new_days):
        return True
    return any(day in up_to_date[table] for table in tables - tables_before for day in span_before.days)
