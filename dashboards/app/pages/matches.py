"""Sales by kind of match: the entrance of a sale is that of a cart, a click, another line of the order, or a visit.

Here: the choice of a kind, the table of all kinds, the tables of one kind, from ``attribution.attributed_sales``.
Not here: all sales of the entrances (``dashboards.app.pages.entrances``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.app.context import Context
from dashboards.app.pages.slots import SLOT_KEYS, content_name, orders, place_of, slot_key, slot_name
from dashboards.blocks import Block, Choice, Column, Option, Table, Text
from dashboards.columns import change, exact, metric, text, with_changes
from dashboards.metrics import full_text
from dashboards.queries import query
from dashboards.sections.sales import MATCHES

TABLE = "attribution.attributed_sales"

_SUMMED = ("order_lines", "units", "revenue", "net_revenue", "refunded")
_MEASURES = ("net_revenue", "refunded", "margin", "orders", "order_lines", "units")


def match_choice(context: Context) -> Choice:
    """The choice of the kind of match that filters the page."""
    locale = context.locale
    options = (Option("", locale.text("matches.all")), *(Option(kind, kind_name(context, kind)) for kind in MATCHES))
    return Choice("matched_by", locale.text("column.matched"), options, chosen_kind(context))


def chosen_kind(context: Context) -> str:
    """The kind of match in the URL; '' for all."""
    kind = context.view.get("matched_by")
    return kind if kind in MATCHES else ""


def kind_name(context: Context, kind: str) -> str:
    """The display name of a kind of match."""
    return context.locale.text.name("matched_by", kind)


def sales_by_match(context: Context, entrance: str = "", slot: str = "") -> list[Block]:
    """Sales by kind of match on these days: of all entrances, of one, or of one slot; empty without sales."""
    locale, view = context.locale, context.view
    if not context.copy.has(TABLE):
        return [too_large(context)]
    place = {"entrance": entrance, **place_of(slot)}
    found = {row["matched_by"]: row for row in context.rows(query("matches.by_kind"), **place)}
    if not found:
        return []
    nothing = dict.fromkeys(("order_lines", "orders", "units", "revenue", "net_revenue", "refunded", "margin"), 0)
    total = context.one(query("matches.total"), **place)
    rows = [
        nothing
        | found.get(kind, {})
        | {"matched_by": kind, "name": kind_name(context, kind), "definition": locale.text(f"about_match.{kind}")}
        for kind in MATCHES
    ]
    whole = total | {"name": locale.text("total"), "definition": None, "matched_by": None}
    for row in (*rows, whole):
        row["revenue_share"] = float(row["revenue"]) / float(total["revenue"]) if total["revenue"] else None
    columns = [
        text(
            locale.text("column.matched"),
            "name",
            href=lambda row: view.to("entrances", matched_by=row["matched_by"]).href,
        ),
        exact(locale, "order_lines"),
        exact(locale, "revenue"),
        metric(locale, "revenue_share"),
        *(exact(locale, name) for name in ("net_revenue", "margin")),
        text(locale.text("column.definition"), "definition", is_long=True),
    ]
    about, keys = locale.text("matches.about"), ("matched_by",)
    title = locale.text("matches.title")
    return [Table("matches", title, columns, rows, about, whole, is_wide=True, keys=keys, bar="revenue")]


def matched_sales(context: Context, names: dict[str, str], entrance: str, slot: str) -> Sequence[Block]:
    """The sales of the chosen kind: by entrance, by slot of *entrance*, or by content of *slot*.

    '' for *entrance* or *slot* means all. For one entrance or slot, a table of its orders follows.
    """
    locale, kind = context.locale, chosen_kind(context)
    if not context.copy.has(TABLE):
        return [too_large(context)]
    where = place_of(slot)
    place = {"entrance": entrance, **where}
    parts: list[Block] = []
    if entrance:
        called = [names[entrance]]
        called += [slot_name(context, {f"head_{key}": value for key, value in where.items()})] if slot else []
        parts.append(Text(" · ".join(called), "heading"))
    parts.append(_filter_note(context, kind, place))
    parts.append(Text(locale.text("matches.clear"), "note", href=context.view.to(matched_by=None).href))
    rows = context.rows(query("matches.of_kind"), kind=kind, level=_level(entrance, slot), **place)
    if not rows:
        return [*parts, Text(locale.text("matches.none", kind=kind_name(context, kind)), "missing")]
    parts.append(_table(context, names, kind, with_changes(rows, "revenue"), entrance, slot))
    if entrance:
        parts.append(orders(context, entrance, slot, kind))
    return parts


def too_large(context: Context) -> Text:
    """The note that attribution.attributed_sales was too large for the dashboards' copy."""
    return Text(context.locale.text("explorer.too_large", tables=TABLE), "missing")


