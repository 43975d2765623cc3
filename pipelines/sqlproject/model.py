"""A file of the SQL project: a YAML header and one SELECT.

Here: the types Model and Check, and reading a file as one of them.
Not here: whether the tables and columns that it names exist (``reads``, ``contracts``).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, TypeVar

import sqlglot
import yaml
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.home.errors import HeadwaterError
from pipelines.home.yaml_files import describe, parse_yaml
from pipelines.lake.duck import first_line
from pipelines.sqlproject.parameters import Value, bind, value_of
from pipelines.sqlproject.python_step import step_version

DIALECT = "duckdb"
ALL_DAYS = "all"
"""In ``reads``: the model reads the table's complete history."""

_DAYS = frozenset({"dt", "from_dt", "to_dt"})
_HEADER = re.compile(r"\s*/\*\s*(?P<kind>model|check)\b(?P<yaml>.*?)\*/", re.DOTALL)


class Column(BaseModel):
    """A declared column: its DuckDB type and description."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: str
    description: str


class _Header(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    description: str
    reads: dict[str, str | int] = {}


class _ModelHeader(_Header):
    grain: tuple[str, ...] = Field(min_length=1)
    partition: Literal["dt"] | None = None
    as_of: Literal[True, "month_end"] | None = None
    version: Literal["rows"] | None = None
    last_days: str | int | None = None
    detail: StrictBool = False
    sorted_by: tuple[str, ...] = ()
    python: str | None = Field(None, pattern=r"^[a-z_][a-z0-9_.]*:[a-z_][a-z0-9_]*$")
    columns: dict[str, Column] = Field(min_length=1)

    @model_validator(mode="after")
    def _names_are_columns(self) -> _ModelHeader:
        for key in ("grain", "sorted_by"):
            for name in getattr(self, key):
                if name not in self.columns:
                    raise ValueError(f"{key} names '{name}', which is not a declared column")
        if self.python and not self.partition:
            raise ValueError("a model with 'python' must have 'partition: dt': its function sees one day at a time")
        if self.as_of and not self.partition:
            raise ValueError("a model as of a day must have 'partition: dt'")
        if self.version and (not self.partition or self.as_of or self.python):
            raise ValueError("a model with 'version: rows' must have 'partition: dt', and neither 'as_of' nor 'python'")
        if self.last_days is not None and (not self.partition or self.as_of or ALL_DAYS in self.reads.values()):
            raise ValueError(f"'last_days' needs 'partition: dt', and neither 'as_of' nor reads of '{ALL_DAYS}' days")
        if self.detail and (not self.partition or self.as_of):
            raise ValueError("a model with 'detail: true' must have 'partition: dt', and not 'as_of'")
        if self.partition and self.columns.get("dt", Column(type="", description="")).type != "DATE":
            raise ValueError("a model partitioned by dt must declare the column dt of type DATE")
        return self


class _CheckHeader(_Header):
    model: str
    severity: Literal["error", "warn"]
    remedy: str


H = TypeVar("H", _ModelHeader, _CheckHeader)


ValueKey = tuple[tuple[str, type, Value], ...]
"""Names, types and values of parameters, as a hashable key."""


@dataclass(frozen=True, eq=False)
class SqlFile:
    """The common part of a model and a check, compared by identity because an unchanged file is read only once.

    Attributes:
        name: ``schema.table`` for a model, the file's stem for a check.
        path: The file.
        description: What its rows are, in a sentence or two.
        reads: Table → how many days before the computed day the query reads, as an expression of the settings, or
            ``all``. Tables that are read only on the computed day are not listed.
        source: The file's text.
        tree: The query, with its parameters as placeholders and without comments.
    """

    name: str
    path: Path
    description: str
    reads: Mapping[str, str]
    source: str
    tree: exp.Query

    def line_of(self, node: exp.Expr) -> int:
        """The line of the file on which *node* begins; *node* belongs to *tree* or to a bound copy of it."""
        # sqlglot's line numbers are wrong after a parameter; its offsets are right.
        offsets = [part.meta["start"] for part in node.walk() if "start" in part.meta]
        return self.source.count("\n", 0, min(offsets)) + 1 if offsets else 1

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of the parameters in the query and in ``reads``, without those for days (dt, from_dt, to_dt)."""
        trees = [self.tree, *(sqlglot.parse_one(text, read=DIALECT) for text in self.reads.values())]
        names = {node.name for tree in trees for node in tree.find_all(exp.Placeholder)}
        names |= {node.name for tree in trees[1:] for node in tree.find_all(exp.Column)} - {ALL_DAYS}
        return frozenset(names - _DAYS)

    @cached_property
    def text(self) -> str:
        """The query's canonical text: the same for files that differ only in comments and layout."""
        return self.tree.sql(dialect=DIALECT, comments=False)

    def bound(self, values: Mapping[str, Value]) -> exp.Query:
        """The query with *values* in place of its parameters. The result is cached, so do not change it.

        Raises:
            HeadwaterError: the query names a parameter that *values* lacks, or uses a list outside of IN.
        """
        return _bound(self, self.key_of(values))

    def sql(self, values: Mapping[str, Value]) -> str:
        """The text of the bound query, for DuckDB.

        Raises:
            HeadwaterError: as in ``bound``.
        """
        return _bound_sql(self, self.key_of(values))

    def key_of(self, values: Mapping[str, Value]) -> ValueKey:
        """The parameters among *values* that the file uses, as a key for caches.

        The key has the types of the values too, because 7 and 7.0 are equal but give different SQL.

        Raises:
            HeadwaterError: the file names a parameter that *values* lacks.
        """
        found = [(name, value_of(name, values)) for name in sorted(self.parameters | (_DAYS & values.keys()))]
        return tuple((name, type(value), value) for name, value in found)


