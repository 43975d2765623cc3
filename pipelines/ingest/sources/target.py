"""What a canonical target declares: its columns, what ingestion adds, and the days on which its records count.

Not here: the targets themselves (``pipelines.ingest.sources.targets``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

TEXT, WHOLE, MOMENT, MONEY = "VARCHAR", "BIGINT", "TIMESTAMP", "DECIMAL(18,4)"


@dataclass(frozen=True)
class Column:
    """A column that a mapping SELECT may return (must, if *required*).

    A record without a value where one is needed is quarantined: *required* says always, *needed_if* when (a
    condition over the target's columns). In an *is_id* column the words for nothing of the settings are no value, and
    what stands for no one thing, such as a nested value or a rounded number, is refused.
    A *not_negative* number below 0 is refused. Of a TIMESTAMP, text without an offset is the shop's local time if
    *local* is set, and is refused otherwise; a day without a time of day is its local beginning if *takes_day* is
    set, but not before the column *not_before* where that is on the same day, and is refused otherwise; a *bounded*
    one must lie between the target's *earliest* and the day after the landing. *default*, an expression over the
    target's columns, stands in for a missing value. *allowed* lists the only values, and *shape* is a regular
    expression for the whole value, which is stored in capitals.
    """

    kind: str
    description: str
    required: bool = False
    needed_if: str | None = None
    is_id: bool = False
    not_negative: bool = False
    local: bool = True
    takes_day: bool = False
    not_before: str | None = None
    bounded: bool = False
    default: str | None = None
    allowed: tuple[str, ...] = ()
    shape: str | None = None


@dataclass(frozen=True)
class Derived:
    """A column that ingestion adds: *expression* over the target's typed columns.

    In it ``{local:x}`` stands for x's local date, ``{clock_tolerance_us}`` for that setting in microseconds.
    """

    kind: str
    description: str
    expression: str


@dataclass(frozen=True)
class CountedOn:
    """A day on which records count: of those that fulfil *condition*, over the raw table, the day in *column*."""

    column: str
    condition: str = "true"


@dataclass(frozen=True)
class Target:
    """One canonical table: a mapping SELECT's columns, what ingestion adds, and the key of a row.

    *stored* orders the columns of the raw table where that is not simply columns, then derived ones. *partitioned*
    targets are kept by day, ``dt``. *amounts* are products of columns that must be less than a trillion, so that no
    sum of money overflows its type. *earliest* is the first day of its times. *precedence* is an expression for a
    digit: of two versions of a key with equal updated_at, the one with the larger digit counts.

    What is kept by day counts on that day; of other targets *counted_on* says on which days records count. *own_day* is
    an expression for the day that a key is told of, where it lies before the first day that is computed.
    """

    name: str
    description: str
    key: tuple[str, ...]
    columns: dict[str, Column]
    derived: dict[str, Derived] = field(default_factory=dict)
    partitioned: bool = False
    amounts: tuple[tuple[str, ...], ...] = ()
    earliest: str = "1980-01-01"
    precedence: str | None = None
    counted_on: tuple[CountedOn, ...] = ()
    own_day: str | None = None

    @property
    def table(self) -> str:
        """The raw table's name."""
        return f"raw.{self.name}"
