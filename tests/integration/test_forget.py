"""A person is forgotten: nothing of them is left in the home's files, and everything else stays as it was."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import random
import re
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest

from assets.engine import DagsterEngine
from dashboards.copy.build import publish
from pipelines.forget.person import Person, Task
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import load_settings
from pipelines.ingest import RawLake, changes, ingest, outlook
from pipelines.ingest.files.changed import changed_unseen
from tests.commands import headwater
from tests.processes import Headwater, assert_same_contents, contents, copy_of, made_up_shop
from tests.shared_homes import made_once
from tests.support import KEYS, Row, assert_same_rows, land, make_home, run, run_selected, table

pytestmark = pytest.mark.real

SHARED, OTHER = "shared-browser-1", "another-user-77"
KILLS = int(os.environ.get("HEADWATER_KILLS", "5"))
LATE = dt.datetime(2026, 5, 19, 3, tzinfo=dt.UTC)


def event(number: int, **fields: Any) -> Row:
    """An exposure on the shared browser, *number* seconds after ``LATE``."""
    at = (LATE + dt.timedelta(seconds=number)).isoformat()
    made = {"event_id": f"shared-event-{number}", "device_id": SHARED, "user_id": None, "event_type": "exposure"}
    place = {"page_id": number, "page_type": "home", "module": "banner", "slot": 1, "sku": "SKU00001"}
    return made | place | {"device_time": at, "sent_time": at, "received_time": at} | fields


@dataclass(frozen=True)
class Erased:
    """A home from which *user* is erased, and a copy from *before*; *answer* is the output, *code* the exit code."""

    home: Home
    before: Home
    user: str
    answer: dict[str, Any]
    code: int

    @cached_property
    def devices(self) -> list[str]:
        """The devices that only the user used."""
        events = table(self.before, "core.events")
        return sorted({row["device_id"] for row in events if row["user_id"] == self.user} - {SHARED})

    @property
    def ids(self) -> list[str]:
        return [self.user, *self.devices]

    def is_of_user(self, row: Row) -> bool:
        return row["person_id"] == self.user or row["device_id"] in self.devices


def occasional_user(home: Home) -> str:
    """A user with orders, and with events on only a few days, from a device that nobody else used."""
    ordered = {row["user_id"] for row in table(home, "core.orders")}
    events = [row for row in table(home, "core.events") if row["person_id"] in ordered]
    users: dict[str, set[str]] = {}
    days: dict[str, set[dt.date]] = {}
    for row in events:
        users.setdefault(row["device_id"], set()).add(row["person_id"])
        days.setdefault(row["person_id"], set()).add(row["dt"])
    single = {user for found in users.values() if len(found) == 1 for user in found}
    return min(single, key=lambda user: (len(days[user]), min(days[user]) < LATE.date(), user))


def land_more(home: Home, user: str) -> None:
    """Land a shared browser's log as a file of the collector, once more as a file of the shop, and broken records."""
    log = [event(1), event(2, user_id=user), event(3), event(4, user_id=OTHER), event(5)]
    broken = [{"user_id": user, "event_id": "broken-1"}, {"user_id": OTHER, "event_id": "broken-2"}]
    land(home, "events", [*log, *broken], "collected-20260519T030000Z-1", "ndjson.gz")
    land(home, "events", log, "again")
    (home.landing / "native" / "events" / "torn.ndjson").write_text(f'{{"event_id": "torn", "user_id": "{user}"\n')


def land_traces(home: Home, user: str) -> None:
    """Put the user's id into a report, the log and a result of queries, and Dagster's records."""
    (home.reports / "list.html").write_text(f"<td>{user}</td>", encoding="utf-8")
    (home.reports / "2026-05-20-en.html").write_text(f"<td>{user}</td>", encoding="utf-8")
    home.query_log.write_text(f'{{"sql": "SELECT \'{user}\'"}}\n{{"sql": "SELECT 1"}}\n', encoding="utf-8")
    home.query_results.mkdir()
    (home.query_results / "one.json").write_text(json.dumps([user]), encoding="utf-8")
    DagsterEngine(home).compute(["customers.rfm"], None)


