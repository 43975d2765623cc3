"""Duplicates: which of the new rows are in the lake already, or twice among themselves.

Here: of two rows with one event_id, the one with the smallest (received_at, hash of the record) counts, whichever
came first; of other targets every differing version is kept, and an equal one is a duplicate.
Not here: which version of an order counts (``sql/core``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines.duck import list_literal
from pipelines.ingest.bench import Bench, checked_view, kept_view, left_out_table
from pipelines.ingest.manifest import Batch, RawLake
from pipelines.ingest.targets import EVENTS, RECORD_HASH, Target
from pipelines.ingest.validation import row_hash

SUPERSEDED = "__superseded"
"""event_id, batch_id, record_no and dt of stored events that a new one beats, and superseded_by, its batch."""

_SEEN = "__seen"


@dataclass
class SeenEvents:
    """The ids of all visible events, as hashes in the session, so that only rows that may collide are read again."""

    bench: Bench
    files: list[Path]
    superseded: list[Path]

    @classmethod
    def of(cls, bench: Bench, lake: RawLake) -> SeenEvents:
        """The events that *lake* shows."""
        bench.run(f"CREATE OR REPLACE TABLE {_SEEN} (id_hash UBIGINT, file_no INTEGER)")
        seen = cls(bench, [], [])
        seen.add(lake.files(EVENTS.table), lake.files("raw.superseded_events"))
        return seen

    def add(self, files: Sequence[Path], superseded: Sequence[Path]) -> None:
        """Count the events in *files* as seen from now on, and those in *superseded* as beaten."""
        if files:
            self.bench.run(
                f"INSERT INTO {_SEEN} SELECT hash(event_id), file_index + {len(self.files)} "
                f"FROM read_parquet({list_literal(files)}, hive_partitioning = false)"
            )
        self.files += files
        self.superseded += superseded

    def add_batches(self, lake: RawLake, batches: Iterable[Batch]) -> None:
        """Count the events of *batches* of *lake* as seen."""
        outputs = [output for batch in batches for output in batch.outputs]
        events = [lake.root / output.path for output in outputs if output.target == "events"]
        self.add(events, [lake.root / output.path for output in outputs if output.target == "superseded_events"])

    def colliding_query(self) -> str:
        """The query of the stored, unbeaten events that have an id of the new ones; with dt."""
        ids = f"SELECT event_id FROM {checked_view('events')}"
        query = f"SELECT DISTINCT file_no FROM {_SEEN} WHERE id_hash IN (SELECT hash(event_id) FROM ({ids}))"
        files = [self.files[number] for (number,) in self.bench.rows(query)]
        columns = f"event_id, received_at, {row_hash(EVENTS)} AS record_hash, batch_id, record_no"
        if not files:
            return f"SELECT {columns}, DATE '2000-01-01' AS dt FROM {checked_view('events')} WHERE false"
        beaten = ""
        if self.superseded:
            beaten = (
                " AND (event_id, batch_id) NOT IN (SELECT (event_id, batch_id) "
                f"FROM read_parquet({list_literal(self.superseded)}, hive_partitioning = false))"
            )
        return (
            f"SELECT {columns}, dt FROM read_parquet({list_literal(files)}, hive_partitioning = true, "
            f"hive_types = {{'dt': DATE}}) WHERE event_id IN ({ids}){beaten}"
        )


def leave_out_refused(bench: Bench, target: Target, is_one_to_one: bool) -> None:
    """Start the list of rows that are not stored: those of refused records."""
    checked = checked_view(target.name)
    refused = f"SELECT row, false AS is_duplicate FROM {checked} WHERE reasons IS NOT NULL"
    if not is_one_to_one:
        # One refused row of a record takes the record's other rows with it.
        refused = (
            f"SELECT row, false AS is_duplicate FROM {checked} WHERE (batch_id, record_no) IN "
            f"(SELECT (batch_id, record_no) FROM {checked} WHERE reasons IS NOT NULL)"
        )
    bench.run(f"CREATE OR REPLACE TABLE {left_out_table(target.name)} AS {refused}")


def leave_out_equal_versions(bench: Bench, target: Target, stored: Sequence[Path]) -> None:
    """Leave out rows that equal one of *stored*, or an earlier one among themselves."""
    checked, left_out = checked_view(target.name), left_out_table(target.name)
    known = "false"
    if stored:
        known = (
            f"{RECORD_HASH} IN (SELECT {RECORD_HASH} FROM read_parquet({list_literal(stored)}, "
            "hive_partitioning = false))"
        )
    bench.run(
        f"INSERT INTO {left_out} SELECT row, true FROM (SELECT row, {RECORD_HASH}, "
        f"row_number() OVER (PARTITION BY {RECORD_HASH} ORDER BY row) AS version "
        f"FROM {checked} WHERE row NOT IN (SELECT row FROM {left_out})) WHERE version > 1 OR {known}"
    )


def leave_out_beaten_events(bench: Bench, seen: SeenEvents) -> None:
    """Leave out new events that another copy beats; list in ``__superseded`` the stored ones that a new one beats."""
    checked, left_out = checked_view("events"), left_out_table("events")
    new = (
        f"SELECT event_id, received_at, {row_hash(EVENTS)} AS record_hash, batch_id, record_no, dt, row "
        f"FROM {checked} WHERE row NOT IN (SELECT row FROM {left_out})"
    )
    bench.run(f"CREATE OR REPLACE TABLE __stored AS {seen.colliding_query()}")
    bench.run(
        "CREATE OR REPLACE TABLE __again AS SELECT event_id FROM __stored "
        f"UNION SELECT event_id FROM {checked} WHERE hash(event_id) IN "
        f"(SELECT hash(event_id) FROM {checked} GROUP BY ALL HAVING count(*) > 1)"
    )
    # Only rows of repeated ids are ranked: for all others the hash, which is dear, is not even computed.
    bench.run(
        "CREATE OR REPLACE TABLE __contest AS "
        "SELECT *, row_number() OVER place AS place, first_value(row) OVER place AS winner_row, "
        "first_value(batch_id) OVER place AS winner_batch "
        f"FROM (SELECT * FROM ({new}) WHERE event_id IN (SELECT event_id FROM __again) "
        "UNION ALL BY NAME SELECT *, NULL AS row FROM __stored) "
        "WINDOW place AS (PARTITION BY event_id ORDER BY received_at ASC NULLS LAST, record_hash, row NULLS FIRST)"
    )
    bench.run(f"INSERT INTO {left_out} SELECT row, true FROM __contest WHERE row IS NOT NULL AND place > 1")
    bench.run(
        f"CREATE OR REPLACE TABLE {SUPERSEDED} AS "
        "SELECT event_id, batch_id, record_no, dt, winner_batch AS superseded_by FROM __contest "
        "WHERE row IS NULL AND winner_row IS NOT NULL"
    )


def keep_the_rest(bench: Bench, target: Target) -> None:
    """Make the view of the rows that are stored: all that were not left out."""
    checked, left_out = checked_view(target.name), left_out_table(target.name)
    # The common case, in which nothing is left out, is spared the look at every row.
    where = f" WHERE row NOT IN (SELECT row FROM {left_out})" if bench.rows(f"FROM {left_out} LIMIT 1") else ""
    bench.run(f"CREATE OR REPLACE VIEW {kept_view(target.name)} AS SELECT * FROM {checked}{where}")
