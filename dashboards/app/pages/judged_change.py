"""The block that judges a change of a slot against a control, on a day that the user picks.

Here: the fields in which the user chooses, and the table.
Not here: which slots or days are the control (``dashboards.app.pages.controls``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.controls import METRICS, WEEKS, Against, Slot, SlotDays, changes_of, slot_days, verdict
from dashboards.app.pages.slots import content_name, place_of, slot_name
from dashboards.blocks import Block, Choice, Column, Controls, Group, Option, Row, Table, Text
from dashboards.columns import text
from dashboards.metrics import card_text, full_text
from dashboards.sections.verdicts import difference_text

KINDS = ("slots", "weekdays")

_NAMED = 4
"""At most this many slots of the control are listed by name."""


def judged_change(context: Context, entrance: str, key: str) -> list[Block]:
    """A change of the slot *key* of *entrance*; empty if fewer than two days are shown."""
    locale, days, place = context.locale, context.days, place_of(key)
    if days.number < 2:
        return []
    slot = (place["page_type"], place["module"], place["slot"])
    changes = {row["first_day"]: row for row in changes_of(context, entrance, place)}
    offered = [days.first + dt.timedelta(days=nth) for nth in range(1, days.number)]
    default = max((day for day in changes if day in offered), default=offered[len(offered) // 2])
    asked = context.view.get("change")
    day = next((one for one in offered if one.isoformat() == asked), default)
    kind = context.view.get("control") if context.view.get("control") in KINDS else KINDS[0]
    controls = Controls(
        (
            Choice(
                "change",
                locale.text("control.day"),
                tuple(Option(one.isoformat(), _day_text(context, one, changes)) for one in reversed(offered)),
                day.isoformat(),
                is_searchable=True,
                default=default.isoformat(),
            ),
            Choice(
                "control",
                locale.text("control.kind"),
                tuple(Option(one, locale.text(f"control.kind.{one}")) for one in KINDS),
                kind,
                default=KINDS[0],
            ),
        )
    )
    # As in the table of changes, the days with the old or the new content may reach beyond the days shown.
    starts = [
        days.first,
        *(row["first_day_before"] for row in changes.values()),
        day - dt.timedelta(days=7 * WEEKS + 7),
    ]
    ends = [days.last, *(row["last_day"] for row in changes.values())]
    seen = slot_days(context, min(starts), max(ends), slot[0])
    judged = {name: _against(seen, name, slot, day, kind, changes.get(day), offered) for name in METRICS}
    if all(against.judged is None for against in judged.values()):
        heading = Text(locale.text("control.title"), "heading", about=locale.text("control.about"))
        return [heading, Group((controls, Text(locale.text("control.none.block"), "missing")), "stack")]
    return [Group((controls, _table(context, judged)), "stack")]


def _day_text(context: Context, day: dt.date, changes: dict[dt.date, dict[str, Any]]) -> str:
    if day not in changes:
        return day.isoformat()
    return context.locale.text("control.day.of", day=day, content=content_name(context, changes[day]["content"]))


def _against(
    seen: SlotDays,
    name: str,
    slot: Slot,
    day: dt.date,
    kind: str,
    change: dict[str, Any] | None,
    offered: Sequence[dt.date],
) -> Against:
    if kind == "weekdays":
        return seen.weekday(name, slot, day)
    if change is not None:
        return seen.of_change(name, change)
    return seen.since(name, slot, day, [offered[0] - dt.timedelta(days=1), *offered])


def _table(context: Context, judged: dict[str, Against]) -> Table:
    locale = context.locale
    rows = [
        {
            "metric": name,
            "name": locale.text.name("metric", name),
            **{
                field: getattr(against.judged, field, None)
                for field in ("before", "after", "control_before", "control_after", "expected")
            },
            "difference": against.judged.interval.effect if against.judged else None,
            "low": against.judged.interval.low if against.judged else None,
            "high": against.judged.interval.high if against.judged else None,
            "verdict": verdict(context, name, against),
        }
        for name, against in judged.items()
    ]

    def value(field: str) -> Column:
        return Column(
            locale.text(f"control.{field}"),
            lambda row: card_text(locale.numbers, row["metric"], row[field]),
            lambda row: full_text(locale.numbers, row["metric"], row[field]),
            field=field,
        )

    def difference(row: Row) -> str:
        return difference_text(locale, row["metric"], row["difference"])

    return Table(
        "control",
        locale.text("control.title"),
        [
            text(locale.text("entrances.metric"), "name"),
            *(value(field) for field in ("before", "after", "control_before", "control_after", "expected")),
            Column(locale.text("control.difference"), difference, field="difference"),
            text(locale.text("experiments.verdict"), "verdict", is_long=True),
        ],
        rows,
        locale.text("control.about"),
        notes=(_days_text(context, next(iter(judged.values()))), locale.text("control.limits")),
        is_wide=True,
        is_of_days=False,
        keys=("metric", "low", "high"),
        is_sortable=False,
    )


def _days_text(context: Context, against: Against) -> str:
    text_of = context.locale.text
    if against.judged is None:
        return ""
    if against.control == "weekdays":
        return text_of("control.weeks", n=against.judged.days_before)
    names = [
        slot_name(context, dict(zip(("head_page_type", "head_module", "head_slot"), one, strict=True)))
        for one in against.slots[:_NAMED]
    ]
    slots = ("、" if context.view.language == "zh" else ", ").join(names)
    if len(against.slots) > _NAMED:
        slots = text_of("control.slots.more", slots=slots, n=len(against.slots))
    return text_of(
        "control.days",
        n=against.judged.days_before,
        m=against.judged.days_after,
        control=text_of(f"control.of.{against.control}"),
        slots=slots,
    )
