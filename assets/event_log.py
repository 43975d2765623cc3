"""Stores many of Dagster's events together.

Here: a storage that keeps events in memory until something is read, and then stores them in one transaction; one
connection for all transactions of a database.
Not here: opening the records (``assets.instance``), which events there are (``assets.recording``).

A run of three years plans and reports more than ten thousand partitions. Dagster stores each event on its own, which
takes a new connection, up to two transactions and several queries. A killed process loses the events that it still has
in memory, at most ``_MOST_WAITING``; the lake does not depend on them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    EVENT_TYPE_TO_PIPELINE_RUN_STATUS,
    AssetMaterializationPlannedData,
    DagsterEventType,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.instance import InstanceRef
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, func, select

_MATERIALIZATIONS = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
_AT_ONCE = (ASSET_EVENTS | ASSET_CHECK_EVENTS | EVENT_TYPE_TO_PIPELINE_RUN_STATUS.keys()) - _MATERIALIZATIONS
"""Kinds of events that Dagster also writes to tables other than the log of the run and the index of assets."""
_LOGS = SqlEventLogStorageTable
_MOST_WAITING = 1_000
_ANY_PARTITION = "<any partition>"


class BulkEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log, which stores events together and keeps its connections."""

    def __init__(self, base_dir: str) -> None:
        self._waiting: list[EventLogEntry] = []
        self._queue = threading.Lock()
        self._engines: dict[str, Engine] = {}
        super().__init__(base_dir)

    def store_event(self, event: EventLogEntry) -> None:
        """Keep an event in memory for later; an event in ``_AT_ONCE`` is stored at once."""
        if event.dagster_event_type in _AT_ONCE:
            super().store_event(event)  # calls _connect, which stores the kept events first
            return
        with self._queue:
            self._waiting.append(event)
        if len(self._waiting) >= _MOST_WAITING:
            self._store_waiting()

    def dispose(self) -> None:
        """Store the kept events, then close the storage and its connections."""
        self._store_waiting()
        super().dispose()
        for engine in self._engines.values():
            engine.dispose()

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """Let Dagster plan the partitions of an asset in one event; ``_index_rows`` splits it."""
        return True

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        # Everything that Dagster reads or writes goes through here, so nothing is read without the kept events.
        self._store_waiting()
        with self._db_lock, self._engine(shard).begin() as connection:
            yield connection

    def _engine(self, shard: str) -> Engine:
        """The engine of the database *shard*, made once.

        Dagster itself makes a new engine for each event, which connects and compiles its queries again.
        """
        if shard not in self._engines:
            for other in self._engines.keys() - {INDEX_SHARD_NAME}:  # each run has a database of its own
                self._engines.pop(other).dispose()
            wait = {"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
            self._engines[shard] = create_engine(self.conn_string_for_shard(shard), connect_args=wait)
        if shard not in self._initialized_dbs:
            self._initdb(self._engines[shard])
            self._initialized_dbs.add(shard)
        return self._engines[shard]

    def _store_waiting(self) -> None:
        with self._queue:
            waiting, self._waiting = self._waiting, []
        groups = [list(events) for _, events in groupby(waiting, key=lambda event: event.run_id)]
        while groups:
            try:
                self._store_together(groups[0][0].run_id, groups[0])
            except BaseException:
                with self._queue:
                    self._waiting[:0] = [event for group in groups for event in group]
                raise
            groups.pop(0)

    def _store_together(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Do what ``store_event`` does for each of *events*: write to the log of the run and to the index of assets."""
        rows = [self._event_to_row(event) for event in events]
        with self.run_connection(run_id) as connection:
            connection.execute(_LOGS.insert(), rows)
        of_assets = [pair for pair in zip(events, rows, strict=True) if pair[0].dagster_event_type in _MATERIALIZATIONS]
        found = [(event, each) for event, row in of_assets for each in self._index_rows(event, row)]
        if not found:
            return
        with self.index_transaction() as connection:
            connection.execute(_LOGS.insert(), [row for _, row in found])
            # The transaction holds the write lock, so no other process has inserted rows, and the ids are consecutive.
            last = connection.execute(select(func.max(_LOGS.c.id))).scalar_one()
            ids = range(last - len(found) + 1, last + 1)
            self._store_asset_event_tags(connection, [event for event, _ in found], ids)
            # Each event overwrites its asset's row in the index, so store only the last event of each kind.
            latest = {(row["asset_key"], row["dagster_event_type"]): place for place, (_, row) in enumerate(found)}
            for place in latest.values():
                self._store_asset_event(connection, found[place][0], ids[place])

    def _index_rows(self, event: EventLogEntry, own: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The rows that the index of assets gets for *event*.

        For the planned materialization of several partitions, this is a row for each partition, because Dagster shows
        a partition as failed if the index has its planned materialization and no later actual one. For every other
        event it is only the row *own*.
        """
        planned = event.get_dagster_event().event_specific_data
        if not isinstance(planned, AssetMaterializationPlannedData) or planned.partitions_subset is None:
            yield own
            return
        each = planned._replace(partition=_ANY_PARTITION, partitions_subset=None)
        row = self._event_to_row(
            event._replace(dagster_event=event.get_dagster_event()._replace(event_specific_data=each))
        )
        for key in planned.partitions_subset.get_partition_keys():
            yield row | {"partition": key, "event": row["event"].replace(_ANY_PARTITION, key)}

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        """Store one planned result of the check, not one for each partition: it is reported once for all of them."""
        planned = event.get_dagster_event().event_specific_data
        assert isinstance(planned, AssetCheckEvaluationPlanned)
        once = AssetCheckEvaluationPlanned(asset_key=planned.asset_key, check_name=planned.check_name)
        event = event._replace(dagster_event=event.get_dagster_event()._replace(event_specific_data=once))
        super()._store_asset_check_evaluation_planned(event, event_id)


class BulkStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage with a ``BulkEventLog``."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        assert isinstance(self._event_log_storage, SqliteEventLogStorage)
        self._event_log_storage = BulkEventLog(self._event_log_storage._base_dir)

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Any) -> BulkStorage:
        """The storage described by *config_value*, as Dagster makes it from its settings."""
        return cls.from_local(inst_data=inst_data, **config_value)


def storing_in_bulk(reference: InstanceRef) -> InstanceRef:
    """*reference* with ``BulkStorage``, unless ``dagster.yaml`` sets another storage than Dagster's default."""
    storage = reference.storage_data
    if storage is None or storage.class_name != DagsterSqliteStorage.__name__:
        return reference
    return reference._replace(storage_data=ConfigurableClassData(__name__, BulkStorage.__name__, storage.config_yaml))
