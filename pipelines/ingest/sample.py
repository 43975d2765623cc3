"""Shows the outcome of each record of sample files, by ingesting them in a temporary home.

Here: placing the files so that the source finds them, ingesting them, and listing the outcome of each record.
Not here: how it is shown (``pipelines.commands.check``).
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home, init_home
from pipelines.home.settings import Settings
from pipelines.ingest.batches import Batch, RawLake
from pipelines.ingest.files.dialects import dialect_of
from pipelines.ingest.files.discover import LandedFile, landed_file
from pipelines.ingest.files.lines import Lines
from pipelines.ingest.files.records import records_of
from pipelines.ingest.records.values import good_value
from pipelines.ingest.run import ingest
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.ingest.sources.source import Source, load_sources
from pipelines.ingest.sources.targets import TARGETS
from pipelines.lake.partitions import relation_sql

Row = Mapping[str, Any]
"""Column → value of a row of a raw table."""

_FIRST_RECORDS = 10_000
"""Keys that no column reads are looked for in this many records of an NDJSON file."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of a record: its rows by raw table, or why it was refused.

    If it has neither rows nor reasons, it is a duplicate, or the mapping returns no row for it. *text*: the text of a
    refused record.
    """

    record_no: int
    rows: Sequence[tuple[str, Row]] = ()
    reasons: str = ""
    text: str = ""


@dataclass(frozen=True)
class SampleFile:
    """A file: its *batch* with the counts, the outcome of each record, and the fields that no declared column reads.

    *expected*: reason → what a valid value is, for each reason of a refusal that is about a single field.
    """

    path: Path
    batch: Batch
    outcomes: Sequence[Outcome]
    unread: Sequence[str]
    expected: Mapping[str, str]


@dataclass
class Sample:
    """The *files* that could be read, and errors and warnings of the ingestion, one line each.

    *whole* has the rows, by raw table, of mappings over all files; the record of such a row is unknown.
    """

    files: list[SampleFile] = field(default_factory=list)
    whole: Sequence[tuple[str, Row]] = ()
    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[tuple[str, Row]]:
        """All rows, as pairs of a raw table and column → value."""
        for file in self.files:
            for outcome in file.outcomes:
                yield from outcome.rows
        yield from self.whole


def try_sample(home: Home | None, settings: Settings, name: str, files: Sequence[tuple[str, Path]]) -> Sample:
    """Ingest *files* of the source *name*, apart from any home.

    Args:
        home: Its own sources can be used as well as the shipped ones; nothing in it changes.
        settings: How values are read.
        name: The source.
        files: Pairs of a relation and a file. If the relation is '', it is the source's only one, or the one whose name
            begins the name of the file or of its folder.

    Raises:
        HeadwaterError: there is no such source, relation or file, or two files have the same name.
    """
    sources = {source.name: source for source in load_sources(home)}
    if name not in sources:
        raise HeadwaterError(f"no source '{name}'; expected one of {', '.join(sorted(sources))}")
    source = sources[name]
    chosen = [(_relation(source, relation, path), path) for relation, path in files]
    with TemporaryDirectory(prefix="headwater-sample-") as folder:
        place, _ = init_home(Path(folder))
        if home is not None and home.sources.is_dir():
            shutil.copytree(home.sources, place.sources, dirs_exist_ok=True)
        landed = _land_all(place, source, chosen)
        report = ingest(place, settings, settle_seconds=0)
        lake = RawLake.load(place)
        with duckdb.connect() as connection:
            rows = _rows(connection, lake)
            read = [batch for batch in lake.batches if batch.kind == "file"]
            sampled = []
            for batch in read:
                outcomes = _outcomes(batch, rows.get(batch.batch_id, []))
                unread = _unread(connection, place, source, batch)
                expected = _expected(source, batch.relation, outcomes)
                sampled.append(SampleFile(landed[batch.file], batch, outcomes, unread, expected))
        files_of_records = {batch.batch_id for batch in read}
        whole = [found for batch_id, those in rows.items() if batch_id not in files_of_records for found in those]
        errors = [_in_place(error, place, home) for error in report.errors]
        skipped = landed.keys() - {batch.file for batch in read}
        if not errors and not report.warnings:
            errors = [f"{landed[file]}: ingestion skips files of this name: rename it" for file in sorted(skipped)]
        return Sample(sampled, whole, errors, report.warnings)


def _relation(source: Source, relation: str, path: Path) -> str:
    if not path.is_file():
        raise HeadwaterError("is a folder; name a file in it" if path.is_dir() else "there is no such file", where=path)
    names = list(source.relations)
    if relation:
        if relation not in names:
            raise HeadwaterError(f"{source.name} has no relation '{relation}'; expected one of {', '.join(names)}")
        return relation
    if len(names) == 1:
        return names[0]
    # The longest name first, because order_lines.csv begins with the name of the relation orders too.
    for part in (path.parent.name, path.name):
        for name in sorted(names, key=len, reverse=True):
            if part.startswith(name):
                return name
    raise HeadwaterError(
        f"neither its folder nor its name tells the relation of {source.name}",
        where=path,
        remedy=f"write it in front: --sample {names[0]}={path} (one of {', '.join(names)})",
    )


def _land_all(home: Home, source: Source, files: Sequence[tuple[str, Path]]) -> dict[str, Path]:
    """Land *files*, pairs of a relation and a file. Returns the path in the landing folder → the file."""
    landed: dict[str, Path] = {}
    for relation, path in files:
        file = _land(home, source, relation, path)
        if file in landed:
            raise HeadwaterError(
                f"has the same name as {landed[file]}", where=path, remedy="try the two files one after the other"
            )
        landed[file] = path
    return landed


def _land(home: Home, source: Source, relation: str, path: Path) -> str:
    """Copy *path* to where *relation* looks for files; return its path in the landing folder."""
    folder = source.relations[relation].glob.split("*")[0].split("?")[0].rpartition("/")[0]
    target = home.landing / source.name / folder / path.name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, target)
    return target.relative_to(home.landing).as_posix()


def _in_place(error: str, place: Home, home: Home | None) -> str:
    """*error* with the path of the home's own source instead of that of its copy."""
    return error.replace(str(place.sources), str(home.sources)) if home else error


