"""Dagster over a home: what it knows of the tables, what runs leave behind, what is asked for by itself."""

from __future__ import annotations

import datetime as dt
import warnings
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from pipelines.definitions import build_definitions
from pipelines.duck import session
from pipelines.errors import HeadwaterError
from pipelines.home import Home, home_lock
from pipelines.launch import DagsterEngine, failed_checks, open_instance
from pipelines.planner import Plan, make_plan, segments
from pipelines.workspace import Workspace, open_workspace
from tests.support import land, make_home, table

Row = dict[str, Any]

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(4)]


# A small shop -------------------------------------------------------------------------------------------


def visit(day: dt.date, device: str = "d1", sku: str = "s1") -> list[Row]:
    """A click on the home banner and the add-to-cart that it led to."""
    click = {"event_type": "click", "page_id": 1, "page_type": "home", "module": "banner", "slot": 1, "sku": None}
    cart = {"event_type": "add_to_cart", "page_id": 2, "page_type": "item", "module": "buy", "slot": 1, "sku": sku}
    rows = []
    for number, event in enumerate((click, cart)):
        time = f"{day}T03:00:{number:02d}Z"
        name = f"{day}-{device}-{number}"
        rows.append({"event_id": name, "device_id": device, "user_id": "u1", "device_time": time, **event})
    return rows


def order(day: dt.date, number: int = 1) -> tuple[Row, Row]:
    """An order of one line, paid at once."""
    time = f"{day}T05:00:00Z"
    key = f"{day}-{number}"
    header = {"order_id": key, "user_id": "u1", "status": "paid", "ordered_at": time, "paid_at": time}
    line = {"order_id": key, "line_no": 1, "sku": "s1", "quantity": 1, "unit_price": "10.00", "discount": "0"}
    return header, line


def land_days(home: Home, days: list[dt.date], name: str = "first") -> None:
    orders = [order(day) for day in days]
    land(home, "events", [event for day in days for event in visit(day)], name)
    land(home, "orders", [header for header, _ in orders], name)
    land(home, "order_lines", [line for _, line in orders], name)


def new_home(folder: Path) -> Home:
    return make_home(folder, settings={"start_date": FIRST})


def add_sql(home: Home, path: str, text: str) -> None:
    file = home.sql / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def plan_of(home: Home) -> tuple[Workspace, Plan]:
    workspace = open_workspace(home)
    with session(home, workspace.settings) as connection:
        return workspace, make_plan(workspace, connection)


