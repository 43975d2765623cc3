"""The records that are kept as text for mappings over all files, without the ids of forgotten persons.

Here: the query for these records.
Not here: writing them (``pipelines.ingest.group``), reading them (``pipelines.ingest.whole``).
"""

from __future__ import annotations

from pipelines.home.settings import Settings
from pipelines.ingest.forgotten import PSEUDONYM, Forgotten, Kind
from pipelines.ingest.records.values import typed
from pipelines.ingest.sources.persons import person_columns
from pipelines.ingest.sources.source import Source
from pipelines.ingest.sources.targets import EVENTS
from pipelines.lake.duck import identifier, literal

_ID = {"user": EVENTS.columns["user_id"], "device": EVENTS.columns["device_id"]}


def kept_query(source: Source, relation: str, forgotten: Forgotten, settings: Settings, records: str) -> str:
    """SQL for the records of *relation* to keep; *records* is SQL for all of them, with batch_id and record_no.

    The ids of forgotten persons are replaced by pseudonyms, so that, for example, a refund is still matched with its
    sale. If the relation is read only for events, all other values in these persons' records become null. The rows of
    the mapping are then validated like all others: that refuses these persons' events, and removes the pseudonyms from
    orders.
    """
    if forgotten.is_empty:
        return f"SELECT * FROM ({records})"
    columns = [
        f"{value} AS {identifier(name)}" for name, value in kept_values(source, relation, forgotten, settings).items()
    ]
    return f"SELECT * REPLACE ({', '.join(columns)}) FROM ({records})" if columns else f"SELECT * FROM ({records})"


def kept_values(source: Source, relation: str, forgotten: Forgotten, settings: Settings) -> dict[str, str]:
    """Column of *relation* → SQL for its value in the records that are kept.

    Only the columns that the erasure of the persons in *forgotten* may change; all others are kept as they are.
    """
    named = person_columns(source, relation)
    is_person = _belongs_to_person(source, relation, forgotten, settings)
    by_kind: tuple[tuple[Kind, frozenset[str]], ...] = (("user", named.users), ("device", named.devices))
    values: dict[str, str] = {}
    for name in source.relations[relation].columns:
        pieces = []
        for kind, columns in by_kind:
            if name in columns and forgotten.hashes.get(kind):
                value = _id_in(name, kind, settings)
                # A pseudonym from an earlier erasure is not changed.
                is_id = f"{forgotten.is_one(kind, value)} AND NOT starts_with({value}, {literal(PSEUDONYM)})"
                condition = f"{is_person} AND {is_id}"
                pieces.append(f"WHEN {condition} THEN {forgotten.pseudonym_sql(kind, value)}")
        if named.only_events and name not in named.users | named.devices:
            pieces.append(f"WHEN {is_person} THEN NULL")
        if pieces:
            values[name] = f"CASE {' '.join(pieces)} ELSE {identifier(name)} END"
    return values


def _belongs_to_person(source: Source, relation: str, forgotten: Forgotten, settings: Settings) -> str:
    """SQL condition: a record of *relation* names a forgotten user, or a forgotten device without naming a user."""
    named = person_columns(source, relation)
    users = [_id_in(name, "user", settings) for name in sorted(named.users)]
    nobody = " AND ".join(["true", *(f"{user} IS NULL" for user in users)])
    devices = [
        forgotten.is_one("device", _id_in(name, "device", settings)) for name in sorted(named.devices - named.users)
    ]
    is_device = f"({nobody} AND ({' OR '.join(devices)}))" if devices else "false"
    return f"({' OR '.join([*(forgotten.is_one('user', user) for user in users), is_device])})"


def _id_in(column: str, kind: Kind, settings: Settings) -> str:
    return typed(_ID[kind], "VARCHAR", identifier(column), settings)
