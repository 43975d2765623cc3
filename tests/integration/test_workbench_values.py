"""Values of every DuckDB type, from the process that runs a query to the page, the chart and both exported files."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dashboards.app.export import csv_of, xlsx_of
from dashboards.app.sql.results import Outcome
from dashboards.app.sql.table import is_measure, is_time, result_table
from dashboards.blocks import Table
from dashboards.locale import Locale
from dashboards.workbench.confined import Limits, Result, run_confined
from dashboards.workbench.messages import QueryError
from tests.unit.test_app_export import sheet

NESTED: dict[str, Any] = {
    "list(revenue ORDER BY revenue)": [Decimal("1.5000"), Decimal("2.2500")],
    "list(NULL::DECIMAL(9, 2))": [None, None],
    "[170141183460469231731687303715884105727::HUGEINT, -1]": [2**127 - 1, -1],
    "{'sku': '中\"文', 'n': {'of': [1, NULL]}}": {"sku": '中"文', "n": {"of": [1, None]}},
    "list({'sku': sku, 'revenue': revenue} ORDER BY sku)": [
        {"sku": "a", "revenue": Decimal("1.5")},
        {"sku": "b", "revenue": Decimal("2.25")},
    ],
    "MAP {'a': 1.10::DECIMAL(9, 2), 'b': NULL}": {"a": Decimal("1.1"), "b": None},
    "MAP {DATE '2026-01-02': [1], DATE '2026-01-03': []}": {"2026-01-02": [1], "2026-01-03": []},
    "MAP {[1, 2]: 'x'}": {"[1, 2]": "x"},
    "[INTERVAL 14 MONTH, INTERVAL 90 MINUTE]": ["1 year 2 months", "01:30:00"],
    "['a\\x00b'::BLOB]": ["a\\x00b"],
    "['NaN'::DOUBLE, '-inf'::DOUBLE, 1e300, 0.5]": ["NaN", "-Infinity", Decimal("1e300"), Decimal("0.5")],
    "{'NaN': 'NaN, \"Infinity', 'x': 'inf'::FLOAT}": {"NaN": 'NaN, "Infinity', "x": "Infinity"},
    "['a'::ENUM ('a', 'b')]": ["a"],
    "['infinity'::DATE, DATE '2026-01-02']": ["infinity", "2026-01-02"],
    "[TIMESTAMP '2026-01-02 03:04:05.678']": ["2026-01-02 03:04:05.678"],
    "[TRUE, NULL]": [True, None],
    "[1, 2]::INTEGER[2]": [1, 2],
    "row(1, 'x')": [1, "x"],
    "union_value(n := 3)": {"n": 3},
    "[[], [[]]]": [[], [[]]],
}
"""SQL expression → the value that its cell must have after the cell's text is parsed as JSON."""

TEXTS = {
    "INTERVAL 1 MONTH": "1 month",
    "INTERVAL '1 year 40 days 00:00:01.5'": "1 year 40 days 00:00:01.5",
    "'a\\x00\\xFF'::BLOB": "a\\x00\\xFF",
    "''::BLOB": "",
    "'b'::ENUM ('a', 'b')": "b",
    "'0101'::BIT": "0101",
    "170141183460469231731687303715884105727::HUGEINT": "170141183460469231731687303715884105727",
    "340282366920938463463374607431768211455::UHUGEINT": "340282366920938463463374607431768211455",
    "9007199254740993": "9007199254740993",
    "'infinity'::TIMESTAMP": "infinity",
    "TIMESTAMP_NS '2026-01-02 03:04:05.123456789'": "2026-01-02 03:04:05.123456789",
    "TIMESTAMPTZ '2026-01-02 03:04:05+02'": "2026-01-02 01:04:05+00",
    "TIMESTAMP '12026-01-02 03:04:05'": "12026-01-02 03:04:05",
    "TIMETZ '03:04:05+02'": "03:04:05+02",
    "'{\"a\": [1,  2]}'::JSON": '{"a": [1,  2]}',
    "'2f9fa3c6-5e4f-4e1f-9a35-0c3d1f2f6a11'::UUID": "2f9fa3c6-5e4f-4e1f-9a35-0c3d1f2f6a11",
    "12345678901234567890.1234::DECIMAL(38, 4)": "12345678901234567890.1234",
    "0.1::FLOAT": "0.1",
    "'nan'::FLOAT": "nan",
}
"""SQL expression → the text of its cell in an exported CSV file."""


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("values") / "copy.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE sales (sku VARCHAR, revenue DECIMAL(18, 4))")
        connection.execute("INSERT INTO sales VALUES ('a', 1.5), ('b', 2.25)")
    return path


def ask(database: Path, sql: str, **limits: Any) -> Result:
    return run_confined(database, sql, Limits(seconds=60, **limits))


def table_of(result: Result) -> Table:
    return result_table(Locale("en", "CNY"), Outcome("", "", result.columns, result.rows, result.is_cut))


def csv_rows(table: Table) -> list[list[str]]:
    return list(csv.reader(io.StringIO(csv_of(table).decode("utf-8-sig"))))


def sheet_rows(table: Table) -> list[list[str | None]]:
    return [[value for _, value in row] for row in sheet(xlsx_of(table, []))]


