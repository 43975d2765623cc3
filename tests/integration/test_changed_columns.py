"""A model gets a column after it was computed: until the next run, whatever reads its table reports this."""

from __future__ import annotations

import datetime as dt
import shutil
from pathlib import Path

import duckdb
import pytest

from dashboards.app.marts import Copy, Marts, OutdatedError
from dashboards.copy.build import current, publish
from pipelines.compute.catalog import write_catalog
from pipelines.compute.reading import query_rows, write_query
from pipelines.compute.run import DirectEngine
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.lake.partitions import DaySpan
from tests.integration.small_shop import DAYS, DAYS_SQL, add_sql, land_days, new_home
from tests.support import run_selected

AFTER = DAYS_SQL.replace("}}\n*/", "}, persons: {type: BIGINT, description: their persons}}\n*/").replace(
    "AS events", "AS events, COUNT(DISTINCT person_id) AS persons"
)
FAULT = "mine.days: was computed before its columns changed; compute it again: headwater run"


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with two computed days and a copy for the dashboards; then the model gets a column."""
    made = new_home(tmp_path_factory.mktemp("changed") / "home")
    add_sql(made, "mine/days.sql", DAYS_SQL)
    land_days(made, DAYS[:2])
    run_selected(made, "core", "attribution", "mine")
    publish(made)
    add_sql(made, "mine/days.sql", AFTER)
    return made


@pytest.fixture
def home(computed: Home, tmp_path: Path) -> Home:
    return Home(shutil.copytree(computed.root, tmp_path / "home"))


def test_queries_of_other_tables_go_on(home: Home) -> None:
    assert query_rows(home, "SELECT COUNT(*) FROM core.events").rows == [(4,)]


@pytest.mark.parametrize(
    ("computed_again", "query"),
    [
        *(([], f"{select} FROM mine.days") for select in ("SELECT COUNT(*)", "SELECT MAX(events)", "SELECT persons")),
        ([], "SELECT dt FROM mine.days WHERE events > 3"),
        (DAYS[:1], "SELECT persons FROM mine.days"),
        (DAYS[1:2], "SELECT persons FROM mine.days"),
    ],
)
def test_a_query_of_the_table_is_one_line(
    home: Home, computed_again: list[dt.date], query: str, tmp_path: Path
) -> None:
    for day in computed_again:
        DirectEngine(home).compute(["mine.days"], DaySpan(day, day))
    with pytest.raises(HeadwaterError) as caught:
        query_rows(home, query)
    assert str(caught.value) == FAULT
    with pytest.raises(HeadwaterError) as caught:
        write_query(home, query, "csv", tmp_path / "result.csv")
    assert str(caught.value) == FAULT


def test_a_catalogue_and_a_copy_are_refused(home: Home) -> None:
    for make in (write_catalog, publish):
        with pytest.raises(HeadwaterError) as caught:
            make(home)
        assert str(caught.value).startswith(FAULT)


def test_a_page_of_the_earlier_copy_says_what_to_run(home: Home) -> None:
    copy = Marts(home).copy()
    assert copy.one("SELECT SUM(events) AS events FROM mine.days") == {"events": 4}
    for query in ("SELECT persons FROM mine.days", "FROM mine.nothing"):
        with pytest.raises(OutdatedError):
            copy.rows(query)


def test_after_a_run_a_wrong_query_is_a_fault_again(home: Home) -> None:
    DirectEngine(home).compute(["mine.days"], DaySpan(DAYS[0], DAYS[1]))
    publish(home)
    copy_file = current(home)
    assert copy_file is not None
    copy = Copy(home, copy_file)
    assert copy.one("SELECT SUM(persons) AS persons FROM mine.days") == {"persons": 2}
    with pytest.raises(duckdb.BinderException):
        copy.rows("SELECT nothing FROM mine.days")
