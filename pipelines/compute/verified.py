"""Verifying inputs: nothing is computed of a file that is not as it was written.

Here: comparing the files that a computation reads with their checksums, each once.
Not here: what checksums are (``pipelines.lake.checksums``), looking for damage everywhere
(``pipelines.commands.doctor``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import duckdb

from pipelines.compute.planner import Plan, make_plan
from pipelines.compute.workspace import Workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.ingest import RAW_TABLES, Damage, remedy_for
from pipelines.lake.checksums import NAME as CHECKSUMS
from pipelines.lake.duck import session
from pipelines.lake.partitions import Day, PartitionKey


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
                    f"{lake.file(table, key)}: damaged, it is not as {lake.folder(table) / CHECKSUMS} says; "
                    "nothing is computed of it; 'headwater run --verify' computes it again"
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


def refuse(workspace: Workspace, damages: Collection[Damage]) -> None:
    """Raise a HeadwaterError that names the first of *damages* to raw files, if there is any."""
    for damage in damages:
        more = f"; {len(damages) - 1} more files are damaged: headwater doctor --deep" if len(damages) > 1 else ""
        raise HeadwaterError(f"{describe_damage(workspace, damage)}{more}")


@contextmanager
def damage_named(workspace: Workspace) -> Iterator[None]:
    """Where what reads raw files fails here, and some are damaged, the HeadwaterError names them.

    DuckDB's own messages about damaged files are many, and some name no file.
    """
    try:
        yield
    except (HeadwaterError, duckdb.Error):
        refuse(workspace, workspace.raw.damaged(deep=True))
        raise


def sound_plan(workspace: Workspace, *, deep: bool = False) -> Plan:
    """``make_plan``; if it says that anything is to be done, it was made of raw files that are as they were written.

    Raises:
        HeadwaterError: a raw file is damaged, or a model's query fails.
    """
    with damage_named(workspace), session(workspace.home, workspace.settings) as connection:
        plan = make_plan(workspace, connection, deep=deep)
    if not plan.is_empty:
        # What is judged by its rows was judged by these tables; the runner verifies what it reads itself, so tables
        # that are read day by day are left to it: hashing all events would make each run as long as the history.
        project = workspace.project
        by_content = [name for name, model in project.models.items() if project.is_judged_by_content(model)]
        tables = {
            read.table
            for name in by_content
            for read in project.reads[name]
            if read.table in RAW_TABLES and not (read.offsets and project.is_partitioned(read.table))
        }
        Verifier(workspace).verify_all(sorted(tables))
    return plan


def describe_damage(workspace: Workspace, damage: Damage) -> str:
    """A line on a damaged raw file: which, of which batch, what is wrong with it, what to do."""
    remedy = remedy_for(workspace.home, workspace.raw, damage)
    return f"{damage.path}: damaged, it {damage.wrong}; batch {damage.batch_id}; {remedy}"
