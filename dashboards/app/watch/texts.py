"""Alerts and findings in words: what is watched, what was found, a text chart of the last days.

Not here: the texts themselves (``dashboards/words/alerts.yaml``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from dashboards.app.context import Context
from dashboards.app.slice_bar import Dimensions
from dashboards.app.view import View
from dashboards.app.watch.settings import Alert
from dashboards.app.watch.state import Finding
from dashboards.locale import Locale
from dashboards.metrics import full_text, is_rate, short_text
from dashboards.texts import all_texts
from pipelines.delivery.outbox import Message

_BARS = "▁▂▃▄▅▆▇█"
_GAP = "·"


def bars(values: Sequence[float | None]) -> str:
    """*values* as a line of characters, each as high as its value; ``·`` for None.

    It needs no image, so every chat program shows it.
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    low, span = min(0.0, *known), (max(known) - min(0.0, *known)) or 1.0
    step = span / (len(_BARS) - 1)
    return "".join(_GAP if value is None else _BARS[round((value - low) / step)] for value in values)


def slice_text(context: Context, parts: Sequence[tuple[str, Sequence[str]]]) -> str:
    """A slice in words, such as ``Platform iOS``; '' for none."""
    dimensions, text = Dimensions(context), context.locale.text
    separator = text("list.separator")
    named = [
        f"{dimensions.title(name)} {separator.join(dimensions.name(name, one) for one in values)}"
        for name, values in parts
    ]
    return text("slice.separator").join(named)


def watched(locale: Locale, alert: Alert, sliced: str = "") -> str:
    """What *alert* watches: a metric, with its slice in words, or an event."""
    text = locale.text
    if alert.metric is None:
        return text(f"alert.when.{alert.when}")
    name = text(f"metric.{alert.metric}")
    return text("alert.sliced", metric=name, slice=sliced) if sliced else name


def rule_text(locale: Locale, alert: Alert) -> str:
    """The rule of *alert*."""
    text = locale.text
    if alert.metric is None:
        return text("alert.rule.by", time=alert.by or "08:00") if alert.when == "data_late" else ""
    if alert.unusual:
        return text(f"alert.rule.unusual.{alert.unusual}")
    parts = []
    against = text(f"alert.against.{alert.against or 'previous'}")
    for key in ("below", "above", "falls_by", "rises_by"):
        limit = getattr(alert, key)
        if limit is not None:
            is_share = key in ("falls_by", "rises_by")
            shown = locale.numbers.percent(limit) if is_share else full_text(locale.numbers, alert.metric, limit)
            parts.append(text(f"alert.rule.{key}", limit=shown, against=against))
    return text("alert.or").join(parts)


def found_text(locale: Locale, alert: Alert, finding: Finding) -> str:
    """What *finding* says, as lines."""
    text, metric = locale.text, alert.metric
    if finding.outcome == "not_judged":
        return reason_text(locale, finding)
    if metric is None:
        return "\n".join(finding.details) or text("alert.none")
    value = full_text(locale.numbers, metric, finding.value)
    if alert.unusual:
        low, high = (short_text(locale.numbers, metric, bound) for bound in (finding.low, finding.high))
        return text("alert.found.usual", value=value, low=low, high=high)
    if finding.expected is not None:
        then = full_text(locale.numbers, metric, finding.expected)
        change = difference_text(locale, metric, finding)
        return text("alert.found.against", value=value, then=then, change=change)
    return value


def reason_text(locale: Locale, finding: Finding) -> str:
    """Why *finding* was not judged."""
    kind, _, what = finding.reason.partition(":")
    return _filled_in(locale, f"alert.reason.{kind}", what) or finding.reason


def error_text(locale: Locale, message: Message) -> str:
    """Why the last attempt of *message* failed; '' if it did not."""
    kind, _, what = message.error.partition(":")
    return _filled_in(locale, f"delivery.{kind}", what) or message.error


def _filled_in(locale: Locale, key: str, what: str) -> str:
    """The text of *key*; '' if it does not exist, for example because another version of Headwater wrote the key."""
    return locale.text(key, what=what) if key in all_texts() else ""


def difference_text(locale: Locale, metric: str, finding: Finding) -> str:
    """The change from the expected value: as a share; for rates in percentage points."""
    if is_rate(metric):
        return locale.text("compare.points", n=locale.numbers.points(finding.value, finding.expected))
    return locale.numbers.change(finding.value, finding.expected)


def view_of(alert: Alert, day: dt.date) -> View:
    """The page that shows what *alert* is about, on *day*."""
    if alert.metric is None:
        part = {"check_failed": "checks", "data_late": "files"}.get(alert.when or "")
        return View("quality", language=alert.language, filters={"part": part} if part else {})
    return replace(View(first=day, last=day, language=alert.language), slice=dict(alert.parts))
