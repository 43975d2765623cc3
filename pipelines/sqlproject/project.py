"""The whole SQL project of a home, loaded and held to its contracts.

Here: gathering the files, who reads what and how far back, the order of computing, and the contracts: known
tables, declared columns and types, reads within the declared look-back.
Not here: the syntax of one file (``model``), the subset of SQL (``linter``), running (``pipelines.runner``).
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import duckdb
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from pipelines.config_tables import CONFIG_TABLES
from pipelines.duck import first_line, identifier
from pipelines.errors import HeadwaterError
from pipelines.home import REPOSITORY, Home
from pipelines.ingest.targets import RAW_TABLES
from pipelines.lake import relation_sql
from pipelines.settings import Settings, SettingValue
from pipelines.sqlproject.model import ALL_DAYS, Check, Model, SqlFile, ValueKey, read_check, read_model
from pipelines.sqlproject.parameters import Value, look_back

_NOT_SCHEMAS = {"sources", "checks"}
_SAMPLE_DAY = dt.date(2020, 6, 15)


@dataclass(frozen=True)
class Read:
    """That a model reads a table: *days* before a day's own, or (None) its whole history."""

    table: str
    days: int | None


@dataclass(frozen=True)
class Project:
    """The models and checks of a home.

    Attributes:
        models: By name, each after those that it reads.
        checks: The checks of each model, by the model's name.
        reads: What each model or check reads, by its name.
        parameters: The values of the settings that queries may name.
    """

    models: Mapping[str, Model]
    checks: Mapping[str, tuple[Check, ...]]
    reads: Mapping[str, tuple[Read, ...]]
    parameters: Mapping[str, Value]

    def relation(self, table: str) -> Mapping[str, str]:
        """Column → type of a model or of a table that ingestion or the configuration provides."""
        return self.models[table].types if table in self.models else _GIVEN[table]

    def is_partitioned(self, table: str) -> bool:
        """Whether the table has a partition a day."""
        return self.models[table].is_partitioned if table in self.models else "dt" in _GIVEN[table]

    def is_judged_by_content(self, model: Model) -> bool:
        """Whether the model's rows, not its inputs, say if a partition is stale.

        So it is for models that read whole histories or have no partitions: by their inputs every day would
        be stale whenever anything arrives.
        """
        return not model.is_partitioned or any(read.days is None for read in self.reads[model.name])

    def window(self, read: Read, key: dt.date | None) -> Iterator[tuple[str, dt.date | None]]:
        """The partitions that *read* means for the partition *key* of a model, as (table, partition)."""
        if key is None or not self.is_partitioned(read.table):
            yield read.table, None
            return
        for days in range((read.days or 0) + 1):
            yield read.table, key - dt.timedelta(days=days)

    def schemas(self) -> list[str]:
        """The schemas of the models, in order of first need."""
        return list(dict.fromkeys(model.schema for model in self.models.values()))

    def bind(self, file: SqlFile, first: dt.date, last: dt.date) -> exp.Query:
        """The query of *file* for the days *first* to *last*."""
        return file.bound(_values(self.parameters, first, last))

    def sql(self, file: SqlFile, first: dt.date, last: dt.date) -> str:
        """The text of that query, for DuckDB."""
        return file.sql(_values(self.parameters, first, last))

    def downstream(self, names: Iterable[str]) -> set[str]:
        """The models that read any of *names*, directly or not."""
        reached: set[str] = set()
        sources = set(names)
        for name in self.models:
            if any(read.table in sources | reached for read in self.reads[name]):
                reached.add(name)
        return reached

    def upstream(self, names: Iterable[str]) -> set[str]:
        """The models that any of *names* reads, directly or not."""
        reached: set[str] = set()
        wanted = set(names)
        for name in reversed(list(self.models)):
            if name in wanted | reached:
                reached |= {read.table for read in self.reads[name] if read.table in self.models}
        return reached

    def select(self, selection: Iterable[str]) -> set[str]:
        """The models that ``--select`` names: TABLE, SCHEMA, or ``+TABLE`` with all that it reads.

        Raises:
            HeadwaterError: a name is neither a table nor a schema; with the nearest one that is.
        """
        chosen: set[str] = set()
        for word in selection:
            name = word.removeprefix("+")
            found = {m for m in self.models if name in (m, self.models[m].schema, m.split(".")[1])}
            if not found:
                known = [*self.schemas(), *self.models]
                raise HeadwaterError(f"--select {word}: no such table or schema{_nearest(name, known)}")
            chosen |= found
            if word.startswith("+"):
                chosen |= self.upstream(found)
        return chosen


