"""The tables that pages read: the current copy of the lake, open for reading, with a cache of query results.

Here: opening the current copy, running queries (of all rows or of a slice) and caching their results, the computed
days.
Not here: making copies (``dashboards.copy.build``), the queries of pages.
"""

from __future__ import annotations

import datetime as dt
import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from copy import copy as shallow_copy
from functools import cached_property
from operator import attrgetter
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import polars as pl
from cachetools import LRUCache, cachedmethod
from sqlglot import exp

from dashboards.copy.build import CopyFile, current, publish
from dashboards.queries import query
from dashboards.report.queries import MAIN, named, to_frame
from dashboards.slices import Range, Slice, sliced
from pipelines.config_tables import product_names_of
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import Settings, load_settings
from pipelines.ingest.old_events import events_from
from pipelines.sqlproject.look_backs import first_days
from pipelines.sqlproject.model import DIALECT
from pipelines.sqlproject.project import load_project

CACHED_BYTES = 48_000_000
"""Bytes of cached results per open copy; larger results are not cached."""
OPEN_AFTER_MIDNIGHT = dt.timedelta(hours=6)
"""How long after midnight a day may wait for its last files.

After that it counts as closed, because operators need it in the morning.
"""
_MEMORY = "400MB"
_LOGGER = logging.getLogger("headwater.dashboard")


class NoDataError(HeadwaterError):
    """No day is computed yet."""


class OutdatedError(HeadwaterError):
    """A table of the copy was computed before the columns of its model changed, or is not computed yet."""


class Copy:
    """One open copy of the lake; many threads may query it at once."""

    def __init__(self, home: Home, copy_file: CopyFile) -> None:
        """Open *copy_file* and read the current settings."""
        self.home = home
        self.file = copy_file
        self.settings: Settings = load_settings(home)
        self._connection = duckdb.connect(
            str(copy_file.path),
            read_only=True,
            config={"memory_limit": _MEMORY, "threads": 2, "autoload_known_extensions": False},
        )
        self._connection.execute("SET TimeZone = 'UTC'")
        self._answers: LRUCache[object, pl.DataFrame] = LRUCache(CACHED_BYTES, getsizeof=_size)
        self._lock = threading.Lock()
        self._slice: Slice | None = None
        self.names: Mapping[str, str] = {}

    def close(self) -> None:
        """Close the file. The copy cannot be queried any more."""
        self._connection.close()

    def in_slice(self, part: Slice | None) -> Copy:
        """The same copy, whose queries read only the rows in the slice *part*; None: all rows."""
        found = shallow_copy(self)
        found._slice = part
        return found

    def in_language(self, language: str) -> Copy:
        """The same copy, whose frames name products, categories and brands as ``config/product_names.csv`` does.

        A fault of that file is reported by ``headwater check``; the products' own names are then shown.
        """
        found = shallow_copy(self)
        with suppress(HeadwaterError):
            found.names = product_names_of(self.home).get(language, {})
        return found

    def frame(self, sql: str, **parameters: object) -> pl.DataFrame:
        """The rows of *sql*; money is converted to floating point, so exact sums must be computed in SQL.

        Args:
            sql: The query; each ``$name`` takes its value from *parameters*, unused ones are ignored.
            parameters: Dates, numbers, texts.
        """
        values = {name: value for name, value in parameters.items() if f"${name}" in sql}
        if self._slice is not None:
            days = _ranges(values) or ((self.days[0], self.days[-1]),)
            sql = sliced(sql, self._slice, days, tuple(self.settings.parameters().items()))
        return named(self._answer(sql, tuple(sorted(values.items()))), self.names)

    @cachedmethod(attrgetter("_answers"), lock=attrgetter("_lock"))
    def _answer(self, sql: str, values: tuple[tuple[str, object], ...]) -> pl.DataFrame:
        with closing(self._connection.cursor()) as cursor:
            try:
                return to_frame(cursor.sql(sql, params=dict(values)))
            except (duckdb.BinderException, duckdb.CatalogException) as error:
                if self._is_outdated():
                    raise OutdatedError("a table was computed before its columns changed") from error
                raise

    def _is_outdated(self) -> bool:
        """Whether the copy lacks a table, or a column of a table, that the current models define."""
        models = load_project(self.home, self.settings).models
        with closing(self._connection.cursor()) as cursor:
            return any(
                name not in self.file.tables or model.columns.keys() - cursor.table(name).columns
                for name, model in models.items()
                if name not in self.file.excluded
            )

    def computed(self, key: tuple[object, ...], compute: Callable[[], pl.DataFrame]) -> pl.DataFrame:
        """The result of *compute*, cached like query results; *key* must contain everything that it depends on."""
        with self._lock:
            found: pl.DataFrame | None = self._answers.get(key)
        if found is None:
            found = compute()
            with self._lock, suppress(ValueError):  # larger than the cache
                self._answers[key] = found
        return found

    def rows(self, sql: str, **parameters: object) -> list[dict[str, Any]]:
        """The rows of *sql* as dictionaries; see ``frame``."""
        return self.frame(sql, **parameters).to_dicts()

    def one(self, sql: str, **parameters: object) -> dict[str, Any]:
        """The one row of *sql*; see ``frame``."""
        return self.frame(sql, **parameters).row(0, named=True)

    def has(self, table: str) -> bool:
        """Whether the copy holds *table*."""
        return table in self.file.tables

    @cached_property
    def days(self) -> tuple[dt.date, ...]:
        """The computed days, in order."""
        return self.days_of(MAIN)

    def days_of(self, table: str) -> tuple[dt.date, ...]:
        """The days of *table*, in order; empty if there is no such table."""
        if not self.has(table):
            return ()
        days = exp.select("dt").distinct().from_(table).order_by("dt")
        return tuple(self._answer(days.sql(dialect=DIALECT), ())["dt"])

    @cached_property
    def first_days(self) -> Mapping[str, dt.date]:
        """Table → the first day that can still be computed from the events that are kept; see ``Workspace.first_days``.

        Empty if no events were ever deleted, or if the home's models have a fault, which ``headwater check`` reports.
        """
        with suppress(HeadwaterError):
            if begin := events_from(self.home):  # reading the models takes a second: do so only if events were deleted
                return first_days(load_project(self.home, self.settings), begin)
        return {}

    def newest(self, now: dt.datetime) -> dt.date:
        """The newest computed day that is closed at *now*; if none is, the newest. See ``open_from``.

        Raises:
            NoDataError: no day is computed.
        """
        if not self.days:
            raise NoDataError("no day is computed yet")
        open_from = self.open_from(now)
        return max((day for day in self.days if day < open_from), default=self.days[-1])

    def open_from(self, now: dt.datetime) -> dt.date:
        """The first open day: today at *now* in the shop's time zone, or yesterday shortly after midnight.

        A day is closed by the first run after midnight that reads files: before it, the records of the day's last hours
        may be missing. A day without such a run is closed after ``OPEN_AFTER_MIDNIGHT``.
        """
        read_at = self._ingested_at
        moment = now if read_at is None else min(now, read_at.replace(tzinfo=dt.UTC))
        moment = max(moment, now - OPEN_AFTER_MIDNIGHT)
        return moment.astimezone(ZoneInfo(self.settings.timezone)).date()

    @cached_property
    def _ingested_at(self) -> dt.datetime | None:
        """When files were last read, UTC without a zone; None if it is unknown."""
        found: dt.datetime | None = (
            self.one(query("today.ingested"))["ingested_at"] if self.has("core.batches") else None
        )
        return found


