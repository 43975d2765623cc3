"""The slots of an entrance: what they brought, before and after their content changed, and their orders.

Here: these blocks, for all slots of an entrance or one of them; how the address names a slot.
Not here: the entrances (``dashboards.app.pages.entrances``), the page of one slot (``dashboards.app.pages.slot``).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.lines import line_joins, line_names, product_columns
from dashboards.app.people import shown_id
from dashboards.app.times import local_time
from dashboards.blocks import Block, Column, Table, Text
from dashboards.columns import exact, metric, text
from dashboards.numbers import NONE

SUMS = """
    sum(impressions)::BIGINT AS impressions, sum(clicks)::BIGINT AS clicks,
    sum(clicks)::DOUBLE / nullif(sum(impressions), 0) AS slot_click_rate,
    sum(exposures)::BIGINT AS exposures, sum(product_clicks)::BIGINT AS product_clicks,
    sum(order_lines)::BIGINT AS order_lines, sum(revenue) AS revenue, sum(revenue_by_visit) AS revenue_by_visit,
    sum(net_revenue) AS net_revenue,
    sum(revenue) - sum(net_revenue) AS refunded, sum(margin) AS margin,
    sum(product_clicks)::DOUBLE / nullif(sum(exposures), 0) AS click_through_rate,
    1000 * sum(revenue)::DOUBLE / nullif(sum(exposures), 0) AS revenue_per_mille
"""
_SLOTS = f"""
SELECT entrance_id, head_page_type, head_module, head_slot, count(DISTINCT head_content_id) AS contents, {SUMS}
FROM attribution.slot_daily WHERE dt BETWEEN $first AND $last AND entrance_id = $entrance
GROUP BY ALL ORDER BY revenue DESC, impressions DESC, head_page_type, head_module, head_slot
"""
_CHANGES = """
WITH shown AS (
    SELECT dt, head_page_type, head_module, head_slot, head_content_id, impressions, clicks, revenue
    FROM attribution.slot_daily
    WHERE entrance_id = $entrance AND head_slot > 0 AND head_content_id <> '(none)' AND impressions > 0
        AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot))
    QUALIFY row_number() OVER (
        PARTITION BY dt, head_page_type, head_module, head_slot ORDER BY impressions DESC, head_content_id
    ) = 1
), marked AS (
    SELECT *, head_content_id IS DISTINCT FROM lag(head_content_id) OVER slots AS is_new
    FROM shown WINDOW slots AS (PARTITION BY head_page_type, head_module, head_slot ORDER BY dt)
), runs AS (
    SELECT head_page_type, head_module, head_slot, run, any_value(head_content_id) AS content, min(dt) AS first_day,
        max(dt) AS last_day, count(*) AS days, sum(impressions)::BIGINT AS impressions, sum(clicks)::BIGINT AS clicks,
        sum(revenue) AS revenue
    FROM (
        SELECT *, count(*) FILTER (WHERE is_new) OVER (
            PARTITION BY head_page_type, head_module, head_slot ORDER BY dt
        ) AS run FROM marked
    )
    GROUP BY ALL
)
SELECT now.*, before.content AS content_before, before.first_day AS first_day_before, before.days AS days_before,
    before.impressions AS impressions_before, before.clicks AS clicks_before, before.revenue AS revenue_before,
    now.clicks::DOUBLE / nullif(now.impressions, 0) AS slot_click_rate,
    before.clicks::DOUBLE / nullif(before.impressions, 0) AS slot_click_rate_before,
    1000 * now.revenue::DOUBLE / nullif(now.impressions, 0) AS revenue_per_mille_impressions,
    1000 * before.revenue::DOUBLE / nullif(before.impressions, 0) AS revenue_per_mille_impressions_before
FROM runs AS now
JOIN runs AS before
    ON before.head_page_type = now.head_page_type AND before.head_module = now.head_module
    AND before.head_slot = now.head_slot AND before.run = now.run - 1
