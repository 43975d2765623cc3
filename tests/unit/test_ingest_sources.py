"""Sources: what a source's declaration and mappings may contain, and mappings that read all files together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.ingest import RAW_TABLES, RawLake, load_sources
from pipelines.ingest.files.discover import discover
from pipelines.ingest.sources.raw_tables import RAW_COLUMN_DESCRIPTIONS, RAW_DESCRIPTIONS
from tests.ingest_support import counts, event, land, live_events, new_home, only_batch, raw, take_in

DECLARED = """\
description: A shop of our own.
relations:
  hits:
    glob: "hits/**"
    columns:
      id: {required: true}
      session: [session, session_id]
      hit_at:
      lines:
  sessions:
    glob: "sessions/*.csv"
    format: csv
    columns:
      session: {required: true}
      device: {}
"""

JOINED = """\
SELECT
  hits.id AS event_id,
  sessions.device AS device_id,
  'click' AS event_type,
  row_number() OVER (PARTITION BY device ORDER BY hits.hit_at) AS page_id,
  'home' AS page_type,
  hits.hit_at AS device_time,
  hits.batch_id,
  hits.record_no
FROM hits
JOIN sessions USING (session)
"""

BY_RECORD = """\
WITH clicks AS (SELECT *, 'click' AS event_type FROM hits WHERE session <> 'robot') -- not robots
SELECT id AS event_id, session AS device_id, event_type, 1 AS page_id, 'home' AS page_type,
  CAST(hit_at AS TIMESTAMPTZ) AS device_time, batch_id, record_no