def strict_json(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is not JSON")

    return json.loads(text, parse_constant=refuse, parse_float=Decimal)


def test_nested_values_are_json_on_the_page_and_in_both_files(database):
    """All values are columns of one query, because each query starts a process, which takes a second."""
    cells = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(NESTED))
    table = table_of(ask(database, f"SELECT {cells} FROM sales"))
    _, in_csv = csv_rows(table)
    _, in_sheet = sheet_rows(table)
    for place, (sql, meant) in enumerate(NESTED.items()):
        assert strict_json(in_csv[place].removeprefix("'")) == meant, sql
        assert in_sheet[place] == in_csv[place].removeprefix("'"), sql
        assert table.columns[place].cell(table.rows[0]) == in_sheet[place], sql
        assert not is_measure(table.columns[place].definition), sql
        assert not is_time(table.columns[place].definition), sql


def test_plain_values_keep_all_digits_and_are_no_python_words(database):
    cells = ", ".join(f"{sql} AS c{place}" for place, sql in enumerate(TEXTS))
    _, in_csv = csv_rows(table_of(ask(database, f"SELECT {cells}")))
    assert dict(zip(TEXTS, in_csv, strict=True)) == TEXTS


def test_a_null_of_any_type_is_nothing(database):
    table = table_of(ask(database, "SELECT NULL::INTEGER[], NULL::STRUCT(a INTEGER), NULL::BLOB, NULL::INTERVAL, NULL"))
    assert csv_rows(table)[1] == [""] * 5


def test_numbers_that_a_sheet_would_round_are_texts_in_it(database):
    sql = "SELECT 12345678901234567890.1234, -1234567.8901::DECIMAL(18, 4), 1208925819614629174706176, 42"
    _, row = sheet_rows(table_of(ask(database, sql)))
    assert row == ["12345678901234567890.1234", "-1234567.8901", "1208925819614629174706176", "42"]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT sku FROM sales ORDER BY sku; -- done",
        "SELECT sku FROM sales ORDER BY sku -- done",
        "/* a; b */ FROM sales SELECT sku ORDER BY sku;;",
        "WITH s AS (FROM sales) SELECT sku FROM s ORDER BY sku",
        "VALUES ('a'), ('b')",
        "SELECT column_name[1:1] FROM (DESCRIBE sales) WHERE FALSE UNION ALL SELECT unnest(['a', 'b'])",
        "SELECT sku FROM sales ORDER BY revenue LIMIT 2",
    ],
)
def test_a_query_may_end_and_look_as_it_likes(database, sql):
    assert ask(database, sql).rows == [["a"], ["b"]]


@pytest.mark.parametrize("sql", ["DESCRIBE sales", "SUMMARIZE sales", "PIVOT sales ON sku IN ('a') USING sum(revenue)"])
def test_statements_that_are_no_select_have_rows(database, sql):
    assert ask(database, sql).rows


def test_columns_of_one_name_get_different_ones(database):
    assert [name for name, _ in ask(database, "SELECT 1 AS a, 2 AS a").columns] == ["a", "a_1"]


# Limits on the size of results -------------------------------------------------------------------------


def test_the_cap_of_a_result_is_in_bytes(database):
    """A Chinese character has three bytes; if the cap counted characters, nine rows of a thousand would fit."""
    result = ask(database, "SELECT repeat('中', 1000) FROM range(100)", bytes=10_000)
    assert (len(result.rows), result.is_cut) == (3, True)
    assert len(json.dumps(result.rows, ensure_ascii=False).encode()) <= 10_000


@pytest.mark.parametrize(
    ("sql", "cut"),
    [
        ("repeat('中', 10)", "中中中中中中… [cut: the first 20 of 30 bytes]"),
        ("range(10)", "[0,1,2,3,4,5,6,7,8,9… [cut: the first 20 of 21 bytes]"),
        ("repeat('x', 20)", "x" * 20),
        ("repeat('x', 100)::BLOB", "x" * 20 + "… [cut: the first 20 of 100 bytes]"),
    ],
)
def test_a_cell_that_is_cut_says_so(database, sql, cut):
    assert ask(database, f"SELECT {sql}", cell_bytes=20).rows == [[cut]]


def test_a_large_list_is_cut_and_hides_no_other_column(database):
    result = ask(database, "SELECT list(range), count(*) FROM range(1000000)")
    ((text, number),) = result.rows
    assert number == 1_000_000
    assert text.startswith("[0,1,2,")
    assert text.endswith("… [cut: the first 1,000,000 of 6,888,891 bytes]")


def test_a_row_too_large_for_a_result_is_an_error_with_a_remedy(database):
    with pytest.raises(QueryError, match="a row of the result has more than 100 bytes; select fewer columns"):
        ask(database, "SELECT repeat('x', 200)", bytes=100)


def test_hover_and_sheet_say_what_they_omit_and_csv_has_all(database):
    table = table_of(ask(database, "SELECT repeat('文', 40000) AS long"))
    column, row = table.columns[0], table.rows[0]
    assert column.full is not None
    assert column.full(row).endswith("… [first 2,000 of 40,000 characters]")
    _, (in_sheet,) = sheet_rows(table)
    assert len(in_sheet) == 32_767
    assert in_sheet.endswith("… [cut: a cell of XLSX holds no more; the CSV file has all 40,000 characters]")
    assert csv_rows(table)[1] == ["文" * 40_000]