WHERE now.first_day BETWEEN $first AND $last
ORDER BY now.first_day DESC, now.impressions DESC, now.head_page_type, now.head_module, now.head_slot
"""
_ORDERS = f"""
SELECT sales.order_id, sales.line_no, sales.entrance_id, sales.person_id, sales.paid_at, sales.sku, sales.product_id,
    {line_names("sales")}, sales.quantity, sales.revenue, sales.net_revenue,
    sales.revenue - sales.net_revenue AS refunded, sales.margin, sales.matched_by, sales.matched_event_id,
    sales.head_page_type, sales.head_module, sales.head_slot, sales.head_content_id
FROM attribution.attributed_sales AS sales {line_joins("sales")}
WHERE sales.dt BETWEEN $first AND $last AND sales.entrance_id = $entrance
    AND ($kind = '' OR sales.matched_by = $kind)
    AND ($page_type = '' OR (head_page_type = $page_type AND head_module = $module AND head_slot = $slot))
ORDER BY sales.revenue DESC, sales.order_id, sales.line_no
"""
_Z95 = 1.959964
_VALUE = "revenue_per_mille_impressions"
SLOT_KEYS = ("entrance_id", "head_page_type", "head_module", "head_slot")
"""What a slot is named by in files."""


def slot_key(row: Mapping[str, Any]) -> str:
    """How the address names a slot."""
    return f"{row['head_page_type']}|{row['head_module']}|{row['head_slot']}"


def place_of(key: str) -> dict[str, Any]:
    """Page type, module and number of the slot that the address names *key*; '' and −1 where it names none."""
    if not key:
        return {"page_type": "", "module": "", "slot": -1}
    page_type, _, rest = key.partition("|")
    module, _, number = rest.rpartition("|")
    return {"page_type": page_type, "module": module, "slot": int(number) if number.isdigit() else -1}


def slot_name(context: Context, row: Mapping[str, Any]) -> str:
    """Page, module and number of a slot; "–" where there is none."""
    look = context.look
    if row["head_page_type"] == "(none)":
        return NONE
    page = look.text.name("page_type", row["head_page_type"])
    module = look.text.name("module", row["head_module"]) if row["head_module"] != "(none)" else ""
    number = look.text("slot.number", n=row["head_slot"]) if row["head_slot"] else ""
    return " · ".join(part for part in (page, module, number) if part)


def content_name(context: Context, key: str) -> str:
    """What a content is called: by its id, which the shop chose, or that none was named."""
    return context.look.text.name("content", key)


def measures(context: Context) -> list[Column]:
    """The columns of what a slot or content brought. Its own impressions come before the products' exposures."""
    names = (
        "impressions", "clicks", "slot_click_rate", "exposures", "product_clicks", "click_through_rate", "order_lines",
        "revenue", "revenue_by_visit", "net_revenue", "refunded", "margin", "revenue_per_mille",
    )  # fmt: skip
    return [metric(context.look, name) for name in names]


def slots(context: Context, entrance: str) -> Table:
    """The slots of an entrance, each a link to what it showed."""
    look, view = context.look, context.view
    rows = [
        row | {"name": slot_name(context, row), "key": slot_key(row)} for row in context.rows(_SLOTS, entrance=entrance)
    ]
    columns = [
        text(look.text("column.place"), "name", href=lambda row: view.to(slot=row["key"]).href),
        Column(
            look.text("column.contents"),
            lambda row: look.numbers.full(row["contents"]),
            field="contents",
            definition=look.text("slots.contents.about"),
        ),
        *measures(context),
    ]
    about = look.text("slots.about")
    return Table("slots", look.text("slots.of_entrance"), columns, rows, about, is_wide=True, keys=SLOT_KEYS)


