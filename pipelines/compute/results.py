"""What a run did: by table, by partition, by check.

Here: these types, and how a check's finding reads in a line.
Not here: doing it (``pipelines.compute.runner``), telling Dagster of it (``assets.recording``).
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
        removed: Partitions that were there and have no inputs any more.
        held: Partitions kept as they were because a check failed, or because what they read was held.
        seconds: Time in the query, the checks and the writing.
        sql: The query, bound to the first chunk's days.
    """

    table: str
    published: dict[PartitionKey, PartitionResult] = field(default_factory=dict)
    removed: list[PartitionKey] = field(default_factory=list)
    held: list[PartitionKey] = field(default_factory=list)
    seconds: float = 0.0
    sql: str = ""


@dataclass
class CheckResult:
    """What a check found in a run.

    Attributes:
        check: Its name; a table's own check of its grain is ``<schema>_<table>_grain``.
        model: The model judged.
        severity: ``error`` or ``warn``.
        rows: Offending rows.
        sample: Some of them, as column → value.
        days: The days on which there are any (empty for a table without partitions).
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
        """Whether it found nothing."""
        return self.rows == 0

    def describe(self) -> str:
        """The result in a line."""
        days = f" on {_spell_days(self.days)}" if self.days else ""
        first = "; first: " + ", ".join(f"{k}={v}" for k, v in self.sample[0].items()) if self.sample else ""
        return f"{self.model}: check {self.check} ({self.severity}) found {self.rows} rows{days}{first}. {self.remedy}"


@dataclass
class RunResult:
    """What a run did, by table and check."""

    tables: dict[str, TableResult] = field(default_factory=dict)
    checks: dict[str, CheckResult] = field(default_factory=dict)

    def held(self) -> set[tuple[str, PartitionKey]]:
        """The partitions held back."""
        return {(name, key) for name, table in self.tables.items() for key in table.held}

    def settled(self) -> set[tuple[str, PartitionKey]]:
        """The partitions about which the run has decided: published, removed or held."""
        return self.held() | {
            (name, key) for name, table in self.tables.items() for key in (*table.published, *table.removed)
        }


def _spell_days(days: Collection[Day]) -> str:
    ordered = sorted(days)
    shown = ", ".join(str(day) for day in ordered[:3])
    return f"{shown} and {len(ordered) - 3} more days" if len(ordered) > 3 else shown


@dataclass(frozen=True)
class CheckState:
    """How a check ended when it last ran.

    Attributes:
        table: The model that it judges.
        name: Its name.
        severity: ``error``: it blocks what it finds; ``warn``.
        passed: Whether it found nothing; None: it never ran.
        found: What it found, or how much it looked at.
        at: When it ran, UTC; None: never.
    """

    table: str
    name: str
    severity: str
    passed: bool | None
    found: str
    at: dt.datetime | None
