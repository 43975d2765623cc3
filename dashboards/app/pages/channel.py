"""One channel: its chart by day, its campaigns or sources.

Here: these blocks; the metrics of the chart by day.
Not here: all channels (``dashboards.app.pages.channels``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.one_course import chosen_metric, one_course
from dashboards.blocks import Block, Choice, Controls, Empty, Group, Option, Table
from dashboards.columns import metric, text
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.channels import METRICS, OF_SESSIONS
from dashboards.sections.touch import touchpoint_name

SESSIONS = "core.sessions"
CREDITS = "attribution.touch_credits"

COURSE_METRICS = ("revenue", "sessions", "orders", "new_customers", "spend", "roas", "cost_per_order",
                  "cost_per_new_customer")  # fmt: skip

_PARTS = ("campaign", "source")
_OF_SPEND = frozenset({"spend", "roas", "cost_per_order", "cost_per_new_customer"})


def one_channel(context: Context, channel: str, model: str) -> list[Block]:
    """The chart by day and the parts of the channel with the key *channel*, its sales by *model*."""
    metrics = (
        COURSE_METRICS if context.copy.has(SESSIONS) else tuple(one for one in COURSE_METRICS if one not in OF_SESSIONS)
    )
    is_of_sessions = chosen_metric(context, "metric", metrics) in OF_SESSIONS
    own = "channels.session_days_of_one" if is_of_sessions else "channels.sales_days_of_one"
    return [
        one_course(
            context,
            "metric",
            metrics,
            own,
            "channels.course_of_one",
            {"channel": channel},
            channel=channel,
            model=model,
        ),
        _parts(context, channel, model),
    ]


def _parts(context: Context, channel: str, model: str) -> Block:
    """The channel's campaigns, or its sources and media, with the control that chooses between them."""
    locale = context.locale
    missing = [table for table in (SESSIONS, CREDITS) if not context.copy.has(table)]
    if missing:
        text_of = locale.text("channels.too_large", tables=locale.text("list.separator").join(missing))
        return Empty(locale.text("channels.parts"), text_of, "headwater sql")
    by = context.view.get("by")
    by = by if by in _PARTS else _PARTS[0]
    rows = context.rows(query("channels.parts"), channel=channel, model=model, by=by)
    options = tuple(Option(part, locale.text(f"channels.by.{part}")) for part in _PARTS)
    controls = Controls((Choice("by", locale.text("channels.by"), options, by, default=_PARTS[0]),))
    return Group(
        (
            controls,
            _parts_table(
                locale, by, [row | {"name": touchpoint_name(locale, "campaign", row["part"], {})} for row in rows]
            ),
        ),
        "stack",
    )


def _parts_table(locale: Locale, by: str, rows: Sequence[dict[str, Any]]) -> Table:
    names = METRICS if by == "campaign" else tuple(name for name in METRICS if name not in _OF_SPEND)
    return Table(
        "parts",
        locale.text(f"channels.by.{by}"),
        [text(locale.text(f"channels.by.{by}"), "name"), *(metric(locale, name) for name in names)],
        rows,
        locale.text(f"channels.by.{by}.about"),
        is_wide=True,
        keys=("part",),
    )
