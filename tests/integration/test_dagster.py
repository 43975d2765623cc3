"""Dagster on a home: how it represents the tables, and what runs record in it."""

from __future__ import annotations

import datetime as dt
import warnings
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest

from assets.automation import range_tags
from assets.definitions import build_definitions
from assets.engine import DagsterEngine
from assets.instance import failed_checks, open_instance
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.lake.partitions import DaySpan
from tests.integration.small_shop import (
    DAYS,
    FIRST,
    add_sql,
    ingest_and_compute,
    land_days,
    new_home,
    plan_of,
    undescribed,
    visit,
)
from tests.support import land, make_home, table


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dg.Definitions]:
    """A home in which nothing has landed, and its Dagster definitions."""
    home = new_home(tmp_path_factory.mktemp("empty") / "home")
    return open_workspace(home), build_definitions(home.root)


# Definitions --------------------------------------------------------------------------------------------


def test_the_code_location_loads_without_warnings(home: Home) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        dg.Definitions.validate_loadable(build_definitions(home.root))


def test_a_missing_home_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(HeadwaterError, match=r"not a Headwater home .*; run 'headwater init"):
        build_definitions(tmp_path)


def test_every_model_is_an_asset_with_what_it_reads(empty: tuple[Workspace, dg.Definitions]) -> None:
    workspace, definitions = empty
    graph = definitions.resolve_asset_graph()
    for name, model in workspace.project.models.items():
        node = graph.get(dg.AssetKey(name.split(".")))
        assert node.group_name == model.schema
        assert node.is_partitioned == model.is_partitioned
        assert node.description == model.description
        reads = {read.table: read.days for read in workspace.project.reads[name] if read.table != name}
        assert {".".join(key.path) for key in node.parent_keys} == set(reads)
        for key in node.parent_keys:
            if model.is_partitioned and graph.get(key).is_partitioned:
                mapping = graph.get_partition_mapping(node.key, key)
                assert mapping == dg.TimeWindowPartitionMapping(start_offset=-(reads[".".join(key.path)] or 0))


def test_no_step_is_split(empty: tuple[Workspace, dg.Definitions]) -> None:
    _, definitions = empty
    steps = [node.definition.name for node in definitions.resolve_job_def("tables").graph.nodes]
    assert len(steps) == len(set(steps)), "steps that read one another are split, and Dagster skips some of the parts"


def test_an_asset_shows_columns_lineage_and_query(empty: tuple[Workspace, dg.Definitions]) -> None:
    _, definitions = empty
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["attribution", "entrance_daily"]))
    columns = {column.name: column.type for column in node.metadata["dagster/column_schema"].columns}
    assert columns["revenue"] == "DECIMAL(18,4)"
    lineage = node.metadata["dagster/column_lineage"].deps_by_column
    sales = dg.AssetKey(["attribution", "attributed_sales"])
    assert lineage["revenue"] == [dg.TableColumnDep(asset_key=sales, column_name="revenue")]
    assert "2026-03-01" in node.metadata["query"].value
    assert node.metadata["model file"].value.endswith("sql/attribution/entrance_daily.sql")


def test_checks_guard_their_tables_and_block(empty: tuple[Workspace, dg.Definitions]) -> None:
    workspace, definitions = empty
    graph = definitions.resolve_asset_graph()
    for name in workspace.project.models:
        key = dg.AssetCheckKey(dg.AssetKey(name.split(".")), name.replace(".", "_") + "_grain")
        assert graph.get(key).blocking
    for checks in workspace.project.checks.values():
        for check in checks:
            key = dg.AssetCheckKey(dg.AssetKey(check.model.split(".")), check.name)
            assert graph.get(key).blocking == (check.severity == "error")


def test_a_setting_is_part_of_its_models_code_version(tmp_path: Path) -> None:
    versions = []
    for hours in (24, 23):  # models read one earlier day with either value, so only the setting itself differs
        settings = {"start_date": FIRST, "attribution": {"head_lookback_hours": hours}}
        home = make_home(tmp_path / str(hours), settings=settings)
        graph = undescribed(home).resolve_asset_graph()
        versions.append({name: graph.get(dg.AssetKey(name.split("."))).code_version for name in TABLES})
    assert versions[0]["attribution.attributed_events"] != versions[1]["attribution.attributed_events"]
    assert versions[0]["core.events"] == versions[1]["core.events"]


