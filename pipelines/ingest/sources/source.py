"""Sources: folders of SQL that define how files of one origin become canonical rows.

Here: ``source.yaml`` (relations: files, formats, columns), and loading and validating a source with its mappings.
Not here: validating a mapping (``pipelines.ingest.sources.mapping``), reading landing files.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

import duckdb
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import DATA, Home
from pipelines.home.settings import Settings
from pipelines.home.yaml_files import Switch, describe, read_yaml
from pipelines.ingest.sources.mapping import Mapping, Step, create_relations, load_mapping, load_step
from pipelines.ingest.sources.targets import PROVENANCE, TARGETS

INGEST_VERSION = "4"
"""Increase this number if a change of this package changes the rows of an unchanged file: all files are then read
again."""

Format = Literal["ndjson", "csv", "parquet", "auto"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")

_STEPS = "steps"
"""The folder of a source for the SELECTs that its mappings share."""


class _Declaration(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RelationColumn(_Declaration):
    """A column of a relation: the names to look for in a file, in this order, and whether it is required."""

    names: tuple[str, ...] = ()
    required: Switch = False


def _names_or_mapping(value: Any) -> Any:
    """``[a, b]`` is short for ``{names: [a, b]}``; an empty value is short for ``{}``."""
    if value is None:
        return {}
    return {"names": value} if isinstance(value, list) else value


class Relation(_Declaration):
    """A relation: the glob of its files, and the columns to read from them, all as text.

    *header*: the names of the columns, in order, of CSV files without a header line. *quotes*: whether a field of a CSV
    file may be quoted; if not, a quote is an ordinary character. If *header* is given, *quotes* is about the files
    without a header line.
    """

    glob: str = Field(min_length=1)
    format: Format = "auto"
    header: tuple[str, ...] = ()
    quotes: Switch = True
    columns: dict[str, Annotated[RelationColumn, BeforeValidator(_names_or_mapping)]] = Field(min_length=1)

    @model_validator(mode="after")
    def _name_columns(self) -> Relation:
        taken: dict[str, str] = {}
        for name, column in self.columns.items():
            if not _NAME.fullmatch(name):
                raise ValueError(f"column '{name}': expected lower case letters, digits and _")
            if name in PROVENANCE:
                raise ValueError(f"column '{name}' is added to every relation; rename yours")
            if not column.names:
                object.__setattr__(column, "names", (name,))
            for alias in column.names:
                if alias in taken:
                    raise ValueError(f"columns '{taken[alias]}' and '{name}' both read '{alias}'")
                taken[alias] = name
        self._tell_apart(list(taken))
        if self.header and (twice := [name for name in taken if self.header.count(name) > 1]):
            raise ValueError(f"header has '{twice[0]}' twice")
        if self.header and not taken.keys() & {*self.header}:
            raise ValueError("header has none of the column names")
        return self

    @property
    def fingerprint(self) -> str:
        """The part of the declaration that determines the rows of a file."""
        # Keys that most relations lack are omitted if they are not set, so that a new key does not change existing
        # fingerprints.
        unset = {"header", "quotes"} - self.model_fields_set
        return self.model_dump_json(exclude={"glob"} | unset)

    @property
    def aliases(self) -> list[str]:
        """The names to look for in files: for each column, its names in the declared order."""
        return [alias for column in self.columns.values() for alias in column.names]

    @staticmethod
    def _tell_apart(aliases: list[str]) -> None:
        """Refuse names that differ only in case: DuckDB's JSON reader cannot distinguish such keys."""
        known: dict[str, str] = {}
        for alias in aliases:
            other = known.setdefault(alias.lower(), alias)
            if other != alias:
                raise ValueError(f"names '{other}' and '{alias}' differ only in case; keep the one in use")


class _SourceFile(_Declaration):
    description: str = ""
    relations: dict[str, Relation] = Field(min_length=1)

    @model_validator(mode="after")
    def _check_names(self) -> _SourceFile:
        for name in self.relations:
            if not _NAME.fullmatch(name):
                raise ValueError(f"relation '{name}': expected lower case letters, digits and _")
        return self