def compute_stale(home: Home, engine: DagsterEngine) -> None:
    """What ``headwater run`` does after ingestion."""
    _, plan = plan_of(home)
    whole = {name for name, keys in plan.stale.items() if None in keys}
    if whole:
        engine.compute(whole, None, None)
    for segment in segments(plan.stale, plan.expected):
        engine.compute(segment.tables, segment.first, segment.last)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return new_home(tmp_path / "home")


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose days are all computed; for tests that do not change it."""
    home = new_home(tmp_path_factory.mktemp("computed") / "home")
    land_days(home, DAYS)
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    return home


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dg.Definitions]:
    """A home in which nothing has landed, and its definitions."""
    home = new_home(tmp_path_factory.mktemp("empty") / "home")
    return open_workspace(home), build_definitions(home.root)


# What Dagster knows -------------------------------------------------------------------------------------


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
        reads = {read.table: read.days for read in workspace.project.reads[name]}
        assert {".".join(key.path) for key in node.parent_keys} == set(reads)
        for key in node.parent_keys:
            if model.is_partitioned and graph.get(key).is_partitioned:
                mapping = graph.get_partition_mapping(node.key, key)
                assert mapping == dg.TimeWindowPartitionMapping(start_offset=-(reads[".".join(key.path)] or 0))


def test_an_asset_shows_columns_lineage_and_query(empty: tuple[Workspace, dg.Definitions]) -> None:
    _, definitions = empty
    node = definitions.resolve_asset_graph().get(dg.AssetKey(["attribution", "entrance_daily"]))
    columns = {column.name: column.type for column in node.metadata["dagster/column_schema"].value.columns}
    assert columns["revenue"] == "DECIMAL(18,4)"
    lineage = node.metadata["dagster/column_lineage"].value.deps_by_column
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


def test_a_setting_is_part_of_the_code_version_of_the_models_that_use_it(tmp_path: Path) -> None:
    versions = []
    for hours in (24, 23):  # the same number of days back
        settings = {"start_date": FIRST, "attribution": {"head_lookback_hours": hours}}
        home = make_home(tmp_path / str(hours), settings=settings)
        graph = build_definitions(home.root).resolve_asset_graph()
        versions.append({name: graph.get(dg.AssetKey(name.split("."))).code_version for name in TABLES})
    assert versions[0]["attribution.attributed_events"] != versions[1]["attribution.attributed_events"]
    assert versions[0]["core.events"] == versions[1]["core.events"]


TABLES = ("core.events", "attribution.attributed_events")


def test_a_model_of_the_home_becomes_an_asset(home: Home) -> None:
    add_sql(home, "marketing/carts_daily.sql", CARTS_DAILY)
    land_days(home, DAYS[:2])
    graph = build_definitions(home.root).resolve_asset_graph()
    node = graph.get(dg.AssetKey(["marketing", "carts_daily"]))
    assert node.group_name == "marketing"
    assert node.parent_keys == {dg.AssetKey(["core", "events"])}
    engine = DagsterEngine(home)
    engine.ingest()
    engine.compute(["core.entrances"], None, None)
    engine.compute(["core.events", "marketing.carts_daily"], DAYS[0], DAYS[1])
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


# What a run leaves behind -------------------------------------------------------------------------------


def test_a_range_is_written_and_recorded_day_by_day(computed: Home) -> None:
    _, plan = plan_of(computed)
    assert plan.is_empty
    assert len(table(computed, "attribution.attributed_sales")) == len(DAYS)
    with open_instance(computed) as instance:
        for name, versions in plan.expected.items():
            key = dg.AssetKey(name.split("."))
            recorded = {event.partition: event for event in materializations(instance, key)}
            assert {k and dt.date.fromisoformat(k) for k in recorded} == versions.keys(), name
            for partition, event in recorded.items():
                day = partition and dt.date.fromisoformat(partition)
                rows = "dagster/partition_row_count" if partition else "dagster/row_count"
                assert event.metadata[rows].value == rows_of(computed, name, day)
        statuses = {run.status for run in instance.get_runs()}
    assert statuses == {dg.DagsterRunStatus.SUCCESS}
    assert failed_checks(computed) == []


def materializations(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[dg.AssetMaterialization]:
    records = instance.fetch_materializations(key, limit=1000).records
    return [record.asset_materialization for record in records if record.asset_materialization]


def rows_of(home: Home, name: str, day: dt.date | None) -> int:
    return sum(1 for row in table(home, name) if day is None or row["dt"] == day)


def test_a_single_day_shows_a_preview_and_its_version(home: Home) -> None:
    land_days(home, DAYS[:1])
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    workspace, plan = plan_of(home)
    with open_instance(home) as instance:
        job = build_definitions(home.root).resolve_job_def("tables")
        result = job.execute_in_process(instance=instance, partition_key=FIRST.isoformat())
    assert result.success
    events = result.asset_materializations_for_node("core_by_day")
    event = next(e for e in events if e.asset_key.path == ["core", "events"])
    assert event.partition == FIRST.isoformat()
    assert event.tags["dagster/data_version"] == plan.expected["core.events"][FIRST]
    assert event.tags["dagster/code_version"] == workspace.project.models["core.events"].code_version
    assert event.metadata["seconds"].value >= 0
    assert "2026-03-01-d1-0" in event.metadata["preview"].value


def test_days_without_inputs_are_not_claimed(home: Home) -> None:
    land_days(home, [DAYS[0], DAYS[2]])
    engine = DagsterEngine(home)
    engine.ingest()
    engine.compute(["core.entrances"], None, None)
    result = engine.compute(["core.events"], DAYS[0], DAYS[3])
    assert set(result.tables["core.events"].published) == {DAYS[0], DAYS[2]}
    with open_instance(home) as instance:
        claimed = instance.get_materialized_partitions(dg.AssetKey(["core", "events"]))
    assert claimed == {DAYS[0].isoformat(), DAYS[2].isoformat()}


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


def test_a_failed_check_keeps_the_old_partition_and_stops_what_is_downstream(home: Home) -> None:
    land_days(home, DAYS[:2])
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    before = table(home, "core.events"), table(home, "attribution.attributed_events")

    add_sql(home, "checks/no_second_shopper.sql", NO_SECOND_SHOPPER.format(severity="error"))
    land(home, "events", [event for day in DAYS[:3] for event in visit(day, "d2")][4:] + visit(DAYS[1], "d2"), "late")
    engine = DagsterEngine(home)
    engine.ingest()
    result = engine.compute(["core.events", "attribution.attributed_events"], DAYS[0], DAYS[2])

    assert result.held() == {("core.events", DAYS[1]), ("core.events", DAYS[2])}
    assert "attribution.attributed_events" not in result.tables
    assert (table(home, "core.events"), table(home, "attribution.attributed_events")) == before
    with open_instance(home) as instance:
        run = instance.get_runs(limit=1)[0]
        assert run.status == dg.DagsterRunStatus.FAILURE
        last = materializations(instance, dg.AssetKey(["core", "events"]))[0]
        assert last.partition == DAYS[0].isoformat()  # the only one of the range that was published again
    assert failed_checks(home) == [
        (
            "no_second_shopper",
            "core.events: check no_second_shopper (error) found 4 rows on 2026-03-02, 2026-03-03; "
            "first: dt=2026-03-02, event_id=2026-03-02-d2-0. Send the other one home.",
            "error",
        )
    ]


def test_a_warning_is_shown_and_stops_nothing(home: Home) -> None:
    add_sql(home, "checks/no_second_shopper.sql", NO_SECOND_SHOPPER.format(severity="warn"))
    land_days(home, DAYS[:1])
    land(home, "events", visit(DAYS[0], "d2"), "second")
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    assert plan_of(home)[1].is_empty
    assert [(name, level) for name, _, level in failed_checks(home)] == [("no_second_shopper", "warn")]


def test_what_was_held_back_before_holds_back_what_reads_it(home: Home) -> None:
    land_days(home, DAYS[:2])
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    result = engine.compute(["attribution.path_summary"], *DAYS[:2], held={("attribution.path_steps", DAYS[1])})
    assert result.held() == {("attribution.path_summary", DAYS[1])}
    assert set(result.tables["attribution.path_summary"].published) == {DAYS[0]}


def test_a_broken_query_is_raised_as_it_is(home: Home) -> None:
    add_sql(
        home, "marketing/carts_daily.sql", CARTS_DAILY.replace("COUNT(*)", "error('no such luck')::BIGINT + COUNT(*)")
    )
    land_days(home, DAYS[:1])
    engine = DagsterEngine(home)
    engine.ingest()
    with pytest.raises(HeadwaterError, match=r"carts_daily\.sql.*no such luck"):
        engine.compute(["core.events", "marketing.carts_daily"], FIRST, FIRST)
    with open_instance(home) as instance:
        assert instance.get_runs(limit=1)[0].status == dg.DagsterRunStatus.FAILURE


# Staleness ----------------------------------------------------------------------------------------------

Stale = set[tuple[str, dt.date | None]]


def dagster_stale(home: Home) -> Stale:
    """What Dagster's UI would show as stale, of what is or should be there."""
    _, plan = plan_of(home)
    with open_instance(home) as instance:
        graph = build_definitions(home.root).resolve_asset_graph()
        resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
        return {
            (name, day)
            for name, versions in plan.expected.items()
            for day in versions
            if resolver.get_status(dg.AssetKey(name.split(".")), day.isoformat() if day else None) != StaleStatus.FRESH
        }