def _level(entrance: str, slot: str) -> str:
    """What the rows of the table are: contents, slots or entrances. This is also the table's key."""
    return "contents" if slot else "slots" if entrance else "entrances"


def _keys(entrance: str, slot: str) -> tuple[str, ...]:
    if not entrance:
        return ("entrance_id",)
    return (*SLOT_KEYS, "head_content_id") if slot else SLOT_KEYS


def _filter_note(context: Context, kind: str, place: dict[str, Any]) -> Text:
    """The note that says: the page shows only matches of one *kind*, with so much of all sales in *place*.

    *place* has the values of the entrance and slot that the page shows.
    """
    locale = context.locale
    found = {row["matched_by"]: row["revenue"] for row in context.rows(query("matches.by_kind"), **place)}
    own, whole = found.get(kind, 0), sum(found.values())
    return Text(
        locale.text(
            "matches.filtered",
            kind=kind_name(context, kind),
            revenue=full_text(locale.numbers, "revenue", own),
            all=full_text(locale.numbers, "revenue", whole),
            share=locale.numbers.percent(float(own) / float(whole) if whole else None),
        ),
        "warning",
    )


def _table(
    context: Context, names: dict[str, str], kind: str, rows: list[dict[str, Any]], entrance: str, slot: str
) -> Table:
    locale = context.locale
    key = _level(entrance, slot)
    named = [row | _named(context, names, row, key) for row in rows]
    total = {name: sum(row[name] for row in rows) for name in _SUMMED}
    margins = [row["margin"] for row in rows if row["margin"] is not None]
    # An order with lines from several entrances counts in each row, so adding up the orders would count it twice.
    total |= {"name": locale.text("total"), "margin": sum(margins) if margins else None, "orders": None}
    total |= {"revenue_share": 1.0 if total["revenue"] else None}
    # Query the total of the comparison days: the rows lack entrances that had sales then but have none now.
    total |= context.one(query("matches.before"), kind=kind, entrance=entrance, **place_of(slot))
    with_changes([total], "revenue")
    columns = [
        _name_column(context, key),
        metric(locale, "revenue"),
        metric(locale, "revenue_share", title=locale.text("matches.share")),
        *([change(locale, "revenue")] if context.days.is_recorded_then else []),
        *(metric(locale, name) for name in _MEASURES),
    ]
    title = locale.text(f"matches.{key}", kind=kind_name(context, kind))
    keys = _keys(entrance, slot)
    return Table(key, title, columns, named, locale.text(f"about_match.{kind}"), total, is_wide=True, keys=keys)


def _named(context: Context, names: dict[str, str], row: dict[str, Any], key: str) -> dict[str, Any]:
    if key == "entrances":
        return {"name": names.get(row["entrance_id"], row["entrance_id"])}
    if key == "slots":
        return {"name": slot_name(context, row)}
    return {"name": content_name(context, row["head_content_id"])}


def _name_column(context: Context, key: str) -> Column:
    locale, view = context.locale, context.view
    if key == "entrances":
        title = locale.text("column.entrance")
        return text(title, "name", href=lambda row: view.to(entrance=row["entrance_id"], slot=None).href)
    if key == "slots":
        return text(locale.text("column.place"), "name", href=lambda row: view.to(slot=slot_key(row)).href)
    return text(locale.text("column.content"), "name")
