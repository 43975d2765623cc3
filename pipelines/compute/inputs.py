"""Inputs: verifies the files that a session reads, and mounts each table once, which makes it visible to SQL.

No result may be computed from a damaged file, and a table that is already mounted need not be mounted again.
Not here: what checksums are (``pipelines.lake.checksums``), searching the whole lake for damage
(``pipelines.commands.diagnosis``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import duckdb

from pipelines.compute.damage import refuse
from pipelines.compute.workspace import Workspace, mount_view
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.partitions import Day, DaySpan, PartitionKey
from pipelines.sqlproject.reads import Read


@dataclass
class Verifier:
    """Verifies the inputs of one session, but no file twice, and no file that the session itself has published."""

    workspace: Workspace
    trusted: set[tuple[str, PartitionKey]] = field(default_factory=set)

    def verify(self, table: str, days: Collection[Day] | None) -> None:
        """Compare the files of *table* for *days* (None: all) with their checksums.

        Raises:
            HeadwaterError: a file differs.
        """
        if table in CONFIG_TABLES or table == "raw.batches":  # verified whenever they are read
            return
        if table.startswith("raw."):
            self._verify_raw(table, days)
            return
        keys = {key for key in self.workspace.lake.files(table) if key is None or days is None or key in days}
        new = {key for key in keys if (table, key) not in self.trusted}
        if not new:
            return
        lake = self.workspace.lake
        for key, version in lake.versions(table, {key for key in new if key is not None}, deep=True).items():
            if key in new and not version:
                raise HeadwaterError(
                    f"damaged: it differs from its checksum in {lake.folder(table) / CHECKSUMS}, so it is not used",
                    where=lake.file(table, key),
                    remedy=self.workspace.remedy_for_damage(table, key),
                )
        self.trusted |= {(table, key) for key in new}

    def _verify_raw(self, table: str, days: Collection[Day] | None) -> None:
        present = {output.dt for output in self.workspace.raw.outputs(table)}
        new = {
            key for key in present if (key is None or days is None or key in days) and (table, key) not in self.trusted
        }
        if new:
            refuse(self.workspace, self.workspace.raw.damaged(deep=True, tables={table}, days=new))
            self.trusted |= {(table, key) for key in new}

    def verify_all(self, tables: Iterable[str]) -> None:
        """``verify`` for all days of each of *tables*."""
        for table in tables:
            self.verify(table, None)


class Inputs:
    """The tables of a home that one session reads."""

    def __init__(self, workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
        self._workspace = workspace
        self._connection = connection
        self._mounted: dict[str, str] = {}
        self.verifier = Verifier(workspace)

    def mount(self, reads: Collection[Read], span: DaySpan | None, computing: str = "") -> None:
        """Verify the files of *reads*, then mount them; see ``Workspace.mount``.

        Raises:
            HeadwaterError: a file is damaged.
        """
        for read in reads:
            self.verifier.verify(read.table, self._workspace.days_read(read, span, computing))
        self._workspace.mount(self._connection, reads, span, computing, self._mounted)

    def show(self, table: str, sql: str) -> None:
        """Mount the rows of *sql*, a result that is not published yet, as *table*, so that checks can read them."""
        self._mounted.pop(table, None)
        mount_view(self._connection, table, sql)
