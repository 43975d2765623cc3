"""The gate of the SQL page lists the tables that a read-only query reads, and refuses any other query with a reason."""

from __future__ import annotations

import duckdb
import pytest

from dashboards.workbench.functions import FUNCTIONS, TABLE_FUNCTIONS
from dashboards.workbench.gate import LONGEST_QUERY, let_through
from dashboards.workbench.messages import RefusedError

TABLES = ["core.events", "core.order_lines", "attribution.entrance_daily"]


@pytest.mark.parametrize(
    ("sql", "read"),
    [
        ("SELECT 1", set()),
        ("VALUES (1), (2);", set()),
        ("FROM core.events", {"core.events"}),
        ("from CORE.Events", {"core.events"}),
        ("DESCRIBE core.events", {"core.events"}),
        ("SUMMARIZE core.events", {"core.events"}),
        ("-- a comment\nSELECT * FROM core.events /* and another */", {"core.events"}),
        (
            "WITH days AS (SELECT dt, sum(revenue) AS revenue FROM attribution.entrance_daily GROUP BY ALL)\n"
            "SELECT dt, revenue, avg(revenue) OVER (ORDER BY dt ROWS 6 PRECEDING) FROM days ORDER BY dt DESC LIMIT 5",
            {"attribution.entrance_daily"},
        ),
        (
            "SELECT * FROM core.order_lines l LEFT JOIN core.events e ON e.user_id = l.user_id "
            "WHERE l.sku IN (SELECT sku FROM core.events WHERE sku LIKE 'a%') QUALIFY row_number() OVER () = 1",
            {"core.events", "core.order_lines"},
        ),
        ("SELECT dt FROM core.events UNION ALL SELECT dt FROM core.order_lines", {"core.events", "core.order_lines"}),
        ("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 9) FROM r", set()),
        ("PIVOT (FROM core.events) ON event_type IN ('click', 'exposure') USING count(*)", {"core.events"}),
        ("SELECT list_transform([1, 2], lambda x: x + 1), {'a': 1}.a, x::DECIMAL(18, 4) FROM range(3) t(x)", set()),
        (
            "SELECT CASE WHEN page_id > 1 THEN 'a' ELSE 'b' END, date_trunc('week', dt) FROM core.events",
            {"core.events"},
        ),
        (
            "SELECT count(DISTINCT device_id) FILTER (WHERE slot = 1) FROM core.events GROUP BY ROLLUP (dt)",
            {"core.events"},
        ),
        ("SELECT payload -> '$.a', payload ->> '$.b' FROM core.events", {"core.events"}),
        ("SELECT column_names FROM (SELECT 'Ω' AS column_names) 订单", set()),
        ("WITH tables AS (SELECT 1) FROM tables", set()),
        ("WITH 订单 AS (FROM core.order_lines) FROM 订单", {"core.order_lines"}),
    ],
)
def test_a_query_that_reads_passes_with_its_tables(sql, read):
    assert let_through(sql, TABLES) == read


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("", "one query at a time: found 0"),
        ("SELEC 1", "not valid SQL: syntax error"),
        ("SELECT 1; SELECT 2", "one query at a time: found 2"),
        ("SELECT 1; DROP TABLE core.events", "only read-only queries can run"),
        ("DROP TABLE core.events", "only read-only queries can run"),
        ("TRUNCATE core.events", "only read-only queries can run"),
        ("INSERT INTO core.events VALUES (1)", "only read-only queries can run"),
        ("UPDATE core.events SET dt = NULL", "only read-only queries can run"),
        ("DELETE FROM core.events", "only read-only queries can run"),
        ("CREATE TEMP TABLE t AS SELECT 1", "only read-only queries can run"),
        ("CREATE MACRO f(x) AS x", "only read-only queries can run"),
        ("CREATE SECRET s (TYPE s3)", "only read-only queries can run"),
        ("PREPARE p AS SELECT 1", "only read-only queries can run"),
        ("EXPLAIN ANALYZE SELECT 1", "only read-only queries can run"),
        ("COPY (SELECT 1) TO '/tmp/x'", "only read-only queries can run"),
        ("EXPORT DATABASE '/tmp/x'", "only read-only queries can run"),
        ("ATTACH '/tmp/x.db'", "only read-only queries can run"),
        ("INSTALL httpfs", "only read-only queries can run"),
        ("LOAD httpfs", "only read-only queries can run"),
        ("SET memory_limit = '99GB'", "only read-only queries can run"),
        ("RESET memory_limit", "only read-only queries can run"),
        ("PRAGMA enable_profiling", "only read-only queries can run"),
        ("CALL enable_logging()", "only read-only queries can run"),
        # DuckDB turns PIVOT into two statements, and runs both.
        ("PIVOT core.events ON event_type USING count(*)", "only read-only queries can run"),
        ("WITH a AS (COPY (SELECT 1) TO '/tmp/x') SELECT 1", "COPY is not allowed here"),
        ("WITH a AS (INSERT INTO core.events VALUES (1) RETURNING 1) FROM a", "INSERT is not allowed here"),
        ("WITH a AS (DELETE FROM core.events RETURNING 1) FROM a", "DELETE is not allowed here"),
        (
            "SELECT * FROM (WITH a AS (UPDATE core.events SET dt = NULL RETURNING 1) FROM a)",
            "UPDATE is not allowed here",
        ),
        ("SHOW ALL TABLES", "SHOW is not allowed here"),
        ("SELECT $1", "a parameter needs a name, such as"),
        ("SELECT ?", "a parameter needs a name, such as"),
        ("FROM read_csv($file)", r"read_csv\(\) cannot be used as a table"),
        ("FROM $table", "not valid SQL: syntax error"),
        ("SELECT * FROM core.events AT (VERSION => 1)", "AT is not allowed here"),
        ("FROM read_csv('/etc/passwd')", r"read_csv\(\) cannot be used as a table"),
        ("FROM READ_TEXT('/etc/passwd')", r"\(\) cannot be used as a table"),
        ("FROM glob('/*')", r"glob\(\) cannot be used as a table"),
        ("FROM query('FROM core.events')", r"query\(\) cannot be used as a table"),
        ("FROM duckdb_settings()", r"duckdb_settings\(\) cannot be used as a table"),
        ("FROM sniff_csv('/dev/stdin')", r"sniff_csv\(\) cannot be used as a table"),
        ("SELECT (SELECT content FROM read_text('/proc/self/environ'))", r"read_text\(\) cannot be used as a table"),
        ("FROM '/etc/passwd'", "there is no table '/etc/passwd' here"),
        ('FROM "a.parquet"', "there is no table 'a.parquet' here"),
        ('WITH "/etc/passwd" AS (SELECT 1) FROM "/etc/passwd"', "a name may have only letters"),
        ("FROM information_schema.tables", "there is no table 'information_schema.tables' here"),
        ("FROM duckdb_tables", "there is no table 'duckdb_tables' here"),
        # A name defined in WITH is valid only inside that query. Outside, this name means a view of DuckDB's that shows
        # the path of the database file.
        (
            "FROM (WITH pragma_database_list AS (SELECT 1) FROM pragma_database_list), pragma_database_list",
            "DuckDB has a view of that name",
        ),
        ("FROM (WITH PG_Settings AS (SELECT 1) SELECT 1), pg_settings", "DuckDB has a view of that name"),
        ("FROM (WITH duckdb_tables AS (SELECT 1) SELECT 1), duckdb_tables", "DuckDB has a view of that name"),
        ("FROM marts.core.events", r"there is no table 'marts.core.events' here; did you mean core.events\?"),
        ("FROM entrance_daily", r"did you mean attribution.entrance_daily\?"),
        ("FROM caller_frame", "there is no table 'caller_frame' here"),
        ("SELECT getenv('PATH')", r"getenv\(\) is not on the list"),
        ("SELECT current_setting('memory_limit')", r"current_setting\(\) is not on the list"),
        ("SELECT sleep_ms(100000)", r"sleep_ms\(\) is not on the list"),
        ("SELECT printf('%999999999d', 1)", r"printf\(\) is not on the list"),
        ("SELECT format('{:999999999}', 1)", r"format\(\) is not on the list"),
        ("SELECT lpad('a', 999999999, 'b')", r"lpad\(\) is not on the list"),
        ("SELECT repeat('a', 999999999)", r"repeat\(\) is not on the list"),
        ("SELECT nextval('s')", r"nextval\(\) is not on the list"),
        ("SELECT json_execute_serialized_sql('x')", r"\(\) is not on the list"),
        ("SELECT main.sum(1)", r"main.sum\(\) is not on the list"),
        ("SELECT * FROM (" * 200 + "SELECT 1" + ")" * 200, "not valid SQL|nested too deeply"),
        # DuckDB's parser accepts this nesting, but Python's JSON parser does not.
        ("SELECT 1" + " + 1" * 990, "nested too deeply"),
        ("FROM core.events" + ", core.events" * 1400, "nested too deeply"),
        ("SELECT 1" + " AND 1" * 20_000, "at most 20,000"),
    ],
)
def test_anything_else_is_refused_and_told_why(sql, why):
    with pytest.raises(RefusedError, match=why):
        let_through(sql, TABLES)