TABLES = ("core.events", "attribution.attributed_events")


def test_a_model_of_the_home_becomes_an_asset(home: Home) -> None:
    add_sql(home, "marketing/carts_daily.sql", CARTS_DAILY)
    land_days(home, DAYS[:2])
    graph = undescribed(home).resolve_asset_graph()
    node = graph.get(dg.AssetKey(["marketing", "carts_daily"]))
    assert node.group_name == "marketing"
    assert node.parent_keys == {dg.AssetKey(["core", "events"])}
    engine = DagsterEngine(home)
    engine.ingest()
    engine.compute(["core.entrances"], None)
    engine.compute(["core.events", "marketing.carts_daily"], DaySpan(DAYS[0], DAYS[1]))
    assert table(home, "marketing.carts_daily") == [{"carts": 1, "dt": day} for day in DAYS[:2]]


CARTS_DAILY = """\
/* model
description: Add-to-carts a day.
grain: [dt]
partition: dt
columns:
  dt: {type: DATE, description: business day}
  carts: {type: BIGINT, description: add-to-carts}
*/
SELECT
    dt,
    COUNT(*) AS carts
FROM core.events
WHERE
    event_type = 'add_to_cart'
    AND dt BETWEEN $from_dt AND $to_dt
GROUP BY dt
"""


def test_schemas_that_read_each_other_in_turn_are_computed(home: Home) -> None:
    for name, reads in (("mine.a", "core.events"), ("yours.b", "mine.a"), ("mine.c", "yours.b")):
        add_sql(home, f"{name.replace('.', '/')}.sql", DAYS_OF.format(reads=reads))
    land_days(home, DAYS[:1])
    engine = DagsterEngine(home)
    engine.ingest()
    engine.compute(["core.entrances"], None)
    engine.compute(["core.events", "mine.a", "yours.b", "mine.c"], DaySpan(DAYS[0], DAYS[0]))
    assert table(home, "mine.c") == [{"dt": DAYS[0], "is_there": True}]


DAYS_OF = """\
/* model
description: Days with anything.
grain: [dt]
partition: dt
columns:
  dt: {{type: DATE, description: business day}}
  is_there: {{type: BOOLEAN, description: always}}
*/
SELECT DISTINCT
    dt,
    TRUE AS is_there
FROM {reads}
WHERE dt BETWEEN $from_dt AND $to_dt
"""


# What a run records -------------------------------------------------------------------------------------


def test_a_range_is_written_and_recorded_day_by_day(computed: Home) -> None:
    _, plan = plan_of(computed)
    assert plan.is_empty
    assert len(table(computed, "attribution.attributed_sales")) == len(DAYS)
    with open_instance(computed) as instance:
        for name, versions in plan.expected.items():
            events = materializations(instance, dg.AssetKey(name.split(".")))
            recorded = {event.partition: event for event in events}
            assert len(recorded) == len(events)  # no partition is recorded twice
            assert {k and dt.date.fromisoformat(k) for k in recorded} == versions.keys(), name
            rows = table(computed, name)
            of_day = Counter(str(row.get("dt")) for row in rows)
            for partition, event in recorded.items():
                key = "dagster/partition_row_count" if partition else "dagster/row_count"
                assert event.metadata[key].value == (of_day[partition] if partition else len(rows))
        statuses = {run.status for run in instance.get_runs()}
    assert statuses == {dg.DagsterRunStatus.SUCCESS}
    assert failed_checks(computed) == []


