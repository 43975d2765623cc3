"""``headwater catalog``: the lake as a DuckDB file of views, for any client, BI tool or notebook.

Here: writing ``<home>/headwater.duckdb``. The file has no rows; its views read the Parquet files. So new days appear
in the views although the file is not written again, and a client that has the file open does not block a run.
Not here: ``headwater sql`` (``pipelines.compute.reading``).
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, replace_files
from pipelines.home.folder import Home
from pipelines.home.scratch import scratch_folder
from pipelines.lake.duck import file_fault, identifier, literal
from pipelines.lake.partitions import PART, relation_sql

STORAGE_VERSION = "v1.0.0"
"""Older DuckDB clients can open this version, but not the default of DuckDB 2.0."""


def write_catalog(home: Home) -> Path:
    """Write the catalogue of *home*, atomically replacing an earlier one.

    Returns:
        The path of the file.

    Raises:
        HeadwaterError: the settings or models of the home are invalid, or the file cannot be written.
    """
    workspace = open_workspace(home)
    target = home.catalog_file
    try:
        # Write the file in a scratch folder, because DuckDB may leave a second file beside it.
        with convert_write_errors(target), scratch_folder(home) as folder:
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
    # DuckDB cannot create a view for a glob pattern without matches, so an empty table gets a view without rows.
    pattern = [folder / ("dt=*" if model.is_partitioned else "") / PART] if workspace.lake.keys(table) else []
    try:
        connection.execute(f"CREATE VIEW {identifier(table)} AS {relation_sql(model.types, pattern)}")
    except duckdb.BinderException as error:
        raise HeadwaterError(
            "was computed before its columns changed",
            where=table,
            remedy="compute it again: headwater run; then headwater catalog",
        ) from error
    connection.execute(f"COMMENT ON VIEW {identifier(table)} IS {literal(model.description)}")
    for name, column in model.columns.items():
        place = f"{identifier(table)}.{identifier(name)}"
        connection.execute(f"COMMENT ON COLUMN {place} IS {literal(column.description)}")
