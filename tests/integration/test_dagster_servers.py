"""Dagster's webserver and daemon run a home as processes; the tests query and control them through GraphQL."""

from __future__ import annotations

import datetime as dt
import hashlib
import time
from zoneinfo import ZoneInfo

import pytest

from assets.engine import DagsterEngine
from pipelines.compute.checks import grain_check_name
from pipelines.compute.run import run_home
from pipelines.compute.workspace import open_workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.partitions import DaySpan, Lake
from pipelines.simulator import simulate
from pipelines.sqlproject.lineage import column_lineage
from tests.integration.dagster_servers import REPOSITORY_SELECTOR, Servers, asset, executable
from tests.integration.small_shop import add_sql, visit
from tests.support import land, make_home, table

pytestmark = pytest.mark.real

DAYS = DaySpan(dt.date(2026, 3, 1), dt.date(2026, 3, 3)).days
KEYS = [day.isoformat() for day in DAYS]
SENSOR = {**REPOSITORY_SELECTOR, "sensorName": "landing"}
SCHEDULE = {**REPOSITORY_SELECTOR, "scheduleName": "daily"}

NO_ROBOTS = """\
/* check
model: core.events
severity: error
description: No robot visits the shop.
remedy: Show it the door.
*/
SELECT dt, event_id FROM core.events WHERE device_id = 'robot' AND dt BETWEEN $from_dt AND $to_dt
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Three days of a made-up shop, computed by ``headwater run``, in a home that adds a check."""
    for name in ("dagster-webserver", "dagster-daemon"):
        executable(name)
    home = make_home(tmp_path_factory.mktemp("servers") / "shop", settings={"start_date": DAYS[0]})
    add_sql(home, "checks/no_robots.sql", NO_ROBOTS)
    simulate(home.landing, days=len(DAYS), devices=60, seed=1, last_day=DAYS[-1])
    assert not run_home(home, engine=DagsterEngine).has_errors
    return home


@pytest.fixture(scope="module")
def servers(home, tmp_path_factory):
    with Servers(home, tmp_path_factory.mktemp("logs")) as servers:
        yield servers


@pytest.fixture(scope="module")
def project(home):
    return open_workspace(home).project


def by_day(project):
    return [name for name, model in project.models.items() if model.is_partitioned]


# Listings -------------------------------------------------------------------------------------------------


def test_the_assets_are_listed_by_schema_with_what_they_read(servers, project):
    nodes = servers.ask("{ assetNodes { assetKey { path } groupName isPartitioned dependencyKeys { path } } }")
    found = {".".join(node["assetKey"]["path"]): node for node in nodes["assetNodes"]}
    assert found.pop("report")["groupName"] == "reports"
    assert set(found) == {*project.models, *RAW_TABLES, *CONFIG_TABLES}
    assert all(node["groupName"] == name.split(".")[0] for name, node in found.items())
    for name, model in project.models.items():
        reads = {".".join(key["path"]) for key in found[name]["dependencyKeys"]}
        assert reads == {read.table for read in project.reads[name]} - {name}
        assert found[name]["isPartitioned"] == model.is_partitioned


def test_days_are_partitions_and_runs_by_command_are_shown(servers, home, project):
    query = """{ assetNodes { assetKey { path } partitionKeys
        assetPartitionStatuses { ... on TimePartitionStatuses { ranges { status startKey endKey } } } } }"""
    nodes = {".".join(node["assetKey"]["path"]): node for node in servers.ask(query)["assetNodes"]}
    for name in by_day(project):
        assert nodes[name]["partitionKeys"][: len(DAYS)] == KEYS
        days = [
            day.isoformat()
            for found in nodes[name]["assetPartitionStatuses"]["ranges"]
            for day in DaySpan(*map(dt.date.fromisoformat, (found["startKey"], found["endKey"]))).days
        ]
        assert days == sorted(str(day) for day in Lake(home.lake).versions(name) if day), name
    assert {run["status"] for run in servers.runs()} == {"SUCCESS"}