def slot_changes(context: Context, entrance: str, slot: str) -> list[Block]:
    """Slots whose content changed within the days, before and after."""
    look = context.look
    place = place_of(slot)
    rows = [
        row | {"entrance_id": entrance, "name": slot_name(context, row), "judged": judged(context, row)}
        for row in context.rows(_CHANGES, entrance=entrance, **place)
    ]
    if not rows:
        return [Text(look.text("slots.no_changes"), "note")]
    columns = [
        text(look.text("column.changed_on"), "first_day"),
        text(look.text("column.place"), "name"),
        text(look.text("column.content_before"), "content_before"),
        text(look.text("column.content_after"), "content"),
        exact(look, "impressions", field="impressions_before", title=look.text("column.impressions_before")),
        exact(look, "impressions", title=look.text("column.impressions_after")),
        metric(look, "slot_click_rate", field="slot_click_rate_before", title=look.text("column.click_rate_before")),
        metric(look, "slot_click_rate", title=look.text("column.click_rate_after")),
        text(look.text("column.judged"), "judged"),
        metric(look, _VALUE, field=f"{_VALUE}_before", title=look.text("column.value_before")),
        metric(look, _VALUE, title=look.text("column.value_after")),
    ]
    title, about = look.text("slots.changes"), look.text("slots.changes.about")
    return [Table("changes", title, columns, rows, about, is_wide=True, keys=SLOT_KEYS)]


def judged(context: Context, row: Mapping[str, Any]) -> str:
    """Whether the click rate after the change is higher or lower beyond chance.

    The difference of two proportions with its 95 % interval (normal approximation without pooling; Newcombe 1998,
    method 10, is alike at such counts). Fewer than ten clicks on either side: not judged.
    """
    look = context.look
    n, m = row["impressions"], row["impressions_before"]
    p, q = row["slot_click_rate"], row["slot_click_rate_before"]
    if p is None or q is None or min(row["clicks"], row["clicks_before"]) < 10 or p > 1 or q > 1:
        return look.text("judged.few")
    half = _Z95 * math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    low, high = p - q - half, p - q + half
    key = "higher" if low > 0 else "lower" if high < 0 else "unclear"
    points = look.numbers.points
    return look.text(f"judged.{key}", low=points(low, 0.0), high=points(high, 0.0))


def orders(context: Context, entrance: str, slot: str, kind: str = "") -> Table:
    """The order lines credited, each a link to its path; *kind*: only those that were matched so."""
    look, view = context.look, context.view
    place = place_of(slot)
    timezone = context.copy.settings.timezone
    rows = [
        row
        | {
            "slot_name": slot_name(context, row),
            "paid": local_time(row["paid_at"], timezone),
            "matched": look.text.name("matched_by", row["matched_by"]),
            "content": content_name(context, row["head_content_id"]),
            "user_id": None if row["person_id"] is None else shown_id(context, row["person_id"]),
        }
        for row in context.rows(_ORDERS, entrance=entrance, kind=kind, **place)
    ]
    columns = [
        text(
            look.text("column.order"),
            "order_id",
            href=lambda row: view.to("paths", find=row["order_id"], line=str(row["line_no"])).href,
        ),
        Column(look.text("column.line"), lambda row: str(row["line_no"]), field="line_no"),
        Column(look.text("column.paid"), lambda row: _minute(row["paid"]), is_text=True, field="paid"),
        *product_columns(look, view, rows),
        exact(look, "units", field="quantity"),
        *(exact(look, name) for name in ("revenue", "refunded", "margin")),
        text(look.text("column.matched"), "matched"),
        *([] if slot else [text(look.text("column.place"), "slot_name")]),
        text(look.text("column.content"), "content"),
    ]
    return Table(
        "orders",
        look.text("orders.title"),
        columns,
        rows,
        look.text("orders.about"),
        is_wide=True,
        keys=("product_id", "sku", "user_id", "matched_by", *SLOT_KEYS, "head_content_id"),
    )


def _minute(time: dt.datetime | None) -> str:
    return NONE if time is None else f"{time:%Y-%m-%d %H:%M}"
