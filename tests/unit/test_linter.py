"""The linter refuses SQL with different results in DuckDB and Spark, accepts the remedy, and says where and why."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from pipelines.sqlproject.linter import RULES, Finding, lint

SCHEMA = {
    "core.events": {
        "dt": "DATE",
        "other_dt": "DATE",
        "ts": "TIMESTAMP",
        "other_ts": "TIMESTAMP",
        "n": "INTEGER",
        "big": "BIGINT",
        "x": "DOUBLE",
        "money": "DECIMAL(18,4)",
        "name": "VARCHAR",
        "flag": "BOOLEAN",
        "items": "INTEGER[]",
        "counts": "MAP(VARCHAR, INTEGER)",
        "places": "MAP(INTEGER, INTEGER)",
        "pair": "STRUCT(a INTEGER, b DATE)",
    },
    "core.orders": {"dt": "DATE", "n": "INTEGER", "name": "VARCHAR", "ts": "TIMESTAMP"},
    "core.slots": {"revenue": "DECIMAL(18,4)", "product_clicks": "BIGINT", "exposures": "BIGINT"},
}

# Rule → (SQL that it refuses, SQL that it accepts). An entry that is not a query is an expression over core.events.
CASES: dict[str, tuple[list[str], list[str]]] = {
    "metric-formula": (
        [
            "SELECT CAST(exposures AS DOUBLE) / NULLIF(product_clicks, 0) AS click_through_rate FROM core.slots",
            "SELECT avg(CAST(product_clicks AS DOUBLE) / NULLIF(exposures, 0)) AS click_through_rate FROM core.slots",
            "SELECT CAST(revenue AS DOUBLE) / NULLIF(exposures, 0) AS revenue_per_mille FROM core.slots",
            "SELECT CASE WHEN n > 0 THEN CAST(n AS DOUBLE) / 2 ELSE 1.0e0 END AS cart_rate FROM core.events",
        ],
        [
            "SELECT CAST(s.product_clicks AS DOUBLE) / NULLIF(s.exposures, 0)"
            " AS click_through_rate FROM core.slots AS s",
            "SELECT CAST(SUM(product_clicks) AS DOUBLE) / NULLIF(SUM(exposures), 0)"
            " AS click_through_rate FROM core.slots",
            "SELECT CAST(1000 * COALESCE(revenue, 0) AS DOUBLE) / NULLIF(exposures, 0)"
            " AS revenue_per_mille FROM core.slots",
            "SELECT CASE WHEN exposures > 9 THEN CAST(product_clicks AS DOUBLE) / NULLIF(exposures, 0) END"
            " AS click_through_rate FROM core.slots",
            "SELECT CAST(revenue AS DOUBLE) / NULLIF(CAST(SUM(revenue) OVER () AS DOUBLE), 0)"
            " AS revenue_share FROM core.slots",
            "SELECT CAST(product_clicks AS DOUBLE) / NULLIF(exposures, 0) AS share_of_clicks FROM core.slots",
        ],
    ),
    # Rules about the form of queries
    "one-select": (
        [
            "CREATE TABLE core.copy AS SELECT n FROM core.events",
            "INSERT INTO core.events BY NAME SELECT n FROM core.orders",
            "DELETE FROM core.events",
            "COPY core.events TO 'events.parquet'",
            "SET threads = 1",
            "VALUES (1)",
            "WITH gone AS (DELETE FROM core.events RETURNING n) SELECT gone.n FROM gone",
        ],
        ["SELECT n FROM core.events", "SELECT n FROM core.events UNION ALL SELECT n FROM core.orders"],
    ),
    "select-star": (
        [
            "SELECT * FROM core.events",
            "SELECT e.* FROM core.events AS e",
            "WITH a AS (SELECT * FROM core.events) SELECT a.n FROM a",
            "WITH a AS (SELECT * FROM core.events) SELECT a.* FROM a",
            "WITH a AS (SELECT n FROM core.events) SELECT o.*, a.n AS m FROM a CROSS JOIN core.orders AS o",
            "WITH events AS (SELECT n FROM core.orders) SELECT events.* FROM core.events",
            "WITH a AS (SELECT n FROM core.events) SELECT * FROM a CROSS JOIN core.orders",
            "WITH a AS (SELECT n FROM core.events) SELECT * FROM a JOIN a AS b USING (n)",
            "WITH a AS (SELECT n FROM core.events) SELECT *, 1 AS one FROM a",
            "WITH a AS (SELECT n FROM core.events) SELECT a.* REPLACE (1 AS n) FROM a",
            "WITH a AS (SELECT n FROM core.events) SELECT a.* RENAME (n AS m) FROM a",
            "SELECT t.* FROM unnest([1, 2]) AS t(i)",
            "SELECT pair.* FROM core.events",
            "SELECT n FROM core.events WHERE EXISTS (SELECT * FROM core.orders)",
            "FROM core.events",
        ],
        [
            "WITH a AS (SELECT n FROM core.events), b AS (SELECT n FROM a) SELECT * FROM b",
            "WITH a AS (SELECT n FROM core.events) SELECT * FROM a WHERE n > 1 ORDER BY n",
            "WITH a AS (SELECT n, name FROM core.events), b AS (SELECT a.*, n + 1 AS m FROM a) "
            "SELECT b.*, o.ts FROM b LEFT JOIN core.orders AS o USING (n, name)",
            "WITH a AS (SELECT n, x FROM core.events) SELECT b.* EXCLUDE (x), a.x FROM a FULL JOIN a AS b USING (n)",
            "SELECT e.*, e.n + 1 AS m FROM (SELECT n FROM core.events) AS e",
            "count(*)",
        ],
    ),
    "star-beside-qualify": (
        [
            "WITH a AS (SELECT n, ts FROM core.events) "
            "SELECT a.* FROM a QUALIFY row_number() OVER (PARTITION BY n ORDER BY ts) = 1",
            "WITH a AS (SELECT n, ts FROM core.events) "
            "SELECT * FROM a QUALIFY row_number() OVER (PARTITION BY n ORDER BY ts) = 1",
        ],
        [
            "SELECT n, ts FROM core.events QUALIFY row_number() OVER (PARTITION BY n ORDER BY ts) = 1",
            "WITH a AS (SELECT n, row_number() OVER (PARTITION BY n ORDER BY ts) AS nth FROM core.events) "
            "SELECT a.* EXCLUDE (nth) FROM a WHERE nth = 1",
        ],
    ),
    "duplicate-column": (
        [
            "SELECT n, big AS n FROM core.events",
            "WITH a AS (SELECT n FROM core.events) SELECT a.*, n + 1 AS N FROM a",
            "WITH a AS (SELECT n FROM core.events) SELECT a.*, b.* FROM a JOIN a AS b USING (n)",
            "WITH a AS (SELECT n FROM core.events), b AS (SELECT a.*, 1 AS n FROM a) SELECT b.n FROM b",
        ],
        [
            "SELECT n, big AS m FROM core.events",
            "WITH a AS (SELECT n, x FROM core.events) SELECT a.* EXCLUDE (n), n + 1 AS n FROM a",
            "WITH a AS (SELECT n, x FROM core.events) SELECT a.*, b.* EXCLUDE (n, x) FROM a JOIN a AS b USING (n)",
        ],
    ),
    "union-by-position": (
        [
            "SELECT n, big FROM core.events UNION ALL SELECT big, n FROM core.events",
            "WITH a AS (SELECT n, big FROM core.events), b AS (SELECT big, n FROM core.events) "
            "SELECT * FROM a UNION ALL SELECT * FROM b",
        ],
        [
            "SELECT n, big FROM core.events UNION ALL SELECT n + 1 AS n, big FROM core.events",
            "WITH a AS (SELECT n, big FROM core.events), b AS (SELECT a.n, a.big FROM a) "
            "SELECT * FROM a UNION ALL SELECT b.* FROM b",
        ],
    ),
    "union-of-joined-star": (
        [
            "WITH a AS (SELECT n, name FROM core.events) "
            "SELECT a.* FROM a JOIN core.orders AS o USING (name) UNION ALL SELECT n, name FROM core.orders",
            "WITH a AS (SELECT n, name FROM core.events), b AS (SELECT a.* FROM a JOIN core.orders AS o USING (name)), "
            "c AS (SELECT * FROM b) SELECT n, name FROM core.orders UNION ALL SELECT * FROM c",
        ],
        [
            "WITH a AS (SELECT n, name FROM core.events) "
            "SELECT a.* FROM a JOIN core.orders AS o ON o.name = a.name UNION ALL SELECT n, name FROM core.orders",
            "WITH a AS (SELECT n, name FROM core.events), b AS (SELECT a.* FROM a JOIN core.orders AS o USING (name)), "
            "c AS (SELECT n, name FROM b) SELECT n, name FROM core.orders UNION ALL SELECT * FROM c",
        ],
    ),
    "asof-join": (
        ["SELECT e.n FROM core.events AS e ASOF JOIN core.orders AS o ON e.name = o.name AND e.ts >= o.ts"],
        ["SELECT e.n FROM core.events AS e LEFT JOIN core.orders AS o ON e.name = o.name AND e.ts >= o.ts"],
    ),
    "positional-join": (
        ["SELECT e.n FROM core.events AS e POSITIONAL JOIN core.orders AS o"],
        ["SELECT e.n FROM core.events AS e JOIN core.orders AS o USING (n)"],
    ),
    "pivot": (
        [
            "PIVOT core.events ON name USING sum(n)",
            "SELECT a.x FROM core.events PIVOT (sum(n) FOR name IN ('x', 'y')) AS a",
            "SELECT u.k FROM core.orders UNPIVOT (v FOR k IN (n)) AS u",
        ],
        ["count(*) FILTER (WHERE name = 'x')"],
    ),
    "columns-expression": (
        ["SELECT COLUMNS('n.*') FROM core.events", "SELECT max(COLUMNS(*)) FROM core.events"],
        ["max(n)"],
    ),
    "union-by-name": (
        [
            "SELECT n FROM core.events UNION BY NAME SELECT n FROM core.orders",
            "SELECT n FROM core.events UNION ALL BY NAME SELECT n FROM core.orders",
        ],
        ["SELECT n FROM core.events UNION SELECT n FROM core.orders"],
    ),
    "sample": (
        ["SELECT n FROM core.events USING SAMPLE 10%", "SELECT n FROM core.events TABLESAMPLE 10%"],
        ["SELECT n FROM core.events WHERE n % 10 = 0"],
    ),
    "file-or-table-function": (
        [
            "SELECT f.n FROM read_parquet('events.parquet') AS f",
            "SELECT f.n FROM read_csv('events.csv') AS f",
            "SELECT f.n FROM read_json('events.json') AS f",
            "SELECT f.n FROM 'events.parquet' AS f",
            "SELECT f.file FROM glob('*') AS f",
            "SELECT q.n FROM query('SELECT 1 AS n') AS q",
        ],
        ["SELECT f.n FROM core.events AS f", "SELECT t.i FROM unnest([1, 2]) AS t(i)"],
    ),
    "series-as-table": (
        ["SELECT g.i FROM generate_series(1, 3, 1) AS g(i)", "SELECT r.i FROM range(3) AS r(i)"],
        ["SELECT t.i FROM unnest(generate_series(1, 3, 1)) AS t(i)"],
    ),
    "with-ordinality": (
        [
            "SELECT t.i, t.o FROM unnest([1, 2]) WITH ORDINALITY AS t(i, o)",
            "SELECT t.i FROM unnest([1, 2]) WITH ORDINALITY AS t(i, o) WHERE o = 1",
            "SELECT t.i, lag(t.i, t.o) OVER (ORDER BY t.o) AS before FROM unnest([1, 2]) WITH ORDINALITY AS t(i, o)",
        ],
        [
            "SELECT t.i, row_number() OVER (ORDER BY t.i) AS o FROM unnest([1, 2]) AS t(i)",
            "SELECT t.i, row_number() OVER (ORDER BY t.o) AS place FROM unnest([1, 2]) WITH ORDINALITY AS t(i, o)",
        ],
    ),
    "filtered-window": (
        ["SELECT count(*) FILTER (WHERE n > 1) OVER (ORDER BY ts) AS c FROM core.events"],
        [
            "SELECT count(CASE WHEN n > 1 THEN 1 END) OVER (ORDER BY ts) AS c FROM core.events",
            "SELECT sum(n) FILTER (WHERE n > 1) OVER (ORDER BY ts) AS c FROM core.events",
        ],
    ),
    "conditional-unnest": (
        [
            "SELECT e.n, t.i FROM core.events AS e LEFT JOIN unnest(e.items) AS t(i) ON TRUE",
            "SELECT e.n, t.i FROM core.events AS e JOIN unnest(e.items) AS t(i) ON t.i > 1",
        ],
        [
            "SELECT e.n, t.i FROM core.events AS e CROSS JOIN unnest(e.items) AS t(i) WHERE t.i > 1",
            "SELECT e.n, t.i FROM core.events AS e, unnest(e.items) AS t(i)",
        ],
    ),
    "undetermined": (
        ["now()", "current_date", "current_timestamp", "today()", "random()", "uuid()", "current_localtimestamp()"],
        ["DATE '2026-11-20'", "max(ts)"],
    ),
    "arbitrary-rows": (
        ["SELECT n FROM core.events LIMIT 3", "SELECT DISTINCT ON (name) name, n FROM core.events"],
        [
            "SELECT n FROM core.events ORDER BY n LIMIT 3",
            "SELECT DISTINCT ON (name) name, n FROM core.events ORDER BY name, n",
            "SELECT DISTINCT name FROM core.events",
        ],
    ),
    # Rules about times
    "date-diff-boundaries": (
        [
            "date_diff('hour', ts, other_ts)",
            "date_diff('day', ts, other_ts)",
            "date_diff('day', dt, ts)",
            "date_diff('month', dt, other_dt)",
            "date_diff('week', dt, other_dt)",
            "date_diff('month', CAST(ts AS DATE), CAST(other_ts AS DATE))",
            "date_diff('hour', date_trunc('minute', ts), date_trunc('minute', other_ts))",
            "date_diff('month', date_trunc('week', ts), date_trunc('week', other_ts))",
        ],
        [
            "date_diff('day', dt, other_dt)",
            "date_diff('hour', dt, date_trunc('hour', other_ts))",
            "date_diff('hour', date_trunc('hour', ts), date_trunc('day', other_ts))",
            "date_diff('day', CAST(ts AS DATE), DATE '2026-11-20')",
            "date_diff('month', CAST(date_trunc('month', dt) AS DATE), date_trunc('month', other_ts))",
            "date_diff('week', date_trunc('week', ts), date_trunc('week', other_ts))",
            "date_diff('microsecond', ts, other_ts)",
        ],
    ),
    "day-of-week": (
        ["dayofweek(dt)", "dayofweek(ts)", "weekday(dt)", "isodow(dt)"],
        ["date_diff('day', DATE '1970-01-04', dt) % 7", "date_diff('day', DATE '1970-01-05', dt) % 7 + 1"],
    ),
    "time-minus-time": (
        ["dt - other_dt", "ts - other_ts", "ts - dt", "max(dt) - min(dt)", "dt - (other_dt - 1)"],
        ["date_diff('day', other_dt, dt)", "n - big", "ts <= other_ts + INTERVAL '24' HOUR", "dt - 1"],
    ),
    "date-plus-interval": (
        ["dt + INTERVAL 1 DAY", "dt - INTERVAL '1' MONTH", "INTERVAL 1 DAY + dt", "dt + n * INTERVAL 1 DAY"],
        [
            "CAST(dt + INTERVAL 1 DAY AS DATE)",
            "CAST((dt + n * INTERVAL 1 DAY) AS DATE)",
            "CAST(dt + INTERVAL '36' HOUR AS TIMESTAMP)",
            "ts + INTERVAL 1 DAY",
        ],
    ),
    "date-plus-number": (
        ["dt + big", "dt - count(*)"],
        ["dt - 1", "dt + n", "dt + CAST(big AS INTEGER)", "DATE '2026-11-20' - 1"],
    ),
    "untyped-arithmetic": (
        ["list_transform(items, lambda i: i + 1)", "missing - n"],
        ["list_transform(items, lambda i: CAST(i AS DOUBLE) + 1)", "n - big", "$days + n"],
    ),
    "interval-of-expression": (
        ["ts + INTERVAL (n) DAY", "ts + to_days(n)", "ts + INTERVAL '1 day 2 hours'"],
        ["ts + n * INTERVAL '1' DAY", "ts + INTERVAL 2 HOUR"],
    ),
    "date-trunc-of-date": (
        ["date_trunc('month', dt)", "date_trunc('week', max(dt))", "date_trunc('month', missing)"],
        [
            "date_trunc('month', ts)",
            "CAST(date_trunc('month', dt) AS DATE)",
            "CAST(date_trunc('month', max(dt)) AS DATE)",
            "date_trunc('month', CAST(dt AS TIMESTAMP))",
        ],
    ),
    "date-trunc-unit": (
        ["date_trunc('decade', ts)", "date_trunc('century', ts)"],
        ["date_trunc('week', ts)", "date_trunc('year', ts)"],
    ),
    "at-time-zone": (
        ["ts AT TIME ZONE 'Asia/Shanghai'", "timezone('Asia/Shanghai', ts)"],
        ["ts + INTERVAL '8' HOUR"],
    ),
    "fractional-epoch": (
        ["epoch(ts)", "epoch(date_trunc('millisecond', ts))"],
        ["epoch(date_trunc('second', ts))", "epoch(date_trunc('hour', ts))", "epoch(dt)", "epoch(CAST(ts AS DATE))"],
    ),
    "epoch-unit": (
        ["epoch_ms(ts)", "epoch_ms(big)", "epoch_us(ts)", "to_timestamp(x)"],
        ["make_timestamp(big * 1000)"],
    ),
    "time-bucket": (
        ["time_bucket(INTERVAL '15 minutes', ts)"],
        ["make_timestamp(CAST(floor(epoch(date_trunc('second', ts)) / 900) * 900 * 1000000 AS BIGINT))"],
    ),
    "date-add-function": (
        ["date_add(ts, INTERVAL 1 DAY)", "date_sub('day', ts, other_ts)"],
        ["ts + INTERVAL 1 DAY"],
    ),
    "date-part": (
        [
            "extract(dow FROM dt)",
            "extract(isodow FROM dt)",
            "extract(epoch FROM ts)",
            "extract(second FROM ts)",
            "date_part('dow', dt)",
        ],
        ["extract(year FROM dt)", "extract(week FROM dt)", "date_part('hour', ts)", "month(ts)", "second(ts)"],
    ),
    "time-format": (
        ["strftime(ts, '%a')", "strftime(dt, '%j')", "strftime(dt, '%Y week %W')", "strptime(name, name)"],
        ["strftime(ts, '%Y-%m-%d %H:%M:%S')", "strptime(name, '%Y/%m/%d')", "strftime(dt, '%Y年%m月')"],
    ),
    # Rules about numbers
    "division-by-zero": (
        ["x / x", "n // n", "n % n", "n / 0", "x / coalesce(n, 0)", "x / NULLIF(n, 1)", "n % (n - 1)"],
        ["x / NULLIF(x, 0)", "n // NULLIF(n, 0)", "n % 7", "n / 2", "x / (-2)", "x / CAST(NULLIF(n, 0) AS DOUBLE)"],
    ),
    "decimal-division": (
        ["money / 2", "money / NULLIF(money, 0)", "n / 1.5", "1000 * money / NULLIF(n, 0)", "missing / 2"],
        ["CAST(money AS DOUBLE) / 2", "n / NULLIF(big, 0)", "x / NULLIF(money, 0)", "n / 1.5e0", "sum(n) / 2"],
    ),
    "whole-division": (
        ["x // 2", "money // 2", "epoch(dt) // 900"],
        ["n // 2", "floor(x / 2)", "date_diff('day', dt, other_dt) // 7"],
    ),
    "decimal-average": (
        ["avg(money)", "median(money)", "avg(money * 2)", "avg(1.5)", "median(ts)"],
        ["avg(CAST(money AS DOUBLE))", "avg(n)", "median(x)", "sum(money)"],
    ),
    "sum-of-boolean": (["sum(flag)", "sum(n > 1)"], ["count(*) FILTER (WHERE flag)", "sum(CAST(flag AS INTEGER))"]),
    "rounding-cast": (
        [
            "CAST(x AS INTEGER)",
            "x::BIGINT",
            "CAST(money AS INTEGER)",
            "TRY_CAST(x AS INTEGER)",
            "CAST(x * 100 AS BIGINT)",
            "CAST(n / 2 AS INTEGER)",
            "CAST(round(x, 1) AS INTEGER)",
            "CAST(missing AS INTEGER)",
        ],
        [
            "CAST(round(x) AS INTEGER)",
            "CAST(floor(money) AS BIGINT)",
            "CAST(ceil(n / 2) AS INTEGER)",
            "CAST(big AS INTEGER)",
            "CAST(floor(x) * 100 + n AS BIGINT)",
            "CAST(sum(n) AS BIGINT)",
            "CAST(count(*) AS INTEGER)",
            "CAST(flag AS INTEGER)",
            "CAST($days AS INTEGER)",
        ],
    ),
    "double-to-decimal": (
        [
            "CAST(x AS DECIMAL(18,4))",
            "CAST(x * money AS DECIMAL(18,4))",
            "CAST(coalesce(money, x) AS DECIMAL(18,4))",
            "CAST(n / 3 AS DECIMAL(18,4))",
        ],
        [
            "CAST(money * 1.5 AS DECIMAL(18,4))",
            "CAST(n AS DECIMAL(18,4))",
            "CAST(name AS DECIMAL(18,4))",
            "CAST(sum(money) AS DECIMAL(18,4))",
            "CAST(CAST(floor(x * 10000 + 0.5) AS BIGINT) * 0.0001 AS DECIMAL(18,4))",
        ],
    ),
    "rounded-double": (["round(x, 2)", "round(n / 3, 2)"], ["round(money, 2)", "round(x)", "round(x, 0)"]),
    "text-cast": (
        [
            "CAST(name AS INTEGER)",
            "TRY_CAST(name AS INT)",
            "TRY_CAST('1.5' AS INT)",
            "TRY_CAST(name AS DATE)",
            "CAST(name AS TIMESTAMP)",
            "CAST(name AS BOOLEAN)",
            "CAST(missing AS DATE)",
        ],
        [
            "TRY_CAST(name AS DOUBLE)",
            "CAST(round(TRY_CAST(name AS DOUBLE)) AS BIGINT)",
            "CAST(strptime(name, '%Y-%m-%d') AS DATE)",
            "CAST('2026-11-20' AS DATE)",
            "TIMESTAMP '2026-11-20 10:00:00'",
            "CAST(ts AS DATE)",
            "CAST($from_dt AS DATE)",
        ],
    ),
    "cast-target": (
        [
            "CAST(ts AS TIME)",
            "CAST(n AS HUGEINT)",
            "CAST(n AS UINTEGER)",
            "CAST(ts AS TIMESTAMPTZ)",
            "CAST(NULL AS UUID)",
        ],
        ["CAST(n AS SMALLINT)", "CAST(NULL AS VARCHAR)", "CAST(items AS BIGINT[])", "CAST(dt AS TIMESTAMP)"],
    ),
    "log-without-base": (["log(x)"], ["log10(x)", "ln(x)", "log2(x)", "log(2, x)"]),
    "is-nan-of-null": (
        ["isnan(x)", "NOT isnan(x)", "n IS NOT NULL AND isnan(x)", "x IS NOT NULL OR isnan(x)"],
        ["x IS NOT NULL AND isnan(x)", "isnan(coalesce(x, 0))", "isnan(x) AND flag AND x IS NOT NULL"],
    ),
    "quantile": (
        [
            "percentile_cont(0.5) WITHIN GROUP (ORDER BY x)",
            "percentile_disc(0.5) WITHIN GROUP (ORDER BY x)",
            "quantile_cont(x, 0.9)",
            "quantile_disc(x, 0.9)",
            "quantile(x, 0.9)",
            "approx_quantile(x, 0.9)",
            "approx_count_distinct(n)",
        ],
        ["median(x)", "count(DISTINCT n)"],
    ),
    "try-function": (["TRY(n // n)"], ["n // NULLIF(n, 0)", "TRY_CAST(name AS DOUBLE)"]),
    # Rules about texts
    "concat-of-other-types": (
        ["concat(name, n)", "name || n", "concat_ws('-', name, dt)", "items || items", "concat(name, missing)"],
        ["concat(name, CAST(n AS VARCHAR))", "name || '-' || name", "concat_ws('-', name, 'a', NULL)"],
    ),
    "value-as-text": (
        ["CAST(x AS VARCHAR)", "CAST(items AS VARCHAR)", "CAST(n / 2 AS VARCHAR)", "CAST(pair AS VARCHAR)"],
        ["CAST(money AS VARCHAR)", "CAST(dt AS VARCHAR)", "CAST(n AS VARCHAR)", "CAST(flag AS VARCHAR)"],
    ),
    "first-match-replace": (
        ["regexp_replace(name, 'a', 'b')", "regexp_replace(name, 'a', 'b', 'gi')"],
        ["regexp_replace(name, 'a+', 'b', 'g')"],
    ),
    "regexp-reference": (
        [r"regexp_replace(name, '(a)', '\1', 'g')", "regexp_replace(name, 'a', '$', 'g')"],
        ["regexp_replace(name, '(a)', '', 'g')", "regexp_extract(name, 'a(b)', 1)"],
    ),
    "regexp-options": (
        ["regexp_matches(name, 'a', 'i')", "regexp_full_match(name, 'a')", "regexp_extract(name, 'a', 0, 'i')"],
        ["regexp_matches(name, '^(?:a)$')", "regexp_extract(name, '(?i)a')"],
    ),
    "escaped-like": (
        [r"name LIKE 'a\_b'", r"name LIKE 'a$_b\' ESCAPE '$'", "name ILIKE name"],
        ["name LIKE 'a%'", "name NOT LIKE 'a$_b' ESCAPE '$'", "contains(name, name)"],
    ),
    "pattern-operator": (["name GLOB 'a*'", "name SIMILAR TO 'a+'"], ["regexp_matches(name, '^(?:a+)$')"]),
    "length-of-list": (
        ["len(items)", "length(items)", "len(counts)"],
        ["array_length(items)", "len(name)", "length(name)"],
    ),
    "unordered-text": (
        ["string_agg(name, ',')", "string_agg(DISTINCT name, ',')", "string_agg(n, ',' ORDER BY n)"],
        [
            "string_agg(name, ' > ' ORDER BY ts, n)",
            "string_agg(DISTINCT name, ',' ORDER BY name)",
            "string_agg(CAST(n AS VARCHAR), ',' ORDER BY n) FILTER (WHERE flag)",
        ],
    ),
    "substring-from-zero": (
        ["substring(name, 0, 2)", "substring(name, n)", "substr(name, -2)"],
        ["substring(name, 1, 2)", "substr(name, 3)", "right(name, 2)"],
    ),
    "unchecked-url-decode": (
        [
            "url_decode(name)",
            "CASE WHEN name <> '' THEN url_decode(replace(name, '+', '%20')) END",
            "CASE WHEN regexp_matches(name, '^([^%]|%[0-7][0-9A-F])*$') THEN url_decode(name) END",
        ],
        ["CASE WHEN regexp_matches(name, '^([^%]|%[0-7][0-9A-F])*$') THEN url_decode(replace(name, '+', '%20')) END"],
    ),
    # Rules about lists
    "list-aggregate": (
        [
            "list(n ORDER BY ts)",
            "array_agg(n ORDER BY ts)",
            "list(n)",
            "list_sort(list(n))",
            "list(DISTINCT n)",
            "list(struct_pack(t := ts, v := n))",
            "list_sort(list(struct_pack(t := ts, v := n)))",
            "SELECT name, list_sort(list({'t': ts} ORDER BY ts)) AS steps FROM core.events GROUP BY name",
            "SELECT name, list_sort(list({'t': ts}) FILTER (WHERE flag)) AS steps FROM core.events GROUP BY name",
            "SELECT n, list_sort(list(name)) AS names FROM core.events GROUP BY n",
            "SELECT n, list_sort(list(COALESCE(name, UPPER(name)))) AS names FROM core.events GROUP BY n",
            "SELECT n, list_sort(list(COALESCE(name, '')) FILTER (WHERE flag)) AS names FROM core.events GROUP BY n",
        ],
        [
            "SELECT name, list_sort(list(struct_pack(t := ts, v := n))) AS steps FROM core.events GROUP BY name",
            "SELECT name, list_sort(array_agg({'t': ts, 'v': n})) AS steps FROM core.events GROUP BY ALL",
            "SELECT n, list_sort(list(COALESCE(name, ''))) AS names FROM core.events GROUP BY n",
        ],
    ),
    "list-subscript": (
        ["items[1]", "items[n]", "items[-1]", "list_extract(items, 1)", "places[1]", "name[1]", "counts[n]"],
        ["counts['a']", "counts[name]", "pair['a']", "pair.a", "struct_extract(pair, 'a')"],
    ),
    "list-slice": (["items[1:2]", "name[1:2]", "list_slice(items, 1, 2)"], ["left(name, 2)"]),
    "list-comprehension": (
        ["[i * 2 FOR i IN items]", "[i FOR i IN items IF i > 1]"],
        ["list_transform(items, lambda i: i * 2)", "list_filter(items, lambda i: i > 1)"],
    ),
    "list-function": (
        ["list_sum(items)", "list_avg(items)", "list_aggregate(items, 'sum')", "list_unique(items)"],
        ["array_length(items)", "list_max(items)", "list_contains(items, 1)"],
    ),
    "first-of-group": (
        ["first(n)", "first(n ORDER BY ts)", "last(n ORDER BY ts)", "any_value(n)", "arbitrary(n)"],
        ["arg_min(n, ts) FILTER (WHERE n IS NOT NULL)", "max(name)", "first_value(n) OVER (ORDER BY ts)"],
    ),
    "null-of-arg-max": (
        ["arg_max(n, ts)", "arg_min(n, ts) FILTER (WHERE ts IS NOT NULL)", "arg_max(n, ts) FILTER (WHERE n IS NULL)"],
        [
            "arg_max(n, ts) FILTER (WHERE flag AND n IS NOT NULL)",
            "arg_max(struct_pack(v := n), ts).v",
            "arg_min(coalesce(name, ''), ts)",
        ],
    ),
    "series": (
        [
            "SELECT t.i FROM unnest(generate_series(1, 3)) AS t(i)",
            "SELECT t.i FROM unnest(range(1, 3, 1)) AS t(i)",
            "SELECT t.i FROM core.events AS e, unnest(generate_series(1, e.n)) AS t(i)",
        ],
        [
            "SELECT t.i FROM unnest(generate_series(1, 3, 1)) AS t(i)",
            "SELECT t.i FROM core.events AS e, unnest(generate_series(1, e.n, 1)) AS t(i)",
        ],
    ),
    "series-of-dates": (
        [
            "SELECT t.d FROM unnest(generate_series(DATE '2026-01-01', DATE '2026-01-03', INTERVAL 1 DAY)) AS t(d)",
            "SELECT CAST(t.d AS DATE) AS dt FROM unnest(generate_series(DATE '2026-01-01', DATE '2026-01-03', "
            "INTERVAL 1 DAY)) AS t(d) WHERE extract(year FROM t.d) = 2026",
            "unnest(generate_series(dt, other_dt, INTERVAL 1 DAY))",
        ],
        [
            "SELECT CAST(t.d AS DATE) AS dt FROM unnest(generate_series(DATE '2026-01-01', DATE '2026-01-03', "
            "INTERVAL 1 DAY)) AS t(d) WHERE CAST(t.d AS DATE) > DATE '2026-01-01'",
            "SELECT CAST(d AS DATE) AS dt FROM core.events AS e, unnest(generate_series(e.dt, e.other_dt, "
            "INTERVAL 1 DAY)) AS t(d)",
            "SELECT t.d FROM unnest(generate_series(TIMESTAMP '2026-01-01', TIMESTAMP '2026-01-03', "
            "INTERVAL 1 HOUR)) AS t(d)",
        ],
    ),
    "unnest-in-select": (
        ["unnest(items) + 1", "SELECT unnest(items) AS i, unnest(items) AS j FROM core.events"],
        ["unnest(items)", "SELECT t.i + 1 AS j FROM core.events AS e CROSS JOIN unnest(e.items) AS t(i)"],
    ),
    "window-frame": (
        [
            "sum(n) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW)",
            "sum(n) OVER (ORDER BY ts GROUPS BETWEEN 1 PRECEDING AND CURRENT ROW)",
        ],
        [
            "sum(n) OVER (ORDER BY ts ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)",
            "sum(n) OVER (ORDER BY ts RANGE BETWEEN INTERVAL '1' DAY PRECEDING AND CURRENT ROW)",
        ],
    ),
    "distinct-window": (
        ["count(DISTINCT n) OVER (PARTITION BY name)"],
        ["count(DISTINCT n)", "count(n) OVER (PARTITION BY name)"],
    ),
    "unordered-window": (
        [
            "row_number() OVER (PARTITION BY name)",
            "last_value(n IGNORE NULLS) OVER (PARTITION BY name)",
            "SELECT lag(n) OVER w AS p FROM core.events WINDOW w AS (PARTITION BY name)",
        ],
        [
            "row_number() OVER (PARTITION BY name ORDER BY ts, n)",
            "last_value(n IGNORE NULLS) OVER (PARTITION BY name ORDER BY ts)",
            "SELECT lag(n) OVER w AS p FROM core.events WINDOW w AS (PARTITION BY name ORDER BY ts)",
            "sum(n) OVER (PARTITION BY name)",
        ],
    ),
    # Rules about functions
    "unmeasured-function": (
        ["hash(name)", "reverse(name)", "trunc(x)", "dayname(dt)", "age(ts, other_ts)", "MAP {'a': 1}", "week(dt)"],
        ["lower(name)", "weekofyear(dt)", "least(ts, other_ts)", "md5(name)", "stddev(n)"],
    ),
    "untranslatable": (["max(n, 2)"], ["max(n)"]),
    "unresolved": (
        ["SELECT n FROM core.events AS a JOIN core.orders AS a ON TRUE"],
        ["SELECT a.n FROM core.events AS a JOIN core.orders AS b ON a.n = b.n"],
    ),
}

_STATEMENTS = ("SELECT", "WITH", "FROM", "CREATE", "INSERT", "DELETE", "COPY", "SET", "VALUES", "PIVOT")


def query(case: str) -> str:
    return case if case.split()[0] in _STATEMENTS else f"SELECT {case} AS found FROM core.events"


def findings(case: str) -> list[Finding]:
    text = query(case)
    return lint(sqlglot.parse_one(text, read="duckdb"), SCHEMA, text)


def cases(column: int) -> list[tuple[str, str]]:
    return [(rule, case) for rule, lists in CASES.items() for case in lists[column]]


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        opened.execute("CREATE SCHEMA core")
        for table, columns in SCHEMA.items():
            declared = ", ".join(f"{name} {kind}" for name, kind in columns.items())
            opened.execute(f"CREATE TABLE {table} ({declared})")
        yield opened


@pytest.mark.parametrize(("rule", "case"), cases(0))
def test_refuses(rule: str, case: str) -> None:
    assert rule in [finding.rule for finding in findings(case)]


@pytest.mark.parametrize(("rule", "case"), cases(1))
def test_accepts_the_near_neighbour_of(rule: str, case: str) -> None:
    assert findings(case) == []


@pytest.mark.parametrize("case", [case for _, case in cases(1) if "$" not in case])
def test_what_is_accepted_runs_on_duckdb(case: str, connection: duckdb.DuckDBPyConnection) -> None:
    assert connection.execute(f"DESCRIBE {query(case)}").fetchall()


def test_every_rule_has_refused_and_accepted_cases() -> None:
    assert sorted(CASES) == sorted(rule.name() for rule in RULES)
    assert all(refused and accepted for refused, accepted in CASES.values())


def test_rule_names_are_unique_and_messages_say_what_to_write() -> None:
    assert len({rule.name() for rule in RULES}) == len(RULES)
    node = exp.null()
    for rule in RULES:
        message = rule().message(node)
        assert "None" not in message
        assert rule.instead in message
        assert "\n" not in message


def test_a_finding_names_line_column_and_construct() -> None:
    text = "/* 说明 */\nSELECT\n  n,\n  n / big AS ratio\nFROM core.events\nWHERE dt >= $from_dt AND isodow(dt) = 1"
    found = lint(sqlglot.parse_one(text, read="duckdb"), SCHEMA, text)
    assert [(finding.rule, finding.line, finding.column) for finding in found] == [
        ("division-by-zero", 4, 3),
        ("day-of-week", 6, 26),
    ]
    assert found[0].construct == "events.n / events.big"
    assert "NULLIF(b, 0)" in found[0].message


def test_lines_come_from_the_tree_where_the_text_is_not_given() -> None:
    tree = sqlglot.parse_one("SELECT\n  n / big AS ratio\nFROM core.events", read="duckdb")
    assert [(finding.line, finding.column) for finding in lint(tree, SCHEMA)] == [(2, 3)]


def test_a_call_without_a_position_is_placed_by_its_parent() -> None:
    text = "SELECT\n  n,\n  now() AS at\nFROM core.events"
    assert [finding.line for finding in lint(sqlglot.parse_one(text, read="duckdb"), SCHEMA, text)] == [3]


def test_types_reach_a_construct_through_ctes_unions_aliases() -> None:
    text = """
    WITH days AS (SELECT dt AS day, n FROM core.events UNION ALL SELECT dt AS day, n FROM core.orders),
    named AS (SELECT max(day) AS last_day, min(day) AS first_day FROM days)
    SELECT last_day - first_day AS span, date_diff('day', first_day, last_day) AS days FROM named
    """
    assert [finding.rule for finding in lint(sqlglot.parse_one(text, read="duckdb"), SCHEMA)] == ["time-minus-time"]


def test_an_alias_that_is_used_again_gives_one_finding() -> None:
    text = "SELECT n / big AS ratio FROM core.events WHERE ratio > 1"
    found = lint(sqlglot.parse_one(text, read="duckdb"), SCHEMA, text)
    assert [finding.rule for finding in found] == ["division-by-zero"]


def test_linting_leaves_the_tree_as_it_was() -> None:
    tree = sqlglot.parse_one("WITH a AS (SELECT n FROM core.events) SELECT * FROM a", read="duckdb")
    before = repr(tree)
    lint(tree, SCHEMA)
    assert repr(tree) == before


@pytest.mark.parametrize(
    ("written", "emitted"),
    [
        ("list(n ORDER BY ts)", "COLLECT_LIST(n)"),
        ("percentile_cont(0.5) WITHIN GROUP (ORDER BY x)", "PERCENTILE_APPROX(x, 0.5)"),
        ("regexp_replace(name, 'a', 'b')", "REGEXP_REPLACE(name, 'a', 'b')"),
        ("ts AT TIME ZONE 'UTC'", "FROM_UTC_TIMESTAMP(ts, 'UTC')"),
        ("places[1]", "places[0]"),
        ("CAST(ts AS TIME)", "CAST(ts AS TIMESTAMP)"),
        ("TRY(n)", "n"),
        ("strftime(dt, '%j')", "DATE_FORMAT(dt, 'DD')"),
        ("string_agg(name, ',' ORDER BY n)", "LISTAGG(name, ',') WITHIN GROUP (ORDER BY n NULLS LAST)"),
        ("list_sort(list({'t': n}))", "ARRAY_SORT(COLLECT_LIST(STRUCT(n AS t)))"),
        ("dt + 1", "dt + 1"),
    ],
)
def test_sqlglot_still_emits_what_the_rules_are_made_for(written: str, emitted: str) -> None:
    # If this fails because sqlglot emits other SQL, the reason for the rule is gone and the rule can be removed.
    assert sqlglot.transpile(written, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.IGNORE) == [
        emitted
    ]
