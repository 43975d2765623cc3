"""Cards of metrics with their change against the comparison days.

Here: the card of a metric, and its change.
Not here: which metrics a page shows, and how cards are drawn (``dashboards.app.render``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.blocks import Card, Change
from dashboards.columns import arrowed, definition
from dashboards.locale import Locale
from dashboards.metrics import card_text, full_text, is_rate, tone
from dashboards.numbers import NONE


def metric_card(
    locale: Locale, name: str, now: Mapping[str, Any], then: Mapping[str, Any] | None, note: str = ""
) -> Card:
    """The card of the metric *name* with its value in *now*, the change since *then*, and *note* below."""
    return Card(
        locale.text(f"metric.{name}"),
        card_text(locale.numbers, name, now[name]),
        full_text(locale.numbers, name, now[name]),
        changes_since(locale, name, now, then),
        definition(locale, name),
        note,
        metric=name,
    )


def changes_since(
    locale: Locale, name: str, now: Mapping[str, Any], then: Mapping[str, Any] | None
) -> tuple[Change, ...]:
    """The change of the metric *name* since the comparison days; empty if there are none or their value is unknown."""
    return () if then is None or then[name] is None else (compared(locale, name, now[name], then[name]),)


def compared(locale: Locale, name: str, now: float | None, then: float | None) -> Change:
    """The change of the metric *name* from *then* to *now*; the text is "–" if either is None."""
    if is_rate(name):
        points = locale.numbers.points(now, then)
        change = points if points == NONE else locale.text("compare.points", n=points)
    else:
        change = locale.numbers.change(now, then)
    against = locale.text("compare.with", then=card_text(locale.numbers, name, then))
    return Change(arrowed(change), against, full_text(locale.numbers, name, then), tone(name, change))
