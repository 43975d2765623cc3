"""Mappings: the SELECT that turns relations of a source into rows of one canonical target.

Here: parsing a mapping, what it reads, whether it works record by record, the types it returns, and the
contract with its target.
Not here: the source's declaration around it (``pipelines.ingest.sources.source``) or running it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from pipelines.home.errors import HeadwaterError
from pipelines.ingest.sources.target import Target
from pipelines.ingest.sources.targets import PROVENANCE
from pipelines.lake.duck import first_line, identifier

RelationColumns = Dictionary[str, tuple[str, ...]]
"""The columns of each relation of a source, all text."""

_ACROSS_RECORDS = (
    exp.AggFunc,
    exp.Group,
    exp.Window,
    exp.Distinct,
    exp.Limit,
    exp.Offset,
    exp.SetOperation,
    exp.Qualify,
)
_SAFE_TABLE_FUNCTIONS = (exp.Unnest, exp.Lateral)


@dataclass(frozen=True)
class Mapping:
    """One ``<target>.sql`` of a source.

    *relations* are those it reads. *by_record*: each row comes from one record of one relation and from nothing
    else, so that files can be mapped one by one; otherwise it is mapped over all files at once. *one_to_one*:
    moreover each record gives exactly one row. *plain*: it even only renames columns: the relation's columns, and
    what each is called in the target; None if it does more, or leaves a column out. *meaning* is the query without
    comments and line breaks. *types*: the DuckDB type of each column that it returns.
    """

    target: Target
    file: Path
    query: str
    meaning: str
    relations: tuple[str, ...]
    by_record: bool
    one_to_one: bool
    plain: dict[str, str] | None
    types: dict[str, str]


def load_mapping(
    connection: duckdb.DuckDBPyConnection, target: Target, file: Path, relations: RelationColumns
) -> Mapping:
    """The mapping in *file*, checked against its relations, which *connection* holds, and its target.

    Raises:
        HeadwaterError: it cannot be read or parsed, is not one SELECT, reads what is not a relation of the source,
            lacks a column that the target needs, or returns one that the target does not know.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise HeadwaterError(f"cannot be read: {error}", where=file) from error
    tree = _parse(file, text)
    # What runs is what was written: printing the tree again might change it.
    query = text.rstrip().rstrip(";") + "\n"
    read = _relations_read(file, tree, relations)
    types = _bind(connection, file, query)
    _check_columns(file, target, types)
    by_record = len(read) == 1 and not _looks_across_records(tree)
    return Mapping(
        target=target,
        file=file,
        query=query,
        meaning=tree.sql(dialect="duckdb", comments=False),
        relations=tuple(sorted(set(read))),
        by_record=by_record,
        one_to_one=by_record and not any(tree.find_all(exp.Where, exp.Unnest, exp.Lateral, exp.Explode)),
        plain=_renaming(tree, relations[read[0]]) if by_record else None,
        types=types,
    )