FROM clicks;
"""

LINES = """\
SELECT id AS order_id, line.n AS line_no, line.sku, line.q AS quantity, line.p AS unit_price, batch_id, record_no
FROM hits, UNNEST(from_json(lines, '[{"n": "BIGINT", "sku": "VARCHAR", "q": "VARCHAR", "p": "DOUBLE"}]')) AS u(line)
"""

SESSIONS = DECLARED[: DECLARED.index("  sessions:")]


def home_with(folder: Path, steps: dict[str, str] | None = None, **files: str) -> Home:
    named = {name.replace("_yaml", ".yaml").replace("_sql", ".sql"): text for name, text in files.items()}
    home = new_home(folder, {"own": named})
    for name, text in (steps or {}).items():
        file = home.sources / "own" / "steps" / f"{name}.sql"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return home


def hit(number: int, session: str = "s1", **fields: object) -> dict[str, object]:
    return {"id": f"h{number}", "session": session, "hit_at": f"2026-05-01T10:00:0{number}Z", "lines": None} | fields


def test_shipped_sources_load_and_native_goes_record_by_record(tmp_path: Path) -> None:
    native = {source.name: source for source in load_sources(new_home(tmp_path))}["native"]
    assert set(native.mappings) == {"events", "orders", "order_lines", "refunds", "products", "spend"}
    assert all(mapping.one_to_one for mapping in native.mappings.values())


def test_every_raw_column_has_a_type_and_a_description() -> None:
    assert set(RAW_TABLES) == set(RAW_DESCRIPTIONS) == set(RAW_COLUMN_DESCRIPTIONS)
    for table, columns in RAW_TABLES.items():
        assert list(columns) == list(RAW_COLUMN_DESCRIPTIONS[table])
        assert all(RAW_COLUMN_DESCRIPTIONS[table].values())


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            {"source_yaml": "relations: {hits: {glob: a, colums: {}}}"},
            "unknown key 'relations.hits.colums'; expected one of glob, format, header, quotes, columns",
        ),
        (
            {"source_yaml": "relations: {hits: {glob: a, columns: {id: {nams: [x]}}}}"},
            "unknown key 'relations.hits.columns.id.nams'; expected one of names, required",
        ),
        ({"source_yaml": "relations: {hits: {glob: a, columns: {Id: {}}}}"}, "column 'Id': expected lower case"),
        ({"source_yaml": "relations: {hits: {glob: a, columns: {a: [x], b: [x]}}}"}, "both read 'x'"),
        ({"source_yaml": "relations: {hits: {glob: a, header: [a, b, a], columns: {a: }}}"}, "header has 'a' twice"),
        (
            {"source_yaml": "relations: {hits: {glob: a, header: [b], columns: {a: }}}"},
            "header has none of the column names",
        ),
        ({"source_yaml": "relations: {hits: {glob: a, columns: {a: [sku, SKU]}}}"}, "differ only in case"),
        ({"source_yaml": "relations: {hits: {glob: a, columns: {batch_id: {}}}}"}, "added to every relation"),
        ({"source_yaml": "relations: {}"}, "source.yaml: 'relations'"),
        ({"source_yaml": "- 1"}, "expected keys 'description' and 'relations'"),
        ({"events_sql": "SELECT 1 FROM clicks"}, "events.sql, line 1: unknown relation 'clicks'; expected one of hits"),
        ({"events_sql": "SELECT *\n\nFROM read_csv('x')"}, "a mapping reads only relations"),
        ({"events_sql": "SELECT *\nFROM 'x.parquet'"}, "unknown relation"),
        ({"events_sql": "SELECT a b c FROM hits"}, "events.sql, line 1: not valid SQL"),
        ({"events_sql": "SELECT 1; SELECT 2"}, "expected one SELECT"),
        ({"events_sql": "SELECT id,\n  nonsense\nFROM hits"}, "events.sql, line 2: Binder Error"),
        ({"events_sql": "SELECT 1 AS event_id"}, "reads no relation"),
        ({"events_sql": BY_RECORD.replace(", record_no", "")}, "does not return 'record_no'"),
        (
            {"events_sql": BY_RECORD.replace("session AS device_id,", "")},
            "does not return device_id; events requires event_id",
        ),
        ({"events_sql": BY_RECORD.replace("1 AS page_id", "1 AS page_id, 2 AS pgid")}, "returns pgid, which events"),
        ({"visits_sql": BY_RECORD}, "visits.sql: 'visits' is not a target; expected one of events"),
        ({"source_yaml": DECLARED}, "no mapping reads relation sessions"),
    ],
)
def test_a_wrong_source_is_one_line_with_file_place_and_remedy(
    tmp_path: Path, change: dict[str, str], text: str
) -> None:
    home = home_with(tmp_path, **{"source_yaml": SESSIONS, "events_sql": BY_RECORD} | change)
    with pytest.raises(HeadwaterError) as caught:
        load_sources(home)
    assert text in str(caught.value)
    assert "sql/sources/own" in str(caught.value)


def test_a_mapping_without_joins_or_windows_goes_by_record(tmp_path: Path) -> None:
    home = home_with(tmp_path, source_yaml=SESSIONS, events_sql=BY_RECORD, order_lines_sql=LINES)
    (own,) = [source for source in load_sources(home) if source.name == "own"]
    assert {name: (m.by_record, m.one_to_one) for name, m in own.mappings.items()} == {
        "events": (True, False),
        "order_lines": (True, False),
    }


STEP = """\
SELECT id, session, hit_at, lines, batch_id, record_no
FROM hits
WHERE session <> 'robot'  -- not robots
"""


def test_mappings_share_a_step(tmp_path: Path) -> None:
    shared = {
        "source_yaml": SESSIONS,
        "events_sql": BY_RECORD.replace("FROM hits WHERE session <> 'robot'", "FROM people"),
        "order_lines_sql": LINES.replace("FROM hits", "FROM people"),
    }
    home = home_with(tmp_path, {"people": STEP}, **shared)
    (own,) = [source for source in load_sources(home) if source.name == "own"]
    assert {name: (m.relations, m.by_record, m.one_to_one) for name, m in own.mappings.items()} == {
        "events": (("hits",), True, False),
        "order_lines": (("hits",), True, False),
    }
    lines = json.dumps([{"n": 1, "sku": "a", "q": 1, "p": 2.5}])
    land(home, "own/hits/a.ndjson", [hit(1, lines=lines), hit(2, session="robot", lines=lines)])
    take_in(home)
    assert [row["event_id"] for row in live_events(home)] == ["h1"]
    assert [row["order_id"] for row in raw(home, "raw.order_lines")] == ["h1"]


def test_a_changed_step_maps_the_files_again(tmp_path: Path) -> None:
    events = BY_RECORD.replace("FROM hits WHERE session <> 'robot'", "FROM people")
    home = home_with(tmp_path, {"people": STEP}, source_yaml=SESSIONS, events_sql=events)
    land(home, "own/hits/a.ndjson", [hit(1), hit(2, session="robot")])
    take_in(home)
    (home.sources / "own" / "steps" / "people.sql").write_text(STEP.replace("'robot'", "'s1'"), encoding="utf-8")
    take_in(home)
    assert [row["event_id"] for row in live_events(home)] == ["h2"]


@pytest.mark.parametrize(
    "step",
    [
        STEP.replace("SELECT id", "SELECT DISTINCT id"),
        STEP.replace("FROM hits", "FROM hits AS one SEMI JOIN hits AS two USING (id)"),
    ],
)
def test_a_step_across_records_is_mapped_whole(tmp_path: Path, step: str) -> None:
    events = BY_RECORD.replace("FROM hits WHERE session <> 'robot'", "FROM people")
    home = home_with(tmp_path, {"people": step}, source_yaml=SESSIONS, events_sql=events)
    (own,) = [source for source in load_sources(home) if source.name == "own"]
    assert not own.mappings["events"].by_record


@pytest.mark.parametrize(
    ("name", "step", "text"),
    [
        ("people", "SELECT id,\n  nonsense\nFROM hits", "steps/people.sql, line 2: Binder Error"),
        ("people", "SELECT a b c FROM hits", "steps/people.sql, line 1: not valid SQL"),
        ("people", "SELECT id FROM visits", "unknown relation 'visits'; expected one of hits"),
        ("people", "SELECT 1 AS id", "reads no relation"),
        ("hits", STEP, "'hits' may not be the name of a step"),
        ("My people", STEP, "'My people' may not be the name of a step"),
    ],
)
def test_a_wrong_step_is_one_line_with_file_and_place(tmp_path: Path, name: str, step: str, text: str) -> None:
    home = home_with(tmp_path, {name: step}, source_yaml=SESSIONS, events_sql=BY_RECORD)
    with pytest.raises(HeadwaterError) as caught:
        load_sources(home)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "changed",
    [
        "SELECT DISTINCT id",
        "SELECT max(id)",
        "SELECT weighted_avg(id)",
        "SELECT first(id)",
        "SELECT row_number() OVER ()",
    ],
)
def test_what_looks_across_records_is_mapped_whole(tmp_path: Path, changed: str) -> None:
    grouped = BY_RECORD.replace("SELECT id", changed.replace("weighted_avg(id)", "approx_count_distinct(id)"))
    grouped = grouped.replace("FROM clicks;", "FROM clicks GROUP BY ALL" if "(id)" in changed else "FROM clicks")
    home = home_with(tmp_path, source_yaml=SESSIONS, events_sql=grouped)
    (own,) = [source for source in load_sources(home) if source.name == "own"]
    assert not own.mappings["events"].by_record


def test_one_record_may_give_no_row_or_many(tmp_path: Path) -> None:
    home = home_with(tmp_path, source_yaml=SESSIONS, events_sql=BY_RECORD, order_lines_sql=LINES)
    lines = [{"n": 1, "sku": "a", "q": 1, "p": 2.5}, {"n": 2, "sku": "b", "q": "x", "p": 1}]
    records = [
        hit(1, lines=json.dumps(lines[:1] * 1)),
        hit(2, lines=json.dumps(lines)),
        hit(3, session="robot"),
        hit(3),
        hit(3),
    ]
    land(home, "own/hits/a.ndjson", records)
    take_in(home)
    batch = only_batch(home)
    assert (*counts(batch), batch.unmapped) == (5, 3, 1, 1, 1)
    assert [row["event_id"] for row in raw(home, "raw.events")] == ["h1", "h2", "h3"]
    # A bad order line also quarantines the other order lines of the same record, but not the event of the record.
    assert [(row["order_id"], row["line_no"]) for row in raw(home, "raw.order_lines")] == [("h1", 1)]
    assert [(row["record_no"], row["reasons"]) for row in raw(home, "raw.quarantine")] == [(2, "bad quantity")]


def test_globs_and_formats_decide_who_takes_a_file(tmp_path: Path) -> None:
    home = home_with(tmp_path, source_yaml=DECLARED, events_sql=JOINED)
    for file in ("hits/a.jsonl", "hits/x/y/b.json.gz", "sessions/s.csv", "sessions/x/deep.csv", "hits.ndjson"):
        land(home, f"own/{file}", b"")
    landing = discover(home, load_sources(home), [])
    assert [(file.relation, file.file, file.format, file.compression) for file in landing.pending] == [
        ("hits", "own/hits/a.jsonl", "ndjson", ""),
        ("hits", "own/hits/x/y/b.json.gz", "ndjson", "gzip"),
        ("sessions", "own/sessions/s.csv", "csv", ""),
    ]
    (warning,) = landing.warnings
    assert warning.startswith("landing/own: 2 files belong to no relation of the source, e.g. own/hits.ndjson")


# Mappings that read all files together ---------------------------------------------------------------------


@pytest.fixture
def joined(tmp_path: Path) -> Home:
    return home_with(tmp_path, source_yaml=DECLARED, events_sql=JOINED)


def pages(home: Home) -> dict[str, int]:
    return {row["event_id"]: row["page_id"] for row in live_events(home)}


def test_a_join_waits_for_its_other_side_and_is_mapped_anew(joined: Home) -> None:
    hits = land(joined, "own/hits/1.ndjson", [hit(1), hit(3)])
    take_in(joined)
    assert pages(joined) == {}
    sessions = land(joined, "own/sessions/1.csv", b"session,device\ns1,d1\n")
    take_in(joined)
    assert pages(joined) == {"h1": 1, "h3": 2}
    hits.unlink()
    sessions.unlink()
    land(joined, "own/hits/2.ndjson", [hit(2)])
    take_in(joined)
    assert pages(joined) == {"h1": 1, "h2": 2, "h3": 3}
    assert [batch.kind for batch in RawLake.load(joined).batches] == ["file", "file", "file", "mapping"]
    assert take_in(joined).batches == []


def test_days_whose_rows_do_not_change_keep_file_and_version(joined: Home) -> None:
    land(joined, "own/sessions/1.csv", b"session,device\ns1,d1\ns2,d2\n")
    land(joined, "own/hits/1.ndjson", [hit(1), hit(2, session="s2", hit_at="2026-05-02T10:00:00Z")])
    take_in(joined)
    before = RawLake.load(joined)
    land(joined, "own/hits/2.ndjson", [hit(3)])
    report = take_in(joined)
    after = RawLake.load(joined)
    days = {day.day for day in report.touched["raw.events"] if day}
    assert days == {1}
    changed = {
        day for day, version in before.versions("raw.events").items() if after.versions("raw.events")[day] != version
    }
    assert {day.day for day in changed if day} == {1}


def test_refused_rows_are_traced_to_their_record_and_its_file(joined: Home) -> None:
    land(joined, "own/sessions/1.csv", b"session,device\ns1,d1\n")
    land(joined, "own/hits/1.ndjson", [hit(1), hit(2, hit_at="noon"), hit(3), hit(3)])
    land(joined, "own/hits/2.ndjson", b"oops\n")
    take_in(joined)
    batches = {batch.file: counts(batch) for batch in RawLake.load(joined).batches}
    assert batches == {
        "own/hits/1.ndjson": (4, 2, 1, 1),
        "own/hits/2.ndjson": (1, 0, 0, 1),
        "own/sessions/1.csv": (1, 1, 0, 0),
        "": (0, 0, 0, 0),
    }
    rows = {row["file"]: row for row in raw(joined, "raw.quarantine")}
    assert (rows["own/hits/1.ndjson"]["record_no"], rows["own/hits/1.ndjson"]["reasons"]) == (2, "bad device_time")
    assert json.loads(rows["own/hits/1.ndjson"]["raw"])["hit_at"] == "noon"
    assert rows["own/hits/2.ndjson"]["reasons"] == "invalid json"


NUMBERED = """\
SELECT id AS event_id, session AS device_id, 'click' AS event_type,
  row_number() OVER (PARTITION BY session ORDER BY hit_at) AS page_id, 'home' AS page_type,
  hit_at AS device_time, batch_id, record_no
