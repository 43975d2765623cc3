"""Drift: days on which a relation's files differ from the days before.

Here: the daily shares of refused records and of records without a value in a column, the days on which a share jumps,
and the columns that no file ever had.
Not here: counting a file's values (``files.columns``), refusing records (``records.validation``).
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.ingest.batches import Batch
from pipelines.ingest.sources.source import Source

WINDOW_DAYS = 14
"""A day is compared with this many days before it."""

_RECORDS = 10
"""A drift has at least this many records more than the previous days predict; fewer may be chance."""
_TIMES = 3
"""A drift has a share three times as large as before, or a remainder (1 − share) of at most a third of the earlier
one."""
_REFUSED_FLOOR, _EMPTY_FLOOR = 0.02, 0.10
"""The share of a drift is at least this much larger than before."""

_DAY_IN_NAME = re.compile(r"(?<!\d)(20\d\d)-?(0[1-9]|1[0-2])-?(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass
class _Day:
    """Sums over *batches*, a relation's files of one day; *read* and *filled* are sums of these ``Batch`` fields."""

    records: int = 0
    refused: int = 0
    read: int = 0
    filled: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    batches: list[Batch] = field(default_factory=list)

    def add(self, other: _Day) -> None:
        self.records += other.records
        self.refused += other.refused
        self.read += other.read
        for name, count in other.filled.items():
            self.filled[name] += count
        self.batches += other.batches


@dataclass(frozen=True)
class Share:
    """A share of records: *count* of them out of *of* records."""

    count: int
    of: int

    @property
    def part(self) -> float:
        """The share as a number from 0 to 1; 0 if there are no records."""
        return self.count / self.of if self.of else 0.0

    def __str__(self) -> str:
        return f"{self.part:.1%}"


@dataclass(frozen=True)
class Drift:
    """A share of *relation* that jumped on *day*.

    It is the share of records without a value in *column*, or of refused records if *column* is None: *now* is the
    share on that day, *before* the share in the ``WINDOW_DAYS`` days before it. *file* is the day's file with the most
    such records.
    """

    source: str
    relation: str
    day: dt.date
    column: str | None
    now: Share
    before: Share
    file: str

    @property
    def key(self) -> tuple[str, str, dt.date, str | None]:
        """Source, relation, day and column (None for refused records), which identify a drift."""
        return self.source, self.relation, self.day, self.column

    @property
    def is_gone(self) -> bool:
        """Whether no record of the day has a value in the column; False for refused records."""
        return self.column is not None and self.now.count == self.now.of


def drifts(batches: Iterable[Batch], sources: Mapping[str, Source]) -> list[Drift]:
    """The days on which a share became much larger than in the days before, newest first.

    A share that stays large is one drift, on its first day.
    """
    found: list[Drift] = []
    for (source, relation), days in _by_day(batches).items():
        if source not in sources or relation not in sources[source].relations:
            continue
        columns = [None, *sources[source].relations[relation].columns]
        before: set[str | None] = set()
        for day in sorted(days):
            past = _Day()
            for ago in range(1, WINDOW_DAYS + 1):
                if earlier := days.get(day - dt.timedelta(days=ago)):
                    past.add(earlier)
            jumped = [drift for name in columns if (drift := _drift(source, relation, day, name, days[day], past))]
            found += [drift for drift in jumped if drift.column not in before]
            before = {drift.column for drift in jumped}
    return sorted(found, key=lambda drift: (-drift.day.toordinal(), drift.source, drift.relation, drift.column or ""))


def describe_drifts(found: Iterable[Drift]) -> list[str]:
    """Lines for the user, with the shares; one line for all columns that drifted in the same way in the same file."""
    together: dict[tuple[object, ...], list[Drift]] = {}
    for drift in found:
        together.setdefault((drift.key[:3], drift.file, drift.column is None, drift.is_gone), []).append(drift)
    return [_describe(drifts) for drifts in together.values()]


