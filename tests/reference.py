"""Reference implementation of the tables of schema ``attribution`` in plain loops.

Tests compare its rows with those of the SQL models.

A path end (in short, end) is an exposure, click or add-to-cart of a product. Its head is the click on an entrance that
gets the credit for it. A path consists of the steps from the head to the end.

Here: ends, heads, the credit of entrances, paths, sales and the daily tables. The code is slow, and uses no SQL, no
data frames and none of the program's code, so that it can be compared sentence by sentence with docs/how-it-works.md.
Not here: how landed records become events, orders and lines (``tests.reference_core``); the touch models
(``tests.reference_touch`` and others), whose tables ``restate`` adds.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from typing import Any

from tests.reference_core import Log, Row, Shop, device_order, restate_core
from tests.reference_credits import model_daily, touch_credits, touch_lag_daily, touchpoint_daily
from tests.reference_paths import (
    counted_paths,
    effects_of_days,
    touch_path_daily,
    touch_path_summary,
    touch_transitions,
)
from tests.reference_persons import first_visits, person_steps, visitor
from tests.reference_sessions import Rules, restate_sessions
from tests.reference_touch import order_touches, path_touches, paths, touch_paths, touches_at, touches_by

Tables = dict[str, list[Row]]

NO_POSITION = {
    "head_page_type": "(none)",
    "head_module": "(none)",
    "head_slot": 0,
    "head_content_id": "(none)",
}
POSITION = tuple(NO_POSITION)
NO_PATH = "(no path)"


def restate(
    log: Log,
    shop: Shop,
    given: Mapping[str, list[Row]] | None = None,
    days: Collection[dt.date] | None = None,
    as_of: Collection[dt.date] = (),
) -> Tables:
    """Table → expected rows (dicts, with dt), for every table of the schemas core and attribution.

    Args:
        log: The landed records.
        shop: The configuration.
        given: Table → rows to use in place of those computed here; only for removal_effects.
        days: The days of removal_effects; None: all days with order lines.
        as_of: The days of the tables as of a day.
    """
    tables = restate_core(log, shop)
    events, lines = tables["core.events"], tables["core.order_lines"]
    ends = attributed_events(events, shop)
    steps = [step for end in ends for step in path_steps(end, events, shop)]
    sales = attributed_sales(lines, ends, events, shop)
    for table, rows in {
        "attributed_events": ends,
        "path_steps": steps,
        "attributed_sales": sales,
        "entrance_daily": entrance_daily(ends, sales),
        "slot_daily": slot_daily(ends, sales, events),
        "module_daily": module_daily(ends, steps, sales, events, shop),
        "path_summary": path_summary(ends, steps, sales),
        "person_steps": person_steps(ends, events, lines),
        "visitor_variants": visitor_variants(events),
    }.items():
        tables[f"attribution.{table}"] = rows
    sessions = restate_sessions(events, Rules())
    touches = [touch for event in events for touch in touches_at(event)]
    touches += [touch for session in sessions["core.sessions"] for touch in touches_by(session)]
    tables["core.visitors"] = [visitor(row, events, sessions["core.sessions"]) for row in tables["core.visitors"]]
    new = first_visits(events, sessions["core.sessions"])
    tables = {**tables, **sessions, "attribution.touches": touches, "core.first_visits": new}
    return {**tables, **restate_touches(tables, given or {}, shop, days, as_of)}


def restate_touches(
    tables: Tables,
    given: Mapping[str, list[Row]],
    shop: Shop,
    days: Collection[dt.date] | None,
    as_of: Collection[dt.date],
) -> Tables:
    """The tables of the touch models, from *tables*: those of core, and touches. Other arguments as in ``restate``."""
    lines = tables["core.order_lines"]
    touches = tables["attribution.touches"]
    of_paths = path_touches(touches, lines, shop)
    all_paths = paths(of_paths, lines, shop)
    counted = counted_paths(all_paths, of_paths)
    daily = touch_path_daily(counted, lines)
    transitions = touch_transitions(counted, shop)
    effects = effects_of_days(transitions, {line["dt"] for line in lines} if days is None else days, shop)
    # Tests compare removal effects with a tolerance, but money exactly. So compute credit from the pipeline's own
    # removal effects if they are given.
    known = given.get("attribution.removal_effects", effects)
    credits = touch_credits(
        lines, of_paths, {(r["dt"], r["touchpoint_type"], r["touchpoint"]): r["removal_effect"] for r in known}, shop
    )
    found = {
        "order_touches": order_touches(of_paths),
        "paths": all_paths,
        "touch_paths": touch_paths(lines, all_paths, of_paths),
        "touch_path_daily": daily,
        "touch_transitions": transitions,
        "removal_effects": effects,
        "touch_credits": credits,
        "model_daily": model_daily(credits, lines, tables["core.first_orders"], tables["core.spend"]),
        "touchpoint_daily": touchpoint_daily(all_paths),
        "touch_lag_daily": touch_lag_daily(all_paths, lines),
        "touch_path_summary": touch_path_summary(daily, as_of, shop),
    }
    return {f"attribution.{name}": rows for name, rows in found.items()}


# Path ends and their heads -----------------------------------------------------------------------------


def attributed_events(events: list[Row], shop: Shop) -> list[Row]:
    return [attributed_event(event, events, shop) for event in events if is_end(event, shop)]


def is_end(event: Row, shop: Shop) -> bool:
    """Whether *event* is an exposure, click or add-to-cart with a sku, and no click on an action module (button)."""
    if event["sku"] is None or event["event_type"] not in ("exposure", "click", "add_to_cart"):
        return False
    return not (event["event_type"] == "click" and event["module"] in shop.action_modules)


def attributed_event(end: Row, events: list[Row], shop: Shop) -> Row:
    head = head_of(end, events, shop)
    if end["entrance_id"] is not None:
        credit = {
            "rule": "own",
            "entrance_id": end["entrance_id"],
            "head_event_id": end["event_id"] if end["event_type"] == "click" else None,
            **position_of(end),
        }
    elif head is not None:
        credit = {
            "rule": "head",
            "entrance_id": head["entrance_id"],
            "head_event_id": head["event_id"],
            **position_of(head),
        }
    else:
        credit = {"rule": "none", "entrance_id": "(direct)", "head_event_id": None, **NO_POSITION}
    names = "event_id occurred_at device_id person_id page_id page_type module slot sku product_id content_id dt"
    return {"end_type": end["event_type"], **{name: end[name] for name in names.split()}, **credit}


def head_of(end: Row, events: list[Row], shop: Shop) -> Row | None:
    """The latest click on an entrance at or before *end*, if it is within the look-back; else None."""
    heads = [click for click in clicks_seen_by(end, events, shop) if click["entrance_id"] is not None]
    if not heads:
        return None
    nearest = max(heads, key=device_order)
    age = end["device_time"] - nearest["device_time"]
    return nearest if age <= dt.timedelta(hours=shop.head_lookback_hours) else None


def clicks_seen_by(end: Row, events: list[Row], shop: Shop) -> list[Row]:
    """The clicks of the end's device at or before *end*, on the end's day and the look-back days before it."""
    days = dt.timedelta(days=math.ceil(shop.head_lookback_hours / 24) + 1)
    return [
        event
        for event in events
        if event["event_type"] == "click"
        and event["device_id"] == end["device_id"]
        and end["dt"] - days <= event["dt"] <= end["dt"]
        and device_order(event) <= device_order(end)
    ]


def position_of(event: Row) -> Row:
    return {
        "head_page_type": event["page_type"],
        "head_module": shown(event["module"]),
        "head_slot": event["slot"] or 0,
        "head_content_id": shown(event["content_id"]),
    }


def shown(text: str | None) -> str:
    return "(none)" if text is None else text


# Paths -------------------------------------------------------------------------------------------------


def path_steps(end: Row, events: list[Row], shop: Shop) -> list[Row]:
    """The rows of path_steps for *end*; none if paths are not stored for ends of its type."""
    if end["end_type"] not in shop.path_ends:
        return []
    path = full_path(end, events, shop)
    is_truncated = len(path) > shop.max_path_steps
    if is_truncated:
        path = [path[0], *path[len(path) - shop.max_path_steps + 1 :]]
    rows: list[Row] = []
    effective_steps = stack_steps = 0
    for index, step in enumerate(path):
        later = path[index + 1 :]
        is_head = index == 0 and later != []
        is_superseded = not is_head and any(other["page_id"] == step["page_id"] for other in later)
        is_backtracked = not is_head and any(other["page_id"] < step["page_id"] for other in later)
        effective_steps += not is_superseded
        stack_steps += not is_superseded and not is_backtracked
        names = "event_id device_time occurred_at page_id page_type module slot sku"
        rows.append(
            {
                "end_event_id": end["event_id"],
                "step_no": index + 1,
                **{name: step[name] for name in names.split()},
                "role": "head" if is_head else "click" if later else "end",
                "effective_step_no": None if is_superseded else effective_steps,
                "stack_step_no": None if is_superseded or is_backtracked else stack_steps,
                "is_backtracked": is_backtracked,
                "is_truncated": is_truncated,
                "entrance_id": end["entrance_id"],
                "dt": end["dt"],
            }
        )
    return rows


def full_path(end: Row, events: list[Row], shop: Shop) -> list[Row]:
    """The events of the full path of *end*, in order.

    If the end has a head, the path is every click of the device from the head on, followed by the end. Otherwise it is
    only the end.
    """
    event = next(event for event in events if event["event_id"] == end["event_id"])
    if end["rule"] != "head":
        return [event]
    head = next(event for event in events if event["event_id"] == end["head_event_id"])
    clicks = [
        click
        for click in clicks_seen_by(event, events, shop)
        if device_order(click) >= device_order(head) and click["event_id"] != event["event_id"]
    ]
    return [*sorted(clicks, key=device_order), event]


def effective(steps: Iterable[Row], end_event_id: str) -> list[Row]:
    """The steps of the effective path (without pages seen again later) of an end; none if its path is not stored."""
    kept = [s for s in steps if s["end_event_id"] == end_event_id and s["effective_step_no"] is not None]
    return sorted(kept, key=lambda step: step["effective_step_no"])


# Sales -------------------------------------------------------------------------------------------------


def attributed_sales(lines: list[Row], ends: list[Row], events: list[Row], shop: Shop) -> list[Row]:
    """One row for each paid order line, credited by the line's own match, else by a fallback, else unattributed."""
    own = {line_key(line): own_match(line, ends, shop) for line in lines}
    sales = []
    for line in lines:
        matched_by, match = own[line_key(line)]
        if match is None and "order" in shop.sales_fallbacks:
            matched_by, match = "order", match_of_largest_line(line, lines, own)
        if match is None and "visit" in shop.sales_fallbacks:
            matched_by, match = "visit", latest_visit(line, events, shop)
        credit: Row = {"entrance_id": "(unattributed)", "head_event_id": None, **NO_POSITION}
        if match is not None:
            credit = {name: match[name] for name in ("entrance_id", "head_event_id", *POSITION)}
        names = "order_id line_no sku product_id quantity revenue net_revenue margin ordered_at paid_at dt"
        sales.append(
            {
                **{name: line[name] for name in names.split()},
                "person_id": line["user_id"],
                "matched_by": matched_by if match else "none",
                "matched_event_id": match["event_id"] if match else None,
                **credit,
            }
        )
    return sales