@pytest.fixture(scope="module")
def erased(tmp_path_factory: pytest.TempPathFactory) -> Erased:
    def make(folder: Path) -> None:
        home = made_up_shop(folder / "home", days=2, devices=60)
        run_selected(home, "core")
        user = occasional_user(home)
        land_more(home, user)
        run(home)
        publish(home)
        land_traces(home, user)
        copy_of(home, folder / "before")
        done = headwater("forget", user, "--yes", "--json", home=home)
        text = json.dumps([user, json.loads(done.stdout), done.returncode])
        (folder / "answer.json").write_text(text, encoding="utf-8")

    folder = made_once(tmp_path_factory, "erased", make)
    user, answer, code = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return Erased(Home(folder / "home"), Home(folder / "before"), user, answer, code)


# What is left ------------------------------------------------------------------------------------------------


def texts(path: Path) -> Iterator[str]:
    """The content of *path* as text, whatever its format."""
    if path.suffix == ".parquet":
        frame = pl.read_parquet(path)
        yield from (repr(row) for row in frame.rows())
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as connection:
            for (name,) in connection.execute(
                "SELECT schema_name || '.' || table_name FROM duckdb_tables()"
            ).fetchall():
                yield from (repr(row) for row in connection.execute(f"FROM {name}").fetchall())
    else:
        content = path.read_bytes()
        yield (gzip.decompress(content) if path.suffix == ".gz" else content).decode(errors="replace")
        if content.startswith(b"SQLite format 3"):
            with closing(sqlite3.connect(path)) as connection:
                yield from connection.iterdump()


def files_with(home: Home, ids: list[str]) -> set[str]:
    """The files of *home* in which one of *ids* is found."""
    pattern = re.compile("|".join(map(re.escape, ids)))
    files = [path for path in home.root.rglob("*") if path.is_file()]
    return {str(path.relative_to(home.root)) for path in files if any(map(pattern.search, texts(path)))}


def test_only_files_that_are_not_headwaters_still_have_an_id(erased: Erased) -> None:
    left = files_with(erased.home, erased.ids)
    assert left == {hit["file"] for hit in erased.answer["left"]}
    assert {Path(name).parts[0] for name in left} == {"landing"}
    assert "landing/native/events/again.ndjson" in left
    assert not any("collected-" in name for name in left)
    assert erased.code == 1
    assert sorted(erased.answer["devices"]) == erased.devices


def test_traces_outside_the_lake_are_erased(erased: Erased) -> None:
    home = erased.home
    assert not (home.reports / "list.html").exists()
    assert "<html" in (home.reports / "2026-05-20-en.html").read_text(encoding="utf-8")
    assert erased.answer["removed_reports"] == ["list.html"]
    assert home.query_log.read_text(encoding="utf-8") == '{"sql": "SELECT 1"}\n'
    assert not list(home.query_results.iterdir())
    assert len(list(home.workbench.glob("marts-*.duckdb"))) == 1
    assert not home.forgetting_file.exists()
    assert erased.user not in home.forgotten_file.read_text(encoding="utf-8")


# What stays --------------------------------------------------------------------------------------------------


def test_events_of_others_stay(erased: Erased) -> None:
    others = [row for row in table(erased.before, "core.events") if not erased.is_of_user(row)]
    assert_same_rows(table(erased.home, "core.events"), others, ("event_id",))
    assert {f"shared-event-{n}" for n in (3, 4, 5)} <= {row["event_id"] for row in others}
    assert len(others) < len(table(erased.before, "core.events"))


