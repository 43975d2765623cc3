"""The metrics: each is defined once, in ``sql/metrics.yaml``.

Here: reading and validating the file.
Not here: the SQL of a metric (``metric_sql``); formatting values (``dashboards.metrics``); checking the formulas in
models (``lint_rules.metrics``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import sqlglot
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from sqlglot import exp
from sqlglot.errors import SqlglotError

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import DATA
from pipelines.home.yaml_files import describe, read_yaml
from pipelines.sqlproject.model import DIALECT
from pipelines.sqlproject.reads import nearest

FILE = DATA / "sql" / "metrics.yaml"

Unit = Literal["money", "count", "rate", "ratio", "days", "score", "points"]


class _Bilingual(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)


class _Entry(BaseModel):
    """A metric as written in the file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: _Bilingual
    unit: Unit
    direction: Literal["higher", "lower", "none"]
    table: str | None = Field(None, alias="from")
    formula: str | None = None
    elsewhere: dict[str, str] = {}
    column: dict[str, str] = {}
    definition: _Bilingual

    @model_validator(mode="after")
    def _formula_belongs_to_from(self) -> _Entry:
        if self.table and not self.formula:
            raise ValueError("'from' names a table; add 'formula', an aggregate over its columns")
        return self


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    metrics: dict[str, _Entry]


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        key: Its identifier in queries, URLs and column names.
        names, definitions: Language (zh or en) → text.
        unit: The unit of its values.
        direction: Which values are better: higher, lower, or none.
        table: The table that *formula* aggregates; None for a metric computed from other metrics or without formula.
        formula: An aggregate over *table*, or an expression over other metrics; None if only a model computes it.
        elsewhere: Table → expression over its columns, for tables that need another formula.
        columns: Table → its column of this metric, for tables in which the column is not named *key*.
    """

    key: str
    names: Mapping[str, str]
    definitions: Mapping[str, str]
    unit: Unit
    direction: Literal["higher", "lower", "none"]
    table: str | None
    formula: exp.Expr | None
    elsewhere: Mapping[str, exp.Expr]
    columns: Mapping[str, str]

    @property
    def is_ratio(self) -> bool:
        """Whether the metric is computed from other metrics."""
        return self.table is None and self.formula is not None

    @property
    def parts(self) -> tuple[str, ...]:
        """The metrics in the formula of a ratio; empty if it is not a ratio."""
        if self.formula is None or not self.is_ratio:
            return ()
        return tuple(dict.fromkeys(column.name for column in self.formula.find_all(exp.Column)))


Metrics = Mapping[str, Metric]


@lru_cache(maxsize=4)
def load_metrics(path: Path = FILE) -> Metrics:
    """Key → metric, in the order of the file *path*.

    Raises:
        HeadwaterError: a key, unit or direction is unknown, a formula is not valid SQL, names unknown metrics or
            depends on itself, or two metrics share a name.
    """
    try:
        entries = _File.model_validate({"metrics": read_yaml(path)}).metrics
    except ValidationError as error:
        raise HeadwaterError(describe(error, _File).replace("metrics.", ""), where=path) from error
    found = {key: _metric(path, key, entry) for key, entry in entries.items()}
    for metric in found.values():
        _check_parts(path, metric, found)
    _check_names(path, found)
    return found


def _metric(path: Path, key: str, entry: _Entry) -> Metric:
    return Metric(
        key,
        entry.name.model_dump(),
        entry.definition.model_dump(),
        entry.unit,
        entry.direction,
        entry.table,
        None if entry.formula is None else _parsed(path, f"{key}.formula", entry.formula),
        {table: _parsed(path, f"{key}.elsewhere.{table}", text) for table, text in entry.elsewhere.items()},
        entry.column,
    )


def _parsed(path: Path, place: str, text: str) -> exp.Expr:
    try:
        tree = sqlglot.parse_one(f"SELECT {text}\n", read=DIALECT)
    except SqlglotError as error:
        raise HeadwaterError(
            f"'{place}' is '{text}': not valid SQL: {str(error).splitlines()[0]}", where=path
        ) from error
    if not isinstance(tree, exp.Select) or len(tree.expressions) != 1 or set(_clauses(tree)) != {"expressions"}:
        raise HeadwaterError(f"'{place}' is '{text}': expected one expression, such as SUM(revenue)", where=path)
    found: exp.Expr = tree.expressions[0]
    return found


def _clauses(tree: exp.Select) -> Iterator[str]:
    return (name for name, value in tree.args.items() if value)


def _check_parts(path: Path, metric: Metric, known: Metrics) -> None:
    """Check that a ratio is computed from known metrics, does not depend on itself, and has no aggregate.

    ``METRICS`` replaces the parts by their formulas, so an aggregate of a part would aggregate an aggregate.
    """
    if metric.table is None and metric.formula is not None:
        for aggregate in metric.formula.find_all(exp.AggFunc):
            if not isinstance(aggregate.parent, exp.Window):
                raise HeadwaterError(
                    f"'{metric.key}.formula' aggregates columns: '{aggregate.sql(DIALECT)}'",
                    where=path,
                    remedy="add 'from' with the table, or name metrics instead: refunded / revenue",
                )
    waiting: list[tuple[str, ...]] = [(metric.key,)]
    while waiting:
        way = waiting.pop()
        for part in known[way[-1]].parts:
            if part not in known:
                raise HeadwaterError(
                    f"'{way[-1]}.formula' names '{part}', which is not a metric; a formula over columns needs 'from'",
                    where=path,
                    remedy=nearest(part, known),
                )
            if part == metric.key:
                raise HeadwaterError(f"'{metric.key}' depends on itself: {' → '.join((*way, part))}", where=path)
            if part not in way:
                waiting.append((*way, part))


def _check_names(path: Path, found: Metrics) -> None:
    """Check that no two metrics share a name, unless one is the other: its formula is just the key of that metric."""
    for language in ("zh", "en"):
        seen: dict[str, Metric] = {}
        for metric in found.values():
            other = seen.setdefault(metric.names[language], metric)
            if other is not metric and not (_is(metric, other) or _is(other, metric)):
                name = metric.names[language]
                raise HeadwaterError(
                    f"'{other.key}' and '{metric.key}' have the same name '{name}'", where=path, remedy="rename one"
                )


def _is(metric: Metric, other: Metric) -> bool:
    return metric.is_ratio and isinstance(metric.formula, exp.Column) and metric.parts == (other.key,)


def known_metric(name: str) -> Metric:
    """The metric with the key *name*.

    Raises:
        HeadwaterError: there is no such metric.
    """
    found = load_metrics()
    if name not in found:
        raise HeadwaterError(f"unknown metric '{name}'", where=FILE, remedy=nearest(name, found))
    return found[name]
