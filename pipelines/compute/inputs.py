"""Inputs: the tables that a session reads, verified and made visible, each once.

Here: nothing is computed of a file that is not as it was written; what a session shows is not mounted again.
Not here: what checksums are (``pipelines.lake.checksums``), looking for damage everywhere
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
    """Verifies the inputs of one session: a file that was found sound, or was published by it, is not read again."""

    workspace: Workspace
    trusted: set[tuple[str, PartitionKey]] = field(default_factory=set)

    def verify(self, table: str, days: Collection[Day] | None) -> None:
        """Compare the files of *table* of *days* (None: all) with their checksums.

        Raises:
            HeadwaterError: one differs; it names the file and says what to do.
        """
        if table in CONFIG_TABLES or table == "raw.batches":  # the list of batches is verified whenever it is read
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
                    f"damaged, it is not as {lake.folder(table) / CHECKSUMS} says; nothing is computed of it",
                    where=lake.file(table, key),
                    remedy="'headwater run --verify' computes it again",
                )
        self.trusted |= {(table, key) for key in new}

    def _verify_raw(self, table: str, days: Collection[Day] | None) -> None:
        held = {output.dt for output in self.workspace.raw.outputs(table)}
        new = {key for key in held if (key is None or days is None or key in days) and (table, key) not in self.trusted}
        if new:
            refuse(self.workspace, self.workspace.raw.damaged(deep=True, tables={table}, days=new))
            self.trusted |= {(table, key) for key in new}

    def verify_all(self, tables: Iterable[str]) -> None:
        """``verify`` of all days of each of *tables*."""
        for table in tables:
            self.verify(table, None)


class Inputs:
    """What one session reads of a home."""

    def __init__(self, workspace: Workspace, connection: duckdb.DuckDBPyConnection) -> None:
        self._workspace = workspace
        self._connection = connection
        self._mounted: dict[str, str] = {}
        self.verifier = Verifier(workspace)

    def mount(self, reads: Collection[Read], span: DaySpan | None, computing: str = "") -> None:
        """Make what *reads* names visible, once it is known to be as it was written; see ``Workspace.mount``.

        Raises:
            HeadwaterError: a file is damaged.
        """
        for read in reads:
            self.verifier.verify(read.table, self._workspace.days_read(read, span, computing))
        self._workspace.mount(self._connection, reads, span, computing, self._mounted)

    def show(self, table: str, sql: str) -> None:
        """Make a result that is not published yet visible as *table*, for its checks."""
        self._mounted.pop(table, None)
        mount_view(self._connection, table, sql)
