"""The runs that Dagster requests automatically, by the landing sensor and the daily schedule."""

from __future__ import annotations

import datetime as dt
import os
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from assets.automation import IN_PROCESS_TAG
from assets.engine import DagsterEngine
from assets.instance import open_instance
from pipelines.compute.reading import query_rows
from pipelines.compute.run import Request, run_home
from pipelines.home.folder import Home
from pipelines.home.lock import home_lock
from pipelines.lake.partitions import DaySpan
from tests.integration.small_shop import DAYS, add_sql, compute_stale, land_days, undescribed, visit
from tests.support import land


def tick(home: Home, instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    with dg.build_sensor_context(instance, cursor=cursor) as context:
        result = undescribed(home).resolve_sensor_def("landing")(context)
    assert isinstance(result, dg.SensorResult)
    return result


def test_a_run_killed_after_its_last_table_is_told_as_failed(home: Home) -> None:
    """The killed run leaves no stale table, so the next run only has to record the killed run as failed."""
    land_days(home, DAYS[:1])
    request = Request(frozenset({"core.entrances"}))
    run_home(home, request)
    with open_instance(home) as instance:
        instance.add_run(
            dg.DagsterRun("tables", status=dg.DagsterRunStatus.STARTED, tags={IN_PROCESS_TAG: "true"}, run_id="killed")
        )
    home.run_marker.touch()
    assert run_home(home, request, engine=DagsterEngine).did_nothing
    with open_instance(home) as instance:
        killed = instance.get_run_by_id("killed")
        assert killed is not None
        assert killed.status == dg.DagsterRunStatus.FAILURE
    assert not home.run_marker.exists()


@pytest.mark.real
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
        assert [(r.start, r.end) for r in days if r] == [(DAYS[0].isoformat(), DAYS[3].isoformat())]
        assert len(requests) == 1, "tables without days share the run of the days"
        assert dg.AssetKey(["core", "entrances"]) in (requests[0].asset_selection or [])

        again = tick(home, instance, second.cursor)
        assert not again.run_requests
        assert "already requested" in str(again.skip_reason)

        compute_stale(home, engine)
        done = tick(home, instance, second.cursor)
        assert "up to date" in str(done.skip_reason)
        assert "nothing has changed" in str(tick(home, instance, done.cursor).skip_reason)

        land(home, "events", visit(DAYS[0], "d2"), "late")
        late = tick(home, instance, done.cursor)
        assert [request.job_name for request in late.run_requests or []] == ["ingestion"]
        engine.ingest()
        days = [request.partition_key_range for request in tick(home, instance, late.cursor).run_requests or []]
        # All tables are stale on the day of the late event; later days have fewer stale tables, namely those that read
        # earlier days. The tables differ: the next day has those of sessions too, the newest day those without days.
        # A request is for the same tables on all of its days, so each day has a request of its own.
        assert [(r.start, r.end) for r in days if r] == [(day.isoformat(), day.isoformat()) for day in DAYS[:4]]


def test_an_unreadable_file_keeps_the_sensor_from_no_other(home: Home) -> None:
    engine = DagsterEngine(home)
    land(home, "events", [{"event_id": "1", "device_id": "d1"}], "without_event_type")
    with open_instance(home) as instance:
        first = tick(home, instance)
        report = engine.ingest()
        assert len(report.errors) == 1
        assert instance.get_runs(limit=1)[0].status == dg.DagsterRunStatus.FAILURE
        second = tick(home, instance, first.cursor)
        assert {request.job_name for request in second.run_requests or []} == {"tables"}


def test_the_sensor_waits_for_whoever_is_at_work(home: Home) -> None:
    land_days(home, DAYS[:1])
    with open_instance(home) as instance:
        with home_lock(home, "a long run"):
            assert "a long run" in str(tick(home, instance).skip_reason)
        job = undescribed(home).resolve_job_def("ingestion")
        instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        assert "started" in str(tick(home, instance).skip_reason)


def test_the_schedule_computes_yesterday_in_the_shops_time_zone(home: Home) -> None:
    schedule = undescribed(home).resolve_schedule_def("daily")
    assert schedule.cron_schedule == "0 3 * * *"
    assert schedule.execution_timezone == "Asia/Shanghai"
    three_in_the_morning = dt.datetime(2026, 3, 9, 19, tzinfo=dt.UTC)  # 10 March, 03:00 in Shanghai
    with dg.build_schedule_context(scheduled_execution_time=three_in_the_morning) as context:
        request = schedule(context)
    assert isinstance(request, dg.RunRequest)
    assert request.partition_key == "2026-03-09"


def test_the_sensor_waits_until_a_new_model_is_loaded(home: Home) -> None:
    land_days(home, DAYS[:1])
    DagsterEngine(home).ingest()
    loaded = undescribed(home).resolve_sensor_def("landing")
    header = (
        "/* model\ngrain: [dt]\npartition: dt\ndescription: Days.\n"
        "columns: {dt: {type: DATE, description: day}, events: {type: BIGINT, description: its events}}\n*/\n"
    )
    query = "SELECT dt, COUNT(*) AS events FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt GROUP BY dt"
    add_sql(home, "mine/days.sql", header + query)
    with open_instance(home) as instance:
        with dg.build_sensor_context(instance) as context:
            waiting = loaded(context)
        assert isinstance(waiting, dg.SensorResult)
        assert not waiting.run_requests
        assert "reloads them" in str(waiting.skip_reason)
        anew = tick(home, instance, waiting.cursor)
        keys = {key for request in anew.run_requests or [] for key in request.asset_selection or []}
        assert dg.AssetKey(["mine", "days"]) in keys


def last_partition(home: Home) -> str | None:
    asset = undescribed(home).resolve_assets_def(dg.AssetKey(["core", "events"]))
    assert isinstance(asset.partitions_def, dg.DailyPartitionsDefinition)
    return asset.partitions_def.get_last_partition_key()


@pytest.mark.parametrize("hours", [0, *(pytest.param(hours, marks=pytest.mark.real) for hours in (-72, 23))])
def test_the_partitions_end_with_yesterday_or_the_newest_data(home: Home, hours: int) -> None:
    """Later partitions would appear in Dagster as missing, although their days have no data yet.

    A day that is not over has a partition once it has data.
    """
    engine = DagsterEngine(home)
    engine.ingest()  # The newest day has not landed yet, so the definitions that are loaded now do not have it.
    time = dt.datetime.now(ZoneInfo("Asia/Shanghai")).replace(microsecond=0)
    yesterday, newest = time.date() - dt.timedelta(days=1), (time + dt.timedelta(hours=hours)).date()
    assert last_partition(home) == str(yesterday)
    land_now(home, time + dt.timedelta(hours=hours))
    with open_instance(home) as instance:
        sensor = undescribed(home).resolve_sensor_def("landing")
        engine.ingest()
        with dg.build_sensor_context(instance) as context:
            result = sensor(context)
        assert isinstance(result, dg.SensorResult)
        reason = result.skip_reason.skip_message if result.skip_reason else None
        assert ("reloads them" in (reason or "")) == (newest > yesterday)
    engine.compute(["core.events"], DaySpan(newest, newest))
    assert query_rows(home, "SELECT DISTINCT dt FROM core.events").rows == [(newest,)]
    assert last_partition(home) == str(max(newest, yesterday))


def land_now(home: Home, time: dt.datetime) -> None:
    """Land a visit at *time*, in a file whose modification time is now."""
    land(home, "events", [event | {"device_time": time.isoformat()} for event in visit(time.date())], "now")
    for file in (home.landing / "native" / "events").iterdir():
        os.utime(file)
