"""Columns that only the report has.

Here: the change against an earlier day; the row has both values.
Not here: columns shared with the web app (``dashboards.columns``).
"""

from __future__ import annotations

from dashboards.blocks import Column
from dashboards.columns import arrowed
from dashboards.locale import Locale
from dashboards.metrics import full_text


def change_column(locale: Locale, title: str, now: str, before: str) -> Column:
    """A column with the change from the field *before* to the field *now*; the earlier value shows on hover.

    *now* is also the name of the metric, which gives the unit.
    """
    return Column(
        title,
        lambda row: arrowed(locale.numbers.change(row[now], row[before])),
        lambda row: full_text(locale.numbers, now, row[before]),
    )
