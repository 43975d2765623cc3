"""Versions: hashes of everything that determines the rows of a partition.

A version by inputs is a hash of the model's text, the settings that it uses and the versions of the partitions that it
reads. A version by rows is a hash of the partition's rows. It is used for models that have no partitions or read a
complete history (all orders and their lines): a version by inputs would make them completely stale whenever new files
are ingested, and they have few rows to hash.
Here: both kinds of versions, and the versions in the lake during a run.
Not here: comparing versions (``pipelines.compute.planner``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable

import duckdb

from pipelines.compute.workspace import Workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.lake.duck import identifier
from pipelines.lake.partitions import Day, PartitionKey
from pipelines.sqlproject.model import Model

VersionOf = Callable[[str, PartitionKey], str | None]
"""Returns the version of a table's partition; None if there is no such partition."""


def content_versions(connection: duckdb.DuckDBPyConnection, model: Model, relation: str) -> dict[PartitionKey, str]:
    """Partition → version by rows, for all partitions of *model*; *relation* names the table with its rows."""
    columns = ", ".join(identifier(name) for name in model.columns)
    measure = f"count(*), CAST(sum(CAST(hash({columns}) AS HUGEINT)) AS VARCHAR)"
    if not model.is_partitioned:
        rows = connection.execute(f"SELECT NULL, {measure} FROM {relation}").fetchall()
    else:
        rows = connection.execute(f"SELECT dt, {measure} FROM {relation} GROUP BY dt").fetchall()
    return {key: _hash([model.code_version, str(count), str(total)]) for key, count, total in rows}


def input_version(workspace: Workspace, model: Model, day: Day, version_of: VersionOf) -> str | None:
    """The version by inputs of the partition *day* of *model*; *version_of* returns the versions of the inputs.

    None if *model* finds no partition on any day that it reads, in any of the partitioned tables that it reads. Then
    there is nothing to compute, and the partition should not exist.
    """
    project = workspace.project
    parts = [project.own_versions[model.name]]
    has_input = False
    for read in sorted(project.reads[model.name], key=lambda read: read.table):
        if not project.is_partitioned(read.table):
            parts.append(f"{read.table}@{version_of(read.table, None)}")
            continue
        for offset, parent in zip(read.offsets or (), read.days_of(day), strict=True):
            version = version_of(read.table, parent)
            if version is not None:
                has_input = has_input or read.table != model.name
                parts.append(f"{read.table}-{offset}@{version}")
    return _hash(parts) if has_input else None


def _hash(parts: Iterable[str]) -> str:
    return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


class StoredVersions:
    """The versions of the partitions in the lake, read when first needed. The caller updates them when it publishes.

    Args:
        workspace: The home.
        days: The days whose versions are read from the models' partitioned tables; other days count as missing.
    """

    def __init__(self, workspace: Workspace, days: Collection[Day]) -> None:
        self._workspace = workspace
        self._days = frozenset(days)
        self._tables: dict[str, dict[PartitionKey, str]] = {}

    def of(self, table: str) -> dict[PartitionKey, str]:
        """The versions of *table*, as a dict that the caller may update."""
        if table not in self._tables:
            if table.startswith("raw."):
                self._tables[table] = dict(self._workspace.raw.versions(table))
            elif table in CONFIG_TABLES:
                self._tables[table] = {None: self._workspace.config.version(table)}
            else:
                self._tables[table] = self._workspace.lake.versions(table, self._days)
        return self._tables[table]

    def by_inputs(self, model: Model, key: PartitionKey) -> str | None:
        """The version by inputs of a partition; None if it has no inputs or the model is versioned by its rows."""
        if key is None or self._workspace.project.is_versioned_by_content(model):
            return None
        return input_version(self._workspace, model, key, lambda table, parent: self.of(table).get(parent))
