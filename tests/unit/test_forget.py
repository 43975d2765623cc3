"""The parts of 'headwater forget': which records and texts belong to a person, and what is kept as a hash."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import polars as pl
import pytest

from pipelines.commands.forget_output import print_forgotten_already
from pipelines.forget.landing import erase_from_files, is_own
from pipelines.forget.person import Person
from pipelines.forget.search import Ids
from pipelines.forget.short_ids import search_columns
from pipelines.forget.traces import erase_traces
from pipelines.home.folder import Home, init_home
from pipelines.home.settings import load_settings
from pipelines.ingest.forgotten import Forgotten
from pipelines.ingest.session import ingest_session
from pipelines.ingest.sources.source import load_sources

PERSON = Person("mia-000001", ("browser-1",), ("event-9",), ())


def test_sql_and_python_hash_alike() -> None:
    forgotten = Forgotten().adding({"user": ["mia", "O'Neil 张"]})
    for name, is_one in (("mia", True), ("O'Neil 张", True), ("leo", False), (None, False)):
        found = duckdb.execute(f"SELECT {forgotten.is_one('user', '$1')}", [name]).fetchone()
        assert found == (is_one,), name


def test_the_list_survives_its_file_and_shows_no_id(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path)
    assert Forgotten.load(home).is_empty
    forgotten = Forgotten().adding(PERSON.by_kind())
    forgotten.save(home)
    assert Forgotten.load(home) == forgotten
    text = home.forgotten_file.read_text(encoding="utf-8")
    assert not any(one in text for one in (*PERSON.ids, *PERSON.events))
    assert Forgotten.load(home).adding({"user": ["leo"]}).hashes["user"] > forgotten.hashes["user"]


@pytest.mark.parametrize(
    ("text", "is_known"),
    [
        ('{"user_id": "mia-000001"', True),
        ('{"user_id": "mia-000001"}', True),
        ('{"user_id": "mia-0000012"}', False),
        ("5,mia-000001,paid", True),
        ('5,"mia-000001",paid', True),
        ('{"nested": {"who": ["mia-000001"]}}', True),
        ("not a record", False),
    ],
)
def test_a_broken_record_is_known_by_its_words(text: str, is_known: bool) -> None:
    shown, reasons = Forgotten().adding(PERSON.by_kind()).redacted(text, "invalid json")
    assert (shown, reasons) == ((None, "invalid json; forgotten") if is_known else (text, "invalid json"))


def test_an_id_is_found_as_a_whole_word_only() -> None:
    ids = Ids(["mia-000001"])
    assert ids.lines_in(b'x\n"mia-000001"\nuser/mia-000001?\ndevice:mia-000001\n') == 3
    assert ids.lines_in(b"mia-0000012\nxmia-000001\n") == 0
    assert ids.lines_in(b"mia-000001 mia-000001\n\nmia-000001\nmia-000001 mia-000001") == 3
    assert Ids(["17850", "mia"]).short == ("17850", "mia")


def test_a_short_id_is_found_in_the_columns_of_the_shops_files(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path / "home")
    landing = home.landing / "native"
    files = {
        "orders/mine.csv": "order_id,user_id,status,ordered_at\nu-123,u-1,paid,2026-11-20\no2,u-123,PAID,\n",
        "orders/other.csv": "order_id,user_id,status,ordered_at\nu-123,u-1234,paid,2026-11-20\n",
        "events/log.ndjson": '{"event_id": "e1", "device_id": "u-123"}\n{"event_id": "u-123", "device_id": "d"}\n',
        "orders/demo-0a1b2c3d4e5f.ndjson": '{"order_id": "o3", "user_id": "u-123"}\n',
    }
    for name, content in files.items():
        (landing / name).parent.mkdir(parents=True, exist_ok=True)
        (landing / name).write_text(content, encoding="utf-8")
    sources = {source.name: source for source in load_sources(home)}
    with ingest_session(home, load_settings(home)) as session:
        hits = list(search_columns(session, home, sources, ["u-123"]))
    assert {(hit.path, hit.count, hit.why) for hit in hits} == {
        ("landing/native/events/log.ndjson", 1, ""),
        ("landing/native/orders/mine.csv", 1, ""),
    }


def test_no_proof_is_claimed_for_an_id_that_is_too_short(capsys: pytest.CaptureFixture[str]) -> None:
    print_forgotten_already(["mia-000001"])
    assert "every file of the home was read: nothing is left" in capsys.readouterr().out
    print_forgotten_already(["u-123"])
    printed = capsys.readouterr()
    assert "every file" not in printed.out
    assert "u-123: too short" in printed.err


@pytest.mark.parametrize(
    ("name", "is_headwaters"),
    [
        ("native/events/collected-20260519T030000Z-0a1b2c3d4e5f.ndjson", True),
        ("native/events/collected-20260519T030000Z-0a1b2c3d4e5f.ndjson.part", True),
        ("native/orders/demo-0a1b2c3d4e5f.ndjson", True),
        ("shop/orders/erp-orders-20260519T030000.123456Z-0a1b.parquet", True),
        ("native/events/2026-05-19.ndjson", False),
        ("native/orders/demo-orders.ndjson", False),
        ("collected-x/orders.ndjson", False),
    ],
)
def test_headwaters_own_files_are_told_by_their_names(name: str, is_headwaters: bool) -> None:
    assert is_own(name) is is_headwaters


def test_own_files_lose_the_person_and_keep_the_others(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path)
    records = [
        {"event_id": "event-1", "device_id": "browser-1", "user_id": "mia-000001"},
        {"event_id": "event-2", "device_id": "browser-1", "user_id": None},
        {"event_id": "event-3", "device_id": "browser-1", "user_id": "leo-000002"},
        {"event_id": "event-9", "device_id": "browser-2"},
        {"event_id": "event-8", "device_id": "browser-2", "referrer": "https://x/mia-000001"},
    ]
    events = _land(home, "events/collected-1.ndjson", records)
    order = {"order_id": "demo-1", "user_id": "mia-000001", "status": "paid"}
    orders = _land(home, "orders/demo-0a1b2c3d4e5f.ndjson", [order])
    others = _land(home, "orders/2026.ndjson", [order])
    before = (others.read_bytes(), events.stat().st_mtime_ns)
    sources = {source.name: source for source in load_sources(home)}
    assert len(erase_from_files(home, sources, PERSON)) == 2
    assert _records(events) == [{}, {}, records[2], {}, records[4]]
    assert _records(orders) == [order | {"user_id": None}]
    assert (others.read_bytes(), events.stat().st_mtime_ns) == before
    assert erase_from_files(home, sources, PERSON) == []


def test_an_id_is_recognised_however_it_is_written(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path)
    records: list[dict[str, object]] = [
        {"event_id": "1", "device_id": "d", "user_id": 'mia "m" 张'},
        {"event_id": "2", "device_id": "d", "user_id": "leo"},
    ]
    events = _land(home, "events/collected-1.ndjson", records)
    numbers: list[dict[str, object]] = [{"event_id": "1", "user_id": 123456789.0}, {"event_id": "2", "user_id": 12}]
    numbered = _land(home, "events/collected-2.ndjson", numbers)
    with numbered.open("a", encoding="utf-8") as lines:
        lines.write('{"user_id": 123456789\n{"url": "\\/"\n')
    sources = {source.name: source for source in load_sources(home)}
    assert len(erase_from_files(home, sources, Person('mia "m" 张'))) == 1
    assert _records(events) == [{}, records[1]]
    assert len(erase_from_files(home, sources, Person("123456789"))) == 1
    now = numbered.read_text(encoding="utf-8").splitlines()
    assert now == ["{}", json.dumps(numbers[1]), "{}", '{"url": "\\/"']


def test_a_loaded_file_loses_the_person_and_keeps_the_others(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path)
    columns = {"event_id": ["1", "2", "event-9", None], "device_id": ["d"] * 4}
    events = _load(home, "events", columns | {"user_id": ["mia-000001", "leo", None, None]})
    before = {"order_id": ["1", "2", "3"], "user_id": ["mia-000001", None, "leo"], "status": ["paid"] * 3}
    orders = _load(home, "orders", before)
    others = _load(home, "order_lines", {"order_id": ["7"], "sku": ["mia-000001"]})
    sources = {source.name: source for source in load_sources(home)}
    assert erase_from_files(home, sources, PERSON) == [str(path.relative_to(home.landing)) for path in (events, orders)]
    assert pl.read_parquet(events).to_dict(as_series=False) == {
        "event_id": [None, "2", None, None],
        "device_id": [None, "d", None, "d"],
        "user_id": [None, "leo", None, None],
    }
    assert pl.read_parquet(orders).to_dict(as_series=False) == before | {"user_id": [None, None, "leo"]}
    assert pl.read_parquet(others)["sku"].to_list() == ["mia-000001"]
    assert erase_from_files(home, sources, PERSON) == []


def test_words_of_dagsters_records_that_contain_an_id_stay(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path)
    home.dagster.mkdir(exist_ok=True)
    with closing(sqlite3.connect(home.dagster / "runs.db")) as database:
        database.execute("CREATE TABLE logs (body TEXT, size INTEGER)")
        texts = ['{"sample": "events1", "key": "raw/my_events1_all"}', "张 events1", "events12", None, "device:events1"]
        database.executemany("INSERT INTO logs VALUES (?, 1)", [(text,) for text in texts])
        database.commit()
        erase_traces(home, Ids(["events1"]))
        assert [text for (text,) in database.execute("SELECT body FROM logs")] == [
            '{"sample": "forgotten", "key": "raw/my_events1_all"}',
            "张 forgotten",
            "events12",
            None,
            "device:forgotten",
        ]


def _load(home: Home, relation: str, columns: dict[str, list[str | None]]) -> Path:
    path = home.landing / "native" / relation / "shop-t-20260519T030000.123456Z-0a.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).write_parquet(path)
    return path


def _land(home: Home, name: str, records: list[dict[str, object]]) -> Path:
    path = home.landing / "native" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def _records(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_person_is_erased_from_messages_of_alerts(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path)
    outbox = home.alerts / "outbox"
    outbox.mkdir(parents=True)
    message = outbox / "2026-05-17-a.json"
    message.write_text(json.dumps({"body": "tables: user mia-000001 has two rows", "state": "delivered"}), "utf-8")
    erase_traces(home, Ids(PERSON.ids))
    assert json.loads(message.read_text("utf-8")) == {
        "body": "tables: user forgotten has two rows",
        "state": "delivered",
    }
