"""Mappings: a SELECT that turns relations of a source into rows of one canonical target.

Here: parsing a mapping and the steps that mappings share, the relations that they read, whether a mapping works record
by record, the types that it returns, and validating these against its target.
Not here: the source's declaration (``pipelines.ingest.sources.source``) or running a mapping.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from collections.abc import Mapping as Dictionary
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
class Step:
    """A SELECT that mappings of a source share and read like a relation: the file ``steps/<name>.sql``.

    *relations*: the relations that it reads, one entry for each reference.
    """

    name: str
    text: str
    tree: exp.Query
    relations: tuple[str, ...]


@dataclass(frozen=True)
class Mapping:
    """The file ``<target>.sql`` of a source.

    *query*: the complete query: WITH, the steps that the SELECT reads, and the SELECT. *relations*: the relations that
    it reads. *by_record*: each row depends on one record of one relation only, so files can be mapped one by one;
    otherwise it is a whole mapping, which reads all files at once. *one_to_one*: *by_record*, and each record gives
    exactly one row. *plain*: relation's column → target's column, if the query only renames columns and omits none;
    else None. *meaning*: the SELECT and its steps without comments and line breaks. *types*: returned column → DuckDB
    type.
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

    def field_of(self, column: str) -> str:
        """The relation's column that becomes the target's *column*.

        *column* itself if the query does more than rename.
        """
        return next((field for field, name in (self.plain or {}).items() if name == column), column)


def load_step(connection: duckdb.DuckDBPyConnection, file: Path, relations: RelationColumns) -> Step:
    """The step in *file*. It becomes a view in *connection*, in which the relations are tables.

    Raises:
        HeadwaterError: it cannot be read or parsed, is not one SELECT, or reads anything but relations of the source.
    """
    text, tree = _read_query(file)
    read = _relations_read(file, tree, relations)
    _bind(connection, file, text)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {identifier(file.stem)} AS {text}")
    return Step(file.stem, text, tree, tuple(read))


def load_mapping(
    connection: duckdb.DuckDBPyConnection,
    target: Target,
    file: Path,
    relations: RelationColumns,
    steps: Dictionary[str, Step],
) -> Mapping:
    """The mapping in *file*, validated against its target and what it reads.

    In *connection* the source's relations are tables, and its *steps* (name → step) are views.

    Raises:
        HeadwaterError: it cannot be read or parsed, is not one SELECT, reads anything but relations and steps of the
            source, lacks a required column of the target, or returns a column that the target does not have.
    """
    text, tree = _read_query(file)
    read = _relations_read(file, tree, relations, steps)
    used = {name: steps[name] for name in read if name in steps}
    types = _bind(connection, file, text)
    _check_columns(file, target, types)
    trees = [tree, *(step.tree for step in used.values())]
    read = [relation for name in read for relation in (used[name].relations if name in used else (name,))]
    by_record = len(read) == 1 and not any(map(_looks_across_records, trees))
    return Mapping(
        target=target,
        file=file,
        query=_with_steps(text, list(used.values())),
        meaning="\n".join(each.sql(dialect="duckdb", comments=False) for each in trees),
        relations=tuple(sorted(set(read))),
        by_record=by_record,
        one_to_one=by_record
        and not any(any(t.find_all(exp.Where, exp.Unnest, exp.Lateral, exp.Explode)) for t in trees),
        plain=_renaming(tree, relations[read[0]]) if by_record and not used else None,
        types=types,
    )


