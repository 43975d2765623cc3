"""Reference implementation of the touches and of the paths that they form, in plain loops.

A touch is a click on an entrance, whose touchpoint is the entrance or its slot, or a session, whose touchpoint is its
channel or its campaign.
The path of an order has the touches before it; an open path has those of a person that no order has followed yet.

Here: touches, the touches of each path, the transforms of a path (the list of its touchpoints), and paths as text. The
code is slow, and uses no SQL, no data frames and none of the program's code, so that it can be compared sentence by
sentence with docs/how-it-works.md.
Not here: events, sessions and order lines (``tests.reference_core``), the counts of paths and the Markov chain
(``tests.reference_paths``), the credit of the touch models (``tests.reference_credits``).
"""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from typing import Any

from tests.reference_core import Row, Shop

TYPES = ("entrance", "slot", "channel", "campaign")
UNATTRIBUTED = "(unattributed)"
PATH = ("dt", "kind", "path_id", "touchpoint_type")


def touches_at(event: Row) -> list[Row]:
    """The touches of an event: if it is a click on an entrance, one of the entrance and one of the slot."""
    if event["event_type"] != "click" or event["entrance_id"] is None:
        return []
    place = [event["page_type"], event["module"], *([] if event["slot"] is None else [str(event["slot"])])]
    touch = {
        "person_id": event["person_id"],
        "touch_event_id": event["event_id"],
        "campaign": event["utm_campaign"],
        "occurred_at": event["occurred_at"],
        "dt": event["dt"],
    }
    return [
        {**touch, "touchpoint_type": "entrance", "touchpoint": event["entrance_id"]},
        {**touch, "touchpoint_type": "slot", "touchpoint": joinable(".".join(place))},
    ]


def touches_by(session: Row) -> list[Row]:
    """The touches of a session: one of its channel and, if the session has a campaign, one of its campaign."""
    touch = {
        "person_id": session["person_id"],
        "touch_event_id": session["session_id"],
        "campaign": session["campaign"],
        "occurred_at": session["started_at"],
        "dt": session["dt"],
    }
    channel = {**touch, "touchpoint_type": "channel", "touchpoint": session["channel"]}
    campaign = {**touch, "touchpoint_type": "campaign", "touchpoint": joinable(session["campaign"] or "")}
    return [channel, campaign] if session["campaign"] is not None else [channel]


def joinable(name: str) -> str:
    """*name* without blanks beside '>', so that ' > ' separates names."""
    return re.sub(" *> *", ">", name)


# Touches of a path -------------------------------------------------------------------------------------


def path_touches(touches: list[Row], lines: list[Row], shop: Shop) -> list[Row]:
    """The touches of each path, with their places in it, from rows of touches and of core.order_lines."""
    orders = list({line["order_id"]: line for line in lines}.values())
    rows = []
    for touchpoint_type in TYPES:
        own = [touch for touch in touches if touch["touchpoint_type"] == touchpoint_type]
        for order in orders:
            found = touches_before(order, own, shop)
            rows += numbered(found, {"kind": "order", "path_id": order["order_id"], "dt": order["dt"]}, shop)
        for person in {touch["person_id"] for touch in own}:
            of_person = [touch for touch in own if touch["person_id"] == person]
            ordered = [order for order in orders if order["user_id"] == person]
            for day in {row["dt"] for row in [*of_person, *ordered]}:
                found = not_followed_by_an_order(day, of_person, ordered, shop)
                rows += numbered(found, {"kind": "open", "path_id": person, "dt": day}, shop)
    return rows


def days_read(shop: Shop) -> dt.timedelta:
    """How long before the day of an order's payment the path of the order can begin."""
    return dt.timedelta(days=shop.touch_window_days + shop.max_payment_delay_days + 1)


def touched_until(order: Row, shop: Shop) -> dt.datetime:
    """The latest time of a touch in the path of *order*: when it was placed or paid, plus the clock tolerance."""
    time: dt.datetime = min(order["ordered_at"], order["paid_at"])
    return time + dt.timedelta(seconds=shop.clock_tolerance_seconds)


def touches_before(order: Row, touches: list[Row], shop: Shop) -> list[Row]:
    """The touches of the path of *order*."""
    window = dt.timedelta(days=shop.touch_window_days)
    return [
        touch
        for touch in touches
        if touch["person_id"] == order["user_id"]
        and order["ordered_at"] - window <= touch["occurred_at"] <= touched_until(order, shop)
        and order["dt"] - days_read(shop) <= touch["dt"] <= order["dt"]
    ]


def not_followed_by_an_order(day: dt.date, touches: list[Row], orders: list[Row], shop: Shop) -> list[Row]:
    """The touches of a person's open path at the end of *day*, given all *touches* and *orders* of that person."""
    ends = [touched_until(order, shop) for order in orders if order["dt"] <= day]
    window = dt.timedelta(days=shop.touch_window_days)
    return [
        touch
        for touch in touches
        if day - window <= touch["dt"] <= day and all(touch["occurred_at"] > end for end in ends)
    ]


def numbered(found: list[Row], of_path: Row, shop: Shop) -> list[Row]:
    """The rows of a path's touches, numbered in order of time.

    *found*: the touches, in any order; *of_path*: kind, path_id and dt of the path.
    """
    found = sorted(found, key=lambda touch: (touch["occurred_at"], touch["touch_event_id"]))
    path = [touch["touchpoint"] for touch in found]
    left = removed(list(range(len(path))), path, shop)
    kept = collapsed(left, path, shop)
    counts = "frequency" in shop.touch_transform
    names = "touchpoint_type touch_event_id touchpoint campaign occurred_at"
    return [
        {
            **of_path,
            "touch_no": index + 1,
            "position": kept.index(index) + 1 if index in kept else None,
            "occurrences": [path[i] for i in left].count(path[index]) if index in kept and counts else None,
            **{name: touch[name] for name in names.split()},
        }
        for index, touch in enumerate(found)
    ]


