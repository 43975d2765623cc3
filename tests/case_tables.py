"""Computes the rows of a given/expect case by running the project's real SQL on the rows that the case gives.

A case tests a model, a check, or a SELECT with which a source maps its records to a target table.

Here: running the tested SQL, and the models between the given tables and the tested one.
Not here: how a case is written (``tests.cases``), how a model's query is run (``tests.sql_models``).
"""

from __future__ import annotations

from dataclasses import astuple
from functools import cache

import duckdb
from pydantic import ValidationError

from pipelines.compute.workspace import create_table
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.settings import Settings
from pipelines.home.yaml_files import describe
from pipelines.ingest.sources.mapping import Mapping, create_relations
from pipelines.ingest.sources.source import Source, load_sources
from pipelines.lake.duck import identifier, literal
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.model import Check, Model
from pipelines.sqlproject.project import Project
from pipelines.sqlproject.reads import nearest
from tests.cases import Case, Row, Types, given_row, shipped_project
from tests.sql_models import checks_of, fill, project_with, shipped


@cache
def session_of_cases() -> duckdb.DuckDBPyConnection:
    """The DuckDB session that has the tables of the last case."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def grain_of(case: Case) -> tuple[str, ...] | None:
    """The key columns of the model or source target that *case* tests; None for a check, which has no key."""
    if case.subject.startswith("sources."):
        # batch_id is part of the key, because ingestion, not the SELECT, removes duplicates.
        return (*_mapping(case)[1].target.key, "batch_id")
    model = shipped_project().models.get(case.subject)
    return model.grain if model else None


def found_by(case: Case) -> tuple[list[Row], Types]:
    """The rows that the project computes for *case*, and the types of their columns.

    If *case* is about a model, they are the model's rows of the case's days. The model may read tables that *case* does
    not give: those are computed from the given ones, and are empty if they depend on none of them.

    Raises:
        AssertionError: the case names a table, a column or a setting that does not exist.
    """
    if case.subject.startswith("sources."):
        return _rows(session_of_cases(), _map(case))
    subject = _subject(case)
    try:
        settings = Settings.model_validate(case.settings)
    except ValidationError as error:
        raise case.fault(f"settings: {describe(error, Settings)}") from error
    project = project_with(settings)
    computed = _show_tables(case, project, subject, settings.timezone)
    connection = session_of_cases()
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
        if subject.is_partitioned:  # also read rows on later days: they are a fault, and must fail the case
            days = [f"DATE {literal(day.isoformat())}" for day in case.days]
            query += f" WHERE dt IN ({', '.join(days)}) OR dt > {days[-1]}"
            query += "" if subject.name in case.given else f" OR dt < {days[0]}"
    return _rows(connection, query)


def _rows(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[list[Row], Types]:
    found = connection.execute(query)
    types = {name: str(kind) for name, kind, *_ in found.description or ()}
    return [dict(zip(types, values, strict=True)) for values in found.fetchall()], types


def _subject(case: Case) -> Model | Check:
    files: dict[str, Model | Check] = {**shipped_project().models, **checks_of(shipped_project())}
    if case.subject not in files:
        raise case.fault(f"there is no model or check '{case.subject}'", nearest(case.subject, files))
    return files[case.subject]


def _show_tables(case: Case, project: Project, subject: Model | Check, timezone: str) -> list[str]:
    """Create the tables of *case* in place of those of the previous case; return the models to compute, in order."""
    direct = {read.table for read in project.reads[subject.name]}
    read = project.upstream(direct) | direct
    read |= {each.table for name in read & set(project.models) for each in project.reads[name]}
    for table in case.given:
        if table not in read:
            remedy = nearest(table, read) or f"it reads {', '.join(sorted(read))}"
            raise case.fault(f"given: {subject.name} does not read '{table}'", remedy)
    between = project.downstream(case.given) & read - set(case.given)
    computed = [name for name in project.models if name in between or name == case.subject]
    inputs = {each.table for name in [*computed, subject.name] for each in project.reads[name]}
    for table in sorted({*inputs, *computed, *case.given}):
        types = project.relation(table)
        if table in CONFIG_TABLES and table not in case.given:
            rows = [astuple(row) for row in shipped(timezone).rows(table)]
        else:
            given = enumerate(case.given.get(table, ()), start=1)
            rows = [given_row(case, table, row, types, f"given {table}, row {number}") for number, row in given]
        create_table(session_of_cases(), table, types, rows)
    return computed


# Sources: mapping records, whose values are text, to rows of the target table ------------------------------


@cache
def sources() -> dict[str, Source]:
    """The shipped sources by their names."""
    return {source.name: source for source in load_sources(None)}


def _mapping(case: Case) -> tuple[Source, Mapping]:
    _, name, target = case.subject.split(".")
    known = {f"{source.name}.{own}" for source in sources().values() for own in source.mappings}
    if f"{name}.{target}" not in known:
        raise case.fault(f"no source has '{name}.{target}'", nearest(f"{name}.{target}", known))
    return sources()[name], sources()[name].mappings[target]


def _map(case: Case) -> str:
    """Create the source relations of *case* and return the query that maps their records to rows of the target table.

    By default a record has batch_id b1, and record_no counts from 1.
    """
    source, mapping = _mapping(case)
    relations = {name: tuple(relation.columns) for name, relation in source.relations.items()}
    create_relations(session_of_cases(), relations)
    for name, rows in case.given.items():
        if name not in mapping.relations:
            raise case.fault(f"given: {case.subject} does not read '{name}'", nearest(name, mapping.relations))
        types = {**dict.fromkeys(relations[name], "VARCHAR"), "batch_id": "VARCHAR", "record_no": "BIGINT"}
        for number, row in enumerate(rows, start=1):
            record = {"batch_id": "b1", "record_no": number, **row}
            values = given_row(case, name, record, types, f"given {name}, row {number}")
            session_of_cases().execute(
                f"INSERT INTO {identifier(name)} VALUES ({', '.join('?' * len(values))})", values
            )
    return mapping.query
