"""Rows of a real PostgreSQL arrive in the lake once, in their newest version, whatever is killed in between."""

from __future__ import annotations

import errno
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from uuid import uuid4

import dagster as dg
import duckdb
import polars as pl
import pytest
import yaml

import pipelines.databases.loading as loading
from pipelines.commands.diagnosis import diagnose
from pipelines.databases.loading import TableLoad, load_database
from pipelines.databases.settings import load_databases
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY, Home
from tests.integration.small_shop import undescribed
from tests.postgres import PASSWORD, Server, programs, running_server
from tests.processes import Headwater, headwater
from tests.support import run_selected, table

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(programs() is None, reason="PostgreSQL is not installed"),
    pytest.mark.skipif(bool(loading.missing_packages()), reason="the packages of the extra database are not installed"),
]

KILLS = int(os.environ.get("HEADWATER_KILLS", "5"))

ORDERS = """
CREATE TABLE orders (
    order_id text PRIMARY KEY, user_id text, status text NOT NULL, ordered_at timestamptz NOT NULL, paid_at timestamp,
    currency char(3), email text, updated_at timestamptz
)"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running_server() as running:
        yield running


class Shop:
    """A database of its own on *server*, and a home that loads its tables."""

    def __init__(self, server: Server, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
        self.server = server
        self.home = home
        self.name = f"shop_{uuid4().hex[:8]}"
        server.execute(f"CREATE DATABASE {self.name}", database="postgres")
        monkeypatch.setenv("SHOP_DATABASE", server.url(self.name))
        self.declare(orders={"to": "native/orders", "cursor": "updated_at"})

    def declare(self, *, overlap_minutes: int = 10, url_variable: str = "SHOP_DATABASE", **tables: object) -> None:
        """Write the home's databases.yaml."""
        database = {"url_variable": url_variable, "overlap_minutes": overlap_minutes, "tables": tables}
        self.home.databases_file.write_text(yaml.safe_dump({"shop": database}), encoding="utf-8")

    def execute(self, *queries: str) -> None:
        self.server.execute(*queries, database=self.name)

    def add(self, *orders: tuple[str, str, str]) -> None:
        """Insert *orders* (order_id, status, updated_at) or replace those of the same order_id."""
        for order_id, status, updated_at in orders:
            self.execute(
                f"INSERT INTO orders VALUES ('{order_id}', 'u1', '{status}', '2026-03-01 10:00+08', "
                f"'2026-03-01 10:00', 'CNY', 'u1@example.org', '{updated_at}') ON CONFLICT (order_id) DO UPDATE "
                "SET status = excluded.status, updated_at = excluded.updated_at"
            )

    def load(self) -> dict[str, TableLoad]:
        database = load_databases(self.home)["shop"]
        return {one.name: one for one in load_database(self.home, "shop", database)}

    def rows(self) -> int:
        """Load the orders; returns how many rows were new or changed."""
        load = self.load()["orders"]
        assert not load.error, load.error
        return load.rows

    def error(self) -> str:
        return self.load()["orders"].error

    def landed(self, relation: str = "orders") -> list[dict[str, str | None]]:
        """The rows of all landed files of *relation*, in the order of the files."""
        files = sorted((self.home.landing / "native" / relation).iterdir(), key=lambda path: path.stat().st_mtime_ns)
        return [row for path in files for row in pl.read_parquet(path).to_dicts()]

    def in_lake(self, name: str = "core.orders") -> list[dict[str, object]]:
        """The rows of table *name*, after a run that had no error."""
        summary = run_selected(self.home, name)
        assert not summary.has_errors, summary.ingested.errors
        return table(self.home, name)


@pytest.fixture
def shop(server: Server, home: Home, monkeypatch: pytest.MonkeyPatch) -> Shop:
    made = Shop(server, home, monkeypatch)
    made.execute(ORDERS)
    return made


def test_changed_rows_arrive_once_in_their_newest_version(shop: Shop) -> None:
    shop.add(("a", "unpaid", "2026-03-01 10:00+08"), ("b", "paid", "2026-03-01 11:00+08"))
    told = headwater(shop.home, "load")
    assert (told.code, told.out) == (0, "shop: orders: 2 rows into native/orders, 1 files\n"), told.errors
    assert {row["order_id"]: row["status"] for row in shop.in_lake()} == {"a": "unpaid", "b": "paid"}

    shop.add(("a", "paid", "2026-03-01 12:00+08"), ("c", "cancelled", "2026-03-01 12:00+08"))
    assert shop.rows() == 2
    rows = shop.in_lake()
    assert Counter(row["order_id"] for row in rows) == Counter("abc")
    assert {row["order_id"]: row["status"] for row in rows} == {"a": "paid", "b": "paid", "c": "cancelled"}
    batches = [batch for batch in table(shop.home, "core.batches") if batch["relation"] == "orders"]
    assert [(b["records"], b["accepted"], b["duplicates"]) for b in sorted(batches, key=lambda b: b["landed_at"])] == [
        (2, 2, 0),
        (2, 2, 0),
    ]


