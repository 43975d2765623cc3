"""The findings of the last evaluation, one for each alert, in ``.alerts/state.json``.

Here: findings, writing and reading them.
Not here: the evaluation (``dashboards.alerts.evaluate``), writing them as text (``dashboards.app.watch.texts``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Literal

from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home

COURSE_DAYS = 14
"""The number of days in a message's text chart (``dashboards.app.watch.texts.bars``)."""

Outcome = Literal["fired", "fine", "not_judged"]


@dataclass(frozen=True)
class Finding:
    """The result of an alert's last evaluation.

    Attributes:
        name: The name of the alert.
        day: The day judged.
        outcome: Whether the alert fired; ``not_judged``: it could not be evaluated yet, see *reason*.
        side: ``low`` or ``high`` if the value lies below *low* or above *high*; else ''.
        value: The value of the day.
        low, high: The limits beyond which the alert fires; None: no limit.
        expected: The value of the comparison day, or the usual value.
        course: The values of the last days; the judged day comes last.
        reason: Why it was not judged: a key of the texts ``alert.reason.<key>``, or an error.
        details: For events: a line about each event.
    """

    name: str
    day: dt.date
    outcome: Outcome
    side: Literal["low", "high", ""] = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    expected: float | None = None
    course: tuple[float | None, ...] = ()
    reason: str = ""
    details: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evaluation:
    """The last evaluation: when it was, and its findings."""

    at: dt.datetime
    findings: tuple[Finding, ...]

    def of(self, name: str) -> Finding | None:
        """The finding of the alert *name*; None: the alert was not evaluated yet."""
        return next((finding for finding in self.findings if finding.name == name), None)


def write_evaluation(home: Home, at: dt.datetime, findings: Sequence[Finding]) -> None:
    """Keep *findings* for the pages.

    Raises:
        HeadwaterError: the file cannot be written.
    """
    rows = [{**asdict(finding), "day": finding.day.isoformat()} for finding in findings]
    path = home.alerts / "state.json"
    with convert_write_errors(path):
        write_file(path, json.dumps({"at": at.isoformat(), "findings": rows}, ensure_ascii=False, indent=1))


def read_evaluation(home: Home) -> Evaluation | None:
    """The last evaluation; None if there was none."""
    try:
        content = json.loads((home.alerts / "state.json").read_text(encoding="utf-8"))
        findings = [
            Finding(
                **{
                    **row,
                    "day": dt.date.fromisoformat(row["day"]),
                    "course": tuple(row["course"]),
                    "details": tuple(row["details"]),
                }
            )
            for row in content["findings"]
        ]
        return Evaluation(dt.datetime.fromisoformat(content["at"]), tuple(findings))
    except (OSError, ValueError, KeyError, TypeError):  # no file yet, or another version of Headwater wrote it
        return None
