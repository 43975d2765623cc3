"""The SQL page: how queries and results are shown, stored and exported, and for which users."""

from __future__ import annotations

import datetime as dt
import json
import math
import os
import re
import stat
import time
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest

from dashboards.access.users import Role
from dashboards.app.context import Context
from dashboards.app.export import csv_of, xlsx_of
from dashboards.app.marts import Copy
from dashboards.app.render import components
from dashboards.app.server import create_app
from dashboards.app.sql.callbacks import Runner
from dashboards.app.sql.page import sql
from dashboards.app.sql.parameters import asked_by, fault_of, values_of
from dashboards.app.sql.results import KEPT_SECONDS, Outcome, Results, new_key
from dashboards.app.sql.saved import saved_queries
from dashboards.app.sql.table import result_table
from dashboards.app.view import LONGEST_QUERY_IN_ADDRESS, View, read_view
from dashboards.blocks import Block, Chart, Group, Part, Table, Text, tables
from dashboards.copy.build import CopyFile
from dashboards.figures.result import MOST, MOST_LINES, MOST_SERIES, Values, result_chart
from dashboards.locale import Locale
from dashboards.texts import Texts
from dashboards.workbench.gate import let_through
from dashboards.workbench.log import last_queries, write_log
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import REPOSITORY, Home, init_home

NOW = dt.datetime(2026, 3, 5, 4, tzinfo=dt.UTC)
HOSTILE = "<script>alert(1)</script>"
RESULT = Outcome(
    "SELECT 1",
    "",
    [("dt", "DATE"), ("sku", "VARCHAR"), ("n", "HUGEINT"), ("revenue", "DECIMAL(18,4)"), ("rate", "DOUBLE")],
    [
        ["2026-03-01", "=cmd()", 3, "-12.5000", 0.25],
        ["2026-03-02", HOSTILE, 2**70, "1234567.8901", 1e-9],
        [None, None, None, None, None],
    ],
    False,
    0.5,
    NOW.isoformat(),
)


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Home:
    return init_home(tmp_path_factory.mktemp("sql") / "home")[0]


@pytest.fixture(scope="module")
def copy(home) -> Copy:
    path = home.root / "copy.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE SCHEMA core")
        connection.execute("CREATE TABLE core.orders (order_id VARCHAR, dt DATE)")
        connection.execute("COMMENT ON TABLE core.orders IS 'Orders.'")
        connection.execute("COMMENT ON COLUMN core.orders.order_id IS 'its <b>name</b>'")
    return Copy(home, CopyFile(path, "1", frozenset({"core.orders"}), {}, NOW, True))


def look_at(copy: Copy, role: Role = "admin", user: str = "mei", **filters: str) -> Context:
    view = View("sql", dt.date(2026, 3, 1), dt.date(2026, 3, 2), filters=filters)
    return Context(view, copy, role, NOW, user)


def kept(copy: Copy, outcome: Outcome, user: str = "mei") -> str:
    key = new_key()
    Results(copy.home).keep(user, key, outcome)
    return key


def shown(context: Context) -> str:
    """The whole page as JSON, as it is sent to the browser."""
    return json.dumps(
        [json.loads(json.dumps(c.to_plotly_json(), default=_plain)) for c in components(context, sql(context))]
    )


def _plain(value: object) -> object:
    return value.to_plotly_json() if hasattr(value, "to_plotly_json") else str(value)


def charts(blocks: list[Block]) -> list[Chart]:
    inner = [block for group in blocks if isinstance(group, Group) for block in charts(list(group.blocks))]
    return [block for block in blocks if isinstance(block, Chart)] + inner


# Who may run queries, and which are run ----------------------------------------------------------------


def test_viewers_are_told_that_it_is_not_for_them(copy):
    (block,) = sql(look_at(copy, "viewer", result=kept(copy, RESULT)))
    assert isinstance(block, Text)
    assert "analysts" in block.text


@pytest.mark.parametrize("callback", ["sql-done.data", "sql-stop.title"])
def test_viewers_run_and_stop_nothing_whatever_they_send(home, callback):
    app = create_app(home)
    app.server.before_request(lambda: _be("viewer"))
    name, _, prop = callback.partition(".")
    states = [("sql-auto", "data", True), ("sql-text", "value", "SELECT 1"), ("sql-next", "data", new_key())]
    if name == "sql-done":
        clicked, states = "sql-run", [*states, ("address", "data", "/sql"), ("sql-values", "data", {})]
    else:
        clicked, states = "sql-stop", [states[2]]
    request = {
        "output": callback,
        "outputs": {"id": name, "property": prop},
        "inputs": [{"id": clicked, "property": "n_clicks", "value": 1}],
        "state": [{"id": i, "property": p, "value": v} for i, p, v in states],
        "changedPropIds": [f"{clicked}.n_clicks"],
    }
    before = last_queries(home, 100)
    answer = app.server.test_client().post("/_dash-update-component", json=request)
    assert answer.status_code == 403
    assert last_queries(home, 100) == before


