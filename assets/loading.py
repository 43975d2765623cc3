"""The tables of databases as Dagster assets, upstream of ingestion.

Here: an asset for each table in ``config/databases.yaml``. Without that file, or without the packages of the extra
``database``, there are no such assets.
Not here: how a table is loaded (``pipelines.databases``), when (``assets.automation``).
"""

# No 'from __future__ import annotations' here: Dagster inspects the annotation of an op's context.
from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.step import RESOURCES, step_of
from pipelines.databases.loading import load_database, missing_packages
from pipelines.databases.settings import Database, load_databases
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home


def databases_to_load(home: Home) -> dict[str, Database]:
    """The databases of *home* by name; empty if packages are missing that are needed to load them.

    Raises:
        HeadwaterError: the file that lists them is not valid.
    """
    databases = load_databases(home)
    return {} if databases and missing_packages() else databases


def loaded_key(database: str, table: str) -> dg.AssetKey:
    """The key of the asset for *table* of *database*."""
    return dg.AssetKey(["landing", database, *table.split(".")])


def loading_asset(name: str, database: Database) -> dg.AssetsDefinition:
    """The assets of *database*, one for each table; one step loads its tables one after the other."""
    specs = [
        dg.AssetSpec(
            loaded_key(name, table),
            description=f"Rows of the table that are new or changed, as files in landing/{declared.to}/.",
            group_name="landing",
            kinds={"postgres", "dlt", "parquet"},
            skippable=True,
        )
        for table, declared in database.tables.items()
    ]

    @dg.multi_asset(name=f"load_{name}", specs=specs, can_subset=True, required_resource_keys=RESOURCES)
    def load(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield from _load(context, name)

    return load


def _load(context: dg.AssetExecutionContext, name: str) -> Iterator[Any]:
    step_input, results = step_of(context)
    try:
        database = load_databases(step_input.home)[name]
        tables = {table for table in database.tables if loaded_key(name, table) in context.selected_asset_keys}
        loads = load_database(step_input.home, name, database, tables, step_input.tell)
    except HeadwaterError as error:
        raise results.failure(error) from error
    errors = [f"{load.name}: {load.error}" for load in loads if load.error]
    for load in loads:
        if not load.error:
            files = dg.MetadataValue.json([str(path.relative_to(step_input.home.landing)) for path in load.files])
            metadata = {"rows": dg.MetadataValue.int(load.rows), "files": files}
            yield dg.MaterializeResult(asset_key=loaded_key(name, load.name), metadata=metadata)
    if errors:
        raise dg.Failure(description=" ".join(errors), allow_retries=False)