def planner_stale(home: Home) -> tuple[Stale, Stale]:
    """What the planner calls stale, and of that what reads nothing stale: the next to be computed."""
    workspace, plan = plan_of(home)
    stale = {(name, key) for name, keys in plan.stale.items() for key in keys}
    ready = {
        (name, day)
        for name, day in stale
        if not any(
            (read.table, day - dt.timedelta(days=n) if day and workspace.project.is_partitioned(read.table) else None)
            in stale
            for read in workspace.project.reads[name]
            for n in range((read.days or 0) + 1)
        )
    }
    return stale, ready


def assert_staleness_agrees(home: Home) -> Stale:
    """Dagster marks what differs from its inputs as they are; the planner also what will differ once they are done."""
    shown = dagster_stale(home)
    stale, ready = planner_stale(home)
    assert ready <= shown <= stale
    return shown


def test_nothing_is_stale_after_a_run(computed: Home) -> None:
    assert dagster_stale(computed) == set()
    assert planner_stale(computed) == (set(), set())


def test_late_events_make_the_same_days_stale_for_dagster_and_the_planner(home: Home) -> None:
    land_days(home, DAYS)
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    land(home, "events", visit(DAYS[1], "d3"), "late")
    engine.ingest()
    assert_staleness_agrees(home)
    assert {(t, d) for t, d in dagster_stale(home) if d} == {("core.events", DAYS[1])}
    engine.compute(["core.events"], DAYS[1], DAYS[1])
    shown = assert_staleness_agrees(home)
    # A head counts for a day and a half after its click, so three days read the late one.
    assert {d for t, d in shown if t == "attribution.attributed_events"} == set(DAYS[1:4])
    assert {d for t, d in shown if t == "attribution.slot_daily"} == {DAYS[1]}
    compute_stale(home, engine)
    assert_staleness_agrees(home)
    assert dagster_stale(home) == set()