def line_key(line: Row) -> tuple[str, int]:
    return line["order_id"], line["line_no"]


def own_match(line: Row, ends: list[Row], shop: Shop) -> tuple[str, Row | None]:
    """(matched_by, path end) for *line*: its person's add-to-cart or else click of its product, else ("none", None).

    Of several such events, the latest before the sale counts, else the first within the clock tolerance after the sale.
    """
    for end_type, matched_by in (("add_to_cart", "cart"), ("click", "click")):
        found = [end for end in ends if end["end_type"] == end_type and may_match(end, line, shop)]
        until = min(line["ordered_at"], line["paid_at"])
        before = [end for end in found if end["occurred_at"] <= until]
        after = [end for end in found if end["occurred_at"] > until]
        if before:
            return matched_by, max(before, key=world_order)
        if after:
            return matched_by, min(after, key=world_order)
    return "none", None


def may_match(end: Row, line: Row, shop: Shop) -> bool:
    """Whether *end* has the line's person and product, and its time is in the cart window, with clock tolerance."""
    window = dt.timedelta(days=shop.cart_window_days)
    tolerance = dt.timedelta(seconds=shop.clock_tolerance_seconds)
    days = dt.timedelta(days=shop.cart_window_days + shop.max_payment_delay_days + 1)
    return (
        (end["person_id"], end["product_id"]) == (line["user_id"], line["product_id"])
        and line["ordered_at"] - window <= end["occurred_at"] <= min(line["ordered_at"], line["paid_at"]) + tolerance
        and line["dt"] - days <= end["dt"] <= line["dt"]
    )


