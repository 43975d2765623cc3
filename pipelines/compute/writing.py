"""Writing computed rows into temporary files of the lake, which are not published yet.

Here: the query for the rows of a file; writing one file, at once or range by range, or the files of several days.
Not here: computing the rows, publishing the files (``pipelines.compute.runner``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from pipelines.compute.workspace import Workspace
from pipelines.home.files import convert_write_errors, temporary_for
from pipelines.home.scratch import scratch_folder
from pipelines.lake.day_files import FEW_ROWS, copy_days
from pipelines.lake.duck import identifier, literal
from pipelines.lake.parquet_parts import join_parts
from pipelines.lake.partitions import Day, PartitionKey, copy_to
from pipelines.sqlproject.model import Model


@dataclass
class Written:
    """A temporary file of a partition that is not published yet."""

    key: PartitionKey
    temporary: Path
    version: str
    rows: int


class Writer:
    """Writes temporary files of the lake of *workspace* in the session *connection*."""

    def __init__(self, workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
        self._workspace = workspace
        self._connection = connection

    def one(self, model: Model, key: PartitionKey, relation: str, version: str) -> Written:
        """Write the partition *key*, all rows of *relation*.

        Raises:
            HeadwaterError: the file cannot be written.
        """
        return self._write(model, key, _all_rows(model, relation, key), version)

    def _write(self, model: Model, key: PartitionKey, query: str, version: str) -> Written:
        target = self._workspace.lake.file(model.name, key)
        with convert_write_errors(target.parent):
            temporary = temporary_for(target)
        try:
            rows = copy_to(self._connection, query, temporary, version)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        return Written(key, temporary, version, rows)

    def in_ranges(
        self, model: Model, key: PartitionKey, relation: str, version: str, mounts: Iterable[None]
    ) -> Written:
        """Write the partition *key* range by range: each step of *mounts* gives *relation* the rows of the next range.

        Raises:
            HeadwaterError: the file cannot be written.
        """
        target = self._workspace.lake.file(model.name, key)
        query = _all_rows(model, relation, key)
        rows = 0
        with convert_write_errors(target.parent), scratch_folder(self._workspace.home) as scratch:
            parts: list[Path] = []
            for _ in mounts:
                parts.append(scratch / f"{len(parts)}.parquet")
                rows += copy_to(self._connection, query, parts[-1], version)
            temporary = temporary_for(target)
            try:
                join_parts(parts, temporary)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
        return Written(key, temporary, version, rows)

    def all_of(self, model: Model, versions: Mapping[PartitionKey, str], relation: str) -> list[Written]:
        """Write the partitions in *versions* from *relation*. One query writes all days with few rows.

        Raises:
            HeadwaterError: a file cannot be written. No temporary file is left then.
        """
        days = {key: version for key, version in versions.items() if key is not None}
        if len(days) > 1 and self._has_few_rows(relation, len(days)):
            return self._together(model, days, relation)
        written: list[Written] = []
        try:
            for key, version in versions.items():
                written.append(self._write(model, key, _rows_of_day(model, relation, key), version))
        except BaseException:
            for item in written:
                item.temporary.unlink(missing_ok=True)
            raise
        return written

    def _has_few_rows(self, relation: str, days: int) -> bool:
        rows = self._connection.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0]
        return int(rows) <= FEW_ROWS * days

    def _together(self, model: Model, versions: Mapping[Day, str], relation: str) -> list[Written]:
        folder = self._workspace.lake.folder(model.name)
        order = ", ".join(identifier(name) for name in ("dt", *model.sorted_by))
        query = f"SELECT {', '.join(map(identifier, model.columns))} FROM {relation} ORDER BY {order}"
        temporaries: dict[Day, Path] = {}
        try:
            with convert_write_errors(folder), scratch_folder(self._workspace.home) as scratch:
                for key in versions:
                    temporaries[key] = temporary_for(self._workspace.lake.file(model.name, key))
                targets = {key: (temporaries[key], version) for key, version in versions.items()}
                rows = copy_days(self._connection, query, targets, scratch)
        except BaseException:
            for temporary in temporaries.values():
                temporary.unlink(missing_ok=True)
            raise
        return [Written(key, temporaries[key], versions[key], rows[key]) for key in versions]


def _all_rows(model: Model, relation: str, key: PartitionKey) -> str:
    """A query for all rows of *relation*, which are of partition *key*, in the form of the file."""
    if key is None:
        return _partition_query(model, relation, key)
    # The file does not contain dt, so a row of another day would silently get a wrong day: let the query fail instead.
    message = literal(f"returns a row with another dt than {key}; add 'dt BETWEEN $from_dt AND $to_dt'")
    guard = f"CASE WHEN dt = {_day(key)} THEN true ELSE error({message}) END"
    return _partition_query(model, relation, key, f" WHERE {guard}")


def _rows_of_day(model: Model, relation: str, key: PartitionKey) -> str:
    """A query for those rows of *relation* that are of partition *key*, in the form of the file."""
    return _partition_query(model, relation, key, f" WHERE dt = {_day(key)}" if key else "")


def _partition_query(model: Model, relation: str, key: PartitionKey, where: str = "") -> str:
    """A query for rows of one partition, sorted as in the file, without dt, which is in the folder's name."""
    columns = ", ".join(identifier(name) for name in model.columns if name != "dt" or key is None)
    order = f" ORDER BY {', '.join(identifier(name) for name in model.sorted_by)}" if model.sorted_by else ""
    return f"SELECT {columns} FROM {relation}{where}{order}"


def _day(key: Day) -> str:
    return f"DATE {literal(key.isoformat())}"
