"""The command line as users see it: commands, their output, errors in one line, exit codes."""

from __future__ import annotations

import json
import subprocess
import sys

import duckdb
import pytest

from pipelines.commands.console import shortened
from pipelines.home.folder import REPOSITORY, init_home
from tests.commands import headwater
from tests.support import land

DAY = "2026-03-02"
EVENTS = [
    {
        "event_id": "1",
        "event_type": "click",
        "page_id": 1,
        "page_type": "home",
        "module": "banner",
        "slot": 1,
        "content_id": "spring",
        "device_time": f"{DAY}T12:00:00+08:00",
    },
    {
        "event_id": "2",
        "event_type": "exposure",
        "page_id": 2,
        "page_type": "list",
        "module": "grid",
        "slot": 1,
        "sku": "A",
        "device_time": f"{DAY}T12:00:05+08:00",
    },
    {
        "event_id": "3",
        "event_type": "add_to_cart",
        "page_id": 3,
        "page_type": "detail",
        "module": "buy",
        "sku": "A",
        "device_time": f"{DAY}T12:00:09+08:00",
    },
]
ORDER = {
    "order_id": "o1",
    "user_id": "u1",
    "status": "paid",
    "ordered_at": f"{DAY} 12:30:00",
    "paid_at": f"{DAY} 12:31:00",
}
LINE = {"order_id": "o1", "line_no": 1, "sku": "A", "quantity": 2, "unit_price": "19.90", "discount": "4.80"}


def make_shop(folder):
    home, _ = init_home(folder)
    land(home, "events", [{"device_id": "d1", "user_id": "u1", **event} for event in EVENTS], "log")
    land(home, "orders", [ORDER], "orders", format="csv")
    land(home, "order_lines", [LINE], "lines", format="csv")
    return home


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """The home of a shop with one sale, after a run through Dagster; and that run's outcome."""
    home = make_shop(tmp_path_factory.mktemp("cli") / "shop")
    outcome = headwater("run", home=home)
    assert outcome.returncode == 0, outcome.stderr
    return home, outcome


def test_run_sums_up_what_it_did(shop):
    _, outcome = shop
    assert "records   5 read = 5 accepted + 0 duplicates + 0 quarantined" in outcome.stdout
    assert f"start_date set to {DAY}" in outcome.stdout
    assert "0 failed, 0 warnings" in outcome.stdout


def test_a_second_run_does_nothing_and_says_so(shop):
    home, _ = shop
    outcome = headwater("run", home=home)
    assert outcome.returncode == 0
    assert outcome.stdout.startswith("nothing to do: no new files, every table is up to date")
    machine = json.loads(headwater("run", "--json", home=home).stdout)
    assert machine["published"] == {}
    assert machine["batches"] == 0


@pytest.mark.real
def test_force_and_select_compute_what_they_name(tmp_path):
    home = make_shop(tmp_path / "shop")
    headwater("run", home=home)
    outcome = headwater("run", "--json", "--force", "--from", DAY, "--select", "attribution.entrance_daily", home=home)
    assert json.loads(outcome.stdout)["published"] == {"attribution.entrance_daily": [DAY]}


def test_sql_shows_a_table_and_writes_files(shop, tmp_path):
    home, _ = shop
    query = "SELECT entrance_id, revenue FROM attribution.entrance_daily WHERE revenue > 0"
    assert "home_banner" in headwater("sql", query, home=home).stdout
    assert headwater("sql", query, "--format", "csv", home=home).stdout == "entrance_id,revenue\nhome_banner,35.0000\n"
    assert json.loads(headwater("sql", "-", "--format", "json", home=home, stdin=query).stdout)[0]["revenue"] == 35
    out = tmp_path / "it's.parquet"
    assert headwater("sql", query, "--format", "parquet", "--out", out, home=home).returncode == 0
    assert duckdb.connect().read_parquet(str(out)).fetchall()[0][0] == "home_banner"


def test_sql_takes_values_of_parameters(shop, tmp_path):
    home, _ = shop
    query = (
        "SELECT dt - $days AS dt, $note AS note, $code || '!' AS code, $half * 2 AS one, $sku AS sku "
        "FROM core.order_lines WHERE dt >= $from ORDER BY dt LIMIT $most"
    )
    found = {"days": "1", "from": DAY, "most": "1", "note": "it's = 5", "code": "'7'", "half": "-0.50", "sku": "0042"}
    values = [part for name, value in found.items() for part in ("--param", f"{name}={value}")]
    row = "2026-03-01,it's = 5,7!,-1.00,0042"
    assert headwater("sql", query, *values, "--format", "csv", home=home).stdout == f"dt,note,code,one,sku\n{row}\n"
    assert "it's = 5" in headwater("sql", query, *values, home=home).stdout


