"""The breakdown of the funnel: its persons by where they began, what they are, or whether they are new.

Here: the choice of the breakdown, and its table.
Not here: the funnel (``dashboards.app.pages.funnel``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from typing import Any

import polars as pl

from dashboards.app.context import Context
from dashboards.app.pages.funnel_steps import SESSIONS, Steps
from dashboards.app.pages.touchpoints import touchpoint_names
from dashboards.app.slice_bar import Dimensions
from dashboards.blocks import Block, Choice, Option, Table, Text
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.queries import query
from dashboards.slices import Slice

STEPS = "attribution.person_steps"
NO_BREAKDOWN = "none"
_OF_DAY = ("platform", "customers", "segment")
"""The breakdowns by dimensions of a visitor on a day."""
_NEEDED = {
    "entrance": STEPS, "channel": SESSIONS, "new": "core.first_visits", **dict.fromkeys(_OF_DAY, "core.visitors"),
}  # fmt: skip
"""Breakdown → the table that it needs."""


def persons_by_step(found: pl.DataFrame, steps: int) -> list[int]:
    """The number of persons at each step."""
    depth = found["depth"]
    return [int((depth >= number).sum()) for number in range(1, steps + 1)]


def _breakdowns(steps: Steps) -> tuple[str, ...]:
    """The breakdowns to choose from, the default first; no entrance if step 1 is a page view or an order."""
    has_entrance = steps.keys[0] != "order" and not steps.keys[0].startswith("page:")
    return (*(key for key in _NEEDED if key != "entrance" or has_entrance), NO_BREAKDOWN)


def chosen_breakdown(context: Context, steps: Steps) -> str:
    """The breakdown that the URL asks for, else the default."""
    asked, offered = context.view.get("by"), _breakdowns(steps)
    return asked if asked in offered else offered[0]


def breakdown_choice(context: Context, steps: Steps, by: str) -> Choice:
    """The control that chooses the breakdown; *by* is the current one."""
    text_of, offered = context.locale.text, _breakdowns(steps)
    options = tuple(Option(key, text_of(f"funnel.by.{key}")) for key in offered)
    return Choice("by", text_of("funnel.by"), options, by, default=offered[0])


def parts_of(context: Context, steps: Steps, by: str, now: pl.DataFrame, then: pl.DataFrame | None) -> Sequence[Block]:
    """The funnel of each part of the persons; every person is in exactly one part."""
    locale = context.locale
    if by == NO_BREAKDOWN:
        return []
    if not context.copy.has(_NEEDED[by]):
        return [Text(locale.text("channels.too_large", tables=_NEEDED[by]), "missing", "headwater sql")]
    found = _by_part(_with_part(context, by, now), len(steps.keys))
    earlier = _by_part(_with_part(context, by, then), len(steps.keys)) if then is not None else {}
    names = _part_names(context, by, found)
    rows = [_part_row(key, names.get(key, key), counts, earlier.get(key)) for key, counts in found.items()]
    rows.sort(key=lambda row: (-row["step_1"], row["key"]))
    whole = [None if found is None else persons_by_step(found, len(steps.keys)) for found in (now, then)]
    total = _part_row("", locale.text("total"), whole[0] or [], whole[1])
    columns = [
        text(locale.text(f"funnel.by.{by}"), "name"),
        *(
            exact(locale, "funnel_persons", field=f"step_{number}", title=f"{number}. {name}")
            for number, name in enumerate(steps.names, start=1)
        ),
        metric(locale, "funnel_rate"),
        *([change(locale, "funnel_rate")] if then is not None else []),
    ]
    return [
        Table(
            "parts",
            locale.text("funnel.parts", by=locale.text(f"funnel.by.{by}")),
            columns,
            with_changes(rows, "funnel_rate"),
            locale.text(f"funnel.parts.{by}"),
            with_changes([total], "funnel_rate")[0],
            is_wide=True,
            keys=("key",),
        )
    ]


def _part_row(key: str, name: str, counts: Sequence[int], before: Sequence[int] | None) -> dict[str, Any]:
    def rate(of: Sequence[int] | None) -> float | None:
        return of[-1] / of[0] if of and of[0] else None

    steps = {f"step_{number}": count for number, count in enumerate(counts, start=1)}
    return {"key": key, "name": name, **steps, "funnel_rate": rate(counts), "funnel_rate_before": rate(before)}


def _by_part(found: pl.DataFrame, steps: int) -> dict[str, list[int]]:
    """Part → the number of persons at each step."""
    return {str(key): persons_by_step(own, steps) for (key,), own in found.group_by("part")}


def _with_part(context: Context, by: str, found: pl.DataFrame) -> pl.DataFrame:
    """*found* with the column ``part``: the part of the breakdown that each person belongs to."""
    if by == "entrance" or found.is_empty():
        return found.with_columns(part=pl.col("entrance_id"))
    started = found["dt"].to_list()
    first, last = min(started), max(started)
    if by == "new":
        new = context.whole.frame(query("funnel.new"), **{"from": first, "to": last}).with_columns(part=pl.lit("new"))
        return found.join(new, on=["person_id", "dt"], how="left").with_columns(pl.col("part").fill_null("returning"))
    if by in _OF_DAY:
        every = context.whole.in_slice(Slice(segments_on=context.segments_on, by=by))
        people = every.frame(query("funnel.visitors"), **{"from": first, "to": last})
        own = people.select("person_id", "dt", part=f"slice_{by}")
        return found.join(own, on=["person_id", "dt"], how="left").with_columns(pl.col("part").fill_null("(none)"))
    # A session that began the day before may continue after midnight.
    sessions = context.whole.frame(query("funnel.sessions"), **{"from": first - dt.timedelta(days=1), "to": last})
    return (
        found.sort("at")
        .join_asof(sessions, left_on="at", right_on="started_at", by="person_id", check_sortedness=False)
        .with_columns(part=pl.col("channel").fill_null("(unknown)"))
    )


def _part_names(context: Context, by: str, parts: Collection[str]) -> dict[str, str]:
    """Part → its display name."""
    text_of = context.locale.text
    if by in _OF_DAY:
        dimensions = Dimensions(context)
        return {part: dimensions.name(by, part) for part in parts}
    if by == "new":
        return {key: text_of(f"funnel.part.{key}") for key in ("new", "returning")}
    if by == "channel":
        return touchpoint_names(context, "channel") | {"(unknown)": text_of("funnel.part.unknown")}
    return context.entrance_names() | {"(none)": text_of("funnel.part.none")}
