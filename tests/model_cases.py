<<<<<<< HEAD
"""Given/expect cases hold: rows in, rows out, compared by case, row and column.

Here: what differs between the rows that a case expects and those that the project computes.
Not here: how a case is written (``tests.cases``), what the project makes of it (``tests.case_tables``).
=======
"""Given/expect cases: input and output rows in YAML that an operator can read (``tests/models/README.md``).

Here: reading the files, computing a case with the project's SQL, and reporting differences by case, row and column.
Not here: the cases (``tests/models/``), how a model's query is run (``tests.sql_models``).
>>>>>>> 380eec902c7090dce2acba6eab5de8d2ad3da96a
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

<<<<<<< HEAD
from tests.case_tables import found_by, grain_of
from tests.cases import Case, Row, typed_row
=======
import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.compute.workspace import create_table
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings
from pipelines.home.yaml_files import describe, read_yaml
from pipelines.lake.duck import identifier, literal
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.model import Check, Model
from pipelines.sqlproject.project import Project, load_project
from pipelines.sqlproject.reads import nearest
from tests.sql_models import checks_of, fill, shipped

Row = dict[str, Any]
Types = Mapping[str, str]

FOLDER = Path(__file__).parent / "models"
DAY = dt.date(2026, 11, 10)
"""The day of a case that does not give one."""


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
    """A case of the model or check *subject*, as written in its file."""

    subject: str
    path: Path
    name: str
    settings: Mapping[str, Any]
    days: tuple[dt.date, ...]
    given: Mapping[str, Sequence[Row]]
    only: Row
    expect: Sequence[Row]

    def fault(self, text: str) -> AssertionError:
        """An error with *text* and the name of the case."""
        return AssertionError(f"{self.path.parent.name}/{self.path.name}: case '{self.name}': {text}")


# Files -------------------------------------------------------------------------------------------------


def read_cases(folder: Path = FOLDER) -> list[Case]:
    """All cases below *folder*: ``<schema>/<table>.yaml`` for models, ``checks/<check>.yaml`` for checks.

    Raises:
        HeadwaterError: a file is not YAML, repeats a key or a name, or has an unknown key; with the file.
    """
    return [case for path in sorted(folder.glob("*/*.yaml")) for case in read_file(path)]


def read_file(path: Path) -> Iterator[Case]:
    """The cases of a file; its path names the model or check."""
    schema = path.parent.name
    subject = path.stem if schema == "checks" else f"{schema}.{path.stem}"
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
            raise HeadwaterError(f"{path}: case '{said.case}' is there twice")
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
def _project() -> Project:
    return load_project(None, Settings())


@cache
def _defaults() -> Mapping[str, Row]:
    content = read_yaml(FOLDER / "defaults.yaml")
    assert isinstance(content, dict)
    for table, columns in content.items():
        unknown = set(columns) - set(_project().relation(table))
        assert not unknown, f"{FOLDER}/defaults.yaml: {table} has no column {unknown}"
    return content


# Values ------------------------------------------------------------------------------------------------