@dataclass(frozen=True)
class Source:
    """A source: its relations, and target → mapping."""

    name: str
    folder: Path
    description: str
    relations: dict[str, Relation]
    mappings: dict[str, Mapping]

    def by_record(self, relation: str) -> list[Mapping]:
        """The mappings of *relation* that work record by record."""
        return [m for m in self.mappings.values() if m.by_record and m.relations == (relation,)]

    def whole(self, relation: str | None = None) -> list[Mapping]:
        """The whole mappings (over all files at once); only those that read *relation*, if it is given."""
        return [m for m in self.mappings.values() if not m.by_record and relation in (None, *m.relations)]

    def fingerprint(self, relation: str, settings: Settings) -> str:
        """A hash of everything, except the file itself, that determines the rows of a file of *relation*."""
        parts = [INGEST_VERSION, self.relations[relation].fingerprint]
        parts += [f"{m.target.name}: {m.meaning}" for m in self.by_record(relation)]
        if self.by_record(relation):
            parts += validation_settings(settings)
        if self.whole(relation):
            parts.append("records are kept")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def validation_settings(settings: Settings) -> list[str]:
    """The settings that affect how values are read and which records are refused, as texts for a fingerprint."""
    tolerance = settings.attribution.clock_tolerance_seconds
    return [settings.timezone, f"clock_tolerance_seconds={tolerance}", settings.inputs.model_dump_json()]


def load_sources(home: Home | None) -> list[Source]:
    """The shipped sources and those of *home*; the home's source replaces a shipped one of the same name.

    Raises:
        HeadwaterError: a source is invalid; with file, line or key, and what was expected.
    """
    folders: dict[str, Path] = {}
    roots = [DATA / "sql" / "sources"] + ([home.sources] if home else [])
    for root in roots:
        if root.is_dir():
            folders |= {f.name: f for f in sorted(root.iterdir()) if f.is_dir() and not f.name.startswith(".")}
    return [_load_source(folders[name], _content(folders[name])) for name in sorted(folders)]


def _content(folder: Path) -> tuple[tuple[str, bytes], ...]:
    """Name and content of each file of the source in *folder*; the key under which a loaded source is cached."""
    try:
        paths = sorted([*folder.iterdir(), *folder.glob(f"{_STEPS}/*.sql")])
        files = [path for path in paths if path.suffix in (".sql", ".yaml") and path.is_file()]
        return tuple((str(path.relative_to(folder)), path.read_bytes()) for path in files)
    except OSError:
        return ()  # loading the source will report the file that cannot be read


@lru_cache(maxsize=32)
def _load_source(folder: Path, _content: tuple[tuple[str, bytes], ...]) -> Source:
    if not _NAME.fullmatch(folder.name):
        raise HeadwaterError(
            "the name of a source may have only lower-case letters, digits and _",
            where=folder,
            remedy="rename the folder",
        )
    declared = _read_declaration(folder / "source.yaml")
    mappings = _load_mappings(folder, {name: tuple(r.columns) for name, r in declared.relations.items()})
    if not mappings:
        raise HeadwaterError(
            "has no mapping", where=folder, remedy=f"add a SELECT such as events.sql ({', '.join(TARGETS)})"
        )
    used = {name for mapping in mappings.values() for name in mapping.relations}
    unused = [name for name in declared.relations if name not in used]
    if unused:
        raise HeadwaterError(
            f"no mapping reads relation {', '.join(unused)}",
            where=folder / "source.yaml",
            remedy="add a SELECT that reads it, or remove the relation, so that its files are not read in vain",
        )
    return Source(folder.name, folder, declared.description, dict(declared.relations), mappings)


def _load_mappings(folder: Path, relations: dict[str, tuple[str, ...]]) -> dict[str, Mapping]:
    mappings = {}
    with duckdb.connect() as connection:
        create_relations(connection, relations)
        steps = _load_steps(connection, folder, relations)
        for file in sorted(folder.glob("*.sql")):
            target = TARGETS.get(file.stem)
            if target is None:
                raise HeadwaterError(
                    f"'{file.stem}' is not a target; expected one of {', '.join(TARGETS)}",
                    where=file,
                    remedy="rename the file",
                )
            mappings[target.name] = load_mapping(connection, target, file, relations, steps)
    return mappings


def _load_steps(
    connection: duckdb.DuckDBPyConnection, folder: Path, relations: dict[str, tuple[str, ...]]
) -> dict[str, Step]:
    steps = {}
    for file in sorted((folder / _STEPS).glob("*.sql")):
        if not _NAME.fullmatch(file.stem) or file.stem in relations:
            raise HeadwaterError(
                f"'{file.stem}' may not be the name of a step",
                where=file,
                remedy="rename the file: lower-case letters, digits and _, and not the name of a relation",
            )
        steps[file.stem] = load_step(connection, file, relations)
    return steps


def _read_declaration(file: Path) -> _SourceFile:
    if not file.is_file():
        raise HeadwaterError(
            "the file is missing", where=file, remedy="write it: a source declares its relations in it"
        )
    content = read_yaml(file)
    if not isinstance(content, dict):
        raise HeadwaterError(f"expected keys 'description' and 'relations', found {content!r}", where=file)
    try:
        return _SourceFile.model_validate(content)
    except ValidationError as error:
        raise HeadwaterError(describe(error, _SourceFile), where=file) from error
