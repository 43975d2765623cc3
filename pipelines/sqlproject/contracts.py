"""Validates that every query returns the columns and types that its header declares.

Here: binding each query to empty tables of the declared types, which reads no data, and comparing the result.
Not here: which tables a query may read (``reads``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import duckdb
from sqlglot import exp

from pipelines.home.errors import HeadwaterError
from pipelines.lake.duck import first_line, identifier
from pipelines.sqlproject.model import Check, Model, SqlFile
from pipelines.sqlproject.parameters import Value
from pipelines.sqlproject.reads import GIVEN, Read, sample_span, values_for

_described: dict[tuple[str, ...], dict[str, str]] = {}
"""(Query, definitions of its tables) → column → type. A change of a setting or file binds only the affected queries."""


def enforce_contracts(
    models: Mapping[str, Model],
    checks: Iterable[Check],
    reads: Mapping[str, Iterable[Read]],
    parameters: Mapping[str, Value],
) -> None:
    """Require that every query returns what its header declares. *reads* has the tables that each query reads.

    Raises:
        HeadwaterError: a query names an unknown column, or returns other columns or types than its header declares;
            with file, line and remedy.
    """
    definitions = {name: _definition(name, columns) for name, columns in GIVEN.items()}
    definitions |= {name: _definition(name, model.types) for name, model in models.items()}
    with duckdb.connect() as connection:
        for file in (*models.values(), *checks):
            tables = {read.table for read in reads[file.name]} | ({file.name} & models.keys())
            try:
                sql = file.sql(values_for(file, parameters, sample_span(file, models)))
            except HeadwaterError as error:
                raise HeadwaterError(error.what, where=file.path, remedy=error.remedy) from error
            key = (sql, *(definitions[table] for table in sorted(tables)))
            if key not in _described:
                for table in tables:
                    _create(connection, table, definitions[table], models)
                _described[key] = _describe(connection, file, sql)
            _require_contract(file, _described[key], models)


def _definition(table: str, columns: Mapping[str, str]) -> str:
    declared = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
    return f"CREATE TABLE IF NOT EXISTS {identifier(table)} ({declared})"


def _create(connection: duckdb.DuckDBPyConnection, table: str, definition: str, models: Mapping[str, Model]) -> None:
    connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(table.split('.')[0])}")
    try:
        connection.execute(definition)
    except duckdb.Error as error:
        raise HeadwaterError(
            f"DuckDB refuses the types or names under 'columns': {first_line(error)}", where=f"{models[table].path}:1"
        ) from error


def _describe(connection: duckdb.DuckDBPyConnection, file: SqlFile, sql: str) -> dict[str, str]:
    try:
        rows = connection.execute(f"DESCRIBE {sql}").fetchall()
    except duckdb.Error as error:
        line = _line_of_name(file, str(error))
        raise HeadwaterError(first_line(error), where=f"{file.path}:{line}") from error
    names = [row[0].lower() for row in rows]
    for name in names:
        if names.count(name) > 1:
            raise HeadwaterError(
                f"column '{name}' is returned {names.count(name)} times",
                where=file.path,
                remedy=f"rename one, or exclude it from a star: step.* EXCLUDE ({name})",
            )
    return {row[0]: row[1] for row in rows}


def _require_contract(file: SqlFile, found: Mapping[str, str], models: Mapping[str, Model]) -> None:
    if isinstance(file, Model):
        if not file.python:  # the columns that the function returns are only known when it runs
            _require_columns(file, found)
    elif isinstance(file, Check) and models[file.model].is_partitioned and found.get("dt") != "DATE":
        raise HeadwaterError(
            "a check of a partitioned table must return dt of type DATE, the days to block", where=file.path
        )


def _line_of_name(file: SqlFile, message: str) -> int:
    for name in re.findall(r'"(\w+)"', message)[:1]:
        for node in file.tree.find_all(exp.Identifier):
            if node.name == name:
                return file.line_of(node)
    return 1


def _require_columns(model: Model, found: Mapping[str, str]) -> None:
    declared = model.types
    for name in declared:
        if name not in found:
            raise HeadwaterError(
                f"column '{name}' is declared but not returned by the query",
                where=f"{model.path}:{_header_line(model, name)}",
                remedy="return it, or remove it from the header's columns",
            )
    for name, kind in found.items():
        if name not in declared:
            line = max((model.line_of(n) for n in model.tree.find_all(exp.Identifier) if n.name == name), default=1)
            raise HeadwaterError(
                f"column '{name}' is returned but not declared",
                where=f"{model.path}:{line}",
                remedy=f"add '{name}: {{type: {kind}, description: …}}' to the header's columns",
            )
        if kind != declared[name]:
            raise HeadwaterError(
                f"column '{name}' is declared as {declared[name]}, but the query returns {kind}",
                where=f"{model.path}:{_header_line(model, name)}",
                remedy=f"write CAST(… AS {declared[name]}) or change the header",
            )


def _header_line(model: Model, column: str) -> int:
    for number, line in enumerate(model.path.read_text(encoding="utf-8").splitlines(), start=1):
        if re.match(rf"\s+{re.escape(column)}\s*:", line):
            return number
    return 1
