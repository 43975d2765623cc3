"""Where a source's records name a person: the columns of a relation from which its mappings compute ids.

Here: finding these columns from the mappings' syntax trees.
Not here: what is done with them (``pipelines.ingest.kept``, ``pipelines.forget``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from sqlglot import exp
from sqlglot.lineage import lineage

from pipelines.ingest.sources.mapping import Mapping
from pipelines.ingest.sources.source import Source
from pipelines.ingest.sources.targets import EVENTS, PROVENANCE

_Relations = tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True)
class PersonColumns:
    """The columns of a relation that mappings copy as *users*, *devices*, or ids of *events* and *orders*.

    *only_events*: only mappings to events read the relation, so nothing else depends on its records of a person.
    """

    users: frozenset[str]
    devices: frozenset[str]
    events: frozenset[str]
    orders: frozenset[str]
    only_events: bool


def person_columns(source: Source, relation: str) -> PersonColumns:
    """The columns of *relation* that name a person, or an event or order of a person."""
    mappings = [m for m in source.mappings.values() if relation in m.relations]
    relations = tuple((name, tuple(declared.columns)) for name, declared in source.relations.items())

    def of(target_column: str) -> frozenset[str]:
        return frozenset(
            column for m in mappings for table, column in _origins(m, target_column, relations) if table == relation
        )

    return PersonColumns(
        of("user_id"), of("device_id"), of("event_id"), of("order_id"), all(m.target is EVENTS for m in mappings)
    )


def _origins(mapping: Mapping, column: str, relations: _Relations) -> frozenset[tuple[str, str]]:
    return _lineage(mapping.query, column, relations) if column in mapping.types else frozenset()


@lru_cache(maxsize=256)
def _lineage(query: str, column: str, relations: _Relations) -> frozenset[tuple[str, str]]:
    schema = {name: dict.fromkeys((*columns, *PROVENANCE), "VARCHAR") for name, columns in relations}
    root = lineage(column, query, schema=schema, dialect="duckdb")
    leaves = (node for node in root.walk() if not node.downstream and isinstance(node.expression, exp.Table))
    return frozenset((node.expression.name, node.name.rpartition(".")[2].strip('"')) for node in leaves)
