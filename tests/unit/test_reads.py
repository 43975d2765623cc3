"""Which days queries read.

An as-of model reads its own day or earlier days; only tables without daily partitions read all days.
"""

from __future__ import annotations

import pytest

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import init_home
from pipelines.home.settings import Settings
from pipelines.sqlproject.project import Project, load_project
from pipelines.sqlproject.reads import Read
from tests.unit.test_sqlproject import load, refused

AS_OF = "as_of: true\n"
RFM = "SELECT dt, COUNT(*) AS n FROM customers.rfm WHERE"
SETTINGS = Settings.model_validate({"rfm": {"window_days": 10, "compare_days": 5}})
WHOLE = """/* model
description: a test
grain: [n]
{extra}columns:
  n: {{type: BIGINT, description: number}}
*/
"""


def reads(tmp_path, query, extra):
    return load(tmp_path, query, extra).reads["mine.table"]


def test_a_model_as_of_a_day_reads_that_day(tmp_path):
    assert reads(tmp_path, f"{RFM} dt = $dt GROUP BY dt", AS_OF) == (Read("customers.rfm", (0,), is_exact=True),)


def test_a_model_as_of_a_day_reads_single_days_before_it(tmp_path):
    query = f"{RFM} dt = $dt GROUP BY dt UNION ALL {RFM} dt = $dt - 7 GROUP BY dt"
    extra = AS_OF + "reads: {customers.rfm: 7}\n"
    (read,) = reads(tmp_path, query, extra)
    assert (read.offsets, read.is_exact, read.days) == ((0, 7), True, 7)


def test_a_span_of_days_names_none_of_them(tmp_path):
    query = f"{RFM} dt = $dt GROUP BY dt UNION ALL {RFM} dt BETWEEN $dt - 3 AND $dt GROUP BY dt"
    extra = AS_OF + "reads: {customers.rfm: 3}\n"
    (read,) = reads(tmp_path, query, extra)
    assert (read.offsets, read.is_exact) == ((0, 1, 2, 3), False)


def test_shipped_customer_models_read_the_settings_windows():
    project = load_project(None, SETTINGS)
    assert {read.table: read.days for read in project.reads["customers.rfm_values"]} == {
        "core.order_lines": 9,
        "core.refunds": 9,
    }
    assert Read("customers.rfm", (0, 5), is_exact=True) in project.reads["customers.rfm_migration"]
    assert project.reads["customers.cohorts"] == (Read("core.order_lines", None),)


@pytest.mark.parametrize(
    ("query", "extra", "expected"),
    [
        (
            "SELECT dt, page_id AS n FROM core.events WHERE dt = $from_dt - 7",
            "reads: {core.events: 7}\n",
            ":10: core.events is read without a condition on dt; add 'dt BETWEEN $from_dt AND $to_dt'",
        ),
        ("SELECT dt, page_id AS n FROM core.events WHERE dt = $dt", "", "unknown parameter $dt"),
        (f"{RFM} dt BETWEEN $from_dt AND $to_dt GROUP BY dt", AS_OF, "unknown parameter $from_dt"),
        (
            "SELECT $dt AS dt, COUNT(*) AS n FROM customers.rfm",
            AS_OF,
            ":10: customers.rfm is read without a condition on dt; add 'dt = $dt', 'dt = $dt - n' or 'dt BETWEEN",
        ),
        (f"{RFM} dt = $dt + 1 GROUP BY dt", AS_OF, "customers.rfm is read without a condition on dt"),
        (f"{RFM} dt BETWEEN $dt AND $dt + 1 GROUP BY dt", AS_OF, "customers.rfm is read without a condition on dt"),
        (f"{RFM} dt = $dt OR dt = $dt - 7 GROUP BY dt", AS_OF, "customers.rfm is read without a condition on dt"),
        (
            f"{RFM} dt = $dt - 7 GROUP BY dt",
            AS_OF,
            "reads customers.rfm up to 7 days before the computed day; declare this: 'reads: {customers.rfm: 7}'",
        ),
        (
            f"{RFM} dt = $dt - 7 GROUP BY dt",
            AS_OF + "reads: {customers.rfm: 28}\n",
            "'reads' declares customers.rfm up to 28 days before the computed day, but the query reads up to 7",
        ),
        (f"{RFM} dt = $dt GROUP BY dt", AS_OF + "reads: {customers.rfm: week}\n", "names 'week'; known settings are"),
        (
            f"{RFM} dt = $dt GROUP BY dt",
            AS_OF + "reads: {customers.rfm: rfm_window_days / 7}\n",
            "'rfm_window_days / 7' is not a whole number of days",
        ),
        (
            "SELECT $dt AS dt, COUNT(*) AS n FROM core.order_lines",
            AS_OF + "reads: {core.order_lines: all}\n",
            "'all' is not allowed for core.order_lines, only for raw tables",
        ),
        ("SELECT 1 AS n", "as_of: monthly\n", "as_of"),
    ],
)
def test_a_model_that_reads_other_days_than_it_may_is_refused(tmp_path, query, extra, expected):
    assert expected in refused(tmp_path, query, extra)


