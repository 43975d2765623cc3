"""Duplicates: new rows that the lake already has, or that occur twice among the new rows.

Here: of events with the same event_id, the one with the smallest (received_at, hash of the record) is kept, in
whatever order they arrive. For other targets equal rows are duplicates, and all different versions are kept.
Not here: which version of an order the models use (``sql/core``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.ingest.batches import Batch, RawLake
from pipelines.ingest.records.validation import row_hash
from pipelines.ingest.session import Session, checked_view, excluded_table, kept_view
from pipelines.ingest.sources.raw_tables import RECORD_HASH
from pipelines.ingest.sources.target import Target
from pipelines.ingest.sources.targets import EVENTS
from pipelines.lake.partitions import dated_sql, parquet_sql

SUPERSEDED = "__superseded"
"""The table of stored events that a new event supersedes: event_id, batch_id, record_no, dt, and superseded_by, the
new event's batch."""

ID_HASHES = "event_ids"
"""The folder with the hashes of stored event_ids, one file for each file of raw.events; look-ups read only these."""

_REPEATED = "__repeated_hashes"
"""The table of id hashes that occur more than once, in new and stored events or in new events only."""


@dataclass
class SeenEvents:
    """The files of all visible events, and the files in which to look up their ids.

    *hashed*: file of id hashes → file of the events. *unhashed*: files of events without hashes, or with hashes of
    another version of DuckDB; these files are searched themselves. *superseded*: files that list superseded events.
    """

    session: Session
    hashed: dict[Path, Path]
    unhashed: list[Path]
    superseded: list[Path]

    @classmethod
    def of(cls, session: Session, lake: RawLake) -> SeenEvents:
        """The events in the visible files of *lake*."""
        seen = cls(session, {}, [], [])
        seen.add_batches(lake, lake.batches)
        return seen

    def add_batches(self, lake: RawLake, batches: Iterable[Batch]) -> None:
        """Add the events of *batches* of *lake*."""
        suffix = hash_version(self.session)
        for batch in batches:
            files = {(output.target, output.dt): output for output in batch.outputs}
            for (target, day), output in files.items():
                hashes = files.get((ID_HASHES, day))
                if target == "superseded_events":
                    self.superseded.append(lake.root / output.path)
                elif target == EVENTS.name and hashes and hashes.version.endswith(suffix):
                    self.hashed[lake.root / hashes.path] = lake.root / output.path
                elif target == EVENTS.name:
                    self.unhashed.append(lake.root / output.path)

    def colliding_query(self) -> str:
        """SQL for the stored events that have the event_id of a new event, without superseded ones.

        Its columns are event_id, received_at, record_hash, batch_id, record_no and dt.
        """
        files = self._files_with_new_ids()
        columns = f"event_id, received_at, {row_hash(EVENTS)} AS record_hash, batch_id, record_no"
        if not files:
            return f"SELECT {columns}, DATE '2000-01-01' AS dt FROM {checked_view('events')} WHERE false"
        superseded = ""
        if self.superseded:
            superseded = (
                f" AND (event_id, batch_id) NOT IN (SELECT (event_id, batch_id) FROM {parquet_sql(self.superseded)})"
            )
        ids = f"SELECT event_id FROM {checked_view('events')} WHERE hash(event_id) IN (SELECT id_hash FROM {_REPEATED})"
        return f"SELECT {columns}, dt FROM {dated_sql(files)} WHERE event_id IN ({ids}){superseded}"

    def _files_with_new_ids(self) -> list[Path]:
        """The files of stored events that share an id hash with a new event; writes these hashes to ``_REPEATED``."""
        self.session.run(f"CREATE OR REPLACE TABLE {_REPEATED} (id_hash UBIGINT, file_no UBIGINT)")
        found: list[Path] = []
        for hash_of, files, events in (
            ("id_hash", [*self.hashed], [*self.hashed.values()]),
            ("hash(event_id)", self.unhashed, self.unhashed),
        ):
            if files:
                self.session.run(
                    f"INSERT INTO {_REPEATED} SELECT DISTINCT {hash_of}, file_index + {len(found)} "
                    f"FROM {parquet_sql(files)} "
                    f"WHERE {hash_of} IN (SELECT hash(event_id) FROM {checked_view('events')})"
                )
            found += events
        rows = self.session.rows(f"SELECT DISTINCT file_no FROM {_REPEATED} ORDER BY ALL")
        return [found[number] for (number,) in rows]


def hash_version(session: Session) -> str:
    """A suffix for the version of a file of hashes.

    A version of DuckDB with another hash function gives another suffix, so the hashes of the earlier version are not
    used.
    """
    (example,) = session.rows("SELECT hash('event_id')")[0]
    return f"-{example:x}"