@dataclass(frozen=True, eq=False)
class Model(SqlFile):
    """A table of the lake and the query that computes it.

    Attributes:
        grain: The columns that identify a row: together unique, never null.
        is_partitioned: Whether it has a partition for each day.
        as_of: Which days have a partition. None: all days with data. ``True``: the days for which the settings keep
            snapshots. ``month_end``: those of them that are the last day of a month. If not None, each day is computed
            by a query of its own, in which ``$dt`` is the day.
        is_versioned_by_rows: Whether the header says ``version: rows``: a day with the same rows keeps its version,
            whatever its inputs.
        last_days: How many of the last days have a partition, as an expression of the settings; None: all of them.
        is_detail: Whether its days are deleted with the events that they are computed from (``retention.events_days``):
            it has a row for each event, person, path or order.
        sorted_by: The order of the rows within a file; empty: no order.
        python: ``module:function`` that turns the query's rows into the table's rows; None: the query's rows are those
            of the table.
        columns: The declared columns, in order.
    """

    grain: tuple[str, ...]
    is_partitioned: bool
    as_of: Literal[True, "month_end"] | None
    is_versioned_by_rows: bool
    last_days: str | None
    is_detail: bool
    sorted_by: tuple[str, ...]
    python: str | None
    columns: Mapping[str, Column]

    @property
    def schema(self) -> str:
        """The schema's name."""
        return self.name.split(".")[0]

    @property
    def types(self) -> dict[str, str]:
        """Column → DuckDB type."""
        return {name: column.type for name, column in self.columns.items()}

    @cached_property
    def code_version(self) -> str:
        """A hash of everything in the file that determines the rows: query, types, grain, order, reads, function."""
        parts = [self.text, repr(self.types), repr(self.grain), repr(self.sorted_by), repr(sorted(self.reads.items()))]
        if self.python:
            parts += [self.python, step_version(self.python)]
        return hashlib.blake2b("\n".join(parts).encode(), digest_size=8).hexdigest()


@dataclass(frozen=True, eq=False)
class Check(SqlFile):
    """A query that must return no rows, run on a model's result before it is published.

    Attributes:
        model: The model that it validates; in the check's query that table is the new, unpublished result.
        severity: ``error`` keeps the old partition and holds back downstream tables; ``warn`` only reports.
        remedy: What to do if the check fails.
    """

    model: str
    severity: Literal["error", "warn"]
    remedy: str


