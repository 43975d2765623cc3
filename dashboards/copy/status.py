"""Check results and column lineage of a home, for the data quality page.

Here: collecting both into files beside the copy, because the processes that serve pages do not import Dagster.
Not here: showing them (``dashboards.app.pages.quality``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboards.queries import all_queries
from pipelines.compute.results import CheckState
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.files import write_file
from pipelines.home.folder import Home

Source = tuple[str, str]
"""A table and a column of it."""


@dataclass(frozen=True)
class Lineage:
    """The lineage of columns.

    Attributes:
        sources: Table → column → the columns that its values are computed from.
        descriptions: Table → column → its description.
        queries: Query of a page → the columns that it reads.
    """

    sources: Mapping[str, Mapping[str, Sequence[Source]]]
    descriptions: Mapping[str, Mapping[str, str]]
    queries: Mapping[str, Sequence[Source]]


def are_checks_stale(home: Home) -> bool:
    """Whether Dagster has recorded anything since the check results were saved.

    This compares the times of two files, the saved results and Dagster's database. Comparing the lake would not be
    enough: if a failed check blocks every table, the lake does not change. Asking Dagster itself would take seconds.
    """
    try:
        kept = home.checks_file.stat().st_mtime
    except FileNotFoundError:
        return True
    records = home.dagster_records
    return any(
        path.exists() and path.stat().st_mtime > kept for path in (records, records.with_name(records.name + "-wal"))
    )


def write_status(home: Home, check_states: Callable[[Home], Sequence[CheckState]]) -> None:
    """Collect check results, by calling *check_states*, and lineage, and save them.

    Raises:
        HeadwaterError: the home or the records of checks cannot be read.
    """
    started = dt.datetime.now(dt.UTC).timestamp()
    states = [{**vars(state), "at": state.at and state.at.isoformat()} for state in check_states(home)]
    _write(home.checks_file, states)
    os.utime(home.checks_file, (started, started))  # so that events recorded meanwhile count as newer
    workspace = open_workspace(home)
    version = _project_version(workspace)
    kept = _read(home.lineage_file)
    if not isinstance(kept, dict) or kept.get("version") != version:
        _write(home.lineage_file, {"version": version, **_lineage(workspace)})


def _project_version(workspace: Workspace) -> str:
    digest = hashlib.blake2b(digest_size=8)
    for name, model in sorted(workspace.project.models.items()):
        digest.update(f"{name} {model.types} {model.tree.sql()}".encode())
        digest.update("".join(column.description for column in model.columns.values()).encode())
    digest.update("".join(query.source for query in all_queries().values()).encode())
    return digest.hexdigest()


def _lineage(workspace: Workspace) -> dict[str, Any]:
    from pipelines.sqlproject.lineage import column_lineage
    from pipelines.sqlproject.queries import columns_read, relations

    project = workspace.project
    tables = relations(project)
    return {
        "sources": {name: column_lineage(project, model) for name, model in project.models.items()},
        "descriptions": {
            name: {column: declared.description for column, declared in model.columns.items()}
            for name, model in project.models.items()
        },
        "queries": {name: columns_read(query, tables) for name, query in all_queries().items()},
    }


def read_checks(home: Home) -> list[CheckState]:
    """The check results as last saved; empty if they were never saved."""
    try:
        return [
            CheckState(**{**one, "at": dt.datetime.fromisoformat(one["at"]) if one["at"] else None})
            for one in _read(home.checks_file)
        ]
    except (ValueError, KeyError, TypeError):  # another version wrote the file: as if never saved
        return []


def read_lineage(home: Home) -> Lineage:
    """The lineage as last saved; empty if it was never saved."""
    kept = _read(home.lineage_file)
    try:
        sources = {
            table: {column: [(source[0], source[1]) for source in found] for column, found in columns.items()}
            for table, columns in kept.get("sources", {}).items()
        }
        queries = {name: [(source[0], source[1]) for source in found] for name, found in kept["queries"].items()}
        return Lineage(sources, dict(kept.get("descriptions", {})), queries)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):  # another version wrote the file
        return Lineage({}, {}, {})


def _write(path: Path, content: object) -> None:
    write_file(path, json.dumps(content, ensure_ascii=False))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