def exclude_refused(session: Session, target: Target, is_one_to_one: bool) -> None:
    """Create the ``excluded_table`` of *target* and put the rows of refused records into it.

    *is_one_to_one*: each record has exactly one row, so a refused record has no other rows that must be excluded too.
    """
    checked = checked_view(target.name)
    refused = f"SELECT row, false AS is_duplicate FROM {checked} WHERE reasons IS NOT NULL"
    if not is_one_to_one:
        # If one row of a record is refused, all rows of that record are refused, so that it is not stored in part.
        refused = (
            f"SELECT row, false AS is_duplicate FROM {checked} WHERE (batch_id, record_no) IN "
            f"(SELECT (batch_id, record_no) FROM {checked} WHERE reasons IS NOT NULL)"
        )
    session.run(f"CREATE OR REPLACE TABLE {excluded_table(target.name)} AS {refused}")


def exclude_equal_versions(session: Session, target: Target, stored: Sequence[Path], *, is_by_record: bool) -> None:
    """Exclude rows that are equal to a row in one of the files *stored*, or to an earlier new row.

    The rows of a whole mapping (*is_by_record* False) come in any order, so they are sorted by record first. Unsorted,
    each of two equal files could be a duplicate of the other in some rows.
    """
    order = "row" if is_by_record else "batch_id, record_no, row"
    checked, excluded = checked_view(target.name), excluded_table(target.name)
    known = "false"
    if stored:
        known = f"{RECORD_HASH} IN (SELECT {RECORD_HASH} FROM {parquet_sql(stored)})"
    session.run(
        f"INSERT INTO {excluded} SELECT row, true FROM (SELECT row, {RECORD_HASH}, "
        f"row_number() OVER (PARTITION BY {RECORD_HASH} ORDER BY {order}) AS version "
        f"FROM {checked} WHERE row NOT IN (SELECT row FROM {excluded})) WHERE version > 1 OR {known}"
    )


def exclude_superseded_events(session: Session, seen: SeenEvents) -> None:
    """Exclude new events that are superseded by a stored event, or another new one, with the same id.

    The table ``SUPERSEDED`` is created with the stored events that new events supersede.
    """
    checked, excluded = checked_view("events"), excluded_table("events")
    session.run(f"CREATE OR REPLACE TABLE __stored AS {seen.colliding_query()}")
    session.run(
        f"INSERT INTO {_REPEATED} SELECT hash(event_id) AS id_hash, NULL FROM {checked} "
        "GROUP BY id_hash HAVING count(*) > 1"
    )
    # Only rows with repeated hashes are ranked. They are selected first, because otherwise DuckDB would compute the
    # expensive hash of the record for all rows.
    again = f"SELECT row FROM {checked} WHERE hash(event_id) IN (SELECT id_hash FROM {_REPEATED})"
    new = (
        f"SELECT event_id, received_at, {row_hash(EVENTS)} AS record_hash, batch_id, record_no, dt, row "
        f"FROM {checked} WHERE row IN ({again}) AND row NOT IN (SELECT row FROM {excluded})"
    )
    session.run(
        "CREATE OR REPLACE TABLE __contest AS "
        "SELECT *, row_number() OVER place AS place, first_value(row) OVER place AS winner_row, "
        "first_value(batch_id) OVER place AS winner_batch "
        f"FROM ({new} UNION ALL BY NAME SELECT *, NULL AS row FROM __stored) "
        "WINDOW place AS (PARTITION BY event_id ORDER BY received_at ASC NULLS LAST, record_hash, row NULLS FIRST)"
    )
    session.run(f"INSERT INTO {excluded} SELECT row, true FROM __contest WHERE row IS NOT NULL AND place > 1")
    session.run(
        f"CREATE OR REPLACE TABLE {SUPERSEDED} AS "
        "SELECT event_id, batch_id, record_no, dt, winner_batch AS superseded_by FROM __contest "
        "WHERE row IS NULL AND winner_row IS NOT NULL"
    )


def keep_the_rest(session: Session, target: Target) -> None:
    """Create the ``kept_view`` of *target*: its rows that were not excluded, which are to be stored."""
    checked, excluded = checked_view(target.name), excluded_table(target.name)
    # Usually nothing is excluded; then the join is skipped.
    others = f" ANTI JOIN {excluded} USING (row)" if session.rows(f"FROM {excluded} LIMIT 1") else ""
    session.run(f"CREATE OR REPLACE VIEW {kept_view(target.name)} AS SELECT * FROM {checked}{others}")