_GIVEN: dict[str, Mapping[str, str]] = {**RAW_TABLES, **CONFIG_TABLES}
"""Relations that models read and no model computes: column → type."""


def _values(parameters: Mapping[str, Value], first: dt.date, last: dt.date) -> dict[str, Value]:
    return {**parameters, "from_dt": first, "to_dt": last}


def load_project(home: Home | None, settings: Settings) -> Project:
    """The shipped project, with the models and checks of *home* added.

    A project whose files have not changed since it was last loaded in this process is not loaded again.

    Raises:
        HeadwaterError: a file breaks a rule; with file, line and remedy.
    """
    own = home if home is not None and any(home.sql.glob("*/*.sql")) else None
    stamps = []
    for path in sorted(path for root in _roots(own) for path in root.glob("*/*.sql")):
        stat = path.stat()
        stamps.append((str(path), stat.st_mtime_ns, stat.st_size))
    values = settings.parameters()
    return _load(own, tuple(sorted(values.items())), tuple(stamps))


@lru_cache(maxsize=4)
def _load(
    home: Home | None, settings: tuple[tuple[str, SettingValue], ...], _stamps: tuple[tuple[str, int, int], ...]
) -> Project:
    models = _unique(_read_models(home))
    checks = {check.name: check for check in _read_checks(home)}
    values: dict[str, Value] = dict(settings)
    reads: dict[str, tuple[Read, ...]] = {}
    for file in (*models.values(), *checks.values()):
        reads[file.name] = _reads(file, models, values)
    order = _order(models, reads)
    for check in checks.values():
        if check.model not in models:
            raise HeadwaterError(f"{check.path}:1: unknown model '{check.model}'{_nearest(check.model, models)}")
    project = Project(
        models={name: models[name] for name in order},
        checks={name: tuple(c for c in checks.values() if c.model == name) for name in order},
        reads=reads,
        parameters=values,
    )
    _hold_contracts(project)
    return project


def _read_models(home: Home | None) -> Iterator[Model]:
    for root in _roots(home):
        for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name not in _NOT_SCHEMAS):
            if not folder.name.isidentifier() or folder.name in ("raw", "config"):
                raise HeadwaterError(f"{folder}: '{folder.name}' cannot be a schema; name it otherwise")
            for path in sorted(folder.glob("*.sql")):
                yield read_model(path, folder.name)


def _read_checks(home: Home | None) -> Iterator[Check]:
    names: dict[str, Path] = {}
    for root in _roots(home):
        for path in sorted((root / "checks").glob("*.sql")):
            if path.stem in names:
                raise HeadwaterError(f"{path}: {names[path.stem]} has this name already; name yours otherwise")
            names[path.stem] = path
            yield read_check(path)


def _roots(home: Home | None) -> list[Path]:
    roots = [REPOSITORY / "sql"]
    if home is not None and home.sql.is_dir():
        roots.append(home.sql)
    return roots


def _unique(found: Iterable[Model]) -> dict[str, Model]:
    models: dict[str, Model] = {}
    for model in found:
        if model.name in models:
            raise HeadwaterError(
                f"{model.path}: {models[model.name].path} is {model.name} already; name yours otherwise"
            )
        models[model.name] = model
    return models


