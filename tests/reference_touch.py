"""Reference implementation of the tables of the touch models in plain loops.

A touch is a click on an entrance, or a session. An attribution model divides an order line among the touches before
the order.

Here: touches, the touches of an order, the transforms of its path (the list of its touches' entrances), and the credit
by the five models in shares and money. The code is slow, and uses no SQL, no data frames and none of the program's
code, so that it can be compared sentence by sentence with docs/how-it-works.md.
Not here: events and order lines (``tests.reference_core``), entrances' credit and paths (``tests.reference``).
"""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

from tests.reference_core import Row, Shop

MODELS = ("first", "last", "linear", "position_based", "time_decay")
UNATTRIBUTED = "(unattributed)"
CUTS = 10**12
"""Shares are rounded to twelve decimals before money is split."""


def restate_touches(events: list[Row], sessions: list[Row], lines: list[Row], shop: Shop) -> dict[str, list[Row]]:
    """Table name → rows of the five tables of the touch models, from rows of tables of schema core."""
    touches = [touch for event in events for touch in touches_at(event)]
    touches += [touch for session in sessions for touch in touches_by(session)]
    entrances = [touch for touch in touches if touch["touchpoint_type"] == "entrance"]
    of_line = [(line, touches_of(line, entrances, shop)) for line in lines]
    of_order = {
        (line["order_id"], kind): touches_of(line, [t for t in touches if t["touchpoint_type"] == kind], shop)
        for line in lines
        for kind in ("entrance", "slot", "channel", "campaign")
    }
    credits = [row for line, rows in of_line for row in touch_credits(line, rows, shop)]
    return {
        "attribution.touches": touches,
        "attribution.order_touches": [row for rows in of_order.values() for row in rows],
        "attribution.touch_paths": [touch_path(line, rows, shop) for line, rows in of_line],
        "attribution.touch_credits": credits,
        "attribution.model_daily": model_daily(credits),
    }


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
        {**touch, "touchpoint_type": "slot", "touchpoint": ".".join(place)},
    ]


def touches_by(session: Row) -> list[Row]:
    """The touches of a session: one of its channel and, if it has a campaign, one of that."""
    touch = {
        "person_id": session["person_id"],
        "touch_event_id": session["session_id"],
        "campaign": session["campaign"],
        "occurred_at": session["started_at"],
        "dt": session["dt"],
    }
    channel = {**touch, "touchpoint_type": "channel", "touchpoint": session["channel"]}
    campaign = {**touch, "touchpoint_type": "campaign", "touchpoint": session["campaign"]}
    return [channel, campaign] if session["campaign"] is not None else [channel]