def test_what_is_computed_of_others_stays(erased: Erased) -> None:
    gone = {row["event_id"] for row in table(erased.before, "core.events") if erased.is_of_user(row)}
    for name, key, is_gone in (
        ("core.visitors", ("dt", "person_id"), lambda row: row["person_id"] in (erased.user, f"device:{SHARED}")),
        ("attribution.attributed_events", ("dt", "event_id"), lambda row: row["event_id"] in gone),
        ("customers.rfm_values", ("dt", "user_id"), lambda row: row["user_id"] == erased.user),
    ):
        others = [row for row in table(erased.before, name) if not is_gone(row)]
        assert_same_rows(table(erased.home, name), others, key, name)


def test_orders_stay_without_their_user(erased: Erased) -> None:
    for name, key in (("core.orders", ("order_id",)), ("core.order_lines", ("order_id", "line_no"))):
        rows = table(erased.before, name)
        assert any(row["user_id"] == erased.user for row in rows)
        kept = [row | {"user_id": None} if row["user_id"] == erased.user else row for row in rows]
        assert_same_rows(table(erased.home, name), kept, key, name)


def test_a_days_sums_drop_by_the_users_events_only(erased: Erased) -> None:
    gone: dict[dt.date, int] = {}
    for row in table(erased.before, "core.events"):
        if erased.is_of_user(row):
            gone[row["dt"]] = gone.get(row["dt"], 0) + 1
    events = {row["dt"]: row["events"] for row in table(erased.before, "core.traffic_daily")}
    assert {row["dt"]: row["events"] for row in table(erased.home, "core.traffic_daily")} == {
        day: count - gone.get(day, 0) for day, count in events.items()
    }
    for column in ("revenue", "net_revenue"):
        before, after = (
            _sums(table(home, "attribution.entrance_daily"), column) for home in (erased.before, erased.home)
        )
        assert after == before


def _sums(rows: list[Row], column: str) -> dict[dt.date, Any]:
    sums: dict[dt.date, Any] = {}
    for row in rows:
        sums[row["dt"]] = sums.get(row["dt"], 0) + (row[column] or 0)
    return sums


# Accounts of records -----------------------------------------------------------------------------------------


def test_every_record_is_still_accounted_for(erased: Erased) -> None:
    now = {row["batch_id"]: row for row in table(erased.home, "core.batches")}
    assert now.keys() == {row["batch_id"] for row in table(erased.before, "core.batches")}
    for old in table(erased.before, "core.batches"):
        new = now[old["batch_id"]]
        assert new["records"] == old["records"] == new["accepted"] + new["duplicates"] + new["quarantined"]
    quarantined: dict[str, int] = {}
    for row in table(erased.home, "core.quarantine"):
        quarantined[row["batch_id"]] = quarantined.get(row["batch_id"], 0) + 1
    assert quarantined == {batch: row["quarantined"] for batch, row in now.items() if row["quarantined"]}


def test_forgotten_records_are_in_quarantine_without_text(erased: Erased) -> None:
    rows = table(erased.home, "core.quarantine")
    forgotten = [row for row in rows if "forgotten" in row["reasons"].split("; ")]
    assert forgotten
    assert all(row["raw"] is None for row in forgotten)
    others = [row for row in table(erased.before, "core.quarantine") if erased.user not in (row["raw"] or "")]
    kept = [row for row in rows if "forgotten" not in row["reasons"].split("; ")]
    assert_same_rows(kept, others, ("batch_id", "record_no"))


def test_the_rewritten_file_is_the_one_that_was_read(erased: Erased) -> None:
    home = erased.home
    (file,) = (home.landing / "native" / "events").glob("collected-*")
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    assert lines[:2] == ["{}", "{}"]
    assert [json.loads(line).get("event_id") for line in lines[2:]] == [
        "shared-event-3",
        "shared-event-4",
        "shared-event-5",
        None,
        "broken-2",
    ]
    assert not outlook(home, load_settings(home)).has_work
    batches = RawLake.load(home).batches
    assert not changed_unseen(home.landing, batches)
    assert not changes(batches)


