"""Finds stale partitions by comparing the inputs with the versions in the files' footers; no other state is stored.

Here: which partitions should exist, for which of them the version in the footer differs from the version that they
would get now, and in which order they are computed.
Not here: what a version is (``pipelines.compute.versions``), computing (``pipelines.compute.runner``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from pipelines.compute.as_of_days import kept_days
from pipelines.compute.closed_days import closed_versions, late_events
from pipelines.compute.damage import name_damaged_file
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
"""Consecutive days, and the tables to compute for them."""

LONGEST_GAP_DAYS = 14
"""Maximum number of consecutive days without anything to compute within a segment."""

LONGEST_SILENCE_DAYS = 31
"""A longer gap without records separates the shop's history from earlier records, if no start date is set."""


@dataclass(frozen=True)
class Plan:
    """The partitions that every model should have, with their versions, and the differences to the lake.

    Attributes:
        first, last: The days that are computed; None while nothing has landed.
        expected: Model → partition → version.
        stale: Model → partitions that are missing or have a different version; models without any are excluded.
        obsolete: Model → partitions that exist but should not.
        damaged: Files that differ from their checksums; their partitions are stale.
        before: Kind of record (``events``, ``orders``, …) → number of records that belong to days before *first*.
            They are not computed.
        earliest: The earliest day with such a record; None if there is none.
        closed: Model → partitions that stay as they are, because the events that they were computed from are deleted.
        events_from: The first day whose events are kept; None if no events were ever deleted.
        late: The number of records of events that belong to days before *events_from*. They are not computed.
    """

    first: Day | None
    last: Day | None
    expected: Mapping[str, Mapping[PartitionKey, str]]
    stale: Mapping[str, Keys]
    obsolete: Mapping[str, Keys]
    damaged: tuple[Path, ...] = ()
    before: Mapping[str, int] = field(default_factory=dict)
    earliest: Day | None = None
    closed: Mapping[str, Keys] = field(default_factory=dict)
    events_from: Day | None = None
    late: int = 0

    def describe_before(self) -> str:
        """A line about records that are not computed because their days are before *first*; '' if there are none."""
        if not any(self.before.values()):
            return ""
        counts = " and ".join(f"{count:,} {target}" for target, count in self.before.items())
        return (
            f"{counts} are before start_date {self.first} (the earliest on {self.earliest}) and are not computed; "
            "if their dates are correct, set start_date in config/headwater.yaml to an earlier day"
        )

    def describe_closed(self) -> str:
        """A line about the days whose events are deleted; '' if there are none."""
        if self.events_from is None:
            return ""
        late = f"; {self.late:,} late events of these days are not computed" if self.late else ""
        return f"events before {self.events_from} are deleted, the totals of these days stay as they are{late}"

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not self.stale and not self.obsolete


@dataclass(frozen=True)
class Segment:
    """Tables that one run computes: partitioned ones for the days of *span* (None: there are none), others in full."""

    span: DaySpan | None
    tables: frozenset[str]


def make_plan(workspace: Workspace, connection: duckdb.DuckDBPyConnection, *, deep: bool = False) -> Plan:
    """Find the partitions that are missing, stale, obsolete or damaged in the lake of *workspace*.

    Args:
        workspace: The home.
        connection: A session, for the queries of the models whose versions are hashes of their rows.
        deep: Compare the content of every partition with its checksum, not only its size.
    """
    landed = landed_days(workspace, connection)
    first = workspace.settings.start_date or (landed[0] if landed else None)
    last = landed[1] if landed else None
    closed = closed_versions(workspace)
    expected = _expected(workspace, connection, first, last, closed)
    stale: dict[str, Keys] = {}
    obsolete: dict[str, Keys] = {}
    damaged: list[Path] = []
    for name, versions in expected.items():
        present = workspace.lake.versions(name, deep=deep)
        damaged += workspace.lake.damaged(name, present)
        computed = versions.keys() - closed.get(name, {}).keys()
        if differing := frozenset(key for key in computed if present.get(key) != versions[key]):
            stale[name] = differing
        if unexpected := frozenset(present.keys() - versions.keys()):
            obsolete[name] = unexpected
    return Plan(
        first,
        last,
        expected,
        stale,
        obsolete,
        tuple(damaged),
        *_before(workspace, connection, first),
        closed={name: frozenset(versions) for name, versions in closed.items()},
        events_from=workspace.events_from,
        late=late_events(workspace, first),
    )


