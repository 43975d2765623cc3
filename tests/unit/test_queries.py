"""The queries of pages and the report are in files, and are validated against the existing tables."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import dashboards
from dashboards.queries import all_queries
from pipelines.commands import demo_plan, demo_run
from pipelines.compute.dictionary import markdown
from pipelines.compute.home_check import check_home
from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings
from pipelines.sqlproject.project import load_project
from pipelines.sqlproject.queries import Query, columns_read, faults_of, metric_faults, read_queries, relations

FOLDER = Path(dashboards.__file__).parent
PROJECT = load_project(None, Settings())
TABLES = relations(PROJECT)
TIED = ("core.spend", "attribution.module_daily", "attribution.model_daily")
SQL = re.compile(r"\s*(SELECT|WITH|FROM)\s")
NO_PAGES = {"workbench", "copy", "access"}
"""Parts of the dashboards that have their own SQL: users' queries, the copy of the lake, sign-in."""
OTHERS = {"page.py", "parameters.py", "slices.py"}
"""Files that may contain SQL: the SQL page shows an example query and asks DuckDB for the tables' columns, also to
infer the kinds of parameters; slices rewrite queries of other files."""


def written(name: str, source: str) -> Query:
    return Query(name, "", Path("page.sql"), 1, source)


def code() -> str:
    files = [*FOLDER.rglob("*.py"), Path(demo_run.__file__), Path(demo_plan.__file__)]
    return "\n".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.parametrize("name", all_queries())
def test_queries_of_pages_read_existing_tables_and_columns(name):
    query = all_queries()[name]
    assert list(faults_of(query, TABLES)) == []
    assert columns_read(query, TABLES)
    assert query.about.endswith("."), "what comes after '-- query name:' is a sentence, with its full stop"


def test_every_query_is_used_and_every_used_one_exists():
    named = set(re.findall(r'query\("(\w+\.\w+)"\)', code()))
    assert named <= set(all_queries())
    others = set(all_queries()) - named
    assert {name for name in others if f'"{name}"' not in code()} == {
        name
        for name in all_queries()
        # The code composes the names of these queries from parts.
        if name.startswith("search.") or (name.startswith("slices.") and name != "slices.values")
    }


def strings(tree: ast.AST) -> Iterator[str]:
    return (node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_no_page_writes_sql_of_its_own():
    found = [
        (path.name, text)
        for path in FOLDER.rglob("*.py")
        if path.relative_to(FOLDER).parts[0] not in NO_PAGES and path.name not in OTHERS
        for text in strings(ast.parse(path.read_text(encoding="utf-8")))
        if SQL.match(text)
    ]
    assert found == []


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT revenues FROM attribution.entrance_daily", "unresolved.*revenues"),
        ("SELECT now.revenues FROM attribution.entrance_daily AS now WHERE dt = $day", "unresolved.*revenues"),
        ("SELECT revenue FROM attribution.entrance_dayly", "no such table; did you mean 'attribution.entrance_daily'"),
        ("SELECT revenue FROM attribution.entrance_daily WHERE", "page.sql:1: a: not valid SQL"),
        ("DELETE FROM attribution.entrance_daily", "expected one SELECT"),
        ("SELECT METRICS(revenues) FROM attribution.entrance_daily", "did you mean 'revenue'"),
        ("SELECT METRICS(visitors) FROM attribution.entrance_daily", "unresolved.*person_id"),
        ("SELECT revenue / exposures AS value FROM attribution.entrance_daily", "division-by-zero"),
        ("SELECT avg(click_through_rate) AS click_through_rate FROM attribution.slot_daily", "metric-formula"),
    ],
)
def test_a_breach_is_found(sql, said):
    faults = list(faults_of(written("a", sql), TABLES))
    assert len(faults) == 1
    assert re.search(said, faults[0])


def test_a_fault_has_the_line_of_its_file(tmp_path):
    path = tmp_path / "page.sql"
    two = "-- query two: Two.\nSELECT\n  1 / dt_of AS x\nFROM core.visitors\n"
    path.write_text(f"-- A page.\n\n-- query one: One.\nSELECT dt\nFROM core.visitors;\n\n{two}")
    first, second = read_queries(path).values()
    assert list(faults_of(first, TABLES)) == []
    (fault,) = faults_of(second, TABLES)
    assert fault.startswith(f"{path}:")
    path.write_text(two + two)
    with pytest.raises(HeadwaterError, match=r"'page\.two' is defined twice"):
        read_queries(path)


def test_the_check_holds_pages_and_saved_queries_to_the_tables():
    report = check_home(None, [*all_queries().values(), written("a", "SELECT nothing FROM core.visitors")])
    (fault,) = report.faults
    assert "nothing" in fault


def test_metrics_are_made_of_columns_that_there_are():
    assert list(metric_faults(TABLES)) == []
    without = {**TABLES, "core.visitors": {"dt": "DATE"}}
    (fault,) = metric_faults(without)
    assert "'visitors' in core.visitors: unresolved" in fault


def test_the_dictionary_lists_metrics_and_pages_of_a_table():
    text = markdown(PROJECT, all_queries().values())
    assert "| `revenue_per_buyer` | Revenue per buyer · 客单价 | money | higher | `buyers_revenue / buyers` |" in text
    assert "clicks / exposures; [Module click rate](#metrics) |" in text
    assert re.search(r"\*\*Shown by\*\*: .*`entrances\.total`", text)


def test_the_dictionary_ties_only_columns_that_are_the_metric():
    spend, modules, models = (
        text.split("\n### ")[0] for text in (markdown(PROJECT).split(f"### {table}\n")[1] for table in TIED)
    )
    assert "#metrics" not in spend
    assert re.search(r"`clicks` .*\[Module clicks\]", modules)
    assert re.search(r"`revenue` .*\[Sales\]", models)
    assert re.search(r"`roas` .*\[ROAS\]", models)
