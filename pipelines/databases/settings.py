"""``config/databases.yaml``: which tables of which databases are loaded, and into which relations of which sources.

Here: the keys of the file, and where a database's address comes from. The file is optional.
Not here: reading the tables (``pipelines.databases.postgres``).
"""

from __future__ import annotations

import os
import stat
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.yaml_files import Whole, describe, read_yaml, shaped
from pipelines.ingest.sources.source import Relation, load_sources

Interval = Literal["15 minutes", "hour", "day"]
_OTHERS_MAY_READ = stat.S_IRWXG | stat.S_IRWXO


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LoadedTable(_Section):
    """A table to load.

    Attributes:
        to: ``<source>/<relation>``: the folder below ``landing/`` that gets its rows.
        cursor: The column that says when a row was last changed; None: the table is compared as a whole.
        query: A SELECT to load instead of the table.
    """

    to: Annotated[str, shaped(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*", "<source>/<relation>, such as native/orders")]
    cursor: str | None = Field(None, min_length=1)
    query: str | None = Field(None, min_length=1)

    @property
    def source(self) -> str:
        """The source that reads the rows."""
        return self.to.partition("/")[0]

    @property
    def relation(self) -> str:
        """The relation of the source."""
        return self.to.partition("/")[2]


_Name = Annotated[str, shaped(r"[a-z][a-z0-9_]*", "a name of lower-case letters, digits and _")]
_TableName = Annotated[
    str, shaped(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)?", "a table such as orders or public.orders; load others by a query")
]


class Database(_Section):
    """A PostgreSQL database.

    Attributes:
        url_variable, url_file: The environment variable, or the file, that contains its address with the password.
            A relative path begins at the home.
        every: How often Dagster loads it.
        overlap_minutes: How long a transaction may take between setting the cursor column and its commit.
        tables: Table as in PostgreSQL (``schema.table``), or with a query any name → what is loaded.
    """

    url_variable: str | None = Field(None, min_length=1)
    url_file: str | None = Field(None, min_length=1)
    every: Interval = "hour"
    overlap_minutes: Whole = Field(10, ge=0, le=1440)
    tables: dict[_TableName, LoadedTable] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_one_url(self) -> Database:
        if (self.url_variable is None) == (self.url_file is None):
            raise ValueError("expected either url_variable or url_file")
        return self


class _File(_Section):
    databases: dict[_Name, Database]


def load_databases(home: Home) -> dict[str, Database]:
    """The databases of *home* by name; empty if it has no ``databases.yaml``. Connects to none of them.

    Raises:
        HeadwaterError: the file is not valid, or names a source or relation that does not exist.
    """
    path = home.databases_file
    if not path.is_file():
        return {}
    content = read_yaml(path)
    try:
        databases = _File.model_validate({"databases": content or {}}).databases
    except ValidationError as error:
        raise HeadwaterError(describe(error, _File).replace("databases.", ""), where=path) from error
    for name, database in databases.items():
        for table in database.tables.values():
            relation_of(home, name, table)
    return databases


def relation_of(home: Home, database: str, table: LoadedTable) -> Relation:
    """The relation that the rows of *table* are landed for.

    Raises:
        HeadwaterError: there is no such source or relation.
    """
    sources = {source.name: source for source in load_sources(home)}
    relations = sources[table.source].relations if table.source in sources else {}
    if table.relation not in relations:
        known = [f"{table.source}/{name}" for name in relations] or [f"{name}/…" for name in sources]
        raise HeadwaterError(
            f"'{database}' loads into '{table.to}', which does not exist; expected one of {', '.join(known)}",
            where=home.databases_file,
        )
    return relations[table.relation]


def url_of(home: Home, name: str, database: Database) -> str:
    """The address of *database*, with its password. It must not be written anywhere.

    Raises:
        HeadwaterError: the variable is not set, or the file cannot be read or may be read by others.
    """
    if database.url_variable is not None:
        if url := os.environ.get(database.url_variable, "").strip():
            return url
        raise HeadwaterError(
            f"the environment variable {database.url_variable} of '{name}' is not set",
            where=home.databases_file,
            remedy=f"set it for this process: {database.url_variable}=postgresql://user:password@host/database",
        )
    assert database.url_file is not None
    path = home.root / database.url_file
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS_MAY_READ:
            raise HeadwaterError(
                f"other users may read this file with a password (its mode is {mode:04o})",
                where=path,
                remedy=f"chmod 600 {path}",
            )
        if url := path.read_text(encoding="utf-8").strip():
            return url
    except OSError as error:
        raise HeadwaterError(f"cannot be read: {error.strerror}", where=path) from error
    raise HeadwaterError("is empty; expected postgresql://user:password@host/database", where=path)