def test_a_load_without_changes_lands_nothing(shop: Shop) -> None:
    assert shop.rows() == 0
    assert not (shop.home.landing / "native" / "orders").exists()
    shop.add(("a", "paid", "2026-03-01 10:00+08"))
    assert [shop.rows() for _ in range(3)] == [1, 0, 0]
    assert len(shop.landed()) == 1


def test_rows_that_come_late_with_an_old_time_are_loaded(shop: Shop) -> None:
    """Such a row has exactly the newest time loaded so far, or is from a transaction that was open during the load."""
    shop.add(("a", "paid", "2026-03-01 10:00:00+08"))
    with shop.server.connect(shop.name) as late:
        late.execute("INSERT INTO orders SELECT 'late', 'u1', 'paid', now(), NULL, 'CNY', '', '2026-03-01 09:55+08'")
        assert shop.rows() == 1
        late.commit()
    shop.add(("same", "paid", "2026-03-01 10:00:00+08"))
    assert shop.rows() == 2
    assert Counter(row["order_id"] for row in shop.landed()) == Counter(["a", "late", "same"])
    # The row changes, but keeps its updated_at.
    shop.add(("same", "cancelled", "2026-03-01 10:00:00+08"))
    assert shop.rows() == 1
    assert {row["order_id"]: row["status"] for row in shop.in_lake()}["same"] == "cancelled"


@pytest.mark.parametrize("future", ["infinity", "2099-01-01 00:00+08"])
def test_a_time_in_the_future_does_not_hide_changes(shop: Shop, future: str) -> None:
    shop.add(("future", "paid", future))
    assert shop.rows() == 1
    shop.execute("INSERT INTO orders SELECT 'a', 'u1', 'paid', now(), NULL, 'CNY', '', now()")
    assert [shop.rows(), shop.rows()] == [1, 0]


def test_values_arrive_exactly(shop: Shop) -> None:
    odd = "quote ' \" back\\slash, tab\t, line\nbreak, \\N, NULL, 中文, 😀, "
    shop.execute(
        "CREATE TABLE lines (order_id text, line_no int, sku text, quantity numeric, unit_price numeric, "
        "discount numeric(20,10), unit_cost float8, updated_at timestamp)",
        "INSERT INTO lines VALUES ('a', 1, 's', 3, 1234567890.1234, 0.1000000000, 0.1, '2026-03-01 10:00:00.123456'), "
        f"('a', 2, $odd${odd}$odd$, 1, 19.990000, NULL, NULL, '2026-03-01 10:00'), "
        "('a', 3, '', 1, 'NaN', NULL, NULL, '2026-03-01 10:00')",
    )
    shop.add(("a", "paid", "2026-03-01 12:00+08"))
    shop.declare(
        orders={"to": "native/orders", "cursor": "updated_at"},
        lines={"to": "native/order_lines", "cursor": "updated_at"},
    )
    assert {name: (load.rows, load.error) for name, load in shop.load().items()} == {
        "orders": (1, ""),
        "lines": (3, ""),
    }
    first, second, third = sorted(shop.landed("order_lines"), key=lambda row: str(row["line_no"]))
    assert (first["unit_price"], first["discount"], first["unit_cost"]) == ("1234567890.1234", "0.1000000000", "0.1")
    assert first["updated_at"] == "2026-03-01 10:00:00.123456"
    assert (second["sku"], second["unit_price"], second["discount"]) == (odd, "19.990000", None)
    assert (third["sku"], third["unit_price"]) == ("", "NaN")
    lines = shop.in_lake("core.order_lines")
    assert sorted((row["line_no"], str(row["revenue"])) for row in lines) == [
        (1, "3703703670.2702"),
        (2, "19.9900"),
    ]
    (order,) = shop.in_lake("core.orders")
    # A time with a zone is that instant; a time without one is in the shop's zone, Asia/Shanghai.
    assert str(order["ordered_at"]) == str(order["paid_at"]) == "2026-03-01 02:00:00"
    reasons = [row["reasons"] for row in table(shop.home, "core.quarantine")]
    assert len(reasons) == 1
    assert "unit_price" in str(reasons[0])


