"""Channels: sessions, orders, new customers, sales and spend of each channel, by a chosen model.

Here: the blocks of all channels; the choice between all channels and one.
Not here: one channel (``dashboards.app.pages.channel``), the table's columns (``dashboards.sections.channels``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.pages.channel import COURSE_METRICS, SESSIONS, one_channel
from dashboards.app.pages.one_course import chosen_metric, metric_choice
from dashboards.app.pages.touchpoints import chosen_model, model_choice, touchpoint_href, touchpoint_names
from dashboards.blocks import Block, Cards, Chart, Choice, Controls, Group, Option, Table, Text
from dashboards.columns import exact, text, with_changes
from dashboards.figures.course import courses, not_drawn
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.channels import (
    ALL,
    DEFAULT_MODEL,
    NOTHING,
    OF_SESSIONS,
    channel_columns,
    joined,
    named_rows,
    spend_note,
)
from dashboards.sections.touch import TOUCH_MODELS, UNATTRIBUTED, as_frame, touchpoint_name

_CARDS = ("sessions", "orders", "new_customers", "revenue", "spend", "roas", "cost_per_order",
          "cost_per_new_customer")  # fmt: skip


def channels(context: Context) -> Sequence[Block]:
    """All channels, or the one in the URL with its campaigns and sources."""
    locale, days = context.locale, context.days
    names = touchpoint_names(context, "channel")
    model = chosen_model(context, TOUCH_MODELS, DEFAULT_MODEL)
    channel = context.view.get("channel")
    now = _found(context, model, days.first, days.last)
    then = None
    if days.is_recorded_then and days.then_first and days.then_last:
        then = _found(context, model, days.then_first, days.then_last)
    back = Text(locale.text("channels.back"), "note", href=context.view.to(channel=None, by=None).href)
    parts: list[Block] = [*([back] if channel else []), _controls(context, names, now, model, channel)]
    known = set(names) | set(now)
    if channel and channel not in known:
        return [*parts, Text(locale.text("channels.unknown", id=channel), "missing")]
    if not context.computed_days or not (now[ALL]["orders"] or now[ALL]["sessions"] or now[ALL]["spend"]):
        return [*parts, context.nothing_there("channels.none")]
    parts += _notices(context, names, now)
    if channel:
        return [
            *parts,
            Text(touchpoint_name(locale, "channel", channel, names), "title"),
            _cards(context, now.get(channel, NOTHING), None if then is None else then.get(channel, NOTHING)),
            *one_channel(context, channel, model),
        ]
    rows = named_rows(locale, now, names)
    for row in rows:
        row["revenue_before"] = (then or {}).get(row["channel"], {}).get("revenue", 0.0) if then else None
    return [
        *parts,
        _cards(context, now[ALL], then and then[ALL]),
        _table(context, with_changes(rows, "revenue"), now[ALL], then and then[ALL], model),
        _course(context, rows, model),
    ]


def _cards(context: Context, now: Mapping[str, Any], then: Mapping[str, Any] | None) -> Cards:
    """The cards. If *now* is the total of all channels, the card of ROAS also has the blended ROAS."""
    locale = context.locale
    mer = now.get("mer") if now.get("channel") == ALL else None
    note = "" if mer is None else f"{locale.text('metric.mer')} {locale.numbers.short(mer)}"
    return Cards(tuple(metric_card(locale, name, now, then, note if name == "roas" else "") for name in _CARDS))


def _found(context: Context, model: str, first: dt.date, last: dt.date) -> dict[str, dict[str, Any]]:
    """Channel → its sessions, sales by *model* and spend from *first* to *last*; ALL has the totals."""
    days = {"from": first, "to": last}
    sessions = context.copy.rows(query("channels.sessions"), **days) if context.copy.has(SESSIONS) else None
    return joined(sessions, context.copy.rows(query("channels.results"), model=model, **days))


def _controls(
    context: Context, names: Mapping[str, str], found: Mapping[str, Any], model: str, channel: str
) -> Controls:
    locale = context.locale
    keys = [*names, *sorted(key for key in found if key not in names and key not in (ALL, UNATTRIBUTED))]
    options = (
        Option("", locale.text("channels.all")),
        *(Option(key, touchpoint_name(locale, "channel", key, names)) for key in keys),
    )
    title = locale.text("touchpoint_type.channel")
    return Controls(
        (
            Choice("channel", title, options, channel, is_searchable=True, clears=("by",), is_open=True),
            model_choice(context, TOUCH_MODELS, model, DEFAULT_MODEL),
        )
    )


def _notices(context: Context, names: Mapping[str, str], now: Mapping[str, Mapping[str, Any]]) -> list[Text]:
    """Notes on missing data: sessions not in the copy; spend that has not landed or names an unknown channel."""
    locale, text_of = context.locale, context.locale.text
    notices = []
    if not context.copy.has(SESSIONS):
        notices.append(Text(text_of("channels.no_sessions", table=SESSIONS), "warning"))
    spent = context.one(query("channels.spend"))
    if not spent["spend_rows"]:
        notices.append(Text(text_of("channels.no_spend"), "missing"))
    elif spent["unknown_costs"]:
        number = locale.numbers.full(spent["unknown_costs"])
        notices.append(Text(text_of("channels.unknown_costs", n=number), "warning"))
    strange = sorted(key for key, row in now.items() if key not in names and row["spend"] and key != ALL)
    if strange:
        listed = text_of("list.separator").join(strange)
        notices.append(Text(text_of("channels.strange", names=listed), "warning"))
    return notices


def _table(
    context: Context,
    rows: Sequence[dict[str, Any]],
    total: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    model: str,
) -> Table:
    """The channels with their totals; *before* are the totals of the comparison days, None without comparison days."""
    locale = context.locale
    whole = {**total, "name": locale.text("total"), "revenue_before": before["revenue"] if before else None}
    return Table(
        "channels",
        locale.text("channels.title"),
        [
            text(locale.text("touchpoint_type.channel"), "name", href=_href(context)),
            *channel_columns(locale, is_compared=before is not None),
        ],
        rows,
        locale.text.joined(
            locale.text("channels.about", model=locale.text(f"model.{model}")), _choice_note(locale, model)
        ),
        with_changes([whole], "revenue")[0],
        (spend_note(locale, total), locale.text("channels.visitors")),
        is_wide=True,
        keys=("channel",),
    )


def _choice_note(locale: Locale, model: str) -> str:
    """Why last touch is the default; for another model, how it divides a sale."""
    return locale.text("channels.default" if model == DEFAULT_MODEL else f"model.{model}.about")


def _href(context: Context) -> Any:
    model = context.view.get("model") or None
    to_page = touchpoint_href(context, "channel")
    assert to_page is not None
    return lambda row: (
        to_page(row) and context.view.to("channels", channel=row["touchpoint"], model=model, metric=None).href
    )


def _course(context: Context, rows: Sequence[dict[str, Any]], model: str) -> Group:
    """A metric of the channels by day, with the control that chooses it.

    The channels with the highest values are drawn.
    """
    locale = context.locale
    name = chosen_metric(context, "metric", COURSE_METRICS)
    own = _by_day(context, name, model)
    names = {row["channel"]: row["name"] for row in rows}
    ranked = sorted((row for row in rows if row[name]), key=lambda row: -row[name])
    is_credit = name == "orders"  # a model divides each order among channels, so no order counts twice
    drawn = {row["channel"]: row["name"] for row in ranked}
    table = Table(
        "course",
        locale.text("channels.course", metric=locale.text.name("metric", name)),
        [
            text(locale.text("column.day"), "dt"),
            text(locale.text("touchpoint_type.channel"), "name"),
            exact(locale, name),
        ],
        [row | {"name": names.get(row["key"], row["key"]), "channel": row["key"]} for row in own],
        locale.text.name("about", name),
        notes=not_drawn(locale, name, len(ranked), is_credit=is_credit),
        is_wide=True,
        keys=("channel",),
    )
    choice = Controls((metric_choice(locale, "metric", COURSE_METRICS, name),))
    if not drawn:
        return Group((choice, Text(locale.text("channels.no_course"), "missing")), "stack")
    figure = courses(locale, as_frame(own), name, drawn, is_credit=is_credit)
    return Group((choice, Chart(figure, table, is_wide=True)), "stack")


def _by_day(context: Context, name: str, model: str) -> list[dict[str, Any]]:
    """The metric *name* of each channel by day: dt, key, *name*; empty if its table is not in the copy."""
    days = {"from": context.days.first, "to": context.days.last}
    if name not in OF_SESSIONS:
        return context.copy.rows(query("channels.sales_days"), model=model, **days)
    return context.copy.rows(query("channels.session_days"), **days) if context.copy.has(SESSIONS) else []
