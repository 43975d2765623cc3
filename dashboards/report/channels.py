"""The section on channels: sessions, sales and spend of the day, and the attribution models side by side.

Here: both tables.
Not here: columns and joins (``dashboards.sections.channels``), the models (``dashboards.sections.touch``).
"""

from __future__ import annotations

import datetime as dt

from dashboards.blocks import Block, Table, Text
from dashboards.columns import text
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.report.queries import Reader
from dashboards.sections.channels import ALL, DEFAULT_MODEL, channel_columns, joined, named_rows, spend_note
from dashboards.sections.reading import again, no_table
from dashboards.sections.touch import channel_names, credits_of, model_columns

_SALES = "attribution.model_daily"
_SESSIONS = "core.sessions"


def channels(locale: Locale, reader: Reader) -> list[Block]:
    """The channels of the day by last touch, and their sales by every model."""
    if not reader.exists(_SALES):
        return [no_table(locale, _SALES)]
    days = {"from": reader.day, "to": reader.day}
    names = channel_names(locale, reader.frame(query("channels.names")).to_dicts())
    sessions = reader.frame(query("channels.sessions"), **days).to_dicts() if reader.exists(_SESSIONS) else None
    found = joined(sessions, reader.frame(query("channels.results"), model=DEFAULT_MODEL, **days).to_dicts())
    rows = named_rows(locale, found, names)
    if not rows:
        return [Text(locale.text("channels.none"), "missing", again(reader.day))]
    model = locale.text(f"model.{DEFAULT_MODEL}")
    table = Table(
        "channels",
        locale.text("channels.title"),
        [text(locale.text("touchpoint_type.channel"), "name"), *channel_columns(locale)],
        rows,
        locale.text("channels.about", model=model),
        {**found[ALL], "name": locale.text("total")},
        (spend_note(locale, found[ALL]), locale.text("channels.visitors")),
        is_wide=True,
    )
    return [table, *_models(locale, reader, names)]


def _models(locale: Locale, reader: Reader, names: dict[str, str]) -> list[Block]:
    """The sales of the channels by every model, those with the largest disagreement first; empty without sales."""
    never = dt.date.min
    found = reader.frame(
        query("models.sales"),
        type="channel",
        first=reader.day,
        last=reader.day,
        then_first=never,
        then_last=never,
    )
    if found.is_empty():
        return []
    credits = credits_of(locale, "channel", found.to_dicts(), names)
    table = Table(
        "models",
        locale.text("models.title"),
        [text(locale.text("touchpoint_type.channel"), "name"), *model_columns(locale, credits.models)],
        sorted(credits.rows, key=lambda row: (-(row["spread"] or 0), row["name"])),
        locale.text.joined(locale.text("models.about"), locale.text("models.by_spread")),
        {"name": locale.text("total"), **credits.totals},
        is_wide=True,
    )
    return [table]
