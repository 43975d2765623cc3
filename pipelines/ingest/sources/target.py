"""The declaration of a canonical target: its columns, what ingestion adds, and the days to which its records belong.

Not here: the targets themselves (``pipelines.ingest.sources.targets``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

TEXT, WHOLE, MOMENT, MONEY = "VARCHAR", "BIGINT", "TIMESTAMP", "DECIMAL(18,4)"


@dataclass(frozen=True)
class Column:
    """A column that a mapping's SELECT may return, and must return if the column is *required*.

    Rules that quarantine a record:

    - a missing value, if *required*, or if *needed_if* (a condition over the target's columns) holds. If the mapping
      does not return the column at all, the column *else_needed* must have a value instead
    - *is_id*: a nested value or a rounded number (a word that the settings list as null counts as missing)
    - *not_negative*: a number below 0
    - *allowed*: a value that is not one of these
    - *shape*: a value that does not match this regular expression completely (a matching value is stored in capitals)
    - TIMESTAMP: text without an offset, unless *local* (then it is the shop's local time); a day without a time, unless
      *takes_day* (then it is the day's local start, or the time of column *not_before* if that is later on this day)
    - *bounded*: a time before the target's *earliest*, or more than a day after the landing

    *default*, an expression over the target's columns, replaces a missing value.
    """

    kind: str
    description: str
    required: bool = False
    needed_if: str | None = None
    else_needed: str | None = None
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

    In the expression, ``{local:x}`` stands for the local date of column x, and ``{clock_tolerance_us}`` for the setting
    clock_tolerance_seconds in microseconds.
    """

    kind: str
    description: str
    expression: str


@dataclass(frozen=True)
class CountedOn:
    """Records of the raw table that fulfil *condition* belong to the day in *column*."""

    column: str
    condition: str = "true"


@dataclass(frozen=True)
class Target:
    """A canonical target: the columns of a mapping SELECT, the columns that ingestion adds, and the key of a row.

    *partitioned* targets are stored by day, ``dt``. *amounts* are products of columns that must be less than a
    trillion, so that sums of money do not overflow. *earliest* is the first valid day of its times. *precedence* is
    SQL for a digit: of two versions of a key with equal updated_at, the models use the one with the larger digit.

    A record of a partitioned target belongs to its ``dt``; for other targets, *counted_on* says to which days a record
    belongs. For such a target, *own_day* is SQL for a single day of a record, by which the records before the first
    computed day are counted.
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
