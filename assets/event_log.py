"""Stores Dagster's events of many partitions together.

Here: a storage that keeps planned and finished materializations in memory until another event comes or something is
read, and then stores them in one transaction.
Not here: opening the records (``assets.instance``), which events there are (``assets.recording``).

A run of three years plans and reports more than ten thousand partitions. Dagster stores each event on its own, which
takes two transactions and several queries. A killed process loses the events that it still has in memory, at most
``_MOST_WAITING``; the lake does not depend on them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Any

from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.events import AssetMaterializationPlannedData, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.instance import InstanceRef
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, func, select

_TOGETHER = {DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.ASSET_MATERIALIZATION_PLANNED}
_LOGS = SqlEventLogStorageTable
_MOST_WAITING = 1_000
_ANY_PARTITION = "<any partition>"


class BulkEventLog(SqliteEventLogStorage):
    """Dagster's SQLite event log, which stores events of materializations together."""

    def __init__(self, base_dir: str) -> None:
        self._waiting: list[EventLogEntry] = []
        super().__init__(base_dir)

    def store_event(self, event: EventLogEntry) -> None:
        """Keep an event of a materialization for later; store any other event at once, after those that were kept."""
        if event.is_dagster_event and event.dagster_event_type in _TOGETHER:
            self._waiting.append(event)
            if len(self._waiting) >= _MOST_WAITING:
                self._store_waiting()
        else:
            super().store_event(event)  # connects, and so stores the kept events first

    def dispose(self) -> None:
        """Store the kept events, then close the storage."""
        self._store_waiting()
        super().dispose()

    @property
    def supports_partition_subset_in_asset_materialization_planned_events(self) -> bool:
        """Let Dagster plan the partitions of an asset in one event; ``_index_rows`` splits it."""
        return True

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        # Everything that Dagster reads or writes goes through here, so nothing is read without the kept events.
        self._store_waiting()
        with super()._connect(shard) as connection:
            yield connection

    def _store_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        for run_id, events in groupby(waiting, key=lambda event: event.run_id):
            self._store_together(run_id, list(events))

    def _store_together(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        """Do what ``store_event`` does for each of *events*: write to the log of the run and to the index of assets."""
        with self.run_connection(run_id) as connection:
            connection.execute(_LOGS.insert(), [self._event_to_row(event) for event in events])
        found = [(event, row) for event in events for row in self._index_rows(event)]
        with self.index_transaction() as connection:
            connection.execute(_LOGS.insert(), [row for _, row in found])
            # The transaction has the lock, so no other process has written since, and the ids are consecutive.
            last = connection.execute(select(func.max(_LOGS.c.id))).scalar_one()
            ids = range(last - len(found) + 1, last + 1)
            self._store_asset_event_tags(connection, [event for event, _ in found], ids)
            # The index has one row for each asset, which every event replaces: the last event of each kind is enough.
            latest = {(row["asset_key"], row["dagster_event_type"]): place for place, (_, row) in enumerate(found)}
            for place in latest.values():
                self._store_asset_event(connection, found[place][0], ids[place])

    def _index_rows(self, event: EventLogEntry) -> Iterator[dict[str, Any]]:
        """The rows of *event* in the index: one, or for a planned materialization one for each of its partitions.

        Dagster shows a partition as failed if the index has such a row and no later materialization.
        """
        planned = event.get_dagster_event().event_specific_data
        if not isinstance(planned, AssetMaterializationPlannedData) or planned.partitions_subset is None:
            yield self._event_to_row(event)
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