def _be(role: Role) -> None:
    import flask

    flask.g.role, flask.g.user = role, "vi"


def test_a_query_of_a_link_is_shown_and_not_run(copy):
    before = last_queries(copy.home, 100)
    page = shown(look_at(copy, q="SELECT 42 AS answer"))
    assert "SELECT 42 AS answer" in page
    assert "links never run a query by themselves" in page
    assert last_queries(copy.home, 100) == before


def test_a_long_query_fits_an_address_of_this_page_only():
    query = "x" * LONGEST_QUERY_IN_ADDRESS
    assert read_view("/sql", f"?q={query}").get("q") == query
    assert len(read_view("/overview", f"?q={query}").get("q")) == 200


def test_an_address_names_the_saved_query_the_query_or_neither(home):
    runner, view, key = Runner(home), View("sql", filters={"saved": "sales_by_day", "x": "gone"}), new_key()
    saved = saved_queries(home)["sales_by_day"].sql

    def filters(query: str) -> dict[str, str]:
        return dict(read_view("/sql", runner.address(view, replace(RESULT, sql=query), key).partition("?")[2]).filters)

    assert filters(saved) == {"saved": "sales_by_day", "result": key}
    assert filters("SELECT 1") == {"q": "SELECT 1", "result": key}
    assert filters("SELECT 1" + " " * LONGEST_QUERY_IN_ADDRESS) == {"result": key}


# Results -----------------------------------------------------------------------------------------------


def test_a_result_is_found_by_who_asked_and_nobody_else(home):
    results, key = Results(home), new_key()
    results.keep("mei", key, RESULT)
    assert results.find("mei", key) == RESULT
    assert results.find("lin", key) is None
    assert results.find("mei", new_key()) is None


def test_results_are_for_the_owner_of_the_files_only(home):
    Results(home).keep("mei", new_key(), RESULT)
    folder = home.query_results
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("key", ["", "..", "../../config/headwater.yaml", "x" * 32, "A" * 32, "0" * 31])
def test_what_is_no_key_finds_nothing(home, key):
    assert Results(home).find("mei", key) is None
    with pytest.raises(ValueError):
        Results(home).keep("mei", key, RESULT)


def test_results_go_after_an_hour_and_a_users_oldest_first(home):
    results, first = Results(home), new_key()
    results.keep("old", first, RESULT)
    for path in home.query_results.iterdir():
        os.utime(path, (time.time() - KEPT_SECONDS - 1,) * 2)
    assert results.find("old", first) is None
    keys = [new_key() for _ in range(25)]
    for key in keys:
        results.keep("many", key, RESULT)
    assert sum(results.find("many", key) is not None for key in keys) == 20
    assert len(list(home.query_results.iterdir())) == 20


def test_a_wish_to_stop_is_for_ones_own_query(home):
    results, key = Results(home), new_key()
    results.stop("lin", key)
    assert results.is_stopped("lin", key)
    assert not results.is_stopped("mei", key)


# The page ----------------------------------------------------------------------------------------------


def test_hostile_text_is_text(copy):
    page = shown(look_at(copy, result=kept(copy, RESULT), q=HOSTILE, x=HOSTILE, saved="../../x"))
    assert page.count(HOSTILE) >= 1
    assert '"Markdown"' not in page
    assert "DangerouslySetInnerHTML" not in page
    figure = charts(list(sql(look_at(copy, result=kept(copy, RESULT), x="sku"))))[0].figure
    assert "<script>" not in figure.to_json()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("DROP TABLE core.events", "只能运行只读查询：SELECT、FROM、WITH … SELECT、VALUES、DESCRIBE、SUMMARIZE"),
        ("FROM core.event", "没有数据表 core.event；数据表列在编辑器旁边"),
        ("SELECT getenv('PATH')", "getenv() 不在可用函数之列"),
        ("SELECT 1; SELECT 2", "一次只能运行一条查询，这里有 2 条语句"),
        ("SELEC 1", 'SQL 语法有误：syntax error at or near "SELEC"'),
    ],
)
def test_a_chinese_page_refuses_in_chinese(home, query, said):
    runner = Runner(home)
    assert runner.run(query, "mei", new_key(), language="zh").error == said
    assert not re.search("[一-鿿]", runner.run(query, "mei", new_key(), language="en").error)