def verified_plan(workspace: Workspace, *, deep: bool = False) -> Plan:
    """Like ``make_plan``; if there is anything to compute, also verify the raw files that the plan was derived from.

    Raises:
        HeadwaterError: a raw file is damaged, or a model's query fails.
    """
    with name_damaged_file(workspace), session(workspace.home, workspace.settings) as connection:
        plan = make_plan(workspace, connection, deep=deep)
    if not plan.is_empty:
        # make_plan has computed the models that are versioned by their rows, so we verify the raw tables that they
        # read. The runner verifies the other inputs, and only the days that it reads: hashing all events in every run
        # would take longer as the lake grows.
        project = workspace.project
        by_content = [name for name, model in project.models.items() if project.is_versioned_by_content(model)]
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
    """Kind of record → number of raw records from before *first*; and the day of the earliest (None without any)."""
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
    """The first and last day to compute, from the days to which landed records belong; None without any records.

    ``first_of_shop`` determines the first day. It ignores days before a long gap, because records of such days come
    from a wrong clock or an earlier period of the shop.
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
    """The first of *days* (not empty) after which no gap is longer than ``LONGEST_SILENCE_DAYS`` days."""
    first, *earlier = sorted(days, reverse=True)
    for day in earlier:
        if (first - day).days - 1 > LONGEST_SILENCE_DAYS:
            break
        first = day
    return first


def _expected(
    workspace: Workspace,
    connection: duckdb.DuckDBPyConnection,
    first: Day | None,
    last: Day | None,
    closed: Mapping[str, Mapping[PartitionKey, str]],
) -> dict[str, dict[PartitionKey, str]]:
    """Model → partition → version; *closed*: the same for partitions that stay as they are."""
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
    kept = kept_days(project, workspace.settings.snapshots, span)
    for name, model in project.models.items():
        if project.is_versioned_by_content(model):
            workspace.mount(connection, _unmounted(workspace, model), span)
            if model.is_partitioned and span is None:
                sql = relation_sql(model.types, [])  # nothing has landed, so the table has no rows
            else:
                sql = project.sql(model, span if model.is_partitioned else None)
            # Models that read this model must see its new rows. Its file may be stale, so mount its query instead.
            mount_view(connection, name, sql)
            versions = _evaluated(connection, model)
            expected[name] = {key: versions[key] for key in versions if not workspace.is_closed(name, key)}
        else:
            own = kept.get(name, days)
            # If a table is kept for some days only, its other days are removed, even if they cannot be computed again.
            expected[name] = {k: v for k, v in closed.get(name, {}).items() if name not in kept or k in own}
            for day in own:
                if workspace.is_closed(name, day):
                    continue
                # Days are in order, so a model that reads itself finds the version of its previous day.
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
    """The raw and configuration tables that *model* reads; tables of models are already mounted as queries."""
    return [read for read in workspace.project.reads[model.name] if read.table not in workspace.project.models]


def steps(
    project: Project,
    stale: Mapping[str, Iterable[PartitionKey]],
    expected: Mapping[str, Mapping[PartitionKey, str]],
) -> list[Segment]:
    """The segments that compute *stale*, each after the segments that compute its inputs.

    The order is: unpartitioned tables, partitioned tables, then the unpartitioned tables that depend on partitioned
    ones. *stale* and *expected* are as in ``Plan``.
    """
    unpartitioned = {name for name, keys in stale.items() if None in keys}
    by_day = [name for name, model in project.models.items() if model.is_partitioned]
    late = unpartitioned & project.downstream(by_day)
    early, late_ones = ([Segment(None, frozenset(tables))] if tables else [] for tables in (unpartitioned - late, late))
    return early + segments(stale, expected) + late_ones


def segments(
    stale: Mapping[str, Iterable[PartitionKey]], expected: Mapping[str, Mapping[PartitionKey, str]]
) -> list[Segment]:
    """The stale partitions of partitioned tables as segments: consecutive days with the same tables, earliest first.

    *stale* and *expected* are as in ``Plan``.
    Models read earlier days, never later ones, so in this order inputs are computed before their readers. A segment
    never contains an up-to-date partition of its tables. It may contain days on which a table has no partition, for
    example without refunds, but not many consecutive days without anything to compute: a single order from twenty years
    ago must not cause a run of seven thousand days.
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
        if near and not _adds_up_to_date(joined := _joined(found[-1], own), found[-1], up_to_date):
            found[-1] = joined
        else:
            found.append(own)
    return [Segment(span, tables) for span, tables in found]


def _joined(piece: _Piece, more: _Piece) -> _Piece:
    return DaySpan(piece[0].first, more[0].last), piece[1] | more[1]


def _adds_up_to_date(joined: _Piece, before: _Piece, up_to_date: Mapping[str, Set[PartitionKey]]) -> bool:
    """Whether extending the segment *before* to *joined* would compute a partition in *up_to_date* (by table)."""
    (span, tables), (span_before, tables_before) = joined, before
    new_days = DaySpan(span_before.last, span.last).days[1:]
    if any(day in up_to_date[table] for table in tables for day in new_days):
        return True
    return any(day in up_to_date[table] for table in tables - tables_before for day in span_before.days)
