"""Queries that read the lake: files of named queries, held to the tables' columns.

Here: reading such a file, and what is wrong with a query; which columns it reads.
Not here: the queries (``dashboards/queries``, ``config/queries`` of a home), models and checks (``model``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.scope import traverse_scope

from pipelines.home.errors import HeadwaterError
from pipelines.sqlproject.linter import lint_query, qualified
from pipelines.sqlproject.metrics import FILE, expanded, load_metrics
from pipelines.sqlproject.model import DIALECT
from pipelines.sqlproject.project import Project
from pipelines.sqlproject.reads import GIVEN

_HEAD = re.compile(r"^-- query (?P<name>\w+): (?P<about>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """One query.

    Attributes:
        name: ``file.query``.
        about: What its rows are.
        path: Its file.
        line: The line of the file on which *source* begins, from 1.
        source: Its text, in which ``METRICS(…)`` may stand for metrics.
    """

    name: str
    about: str
    path: Path
    line: int
    source: str

    @cached_property
    def tree(self) -> exp.Query:
        """The query with its metrics' formulas.

        Raises:
            HeadwaterError: it is not one SELECT, or names an unknown metric; with file and line.
        """
        place = f"{self.path}:{self.line}: {self.name}"
        try:
            # A text that ends in '' after a parameter cannot be tokenized without the line's end.
            found = [tree for tree in sqlglot.parse(f"{self.source}\n", read=DIALECT) if tree is not None]
        except SqlglotError as error:
            raise HeadwaterError(f"{place}: not valid SQL: {str(error).splitlines()[0]}") from error
        if len(found) != 1 or not isinstance(found[0], exp.Query):
            raise HeadwaterError(f"{place}: expected one SELECT")
        try:
            return expanded(found[0])
        except HeadwaterError as error:
            raise HeadwaterError(f"{place}: {error}") from error

    @cached_property
    def sql(self) -> str:
        """Its text for DuckDB; its ``$name`` are parameters."""
        return self.tree.sql(dialect=DIALECT, comments=False)


def read_queries(path: Path) -> dict[str, Query]:
    """The queries of a file by name, each below its line ``-- query name: what its rows are``.

    Raises:
        HeadwaterError: the file holds none, or one twice.
    """
    text = path.read_text(encoding="utf-8")
    heads = list(_HEAD.finditer(text))
    found: dict[str, Query] = {}
    for head, end in zip(heads, [*(later.start() for later in heads[1:]), len(text)], strict=True):
        name, line = f"{path.stem}.{head['name']}", text.count("\n", 0, head.start()) + 1
        if name in found:
            raise HeadwaterError(f"{path}:{line}: the query '{name}' is defined twice; rename one")
        found[name] = Query(name, head["about"], path, line, text[head.start() : end])
    if not found:
        raise HeadwaterError(f"{path}: expected queries, each below a line '-- query name: what its rows are'")
    return found


def whole_file(path: Path) -> Query:
    """The query that *path* is all of: a saved query of a home; '' where it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    return Query(path.stem, "", path, 1, text)


def relations(project: Project) -> dict[str, Mapping[str, str]]:
    """Every table that a query may read: column → type."""
    return {**GIVEN, **{name: model.types for name, model in project.models.items()}}


def faults_of(query: Query, tables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What is wrong with *query*, a line each: no SQL, an unknown table or column, another formula of a metric."""
    try:
        tree = query.tree
    except HeadwaterError as error:
        yield str(error)
        return
    for finding in lint_query(tree, tables, query.source):
        place = f"{query.path}:{query.line + (finding.line or 1) - 1}"
        yield f"{place}: {finding.rule}: {finding.construct}: {finding.message}"


def metric_faults(tables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """What is wrong with the metrics, a line each: a table or column that is not there."""
    for metric in load_metrics().values():
        formulas = {metric.table: metric.formula} if metric.table else {}
        # Of a ratio: what a model makes of columns that it need not keep.
        formulas |= {table: tree for table, tree in metric.elsewhere.items() if tree.find(exp.AggFunc)}
        for table, tree in formulas.items():
            text = f"SELECT {tree.sql(DIALECT)} AS found FROM {table}" if tree else ""
            for finding in lint_query(exp.maybe_parse(text, dialect=DIALECT), tables, text):
                yield f"{FILE}: '{metric.key}' in {table}: {finding.rule}: {finding.construct}: {finding.message}"
        for table, column in metric.columns.items():
            if column not in tables.get(table, ()):
                yield f"{FILE}: '{metric.key}.column' names {table}.{column}, which is not there"


def columns_read(query: Query, tables: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """The (table, column) pairs that *query* reads, in conditions too, sorted."""
    found = {
        (f"{source.db}.{source.name}", column.name)
        for scope in traverse_scope(qualified(query.tree, tables))
        for column in scope.columns
        if isinstance(source := scope.sources.get(column.table), exp.Table) and source.db
    }
    return sorted(found)