def test_an_error_is_an_alert(copy):
    page = shown(look_at(copy, result=kept(copy, Outcome("SELECT x", "there is no column x"))))
    alerts = page.count('"role": "alert"')
    assert alerts == shown(look_at(copy)).count('"role": "alert"') + 1
    assert "there is no column x" in page


def test_a_result_that_is_gone_says_so(copy):
    assert "no longer available" in shown(look_at(copy, result=new_key(), q="SELECT 1"))
    assert "no longer available" in shown(look_at(copy, result=kept(copy, RESULT, "lin")))


def test_rows_seconds_and_what_is_cut_are_said(copy):
    page = shown(look_at(copy, result=kept(copy, replace(RESULT, is_cut=True))))
    assert "3 rows in 0.50 seconds" in page
    assert "Only the first 3 rows; there are more" in page


def test_the_tables_are_there_with_what_they_mean(copy):
    page = shown(look_at(copy))
    assert "core.orders" in page
    assert "Orders." in page
    assert "its <b>name</b>" in page


@pytest.mark.parametrize("role", ["analyst", "admin"])
def test_analysts_see_their_own_queries_admins_everybodys(copy, role):
    for user in ("mei", "lin"):
        write_log(copy.home, at=NOW, user=user, sql=f"SELECT '{user}'", outcome="ok", seconds=0.1, rows=1)
    (recent,) = [table for table in tables(list(sql(look_at(copy, role)))) if table.key == "recent"]
    assert {row["user"] for row in recent.rows} >= ({"mei"} if role == "analyst" else {"mei", "lin"})
    assert ("lin" in {row["user"] for row in recent.rows}) is (role == "admin")
    assert len(recent.rows) <= 20


def test_a_broken_line_of_the_log_harms_nobody(home):
    write_log(home, at=NOW, user="mei", sql="SELECT 1", outcome="ok", seconds=0.1, rows=1)
    with home.query_log.open("a") as handle:
        handle.write('{"at": "2026\n[1]\n\n')
    assert last_queries(home, 1, "mei")[0]["sql"] == "SELECT 1"


# Files -------------------------------------------------------------------------------------------------


def test_values_keep_their_types_and_digits():
    table = result_table(Locale("en", "CNY"), RESULT)
    assert table.rows[0] == {"0": dt.date(2026, 3, 1), "1": "=cmd()", "2": 3, "3": Decimal("-12.5"), "4": 0.25}
    assert table.rows[1]["2"] == str(2**70), "a number that a spreadsheet would round"
    assert [column.cell(table.rows[0]) for column in table.columns] == ["2026-03-01", "=cmd()", "3", "-12.50", "0.25"]
    assert table.columns[3].cell(table.rows[1]) == "1,234,567.8901"
    assert [column.cell(table.rows[2]) for column in table.columns] == ["–"] * 5


def test_files_hold_what_is_shown_and_no_formula():
    table = result_table(Locale("en", "CNY"), RESULT)
    lines = csv_of(table).decode("utf-8-sig").splitlines()
    assert lines[0] == "dt,sku,n,revenue,rate"
    assert lines[1] == "2026-03-01,'=cmd(),3,-12.5000,0.25"
    assert lines[3] == ",,,,"
    assert xlsx_of(table, [("rows", "3")]).startswith(b"PK")


def test_columns_of_one_name_are_two():
    outcome = replace(RESULT, columns=[("a", "INTEGER"), ("a", "INTEGER")], rows=[[1, 2]])
    table = result_table(Locale("en", "CNY"), outcome)
    assert [column.value(table.rows[0]) for column in table.columns] == [1, 2]


def test_days_that_no_spreadsheet_knows_stay_texts():
    outcome = replace(RESULT, columns=[("a", "DATE")], rows=[["0044-03-15"], ["9999-12-31"], ["5877642-06-25 (BC)"]])
    table = result_table(Locale("en", "CNY"), outcome)
    assert [row["0"] for row in table.rows] == ["0044-03-15", dt.date(9999, 12, 31), "5877642-06-25 (BC)"]
    assert xlsx_of(table, []).startswith(b"PK")