def world_order(event: Row) -> tuple[dt.datetime, int, str]:
    return event["occurred_at"], event["page_id"], event["event_id"]


def match_of_largest_line(
    line: Row, lines: list[Row], own: dict[tuple[str, int], tuple[str, Row | None]]
) -> Row | None:
    """The match of the largest other line of the same order that has a match of its own.

    Largest means by revenue; for equal revenue the smallest line_no counts.
    """
    others = [other for other in lines if other["order_id"] == line["order_id"] and own[line_key(other)][1] is not None]
    if not others:
        return None
    largest = min(others, key=lambda other: (-other["revenue"], other["line_no"]))
    return own[line_key(largest)][1]


def latest_visit(line: Row, events: list[Row], shop: Shop) -> Row | None:
    """The person's latest click on an entrance, for any product, within the look-back before the sale; else None."""
    until = min(line["ordered_at"], line["paid_at"])
    days = dt.timedelta(days=math.ceil(shop.head_lookback_hours / 24) + shop.max_payment_delay_days + 1)
    heads = [
        event
        for event in events
        if event["event_type"] == "click"
        and event["entrance_id"] is not None
        and event["person_id"] == line["user_id"]
        and until - dt.timedelta(hours=shop.head_lookback_hours) <= event["occurred_at"] <= until
        and event["dt"] >= line["dt"] - days
    ]
    if not heads:
        return None
    head = max(heads, key=world_order)
    return {**head, "head_event_id": head["event_id"], **position_of(head)}


