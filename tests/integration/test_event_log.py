"""Storing Dagster's events of many partitions in bulk gives the same records as Dagster's own storage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.data_version import DATA_VERSION_TAG
from dagster._core.instance import InstanceRef

from assets.automation import range_tags
from assets.event_log import storing_in_bulk
from pipelines.lake.partitions import DaySpan
from tests.integration.small_shop import FIRST

DAYS = dg.DailyPartitionsDefinition(FIRST.isoformat(), end_offset=1)
SPAN = DaySpan(FIRST, FIRST.replace(day=10))
SOLD, SEEN = dg.AssetKey(["shop", "sold"]), dg.AssetKey(["shop", "seen"])
CHECK = dg.AssetCheckKey(SOLD, "is_sold")


def _instance(folder: Path, *, in_bulk: bool) -> dg.DagsterInstance:
    folder.mkdir()
    reference = InstanceRef.from_dir(str(folder))
    return dg.DagsterInstance.from_ref(storing_in_bulk(reference) if in_bulk else reference)


def _compute_then_fail(instance: dg.DagsterInstance) -> str:
    """A failed run for ten days of two tables that reports eight days of one table; returns the run's id."""

    @dg.multi_asset(
        specs=[dg.AssetSpec(key, partitions_def=DAYS) for key in (SEEN, SOLD)],
        check_specs=[dg.AssetCheckSpec("is_sold", asset=SOLD)],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def shop() -> Iterator[Any]:
        for day in SPAN.days[:8]:
            tags = {DATA_VERSION_TAG: f"version of {day}"}
            yield dg.AssetMaterialization(SOLD, partition=day.isoformat(), metadata={"n": day.day}, tags=tags)
        yield dg.AssetCheckResult(passed=True, asset_key=SOLD, check_name="is_sold")
        raise dg.Failure("stopped")

    job = dg.Definitions(assets=[shop], jobs=[dg.define_asset_job("all", [shop])]).resolve_job_def("all")
    return job.execute_in_process(instance=instance, tags=range_tags(SPAN), raise_on_error=False).run_id


def _records(instance: dg.DagsterInstance, run_id: str) -> dict[str, Any]:
    """The records of the run and its partitions that Dagster's UI reads."""
    log = instance.event_log_storage
    event = dg.DagsterEventType.ASSET_MATERIALIZATION
    found: dict[str, Any] = {}
    for record in instance.get_asset_records([SOLD, SEEN]):
        last = record.asset_entry.last_materialization
        found[record.asset_entry.asset_key.to_user_string()] = (
            record.asset_entry.last_run_id == run_id,
            last and last.asset_materialization and (last.asset_materialization.partition, last.run_id == run_id),
        )
    for key in (SOLD, SEEN):
        attempts = log.get_latest_asset_partition_materialization_attempts_without_materializations(key)
        found[f"versions {key}"] = log.get_latest_tags_by_partition(key, event, [DATA_VERSION_TAG])
        found[f"materialized {key}"] = sorted(instance.get_materialized_partitions(key))
        found[f"failed {key}"] = sorted(partition for partition, (run, _) in attempts.items() if run == run_id)
    check = log.get_latest_asset_check_execution_by_key([CHECK])[CHECK]
    evaluation = check.event and check.event.asset_check_evaluation
    target = evaluation and evaluation.target_materialization_data
    found["check"] = check.status, evaluation and evaluation.passed, target and target.run_id == run_id
    found["run log"] = [
        materialized
        for entry in instance.all_logs(run_id, of_type=event)
        if (materialized := entry.asset_materialization)
    ]
    return found


def test_records_stored_together_say_what_dagster_says(tmp_path: Path) -> None:
    told = []
    for name, in_bulk in (("dagster", False), ("bulk", True)):
        with _instance(tmp_path / name, in_bulk=in_bulk) as instance:
            told.append(_records(instance, _compute_then_fail(instance)))
    assert told[1] == told[0]
    assert told[1][f"failed {SOLD}"] == [day.isoformat() for day in SPAN.days[8:]]
    assert told[1][f"failed {SEEN}"] == [day.isoformat() for day in SPAN.days]
    assert len(told[1]["run log"]) == 8


def test_a_check_is_planned_once_for_a_range(tmp_path: Path) -> None:
    with _instance(tmp_path / "bulk", in_bulk=True) as instance:
        _compute_then_fail(instance)
        executions = instance.event_log_storage.get_asset_check_execution_history(CHECK, limit=20)
    assert [execution.status.value for execution in executions] == ["SUCCEEDED"]


def test_kept_events_are_stored_before_anything_is_read(tmp_path: Path) -> None:
    with _instance(tmp_path / "bulk", in_bulk=True) as instance:
        for day in SPAN.days:
            instance.report_runless_asset_event(dg.AssetMaterialization(SOLD, partition=day.isoformat()))
        assert _stored(tmp_path / "bulk") == 0
        assert instance.get_materialized_partitions(SOLD) == {day.isoformat() for day in SPAN.days}
        assert _stored(tmp_path / "bulk") == len(SPAN.days)
        instance.report_runless_asset_event(dg.AssetMaterialization(SEEN, partition=FIRST.isoformat()))
    assert _stored(tmp_path / "bulk") == len(SPAN.days) + 1


def _stored(folder: Path) -> int:
    with sqlite3.connect(folder / "history" / "runs" / "index.db") as connection:
        return int(connection.execute("SELECT count(*) FROM event_logs").fetchone()[0])


@pytest.mark.parametrize("setting", ["", "storage:\n  sqlite:\n    base_dir: {folder}/elsewhere\n"])
def test_events_are_stored_where_dagster_stores_them(tmp_path: Path, setting: str) -> None:
    (tmp_path / "dagster.yaml").write_text(setting.format(folder=tmp_path), encoding="utf-8")
    reference = InstanceRef.from_dir(str(tmp_path))
    with dg.DagsterInstance.from_ref(storing_in_bulk(reference)) as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(SOLD))
    with dg.DagsterInstance.from_ref(reference) as instance:
        assert instance.get_latest_materialization_event(SOLD) is not None
