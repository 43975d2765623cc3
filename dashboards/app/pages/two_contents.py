"""Two contents of a slot side by side, chosen by the user.

Here: the choice, the table with their figures, the interval of the difference of their click rates.
Not here: a content before and after a change on a day (``dashboards.app.pages.slots``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.controls import slot_days, verdict
from dashboards.app.pages.experiments import click_verdict, tests_of
from dashboards.app.pages.slots import click_rate_change
from dashboards.blocks import Block, Choice, Column, Controls, Group, Option, Row, Table
from dashboards.columns import arrowed, of_row, text
from dashboards.metrics import is_rate, tone
from dashboards.numbers import NONE

_METRICS = (
    "impressions", "clicks", "slot_click_rate", "exposures", "orders", "revenue", "revenue_per_mille_impressions",
)  # fmt: skip


def two_contents(context: Context, contents: Sequence[Row]) -> list[Block]:
    """The newest content beside the one before it, unless the user chooses others; empty for fewer than two.

    *contents* are the figures of each content that the slot showed on these days, in the order of their first days.
    """
    if len(contents) < 2:
        return []
    locale = context.locale
    by_id = {str(row["head_content_id"]): row for row in contents}
    *_, older, newer = by_id
    options = tuple(Option(key, str(row["content"])) for key, row in by_id.items())
    chosen = {
        key: asked if (asked := context.view.get(key)) in by_id else default
        for key, default in (("content", newer), ("against", older))
    }
    controls = Controls(
        (
            Choice("content", locale.text("two_contents.content"), options, chosen["content"], default=newer),
            Choice("against", locale.text("two_contents.against"), options, chosen["against"], default=older),
        )
    )
    return [Group((controls, _table(context, by_id[chosen["content"]], by_id[chosen["against"]])), "stack")]


def _table(context: Context, one: Row, other: Row) -> Table:
    locale = context.locale
    rows: list[dict[str, Any]] = [
        {"metric": name, "name": locale.text.name("metric", name), "one": one[name], "other": other[name]}
        for name in _METRICS
    ]
    days = {"metric": "days", "name": locale.text("two_contents.days"), "one": one["days"], "other": other["days"]}

    def difference(row: Row) -> str:
        if is_rate(row["metric"]):
            points = locale.numbers.points(row["one"], row["other"])
            return arrowed(points if points == NONE else locale.text("compare.points", n=points))
        return arrowed(locale.numbers.change(row["one"], row["other"]))

    judged = click_rate_change(context, {**one, **{f"{name}_before": other[name] for name in _METRICS}})
    return Table(
        "two_contents",
        locale.text("two_contents.title"),
        [
            text(locale.text("entrances.metric"), "name"),
            of_row(locale, str(one["content"]), "one"),
            of_row(locale, locale.text("two_contents.other", content=other["content"]), "other"),
            Column(
                locale.text("column.change"),
                lambda row: row["difference"],
                field="difference",
                tone=lambda row: tone(row["metric"], row["difference"]),
            ),
        ],
        [row | {"difference": difference(row)} for row in (days, *rows)],
        locale.text("two_contents.about"),
        notes=(
            locale.text("two_contents.click_rate", judged=judged),
            locale.text("two_contents.control", judged=_by_control(context, one, other)),
        ),
        is_wide=True,
        keys=("metric",),
        is_sortable=False,
    )  # fmt: skip


def _by_control(context: Context, one: Row, other: Row) -> str:
    """Whether the click rates of *one* and *other* differ: by their A/B test if there is one, else by a control."""
    tested = click_verdict(context, tests_of(context), one["head_content_id"])
    if tested is not None:
        return tested
    days, name = context.days, "slot_click_rate"
    slot = (one["head_page_type"], one["head_module"], one["head_slot"])
    seen = slot_days(context, days.first, days.last, slot[0])
    shown = {days.first + dt.timedelta(days=nth) for nth in range(days.number)}
    contents = one["head_content_id"], other["head_content_id"]
    return verdict(context, name, seen.of_contents(name, slot, *contents, shown))