# Daily tables ------------------------------------------------------------------------------------------


def keys_of(rows: Iterable[Row], key: tuple[str, ...]) -> set[tuple[Any, ...]]:
    return {tuple(row[name] for name in key) for row in rows}


def having(rows: Iterable[Row], group: Row) -> list[Row]:
    """The rows whose columns have the values of *group* (column → value)."""
    return [row for row in rows if all(row[name] == value for name, value in group.items())]


def rate(count: int | Decimal, of: int) -> float | None:
    return None if of == 0 else float(count) / of


def total(rows: Iterable[Row], name: str) -> Decimal:
    return sum((row[name] for row in rows), Decimal(0))


def measures(ends: list[Row], sales: list[Row]) -> Row:
    """Column → value of the measures that entrance_daily and slot_daily share, for a group of path ends and sales."""
    exposures = len(having(ends, {"end_type": "exposure"}))
    clicks = len(having(ends, {"end_type": "click"}))
    carts = len(having(ends, {"end_type": "add_to_cart"}))
    with_cost = [sale for sale in sales if sale["margin"] is not None]
    revenue = total(sales, "revenue")
    return {
        "exposures": exposures,
        "product_clicks": clicks,
        "add_to_carts": carts,
        "visitors": len({end["person_id"] for end in ends}),
        "orders": len({sale["order_id"] for sale in sales}),
        "order_lines": len(sales),
        "buyers": len({sale["person_id"] for sale in sales} - {None}),
        "units": sum(sale["quantity"] for sale in sales),
        "revenue": revenue,
        "revenue_by_visit": total(having(sales, {"matched_by": "visit"}), "revenue"),
        "net_revenue": total(sales, "net_revenue"),
        "margin": None if sales and not with_cost else total(with_cost, "margin"),
        "lines_without_cost": len(sales) - len(with_cost),
        "click_through_rate": rate(clicks, exposures),
        "cart_rate": rate(carts, clicks),
        "click_to_order_rate": rate(len(sales), clicks),
        "revenue_per_mille": rate(1000 * revenue, exposures),
    }


def entrance_daily(ends: list[Row], sales: list[Row]) -> list[Row]:
    key = ("dt", "entrance_id")
    groups = [dict(zip(key, values, strict=True)) for values in keys_of([*ends, *sales], key)]
    return [{**group, **measures(having(ends, group), having(sales, group))} for group in groups]


def slot_daily(ends: list[Row], sales: list[Row], events: list[Row]) -> list[Row]:
    """The rows of slot_daily: impressions and clicks of each slot, and measures of path ends whose head is on it."""
    key = ("dt", "entrance_id", *POSITION)
    own = [{**event, **position_of(event)} for event in own_events(events) if event["entrance_id"] is not None]
    of_slot = key[:-1]
    seen = {tuple(event[name] for name in of_slot) for event in having(own, {"event_type": "exposure"})}
    groups = [dict(zip(key, values, strict=True)) for values in keys_of([*ends, *sales, *own], key)]
    return [
        {
            **group,
            **measures(having(ends, group), having(sales, group)),
            "impressions": len(having(own, {**group, "event_type": "exposure"})),
            "clicks": len(having(own, {**group, "event_type": "click"})),
            "has_impressions": tuple(group[name] for name in of_slot) in seen,
        }
        for group in groups
    ]


