"""The path explorer: the restored path of an order, a cart or a device, step by step.

Here: finding the path, the timeline, the steps with their reasons, what the sale was matched to.
Not here: how the timeline looks (``dashboards.figures.path``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from dashboards.app.context import Context
from dashboards.app.pages.lines import product_columns, product_title
from dashboards.app.pages.slots import content_name
from dashboards.app.pages.visit import visit
from dashboards.app.times import local_time
from dashboards.blocks import Block, Card, Cards, Chart, Column, Table, Text
from dashboards.columns import exact, text
from dashboards.figures.path import kind_of, path_timeline
from dashboards.locale import Locale
from dashboards.metrics import card_text, full_text
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.sales import MATCHES

_NEEDED = ("attribution.path_steps", "attribution.attributed_events", "attribution.attributed_sales")


def explore(context: Context) -> Sequence[Block]:
    """The result for the view's ``find``: a line of an order, a cart, or the carts of a device.

    Without ``find``, this is an example: a path on the days shown.
    """
    locale = context.locale
    missing = [table for table in _NEEDED if not context.copy.has(table)]
    if missing:
        return [Text(locale.text("explorer.too_large", tables=", ".join(missing)), "missing")]
    find = context.view.get("find").strip()
    if not find:
        return _example(context)
    lines = context.rows(query("explorer.lines"), find=find)
    if lines:
        return _of_order(context, lines)
    unpaid = context.rows(query("explorer.order"), find=find)
    if unpaid:
        status = locale.text.name("order_status", unpaid[0]["status"])
        return [Text(locale.text("explorer.unpaid", order=find, status=status), "missing")]
    ends = context.rows(query("explorer.end"), find=find)
    if ends:
        return _of_end(context, ends[0])
    # Viewers may not see what one person did. A device is often one person's, so viewers cannot search for devices.
    carts = [] if context.role == "viewer" else context.rows(query("explorer.ends_of_device"), find=find)
    if carts:
        return [_carts(context, find, carts)]
    return [Text(locale.text("explorer.nothing", find=find), "missing")]


def _example(context: Context) -> Sequence[Block]:
    """The path on these days that makes the best example: about eight steps, some of them backtracked or superseded."""
    locale = context.locale
    found = context.rows(query("explorer.example"))
    if not found:
        return [Text(locale.text("explorer.no_example"), "missing")]
    lines = context.rows(query("explorer.lines"), find=found[0]["order_id"])
    line = next(row for row in lines if row["line_no"] == found[0]["line_no"])
    note = Text(locale.text("explorer.example", order=line["order_id"]), "note")
    return [note, *_of_line(context, line)]


def _of_order(context: Context, lines: Sequence[dict[str, Any]]) -> Sequence[Block]:
    wanted = context.view.get("line")
    line = next((row for row in lines if str(row["line_no"]) == wanted), None)
    line = line or min(lines, key=lambda row: (MATCHES.index(row["matched_by"]), row["line_no"]))
    locale, shown = context.locale, line["line_no"]
    parts: list[Block] = []
    if wanted and wanted != str(shown):
        note = locale.text("explorer.no_line", order=line["order_id"], line=wanted, shown=shown)
        parts.append(Text(note, "warning"))
    if len(lines) > 1:
        parts.append(_lines(context, lines, shown))
    return [*parts, *_of_line(context, line)]


def _lines(context: Context, lines: Sequence[dict[str, Any]], shown: int) -> Table:
    locale, view = context.locale, context.view
    names = context.entrance_names()
    rows = [
        row
        | {
            "entrance": names.get(row["entrance_id"], row["entrance_id"]),
            "matched": _matched(locale, row),
            "action": locale.text("explorer.shown") if row["line_no"] == shown else locale.text("explorer.show"),
        }
        for row in lines
    ]
    columns = [
        Column(locale.text("column.line"), lambda row: str(row["line_no"]), field="line_no"),
        *product_columns(locale, view, lines),
        exact(locale, "revenue"),
        text(locale.text("column.entrance"), "entrance"),
        text(locale.text("column.matched"), "matched"),
        text(locale.text("column.path"), "action", href=lambda row: view.to(line=str(row["line_no"])).href),
    ]
    title = locale.text("explorer.lines", order=lines[0]["order_id"])
    keys = ("order_id", "product_id", "sku", "entrance_id", "matched_by")
    return Table("order_lines", title, columns, rows, is_wide=True, keys=keys)


def _of_line(context: Context, line: Mapping[str, Any]) -> Sequence[Block]:
    """The cards and the path of a sale."""
    locale, view = context.locale, context.view
    names = context.entrance_names()
    paid = local_time(line["paid_at"], context.copy.settings.timezone)
    cards = [
        Card(
            locale.text("column.order"),
            f"{line['order_id']} · {line['line_no']}",
            note=locale.text("explorer.paid", at=f"{paid:%Y-%m-%d %H:%M}") if paid else "",
        ),
        Card(
            locale.text("column.product"), product_title(line), note=locale.text("explorer.units", n=line["quantity"])
        ),
        Card(
            locale.text("metric.revenue"),
            card_text(locale.numbers, "revenue", line["revenue"]),
            full_text(locale.numbers, "revenue", line["revenue"]),
            note=locale.text("explorer.margin", margin=full_text(locale.numbers, "margin", line["margin"])),
            metric="revenue",
        ),
        Card(
            locale.text("explorer.credited"),
            names.get(line["entrance_id"], line["entrance_id"]),
            note=_why(context, line),
            href=view.to("entrances", entrance=line["entrance_id"]).href,
        ),
    ]
    return [Cards(tuple(cards)), *_path_of(context, line)]


def _path_of(context: Context, line: Mapping[str, Any]) -> Sequence[Block]:
    """The path of a sale; what is shown depends on the kind of match.

    Cart: the path to the cart. Order: the path of the line whose match it shares. Visit: only the visit. Otherwise: a
    note that there is no path.
    """
    locale = context.locale
    if line["matched_by"] == "cart":
        return _timeline(context, line["matched_event_id"], line["entrance_id"])
    if line["matched_by"] == "visit":
        return visit(context, line)
    if line["matched_by"] == "order" and (other := _line_with_match(context, line)):
        note = locale.text(
            "explorer.borrowed", line=other["line_no"], product=product_title(other), matched=_matched(locale, other)
        )
        href = context.view.to(find=line["order_id"], line=str(other["line_no"])).href
        return [Text(note, "warning", href=href), *_path_of(context, other)]
    return [Text(locale.text(f"explorer.no_path.{line['matched_by']}"), "missing")]


def _line_with_match(context: Context, line: Mapping[str, Any]) -> dict[str, Any] | None:
    """The line of the same order that has a cart or click of its own, and whose match *line* shares.

    None if there is no such line. If there are several, this is the one with the most revenue.
    """
    own = [
        row
        for row in context.rows(query("explorer.lines"), find=line["order_id"])
        if row["matched_by"] in ("cart", "click") and row["matched_event_id"] == line["matched_event_id"]
    ]
    return min(own, key=lambda row: (-row["revenue"], row["line_no"]), default=None)


def _matched(locale: Locale, line: Mapping[str, Any]) -> str:
    return locale.text.name("matched_by", line["matched_by"])


def _why(context: Context, line: Mapping[str, Any]) -> str:
    locale, settings = context.locale, context.copy.settings
    days = settings.attribution.cart_window_days
    if line["matched_by"] == "none":
        return locale.text("explorer.why.none", days=days)
    module = line["head_module"] and locale.text.name("module", line["head_module"])
    slot = locale.text("slot.number", n=line["head_slot"]) if line["head_slot"] else ""
    content_id = line["head_content_id"]
    content = "" if content_id in (None, "(none)") else content_name(context, content_id)
    place = " · ".join(part for part in (module, slot, content) if part and part != "(none)")
    where = locale.text("explorer.why.place", place=place) if place else ""
    return locale.text.joined(locale.text(f"explorer.why.{line['matched_by']}"), where)


def _of_end(context: Context, end: Mapping[str, Any]) -> Sequence[Block]:
    """The blocks for *end*, an add-to-cart: its cards, its path and the sales matched to it."""
    locale = context.locale
    names = context.entrance_names()
    at = local_time(end["occurred_at"], context.copy.settings.timezone)
    cards = [
        Card(locale.text(f"end.{end['end_type']}"), f"{at:%Y-%m-%d %H:%M}" if at else NONE, note=end["event_id"]),
        Card(locale.text("column.product"), product_title(end)),
        Card(
            locale.text("explorer.credited"),
            names.get(end["entrance_id"], end["entrance_id"]),
            note=locale.text(f"explorer.rule.{end['rule']}"),
            href=context.view.to("entrances", entrance=end["entrance_id"]).href,
        ),
    ]
    parts: list[Block] = [Cards(tuple(cards))]
    sales = context.rows(query("explorer.sales_of_end"), find=end["event_id"])
    if sales:
        parts.append(_lines_of_end(context, sales))
    return [*parts, *_timeline(context, end["event_id"], end["entrance_id"])]


def _lines_of_end(context: Context, sales: Sequence[dict[str, Any]]) -> Table:
    locale, view = context.locale, context.view
    columns = [
        text(
            locale.text("column.order"),
            "order_id",
            href=lambda row: view.to(find=row["order_id"], line=str(row["line_no"])).href,
        ),
        Column(locale.text("column.line"), lambda row: str(row["line_no"]), field="line_no"),
        *product_columns(locale, view, sales),
        exact(locale, "revenue"),
        text(locale.text("column.matched"), "matched"),
    ]
    sales = [row | {"matched": _matched(locale, row)} for row in sales]
    return Table("sales", locale.text("explorer.sales"), columns, sales, is_wide=True, keys=("product_id", "sku"))


def _carts(context: Context, device: str, carts: Sequence[dict[str, Any]]) -> Table:
    locale, view = context.locale, context.view
    names = context.entrance_names()
    timezone = context.copy.settings.timezone
    rows = [
        row
        | {
            "at": local_time(row["occurred_at"], timezone),
            "entrance": names.get(row["entrance_id"], row["entrance_id"]),
        }
        for row in carts
    ]
    columns = [
        Column(
            locale.text("column.time"),
            lambda row: _second(row["at"]),
            is_text=True,
            field="at",
            href=lambda row: view.to(find=row["event_id"], line=None).href,
        ),
        *product_columns(locale, view, carts),
        text(locale.text("column.entrance"), "entrance"),
        text(
            locale.text("column.order"),
            "order_id",
            href=lambda row: view.to(find=row["order_id"], line=None).href if row["order_id"] else None,
        ),
        exact(locale, "revenue"),
    ]
    title = locale.text("explorer.carts", device=device)
    keys = ("event_id", "product_id", "sku", "entrance_id")
    return Table("carts", title, columns, rows, locale.text("explorer.carts.about"), is_wide=True, keys=keys)


def _timeline(context: Context, end: str, entrance: str) -> Sequence[Block]:
    locale = context.locale
    timezone = context.copy.settings.timezone
    rows = [
        row
        | {"device_time": local_time(row["device_time"], timezone), "kind": locale.text(f"step.{kind_of(row)}")}
        | {"reason": locale.text(f"step_reason.{kind_of(row)}")}
        | {"page": locale.text.name("page_type", str(row["page_type"]))}
        | {"called": None if row["module"] is None else locale.text.name("module", row["module"])}
        for row in context.rows(query("explorer.steps"), end=end)
    ]
    if not rows:
        return [Text(locale.text("explorer.no_steps"), "missing")]
    names = context.entrance_names()
    frame = pl.DataFrame(rows, infer_schema_length=None)
    columns = [
        Column(locale.text("column.step"), lambda row: str(row["step_no"]), field="step_no"),
        Column(locale.text("column.time"), lambda row: _second(row["device_time"]), is_text=True, field="device_time"),
        text(locale.text("column.page"), "page"),
        Column("PageId", lambda row: str(row["page_id"]), field="page_id"),
        text(locale.text("column.module"), "called"),
        Column(locale.text("column.slot_no"), lambda row: _or_none(row["slot"]), field="slot"),
        text(locale.text("column.product"), "product"),
        text(locale.text("column.kind"), "kind"),
        text(locale.text("column.reason"), "reason", is_long=True),
        text(locale.text("column.event"), "event_id"),
    ]
    notes = (locale.text("explorer.truncated"),) if rows[0]["is_truncated"] else ()
    table = Table(
        "steps",
        locale.text("explorer.timeline"),
        columns,
        rows,
        locale.text("explorer.timeline.about"),
        notes=notes,
        keys=("page_type", "module", "sku"),
    )
    return [Chart(path_timeline(locale, frame, names.get(entrance, entrance)), table, is_wide=True)]


def _second(time: dt.datetime | None) -> str:
    return NONE if time is None else f"{time:%Y-%m-%d %H:%M:%S}"


def _or_none(value: object) -> str:
    return NONE if value is None else str(value)