def materializations(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[dg.AssetMaterialization]:
    records = instance.fetch_materializations(key, limit=1000).records
    return [record.asset_materialization for record in records if record.asset_materialization]


def test_a_single_day_shows_a_preview_and_its_version(computed_copy: Home) -> None:
    home = computed_copy
    workspace, plan = plan_of(home)
    with open_instance(home) as instance:
        job = undescribed(home).resolve_job_def("tables")
        core = [dg.AssetKey(name.split(".")) for name in workspace.project.models if name.startswith("core.")]
        # The daily schedule requests tables with daily partitions and tables without partitions.
        result = job.execute_in_process(instance=instance, partition_key=FIRST.isoformat(), asset_selection=core)
    assert result.success
    told = (each.step_materialization_data.materialization for each in result.get_asset_materialization_events())
    event = next(event for event in told if event.asset_key.path == ["core", "events"])
    assert event.partition == FIRST.isoformat()
    assert event.tags["dagster/data_version"] == plan.expected["core.events"][FIRST]
    assert event.tags["dagster/code_version"] == workspace.project.models["core.events"].code_version
    assert event.metadata["seconds"].value >= 0
    assert "2026-03-01-d1-0" in event.metadata["preview"].value


def test_days_without_inputs_are_not_claimed(home: Home) -> None:
    land_days(home, [DAYS[0], DAYS[2]])
    engine = DagsterEngine(home)
    engine.ingest()
    engine.compute(["core.entrances"], None)
    result = engine.compute(["core.events"], DaySpan(DAYS[0], DAYS[3]))
    assert set(result.tables["core.events"].published) == {DAYS[0], DAYS[2]}
    with open_instance(home) as instance:
        claimed = instance.get_materialized_partitions(dg.AssetKey(["core", "events"]))
        assert claimed == {DAYS[0].isoformat(), DAYS[2].isoformat()}

        # A backfill counts a day as failed if no materialization is recorded for it.
        tags = {**range_tags(DaySpan(DAYS[0], DAYS[3])), "dagster/backfill": "a"}
        keys = [dg.AssetKey(["core", "events"])]
        undescribed(home).resolve_job_def("tables").execute_in_process(
            instance=instance, asset_selection=keys, tags=tags
        )
        last = {event.partition: event for event in reversed(materializations(instance, keys[0]))}
    assert {day: event.metadata["dagster/partition_row_count"].value for day, event in last.items()} == {
        DAYS[0].isoformat(): 2,
        DAYS[1].isoformat(): 0,
        DAYS[2].isoformat(): 2,
        DAYS[3].isoformat(): 0,
    }


def test_ingestion_observes_each_batch_and_each_touched_day(computed: Home) -> None:
    with open_instance(computed) as instance:
        batches = instance.fetch_observations(dg.AssetKey(["raw", "batches"]), limit=10).records
        days = instance.fetch_observations(dg.AssetKey(["raw", "events"]), limit=10).records
    files = {r.asset_observation.metadata["file"].value: r.asset_observation for r in batches if r.asset_observation}
    assert set(files) == {f"native/{name}/first.ndjson" for name in ("events", "orders", "order_lines")}
    assert files["native/events/first.ndjson"].metadata["accepted"].value == 2 * len(DAYS)
    observed = {r.asset_observation.partition: r.asset_observation for r in days if r.asset_observation}
    versions = open_workspace(computed).raw.versions("raw.events")
    assert {day: event.data_version for day, event in observed.items()} == {
        day.isoformat(): version for day, version in versions.items() if day
    }


# Checks -------------------------------------------------------------------------------------------------

NO_SECOND_SHOPPER = """\
/* check
model: core.events
severity: {severity}
description: Only one device visits the shop.
remedy: Send the other one home.
*/
SELECT
    dt,
    event_id
FROM core.events
WHERE
    device_id = 'd2'
    AND dt BETWEEN $from_dt AND $to_dt
"""


def test_a_failed_check_keeps_the_old_and_stops_downstream(computed_copy: Home) -> None:
    home = computed_copy
    before = table(home, "core.events"), table(home, "attribution.attributed_events")

    add_sql(home, "checks/no_second_shopper.sql", NO_SECOND_SHOPPER.format(severity="error"))
    land(home, "events", [*visit(DAYS[1], "d2"), *visit(DAYS[2], "d2")], "late")
    engine = DagsterEngine(home)
    engine.ingest()
    result = engine.compute(["core.events", "attribution.attributed_events"], DaySpan(DAYS[0], DAYS[2]))

    assert result.blocked() == {("core.events", DAYS[1]), ("core.events", DAYS[2])}
    assert "attribution.attributed_events" not in result.tables
    assert (table(home, "core.events"), table(home, "attribution.attributed_events")) == before
    with open_instance(home) as instance:
        run = instance.get_runs(limit=1)[0]
        assert run.status == dg.DagsterRunStatus.FAILURE
        last = materializations(instance, dg.AssetKey(["core", "events"]))[0]
        assert last.partition == DAYS[0].isoformat()  # only this day of the range passed the check and was published
    [failed] = failed_checks(home)
    assert (failed.name, failed.table, failed.severity) == ("no_second_shopper", "core.events", "error")
    found = "core.events: check no_second_shopper (error) found 4 rows on 2026-03-02, 2026-03-03; first: dt="
    assert failed.found.startswith(found)
    assert failed.found.endswith("Send the other one home.")


@pytest.mark.real
def test_a_warning_is_shown_and_stops_nothing(home: Home) -> None:
    add_sql(home, "checks/no_second_shopper.sql", NO_SECOND_SHOPPER.format(severity="warn"))
    land_days(home, DAYS[:1])
    land(home, "events", visit(DAYS[0], "d2"), "second")
    ingest_and_compute(home)
    assert plan_of(home)[1].is_empty
    assert [(check.name, check.severity) for check in failed_checks(home)] == [("no_second_shopper", "warn")]


def test_what_was_held_back_before_holds_back_what_reads_it(computed_copy: Home) -> None:
    engine = DagsterEngine(computed_copy)
    result = engine.compute(
        ["attribution.path_summary"], DaySpan(*DAYS[:2]), blocked={("attribution.path_steps", DAYS[1])}
    )
    assert result.blocked() == {("attribution.path_summary", DAYS[1])}
    assert set(result.tables["attribution.path_summary"].published) == {DAYS[0]}


def test_a_broken_query_is_raised_as_it_is(home: Home) -> None:
    broken = CARTS_DAILY.replace("COUNT(*)", "CAST(ERROR('no such luck') AS BIGINT)")
    add_sql(home, "marketing/carts_daily.sql", broken)
    land_days(home, DAYS[:1])
    engine = DagsterEngine(home)
    engine.ingest()
    with pytest.raises(HeadwaterError, match=r"carts_daily\.sql.*no such luck"):
        engine.compute(["core.events", "marketing.carts_daily"], DaySpan(FIRST, FIRST))
    with open_instance(home) as instance:
        assert instance.get_runs(limit=1)[0].status == dg.DagsterRunStatus.FAILURE


def test_what_a_killed_process_left_running_is_ended(home: Home) -> None:
    with open_instance(home) as instance:
        job = undescribed(home).resolve_job_def("ingestion")
        tags = {"headwater/in_process": "true"}
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    DagsterEngine(home).ingest()
    with open_instance(home) as instance:
        left = instance.get_run_by_id(run.run_id)
        assert left is not None
        assert left.status == dg.DagsterRunStatus.FAILURE


# Requests from the UI -----------------------------------------------------------------------------------


def test_a_check_without_its_table_is_refused_in_a_line(computed_copy: Home) -> None:
    check = dg.AssetCheckKey(dg.AssetKey(["core", "events"]), "core_events_grain")
    checks_alone = dg.AssetSelection.checks(check)
    job = dg.define_asset_job("checks_alone", selection=checks_alone)
    definitions = dg.Definitions.merge(undescribed(computed_copy), dg.Definitions(jobs=[job]))
    with open_instance(computed_copy) as instance:
        result = definitions.resolve_job_def("checks_alone").execute_in_process(instance=instance, raise_on_error=False)
    assert failure_of(result) == (
        "Checks run when a table is computed, before it is published: materialize core.events instead."
    )


def failure_of(result: dg.ExecuteInProcessResult) -> str | None:
    [failed] = [event for event in result.all_events if event.is_step_failure]
    data = failed.step_failure_data.user_failure_data
    return data.description if data else None
