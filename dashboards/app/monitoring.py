"""``/metrics``: the state of the pipeline for Prometheus.

Here: the figures and their text. Not here: who may read them (``dashboards.access.guard`` lets programs on this host
read them without a sign-in).
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections import Counter
from importlib.metadata import version
from zoneinfo import ZoneInfo

import flask
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from dashboards.access.guard import METRICS
from dashboards.app.marts import Copy, Marts
from dashboards.copy.status import read_checks
from dashboards.queries import query
from pipelines.home.lock import lock_holder
from pipelines.ingest import pending


def add_monitoring(server: flask.Flask, marts: Marts) -> None:
    """Add the URL ``/metrics`` to *server*."""

    @server.get(METRICS)
    def metrics() -> flask.Response:
        return flask.Response(generate_latest(_figures(marts.copy())), content_type=CONTENT_TYPE_LATEST)


def _figures(copy: Copy) -> CollectorRegistry:
    """The metrics of the home of *copy*.

    Raises:
        HeadwaterError: the home cannot be read.
    """
    registry, home = CollectorRegistry(), copy.home

    def gauge(name: str, about: str, value: float | None) -> None:
        """Add the metric *name* with its description *about*; add nothing if *value* is None."""
        if value is not None:
            Gauge(f"headwater_{name}", about, registry=registry).set(value)

    info = Gauge("headwater_info", "The version of Headwater.", ["version"], registry=registry)
    info.labels(version("headwater")).set(1)
    gauge("data_end_timestamp_seconds", "End of the newest computed day, in the shop's time zone.", _data_end(copy))
    files = pending(home)
    gauge("pending_files", "Landing files that are not ingested yet.", len(files))
    gauge("pending_bytes", "Their size.", sum(file.size for file in files))
    if copy.has("core.batches"):
        totals = copy.one(query("quality.ingested"))
        at: dt.datetime | None = totals["ingested_at"]
        gauge("ingested_timestamp_seconds", "When a file was last ingested.", None if at is None else _seconds(at))
        records = Gauge("headwater_records", "Landed records by outcome.", ["outcome"], registry=registry)
        for outcome in ("accepted", "duplicates", "quarantined"):
            records.labels(outcome).set(totals[outcome] or 0)
    checks = Gauge("headwater_checks", "Checks by their latest result.", ["result"], registry=registry)
    results = Counter({True: "passed", False: "failed", None: "not_run"}[one.passed] for one in read_checks(home))
    for result in ("passed", "failed", "not_run"):
        checks.labels(result).set(results[result])
    published = copy.file.published_at.timestamp()
    gauge("copy_timestamp_seconds", "When the tables that the dashboards show were copied.", published)
    gauge("run_in_progress", "1 while a process changes the lake.", int(lock_holder(home) is not None))
    gauge("disk_free_bytes", "Free space on the disk of the home.", shutil.disk_usage(home.root).free)
    return registry


def _data_end(copy: Copy) -> float | None:
    if not copy.days:
        return None
    end = copy.days[-1] + dt.timedelta(days=1)
    return dt.datetime.combine(end, dt.time(), ZoneInfo(copy.settings.timezone)).timestamp()


def _seconds(at: dt.datetime) -> float:
    return at.replace(tzinfo=dt.UTC).timestamp()