def test_the_longest_query_is_taken():
    assert let_through("SELECT 1".ljust(LONGEST_QUERY), TABLES) == set()


def test_every_function_on_the_list_is_one_of_duckdbs():
    with duckdb.connect() as connection:
        known = {
            name.lower() for (name,) in connection.execute("SELECT function_name FROM duckdb_functions()").fetchall()
        }
    grammar = {"->", "coalesce", "if", "ifnull", "count_star", "nullif", "date_add", "position", "filter"}
    assert FUNCTIONS - known - grammar == set()
    assert known >= TABLE_FUNCTIONS


@pytest.mark.parametrize(
    "part", ["read_", "parquet", "duckdb_", "pragma", "setting", "getenv", "secret", "sleep", "log_"]
)
def test_no_listed_function_reads_files_settings_or_environment(part):
    assert [name for name in FUNCTIONS | TABLE_FUNCTIONS if part in name] == []


def test_no_view_of_duckdb_is_read_under_a_name_of_with():
    with duckdb.connect() as connection:
        names = [name for (name,) in connection.execute("SELECT DISTINCT view_name FROM duckdb_views()").fetchall()]
        for name in names:
            try:
                connection.execute(f"FROM {name} LIMIT 0")
            except duckdb.Error:
                continue  # DuckDB finds this view only with its schema, so a CTE of that name cannot be mistaken for it
            with pytest.raises(RefusedError, match="DuckDB has a view"):
                let_through(f"FROM (WITH {name} AS (SELECT 1) SELECT 1), {name}", TABLES)