def test_the_checks_are_listed_and_passed(servers, home, project):
    query = """{ assetNodes { assetKey { path } assetChecksOrError { ... on AssetChecks { checks {
        name blocking executionForLatestMaterialization { status } } } } } }"""
    found = {
        (".".join(node["assetKey"]["path"]), check["name"]): check
        for node in servers.ask(query)["assetNodes"]
        for check in node["assetChecksOrError"].get("checks", [])
    }
    blocking = {(name, grain_check_name(model)): True for name, model in project.models.items()}
    blocking |= {
        (name, check.name): check.severity == "error" for name, checks in project.checks.items() for check in checks
    }
    assert {key: check["blocking"] for key, check in found.items()} == blocking
    assert ("core.events", "no_robots") in found
    for (name, check), shown in found.items():
        has_rows = bool(Lake(home.lake).versions(name))  # no check runs on a table without rows
        status = (shown["executionForLatestMaterialization"] or {}).get("status")
        assert status == ("SUCCEEDED" if has_rows else None), check


def test_the_lineage_of_every_column_is_listed(servers, project):
    query = """{ assetNodes { assetKey { path } metadataEntries { ... on TableColumnLineageMetadataEntry {
        lineage { columnName columnDeps { assetKey { path } columnName } } } } } }"""
    found = {}
    for node in servers.ask(query)["assetNodes"]:
        for entry in node["metadataEntries"]:
            for column in entry.get("lineage", ()):
                reads = {(".".join(dep["assetKey"]["path"]), dep["columnName"]) for dep in column["columnDeps"]}
                found[".".join(node["assetKey"]["path"]), column["columnName"]] = reads
    expected = {
        (name, column): set(sources)
        for name, model in project.models.items()
        for column, sources in column_lineage(project, model).items()
    }
    assert {key: reads for key, reads in found.items() if reads} == {k: reads for k, reads in expected.items() if reads}
    assert ("attribution.attributed_sales", "revenue") in found["attribution.entrance_daily", "revenue"]


def test_jobs_schedule_and_sensor_are_listed_and_switched(servers):
    query = """query($repository: RepositorySelector!) { repositoryOrError(repositorySelector: $repository) {
        ... on Repository { jobs { name } sensors { name sensorState { id status } }
        schedules { name scheduleState { id status } futureTicks(limit: 2) { results { timestamp } } } } } }"""

    def listed():
        found = servers.ask(query, repository=REPOSITORY_SELECTOR)["repositoryOrError"]
        return {**found, "schedules": sorted(found["schedules"], key=lambda schedule: schedule["name"])}

    found = listed()
    assert {job["name"] for job in found["jobs"]} == {
        "__ASSET_JOB", "alerts", "ingestion", "report", "retention", "tables",
    }  # fmt: skip
    schedule, report, retention = found["schedules"]
    assert (retention["name"], retention["scheduleState"]["status"]) == ("retention", "RUNNING")
    sensors = {one["name"]: one for one in found["sensors"]}
    assert sorted(sensors) == ["alerts", "landing"]
    sensor = sensors["landing"]
    assert (schedule["name"], schedule["scheduleState"]["status"]) == ("daily", "RUNNING")
    assert (report["name"], report["scheduleState"]["status"]) == ("report", "RUNNING")
    assert (sensor["name"], sensor["sensorState"]["status"]) == ("landing", "RUNNING")
    ticks = [dt.datetime.fromtimestamp(t["timestamp"], dt.UTC) for t in schedule["futureTicks"]["results"]]
    assert [tick.astimezone(ZoneInfo("Asia/Shanghai")).strftime("%H:%M") for tick in ticks] == ["03:00", "03:00"]
    assert dt.timedelta(0) < ticks[0] - dt.datetime.now(dt.UTC) <= dt.timedelta(days=1)

    stop = "mutation($id: String!) { stopRunningSchedule(id: $id) { __typename } }"
    servers.ask(stop, id=schedule["scheduleState"]["id"])
    servers.ask("mutation($id: String!) { stopSensor(id: $id) { __typename } }", id=sensor["sensorState"]["id"])
    found = listed()
    assert found["schedules"][0]["scheduleState"]["status"] == "STOPPED"
    assert {one["name"]: one["sensorState"]["status"] for one in found["sensors"]}["landing"] == "STOPPED"
    start = "mutation($which: ScheduleSelector!) { startSchedule(scheduleSelector: $which) { __typename } }"
    servers.ask(start, which=SCHEDULE)
    assert listed()["schedules"][0]["scheduleState"]["status"] == "RUNNING"