def _parse(file: Path, text: str) -> exp.Query:
    try:
        statements = [tree for tree in sqlglot.parse(text, dialect="duckdb") if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        faults = getattr(error, "errors", None)
        where = f"{file}, line {faults[0]['line']}" if faults else str(file)
        raise HeadwaterError(f"not valid SQL: {first_line(error)}", where=where) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise HeadwaterError(f"expected one SELECT, found {len(statements)} statements or another kind", where=file)
    return statements[0]


def _relations_read(file: Path, tree: exp.Query, relations: RelationColumns) -> list[str]:
    """Each mention of a relation in *tree*; names of CTEs are none."""
    read: dict[int, str] = {}
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if not isinstance(source, exp.Table):
                continue
            line = source.this.meta.get("line")
            where = f"{file}, line {line}" if line else str(file)
            if not isinstance(source.this, exp.Identifier):
                raise HeadwaterError(
                    f"reads {source.sql(dialect='duckdb')!r}",
                    where=where,
                    remedy="a mapping reads only relations of its source.yaml "
                    f"({', '.join(relations)}) and unnest(...)",
                )
            if source.db or source.name not in relations:
                raise HeadwaterError(
                    f"unknown relation '{source.sql(dialect='duckdb')}'",
                    where=where,
                    remedy=(
                        f"expected one of {', '.join(relations)}: declare it in {file.parent / 'source.yaml'}, or "
                        "correct the name"
                    ),
                )
            # The scope of an UNNEST shows the table beside it once more.
            read[id(source)] = source.name
    if not read:
        raise HeadwaterError(f"reads no relation; expected one of {', '.join(relations)}", where=file)
    return list(read.values())


def _looks_across_records(tree: exp.Query) -> bool:
    """Whether a row of *tree* may depend on more than one record."""
    if any(tree.find_all(*_ACROSS_RECORDS)):
        return True
    if any(not isinstance(join.this, _SAFE_TABLE_FUNCTIONS) for join in tree.find_all(exp.Join)):
        return True
    # sqlglot does not know every aggregate of DuckDB: what it does not know by name is looked up there.
    return any(call.name.lower() in _aggregates() for call in tree.find_all(exp.Anonymous))


def _renaming(tree: exp.Query, columns: Sequence[str]) -> dict[str, str] | None:
    """What *tree* calls each of *columns*, if it is one SELECT that hands on all of them and does nothing else."""
    clauses = {name for name, value in tree.args.items() if value}
    if not isinstance(tree, exp.Select) or not clauses <= {"expressions", "from_", "from", "kind"}:
        return None
    renamed: dict[str, str] = {}
    for projection in tree.expressions:
        column = projection.unalias()
        if not isinstance(column, exp.Column) or column.name in renamed:
            return None
        renamed[column.name] = projection.alias_or_name
    handed_on = {name: renamed.pop(name, None) for name in PROVENANCE}
    return renamed if set(renamed) == set(columns) and all(n == a for n, a in handed_on.items()) else None


@cache
def _aggregates() -> frozenset[str]:
    with duckdb.connect() as connection:
        query = "SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type = 'aggregate'"
        return frozenset(name for (name,) in connection.execute(query).fetchall())


def create_relations(connection: duckdb.DuckDBPyConnection, relations: RelationColumns) -> None:
    """Make empty relations, to which the mappings of a source are bound."""
    for name, columns in relations.items():
        typed = ", ".join(f"{identifier(column)} VARCHAR" for column in columns)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {identifier(name)} ({typed}, batch_id VARCHAR, record_no BIGINT)"
        )


def _bind(connection: duckdb.DuckDBPyConnection, file: Path, query: str) -> dict[str, str]:
    """The columns and types that *query* returns."""
    try:
        rows = connection.execute(f"DESCRIBE {query}").fetchall()
    except duckdb.Error as error:
        line = re.search(r"^LINE (\d+):", str(error), re.MULTILINE)
        where = f"{file}, line {line[1]}" if line else str(file)
        raise HeadwaterError(first_line(error), where=where) from error
    return {str(row[0]): str(row[1]) for row in rows}


def _check_columns(file: Path, target: Target, types: Dictionary[str, str]) -> None:
    for name in PROVENANCE:
        if name not in types:
            raise HeadwaterError(
                f"does not return '{name}'",
                where=file,
                remedy=(
                    "every mapping hands on batch_id and record_no of the relation whose record a row came from, "
                    "so that a refused row can be traced to its file and line"
                ),
            )
    needed = [name for name, column in target.columns.items() if column.required or column.needed_if]
    missing = [name for name in needed if name not in types]
    if missing:
        raise HeadwaterError(f"lacks {', '.join(missing)}; {target.name} needs {', '.join(needed)}", where=file)
    unknown = [name for name in types if name not in target.columns and name not in PROVENANCE]
    if unknown:
        raise HeadwaterError(
            f"returns {', '.join(unknown)}, which {target.name} does not have; expected columns are "
            f"{', '.join(target.columns)}",
            where=file,
        )