def own_events(events: list[Row]) -> list[Row]:
    """The exposures and clicks among *events*, with or without a product."""
    return [event for event in events if event["event_type"] in ("exposure", "click")]


def module_daily(ends: list[Row], steps: list[Row], sales: list[Row], events: list[Row], shop: Shop) -> list[Row]:
    """The rows of module_daily: each module's own exposures and clicks, and add-to-carts and sales credited to it.

    A module assists an add-to-cart or sale if it was clicked on the path between head and end. It closes the path if it
    is the module of the last step before the end.
    """
    own = [{**event, "module": shown(event["module"])} for event in own_events(events)]
    carts = having(ends, {"end_type": "add_to_cart"})
    paths = {end["event_id"]: effective(steps, end["event_id"]) for end in ends}
    assisting = {event_id: assisting_modules(path, shop) for event_id, path in paths.items()}
    closing = {event_id: closing_modules(path, shop) for event_id, path in paths.items()}
    days = {row["dt"] for row in [*own, *ends, *sales]}
    modules = {(row["page_type"], shown(row["module"])) for row in events if row["page_type"] is not None}
    rows = []
    for day in days:
        for page_type, module in modules:
            group = {"dt": day, "page_type": page_type, "module": module}
            exposures = len(having(own, {**group, "event_type": "exposure"}))
            clicks = len(having(own, {**group, "event_type": "click"}))
            row: Row = {"exposures": exposures, "clicks": clicks}
            for credit, credited in {"assisted": assisting, "closing": closing}.items():
                paths_through = {event_id for event_id, found in credited.items() if (page_type, module) in found}
                carted = [cart for cart in having(carts, {"dt": day}) if cart["event_id"] in paths_through]
                sold = [sale for sale in having(sales, {"dt": day}) if sale["matched_event_id"] in paths_through]
                row[f"{credit}_add_to_carts"] = len(carted)
                row[f"{credit}_order_lines"] = len(sold)
                row[f"{credit}_revenue"] = total(sold, "revenue")
            if any(row.values()):
                rows.append({**group, **row, "click_through_rate": rate(clicks, exposures)})
    return rows


def assisting_modules(path: list[Row], shop: Shop) -> set[tuple[str, str]]:
    """The modules clicked between the head and the end of an effective path, without action modules (buttons)."""
    clicks = [step for step in path if step["role"] == "click" and step["module"] not in shop.action_modules]
    return {(step["page_type"], shown(step["module"])) for step in clicks}


def closing_modules(path: list[Row], shop: Shop) -> set[tuple[str, str]]:
    """The module of the last step before the end, without action modules; none if the path is only the end."""
    before = [step for step in path if step["role"] != "end" and step["module"] not in shop.action_modules]
    return {(step["page_type"], shown(step["module"])) for step in before[-1:]}


def path_summary(ends: list[Row], steps: list[Row], sales: list[Row]) -> list[Row]:
    texts = {end["event_id"]: path_text(effective(steps, end["event_id"])) for end in ends}
    carts = [end for end in having(ends, {"end_type": "add_to_cart"}) if texts[end["event_id"]] != NO_PATH]
    carts = [{"dt": end["dt"], "effective_path": texts[end["event_id"]]} for end in carts]
    sold = [{**sale, "effective_path": texts.get(sale["matched_event_id"], NO_PATH)} for sale in sales]
    groups = [{"dt": day, "effective_path": path} for day, path in keys_of([*carts, *sold], ("dt", "effective_path"))]
    return [
        {
            **group,
            "add_to_carts": len(having(carts, group)),
            "order_lines": len(having(sold, group)),
            "revenue": total(having(sold, group), "revenue"),
        }
        for group in groups
    ]


def path_text(path: list[Row]) -> str:
    return " > ".join(f"{step['page_type']}.{shown(step['module'])}" for step in path) or NO_PATH


def visitor_variants(events: list[Row]) -> list[Row]:
    """The rows of visitor_variants, from events whose content id begins with ab/<experiment>/<variant>."""
    seen: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for event in events:
        kind, *names = (event["content_id"] or "").split("/")
        if kind == "ab" and len(names) >= 2 and names[0] and names[1]:
            seen[event["dt"], event["person_id"], names[0], names[1]].append(event)
    return [
        {
            **dict(zip(("dt", "person_id", "experiment", "variant"), key, strict=True)),
            "first_at": min(event["occurred_at"] for event in found),
            "impressions": sum(event["event_type"] == "exposure" for event in found),
            "clicks": sum(event["event_type"] == "click" for event in found),
        }
        for key, found in seen.items()
    ]
