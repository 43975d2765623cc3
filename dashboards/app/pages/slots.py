"""The slots of an entrance: their traffic and sales, changes of their content, and their orders.

Here: these blocks, for all slots of an entrance or one of them; the key of a slot in the URL.
Not here: the entrances (``dashboards.app.pages.entrances``), the page of one slot (``dashboards.app.pages.slot``).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.controls import changes_of, slot_days, verdict
from dashboards.app.pages.lines import product_columns
from dashboards.app.people import shown_id
from dashboards.app.pictures import picture_url
from dashboards.app.times import local_time
from dashboards.blocks import Block, Column, Picture, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.numbers import NONE
from dashboards.queries import query

_Z95 = 1.959964
_VALUE = "revenue_per_mille_impressions"
SLOT_KEYS = ("entrance_id", "head_page_type", "head_module", "head_slot")
"""The columns that identify a slot in exported files."""


def slot_key(row: Mapping[str, Any]) -> str:
    """The key of a slot in the URL."""
    return f"{row['head_page_type']}|{row['head_module']}|{row['head_slot']}"


def place_of(key: str) -> dict[str, Any]:
    """The query parameters page_type, module and slot for the slot *key*; '', '' and −1 for an empty key.

    A key without a number has slot −1, which no slot has.
    """
    if not key:
        return {"page_type": "", "module": "", "slot": -1}
    page_type, _, rest = key.partition("|")
    module, _, number = rest.rpartition("|")
    return {"page_type": page_type, "module": module, "slot": int(number) if number.isdigit() else -1}


def slot_name(context: Context, row: Mapping[str, Any]) -> str:
    """Page, module and number of a slot; "–" if there is no slot."""
    if row["head_page_type"] == "(none)":
        return NONE
    page = page_name(context, row["head_page_type"])
    module = module_name(context, row["head_page_type"], row["head_module"])
    number = context.locale.text("slot.number", n=row["head_slot"]) if row["head_slot"] else ""
    return " · ".join(part for part in (page, module, number) if part)


def page_name(context: Context, page_type: str) -> str:
    """The display name of a page: from ``config/pages.yaml``, else a built-in name, else its page type."""
    page = context.shop_pages.get(page_type)
    return page.name(context.locale.language) if page else context.locale.text.name("page_type", page_type)


def module_name(context: Context, page_type: str, module: str) -> str:
    """The display name of a module, found like that of a page; '' for events without a module."""
    page = context.shop_pages.get(page_type)
    found = next((one for one in page.modules if one.module == module), None) if page else None
    own = found.name(context.locale.language) if found else ""
    return own or (context.locale.text.name("module", module) if module != "(none)" else "")


def content_name(context: Context, key: str) -> str:
    """The display name of a content: from ``config/contents.csv``, else its id; "(none)" has a text."""
    content = context.contents.get(key)
    return content.name(context.locale.language) if content else context.locale.text.name("content", key)


def content_column(context: Context, field: str, key: str, *, title: str | None = None) -> Column:
    """A column of contents: the name in *field* after the picture; *key* is the field with the content_id."""
    return Column(
        title or context.locale.text("column.content"),
        lambda row: row[field] or NONE,
        lambda row: str(row.get(key) or ""),
        is_text=True,
        field=field,
        picture=lambda row: thumbnail(context, row[key]),
    )


def thumbnail(context: Context, key: str | None) -> Picture | None:
    """The picture of a content; None if it has none."""
    content = context.contents.get(key or "")
    return Picture(picture_url(content.picture), width=56) if content and content.picture else None


def measures(context: Context) -> list[Column]:
    """The metric columns of a slot or content: first its own impressions, then the exposures of its products."""
    names = (
        "impressions", "clicks", "slot_click_rate", "exposures", "product_clicks", "click_through_rate", "order_lines",
        "revenue", "revenue_by_visit", "net_revenue", "refunded", "margin", "revenue_per_mille",
    )  # fmt: skip
    return [metric(context.locale, name) for name in names]


def slots(context: Context, entrance: str) -> Table:
    """The slots of an entrance, each with a link to its page."""
    locale, view = context.locale, context.view
    rows = [
        row | {"name": slot_name(context, row), "key": slot_key(row)}
        for row in context.rows(query("slots.slots"), entrance=entrance)
    ]
    columns = [
        text(locale.text("column.place"), "name", href=lambda row: view.to(slot=row["key"]).href),
        Column(
            locale.text("column.contents"),
            lambda row: locale.numbers.full(row["contents"]),
            field="contents",
            definition=locale.text("slots.contents.about"),
        ),
        *measures(context),
    ]
    about = locale.text("slots.about")
    return Table("slots", locale.text("slots.of_entrance"), columns, rows, about, is_wide=True, keys=SLOT_KEYS)


def slot_changes(context: Context, entrance: str, slot: str) -> list[Block]:
    """The slots of *entrance* whose content changed within these days, with figures before and after the change.

    *slot* is the key of the only slot to show; '': all slots of the entrance.
    """
    locale = context.locale
    place = place_of(slot)
    found = changes_of(context, entrance, place)
    if not found:
        return [Text(locale.text("slots.no_changes"), "note")]
    first, last = min(row["first_day_before"] for row in found), max(row["last_day"] for row in found)
    seen = slot_days(context, first, last)
    rows = [
        row
        | {
            "entrance_id": entrance,
            "name": slot_name(context, row),
            "before_name": content_name(context, row["content_before"]),
            "after_name": content_name(context, row["content"]),
            "click_rate_change": click_rate_change(context, row),
            "against_control": verdict(context, "slot_click_rate", seen.of_change("slot_click_rate", row)),
        }
        for row in found
    ]
    columns = [
        text(locale.text("column.place"), "name"),
        text(locale.text("column.changed_on"), "first_day"),
        metric(
            locale, "slot_click_rate", field="slot_click_rate_before", title=locale.text("column.click_rate_before")
        ),
        metric(locale, "slot_click_rate", title=locale.text("column.click_rate_after")),
        content_column(context, "before_name", "content_before", title=locale.text("column.content_before")),
        content_column(context, "after_name", "content", title=locale.text("column.content_after")),
        text(locale.text("column.click_rate_change"), "click_rate_change"),
        text(locale.text("column.against_control"), "against_control", is_long=True),
        exact(locale, "impressions", field="impressions_before", title=locale.text("column.impressions_before")),
        exact(locale, "impressions", title=locale.text("column.impressions_after")),
        metric(locale, _VALUE, field=f"{_VALUE}_before", title=locale.text("column.value_before")),
        metric(locale, _VALUE, title=locale.text("column.value_after")),
    ]
    title, about = locale.text("slots.changes"), locale.text("slots.changes.about")
    keys = (*SLOT_KEYS, "content_before", "content")
    return [Table("changes", title, columns, rows, about, is_wide=True, keys=keys)]


def click_rate_change(context: Context, row: Mapping[str, Any]) -> str:
    """Text that says whether the click rate after the change is significantly higher or lower.

    It is based on the difference of two proportions with its 95 % interval (normal approximation without pooling;
    Newcombe 1998, method 10, gives nearly the same at such counts). With fewer than ten clicks before or after the
    change, the text says that there are too few.
    """
    locale = context.locale
    n, m = row["impressions"], row["impressions_before"]
    p, q = row["slot_click_rate"], row["slot_click_rate_before"]
    if p is None or q is None or min(row["clicks"], row["clicks_before"]) < 10 or p > 1 or q > 1:
        return locale.text("click_rate_change.few")
    half = _Z95 * math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    low, high = p - q - half, p - q + half
    key = "higher" if low > 0 else "lower" if high < 0 else "unclear"
    points = locale.numbers.points
    return locale.text(f"click_rate_change.{key}", low=points(low, 0.0), high=points(high, 0.0))


def orders(context: Context, entrance: str, slot: str, kind: str = "") -> Table:
    """The order lines credited to the entrance, or to its *slot*, each with a link to its path.

    With *kind*, only the lines with this kind of match; '' for *slot* or *kind* means all.
    """
    locale, view = context.locale, context.view
    place = place_of(slot)
    timezone = context.copy.settings.timezone
    rows = [
        row
        | {
            "slot_name": slot_name(context, row),
            "paid": local_time(row["paid_at"], timezone),
            "matched": locale.text.name("matched_by", row["matched_by"]),
            "content": content_name(context, row["head_content_id"]),
            "user_id": None if row["person_id"] is None else shown_id(context, row["person_id"]),
        }
        for row in context.rows(query("slots.orders"), entrance=entrance, kind=kind, **place)
    ]
    columns = [
        text(
            locale.text("column.order"),
            "order_id",
            href=lambda row: view.to("paths", find=row["order_id"], line=str(row["line_no"])).href,
        ),
        Column(locale.text("column.line"), lambda row: str(row["line_no"]), is_text=True, field="line_no"),
        *(exact(locale, name) for name in ("revenue", "refunded", "margin")),
        exact(locale, "units", field="quantity"),
        Column(locale.text("column.paid"), lambda row: _minute(row["paid"]), is_text=True, field="paid"),
        *product_columns(locale, view, rows),
        text(locale.text("column.matched"), "matched"),
        *([] if slot else [text(locale.text("column.place"), "slot_name")]),
        content_column(context, "content", "head_content_id"),
    ]
    return Table(
        "orders",
        locale.text("orders.title"),
        columns,
        rows,
        locale.text("orders.about"),
        is_wide=True,
        keys=("product_id", "sku", "user_id", "matched_by", *SLOT_KEYS, "head_content_id"),
        bar="revenue",
    )


def _minute(time: dt.datetime | None) -> str:
    return NONE if time is None else f"{time:%Y-%m-%d %H:%M}"