def test_records_do_not_come_back(erased: Erased, tmp_path: Path) -> None:
    """All files are read again because a setting has changed, and the person's records land once more."""
    home = copy_of(erased.home, tmp_path / "again")
    before = {name: table(home, name) for name in KEYS if name.startswith("core.")}
    settings = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(settings.replace("age_days: 400", "age_days: 399"), encoding="utf-8")
    device = erased.devices[0]
    events = [event(11, user_id=erased.user), event(12, device_id=device), event(13, device_id=device, user_id=OTHER)]
    land(home, "events", events, "later")
    order = {"order_id": "o-later", "user_id": erased.user, "status": "unpaid", "ordered_at": str(LATE)}
    land(home, "orders", [order], "later")
    summary = run_selected(home, "core")
    assert len(summary.ingested.batches) == len(table(erased.before, "core.batches")) + 2
    assert not summary.ingested.warnings
    assert {path.partition("/")[0] for path in files_with(home, [erased.user])} == {"landing"}
    for name in ("core.events", "core.orders"):
        rows = [row for row in table(home, name) if row[KEYS[name][1]] not in ("o-later", "shared-event-13")]
        assert_same_rows(rows, before[name], KEYS[name], name)
    assert [row["event_id"] for row in table(home, "core.events") if row["device_id"] == device] == ["shared-event-13"]
    assert [row["user_id"] for row in table(home, "core.orders") if row["order_id"] == "o-later"] == [None]
    batches = table(home, "core.batches")
    assert all(row["records"] == row["accepted"] + row["duplicates"] + row["quarantined"] for row in batches)


# Other ways --------------------------------------------------------------------------------------------------


def test_an_unknown_user_is_named(erased: Erased) -> None:
    done = headwater("forget", "nobody-with-this-id", "--yes", home=erased.home)
    assert done.returncode == 1
    assert "no file has user nobody-with-this-id" in done.stderr


SOURCE = {
    "source.yaml": "relations:\n"
    "  log: {glob: 'log/**', columns: {uid: {}, browser: {}, moment: {}, page: {}, n: {}}}\n"
    "  sales: {glob: 'sales/**', columns: {customer: {}, number: {}, moment: {}}}\n",
    "events.sql": "SELECT 'e' || n AS event_id, browser AS device_id, uid AS user_id, 'page_view' AS event_type, "
    "row_number() OVER (PARTITION BY browser ORDER BY moment) AS page_id, page AS page_type, moment AS device_time, "
    "batch_id, record_no FROM log",
    "orders.sql": "SELECT number AS order_id, min(customer) AS user_id, 'paid' AS status, min(moment) AS ordered_at, "
    "min(moment) AS paid_at, min(batch_id) AS batch_id, min(record_no) AS record_no FROM sales GROUP BY number",
}


def whole_home(folder: Path) -> Home:
    """A home with a source whose mappings read all files at once: a log and sales of two customers."""
    home = make_home(folder, settings={"start_date": LATE.date(), "threads": 1, "snapshots": {"daily_for_days": 1}})
    for name, text in SOURCE.items():
        path = home.sources / "till" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    log = [
        {
            "uid": user,
            "browser": f"browser-of-{who}",
            "moment": f"2026-05-19T03:00:0{n}Z",
            "page": f"p{who}",
            "n": n,
        }
        for n, (who, user) in enumerate([("mia", "mia-000001"), ("mia", None), ("leo", "leo-000002"), ("leo", None)])
    ]
    sales = [
        {"customer": who, "number": str(n), "moment": f"{LATE:%Y-%m-%dT%H}:30:00Z"}
        for n, who in enumerate(["mia-000001", "leo-000002"])
    ]
    for relation, rows in (("log", log), ("sales", sales)):
        made = land(home, relation, rows, "one")
        target = home.landing / "till" / relation / "one.ndjson"
        target.parent.mkdir(parents=True)
        made.replace(target)
    run(home)
    return home