# Charts ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", MOST)
@pytest.mark.parametrize(
    "x",
    [
        Values("x", ["a", None, HOSTILE], "text"),
        Values("x", ["2026-03-01", "2026-03-02", None], "time"),
        Values("x", [1.5, None, -3.0], "number"),
    ],
)
@pytest.mark.parametrize("heights", [[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [None, None, None], [-5.0, None, 1e12]])
def test_any_result_can_be_drawn(kind, x, heights):
    figure = result_chart(Locale("zh", "CNY"), kind, x, [Values("<i>y</i>", heights, "number")])
    said = figure.to_json()
    assert "<script>" not in said
    assert "<i>" not in said


def test_a_chart_of_days_is_a_line_and_of_names_bars(copy):
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, RESULT)))))
    assert chart.figure.data[0].type == "scatter"
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, RESULT), x="sku", y="revenue"))))
    assert chart.figure.data[0].type == "bar"


SOLD = replace(
    RESULT,
    columns=[
        ("sku", "VARCHAR"),
        ("product_id", "VARCHAR"),
        ("name", "VARCHAR"),
        ("sold", "BIGINT"),
        ("rate", "DOUBLE"),
    ],
    rows=[[f"v{n}", f"p{n}", f"Lamp {n}", 30 - n, n % 3] for n in range(30)],
)


def test_bars_show_names_and_what_the_rows_are_sorted_by(copy):
    of_products = replace(SOLD, columns=SOLD.columns[1:], rows=[row[1:] for row in SOLD.rows])
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, of_products)))))
    assert [column.title for column in chart.table.columns] == ["name", "sold"]
    assert len(chart.table.rows) == MOST_LINES


def test_unsorted_rows_are_drawn_by_their_last_number(copy):
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, replace(SOLD, rows=SOLD.rows[::-1]))))))
    assert [column.title for column in chart.table.columns] == ["sku", "rate"]


DAYS_AND_NAMES = replace(
    RESULT,
    columns=[("dt", "DATE"), ("entrance_id", "VARCHAR"), ("revenue", "DECIMAL(18,4)")],
    rows=[
        ["2026-03-02", "search", "5.0000"],
        ["2026-03-01", "search", "3.0000"],
        ["2026-03-01", "feed", "2.0000"],
        ["2026-03-02", None, "1.0000"],
    ],
)


def test_rows_that_share_a_day_are_a_line_for_each_name(copy):
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, DAYS_AND_NAMES)))))
    lines = {trace.name: (list(trace.x), list(trace.y)) for trace in chart.figure.data}
    assert lines == {
        "search": (["2026-03-01", "2026-03-02"], [3.0, 5.0]),
        "feed": (["2026-03-01"], [2.0]),
        "–": (["2026-03-02"], [1.0]),
    }
    assert [column.title for column in chart.table.columns] == ["dt", "entrance_id", "revenue"]


@pytest.mark.parametrize(("asked", "traces"), [("*", 1), ("entrance_id", 3), ("dt", 2), ("no such column", 3)])
def test_the_series_is_chosen_by_the_address(copy, asked, traces):
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, DAYS_AND_NAMES), series=asked))))
    assert len(chart.figure.data) == traces


@pytest.mark.parametrize("kind", MOST)
def test_no_bar_hides_another_of_its_series(kind):
    x, y = Values("x", ["a", "a", "b", "a"], "text"), Values("y", [1.0, 2.0, 3.0, 4.0], "number")
    figure = result_chart(Locale("en", "USD"), kind, x, [y], Values("s", ["p", "p", "p", "q"], "text"))
    first, second = figure.data
    assert len(set(first.x)) == 3
    assert second.x[0] == first.x[0]  # at the same x, so the two series are side by side
    assert list(figure.layout.xaxis.ticktext) == ["a", "a", "b"]


@pytest.mark.parametrize("kind", MOST)
@pytest.mark.parametrize("series", [["a", None, HOSTILE], [1.5, None, math.nan], ["2026-03-01", None, "2026-03-01"]])
def test_any_series_can_be_drawn(kind, series):
    x, y = Values("x", ["a", None, HOSTILE], "text"), Values("y", [None, 2.0, -1.0], "number")
    figure = result_chart(Locale("zh", "CNY"), kind, x, [y], Values("s", series, "text"))
    assert sum(len(trace.x) for trace in figure.data) == 3
    assert "<script>" not in figure.to_json()