def read_model(path: Path, schema: str) -> Model:
    """The model in *path*, which is ``<schema>/<table>.sql``.

    Raises:
        HeadwaterError: the header or the query is invalid; with file and line.
    """
    return _model(path, schema, _text(path))


@lru_cache(maxsize=128)
def _model(path: Path, schema: str, source: str) -> Model:
    header = _validate(_ModelHeader, _fields(source, path, "model"), path)
    return Model(
        name=f"{schema}.{path.stem}",
        path=path,
        description=header.description.strip(),
        reads={table: str(days) for table, days in header.reads.items()},
        source=source,
        tree=_parse(source, path),
        grain=header.grain,
        is_partitioned=header.partition is not None,
        as_of=header.as_of,
        is_versioned_by_rows=header.version is not None,
        last_days=None if header.last_days is None else str(header.last_days),
        is_detail=header.detail,
        sorted_by=header.sorted_by,
        python=header.python,
        columns=header.columns,
    )


def read_check(path: Path) -> Check:
    """The check in *path*.

    Raises:
        HeadwaterError: the header or the query is invalid; with file and line.
    """
    return _check(path, _text(path))


@lru_cache(maxsize=128)
def _check(path: Path, source: str) -> Check:
    header = _validate(_CheckHeader, _fields(source, path, "check"), path)
    return Check(
        name=path.stem,
        path=path,
        description=header.description.strip(),
        reads={table: str(days) for table, days in header.reads.items()},
        source=source,
        tree=_parse(source, path),
        model=header.model,
        severity=header.severity,
        remedy=header.remedy.strip(),
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise HeadwaterError(f"cannot be read: {error}", where=path) from error


def _fields(text: str, path: Path, kind: str) -> object:
    match = _HEADER.match(text)
    if match is None or match["kind"] != kind:
        raise HeadwaterError(
            f"expected a header '/* {kind} … */' before the query", where=f"{path}:1", remedy="see docs/user-guide.md"
        )
    try:
        return parse_yaml(match["yaml"])
    except yaml.MarkedYAMLError as error:
        before = text[: match.start("yaml")].count("\n")
        line = before + (error.problem_mark.line if error.problem_mark else 0) + 1
        raise HeadwaterError(f"the header is not valid YAML: {error.problem}", where=f"{path}:{line}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise HeadwaterError(f"the header is not valid YAML: {first_line(error)}", where=f"{path}:1") from error


@lru_cache(maxsize=128)
def _bound(file: SqlFile, values: ValueKey) -> exp.Query:
    return bind(file.tree, {name: value for name, _, value in values})


@lru_cache(maxsize=512)
def _bound_sql(file: SqlFile, values: ValueKey) -> str:
    # Bind again instead of using _bound: its cached tree would have to be copied, which takes longer than binding.
    return bind(file.tree, {name: value for name, _, value in values}).sql(dialect=DIALECT, copy=False)


def _parse(text: str, path: Path) -> exp.Query:
    try:
        statements = [tree for tree in sqlglot.parse(text, read=DIALECT) if tree is not None]
    except SqlglotError as error:
        faults = getattr(error, "errors", None) or [{}]
        line, found = faults[0].get("line", 1), faults[0].get("highlight", "")
        what = faults[0].get("description", str(error).splitlines()[0])
        raise HeadwaterError(f"not valid SQL near '{found}': {what}", where=f"{path}:{line}") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        found = f"{len(statements)} statements" if len(statements) != 1 else "another kind of statement"
        raise HeadwaterError(f"expected exactly one SELECT, found {found}", where=path)
    tree = statements[0]
    for node in tree.walk():
        node.comments = None
        if node._meta is not None:  # keep only the start offset, because every copy of the tree copies these values
            node._meta = {key: value for key, value in node._meta.items() if key not in ("line", "col", "end")}
    return tree


def _validate(kind: type[H], fields: object, path: Path) -> H:
    try:
        return kind.model_validate(fields)
    except ValidationError as error:
        raise HeadwaterError(f"header: {describe(error, kind)}", where=f"{path}:1") from error