def touches_of(line: Row, touches: list[Row], shop: Shop) -> list[Row]:
    """The rows of order_touches for the line's order: its touches, numbered, with positions in the transformed path."""
    window = dt.timedelta(days=shop.touch_window_days)
    days = dt.timedelta(days=shop.touch_window_days + shop.max_payment_delay_days + 1)
    until = min(line["ordered_at"], line["paid_at"]) + dt.timedelta(seconds=shop.clock_tolerance_seconds)
    found = [
        touch
        for touch in touches
        if touch["person_id"] == line["user_id"]
        and line["ordered_at"] - window <= touch["occurred_at"] <= until
        and line["dt"] - days <= touch["dt"] <= line["dt"]
    ]
    found.sort(key=lambda touch: (touch["occurred_at"], touch["touch_event_id"]))
    path = [touch["touchpoint"] for touch in found]
    left = removed(list(range(len(path))), path, shop)
    kept = collapsed(left, path, shop)
    names = "touchpoint_type touch_event_id touchpoint campaign occurred_at"
    return [
        {
            "order_id": line["order_id"],
            "touch_no": index + 1,
            "position": kept.index(index) + 1 if index in kept else None,
            "occurrences": [path[i] for i in left].count(path[index]) if index in kept else None,
            **{name: touch[name] for name in names.split()},
            "dt": line["dt"],
        }
        for index, touch in enumerate(found)
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


def touch_path(line: Row, touches: list[Row], shop: Shop) -> Row:
    kept = [touch for touch in touches if touch["position"] is not None]
    texts = [touch["touchpoint"] for touch in kept]
    if "frequency" in shop.touch_transform:
        texts = [f"{touch['touchpoint']}({touch['occurrences']})" for touch in kept]
    return {
        "order_id": line["order_id"],
        "line_no": line["line_no"],
        "touchpoint_type": "entrance",
        "path": " > ".join(touch["touchpoint"] for touch in touches) or UNATTRIBUTED,
        "transformed_path": " > ".join(texts) or UNATTRIBUTED,
        "path_length": len(kept),
        "revenue": line["revenue"],
        "dt": line["dt"],
    }


# Credit ------------------------------------------------------------------------------------------------


def touch_credits(line: Row, touches: list[Row], shop: Shop) -> list[Row]:
    """The rows of touch_credits for *line*; without touches, each model has one row for '(unattributed)'."""
    none = {"touch_event_id": None, "touchpoint": UNATTRIBUTED, "campaign": None, "occurred_at": None}
    kept = [touch for touch in touches if touch["position"] is not None] or [none]
    rows = []
    for model in MODELS:
        shares = shares_of(model, [touch["occurred_at"] for touch in kept], shop)
        revenue, net_revenue = split(line["revenue"], shares), split(line["net_revenue"], shares)
        for index, touch in enumerate(kept):
            if shares[index] > 0 or model not in ("first", "last"):
                rows.append(
                    {
                        "order_id": line["order_id"],
                        "line_no": line["line_no"],
                        "model": model,
                        "touchpoint_type": "entrance",
                        "position": index + 1,
                        **{name: touch[name] for name in none},
                        "credit": float(shares[index]),
                        "revenue_credit": revenue[index],
                        "net_revenue_credit": net_revenue[index],
                        "dt": line["dt"],
                    }
                )
    return rows


def shares_of(model: str, times: list[dt.datetime], shop: Shop) -> list[Fraction]:
    """The share of an order line that *model* gives each touch of its path; *times* are those of the touches."""
    count = len(times)
    if count == 1:
        return [Fraction(1)]
    if model == "first":
        return [Fraction(1)] + [Fraction(0)] * (count - 1)
    if model == "last":
        return [Fraction(0)] * (count - 1) + [Fraction(1)]
    if model == "linear":
        return [Fraction(1, count)] * count
    if model == "position_based":
        if count == 2:
            return [Fraction(1, 2)] * 2
        return [Fraction(2, 5), *[Fraction(1, 5 * (count - 2))] * (count - 2), Fraction(2, 5)]
    ages = [(times[-1] - time) / dt.timedelta(days=1) for time in times]
    weights = [Fraction(2.0 ** -(age / shop.touch_half_life_days)) for age in ages]
    return [weight / sum(weights) for weight in weights]


def split(amount: Decimal, shares: list[Fraction]) -> list[Decimal]:
    """*amount* split by *shares*, as differences of rounded cumulative amounts, so that the parts sum to *amount*."""
    whole = int(amount * 10_000)
    cuts = [0]
    for number in range(1, len(shares) + 1):
        until = math.floor(sum(shares[:number]) * CUTS + Fraction(1, 2))
        cuts.append(whole if until == CUTS else math.floor(whole * (until / CUTS) + 0.5))
    return [Decimal(after - before) / 10_000 for before, after in pairwise(cuts)]


def model_daily(credits: list[Row]) -> list[Row]:
    key = ("dt", "model", "touchpoint_type", "touchpoint")
    groups: dict[tuple[object, ...], list[Row]] = {}
    for row in credits:
        groups.setdefault(tuple(row[name] for name in key), []).append(row)
    return [
        {
            **dict(zip(key, values, strict=True)),
            "conversions": math.fsum(row["credit"] for row in rows),
            "revenue": sum((row["revenue_credit"] for row in rows), Decimal(0)),
            "net_revenue": sum((row["net_revenue_credit"] for row in rows), Decimal(0)),
        }
        for values, rows in groups.items()
    ]
