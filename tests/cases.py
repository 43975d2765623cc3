"""Reads the YAML files of given/expect cases (``tests/models/README.md``), and converts values to the columns' types.

A case gives rows of some tables and states the rows that the project must compute from them.

Here: reading a file, and the value of a column that a case leaves out.
Not here: computing the rows (``tests.case_tables``), comparing them with the expected ones (``tests.model_cases``).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings
from pipelines.home.yaml_files import describe, read_yaml
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.project import Project, load_project
from pipelines.sqlproject.reads import nearest

Row = dict[str, Any]
Types = Mapping[str, str]

FOLDER = Path(__file__).parent / "models"
DAY = dt.date(2026, 11, 10)
"""The day of a case that names none."""


class _Case(BaseModel):
    model_config = ConfigDict(extra="forbid")

    case: str
    why: str | None = None
    settings: dict[str, Any] = {}
    days: dt.date | str | list[dt.date] = DAY
    given: dict[str, list[Row] | None]
    only: Row = {}
    expect: list[Row]


@dataclass(frozen=True)
class Case:
    """One case, as written in its file; *subject* is a model, a check or ``sources.<source>.<target>``."""

    subject: str
    path: Path
    name: str
    settings: Mapping[str, Any]
    days: tuple[dt.date, ...]
    given: Mapping[str, Sequence[Row]]
    only: Row
    expect: Sequence[Row]

    def fault(self, what: str, remedy: str = "") -> AssertionError:
        """An error that says in which file and case *what* is wrong, and what to do (*remedy*)."""
        place = f"{self.path.parent.name}/{self.path.name}: case '{self.name}'"
        return AssertionError(f"{place}: {what}{f'; {remedy}' if remedy else ''}")


# Files -------------------------------------------------------------------------------------------------


def read_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases below *folder*: ``<schema>/<table>.yaml``, ``checks/<check>.yaml``, ``sources/<source>/<target>.yaml``.

    Raises:
        HeadwaterError: a file is not YAML, repeats a key or a name, or has an unknown key; the error names the file.
    """
    return [case for path in sorted(folder.rglob("*/*.yaml")) for case in read_file(path)]


def read_file(path: Path) -> Iterator[Case]:
    """The cases of one file; its path gives the model, the check or the SELECT of a source that they test."""
    schema = path.parent.name
    subject = path.stem if schema == "checks" else f"{schema}.{path.stem}"
    if path.parents[1].name == "sources":
        subject = f"sources.{subject}"
    content = read_yaml(path)
    if not isinstance(content, list):
        raise HeadwaterError(f"{path}: expected a list of cases, '- case: …'")
    names = set()
    for item in content:
        try:
            said = _Case.model_validate(item)
            days = _days(said.days)
        except ValidationError as error:
            raise HeadwaterError(f"{path}: {item!r:.60}: {describe(error, _Case)}") from error
        except ValueError as error:
            raise HeadwaterError(f"{path}: case '{said.case}': {error}") from error
        if said.case in names:
            raise HeadwaterError(f"{path}: case '{said.case}' is defined twice")
        names.add(said.case)
        given = {table: rows or [] for table, rows in said.given.items()}
        yield Case(subject, path, said.case, said.settings, days, given, said.only, said.expect)


def _days(said: dt.date | str | list[dt.date]) -> tuple[dt.date, ...]:
    if isinstance(said, str):
        first, separator, last = said.partition(" to ")
        if not separator:
            raise ValueError(f"days: expected a date or '2026-11-01 to 2026-11-03', found '{said}'")
        return tuple(DaySpan(dt.date.fromisoformat(first), dt.date.fromisoformat(last)).days)
    return tuple(sorted(said)) if isinstance(said, list) else (said,)


@cache
def shipped_project() -> Project:
    """The shipped project with the default settings."""
    return load_project(None, Settings())


@cache
def _defaults() -> Mapping[str, Row]:
    content = read_yaml(FOLDER / "defaults.yaml")
    assert isinstance(content, dict)
    for table, columns in content.items():
        unknown = set(columns) - set(shipped_project().relation(table))
        assert not unknown, f"{FOLDER}/defaults.yaml: {table} has no column {unknown}"
    return content


# Values ------------------------------------------------------------------------------------------------


def _typed(value: Any, kind: str, day: dt.date) -> Any:
    """Convert *value* to the Python value that DuckDB returns for type *kind*; a time without a date is on *day*.

    Raises:
        ValueError: *value* is not of type *kind*.
    """
    if value is None:
        return None
    is_number = isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if kind == "VARCHAR" and isinstance(value, str):
        return value
    if kind == "BOOLEAN" and isinstance(value, bool):
        return value
    if kind == "DATE" and isinstance(value, dt.date):
        return value.date() if isinstance(value, dt.datetime) else value
    if kind == "TIMESTAMP" and isinstance(value, dt.datetime):
        return value
    if kind == "TIMESTAMP" and isinstance(value, str):
        return dt.datetime.combine(day, dt.time.fromisoformat(value))
    if kind.startswith("DECIMAL") and (is_number or isinstance(value, str)):
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValueError from None
    if kind == "DOUBLE" and (is_number or isinstance(value, str)):
        return float(Fraction(str(value))) if isinstance(value, str) else float(value)
    if re.fullmatch("(BIG|HUGE)INT|INTEGER", kind) and is_number and value == int(value):
        return int(value)
    raise ValueError


def typed_row(case: Case, row: Row, types: Types, where: str) -> Row:
    """The columns that *row* contains, with their values converted to the columns' types.

    Raises:
        AssertionError: a column is unknown or a value has another type; the error names the case, row and column.
    """
    day = row.get("dt", case.days[0])
    typed = {}
    for column, value in row.items():
        if column not in types:
            raise case.fault(f"{where}: unknown column '{column}'", nearest(str(column), types))
        try:
            typed[column] = _typed(value, types[column], day)
        except ValueError:
            raise case.fault(f"{where}: {column} is {value!r}, expected {types[column]}") from None
    return typed


def given_row(case: Case, table: str, row: Row, types: Types, where: str) -> tuple[Any, ...]:
    """The values of all columns of *table* for *row*.

    If *row* has no value for a column, dt is the first day of the case; another column has its value of
    ``defaults.yaml``, or null if that file does not have the column.
    """
    row = {**({"dt": case.days[0]} if "dt" in types else {}), **row}
    typed = typed_row(case, row, types, where)
    defaults = _defaults().get(table, {})

    def value(column: str, asked: tuple[str, ...] = ()) -> Any:
        default = defaults.get(column)
        if column in typed or column in asked:
            return typed.get(column)
        if isinstance(default, str) and default.startswith("="):
            default = value(default[1:], (*asked, column))
        return _typed(default, types[column], row.get("dt", case.days[0]))

    return tuple(value(column) for column in types)