def _describe(found: Sequence[Drift]) -> str:
    first = found[0]
    where = f"landing/{first.file}: {first.source} {first.relation} of {first.day}"
    if first.column is None:
        return (
            f"{where}: {first.now} of the records are quarantined ({first.now.count:,} of {first.now.of:,}), in the "
            f"{WINDOW_DAYS} days before {first.before} ({first.before.count:,} of {first.before.of:,}); raw.quarantine "
            "has the reasons"
        )
    if first.is_gone:
        names = ", ".join(f"{drift.column} (before: {1 - drift.before.part:.1%})" for drift in found)
        return (
            f"{where}: none of {first.now.of:,} records has a value any more in {names}; if the column was renamed, "
            "add the new name to the source's source.yaml"
        )
    names = ", ".join(f"{drift.column} ({drift.now}, before: {drift.before})" for drift in found)
    return f"{where}: many of {first.now.of:,} records have no value in {names}"


def never_there(batches: Iterable[Batch], sources: Mapping[str, Source]) -> dict[str, list[str]]:
    """Source and relation, such as ``native events`` → its optional columns that no file has, if there are any."""
    there: dict[tuple[str, str], set[str]] = {}
    for batch in batches:
        if batch.kind == "file" and batch.read:
            there.setdefault((batch.source, batch.relation), set()).update(json.loads(batch.filled))
    found: dict[str, list[str]] = {}
    for (source, relation), names in sorted(there.items()):
        declared = sources[source].relations.get(relation) if source in sources else None
        if declared and (never := [name for name in declared.columns if name not in names]):
            found[f"{source} {relation}"] = never
    return found


def _by_day(batches: Iterable[Batch]) -> dict[tuple[str, str], dict[dt.date, _Day]]:
    found: dict[tuple[str, str], dict[dt.date, _Day]] = {}
    for batch in batches:
        if batch.kind == "file" and batch.filled:
            day = found.setdefault((batch.source, batch.relation), {}).setdefault(day_of(batch), _Day())
            filled: dict[str, int] = json.loads(batch.filled)
            day.add(_Day(batch.records, batch.quarantined, batch.read, defaultdict(int, filled), [batch]))
    return found


def day_of(batch: Batch) -> dt.date:
    """The most frequent day of a file's rows.

    Without rows, the day in the file's name, else the day of its landing (UTC).
    """
    if batch.day is not None:
        return batch.day
    for year, month, day in _DAY_IN_NAME.findall(batch.file)[::-1]:
        try:
            return dt.date(int(year), int(month), int(day))
        except ValueError:
            continue
    return batch.landed_at.date()


def _drift(source: str, relation: str, day: dt.date, column: str | None, now: _Day, past: _Day) -> Drift | None:
    share, before = _share(now, column), _share(past, column)
    if not before.of or not share.of:
        return None
    floor = _REFUSED_FLOOR if column is None else _EMPTY_FLOOR
    is_gone = column is not None and share.count == share.of
    excess = share.count - before.part * share.of
    if excess < _RECORDS or not (is_gone or _is_far(share.part, before.part, floor)):
        return None
    worst = max(now.batches, key=lambda batch: (_share(_of(batch), column).count, batch.file))
    return Drift(source, relation, day, column, share, before, worst.file)


def _is_far(share: float, before: float, floor: float) -> bool:
    return share - before >= floor and (share >= _TIMES * before or (1 - share) * _TIMES <= 1 - before)


def _of(batch: Batch) -> _Day:
    return _Day(batch.records, batch.quarantined, batch.read, json.loads(batch.filled), [batch])


def _share(day: _Day, column: str | None) -> Share:
    """The share of a day's records without a value in *column*, or of refused records if it is None."""
    if column is None:
        return Share(day.refused, day.records)
    return Share(day.read - day.filled.get(column, 0), day.read)


def describe_never_there(found: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield one line for the user that names the columns in *found* (see ``never_there``); none if it is empty."""
    if found:
        listed = "; ".join(f"{relation}: {', '.join(names)}" for relation, names in found.items())
        yield f"optional columns that no file has, read as empty: {listed}"
