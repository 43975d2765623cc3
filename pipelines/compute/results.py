"""The results of a run, by table, partition and check.

Here: these types, and the description of a failed check in one line.
Not here: running (``pipelines.compute.runner``), recording results in Dagster (``assets.recording``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass, field

from pipelines.lake.partitions import Day, PartitionKey


@dataclass(frozen=True)
class PartitionResult:
    """A partition that was published."""

    rows: int
    bytes: int
    version: str


@dataclass
class TableResult:
    """What a run did to one table.

    Attributes:
        table: The model.
        published: The partitions written.
        removed: Partitions removed because they no longer have inputs.
        blocked: Partitions that keep their old content because a check failed on them or on a partition that they read.
        seconds: Time for the query, the checks and writing.
        sql: The query. A long run computes a few days at a time; this is the query for the first of them.
    """

    table: str
    published: dict[PartitionKey, PartitionResult] = field(default_factory=dict)
    removed: list[PartitionKey] = field(default_factory=list)
    blocked: list[PartitionKey] = field(default_factory=list)
    seconds: float = 0.0
    sql: str = ""


@dataclass
class CheckResult:
    """What a check found in a run.

    Attributes:
        check: The name of the check; a grain check is ``<schema>_<table>_grain``.
        model: The model that it validates.
        severity: ``error`` or ``warn``.
        rows: Number of offending rows.
        sample: The first of them, as column → value.
        days: The days with offending rows (empty for an unpartitioned table).
        remedy: What to do.
    """

    check: str
    model: str
    severity: str
    remedy: str
    rows: int = 0
    sample: list[dict[str, object]] = field(default_factory=list)
    days: set[Day] = field(default_factory=set)

    @property
    def passed(self) -> bool:
        """Whether there are no offending rows."""
        return self.rows == 0

    def describe(self) -> str:
        """The result in one line."""
        days = f" on {_spell_days(self.days)}" if self.days else ""
        first = "; first: " + ", ".join(f"{k}={v}" for k, v in self.sample[0].items()) if self.sample else ""
        return f"{self.model}: check {self.check} ({self.severity}) found {self.rows} rows{days}{first}. {self.remedy}"


@dataclass
class RunResult:
    """What a run did, by table and check."""

    tables: dict[str, TableResult] = field(default_factory=dict)
    checks: dict[str, CheckResult] = field(default_factory=dict)

    def blocked(self) -> set[tuple[str, PartitionKey]]:
        """The blocked partitions as (table, partition)."""
        return {(name, key) for name, table in self.tables.items() for key in table.blocked}

    def settled(self) -> set[tuple[str, PartitionKey]]:
        """The partitions that the run has published, removed or blocked, as (table, partition)."""
        return self.blocked() | {
            (name, key) for name, table in self.tables.items() for key in (*table.published, *table.removed)
        }


def _spell_days(days: Collection[Day]) -> str:
    ordered = sorted(days)
    shown = ", ".join(str(day) for day in ordered[:3])
    return f"{shown} and {len(ordered) - 3} more days" if len(ordered) > 3 else shown


@dataclass(frozen=True)
class CheckState:
    """The latest result of a check.

    Attributes:
        table: The model that it validates.
        name: The name of the check.
        severity: ``error`` blocks partitions with offending rows; ``warn`` only reports them.
        passed: Whether there were no offending rows; None: it never ran.
        found: One line about the offending rows; '' if there are none or it never ran.
        at: When it ran, UTC; None: never.
    """

    table: str
    name: str
    severity: str
    passed: bool | None
    found: str
    at: dt.datetime | None