_RANGES = (("first", "last"), ("then_first", "then_last"), ("from", "to"), ("day", "day"), ("then", "then"))
"""The query parameters for the first and the last day of a range."""


def _ranges(values: Mapping[str, object]) -> tuple[Range, ...]:
    pairs = [(values.get(first), values.get(last)) for first, last in _RANGES]
    day, back = values.get("day"), values.get("back")
    if isinstance(day, dt.date) and isinstance(back, int):
        pairs.append((day - dt.timedelta(days=back),) * 2)
    return tuple((first, last) for first, last in pairs if isinstance(first, dt.date) and isinstance(last, dt.date))


def _size(frame: pl.DataFrame) -> int:
    return int(frame.estimated_size()) + 2_000


class Marts:
    """Opens the current copy of one home, and a newer one as soon as it is published."""

    def __init__(self, home: Home) -> None:
        """Files are opened only when ``copy`` is called."""
        self.home = home
        self._lock = threading.Lock()
        self._open: Copy | None = None
        self._seen: tuple[int, int] | None = None

    def copy(self) -> Copy:
        """The current copy; if there is none, one is made first.

        Raises:
            HeadwaterError: the home cannot be read, or no copy can be made.
        """
        with self._lock:
            seen = self._mark()
            if self._open is None or seen != self._seen:
                copy_file = current(self.home) or publish(self.home)
                if self._open is None or self._open.file.path != copy_file.path:
                    self._open = self._opened(copy_file)
                self._seen = self._mark()
            return self._open

    def _opened(self, copy_file: CopyFile) -> Copy:
        """Open *copy_file*; if DuckDB cannot read it, delete it and open a new copy instead."""
        try:
            return Copy(self.home, copy_file)
        except duckdb.Error as error:
            _LOGGER.warning("%s cannot be read, so a new copy is made: %s", copy_file.path, str(error).splitlines()[0])
        copy_file.path.unlink(missing_ok=True)
        return Copy(self.home, current(self.home) or publish(self.home))

    def _mark(self) -> tuple[int, int] | None:
        try:
            stat = self.home.copy_pointer.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_ino