def _rows(connection: duckdb.DuckDBPyConnection, lake: RawLake) -> dict[str, list[tuple[str, Row]]]:
    """Batch id → the rows of the batch: pairs of a raw table and column → value, by record_no."""
    rows: dict[str, list[tuple[str, Row]]] = {}
    for table in (*(target.table for target in TARGETS.values()), "raw.quarantine"):
        query = f"{relation_sql(RAW_TABLES[table], lake.files(table))} ORDER BY record_no"
        found = connection.execute(query)
        names = [column[0] for column in found.description or ()]
        for values in found.fetchall():
            row = dict(zip(names, values, strict=True))
            rows.setdefault(row["batch_id"], []).append((table, row))
    return rows


def _outcomes(batch: Batch, rows: Sequence[tuple[str, Row]]) -> list[Outcome]:
    by_record: dict[int, list[tuple[str, Row]]] = {number: [] for number in range(1, batch.records + 1)}
    for table, row in rows:
        by_record.setdefault(row["record_no"], []).append((table, row))
    outcomes = []
    for number, found in sorted(by_record.items()):
        refused = next((row for table, row in found if table == "raw.quarantine"), None)
        if refused is not None:
            outcomes.append(Outcome(number, reasons=refused["reasons"], text=refused["raw"]))
        else:
            outcomes.append(Outcome(number, found))
    return outcomes


def _expected(source: Source, relation: str, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Reason in *outcomes* → what a valid value is; only for reasons that are about a single field."""
    good = {
        f"{word} {mapping.field_of(name)}": good_value(column)
        for mapping in source.mappings.values()
        if relation in mapping.relations
        for name, column in mapping.target.columns.items()
        for word in ("missing", "bad", "unknown", "negative")
    }
    reasons = dict.fromkeys(reason for outcome in outcomes for reason in outcome.reasons.split("; "))
    return {reason: good[reason] for reason in reasons if reason in good}


def _unread(connection: duckdb.DuckDBPyConnection, home: Home, source: Source, batch: Batch) -> list[str]:
    """The fields of the file of *batch* that its relation does not read, in the order of the file."""
    relation = source.relations[batch.relation]
    file = landed_file(home.landing, source, batch.relation, batch.file)
    assert file is not None
    if file.format == "ndjson":
        found = _keys(file)
    else:
        dialect = dialect_of(connection, file, relation, home.landing, is_sound=True)
        found = list(dialect.names) if dialect else []
    declared = {alias.lower() for alias in relation.aliases}
    return [name for name in found if name.lower() not in declared]


def _keys(file: LandedFile) -> list[str]:
    keys: dict[str, None] = {}
    for record in islice(records_of(file, Lines(file)), _FIRST_RECORDS):
        with suppress(ValueError, RecursionError):
            value = json.loads(record.text)
            keys |= dict.fromkeys(value if isinstance(value, dict) else ())
    return list(keys)