def order_touches(found: list[Row]) -> list[Row]:
    """The rows of order_touches, from the touches of each path."""
    names = "touchpoint_type touch_no touch_event_id touchpoint campaign occurred_at dt"
    return [
        {"order_id": touch["path_id"], **{name: touch[name] for name in names.split()}}
        for touch in found
        if touch["kind"] == "order"
    ]


# Transforms --------------------------------------------------------------------------------------------


def removed(places: list[int], path: list[str], shop: Shop) -> list[int]:
    """Apply the transforms remove_if_not_all and then remove_if_last_and_not_all to *path*.

    Both name entrances to remove, the first anywhere in *path*, the second at the end, but not if no entrance would
    remain. *places* are indexes into *path*; returns those that remain.
    """
    rules = {kind: names for item in shop.touch_transform if isinstance(item, dict) for kind, names in item.items()}
    anywhere = rules.get("remove_if_not_all", [])
    places = [place for place in places if path[place] not in anywhere] or places
    at_the_end = rules.get("remove_if_last_and_not_all", [])
    shorter = list(places)
    while shorter and path[shorter[-1]] in at_the_end:
        shorter.pop()
    return shorter or places


def collapsed(places: list[int], path: list[str], shop: Shop) -> list[int]:
    """Apply the transform of repeated touchpoints in *path*: unique, exposure, first or frequency.

    *places* are indexes into *path*; returns those that remain. ``unique`` removes none, ``exposure`` the repetitions
    in a row, ``first`` and ``frequency`` every later occurrence.
    """
    kept: list[int] = []
    for number, place in enumerate(places):
        is_run = number > 0 and path[places[number - 1]] == path[place]
        is_repeat = path[place] in [path[other] for other in kept]
        if "exposure" in shop.touch_transform and is_run:
            continue
        if {"first", "frequency"} & {item for item in shop.touch_transform if isinstance(item, str)} and is_repeat:
            continue
        kept.append(place)
    return kept


# Paths as text -----------------------------------------------------------------------------------------


def paths(touches: list[Row], lines: list[Row], shop: Shop) -> list[Row]:
    """The rows of paths, from the touches of each path and rows of core.order_lines."""
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in touches:
        groups.setdefault(tuple(row[name] for name in PATH), []).append(row)
    orders = {line["order_id"]: line for line in lines}
    keys = set(groups) | {(order["dt"], "order", name, kind) for name, order in orders.items() for kind in TYPES}
    rows = []
    for day, kind, path_id, touchpoint_type in keys:
        found = sorted(groups.get((day, kind, path_id, touchpoint_type), []), key=lambda row: row["touch_no"])
        rows.append(
            {
                "dt": day,
                "kind": kind,
                "path_id": path_id,
                "touchpoint_type": touchpoint_type,
                "person_id": (person := orders[path_id]["user_id"] if kind == "order" else path_id),
                "person_group": person_group(person),
                "ordered_at": orders[path_id]["ordered_at"] if kind == "order" else None,
                "remaining": marks(found) if kind == "order" else None,
                **texts(found, shop),
            }
        )
    return rows


def person_group(person: str | None) -> int:
    """The group of a person, 0 to 63, from the first two hexadecimal digits of a hash of the person's id."""
    return int(hashlib.md5((person or "").encode(), usedforsecurity=False).hexdigest()[:2], 16) % 64


def marks(found: list[Row]) -> str | None:
    """One character for each of a path's touches *found*: 1 if the transforms keep it, else 0; None without touches."""
    return "".join("0" if touch["position"] is None else "1" for touch in found) or None


def texts(found: list[Row], shop: Shop) -> Row:
    """The columns of table paths that follow from a path's touches *found*, which must be in order."""
    kept = [touch for touch in found if touch["position"] is not None]
    names = [touch["touchpoint"] for touch in kept]
    shown = names
    if "frequency" in shop.touch_transform:
        shown = [f"{touch['touchpoint']}({touch['occurrences']})" for touch in kept]
    return {
        "transformed_path": " > ".join(shown) or UNATTRIBUTED,
        "touchpoints": " > ".join(names) or None,
        "path_length": len(kept),
        "first_touch_at": kept[0]["occurred_at"] if kept else None,
        "began_at": found[0]["occurred_at"] if found else None,
        "ended_at": found[-1]["occurred_at"] if found else None,
    }


def touch_paths(lines: list[Row], paths: list[Row], touches: list[Row]) -> list[Row]:
    """The rows of touch_paths, from rows of core.order_lines, of paths, and the touches of each path."""
    all_touches: dict[tuple[str, str], list[str]] = {}
    for touch in sorted(touches, key=lambda touch: touch["touch_no"]):
        if touch["kind"] == "order":
            all_touches.setdefault((touch["path_id"], touch["touchpoint_type"]), []).append(touch["touchpoint"])
    names = ("touchpoint_type", "transformed_path", "path_length")
    return [
        {
            **{name: line[name] for name in ("order_id", "line_no", "revenue", "dt")},
            **{name: path[name] for name in names},
            "path": " > ".join(all_touches.get((path["path_id"], path["touchpoint_type"]), [])) or UNATTRIBUTED,
        }
        for line in lines
        for path in paths
        if path["kind"] == "order" and path["path_id"] == line["order_id"]
    ]