FROM hits WHERE session <> 'robot'
"""


def test_records_that_a_whole_mapping_leaves_out_are_counted(tmp_path: Path) -> None:
    home = home_with(tmp_path, source_yaml=SESSIONS, events_sql=NUMBERED)
    robots = [hit(4, session="robot"), hit(5, session="robot")]
    land(home, "own/hits/1.ndjson", [hit(1), hit(1), hit(2, hit_at="noon"), *robots])
    take_in(home)
    assert {(*counts(b), b.unmapped) for b in RawLake.load(home).batches if b.file} == {(5, 3, 1, 1, 2)}
    land(home, "own/hits/2.ndjson", b'{"id": "h3", "session": "robot"}\noops\n\n')
    take_in(home)
    assert {b.file: (*counts(b), b.unmapped) for b in RawLake.load(home).batches} == {
        "own/hits/1.ndjson": (5, 3, 1, 1, 2),
        "own/hits/2.ndjson": (2, 1, 0, 1, 1),
        "": (0, 0, 0, 0, 0),
    }
    # After the mapping was edited, the records are ingested and counted again.
    (home.sql / "sources/own/events.sql").write_text(NUMBERED.replace("'robot'", "'s1'"), encoding="utf-8")
    take_in(home)
    assert [b.unmapped for b in RawLake.load(home).batches if b.file] == [3, 0]


@pytest.mark.parametrize("order", ["batch_id", "batch_id DESC", "record_no % 2, batch_id, record_no DESC"])
def test_a_file_that_repeats_another_is_all_duplicates(tmp_path: Path, order: str) -> None:
    lines = f"""\