def test_sql_appends_to_a_file_and_stops_with_its_reader(shop, tmp_path):
    home, _ = shop
    out = tmp_path / "all.csv"
    out.write_text("kept\n", encoding="utf-8")
    command = f"{sys.executable} -m pipelines.commands.main sql 'FROM range(200000)' --format csv --home {home.root}"
    assert subprocess.run(f"{command} >> {out}", shell=True, cwd=REPOSITORY, check=False).returncode == 0
    assert out.read_text(encoding="utf-8").startswith("kept\nrange\n0\n")
    first = subprocess.run(
        f"{command} | head -1", shell=True, cwd=REPOSITORY, check=False, capture_output=True, text=True
    )
    assert (first.stdout, first.stderr) == ("range\n", "")


def test_sql_says_when_there_is_more(shop):
    home, _ = shop
    assert "first 40 of 100 rows" in headwater("sql", "FROM range(100)", home=home).stdout


def test_a_query_may_begin_with_a_comment(shop):
    home, _ = shop
    for comment in ("-- one", "--one is a number"):
        assert headwater("sql", f"{comment}\nSELECT 1 AS x", "--format", "csv", home=home).stdout == "x\n1\n"
    misspelt = headwater("sql", "SELECT 1", "--frmat", "csv", home=home)
    assert "No such option: --frmat" in misspelt.stderr


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["SELECT * FROM core.event"], "Table with name event does not exist"),
        (["SELECT 1; SELECT 2"], "expected one statement, found 2"),
        (["-- only a comment"], "there is no statement, only comments or blanks"),
        ([""], "there is no statement"),
        (
            ["DROP VIEW core.events"],
            "only statements that read are allowed (SELECT, DESCRIBE, SUMMARIZE, EXPLAIN), not DROP",
        ),
        (["COPY (SELECT 1) TO '/tmp/x.csv'"], "only statements that read are allowed"),
        (["SELEC 1"], "not valid SQL"),
        (["SELECT 1", "--format", "parquet"], "name a file with --out"),
        (["SELECT $days", "--param", "days"], "--param days: expected NAME=VALUE, such as days=7"),
        (["SELECT $days"], "Values were not provided for the following parameters: days"),
        (["SELECT $days", "--param", "days=7", "--param", "months=1"], "identifiers of the excess parameters: months"),
    ],
)
def test_a_query_that_cannot_be_run_is_one_line(shop, arguments, expected):
    home, _ = shop
    outcome = headwater("sql", *arguments, home=home)
    assert outcome.returncode == 1
    assert expected in outcome.stderr
    assert len(outcome.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT * FROM {'a' * 3000}",
        f"SELECT {', '.join(f'column_{n}' for n in range(400))} FROM core.events",
        f"SELECT CAST('{'1' * 5000}x' AS INTEGER)",
        "SELECT error(repeat('long ', 10000))",
    ],
)
def test_no_error_is_longer_than_a_line_that_people_read(shop, query):
    home, _ = shop
    outcome = headwater("sql", query, home=home)
    assert outcome.returncode == 1
    (line,) = outcome.stderr.splitlines()
    assert line.startswith("error: ")
    assert 100 < len(line) <= 500


def test_a_long_error_keeps_its_place_and_its_remedy():
    assert shortened("short\nand plain") == "short and plain"
    line = shortened(f"error: /a/b.sql:3: {'x' * 900}; write it otherwise")
    assert len(line) == 500
    assert line.startswith("error: /a/b.sql:3: xxx")
    assert line.endswith("; write it otherwise")


def test_too_little_memory_is_told_in_the_users_words(tmp_path):
    home = make_shop(tmp_path / "shop")
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(text.replace("memory_limit: 3GB", "memory_limit: 20MB"), encoding="utf-8")
    query = "SELECT string_agg(CAST(a.range AS VARCHAR), ',') FROM range(20000) a, range(2000) b"
    for form in ("table", "csv"):
        outcome = headwater("sql", query, "--format", form, home=home)
        assert outcome.stderr == (
            f"error: memory_limit 20MB is too small, or {home.root}/.tmp is full; raise memory_limit in "
            f"{home.settings_file}, free disk space, or query fewer days or columns\n"
        )