def test_what_was_computed_is_fresh(servers, home, project):
    def healthy():
        nodes = servers.ask("{ assetNodes { assetKey { path } freshnessStatusInfo { freshnessStatus } } }")
        found = {".".join(n["assetKey"]["path"]): n["freshnessStatusInfo"] for n in nodes["assetNodes"]}
        states = {name: info["freshnessStatus"] for name, info in found.items() if info}
        marts = {name for name, model in project.models.items() if model.schema != "core"}
        fresh = {name for name in marts if Lake(home.lake).versions(name)}
        assert set(states) == {*marts, "report"}
        return {name for name, state in states.items() if state == "HEALTHY"} == fresh

    servers.wait("fresh marts", healthy)


# Runs that a user launches --------------------------------------------------------------------------------


def test_a_launched_run_makes_its_partition_and_no_other(servers):
    before = servers.latest(KEYS)
    run = servers.launch("tables", ["attribution.entrance_daily"], {"dagster/partition": KEYS[1]})
    assert run["status"] == "SUCCESS", run["errors"]
    after = servers.latest(KEYS)
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {("attribution.entrance_daily", KEYS[1])}
    assert after["attribution.entrance_daily", KEYS[1]][1] == run["id"]


def test_a_backfill_of_a_range_is_one_run(servers):
    before = servers.latest(KEYS)
    launch = """mutation($params: LaunchBackfillParams!) { launchPartitionBackfill(backfillParams: $params) {
        __typename ... on LaunchBackfillSuccess { backfillId } } }"""
    params = {"assetSelection": [asset("core.events")], "partitionNames": KEYS}
    backfill = servers.ask(launch, params=params)["launchPartitionBackfill"]["backfillId"]
    query = """query($id: String!) { partitionBackfillOrError(backfillId: $id) { ... on PartitionBackfill {
        status runs(limit: 10) { id } } } }"""

    def ended():
        found = servers.ask(query, id=backfill)["partitionBackfillOrError"]
        return found if found["status"].startswith(("COMPLETED", "FAILED", "CANCELED")) else None

    found = servers.wait("the backfill", ended)
    assert found["status"] == "COMPLETED_SUCCESS"
    [run] = found["runs"]
    after = servers.latest(KEYS)
    changed = {key for key in after if after[key] != before.get(key)}
    assert changed == {("core.events", key) for key in KEYS}
    assert {after["core.events", key][1] for key in KEYS} == {run["id"]}


# Runs that the sensor requests ----------------------------------------------------------------------------


def reached_by_events_of(day, project):
    """(table, day) of the partitions that depend on the events of *day*, directly or through other tables.

    They follow from the tables that each model reads and from the number of days that it looks back.
    """
    reached = {("raw.events", day)}
    for name, model in project.models.items():
        if model.is_partitioned and not project.is_versioned_by_content(model):
            reached |= {(name, d) for d in DAYS for read in project.reads[name] if reached & {*project.window(read, d)}}
    return {(name, d.isoformat()) for name, d in reached if name != "raw.events"}