SELECT id AS order_id, dense_rank() OVER (PARTITION BY id ORDER BY hit_at) AS line_no, session AS sku,
  1 AS quantity, 1 AS unit_price, batch_id, record_no
FROM hits ORDER BY {order}
"""
    orders = """\
SELECT id AS order_id, 'paid' AS status, min(hit_at) AS ordered_at, min(batch_id) AS batch_id,
  min_by(record_no, (batch_id, record_no)) AS record_no
FROM hits GROUP BY id
"""
    home = home_with(tmp_path, source_yaml=SESSIONS, order_lines_sql=lines, orders_sql=orders)
    records = [hit(number) for number in range(1, 9)]
    land(home, "own/hits/1.ndjson", records)
    land(home, "own/hits/2.ndjson", records)
    take_in(home)
    batches = sorted((b for b in RawLake.load(home).batches if b.file), key=lambda batch: batch.batch_id)
    assert [counts(batch) for batch in batches] == [(8, 8, 0, 0), (8, 0, 8, 0)]


def test_a_relation_that_lends_columns_has_no_unmapped_records(joined: Home) -> None:
    land(joined, "own/sessions/1.csv", b"session,device\ns1,d1\n")
    land(joined, "own/hits/1.ndjson", [hit(1), hit(2, session="unknown")])
    take_in(joined)
    assert [batch.unmapped for batch in RawLake.load(joined).batches] == [0, 0, 0]


def test_an_edited_mapping_needs_no_landing_files(joined: Home) -> None:
    land(joined, "own/sessions/1.csv", b"session,device\ns1,d1\n")
    hits = land(joined, "own/hits/1.ndjson", [hit(1)])
    take_in(joined)
    hits.unlink()
    mapping = joined.sql / "sources/own/events.sql"
    mapping.write_text(JOINED.replace("'home' AS page_type", "'list' AS page_type"), encoding="utf-8")
    report = take_in(joined)
    assert report.errors == []
    assert [row["page_type"] for row in live_events(joined)] == ["list"]


def test_events_of_two_sources_with_one_id_are_one(joined: Home) -> None:
    land(joined, "own/sessions/1.csv", b"session,device\ns1,d1\n")
    land(joined, "own/hits/1.ndjson", [hit(1)])
    take_in(joined)
    land(joined, "native/events/1.ndjson", [event("h1")])
    take_in(joined)
    assert [row["source"] for row in live_events(joined)] == ["native"]
    land(joined, "own/hits/2.ndjson", [hit(2)])
    take_in(joined)
    assert [(row["event_id"], row["source"]) for row in live_events(joined)] == [("h1", "native"), ("h2", "own")]


def test_a_mapping_that_fails_on_a_record_stops_only_its_source(tmp_path: Path) -> None:
    home = home_with(tmp_path, source_yaml=SESSIONS, events_sql=BY_RECORD)
    land(home, "own/hits/1.ndjson", [hit(1), hit(2, hit_at="noon")])
    land(home, "native/events/1.ndjson", [event("e")])
    report = take_in(home)
    (error,) = report.errors
    assert "source own stopped" in error
    assert "use TRY_CAST" in error
    assert [row["event_id"] for row in live_events(home)] == ["e"]