def test_wrong_usage_is_exit_code_2(shop):
    home, _ = shop
    assert headwater("run", "--from", "yesterday", home=home).returncode == 2
    assert headwater("run", "--from", "2026-03-02", "--to", "2026-03-01", home=home).returncode == 2
    assert headwater("nonsense").returncode == 2


def test_an_unknown_selection_and_a_missing_home_are_one_line(shop, tmp_path):
    home, _ = shop
    outcome = headwater("run", "--select", "core.event", home=home)
    assert outcome.returncode == 2
    assert "no such table or schema; did you mean 'core.events'?" in outcome.stderr
    outcome = headwater("run", "--home", tmp_path)
    assert outcome.returncode == 1
    assert "not a Headwater home" in outcome.stderr


def test_the_catalogue_opens_read_only_with_comments(shop):
    home, _ = shop
    assert headwater("catalog", home=home).returncode == 0
    with duckdb.connect(str(home.catalog_file), read_only=True) as connection:
        assert connection.execute("SELECT sum(revenue) FROM attribution.entrance_daily").fetchone()[0] == 35
        assert connection.execute("SELECT count(*) FROM core.refunds").fetchone() == (0,)
        comment = connection.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'entrance_daily' AND column_name = 'visitors'"
        ).fetchone()[0]
        assert comment == "distinct persons with one of these exposures, clicks or add-to-carts"


def test_doctor_finds_a_sound_home_sound(shop):
    home, _ = shop
    findings = json.loads(headwater("doctor", "--json", home=home).stdout)
    assert {finding["topic"] for finding in findings} >= {"versions", "settings", "landing", "lake", "checks"}
    assert [finding for finding in findings if finding["level"] != "ok" and finding["topic"] != "disk"] == []


def test_doctor_tells_of_waiting_files_and_wrong_settings(tmp_path):
    home = make_shop(tmp_path / "shop")
    outcome = headwater("doctor", home=home)
    assert "3 files are not yet ingested" in outcome.stdout
    home.settings_file.write_text("timezone: Mars", encoding="utf-8")
    outcome = headwater("doctor", home=home)
    assert outcome.returncode == 1
    assert "'timezone' is 'Mars'" in outcome.stdout


def test_check_gathers_every_fault(tmp_path):
    home = make_shop(tmp_path / "shop")
    assert "all in order" in headwater("check", home=home).stdout
    (home.config / "entrances.csv").write_text("entrance_id\n", encoding="utf-8")
    mine = home.sql / "mine"
    mine.mkdir()
    (mine / "t.sql").write_text(
        "/* model\ndescription: x\ngrain: [dt]\npartition: dt\ncolumns: {dt: {type: DATE, description: x}}\n*/\n"
        "SELECT dt FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt AND 1 / page_id > 0 GROUP BY dt\n",
        encoding="utf-8",
    )
    home.alerts_file.write_text("alerts: {a: {metric: revenu, below: 1, to: eve}}\n", encoding="utf-8")
    home.targets_file.write_text("metric,month,value\nrevenu,2026-05,9\n", encoding="utf-8")
    outcome = headwater("check", home=home)
    assert outcome.returncode == 1
    assert "targets.csv, target of 2026-05: metric 'revenu' cannot have a target" in outcome.stderr
    assert "alerts.yaml: 'alerts.a.to' names 'eve'" in outcome.stderr
    assert "entrances.csv: column 'name_zh' is missing" in outcome.stderr
    assert "t.sql:7: division-by-zero" in outcome.stderr
    counts = outcome.stdout.split(" sources")[0]
    (mine / "t.sql").write_text("no model", encoding="utf-8")
    broken = headwater("check", home=home)
    assert "t.sql:1:" in broken.stderr
    assert broken.stdout.split(" sources")[0] == counts


def test_docs_are_the_ones_in_the_repository():
    written = (REPOSITORY / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert headwater("docs").stdout == written, "run `make docs`"
    page = headwater("docs", "--format", "html").stdout
    assert "'implied:&lt;order&gt;:&lt;line&gt;'" in page, "text in angle brackets is no tag"
    assert "<table>" in page
    assert "attribution.slot_daily" in page


def test_simulate_writes_into_a_landing_folder(tmp_path):
    outcome = headwater("simulate", "--days", 1, "--devices", 20, "--last-day", DAY, "--out", tmp_path / "landing")
    assert outcome.returncode == 0, outcome.stderr
    assert f"simulated {DAY} to {DAY}" in outcome.stdout
    assert list((tmp_path / "landing" / "native" / "events").glob("*.ndjson"))