def test_records_kept_for_mappings_over_all_files_are_erased(tmp_path: Path) -> None:
    home = whole_home(tmp_path / "home")
    before = table(home, "core.events")
    done = headwater("forget", "mia-000001", "--yes", "--json", home=home)
    ids = ["mia-000001", "browser-of-mia"]
    assert {hit["file"] for hit in json.loads(done.stdout)["left"]} == files_with(home, ids)
    assert files_with(home, [*ids, "pmia"]) == {"landing/till/log/one.ndjson", "landing/till/sales/one.ndjson"}
    others = [row for row in before if row["device_id"] == "browser-of-leo"]
    assert_same_rows(table(home, "core.events"), others, ("event_id",))
    assert {row["order_id"]: row["user_id"] for row in table(home, "core.orders")} == {"0": None, "1": "leo-000002"}
    counts = {row["file"]: (row["records"], row["accepted"], row["quarantined"]) for row in table(home, "core.batches")}
    assert counts == {"till/log/one.ndjson": (4, 2, 2), "till/sales/one.ndjson": (2, 2, 0)}

    asked = headwater("forget", "leo-000002", "--dry-run", "--json", home=home)
    assert (asked.returncode, json.loads(asked.stdout)["orders"]) == (0, 1)
    headwater("forget", "leo-000002", "--with-orders", "--yes", home=home)
    assert [(row["order_id"], row["user_id"]) for row in table(home, "core.orders")] == [("0", None)]
    assert not table(home, "core.events")


# Interruptions -----------------------------------------------------------------------------------------------


def test_a_killed_erasure_is_completed_by_the_next(tmp_path: Path) -> None:
    """Kill the command at different times; each time the next call leaves the same home as an undisturbed call."""
    home = made_up_shop(tmp_path / "home", days=2, devices=60)
    run(home)
    user = occasional_user(home)
    land_more(home, user)
    run(home)
    undisturbed = copy_of(home, tmp_path / "undisturbed")
    process = Headwater(undisturbed, "forget", user, "--yes", "--json")
    process.wait_until_at_work()
    begun = time.monotonic()
    answer = json.loads(process.end().out)
    seconds = time.monotonic() - begun
    expected = contents(undisturbed)
    draws = random.Random(1)
    for number in range(KILLS):
        disturbed = copy_of(home, tmp_path / "disturbed")
        process = Headwater(disturbed, "forget", user, "--yes")
        process.wait_until_at_work()
        time.sleep(draws.uniform(0, 1) * seconds * (number + 1) / KILLS)
        process.stop(signal.SIGKILL)
        is_done = not disturbed.forgetting_file.exists() and contents(disturbed) == expected
        again = json.loads(Headwater(disturbed, "forget", user, "--yes", "--json").end().out)
        # If the erasure was complete, the next call no longer knows the devices, so it searches for the user alone.
        assert is_done or (again["left"], again["devices"]) == (answer["left"], answer["devices"]), number
        assert_same_contents(contents(disturbed), expected)
        assert not outlook(disturbed, load_settings(disturbed)).has_work
        assert not disturbed.forgetting_file.exists()


def test_nothing_is_ingested_while_an_erasure_is_interrupted(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", settings={"start_date": LATE.date()})
    Task(Person("mia-000001")).save(home)
    with pytest.raises(HeadwaterError, match="'headwater forget' was interrupted"):
        ingest(home, load_settings(home))
    done = headwater("forget", "leo-000002", "--yes", home=home)
    assert "first run 'headwater forget mia-000001' again" in done.stderr
    assert "'headwater forget' has not finished" in headwater("doctor", home=home).stdout
    # A device that is named when the command is called again is erased, too.
    asked = headwater("forget", "mia-000001", "--device", "tablet-1", "--dry-run", "--json", home=home)
    assert json.loads(asked.stdout)["devices"] == ["tablet-1"]