def test_a_model_as_of_a_day_has_days(tmp_path):
    message = refused(tmp_path, "SELECT COUNT(*) AS n FROM customers.rfm WHERE dt = $dt", AS_OF, header=WHOLE)
    assert "a model as of a day must have 'partition: dt'" in message


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        ("last_days: hours_day\n", "last_days: 'hours_day' names 'hours_day'; known settings are"),
        ("last_days: hours_days / 7\n", "last_days: 'hours_days / 7' is not a whole number of days"),
        (AS_OF + "last_days: 7\n", "'last_days' needs 'partition: dt', and neither 'as_of' nor reads of 'all' days"),
    ],
)
def test_how_many_last_days_a_model_has_is_validated(tmp_path, extra, expected):
    query = "SELECT dt, page_id AS n FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt"
    assert expected in refused(tmp_path, query, extra)


@pytest.mark.parametrize(
    ("table", "may_be"),
    [("core.order_lines", True), ("core.orders", True), ("customers.cohorts", True), ("customers.rfm", False)],
)
def test_a_table_without_days_reads_tables_versioned_by_rows(tmp_path, table, may_be):
    query, extra = f"SELECT COUNT(*) AS n FROM {table}", f"reads: {{{table}: all}}\n"
    if may_be:
        assert load(tmp_path, query, extra, header=WHOLE).reads["mine.table"] == (Read(table, None),)
    else:
        assert f"not allowed for {table}" in refused(tmp_path, query, extra, header=WHOLE)


VERSION = "version: rows\n"
LINES = "SELECT dt, COUNT(*) AS n FROM core.order_lines WHERE dt BETWEEN $from_dt AND $to_dt GROUP BY dt"


@pytest.mark.parametrize(("extra", "by_rows"), [(VERSION, True), ("", False)])
def test_a_model_may_ask_to_be_versioned_by_its_rows(tmp_path, extra, by_rows):
    project = load(tmp_path, LINES, extra)
    assert project.is_versioned_by_content(project.models["mine.table"]) is by_rows


@pytest.mark.parametrize("table", ["core.events", "core.session_starts", "raw.events", "mine.table"])
def test_a_model_versioned_by_rows_reads_only_such_tables(tmp_path, table):
    query = LINES.replace("core.order_lines", table).replace("$from_dt AND $to_dt", "$from_dt - 1 AND $to_dt")
    if table == "mine.table":
        query = f"{LINES} UNION ALL SELECT dt, n FROM mine.table WHERE dt = $from_dt - 1"
    message = refused(tmp_path, query, f"{VERSION}reads: {{{table}: 1}}\n")
    assert f"a model with 'version: rows' cannot read {table}" in message


@pytest.mark.parametrize(("extra", "header"), [("", WHOLE), (AS_OF, None), ("python: math:floor\n", None)])
def test_only_a_query_over_days_is_versioned_by_rows(tmp_path, extra, header):
    query = "SELECT COUNT(*) AS n FROM customers.cohorts"
    message = refused(tmp_path, query, VERSION + extra, **({"header": header} if header else {}))
    assert "must have 'partition: dt', and neither 'as_of' nor 'python'" in message


def test_a_model_reads_no_table_by_days_beside_a_whole_history(tmp_path):
    query = "SELECT COUNT(*) AS n FROM core.order_lines AS l JOIN core.events AS e ON e.sku = l.sku AND e.dt = $from_dt"
    message = refused(tmp_path, query, "reads: {core.order_lines: all}\n", header=WHOLE)
    assert "core.events is read without a condition on dt" in message


def test_a_table_without_days_has_no_parameter_of_days(tmp_path):
    query = "SELECT COUNT(*) AS n FROM core.order_lines AS l WHERE l.dt < $from_dt"
    assert "unknown parameter $from_dt" in refused(tmp_path, query, "reads: {core.order_lines: all}\n", header=WHOLE)


def order_of(project: Project) -> dict[str, int]:
    return {name: place for place, name in enumerate(project.models)}


def test_models_come_after_all_that_they_read():
    project = load_project(None, SETTINGS)
    order = order_of(project)
    for name, place in order.items():
        assert all(order.get(read.table, -1) < place for read in project.reads[name] if read.table != name)
    assert order["core.order_lines"] < order["customers.cohorts"]


def test_a_check_may_look_back_as_its_model_does(tmp_path):
    home, _ = init_home(tmp_path / "shop")
    (home.sql / "checks").mkdir()
    text = "/* check\nmodel: customers.rfm\nseverity: warn\ndescription: x\nremedy: y\n{}*/\n"
    query = "SELECT dt FROM core.order_lines WHERE dt BETWEEN $from_dt - 3 AND $to_dt"
    path = home.sql / "checks" / "mine.sql"
    path.write_text(text.format("reads: {core.order_lines: 3}\n") + query, encoding="utf-8")
    assert load_project(home, Settings()).reads["mine"] == (Read("core.order_lines", (0, 1, 2, 3)),)
    path.write_text(text.format("") + query, encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"reads core.order_lines up to 3 days .*declare this"):
        load_project(home, Settings())
