"""Two contents compared on the slot map: the figures of each slot while it showed one or the other.

Here: the choice of the contents, the figures of the slots, the table below the map.
Not here: the map (``dashboards.app.pages.slot_map``), two contents of one slot (``dashboards.app.pages.two_contents``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.controls import slot_days, verdict
from dashboards.app.pages.slot_ranking import METRICS
from dashboards.app.pages.slots import SLOT_KEYS, click_rate_change, content_name, slot_key, slot_name
from dashboards.blocks import Choice, Column, Option, Table
from dashboards.columns import change, metric, text, with_changes
from dashboards.queries import query

_SHOWN = (*METRICS, "clicks")


@dataclass(frozen=True)
class Contents:
    """The two contents, and the controls that choose them.

    Attributes:
        content: The content_id whose figures the map shows; '': the map compares no contents.
        against: The content_id with which they are compared; '' without *content*.
        choices: The controls.
    """

    content: str
    against: str
    choices: tuple[Choice, ...]


def chosen_contents(context: Context, page_type: str) -> Contents:
    """The contents in the URL.

    Unless the URL names the second content, it is the one shown most in the slots of the first; if there is none, the
    one shown most in any slot.
    """
    text_of = context.locale.text
    rows = context.rows(query("slot_map.page_contents"), page_type=page_type)
    shown = {row["head_content_id"]: {*row["slots"].split(" ")} for row in rows}
    if len(shown) < 2:
        return Contents("", "", ())
    options = [Option(key, content_name(context, key)) for key in shown]
    content = context.view.get("content") if context.view.get("content") in shown else ""
    nothing = Option("", text_of("map_contents.none"))
    first = Choice("content", text_of("map_contents.content"), (nothing, *options), content, is_searchable=True)
    if not content:
        return Contents("", "", (first,))
    others = [option for option in options if option.value != content]
    default = next((one.value for one in others if shown[one.value] & shown[content]), others[0].value)
    asked = context.view.get("against")
    against = asked if any(option.value == asked for option in others) else default
    second = Choice(
        "against", text_of("two_contents.against"), tuple(others), against, is_searchable=True, default=default
    )
    return Contents(content, against, (first, second))


def slots_of(context: Context, page_type: str, chosen: Contents) -> list[dict[str, Any]]:
    """The slots of a page that showed one of the contents, with the figures of the other as ``<metric>_before``.

    A slot that did not show the content has None.
    """
    asked = {"page_type": page_type, "content": chosen.content, "against": chosen.against}
    found = context.rows(query("slot_map.two_contents"), **asked)
    sides: dict[tuple[str, int], dict[str, dict[str, Any]]] = {}
    for row in found:
        sides.setdefault((row["head_module"], row["head_slot"]), {})[row["head_content_id"]] = row
    rows = []
    for own in sides.values():
        one, other = own.get(chosen.content, {}), own.get(chosen.against, {})
        row = {**(one or other), **{name: one.get(name) for name in (*_SHOWN, "days")}}
        rows.append(row | {f"{name}_before": other.get(name) for name in (*_SHOWN, "days")})
    days, name = context.days, "slot_click_rate"
    seen = slot_days(context, days.first, days.last, page_type)
    shown_days = {days.first + dt.timedelta(days=nth) for nth in range(days.number)}
    for row in rows:
        row |= {"judged": "", "against_control": ""}
        if row["impressions"] is None or row["impressions_before"] is None:
            continue
        slot = (page_type, row["head_module"], row["head_slot"])
        against = seen.of_contents(name, slot, chosen.content, chosen.against, shown_days)
        row |= {"judged": click_rate_change(context, row), "against_control": verdict(context, name, against)}
    return with_changes(rows, *METRICS)


def contents_table(context: Context, chosen: Contents, name: str, rows: Sequence[dict[str, Any]]) -> Table:
    """The slots with the figures of both contents; *name* is the metric of the map."""
    locale = context.locale
    names = content_name(context, chosen.content), content_name(context, chosen.against)
    shown = [row | {"name": slot_name(context, row)} for row in rows]

    def beside(key: str) -> list[Column]:
        called = locale.text.name("metric", key)
        return [
            metric(locale, key, field=field, title=locale.text("map_contents.of", metric=called, content=content))
            for content, field in zip(names, (key, f"{key}_before"), strict=True)
        ]

    return Table(
        "map_contents",
        locale.text("map_contents.title", one=names[0], other=names[1]),
        [
            text(
                locale.text("column.place"),
                "name",
                href=lambda row: (
                    context.view.to(
                        "entrances",
                        entrance=row["entrance_id"],
                        slot=slot_key(row),
                        content=chosen.content,
                        against=chosen.against,
                    ).href
                ),
            ),
            *beside("impressions"),
            *(beside(name) if name != "impressions" else []),
            change(locale, name, title=locale.text("map_contents.difference")),
            text(locale.text("column.click_rate_change"), "judged"),
            text(locale.text("column.against_control"), "against_control", is_long=True),
        ],
        shown,
        locale.text("two_contents.about"),
        notes=(locale.text("map_contents.days"),),
        is_wide=True,
        is_open=True,
        keys=SLOT_KEYS,
    )