def _order(models: Mapping[str, Model], reads: Mapping[str, tuple[Read, ...]]) -> list[str]:
    graph = {name: [read.table for read in reads[name] if read.table in models] for name in models}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise HeadwaterError(
            f"{models[error.args[1][0]].path}: models read one another in a circle: {circle}"
        ) from error


def _reads(file: SqlFile, models: Mapping[str, Model], values: Mapping[str, Value]) -> tuple[Read, ...]:
    """What *file* reads, held against what its header declares."""
    declared = {table: _declared(file, table, days, values) for table, days in file.reads.items()}
    try:
        mentions = _mentions(file, file.key_of(_values(values, _SAMPLE_DAY, _SAMPLE_DAY)))
    except HeadwaterError as error:
        raise HeadwaterError(f"{file.path}: {error}") from error
    used: dict[str, int | None] = {}
    for table, line, days_read in mentions:
        if table not in models and table not in _GIVEN:
            raise HeadwaterError(f"{file.path}:{line}: unknown table '{table}'{_nearest(table, [*models, *_GIVEN])}")
        partitioned = models[table].is_partitioned if table in models else "dt" in _GIVEN[table]
        if not partitioned or declared.get(table, 0) is None:
            used[table] = None if declared.get(table, 0) is None else 0
            continue
        if days_read is None:
            raise HeadwaterError(
                f"{file.path}:{line}: {table} is read without its days; add 'dt BETWEEN $from_dt AND $to_dt' "
                "(or '$from_dt - n', with n declared under 'reads') to the WHERE or ON of this SELECT"
            )
        used[table] = max(days_read, used.get(table) or 0)
    for table, days in declared.items():
        if table not in used:
            raise HeadwaterError(f"{file.path}:1: 'reads' names {table}, which the query does not read")
        if days is not None and used[table] != days:
            raise HeadwaterError(
                f"{file.path}:1: 'reads' declares {days} days before the day's own of {table}, "
                f"the query reads {used[table]}"
            )
        if days is None and not table.startswith("raw."):
            raise HeadwaterError(f"{file.path}:1: only raw tables may be read over '{ALL_DAYS}' days, not {table}")
    for table, before in used.items():
        if before and table not in declared:
            raise HeadwaterError(
                f"{file.path}: reads {before} days of {table} before the day's own; "
                f"declare them: 'reads: {{{table}: {before}}}'"
            )
    whole = [table for table, before in used.items() if before is None]
    dated = [table for table in used if table in models and models[table].is_partitioned]
    if whole and dated and not isinstance(file, Check):
        raise HeadwaterError(
            f"{file.path}: reads {whole[0]} over all days, so it cannot read {dated[0]}, a table by days"
        )
    return tuple(Read(table, days) for table, days in used.items())


def _declared(file: SqlFile, table: str, days: str, values: Mapping[str, Value]) -> int | None:
    if days == ALL_DAYS:
        return None
    try:
        return look_back(days, values)
    except HeadwaterError as error:
        raise HeadwaterError(f"{file.path}:1: reads: {table}: {error}") from error


class _Mention(NamedTuple):
    """A table in a query, the line on which it stands, and how many days before ``$from_dt`` the SELECT takes of it.

    *days* is None where the SELECT has no condition on them.
    """

    table: str
    line: int
    days: int | None


@lru_cache(maxsize=256)
def _mentions(file: SqlFile, values: ValueKey) -> tuple[_Mention, ...]:
    """The tables that *file* reads, bound to ``_SAMPLE_DAY``; from its scopes, so that CTE names do not count."""
    return tuple(
        _Mention(
            f"{source.db}.{source.name}" if source.db else source.name,
            file.line_of(source),
            _days_read(source, scope.expression),
        )
        for scope in traverse_scope(file.bound({name: value for name, _, value in values}))
        if not scope.is_udtf  # UNNEST and LATERAL see the tables beside them, and read none
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
    )


