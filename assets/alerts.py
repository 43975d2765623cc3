"""Alerts in Dagster: the job that evaluates them and sends messages, and the sensor that requests it.

Here: when to request it: tables, settings or the list of failed runs have changed, or a message is due by the time of
day.
Not here: who gets which message (``dashboards.alerts.run`` decides that during the run).
"""

# No 'from __future__ import annotations' here: Dagster inspects the annotation of an op's context.
import datetime as dt
import hashlib
import json
from dataclasses import asdict, dataclass

import dagster as dg

from assets.automation import ALERTS_JOB, UNFINISHED, state_of_files, who_is_busy
from assets.records import failed_runs, records_in
from dashboards.alerts.due import next_time
from dashboards.app.watch.settings import load_watch
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home


def alerts_job(home: Home) -> dg.JobDefinition:
    """The job that evaluates the alerts of *home* and sends messages.

    A message that cannot be delivered does not fail the run: the page of alerts shows it.
    """

    @dg.op(name="send_alerts", description="Evaluates alerts and subscriptions, and sends what is due.")
    def send_alerts(context: dg.OpExecutionContext) -> None:
        from dashboards.alerts.run import send_due  # imports the pages, so not when the code location loads

        try:
            sent = send_due(home, records_in(home, context.instance))
        except HeadwaterError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        for finding in sent.findings:
            context.log.info(f"{finding.name}: {finding.outcome} on {finding.day}")
        for message in sent.changed:
            context.log.info(f"{message.name} to {message.recipient}: {message.state} {message.error}".strip())

    @dg.job(name=ALERTS_JOB, executor_def=dg.in_process_executor, description="Evaluates alerts and sends messages.")
    def alerts() -> None:
        send_alerts()

    return alerts


@dataclass(frozen=True)
class _Cursor:
    """What the sensor remembers of its last request: the state of the home, the time (UTC), the number of requests."""

    state: str = ""
    at: str = ""
    requests: int = 0


def alerts_sensor(home: Home, job: dg.JobDefinition) -> dg.SensorDefinition:
    """The sensor that requests *job* as soon as there may be something to report.

    It waits while a run computes, because the figures of a day are complete only after the run.
    """

    @dg.sensor(
        name="alerts",
        job=job,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Requests an evaluation of the alerts after a change of tables, settings or runs, and in time.",
    )
    def alerts(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        cursor = _Cursor(**json.loads(context.cursor)) if context.cursor else _Cursor()
        return _evaluate(home, context.instance, cursor)

    return alerts


def _evaluate(home: Home, instance: dg.DagsterInstance, cursor: _Cursor) -> dg.SensorResult:
    if load_watch(home).is_empty:
        return dg.SensorResult(skip_reason="config/alerts.yaml and config/subscriptions.csv are empty")
    if instance.get_runs(filters=dg.RunsFilter(job_name=ALERTS_JOB, statuses=UNFINISHED), limit=1):
        return dg.SensorResult(skip_reason="the last evaluation is still running")
    if busy := who_is_busy(home, instance):
        return dg.SensorResult(skip_reason=busy)
    now, state = dt.datetime.now(dt.UTC), _state(home, instance)
    if state == cursor.state:
        due = next_time(home, dt.datetime.fromisoformat(cursor.at))
        if due is None or due > now:
            return dg.SensorResult(skip_reason=f"nothing has changed; the next look is {due or 'after a change'}")
    kept = _Cursor(state, now.isoformat(), cursor.requests + 1)
    request = dg.RunRequest(run_key=f"{state}-{kept.requests}")
    return dg.SensorResult(run_requests=[request], cursor=json.dumps(asdict(kept)))


def _state(home: Home, instance: dg.DagsterInstance) -> str:
    """A digest of what alerts depend on: the lake, the settings, the latest failed run."""
    failures = [f"{failure.job} {failure.at}" for failure in failed_runs(instance, limit=1)]
    return hashlib.blake2b(f"{state_of_files(home)} {failures}".encode(), digest_size=8).hexdigest()