def _read_query(file: Path) -> tuple[str, exp.Query]:
    """The text of *file*, and its syntax tree. The text is what runs: generating SQL from the tree might change it."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise HeadwaterError(f"cannot be read: {error}", where=file) from error
    return text.rstrip().rstrip(";") + "\n", _parse(file, text)


def _with_steps(text: str, steps: Sequence[Step]) -> str:
    """A query with *steps* as CTEs that returns the rows of the query *text*, which may have CTEs of its own."""
    if not steps:
        return text
    named = ",\n".join(f"{identifier(step.name)} AS (\n{step.text})" for step in steps)
    return f"WITH {named}\nSELECT * FROM (\n{text})\n"


def _parse(file: Path, text: str) -> exp.Query:
    try:
        statements = [tree for tree in sqlglot.parse(text, dialect="duckdb") if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        faults = getattr(error, "errors", None)
        where = f"{file}, line {faults[0]['line']}" if faults else str(file)
        raise HeadwaterError(f"not valid SQL: {first_line(error)}", where=where) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        found = f"{len(statements)} statements" if len(statements) != 1 else "another kind of statement"
        raise HeadwaterError(f"expected one SELECT, found {found}", where=file)
    return statements[0]


def _relations_read(file: Path, tree: exp.Query, relations: RelationColumns, steps: Collection[str] = ()) -> list[str]:
    """The relation or step of each table reference in *tree*; references to CTEs are not included."""
    read: dict[int, str] = {}
    known = ", ".join([*relations, *steps])
    for scope in traverse_scope(tree):
        for source in scope.sources.values():
            if not isinstance(source, exp.Table):
                continue
            line = source.this.meta.get("line")
            where = f"{file}, line {line}" if line else str(file)
            if not isinstance(source.this, exp.Identifier):
                raise HeadwaterError(
                    f"may not read {source.sql(dialect='duckdb')!r}",
                    where=where,
                    remedy=f"a mapping reads only relations of its source.yaml and steps ({known}) and unnest(...)",
                )
            if source.db or source.name not in (*relations, *steps):
                raise HeadwaterError(
                    f"unknown relation '{source.sql(dialect='duckdb')}'",
                    where=where,
                    remedy=(
                        f"expected one of {known}: declare it in the source.yaml of {file.parent}, or correct the name"
                    ),
                )
            # The key is the identity of the reference: the scope of an UNNEST lists the table beside it again, which
            # must not count as a second reference.
            read[id(source)] = source.name
    if not read:
        raise HeadwaterError(f"reads no relation; expected one of {known}", where=file)
    return list(read.values())


def _looks_across_records(tree: exp.Query) -> bool:
    """Whether a row of *tree* may depend on more than one record."""
    if any(tree.find_all(*_ACROSS_RECORDS)):
        return True
    if any(not isinstance(join.this, _SAFE_TABLE_FUNCTIONS) for join in tree.find_all(exp.Join)):
        return True
    # sqlglot does not know every aggregate of DuckDB: look up unknown functions in DuckDB's catalog.
    return any(call.name.lower() in _aggregates() for call in tree.find_all(exp.Anonymous))


def _renaming(tree: exp.Query, columns: Sequence[str]) -> dict[str, str] | None:
    """Column → its new name, if *tree* is a SELECT that only renames *columns* and returns all of them; else None."""
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
    """Create empty tables for the relations of a source, so that DuckDB can tell which columns its mappings return."""
    for name, columns in relations.items():
        typed = ", ".join(f"{identifier(column)} VARCHAR" for column in columns)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {identifier(name)} ({typed}, batch_id VARCHAR, record_no BIGINT)"
        )


def _bind(connection: duckdb.DuckDBPyConnection, file: Path, query: str) -> dict[str, str]:
    """The columns that *query* returns: name → DuckDB type."""
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
                    "every mapping must return batch_id and record_no of the record that a row is made from, "
                    "so that a refused row can be traced to its file and line"
                ),
            )
    needed = {
        name: (name, *((column.else_needed,) if column.else_needed else ()))
        for name, column in target.columns.items()
        if column.required or column.needed_if
    }
    missing = [name for name, names in needed.items() if not types.keys() & {*names}]
    if missing:
        raise HeadwaterError(
            f"does not return {', '.join(' or '.join(needed[name]) for name in missing)}; {target.name} requires "
            f"{', '.join(' or '.join(names) for names in needed.values())}",
            where=file,
        )
    unknown = [name for name in types if name not in target.columns and name not in PROVENANCE]
    if unknown:
        raise HeadwaterError(
            f"returns {', '.join(unknown)}, which {target.name} does not have; expected columns are "
            f"{', '.join(target.columns)}",
            where=file,
        )