def _days_read(node: exp.Table, select: exp.Expr) -> int | None:
    """How many days before ``_SAMPLE_DAY`` the SELECT takes from the table *node*, by its condition on dt."""
    conditions = [join.args["on"] for join in select.args.get("joins") or [] if join.args.get("on")]
    if where := select.args.get("where"):
        conditions.append(where.this)
    for condition in conditions:
        for term in condition.flatten() if isinstance(condition, exp.And) else [condition]:
            if not isinstance(term, exp.Between) or not isinstance(term.this, exp.Column) or term.this.name != "dt":
                continue
            if term.this.table and term.this.table != node.alias_or_name:
                continue
            low, high = _day(term.args["low"]), _day(term.args["high"])
            if low is None or high is None or high > _SAMPLE_DAY:
                continue
            return (_SAMPLE_DAY - low).days
    return None


def _day(node: exp.Expr) -> dt.date | None:
    return dt.date.fromisoformat(node.this.name) if isinstance(node, exp.Cast) and node.is_type("DATE") else None


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def _hold_contracts(project: Project) -> None:
    """Let DuckDB bind every query to empty tables of the declared types."""
    with duckdb.connect() as connection:
        for table in (*_GIVEN, *project.models):
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {identifier(table.split('.')[0])}")
            try:
                connection.execute(f"CREATE VIEW {identifier(table)} AS {relation_sql(project.relation(table), [])}")
            except duckdb.Error as error:
                raise HeadwaterError(f"{project.models[table].path}:1: columns: {first_line(error)}") from error
        for model in project.models.values():
            _hold_columns(model, _described(connection, project, model))
        for check in (check for checks in project.checks.values() for check in checks):
            found = _described(connection, project, check)
            if project.models[check.model].is_partitioned and found.get("dt") != "DATE":
                raise HeadwaterError(
                    f"{check.path}: a check of a table by days must return dt of type DATE: the days that are held back"
                )


def _described(connection: duckdb.DuckDBPyConnection, project: Project, file: SqlFile) -> dict[str, str]:
    sql = project.sql(file, _SAMPLE_DAY, _SAMPLE_DAY)
    try:
        rows = connection.execute(f"DESCRIBE {sql}").fetchall()
    except duckdb.Error as error:
        line = _line_of_name(file, str(error))
        raise HeadwaterError(f"{file.path}:{line}: {first_line(error)}") from error
    return {row[0]: row[1] for row in rows}


def _line_of_name(file: SqlFile, message: str) -> int:
    for name in re.findall(r'"(\w+)"', message)[:1]:
        for node in file.tree.find_all(exp.Identifier):
            if node.name == name:
                return file.line_of(node)
    return 1


def _hold_columns(model: Model, found: Mapping[str, str]) -> None:
    declared = model.types
    for name in declared:
        if name not in found:
            raise HeadwaterError(
                f"{model.path}:{_header_line(model, name)}: column '{name}' is declared, the query does not return it"
            )
    for name, kind in found.items():
        if name not in declared:
            line = max((model.line_of(n) for n in model.tree.find_all(exp.Identifier) if n.name == name), default=1)
            raise HeadwaterError(
                f"{model.path}:{line}: column '{name}' is returned, not declared; add '{name}: {{type: {kind}, "
                "description: …}' to the header's columns"
            )
        if kind != declared[name]:
            raise HeadwaterError(
                f"{model.path}:{_header_line(model, name)}: column '{name}' is declared {declared[name]}, the query "
                f"returns {kind}; write CAST(… AS {declared[name]}) or change the header"
            )


def _header_line(model: Model, column: str) -> int:
    for number, line in enumerate(model.path.read_text(encoding="utf-8").splitlines(), start=1):
        if re.match(rf"\s+{re.escape(column)}\s*:", line):
            return number
    return 1