def test_series_that_are_too_many_are_said_to_be_left_out(copy):
    names = [f"n{number}" for number in range(MOST_SERIES + 2)]
    outcome = replace(
        DAYS_AND_NAMES, rows=[[day, name, "1.0"] for day in ("2026-03-01", "2026-03-02") for name in names]
    )
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, outcome)))))
    assert [trace.name for trace in chart.figure.data] == names[:MOST_SERIES]
    assert f"first {MOST_SERIES} of {len(names)} series" in chart.notes[0]


SEVERAL = replace(
    RESULT,
    columns=[("dt", "DATE"), ("revenue", "DECIMAL(18,4)"), ("orders", "BIGINT"), ("buyers", "BIGINT")],
    rows=[["2026-03-01", "5.0000", 2, 1], ["2026-03-02", "3.0000", 4, 3]],
)


def test_several_columns_are_a_series_each(copy):
    view = read_view("/sql", "?y=orders&y=revenue&y=gone")
    assert read_view("/sql", view.query) == view
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, SEVERAL), y=view.get("y")))))
    assert [(trace.name, list(trace.y)) for trace in chart.figure.data] == [
        ("orders", [2.0, 4.0]),
        ("revenue", [5.0, 3.0]),
    ]
    assert [column.title for column in chart.table.columns] == ["dt", "orders", "revenue"]


def test_stacked_bars_fit_the_axis(copy):
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, DAYS_AND_NAMES), kind="stacked"))))
    assert {trace.type for trace in chart.figure.data} == {"bar"}
    assert chart.figure.layout.barmode == "relative"
    low, high = chart.figure.layout.yaxis.range
    assert low == 0
    assert 6 <= high < 8  # the highest stack is 5 + 1


def test_a_stack_of_many_series_has_its_full_height(copy):
    many = replace(
        DAYS_AND_NAMES,
        columns=[("dt", "DATE"), ("name", "VARCHAR"), ("n", "BIGINT")],
        rows=[[day, f"s{n}", n] for day in ("2026-03-01", "2026-03-02") for n in range(9)],
    )
    (chart,) = charts(list(sql(look_at(copy, result=kept(copy, many), kind="stacked"))))
    assert (len(chart.figure.data), chart.figure.data[-1].name) == (7, "Other (3)")
    assert [sum(trace.y[day] for trace in chart.figure.data) for day in (0, 1)] == [36, 36]
    assert chart.notes == ()
    (lines,) = charts(list(sql(look_at(copy, result=kept(copy, many), kind="line"))))
    assert len(lines.figure.data) == 6
    assert "first 6 of 9" in lines.notes[0]


@pytest.mark.parametrize("kind", MOST)
def test_a_truncated_result_says_so_on_the_chart(copy, kind):
    whole, cut = (
        charts(list(sql(look_at(copy, result=kept(copy, replace(SEVERAL, is_cut=is_cut)), kind=kind))))[0]
        for is_cut in (False, True)
    )
    assert (whole.notes, whole.figure.layout.annotations) == ((), ())
    assert "Only the first 2 rows" in cut.notes[0]
    assert [note.text for note in cut.figure.layout.annotations] == ["Only the first 2 rows are drawn; there are more"]


# Parameters --------------------------------------------------------------------------------------------

ASKING = "SELECT * FROM core.orders WHERE dt >= $since AND order_id <> $other LIMIT $most"


def test_each_parameter_has_an_input_of_its_kind(copy):
    page = shown(look_at(copy, q=ASKING, **{"p.since": "2026-03-01", "p.other": "A1", "p.unused": "7"}))
    for name in ("$since", "$other", "$most"):
        assert f'"label": "{name}"' in page
    assert '"type": "DateInput"' in page
    assert '"value": "2026-03-01"' in page
    assert '"value": "A1"' in page
    assert "$unused" not in page


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({}, "Give a value for $since, $other, $most."),
        (
            {"since": "2026-02-30", "other": "x", "most": "5"},
            "$since takes a date such as 2026-11-11, not “2026-02-30”.",
        ),
        ({"since": "2026-03-01", "other": "x", "most": "five"}, "$most takes a number, not “five”."),
        ({"since": "2026-03-01", "other": "x" * 201, "most": "5"}, "The value of $other is too long"),
        ({"since": "2026-03-01", "other": "x", "most": " 5 "}, ""),
    ],
)
def test_missing_and_wrong_values_are_named(copy, values, said):
    fault = fault_of(Texts("en"), asked_by(ASKING, copy), values)
    assert fault.startswith(said)
    assert bool(fault) == bool(said)


