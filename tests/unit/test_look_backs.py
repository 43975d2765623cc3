"""How far back tables read events, and which models are refused because old events may be deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.compute.home_check import check_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.settings import Settings
from pipelines.sqlproject.look_backs import DELETED, look_backs
from pipelines.sqlproject.project import Project, load_project
from tests.integration.small_shop import add_sql
from tests.support import make_home

DAY = "dt: {type: DATE, description: day}"
PERSON = "person_id: {type: VARCHAR, description: person}"
NUMBER = "n: {type: BIGINT, description: number}"
WITHIN = "WHERE dt BETWEEN $from_dt AND $to_dt GROUP BY ALL"


def model(columns: tuple[str, ...], query: str, *header: str, grain: str = "dt") -> str:
    lines = ["description: d", f"grain: [{grain}]", *header, "columns:", *(f"  {column}" for column in columns)]
    return "/* model\n" + "\n".join(lines) + f"\n*/\n{query}\n"


PERSONS = model(
    (DAY, PERSON), f"SELECT dt, person_id FROM core.events {WITHIN}", "partition: dt", grain="dt, person_id"
)
COUNTS = model((DAY, NUMBER), f"SELECT dt, COUNT(*) AS n FROM core.events {WITHIN}", "partition: dt")


def home_with(folder: Path, text: str, events_days: int | None = 1000) -> Home:
    home = make_home(folder / "home", settings={"retention": {"events_days": events_days}})
    add_sql(home, "mine/own.sql", text)
    return home


def shipped() -> Project:
    return load_project(None, Settings())


def test_look_backs_add_up_along_tables_with_details():
    found = look_backs(shipped())
    assert found["core.traffic_daily"] == 0
    assert found["attribution.attributed_events"] == 2, "core.events of up to two days before"
    assert found["attribution.attributed_sales"] == 2 + 38, "30 days for carts, 7 for payment, 1 for their hours"
    assert found["attribution.entrance_daily"] == 40
    assert found["core.first_visits"] == 365 + found["core.visitors"]
    assert "products.metrics" not in found, "products.daily is kept for ever"
    assert "core.order_lines" not in found


def test_every_table_with_rows_of_persons_is_a_detail():
    project = shipped()
    events = {*DELETED, *(name for name, found in project.models.items() if found.is_detail)}
    direct = {
        name for name, found in project.models.items() if any(read.table in events for read in project.reads[name])
    }
    assert direct == look_backs(project).keys()
    personal = {"device_id", "user_id", "person_id", "session_id", "order_id", "event_id", "path_id"}
    kept = {name: personal & project.models[name].columns.keys() for name in direct}
    assert {name for name, columns in kept.items() if columns and not project.models[name].is_detail} == set()
    details = {name for name, found in project.models.items() if found.is_detail}
    assert {name for name in details if not kept[name]} == {"core.event_variants"}


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (PERSONS, "has the column person_id"),
        (
            model((NUMBER,), "SELECT COUNT(*) AS n FROM raw.events", "reads: {raw.events: all}", grain="n"),
            "all days of",
        ),
        (
            model(
                (DAY, NUMBER), f"SELECT dt, COUNT(*) AS n FROM core.orders {WITHIN}", "partition: dt", "detail: true"
            ),
            "reads neither events nor other details",
        ),
        (
            model(
                (DAY, NUMBER),
                "SELECT events.dt, COUNT(*) AS n FROM raw.events AS events CROSS JOIN raw.products AS products "
                "WHERE events.dt BETWEEN $from_dt AND $to_dt GROUP BY ALL",
                "partition: dt",
                "reads: {raw.products: all}",
            ),
            "is versioned by its rows",
        ),
    ],
)
def test_models_that_need_deleted_events_are_refused(tmp_path, text, what):
    home = home_with(tmp_path, text)
    with pytest.raises(HeadwaterError, match=what) as refused:
        open_workspace(home)
    assert str(home.sql / "mine" / "own.sql") in str(refused.value)
    assert refused.value.remedy
    assert [what in fault for fault in check_home(home).faults if "mine/own.sql:1: " in fault] == [True]
    home.settings_file.write_text("retention: {}\n", encoding="utf-8")
    open_workspace(home)


@pytest.mark.parametrize("text", [COUNTS, PERSONS.replace("partition: dt", "partition: dt\ndetail: true")])
def test_totals_and_declared_details_are_accepted(tmp_path, text):
    assert look_backs(open_workspace(home_with(tmp_path, text)).project)["mine.own"] == 0


def test_events_are_kept_for_longer_than_any_table_looks_back(tmp_path):
    with pytest.raises(HeadwaterError, match=r"core\.first_visits reads events 367 days back") as refused:
        open_workspace(home_with(tmp_path, COUNTS, events_days=367))
    assert "at least 368" in refused.value.remedy
    assert refused.value.where == str(tmp_path / "home" / "config" / "headwater.yaml")
    open_workspace(home_with(tmp_path, COUNTS, events_days=368))


def test_a_detail_has_a_partition_for_each_day(tmp_path):
    text = model((NUMBER,), "SELECT COUNT(*) AS n FROM core.products", "detail: true", grain="n")
    with pytest.raises(HeadwaterError, match="'detail: true' must have 'partition: dt'"):
        open_workspace(home_with(tmp_path, text, events_days=None))