def _typed(value: Any, kind: str, day: dt.date) -> Any:
    """*value* of a case as the Python type that DuckDB returns for *kind*; a time without a date gets *day*.

    Raises:
        ValueError: it is not a value of this type.
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


def _typed_row(case: Case, row: Row, types: Types, where: str) -> Row:
    """The values of *row*, converted to the types of their columns.

    Raises:
        AssertionError: a column is unknown, or a value has another type; with case, row and column.
    """
    day = row.get("dt", case.days[0])
    typed = {}
    for column, value in row.items():
        if column not in types:
            raise case.fault(f"{where}: unknown column '{column}'{nearest(str(column), types)}")
        try:
            typed[column] = _typed(value, types[column], day)
        except ValueError:
            raise case.fault(f"{where}: {column} is {value!r}, expected {types[column]}") from None
    return typed


def _given_row(case: Case, table: str, row: Row, types: Types, where: str) -> tuple[Any, ...]:
    """A complete row of *table*: values not given come from ``defaults.yaml``, else null; dt is the first day."""
    row = {**({"dt": case.days[0]} if "dt" in types else {}), **row}
    typed = _typed_row(case, row, types, where)
    defaults = _defaults().get(table, {})

    def value(column: str, asked: tuple[str, ...] = ()) -> Any:
        default = defaults.get(column)
        if column in typed or column in asked:
            return typed.get(column)
        if isinstance(default, str) and default.startswith("="):
            default = value(default[1:], (*asked, column))
        return _typed(default, types[column], row.get("dt", case.days[0]))

    return tuple(value(column) for column in types)


# Computing ---------------------------------------------------------------------------------------------


@cache
def _connection() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def found_by(case: Case) -> tuple[list[Row], Types]:
    """The rows that the project computes for *case* (for a model, those of the case's days), and column → type.

    Tables that are not given are computed from the given ones; without given inputs they are empty.

    Raises:
        AssertionError: the case names an unknown table, column or setting.
    """
    subject = _subject(case)
    try:
        settings = Settings.model_validate(case.settings)
    except ValidationError as error:
        raise case.fault(f"settings: {describe(error, Settings)}") from error
    # Loading the project again would validate all files for every case that has its own settings.
    project = replace(_project(), parameters=settings.parameters())
    computed = _show_tables(case, project, subject)
    connection = _connection()
    own = [row.get("dt") for table, rows in case.given.items() if table != case.subject for row in rows]
    before = DaySpan(min([case.days[0], *(day for day in own if day)]), case.days[-1]).days
    for name in computed:
        is_of_days = name == case.subject or project.models[name].as_of
        fill(connection, project, name, case.days if is_of_days else before)
    if isinstance(subject, Check):
        is_partitioned = project.models[subject.model].is_partitioned
        query = project.sql(subject, DaySpan(case.days[0], case.days[-1]) if is_partitioned else None)
    else:
        query = f"SELECT * FROM {identifier(subject.name)}"
        if subject.is_partitioned:  # with rows of later days, which a run would refuse
            days = [f"DATE {literal(day.isoformat())}" for day in case.days]
            query += f" WHERE dt IN ({', '.join(days)}) OR dt > {days[-1]}"
            query += "" if subject.name in case.given else f" OR dt < {days[0]}"
    found = connection.execute(query)
    types = {name: str(kind) for name, kind, *_ in found.description or ()}
    return [dict(zip(types, values, strict=True)) for values in found.fetchall()], types


def _subject(case: Case) -> Model | Check:
    files: Mapping[str, Model | Check] = {**_project().models, **checks_of(_project())}
    if case.subject not in files:
        raise case.fault(f"there is no model or check '{case.subject}'{nearest(case.subject, files)}")
    return files[case.subject]


def _show_tables(case: Case, project: Project, subject: Model | Check) -> list[str]:
    """Create the tables of *case*, replacing those of the previous case; returns the models to compute, in order."""
    direct = {read.table for read in project.reads[subject.name]}
    read = project.upstream(direct) | direct
    read |= {each.table for name in read & set(project.models) for each in project.reads[name]}
    for table in case.given:
        if table not in read:
            known = sorted(read)
            raise case.fault(
                f"given: {subject.name} does not read '{table}'{nearest(table, known)}: {', '.join(known)}"
            )
    between = project.downstream(case.given) & read - set(case.given)
    computed = [name for name in project.models if name in between or name == case.subject]
    inputs = {each.table for name in [*computed, subject.name] for each in project.reads[name]}
    for table in sorted({*inputs, *computed, *case.given}):
        types = project.relation(table)
        if table in CONFIG_TABLES and table not in case.given:
            rows = [astuple(row) for row in shipped().rows(table)]
        else:
            given = enumerate(case.given.get(table, ()), start=1)
            rows = [_given_row(case, table, row, types, f"given {table}, row {number}") for number, row in given]
        create_table(_connection(), table, types, rows)
    return computed


# Comparison --------------------------------------------------------------------------------------------
>>>>>>> 380eec902c7090dce2acba6eab5de8d2ad3da96a


def assert_holds(case: Case) -> None:
    """Require that the project computes exactly the rows that *case* expects.

    Raises:
        AssertionError: it does not; with case, row, column, expected and computed value.
    """
    seen, types = found_by(case)
    only = typed_row(case, case.only, types, "only")
    seen = [row for row in seen if all(row[column] == value for column, value in only.items())]
    day = {"dt": case.days[0]} if len(case.days) == 1 and "dt" in types else {}
    expected = [
        typed_row(case, {**day, **case.only, **row}, types, f"expect, row {number}")
        for number, row in enumerate(case.expect, start=1)
    ]
    key = _key(case, expected)
    names = Counter(_shown(row, key) for row in seen)
    if grain_of(case) and expected and any(count > 1 for count in names.values()):
        raise case.fault(f"several rows seen are {names.most_common(1)[0][0]}; give more columns of the grain")
    faults = list(_faults(seen, expected, key))
    if faults:
        raise case.fault("\n  ".join([f"{case.subject}: {len(faults)} differences", *faults]))


def _key(case: Case, expected: Sequence[Row]) -> list[str]:
<<<<<<< HEAD
    """The columns that tell rows apart: those of the grain that the case gives, of a check all that it gives.
=======
    """The columns that identify a row: for a model the columns of its grain that the case gives, for a check all given.
>>>>>>> 380eec902c7090dce2acba6eab5de8d2ad3da96a

    Raises:
        AssertionError: the rows give different columns of the grain, or none.
    """
    grain = grain_of(case)
    of_rows = [[column for column in row if grain is None or column in grain] for row in expected]
    for number, key in enumerate(of_rows, start=1):
        if set(key) != set(of_rows[0]):
            raise case.fault(
                f"expect, row {number}: gives {', '.join(key) or 'no column'} of the grain, the first row "
                f"{', '.join(of_rows[0])}; let all rows give the same"
            )
    return of_rows[0] if of_rows else []


def _faults(seen: Sequence[Row], expected: Sequence[Row], key: Sequence[str]) -> Iterator[str]:
    left = list(seen)
    for row in expected:
        name = _shown(row, key)
        same = [other for other in left if all(_same(other[column], row[column]) for column in key)]
        if not same:
            yield f"missing row {name}"
            continue
        left.remove(same[0])
        for column, value in row.items():
            if not _same(same[0][column], value):
                yield f"row {name}: {column}: expected {_text(value)}, seen {_text(same[0][column])}"
    shown = [column for row in expected[:1] for column in row]
    for row in left:
        yield f"additional row {_shown(row, shown or list(row))}"


def _same(seen: Any, expected: Any) -> bool:
    if isinstance(seen, float) and isinstance(expected, float):
        return math.isclose(seen, expected, rel_tol=1e-6, abs_tol=1e-12)
    return bool(seen == expected)


def _shown(row: Row, columns: Iterable[str]) -> str:
    return "{" + ", ".join(f"{column}: {_text(row[column])}" for column in columns) + "}"


def _text(value: Any) -> str:
    return "null" if value is None else str(value)
