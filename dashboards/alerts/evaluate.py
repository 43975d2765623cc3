"""Evaluating all alerts of a home at a moment.

Here: which day is evaluated, and by which rule.
Not here: the rules (``dashboards.app.watch.rules``), messages (``dashboards.alerts.messages``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from dashboards.app.marts import Copy
from dashboards.app.times import local_time
from dashboards.app.watch.festivals import Festivals
from dashboards.app.watch.measured import Values, unknown_value, values_of
from dashboards.app.watch.rules import BACK, WEEKS, Bounds, share_bounds, usual_bounds
from dashboards.app.watch.settings import Alert, Watch
from dashboards.app.watch.state import COURSE_DAYS, Finding
from pipelines.compute.results import CheckState
from pipelines.home.errors import HeadwaterError

LATE_BY = "08:00"
"""The time after which yesterday's data is late, unless the alert names another time."""

_MOST_DETAILS = 5
_LONGEST_DETAIL = 300


@dataclass(frozen=True)
class RunFailure:
    """A run that failed: its job, when it ended (UTC), and why, in one line."""

    job: str
    at: dt.datetime
    error: str


@dataclass(frozen=True)
class Records:
    """What Dagster has recorded: the failed runs of the last two days, and the latest result of each check."""

    failures: Sequence[RunFailure] = ()
    checks: Sequence[CheckState] = ()


def evaluate(
    copy: Copy | None, watch: Watch, records: Records, festivals: Festivals, now: dt.datetime, timezone: str
) -> list[Finding]:
    """A finding for each alert of *watch*.

    Args:
        copy: The dashboards' copy of the lake; None: no day is computed.
        watch: The alerts.
        records: The events of the home.
        festivals: The days that the rule ``unusual`` ignores.
        now: The time, UTC.
        timezone: The shop's time zone.
    """
    local = now.astimezone(ZoneInfo(timezone))
    found = []
    for name, alert in watch.alerts.items():
        if alert.when == "run_failed":
            found.append(_failed_runs(name, records.failures, local.date(), timezone))
        elif alert.when == "check_failed":
            found.append(_failed_checks(name, records.checks, local.date()))
        elif alert.when == "data_late":
            found.append(_late_data(name, alert, copy, local))
        else:
            found.append(_metric(name, alert, festivals, copy, now, local.date()))
    return found


def _metric(
    name: str, alert: Alert, festivals: Festivals, copy: Copy | None, now: dt.datetime, today: dt.date
) -> Finding:
    if copy is None or not copy.days:
        return Finding(name, today - dt.timedelta(days=1), "not_judged", reason="no_data")
    assert alert.metric is not None
    day = copy.newest(now)
    first = day - dt.timedelta(days=max(7 * WEEKS, COURSE_DAYS, BACK["year"] if alert.against == "year" else 0))
    if unknown := unknown_value(copy, alert.parts, day):
        return Finding(name, day, "not_judged", reason=f"unknown_value:{unknown}")
    try:
        values = values_of(copy, alert.metric, alert.parts, first, day)
    except HeadwaterError as error:
        return Finding(name, day, "not_judged", reason=str(error))
    course = tuple(values.get(day - dt.timedelta(days=n)) for n in reversed(range(COURSE_DAYS)))
    value = values.get(day)
    if value is None:
        return Finding(name, day, "not_judged", reason="no_value", course=course)
    if alert.unusual and festivals.fault:
        return Finding(name, day, "not_judged", value=value, reason=festivals.fault, course=course)
    if alert.unusual and day in festivals.days:
        reason = f"festival:{festivals.days[day].name(alert.language)}"
        return Finding(name, day, "not_judged", value=value, reason=reason, course=course)
    bounds, reason = _bounds(alert, values, day, festivals)
    if bounds is None:
        return Finding(name, day, "not_judged", value=value, reason=reason, course=course)
    side = bounds.side(value)
    is_told = side is not None and (alert.unusual in (None, "either", side))
    return Finding(
        name,
        day,
        "fired" if is_told else "fine",
        side or "",
        value,
        bounds.low,
        bounds.high,
        bounds.expected,
        course,
    )


def _bounds(alert: Alert, values: Values, day: dt.date, festivals: Festivals) -> tuple[Bounds | None, str]:
    """The range that the alert's rule allows on *day*, or None if it is unknown; and the reason to report if None."""
    if alert.unusual:
        return usual_bounds(values, day, festivals.days), "no_history"
    if alert.falls_by is not None or alert.rises_by is not None:
        then = values.get(day - dt.timedelta(days=BACK[alert.against or "previous"]))
        return share_bounds(then, alert.falls_by, alert.rises_by), "no_comparison"
    return Bounds(alert.below, alert.above), ""


def _failed_runs(name: str, failures: Sequence[RunFailure], today: dt.date, timezone: str) -> Finding:
    """The failed runs of yesterday and today, with the day of the latest one, so that each day causes one message."""
    latest = sorted(failures, key=lambda failure: failure.at, reverse=True)
    times = [local_time(failure.at.astimezone(dt.UTC).replace(tzinfo=None), timezone) for failure in latest]
    found = [(at, failure) for at, failure in zip(times, latest, strict=True) if at and (today - at.date()).days <= 1]
    if not found:
        return Finding(name, today, "fine")
    details = [_detail(f"{at:%m-%d %H:%M} {failure.job}: {failure.error}") for at, failure in found[:_MOST_DETAILS]]
    return Finding(name, found[0][0].date(), "fired", details=tuple(details))


def _failed_checks(name: str, checks: Sequence[CheckState], today: dt.date) -> Finding:
    """The failed checks that block data now. They cause a message once a day until they pass."""
    failed = [check for check in checks if check.passed is False and check.severity == "error"]
    details = [_detail(f"{check.table}: {check.name}: {check.found}") for check in failed[:_MOST_DETAILS]]
    return Finding(name, today, "fired" if failed else "fine", details=tuple(details))


def _late_data(name: str, alert: Alert, copy: Copy | None, local: dt.datetime) -> Finding:
    yesterday = local.date() - dt.timedelta(days=1)
    newest = copy.days[-1] if copy is not None and copy.days else None
    if newest is not None and newest >= yesterday:
        return Finding(name, yesterday, "fine")
    if f"{local:%H:%M}" < (alert.by or LATE_BY):
        return Finding(name, yesterday, "not_judged", reason=f"not_yet:{alert.by or LATE_BY}")
    return Finding(name, yesterday, "fired", details=(str(newest or "–"),))


def _detail(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= _LONGEST_DETAIL else f"{line[: _LONGEST_DETAIL - 1]}…"