def test_only_declared_columns_are_loaded(shop: Shop) -> None:
    shop.add(("a", "paid", "2026-03-01 10:00+08"))
    shop.rows()
    assert set(shop.landed()[0]) == {
        *("order_id", "user_id", "status", "ordered_at", "paid_at", "currency", "updated_at")
    }
    assert not [path for path in shop.home.root.rglob("*") if path.is_file() and b"example.org" in path.read_bytes()]


def test_columns_come_and_go(shop: Shop) -> None:
    shop.declare(orders={"to": "native/orders", "cursor": "updated_at"}, overlap_minutes=0)
    shop.add(("a", "paid", "2026-03-01 10:00+08"), ("newest", "paid", "2026-03-01 11:00+08"))
    shop.rows()
    shop.execute(
        "DELETE FROM orders WHERE order_id = 'newest'", "ALTER TABLE orders DROP COLUMN currency, ADD COLUMN note text"
    )
    shop.execute("INSERT INTO orders (order_id, status, ordered_at, updated_at) VALUES ('b', 'paid', now(), now())")
    assert shop.rows() == 1
    assert shop.landed()[-1]["currency"] is None
    assert {row["order_id"] for row in shop.in_lake()} == {"a", "b", "newest"}
    shop.execute("ALTER TABLE orders RENAME COLUMN status TO state")
    assert "no column 'status', which native/orders requires; looked for status among order_id" in shop.error()


def test_deleted_rows_stay(shop: Shop) -> None:
    shop.add(("a", "paid", "2026-03-01 10:00+08"), ("b", "paid", "2026-03-01 10:00+08"))
    shop.rows()
    shop.execute("DELETE FROM orders WHERE order_id = 'b'")
    assert shop.rows() == 0
    assert {row["order_id"] for row in shop.in_lake()} == {"a", "b"}


def test_a_table_without_cursor_lands_what_changed(shop: Shop) -> None:
    shop.execute(
        "CREATE TABLE products (sku text, name text, list_price numeric)",
        "INSERT INTO products SELECT 's' || g, 'zzz', 10 FROM generate_series(1, 1000) g",
    )
    shop.declare(products={"to": "native/products"})
    loads = [shop.load()["products"].rows for _ in range(2)]
    # The version that was loaded last must win. If the hash of the record decided, either 'aaa' or 'zzz' would always
    # win, and one of these changes would be lost.
    for name in ("aaa", "zzz", "aaa"):
        shop.execute(f"UPDATE products SET name = '{name}' WHERE sku IN ('s1', 's2')")
        loads.append(shop.load()["products"].rows)
    shop.execute("DELETE FROM products WHERE sku = 's3'")
    loads.append(shop.load()["products"].rows)
    assert loads == [1000, 0, 2, 2, 2, 0]
    names = {row["sku"]: row["name"] for row in shop.in_lake("core.products")}
    assert len(names) == 1000
    assert (names["s1"], names["s2"], names["s3"]) == ("aaa", "aaa", "zzz")


def test_a_query_may_join_and_rename(shop: Shop) -> None:
    shop.add(("a", "paid", "2026-03-01 10:00+08"))
    shop.execute(
        'CREATE TABLE "Order Items" ("Order" text, line int, sku text, price numeric)',
        "INSERT INTO \"Order Items\" VALUES ('a', 1, 's1', 5)",
    )
    query = (
        'SELECT i."Order" AS order_id, line AS line_no, sku, 1 AS quantity, price AS unit_price, updated_at -- 100 %\n'
        'FROM "Order Items" AS i JOIN orders ON order_id = i."Order"; -- {}'
    )
    shop.declare(lines={"to": "native/order_lines", "cursor": "updated_at", "query": query.replace("; -- {}", "")})
    assert [shop.load()["lines"].rows for _ in range(2)] == [1, 0]
    shop.add(("a", "paid", "2026-03-01 11:00+08"))
    assert shop.load()["lines"].rows == 1


def test_a_full_disk_is_told_without_a_file() -> None:
    # The operating system names no file when a write fails.
    wrapped = RuntimeError("of dlt")
    wrapped.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert loading._described(wrapped) == "No space left on device"