def test_the_sensor_computes_only_what_a_late_file_reaches(servers, home, project):
    before, runs_before = servers.latest(KEYS), len(servers.runs())
    expected = reached_by_events_of(DAYS[1], project)
    assert {name for name, key in expected if key == KEYS[2]} > {"attribution.attributed_events"}
    dropped = time.time()
    land(home, "events", visit(DAYS[1], "latecomer"), "late")
    servers.ask("mutation($w: SensorSelector!) { startSensor(sensorSelector: $w) { __typename } }", w=SENSOR)
    query = """query($w: SensorSelector!) { sensorOrError(sensorSelector: $w) { ... on Sensor {
        sensorState { ticks(limit: 20) { timestamp status skipReason error { message } } } } } }"""

    def done():
        ticks = servers.ask(query, w=SENSOR)["sensorOrError"]["sensorState"]["ticks"]
        assert not [tick["error"] for tick in ticks if tick["error"]]
        return any(t["timestamp"] > dropped and "up to date" in (t["skipReason"] or "") for t in ticks)

    servers.wait("the late file's days", done)
    after = servers.latest(KEYS)
    assert {key for key in after if after[key] != before.get(key)} == expected
    runs = servers.runs()[: len(servers.runs()) - runs_before]
    assert {run["status"] for run in runs} == {"SUCCESS"}
    assert {run["tags"]["dagster/sensor_name"] for run in runs} == {"landing"}
    assert [run["jobName"] for run in runs].count("ingestion") == 1
    assert sum(row["device_id"] == "latecomer" for row in table(home, "core.events")) == 2


def test_a_failed_check_shows_and_blocks(servers, home, project):
    query = "query($w: SensorSelector!) { sensorOrError(sensorSelector: $w) { ... on Sensor { sensorState { id } } } }"
    sensor = servers.ask(query, w=SENSOR)["sensorOrError"]["sensorState"]["id"]
    servers.ask("mutation($id: String!) { stopSensor(id: $id) { __typename } }", id=sensor)
    before, files = servers.latest(KEYS), published(home)

    land(home, "events", visit(DAYS[2], "robot"), "robot")
    assert servers.launch("ingestion", ["raw.batches"])["status"] == "SUCCESS"
    run = servers.launch("tables", by_day(project), {"dagster/partition": KEYS[2]})

    assert run["status"] == "FAILURE"
    told = "core.events: check no_robots (error) found 2 rows on 2026-03-03"
    assert any(told in error and error.endswith("Show it the door.") for error in run["errors"])
    assert all("\n" not in error for error in run["errors"])
    query = """query($key: AssetKeyInput!) { assetCheckExecutions(assetKey: $key, checkName: "no_robots", limit: 1) {
        status runId evaluation { success severity description } } }"""
    [check] = servers.ask(query, key=asset("core.events"))["assetCheckExecutions"]
    assert (check["status"], check["runId"], check["evaluation"]["severity"]) == ("FAILED", run["id"], "ERROR")
    assert told in check["evaluation"]["description"]

    # core.events keeps its old partition, and no table that reads core.events is computed; all other tables are
    # computed. core.event_pages is one of these: it reads only raw events, and core.events reads it.
    after = servers.latest(KEYS)
    changed = {name for name, key in after if after[name, key] != before.get((name, key))}
    reads_events = {name for name, _ in reached_by_events_of(DAYS[2], project)} - {"core.event_pages"}
    assert not changed & reads_events
    assert [file for file in published(home) if file not in files and any(n in file[0] for n in reads_events)] == []
    assert not [row for row in table(home, "core.events") if row["device_id"] == "robot"]
    attribution = {step: status for step, status in run["steps"].items() if step.startswith("attribution")}
    assert set(attribution.values()) <= {"SKIPPED"}


def published(home):
    """The files of the lake's tables, each with a hash of its content."""
    files = sorted(home.lake.rglob("part-0.parquet"))
    return [(".".join(f.relative_to(home.lake).parts[:2]), hashlib.sha256(f.read_bytes()).hexdigest()) for f in files]
