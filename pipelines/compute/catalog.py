"""``headwater catalog``: the lake as a DuckDB file of views, for any client, BI tool or notebook.

Here: writing ``<home>/headwater.duckdb``. The file holds no rows: its views read the Parquet files, so that new
days appear by themselves and no writer is ever in the way.
Not here: ``headwater sql`` (``pipelines.compute.reading``).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import replace_files, told_if_unwritable
from pipelines.home.folder import Home
from pipelines.home.scratch import scratch_folder
from pipelines.lake.duck import file_fault, identifier, literal
from pipelines.lake.partitions import PART, relation_sql

STORAGE_VERSION = "v1.0.0"
"""Older clients open this; DuckDB 2.0's own default they do not."""


def write_catalog(home: Home) -> Path:
    """Write the catalogue of *home*, replacing an earlier one at once.

    Returns:
        The file.

    Raises:
        HeadwaterError: the home is wrong or cannot be written.
    """
    workspace = open_workspace(home)
    target = home.catalog_file
    try:
        # Not beside its target: DuckDB may write a second file beside this one.
        with told_if_unwritable(target), scratch_folder(home) as folder:
            temporary = folder / target.name
            _write(workspace, temporary)
            replace_files([(temporary, target)])
    except duckdb.Error as error:
        fault = file_fault(error)
        raise HeadwaterError(f"cannot be written: {fault.fault}", where=target, remedy=fault.remedy) from error
    return target


def _write(workspace: Workspace, path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute(f"ATTACH {literal(str(path))} AS catalogue (STORAGE_VERSION {literal(STORAGE_VERSION)})")
        connection.execute("USE catalogue")
        for schema in workspace.project.schemas():
            connection.execute(f"CREATE SCHEMA {identifier(schema)}")
        for table in workspace.project.models:
            _create_view(connection, workspace, table)
        connection.execute("USE memory")
        connection.execute("DETACH catalogue")


def _create_view(connection: duckdb.DuckDBPyConnection, workspace: Workspace, table: str) -> None:
    model = workspace.project.models[table]
    folder = workspace.lake.folder(table)
    # A view over a pattern that no file matches cannot be created: an empty table is a view of no rows.
    pattern = [folder / ("dt=*" if model.is_partitioned else "") / PART] if workspace.lake.files(table) else []
    connection.execute(f"CREATE VIEW {identifier(table)} AS {relation_sql(model.types, pattern)}")
    connection.execute(f"COMMENT ON VIEW {identifier(table)} IS {literal(model.description)}")
    for name, column in model.columns.items():
        place = f"{identifier(table)}.{identifier(name)}"
        connection.execute(f"COMMENT ON COLUMN {place} IS {literal(column.description)}")