def test_faults_are_told_in_one_line(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.add(("a", "paid", "2026-03-01 10:00+08"))
    shop.execute("INSERT INTO orders VALUES ('b', 'u1', 'paid', now(), NULL, 'CNY', '', NULL)")
    assert shop.error().startswith("1 rows have no value in the cursor column")
    shop.execute("DELETE FROM orders WHERE order_id = 'b'")
    for cursor, told in (
        ("status", "cursor 'status' is not a timestamp"),
        ("changed", "cursor 'changed' does not exist"),
    ):
        shop.declare(orders={"to": "native/orders", "cursor": cursor})
        assert shop.error() == f"{told}; the timestamp columns are: ordered_at, paid_at, updated_at"
    # One table's fault does not stop the others.
    shop.declare(
        missing={"to": "native/orders", "cursor": "updated_at"}, orders={"to": "native/orders", "cursor": "updated_at"}
    )
    loads = shop.load()
    assert 'relation "missing" does not exist' in loads["missing"].error
    assert (loads["orders"].rows, loads["orders"].error) == (1, "")
    good = shop.server.url(shop.name)
    for url, told in {
        good.replace("p%40ss", "wr0ng"): 'password authentication failed for user "shop"',
        good.replace(shop.name, "nowhere"): 'database "nowhere" does not exist',
        good.replace(str(shop.server.folder), "/nowhere"): "No such file or directory",
        good.replace("p%40ss%2Fw0rd", PASSWORD): "the address of the database is not understood",
        f"host:{PASSWORD}": "the address of the database is not understood",
    }.items():
        monkeypatch.setenv("SHOP_DATABASE", url)
        outcome = headwater(shop.home, "load")
        assert (outcome.code, len(outcome.errors)) == (1, 2), outcome.errors
        assert told in outcome.errors[0]
        assert not any(part in outcome.errors[0] for part in ("wr0ng", "p@ss", "w0rd"))


def test_the_password_is_written_nowhere(shop: Shop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shop.add(("a", "paid", "2026-03-01 10:00+08"))
    result = undescribed(shop.home).resolve_job_def("load_shop").execute_in_process()
    assert result.success
    monkeypatch.setenv("SHOP_DATABASE", shop.server.url(shop.name).replace("w0rd", "w0rdX"))
    assert "password authentication failed" in shop.error()
    shop.in_lake()
    files = [path for path in [*shop.home.root.rglob("*"), *tmp_path.rglob("*")] if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if b"w0rd" in path.read_bytes()]


def test_loading_reaches_no_network(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection to the network")

    shop.add(("a", "paid", "2026-03-01 10:00+08"))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    assert shop.rows() == 1
    import dlt

    assert dlt.config["runtime.dlthub_telemetry"] is False
    assert not (Path.home() / ".dlt").exists()


def test_dagster_loads_before_it_ingests(shop: Shop) -> None:
    shop.add(("a", "paid", "2026-03-01 10:00+08"))
    definitions = undescribed(shop.home)
    key = dg.AssetKey(["landing", "shop", "orders"])
    graph = definitions.resolve_asset_graph()
    assert key in graph.get(dg.AssetKey(["raw", "batches"])).parent_keys
    with dg.DagsterInstance.ephemeral() as instance:
        assert definitions.resolve_job_def("load_shop").execute_in_process(instance=instance).success
        event = instance.get_latest_materialization_event(key)
        assert event is not None
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["rows"].value == 1
        assert [row["order_id"] for row in shop.in_lake()] == ["a"]
        shop.execute("DROP TABLE orders")
        failed = definitions.resolve_job_def("load_shop").execute_in_process(instance=instance, raise_on_error=False)
        assert not failed.success


def test_without_packages_there_is_no_asset(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "NEEDED", ("dlt", "no_such_package"))
    names = {schedule.name for schedule in undescribed(shop.home).schedules or ()}
    assert names == {"daily", "report", "retention"}
    with pytest.raises(HeadwaterError, match=r"needs no_such_package; pip install 'headwater\[database\]'"):
        shop.load()
    assert [finding.level for finding in diagnose(shop.home) if "no_such_package" in finding.message] == ["error"]


def test_without_databases_nothing_is_imported(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from assets.definitions import build_definitions; "
        f"build_definitions(Path({str(home.root)!r})); "
        "print(sorted({'dlt', 'psycopg', 'pyarrow'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def many(shop: Shop, rows: int) -> None:
    """Insert *rows* orders, each with a time of its own."""
    shop.execute(
        "INSERT INTO orders SELECT g::text, 'u' || g, 'paid', '2026-03-01'::timestamptz, NULL, 'CNY', '', "
        f"'2026-03-01'::timestamptz + g * interval '1 s' FROM generate_series(1, {rows}) g"
    )


def assert_whole(home: Home) -> None:
    """Assert that each file that ingestion would read is a complete Parquet file."""
    for path in (home.landing / "native").rglob("*"):
        if path.is_file() and not path.name.startswith("."):
            assert path.suffix == ".parquet"
            duckdb.sql(f"SELECT count(*) FROM '{path}' WHERE order_id IS NULL").fetchall()


def assert_complete(shop: Shop, rows: int) -> None:
    """Load again; then the landing folder has each row at least once, and the lake has it once."""
    outcome = headwater(shop.home, "load")
    assert outcome.code == 0, outcome.errors
    assert len({row["order_id"] for row in shop.landed()}) == rows
    assert not [path for path in shop.home.landing.rglob("*") if path.is_file() and path.name.startswith(".")]
    assert Counter(str(row["order_id"]) for row in shop.in_lake()) == Counter(map(str, range(1, rows + 1)))
    assert shop.rows() == 0


KILLED_AT = {
    "rows are ready, their state is not stored": """
        from dlt.pipeline.pipeline import Pipeline
        save = Pipeline._save_state
        def stopping(self, state):
            os._exit(9) if self.list_extracted_load_packages() else save(self, state)
        Pipeline._save_state = stopping""",
    "the file has no name yet": """
        import pipelines.home.files
        pipelines.home.files.replace_files = lambda pairs: os._exit(9)""",
    "the file has its name, which is not noted": """
        import pipelines.home.files
        replace = pipelines.home.files.replace_files
        pipelines.home.files.replace_files = lambda pairs: (replace(pairs), os._exit(9))""",
    "any moment": "",
}


@pytest.mark.parametrize("moment", [*KILLED_AT, *["any moment"] * (KILLS - 1)])
def test_a_killed_load_is_completed_by_the_next(shop: Shop, moment: str) -> None:
    rows = 30_000
    many(shop, rows)
    code = (
        "import os; from pathlib import Path; from pipelines.home.folder import Home; "
        "import dlt, psycopg, pyarrow; from pipelines.databases import loading, settings\n"
        f"{dedent(KILLED_AT[moment])}\nprint('ready', flush=True); home = Home(Path({str(shop.home.root)!r}))\n"
        "loading.load_database(home, 'shop', settings.load_databases(home)['shop'])"
    )
    load = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
    assert load.stdout is not None
    assert load.stdout.readline() == "ready\n"
    if moment == "any moment":
        time.sleep(random.uniform(0, 4))
        load.kill()
    assert load.wait(600) in ((0, -signal.SIGKILL) if moment == "any moment" else (9,))
    assert_whole(shop.home)
    shop.execute("UPDATE orders SET status = 'cancelled', updated_at = now() WHERE order_id = '7'")
    assert_complete(shop, rows)
    assert {row["status"] for row in table(shop.home, "core.orders") if row["order_id"] == "7"} == {"cancelled"}


def test_a_server_that_stops_in_the_middle_leaves_nothing_half(shop: Shop) -> None:
    rows = 60_000
    many(shop, rows)
    # After half of the rows the server waits, so that it can be stopped. The function is STABLE, so
    # that PostgreSQL calls it only where its value is needed.
    shop.execute(
        "CREATE FUNCTION slow(id text) RETURNS text STABLE LANGUAGE plpgsql AS "
        "$$BEGIN IF id = '30000' THEN PERFORM pg_sleep(600); END IF; RETURN id; END$$"
    )
    query = "SELECT slow(order_id) AS order_id, status, ordered_at, updated_at FROM orders"
    shop.declare(orders={"to": "native/orders", "cursor": "updated_at", "query": query})
    load = Headwater(shop.home, "load")
    with shop.server.connect(shop.name) as connection:
        connection.autocommit = True
        sleeping = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE 'FETCH%'"
        assert load.wait_for(lambda: connection.execute(sleeping).fetchone() == (1,))
        shop.server.stop()
    outcome = load.end()
    assert outcome.code == 1
    assert "terminat" in outcome.errors[0] or "server closed the connection" in outcome.errors[0]
    assert not list((shop.home.landing).rglob("*.parquet"))
    assert headwater(shop.home, "load").code == 1
    shop.server.start()
    shop.declare(orders={"to": "native/orders", "cursor": "updated_at"})
    assert_complete(shop, rows)