def test_the_address_keeps_the_values(home):
    runner, view = Runner(home), View("sql", filters={"p.old": "1", "q": "SELECT $old"})
    outcome = replace(RESULT, sql=ASKING, values={"since": "2026-03-01", "other": "a&b"})
    again = read_view("/sql", runner.address(view, outcome, new_key()).partition("?")[2])
    assert values_of(again) == {"since": "2026-03-01", "other": "a&b"}


def test_a_saved_query_gives_its_parameters_values(home, copy):
    path = home.saved_queries / "parameter_test.sql"
    path.write_text(
        "-- Newest | 最新\n-- $since = 2026-03-01 | From day | 起始日\n-- $most = 5\n"
        "SELECT * FROM core.orders WHERE dt >= $since LIMIT $most",
        encoding="utf-8",
    )
    try:
        saved = saved_queries(home)["parameter_test"]
        assert (saved.titles["zh"], saved.abouts["en"]) == ("最新", "")
        assert saved.values == {"since": "2026-03-01", "most": "5"}
        assert saved.labels == {"since": {"en": "From day", "zh": "起始日"}}
        page = shown(look_at(copy, saved="parameter_test", **{"p.most": "9"}))
        assert '"label": "From day"' in page
        assert '"data": {"since": "2026-03-01", "most": "9"}' in page
        assert '"id": "sql-auto", "data": true' in page.replace(
            '"data": true, "id": "sql-auto"', '"id": "sql-auto", "data": true'
        )
        assert '"id": "sql-auto", "data": false' in shown(look_at(copy, saved="parameter_test", **{"p.most": "many"}))
    finally:
        path.unlink()


def test_a_cut_result_is_not_sorted(copy):
    for is_cut in (True, False):
        table = result_table(Locale("en", "USD"), replace(RESULT, is_cut=is_cut))
        assert table.is_sortable is not is_cut


def test_a_saved_query_that_is_not_there_is_said_to_be_so(copy):
    said = look_at(copy).locale.text("sql.saved.unknown", name="nothing")
    assert json.dumps(said)[1:-1] in shown(look_at(copy, saved="nothing"))


def test_a_result_without_numbers_has_no_chart(copy):
    outcome = replace(RESULT, columns=[("a", "VARCHAR"), ("b", "VARCHAR")], rows=[["x", "y"], ["z", "w"]])
    assert charts(list(sql(look_at(copy, result=kept(copy, outcome))))) == []


# Saved queries -----------------------------------------------------------------------------------------


def test_shipped_queries_are_named_in_both_languages_and_run(home):
    project = open_workspace(home)
    known = {*project.project.models, *("config.segments",)}
    queries = saved_queries(home)
    assert len(queries) == 11
    for query in queries.values():
        assert query.titles["en"] != query.titles["zh"]
        assert query.abouts["en"] != query.abouts["zh"]
        assert let_through(query.sql, known)


def test_a_home_has_its_own(tmp_path):
    home = Home(tmp_path)
    folder = home.config / "queries"
    folder.mkdir(parents=True)
    (folder / "mine.sql").write_text("-- Mine\n-- only | 只有\nSELECT 1 -- one", encoding="utf-8")
    (folder / "bare.sql").write_text("SELECT 2", encoding="utf-8")
    (folder / "long.sql").write_text("SELECT " + "1 + " * 6000 + "1", encoding="utf-8")
    (folder / "broken.sql").write_bytes(b"-- \xff\nSELECT 3")
    (folder / "not allowed.sql").write_text("SELECT 4", encoding="utf-8")
    queries = saved_queries(home)
    assert list(queries) == ["bare", "mine"]
    assert queries["mine"].titles == {"en": "Mine", "zh": "Mine"}
    assert queries["mine"].abouts == {"en": "only", "zh": "只有"}
    assert queries["bare"].titles["en"] == "bare"
    assert saved_queries(Home(tmp_path / "none")) == {}


def test_the_shipped_queries_are_files_of_the_repository():
    assert {path.stem for path in (REPOSITORY / "config" / "queries").glob("*.sql")} == set(
        saved_queries(Home(REPOSITORY))
    )


def test_the_editor_is_a_part_and_its_files_are_tables(copy):
    blocks = list(sql(look_at(copy, result=kept(copy, RESULT))))
    assert [table.key for table in tables(blocks)] == ["result", "chart", "recent"]
    assert any(isinstance(block, Part) for group in blocks if isinstance(group, Group) for block in group.blocks)
    assert all(isinstance(table, Table) for table in tables(blocks))
