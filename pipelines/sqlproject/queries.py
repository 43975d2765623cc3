"""Queries that read the lake: files of named queries, checked against the tables' columns.

Here: reading such a file, finding the faults of a query, and the columns that it reads.
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
from pipelines.sqlproject.metric_sql import expanded
from pipelines.sqlproject.metrics import FILE, load_metrics
from pipelines.sqlproject.model import DIALECT
from pipelines.sqlproject.project import Project
from pipelines.sqlproject.reads import GIVEN

_HEAD = re.compile(r"^-- query (?P<name>\w+): (?P<about>.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Query:
    """A query in a file.

    Attributes:
        name: ``file.query``; for a saved query, its file's stem.
        about: What its rows are; '' for a saved query.
        path: The file.
        line: The line of the file on which *source* begins, from 1.
        source: The SQL text, which may contain ``METRICS(…)``.
    """

    name: str
    about: str
    path: Path
    line: int
    source: str

    @cached_property
    def tree(self) -> exp.Query:
        """The query, with ``METRICS(…)`` replaced by the metrics' formulas.

        Raises:
            HeadwaterError: it is not one SELECT, or names an unknown metric; with file and line.
        """
        place = f"{self.path}:{self.line}: {self.name}"
        try:
            # Add a line break, because sqlglot cannot tokenize a text that has a parameter and ends in an empty literal
            # ('').
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
        """The SQL text of *tree* for DuckDB, with each ``$name`` as a parameter."""
        return self.tree.sql(dialect=DIALECT, comments=False)


def read_queries(path: Path) -> dict[str, Query]:
    """Name → query, for a file of queries, each below a line ``-- query name: what its rows are``.

    Raises:
        HeadwaterError: the file has no query, or two of the same name.
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
    """A saved query of a home: the content of the file *path*, or '' if the file cannot be read."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        text = ""
    return Query(path.stem, "", path, 1, text)


def relations(project: Project) -> dict[str, Mapping[str, str]]:
    """Table → its columns and their types, for every table that a query may read."""
    return {**GIVEN, **{name: model.types for name, model in project.models.items()}}


def faults_of(query: Query, tables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield a line for each fault of *query*: invalid SQL, and the faults that ``lint_query`` finds."""
    try:
        tree = query.tree
    except HeadwaterError as error:
        yield str(error)
        return
    for finding in lint_query(tree, tables, query.source):
        place = f"{query.path}:{query.line + (finding.line or 1) - 1}"
        yield f"{place}: {finding.rule}: {finding.construct}: {finding.message}"


def metric_faults(tables: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield a line for each fault of the metrics, such as a table or column that does not exist."""
    for metric in load_metrics().values():
        formulas = {metric.table: metric.formula} if metric.table else {}
        # Check only formulas with an aggregate. One without is as in the model's query: it may use columns that the
        # model does not return, so it cannot be checked against the table.
        formulas |= {table: tree for table, tree in metric.elsewhere.items() if tree.find(exp.AggFunc)}
        for table, tree in formulas.items():
            text = f"SELECT {tree.sql(DIALECT)} AS found FROM {table}" if tree else ""
            for finding in lint_query(exp.maybe_parse(text, dialect=DIALECT), tables, text):
                yield f"{FILE}: '{metric.key}' in {table}: {finding.rule}: {finding.construct}: {finding.message}"
        for table, column in metric.columns.items():
            if column not in tables.get(table, ()):
                yield f"{FILE}: '{metric.key}.column' names {table}.{column}, which does not exist"


def columns_read(query: Query, tables: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """The (table, column) pairs that *query* reads, including columns in conditions, sorted."""
    found = {
        (f"{source.db}.{source.name}", column.name)
        for scope in traverse_scope(qualified(query.tree, tables))
        for column in scope.columns
        if isinstance(source := scope.sources.get(column.table), exp.Table) and source.db
    }
    return sorted(found)
