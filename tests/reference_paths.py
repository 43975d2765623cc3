"""Reference implementation of the counts of paths by day, and of removal effects, in plain loops.

An open path is counted on its day. It is taken back on the first later day on which its last touch is in a path again.

Here: counts of paths and of the steps of their Markov chain, removal effects by solving the chain again without each
touchpoint, and the summary of paths as of a day. The code is slow, and uses no SQL, no data frames and none of the
program's code, so that it can be compared sentence by sentence with docs/how-it-works.md.
Not here: the paths (``tests.reference_touch``), credit (``tests.reference_credits``), the solver
(``tests.reference_effects``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Any

from tests.reference_core import Row, Shop
from tests.reference_effects import CONVERSION, NULL, START, Counts, removal_effects, solved
from tests.reference_touch import PATH, UNATTRIBUTED

DAY = dt.timedelta(days=1)


def grouped(rows: Iterable[Row], key: tuple[str, ...]) -> dict[tuple[Any, ...], list[Row]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[name] for name in key), []).append(row)
    return groups


def counted_paths(paths: list[Row], touches: list[Row]) -> list[Row]:
    """Each path of *paths* with counted_dt, orders and non_conversions.

    An open path that is taken back has a second row, with −1 non-conversions, on the day on which it is taken back.
    """
    days: dict[tuple[str, str], set[dt.date]] = {}
    for touch in touches:
        days.setdefault((touch["touchpoint_type"], touch["touch_event_id"]), set()).add(touch["dt"])
    of_path = grouped(touches, PATH)
    rows = []
    for path in paths:
        is_order = path["kind"] == "order"
        count = {"orders": int(is_order), "non_conversions": int(not is_order)}
        rows.append({**path, **count, "counted_dt": path["dt"]})
        if not is_order:
            last = max(of_path[tuple(path[name] for name in PATH)], key=lambda touch: touch["touch_no"])
            later = {day for day in days[last["touchpoint_type"], last["touch_event_id"]] if day > path["dt"]}
            if later:
                back = {"dt": min(later), "counted_dt": path["dt"], "orders": 0, "non_conversions": -1}
                rows.append({**path, **back})
    return rows


def touch_path_daily(counted: list[Row], lines: list[Row]) -> list[Row]:
    """The rows of touch_path_daily, from ``counted_paths`` and rows of core.order_lines."""
    named = [
        {
            **row,
            "touchpoints": row["touchpoints"] or UNATTRIBUTED,
            "lines": [line for line in lines if row["kind"] == "order" and line["order_id"] == row["path_id"]],
        }
        for row in counted
    ]
    key = ("dt", "touchpoint_type", "person_group", "counted_dt", "touchpoints", "transformed_path")
    return [
        {
            **dict(zip(key, values, strict=True)),
            "path_length": rows[0]["path_length"],
            "orders": sum(row["orders"] for row in rows),
            "order_lines": sum(len(row["lines"]) for row in rows),
            "non_conversions": sum(row["non_conversions"] for row in rows),
            "revenue": sum((line["revenue"] for row in rows for line in row["lines"]), Decimal(0)),
        }
        for values, rows in grouped(named, key).items()
    ]


def touch_transitions(counted: list[Row], shop: Shop) -> list[Row]:
    """The rows of touch_transitions, from ``counted_paths``."""
    steps: Counter[tuple[Any, ...]] = Counter()
    for row in counted:
        if row["path_length"] > 0:
            names = row["touchpoints"].split(" > ")
            order = shop.touch_markov_order
            ends = range(1, len(names) + 1)
            states = [START, *(" > ".join(names[max(0, end - order) : end]) for end in ends)]
            states.append(CONVERSION if row["kind"] == "order" else NULL)
            of_row = (row["dt"], row["touchpoint_type"], row["person_group"], row["counted_dt"])
            for before, after in pairwise(states):
                steps[*of_row, before, after] += row["orders"] + row["non_conversions"]
    key = ("dt", "touchpoint_type", "person_group", "counted_dt", "from_state", "to_state")
    return [{**dict(zip(key, step, strict=True)), "paths": paths} for step, paths in steps.items() if paths]


def within(rows: list[Row], day: dt.date, shop: Shop) -> list[Row]:
    """The rows among *rows* that count in the effects as of *day*."""
    first = day - (shop.touch_effects_days - 1) * DAY
    return [row for row in rows if first <= row["dt"] <= day and first <= row["counted_dt"]]


def effects_of_days(
    transitions: list[Row],
    days: Iterable[dt.date],
    shop: Shop,
    conversion_rate: Callable[[Counts], Fraction | float] = solved,
) -> list[Row]:
    """The rows of removal_effects on *days*, from rows of touch_transitions."""
    rows = []
    for day in days:
        for (kind,), own in grouped(within(transitions, day, shop), ("touchpoint_type",)).items():
            counts: Counts = {}
            for row in own:
                step = (row["from_state"], row["to_state"])
                counts[step] = counts.get(step, Fraction(0)) + row["paths"]
            assert all(count >= 0 for count in counts.values()), "a path was taken back that was not counted"
            counts = {step: count for step, count in counts.items() if count}
            names = {state.split(" > ")[-1] for step in counts for state in step} - {START, CONVERSION, NULL}
            found = (removal_effects(counts, conversion_rate) if counts else None) or dict.fromkeys(names)
            for name, effect in found.items():
                value = None if effect is None else float(effect)
                rows.append({"dt": day, "touchpoint_type": kind, "touchpoint": name, "removal_effect": value})
    return rows


def touch_path_summary(daily: list[Row], days: Iterable[dt.date], shop: Shop) -> list[Row]:
    """The rows of touch_path_summary as of *days*, from rows of touch_path_daily."""
    rows = []
    for day in days:
        groups = grouped(within(daily, day, shop), ("touchpoint_type", "transformed_path"))
        for (kind, path), own in groups.items():
            orders, non_conversions = (sum(row[name] for row in own) for name in ("orders", "non_conversions"))
            assert non_conversions >= 0, "a path was taken back that was not counted"
            if orders or non_conversions:
                rows.append(
                    {
                        "dt": day,
                        "touchpoint_type": kind,
                        "transformed_path": path,
                        "path_length": own[0]["path_length"],
                        "conversions": sum(row["order_lines"] for row in own),
                        "orders": orders,
                        "non_conversions": non_conversions,
                        "revenue": sum((row["revenue"] for row in own), Decimal(0)),
                        "order_rate": orders / (orders + non_conversions) if own[0]["path_length"] else None,
                    }
                )
    return rows
