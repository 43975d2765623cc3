"""Damaged raw files.

Here: the errors that name a damaged file and what to do.
Not here: verifying what a computation reads (``pipelines.compute.inputs``), what checksums are
(``pipelines.lake.checksums``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import duckdb

from pipelines.compute.workspace import Workspace
from pipelines.home.errors import HeadwaterError
from pipelines.ingest import Damage, remedy_for


def refuse(workspace: Workspace, damages: Collection[Damage]) -> None:
    """Raise a HeadwaterError for the first of *damages* to raw files; do nothing if there are none."""
    for damage in damages:
        error = damage_error(workspace, damage)
        more = (
            f"; {len(damages) - 1} more files are damaged, 'headwater doctor --deep' lists them"
            if len(damages) > 1
            else ""
        )
        raise HeadwaterError(error.what, where=error.where, remedy=f"{error.remedy}{more}")


@contextmanager
def name_damaged_file(workspace: Workspace) -> Iterator[None]:
    """If the code in this context fails, check the raw files; if one is damaged, raise a HeadwaterError that names it.

    DuckDB has many different messages for damaged files, and some do not name the file.
    """
    try:
        yield
    except (HeadwaterError, duckdb.Error):
        refuse(workspace, workspace.raw.damaged(deep=True))
        raise


def damage_error(workspace: Workspace, damage: Damage) -> HeadwaterError:
    """The error for a damaged raw file: the file, its batch, what is wrong and what to do."""
    remedy = remedy_for(workspace.home, workspace.raw, damage)
    return HeadwaterError(
        f"damaged: the file {damage.wrong} (batch {damage.batch_id})", where=damage.path, remedy=remedy
    )