def test_computing_again_without_need_makes_nothing_stale(home: Home) -> None:
    land_days(home, DAYS[:2])
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    engine.compute(["core.events", "core.orders"], *DAYS[:2])
    engine.compute(["core.entrances", "core.products"], None, None)
    assert dagster_stale(home) == set()


def test_a_late_order_makes_no_other_day_stale(home: Home) -> None:
    land_days(home, DAYS)
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    header, line = order(DAYS[1], 2)
    land(home, "orders", [header], "late")
    land(home, "order_lines", [line], "late")
    land(home, "products", [{"sku": "s1", "unit_cost": "4.00"}], "late")
    engine.ingest()
    stale, _ = planner_stale(home)
    assert {day for name, day in stale if name == "core.orders"} == {DAYS[1]}
    assert dagster_stale(home) <= stale
    compute_stale(home, engine)
    assert planner_stale(home)[0] == dagster_stale(home) == set()


def test_an_edited_entrance_is_stale_once_the_sensor_has_looked(home: Home) -> None:
    land_days(home, DAYS[:1])
    engine = DagsterEngine(home)
    engine.ingest()
    compute_stale(home, engine)
    entrances = home.config / "entrances.csv"
    entrances.write_text(entrances.read_text(encoding="utf-8").replace("home,banner", "home,hero"), encoding="utf-8")
    with open_instance(home) as instance:
        for event in tick(home, instance).asset_events:
            instance.report_runless_asset_event(event)
    shown = assert_staleness_agrees(home)
    assert ("core.entrances", None) in shown


# What is asked for by itself ----------------------------------------------------------------------------


def tick(home: Home, instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    sensor = build_definitions(home.root).resolve_sensor_def("landing")
    with dg.build_sensor_context(instance, cursor=cursor, definitions=build_definitions(home.root)) as context:
        result = sensor(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_the_sensor_asks_for_ingestion_then_for_the_stale_days(home: Home) -> None:
    engine = DagsterEngine(home)
    with open_instance(home) as instance:
        land_days(home, [DAYS[0], DAYS[1], DAYS[3]])
        first = tick(home, instance)
        assert [request.job_name for request in first.run_requests or []] == ["ingestion"]

        engine.ingest()
        second = tick(home, instance, first.cursor)
        requests = second.run_requests or []
        assert {request.job_name for request in requests} == {"tables"}
        days = [request.partition_key_range for request in requests]
        assert days[0] is None  # the tables without days come first
        assert [(r.start, r.end) for r in days[1:] if r] == [
            (DAYS[0].isoformat(), DAYS[1].isoformat()),
            *((d.isoformat(), d.isoformat()) for d in DAYS[2:]),
        ]
        assert dg.AssetKey(["core", "entrances"]) in (requests[0].asset_selection or [])
        assert len({request.run_key for request in requests}) == len(requests)

        again = tick(home, instance, second.cursor)
        assert not again.run_requests
        assert "asked for already" in str(again.skip_reason)

        compute_stale(home, engine)
        done = tick(home, instance, second.cursor)
        assert "up to date" in str(done.skip_reason)
        assert "nothing has changed" in str(tick(home, instance, done.cursor).skip_reason)

        land(home, "events", visit(DAYS[0], "d2"), "late")
        assert [request.job_name for request in tick(home, instance, done.cursor).run_requests or []] == ["ingestion"]


def test_the_sensor_waits_for_whoever_is_at_work(home: Home) -> None:
    land_days(home, DAYS[:1])
    with open_instance(home) as instance:
        with home_lock(home, "a long run"):
            assert "a long run" in str(tick(home, instance).skip_reason)
        job = build_definitions(home.root).resolve_job_def("ingestion")
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        assert "started" in str(tick(home, instance).skip_reason)


def test_the_schedule_computes_yesterday_in_the_shops_time_zone(empty: tuple[Workspace, dg.Definitions]) -> None:
    _, definitions = empty
    schedule = definitions.resolve_schedule_def("daily")
    assert schedule.cron_schedule == "0 3 * * *"
    assert schedule.execution_timezone == "Asia/Shanghai"
    three_in_the_morning = dt.datetime(2026, 3, 9, 19, tzinfo=dt.UTC)  # of 10 March in Shanghai
    with dg.build_schedule_context(scheduled_execution_time=three_in_the_morning) as context:
        request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-03-09"


def test_what_a_killed_process_left_running_is_ended(home: Home) -> None:
    engine = DagsterEngine(home)
    with open_instance(home) as instance:
        job = build_definitions(home.root).resolve_job_def("ingestion")
        tags = {"headwater/in_process": "true"}
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
    engine.ingest()
    with open_instance(home) as instance:
        left = instance.get_run_by_id(run.run_id)
        assert left is not None
        assert left.status == dg.DagsterRunStatus.FAILURE
