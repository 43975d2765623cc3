"""The process that runs the SQL page's queries stops harmful queries.

Normally the gate, which checks a query's text first, refuses such queries; these tests bypass it.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dashboards.copy.build import CopyFile, publish
from dashboards.workbench.confined import Limits, run_confined
from dashboards.workbench.log import last_queries
from dashboards.workbench.messages import QueryError, RefusedError
from dashboards.workbench.queries import Workbench
from pipelines.home.folder import Home
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.processes import confined_workers
from tests.support import attribute

SECRET = "what nobody may read"
PATIENT = Limits(seconds=120)
"""A long time limit, for queries that must end by themselves even on a busy machine."""


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    made = new_home(tmp_path_factory.mktemp("workbench") / "home")
    land_days(made, DAYS[:2])
    attribute(made)
    return made


@pytest.fixture(scope="module")
def copy_file(home) -> CopyFile:
    return publish(home)


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Path:
    """A DuckDB file that is not the copy of the lake, so queries must not reach it."""
    path = tmp_path_factory.mktemp("other") / "other.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE t AS SELECT 1")
    return path


def left_as_it_was(copy_file: CopyFile) -> tuple[str, list[str]]:
    folder = copy_file.path.parent
    return hashlib.sha256(copy_file.path.read_bytes()).hexdigest(), sorted(path.name for path in folder.iterdir())


def asked(copy_file: CopyFile, sql: str, limits: Limits | None = None) -> str:
    """The rows of *sql* as JSON, or the error message; it runs without the gate, by default for up to 120 seconds."""
    try:
        return json.dumps(run_confined(copy_file.path, sql, limits or PATIENT).rows)
    except QueryError as error:
        return f"error: {error}"


# Attacks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "attack",
    [
        # Reading files.
        "SELECT * FROM read_csv('{secret}', header = false, all_varchar = true)",
        "SELECT * FROM read_text('{secret}')",
        "SELECT * FROM read_blob('{secret}')",
        "SELECT * FROM read_json('{secret}')",
        "SELECT * FROM read_parquet('{secret}')",
        "SELECT * FROM '{secret}'",
        "SELECT * FROM glob('{folder}/*')",
        "SELECT * FROM sniff_csv('{secret}')",
        "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
        "SELECT * FROM read_text('/dev/stdin')",
        "SELECT * FROM read_text('/proc/self/environ')",
        "SELECT * FROM read_text('/proc/self/cmdline')",
        "SELECT * FROM read_blob('{database}')",
        "SELECT * FROM read_duckdb('{database}', table_name = 'events')",
        "SELECT getenv('SECRET')",
        # Writing files.
        "COPY (SELECT 1) TO '{folder}/stolen.csv'",
        "EXPORT DATABASE '{folder}/stolen'",
        "COPY (SELECT range FROM range(1000000)) TO '.tmp/stolen.csv'",
        "ATTACH '{folder}/stolen.duckdb' AS stolen",
        "ATTACH '.tmp/stolen.duckdb' AS stolen",
        "COPY (SELECT 1) TO '{database}.wal'",
        "WITH a AS (COPY (SELECT 1) TO '{database}.wal') SELECT 1",
        "EXPLAIN ANALYZE COPY (SELECT 1) TO '{database}.wal'",
        "COPY (SELECT 1) TO '{database}' (USE_TMP_FILE false)",
        "COPY (SELECT 1) TO '{database}.wal' (USE_TMP_FILE false)",
        "COPY (SELECT 'x'::BLOB) TO '{database}.wal' (FORMAT blob)",
        # Other databases, extensions, settings.
        "ATTACH '{other}' AS other (READ_ONLY)",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET memory_limit = '100GB'",
        "SET disabled_filesystems = ''",
        "RESET memory_limit",
        "PRAGMA enable_profiling = 'json'",
        "SET profiling_output = '{folder}/stolen.json'",
        "CALL enable_logging(storage = 'file', storage_path = '{folder}/stolen')",
        "SET log_query_path = '{folder}/stolen.log'",
        # Python objects of the process.
        "SELECT * FROM request",
        "SELECT * FROM rows",
        # Changing existing tables.
        "INSERT INTO core.entrances SELECT * FROM core.entrances",
        "UPDATE core.events SET sku = 'x'",
        "DELETE FROM core.events",
        "TRUNCATE core.events",
        "DROP TABLE core.events",
        "WITH gone AS (DELETE FROM core.events RETURNING 1) SELECT * FROM gone",
        "SELECT 1; DELETE FROM core.events",
        "CREATE TABLE core.stolen AS SELECT 1",
    ],
)
def test_an_attack_that_came_past_the_gate_gets_nothing(copy_file, other, tmp_path, monkeypatch, attack):
    monkeypatch.setenv("SECRET", SECRET)
    secret = tmp_path / "secret.csv"
    secret.write_text(SECRET, encoding="utf-8")
    before, here = left_as_it_was(copy_file), sorted(path.name for path in tmp_path.iterdir())
    sql = attack.format(secret=secret, folder=tmp_path, database=copy_file.path, other=other)
    got = asked(copy_file, sql)
    assert got.startswith("error: "), got
    assert SECRET not in got
    assert left_as_it_was(copy_file) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == here


@pytest.mark.parametrize(
    "allowed",
    ["CREATE TEMP TABLE t AS SELECT 1", "CREATE TEMP MACRO f(x) AS x", "PREPARE p AS SELECT 1", "FORCE CHECKPOINT"],
)
def test_what_only_the_worker_itself_would_see_changes_nothing(copy_file, allowed):
    before = left_as_it_was(copy_file)
    asked(copy_file, allowed)
    assert left_as_it_was(copy_file) == before


@pytest.mark.real
@pytest.mark.parametrize(
    "attack",
    [
        "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
        "SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0",
        "SELECT range FROM range(2000000000) ORDER BY hash(range)",
        "SELECT sum(range) OVER (ORDER BY hash(range)) FROM range(2000000000)",
        "SELECT hash(range), count(*) FROM range(2000000000) GROUP BY ALL",
        "EXPLAIN ANALYZE SELECT count(*) FROM range(1000000) a, range(1000000) b WHERE a.range + b.range < 0",
        "SELECT list(range) FROM range(2000000000)",
        "SELECT length(string_agg(range::VARCHAR, ',')) FROM range(2000000000)",
        "SELECT sleep_ms(60000)",
        "SELECT length(lpad('a', 2000000000, 'b'))",
        "SELECT levenshtein(repeat('a', 200000), repeat('b', 200000))",
        "SELECT length(printf('%1999999999d', 1))",
        "SELECT length(format('{{:1999999999}}', 1))",
        "SELECT length(repeat('a', 2000000000))",
        "SELECT 1 WHERE 1 IN ({numbers})",
        "SELECT 1 WHERE {ands}",
        "{unions}",
        "SELECT {deep}",
    ],
)
def test_a_query_that_takes_too_much_ends_in_time(copy_file, attack):
    sql = attack.format(
        numbers=",".join(map(str, range(2, 500_000))),
        ands=" AND ".join(["1 = 1"] * 50_000),
        unions=" UNION ALL ".join(["SELECT 1"] * 5_000),
        deep="(" * 1000 + "1" + ")" * 1000,
    )
    started = time.monotonic()
    got = asked(copy_file, sql, Limits(seconds=3))
    assert time.monotonic() - started < 40  # without the limit of 3 seconds the query would take longer than this
    assert got.startswith("error: ") or len(got) < 100_000


def test_no_process_is_left_behind(copy_file):
    before = confined_workers(copy_file.path.parent)
    assert "stopped after 1 seconds" in asked(copy_file, "SELECT sleep_ms(60000)", Limits(seconds=1))
    assert confined_workers(copy_file.path.parent) <= before


def test_a_query_ends_by_itself_where_nobody_is_left_to_stop_it(copy_file, tmp_path):
    before = confined_workers(copy_file.path.parent)
    code = (
        "import sys; from pathlib import Path; from dashboards.workbench.confined import Limits, run_confined\n"
        "run_confined(Path(sys.argv[1]), 'SELECT sleep_ms(60000)', Limits(seconds=1))"
    )
    server = subprocess.Popen([sys.executable, "-c", code, str(copy_file.path)], stderr=subprocess.DEVNULL)
    until(lambda: confined_workers(copy_file.path.parent) - before)
    server.kill()
    server.wait()
    until(lambda: not confined_workers(copy_file.path.parent) - before)


def until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_error_as_long_as_the_query_likes_is_cut(copy_file, home):
    sql = "SELECT error((SELECT string_agg('0123456789', '') FROM range(1000000)))"
    assert len(asked(copy_file, sql)) < 3_000
    with pytest.raises(RefusedError):
        Workbench(home, PATIENT).ask("SELECT '" + "x" * 1_000_000 + "'", "ann")
    *_, line = home.query_log.read_bytes().splitlines()
    assert len(line) < 30_000


def test_more_columns_than_a_page_shows_are_refused(copy_file):
    stars = ", ".join(["*"] * 200)
    assert "at most 500 are shown" in asked(copy_file, f"SELECT {stars} FROM (SELECT 1 AS a, 2 AS b, 3 AS c)")


# Results -----------------------------------------------------------------------------------------------


def test_an_answer_has_types_and_is_logged(home):
    answer = Workbench(home, PATIENT).ask(
        "SELECT dt, sum(revenue) AS revenue FROM core.order_lines GROUP BY dt ORDER BY dt", "ann"
    )
    assert answer.result.columns == [("dt", "DATE"), ("revenue", "DECIMAL(38,4)")]
    assert answer.result.rows == [[DAYS[0].isoformat(), "10.0000"], [DAYS[1].isoformat(), "10.0000"]]
    assert not answer.result.is_cut
    line = json.loads(home.query_log.read_text(encoding="utf-8").splitlines()[-1])
    assert (line["user"], line["outcome"], line["rows"]) == ("ann", "ok", 2)
    assert dt.datetime.fromisoformat(line["at"])


@pytest.mark.parametrize(
    ("sql", "error", "outcome", "message"),
    [
        ("FROM core.event", RefusedError, "refused", "there is no table 'core.event' here"),
        ("SELECT nothing FROM core.events", QueryError, "failed", 'Referenced column "nothing" not found'),
        ("SELECT error('ü')", QueryError, "failed", "ü"),
    ],
)
def test_what_is_refused_or_fails_is_logged_with_its_reason(home, sql, error, outcome, message):
    with pytest.raises(error, match=message):
        Workbench(home, PATIENT).ask(sql, "ann")
    line = json.loads(home.query_log.read_text(encoding="utf-8").splitlines()[-1])
    assert (line["outcome"], line["rows"], line["sql"]) == (outcome, 0, sql)
    assert message in line["said"]


def test_values_are_bound_and_never_part_of_the_query(home):
    attack = "x' OR 1=1 --"
    sql = """SELECT $a AS a, $b + 1 AS b, DATE '2026-01-02' > $c AS c,
        (SELECT count(*) FROM core.events WHERE event_type = $a) AS n"""
    values = {"a": ("text", attack), "b": ("number", "1.5"), "c": ("date", "2026-01-01")}
    answer = Workbench(home, PATIENT).ask(sql, "ann", values=values)
    assert answer.result.rows == [[attack, "2.5", True, 0]]
    assert last_queries(home, 1)[0]["values"] == {"a": attack, "b": "1.5", "c": "2026-01-01"}


def test_a_query_without_its_values_fails(home):
    with pytest.raises(QueryError, match="parameter"):
        Workbench(home, PATIENT).ask("SELECT $a", "ann")


def test_rows_and_bytes_beyond_the_caps_are_cut_and_said_to_be(copy_file):
    rows = run_confined(copy_file.path, "FROM range(20)", Limits(seconds=120, rows=7))
    assert (len(rows.rows), rows.is_cut) == (7, True)
    exact = run_confined(copy_file.path, "FROM range(7)", Limits(seconds=120, rows=7))
    assert (len(exact.rows), exact.is_cut) == (7, False)
    wide = run_confined(copy_file.path, "SELECT repeat('x', 1000) FROM range(100)", Limits(seconds=120, bytes=10_000))
    assert (len(wide.rows), wide.is_cut) == (9, True)


def test_no_more_queries_run_at_once_than_may(home):
    bench = Workbench(home, PATIENT, at_once=1, wait_seconds=0.5)
    before, stop = confined_workers(home.root), threading.Event()
    endless = "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r"
    told: list[str] = []

    def ask() -> None:
        with pytest.raises(QueryError) as caught:
            bench.ask(endless, "ann", stop.is_set)
        told.append(str(caught.value))

    first = threading.Thread(target=ask)
    first.start()
    until(lambda: confined_workers(home.root) - before)
    ask()
    stop.set()
    first.join()
    assert told == ["too many queries are running; try again in a moment", "stopped on request"]
