"""The SQL project of a home, loaded and validated.

Here: collecting the files, ordering the models by dependency, and queries about the project.
Not here: the syntax of one file (``model``), what a query reads (``reads``), its declared columns (``contracts``),
the allowed SQL (``linter``), running (``pipelines.compute.runner``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from sqlglot import exp

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import DATA, Home
from pipelines.home.settings import Settings, SettingValue
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.contracts import enforce_contracts
from pipelines.sqlproject.model import Check, Model, SqlFile, read_check, read_model
from pipelines.sqlproject.parameters import Value, look_back
from pipelines.sqlproject.reads import GIVEN, Read, nearest, reads_of, values_for

_NOT_SCHEMAS = {"sources", "checks"}


@dataclass(frozen=True)
class Project:
    """The models and checks of a home.

    Attributes:
        models: Name → model; every model comes after the models that it reads.
        checks: Model name → its checks.
        reads: Name of a model or check → the tables that it reads.
        parameters: Name → value of the settings that queries may use.
        last_days: Model → how many of the last days have a partition; models that have all days are not in it.
    """

    models: Mapping[str, Model]
    checks: Mapping[str, tuple[Check, ...]]
    reads: Mapping[str, tuple[Read, ...]]
    parameters: Mapping[str, Value]
    last_days: Mapping[str, int]

    def relation(self, table: str) -> Mapping[str, str]:
        """Column → type, for a model or for a table that ingestion or the configuration provides."""
        return self.models[table].types if table in self.models else GIVEN[table]

    def is_partitioned(self, table: str) -> bool:
        """Whether the table has a partition for each day."""
        return self.models[table].is_partitioned if table in self.models else "dt" in GIVEN[table]

    def is_versioned_by_content(self, model: Model) -> bool:
        """Whether the version of a partition of the model is a hash of the partition's rows, not of its inputs.

        This holds for models without partitions and for models that read all days of a table. Their inputs change
        whenever any data arrive, so with hashes of the inputs every partition would then be stale. It also holds for
        models that ask for it with ``version: rows``.
        """
        return (
            not model.is_partitioned
            or model.is_versioned_by_rows
            or any(read.offsets is None for read in self.reads[model.name])
        )

    @cached_property
    def own_versions(self) -> Mapping[str, str]:
        """Model → what determines its rows besides its inputs: its code version and the settings that it uses."""
        values = {name: repr(value) for name, value in self.parameters.items()}
        return {
            name: "\n".join([model.code_version, *(f"{one}={values[one]}" for one in sorted(model.parameters))])
            for name, model in self.models.items()
        }

    def window(self, read: Read, key: dt.date | None) -> Iterator[tuple[str, dt.date | None]]:
        """The partitions that *read* covers for the partition *key* of a model: (table, day), or (table, None).

        A day of None means the whole table. This is so if the table is not partitioned, or if the model is not (*key*
        is None).
        """
        if key is None or not self.is_partitioned(read.table):
            yield read.table, None
            return
        for day in read.days_of(key):
            yield read.table, day

    def reads_any_of(self, name: str, key: dt.date | None, partitions: Collection[tuple[str, dt.date | None]]) -> bool:
        """Whether any of *partitions* is read to compute the partition *key* of the model *name*."""
        for read in self.reads[name]:
            if key is None and self.is_partitioned(read.table):
                if any(table == read.table for table, _ in partitions):
                    return True
            elif any(parent in partitions for parent in self.window(read, key)):
                return True
        return False

    def reads_itself(self, model: Model) -> bool:
        """Whether a day of the model is computed from its previous day, as in a history of states."""
        return any(read.table == model.name for read in self.reads[model.name])

    def schemas(self) -> list[str]:
        """The schemas of the models, in the order of their first model."""
        return list(dict.fromkeys(model.schema for model in self.models.values()))

    def bind(self, file: SqlFile, span: DaySpan | None) -> exp.Query:
        """The query of *file* for the days of *span*; *span* is None if *file* is not computed by day."""
        return file.bound(values_for(file, self.parameters, span))

    def sql(self, file: SqlFile, span: DaySpan | None) -> str:
        """Like ``bind``, but returns the query as text for DuckDB."""
        return file.sql(values_for(file, self.parameters, span))

    def downstream(self, names: Iterable[str]) -> set[str]:
        """The models that read any of *names*, directly or through other models."""
        reached: set[str] = set()
        sources = set(names)
        for name in self.models:
            if any(read.table in sources | reached for read in self.reads[name]):
                reached.add(name)
        return reached

    def upstream(self, names: Iterable[str]) -> set[str]:
        """The models that any of *names* read, directly or through other models."""
        reached: set[str] = set()
        wanted = set(names)
        for name in reversed(list(self.models)):
            if name in wanted | reached:
                reached |= {read.table for read in self.reads[name] if read.table in self.models}
        return reached

    def select(self, selection: Iterable[str]) -> set[str]:
        """The models that ``--select`` names: TABLE, SCHEMA, or ``+TABLE`` for the table and everything upstream.

        Raises:
            HeadwaterError: a name is neither a table nor a schema; suggests a similar name.
        """
        chosen: set[str] = set()
        for word in selection:
            name = word.removeprefix("+")
            found = {m for m in self.models if name in (m, self.models[m].schema, m.split(".")[1])}
            if not found:
                known = [*self.schemas(), *self.models]
                raise HeadwaterError("no such table or schema", where=f"--select {word}", remedy=nearest(name, known))
            chosen |= found
            if word.startswith("+"):
                chosen |= self.upstream(found)
        return chosen


def load_project(home: Home | None, settings: Settings) -> Project:
    """The shipped project, with the models and checks of *home* added. It is cached while its files do not change.

    Raises:
        HeadwaterError: a file is invalid; with file, line and remedy.
    """
    own = home if home is not None and any(home.sql.glob("*/*.sql")) else None
    stamps = []
    for path in sorted(path for root in _roots(own) for path in root.glob("*/*.sql")):
        stat = path.stat()
        stamps.append((str(path), stat.st_mtime_ns, stat.st_size))
    values = settings.parameters()
    return _load(own, tuple(sorted(values.items())), tuple(stamps))


def count_files(home: Home | None) -> tuple[int, int]:
    """The number of model files and of check files, shipped and in *home*, including files that are invalid."""
    paths = [path for root in _roots(home) for path in root.glob("*/*.sql") if path.parent.name != "sources"]
    checks = sum(path.parent.name == "checks" for path in paths)
    return len(paths) - checks, checks


@lru_cache(maxsize=64)  # large, because a test run loads projects with many different settings
def _load(
    home: Home | None, settings: tuple[tuple[str, SettingValue], ...], _stamps: tuple[tuple[str, int, int], ...]
) -> Project:
    models = _unique(_read_models(home))
    checks = {check.name: check for check in _read_checks(home)}
    values: dict[str, Value] = dict(settings)
    reads: dict[str, tuple[Read, ...]] = {}
    for file in (*models.values(), *checks.values()):
        reads[file.name] = reads_of(file, models, values)
    for check in checks.values():
        if check.model not in models:
            raise HeadwaterError(
                f"unknown model '{check.model}'", where=f"{check.path}:1", remedy=nearest(check.model, models)
            )
    order = _order(models, checks.values(), reads)
    project = Project(
        models={name: models[name] for name in order},
        checks={name: tuple(c for c in checks.values() if c.model == name) for name in order},
        reads=reads,
        parameters=values,
        last_days={name: _last_days(model, values) for name, model in models.items() if model.last_days is not None},
    )
    enforce_contracts(project.models, checks.values(), reads, values)
    return project


def _last_days(model: Model, parameters: Mapping[str, Value]) -> int:
    assert model.last_days is not None
    try:
        return look_back(model.last_days, parameters)
    except HeadwaterError as error:
        raise HeadwaterError(f"last_days: {error.what}", where=f"{model.path}:1", remedy=error.remedy) from error


def _read_models(home: Home | None) -> Iterator[Model]:
    for root in _roots(home):
        for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name not in _NOT_SCHEMAS):
            if not folder.name.isidentifier() or folder.name in ("raw", "config"):
                raise HeadwaterError(
                    f"'{folder.name}' cannot be the name of a schema",
                    where=folder,
                    remedy="rename the folder: use letters, digits and _, a letter first, and neither raw nor config",
                )
            for path in sorted(folder.glob("*.sql")):
                yield read_model(path, folder.name)


def _read_checks(home: Home | None) -> Iterator[Check]:
    names: dict[str, Path] = {}
    for root in _roots(home):
        for path in sorted((root / "checks").glob("*.sql")):
            if path.stem in names:
                raise HeadwaterError(f"{names[path.stem]} already has this name", where=path, remedy="rename yours")
            names[path.stem] = path
            yield read_check(path)


def _roots(home: Home | None) -> list[Path]:
    roots = [DATA / "sql"]
    if home is not None and home.sql.is_dir():
        roots.append(home.sql)
    return roots


def _unique(found: Iterable[Model]) -> dict[str, Model]:
    models: dict[str, Model] = {}
    for model in found:
        if model.name in models:
            raise HeadwaterError(
                f"{models[model.name].path} already defines {model.name}", where=model.path, remedy="rename yours"
            )
        models[model.name] = model
    return models


def _order(models: Mapping[str, Model], checks: Iterable[Check], reads: Mapping[str, tuple[Read, ...]]) -> list[str]:
    """The models in an order in which each comes after the tables that it reads, and that its checks read.

    A check may also read a table that is computed from its own model; it then reads the published rows of that table.
    """
    graph = {
        name: {read.table for read in reads[name] if read.table in models and read.table != name} for name in models
    }
    try:
        order = _sorted(graph)
    except CycleError as error:
        circle = " -> ".join(error.args[1])
        raise HeadwaterError(
            f"these models depend on each other: {circle}", where=models[error.args[1][0]].path
        ) from error
    for check in checks:
        for table in {read.table for read in reads[check.name]} & models.keys() - {check.model}:
            if check.model not in _upstream(graph, table):
                graph[check.model].add(table)
    return _sorted({name: graph[name] for name in order})


def _sorted(graph: Mapping[str, set[str]]) -> list[str]:
    """The names in an order in which each comes after those that it depends on.

    The order is the same in every process.
    """
    return list(TopologicalSorter({name: sorted(graph[name]) for name in graph}).static_order())


def _upstream(graph: Mapping[str, set[str]], name: str) -> set[str]:
    """The models that *name* depends on in *graph*, directly or not."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        new = graph[waiting.pop()] - found
        found |= new
        waiting += new
    return found
