"""The entrance visit that a sale without a path was matched to.

Here: its table.
Not here: paths (``dashboards.app.pages.explorer``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.slots import content_column, content_name, page_name
from dashboards.app.times import local_time
from dashboards.blocks import Block, Column, Table, Text
from dashboards.columns import text
from dashboards.numbers import NONE
from dashboards.queries import query


def visit(context: Context, line: Mapping[str, Any]) -> Sequence[Block]:
    """The entrance visit that a sale was matched to, with its time if the copy contains the events."""
    locale = context.locale
    found: dict[str, Any] = {
        "event_id": line["matched_event_id"],
        "occurred_at": None,
        "page_id": None,
        "page_type": line["head_page_type"],
        "module": line["head_module"],
        "slot": line["head_slot"] or None,
        "content_id": line["head_content_id"],
    }
    if context.copy.has("core.events"):
        found = next(iter(context.rows(query("explorer.visit"), find=line["matched_event_id"])), found)
    at = local_time(found["occurred_at"], context.copy.settings.timezone)
    row = found | {
        "at": at,
        "entrance": context.entrance_names().get(line["entrance_id"], line["entrance_id"]),
        "page": page_name(context, str(found["page_type"])),
        "content": None if found["content_id"] is None else content_name(context, found["content_id"]),
    }
    columns = [
        Column(
            locale.text("column.time"),
            lambda row: NONE if row["at"] is None else f"{row['at']:%Y-%m-%d %H:%M:%S}",
            is_text=True,
            field="at",
        ),
        text(locale.text("column.entrance"), "entrance"),
        text(locale.text("column.page"), "page"),
        Column("PageId", lambda row: NONE if row["page_id"] is None else str(row["page_id"]), field="page_id"),
        text(locale.text("column.module"), "module"),
        Column(
            locale.text("column.slot_no"), lambda row: NONE if row["slot"] is None else str(row["slot"]), field="slot"
        ),
        content_column(context, "content", "content_id"),
        text(locale.text("column.event"), "event_id"),
    ]
    title, about = locale.text("explorer.visit"), locale.text("explorer.visit.about")
    return [Text(about, "warning"), Table("visit", title, columns, [row], is_wide=True, keys=("content_id",))]
