"""Reference implementation, in plain loops, of what persons did: steps by day, first visits, funnels, returns.

Here: attribution.person_steps and core.first_visits; the persons of a funnel and of a retention triangle, from events.
The code uses no SQL, no data frames and none of the program's code.
Not here: events, ends and order lines (``tests.reference_core``, ``tests.reference``), sessions
(``tests.reference_sessions``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from typing import Any

Row = dict[str, Any]

WHAT = ("kind", "page_type", "module", "entrance_id")
"""The columns that describe an action: consecutive actions with equal values in all of them are one step."""


def person_steps(ends: list[Row], events: list[Row], lines: list[Row]) -> list[Row]:
    """The actions of each person on each day in order of time; consecutive equal actions are one step."""
    steps: list[Row] = []
    for one in sorted(actions(ends, events, lines), key=place):
        who = {"dt": one["dt"], "person_id": one["person_id"]}
        is_same_person = bool(steps) and has(steps[-1], who)
        if is_same_person and has(steps[-1], {name: one[name] for name in WHAT}):
            steps[-1] |= {"last_at": one["at"], "events": steps[-1]["events"] + 1}
            continue
        step_no = steps[-1]["step_no"] + 1 if is_same_person else 1
        own = {name: one[name] for name in WHAT}
        steps.append({**who, **own, "step_no": step_no, "first_at": one["at"], "last_at": one["at"], "events": 1})
    return steps


def place(one: Row) -> tuple[Any, ...]:
    """The place of an action in the order of steps; null comes last."""
    return (one["dt"], one["person_id"], one["at"], *((one[name] is None, one[name] or "") for name in WHAT))


def has(row: Row, values: Mapping[str, Any]) -> bool:
    return all(row[name] == value for name, value in values.items())


def actions(ends: list[Row], events: list[Row], lines: list[Row]) -> list[Row]:
    """One row for each action of a person: path ends, other page views and clicks, and paid orders of known users."""
    nothing = dict.fromkeys(WHAT)
    found = []
    for end in ends:
        is_click = end["end_type"] == "click"
        own = {
            "kind": "product_click" if is_click else end["end_type"],
            "page_type": end["page_type"] if is_click else None,
            "module": end["module"] if is_click else None,
            "entrance_id": end["entrance_id"],
        }
        found.append({"dt": end["dt"], "person_id": end["person_id"], "at": end["occurred_at"], **own})
    end_ids = {end["event_id"] for end in ends}
    for event in events:
        if event["event_id"] in end_ids or event["event_type"] not in ("page_view", "click"):
            continue
        own = {**nothing, "kind": event["event_type"], "page_type": event["page_type"]}
        if event["event_type"] == "click":
            own |= {"module": event["module"], "entrance_id": event["entrance_id"]}
        found.append({"dt": event["dt"], "person_id": event["person_id"], "at": event["occurred_at"], **own})
    for order_id in sorted({line["order_id"] for line in lines if line["user_id"] is not None}):
        line = next(line for line in lines if line["order_id"] == order_id)
        who = {"dt": line["dt"], "person_id": line["user_id"], "at": line["paid_at"]}
        found.append({**who, **nothing, "kind": "order"})
    return found


def first_visits(events: list[Row], sessions: list[Row]) -> list[Row]:
    """The days on which a person came and had not on any of the 365 days before."""
    days: dict[str, set[dt.date]] = {}
    for event in events:
        days.setdefault(event["person_id"], set()).add(event["dt"])
    found = []
    for person, own in days.items():
        for day in own:
            if any(1 <= (day - other).days <= 365 for other in own):
                continue
            who = {"dt": day, "person_id": person}
            clicks = [
                (event["occurred_at"], event["event_id"], event["entrance_id"])
                for event in events
                if has(event, {**who, "event_type": "click"}) and event["entrance_id"] is not None
            ]
            entrance = min(clicks)[2] if clicks else "(direct)"
            found.append({**who, "entrance_id": entrance, "channel": channel_of_day(person, day, sessions)})
    return found


def visitor(row: Row, events: list[Row], sessions: list[Row]) -> Row:
    """The row of core.visitors: *row* (dt and person_id), with the platform and channel by which the person came."""
    own = [
        (event["occurred_at"], event["platform"])
        for event in events
        if has(event, row) and event["platform"] is not None
    ]
    platform = min(own)[1] if own else "(unknown)"
    return {**row, "platform": platform, "channel": channel_of_day(row["person_id"], row["dt"], sessions)}


def channel_of_day(person: str, day: dt.date, sessions: list[Row]) -> str:
    """The channel of the first session of the day; else of the last one of the day before; else unassigned."""
    own = sorted((s for s in sessions if s["person_id"] == person), key=lambda s: (s["started_at"], s["session_id"]))
    begun = [s["channel"] for s in own if s["dt"] == day]
    before = [s["channel"] for s in own if s["dt"] == day - dt.timedelta(days=1)]
    return str((begun[:1] or before[-1:] or ["unassigned"])[0])


def steps_of(one: Row) -> set[str]:
    """The names of the steps that an action can be."""
    own = {f"page:{one['page_type']}"} if one["kind"] == "page_view" else {one["kind"]} - {"click"}
    return own if one["module"] is None else own | {f"module:{one['page_type']}.{one['module']}"}


def funnel(
    done: list[Row],
    steps: list[str],
    first: dt.date,
    last: dt.date,
    window: dt.timedelta | str,
    begins: Callable[[Row], bool] = lambda _: True,
) -> dict[str, Row]:
    """Person → the attempt at the funnel that reached the most steps: its start, entrance, depth and times.

    Of several attempts that reached equally many steps it is the latest.

    Args:
        done: The actions of all persons.
        steps: The names of the steps, in order.
        first: The first day on which an attempt may start.
        last: The last day on which an attempt may start.
        window: The longest time from the first step to the last; or a column that must be equal in all steps, such as
            the session.
        begins: Whether an action may be step 1.
    """
    best: dict[str, Row] = {}
    for start in done:
        if not (first <= start["dt"] <= last and steps[0] in steps_of(start) and begins(start)):
            continue
        times = [start["at"]]
        for step in steps[1:]:
            later = [
                one["at"]
                for one in done
                if one["person_id"] == start["person_id"]
                and step in steps_of(one)
                and one["at"] >= times[-1]
                and (one[window] == start[window] if isinstance(window, str) else one["at"] - start["at"] <= window)
            ]
            if not later:
                break
            times.append(min(later))
        attempt = {"depth": len(times), "at": start["at"], "entrance_id": start["entrance_id"] or "(none)"}
        attempt |= {"dt": start["dt"], "seconds": [(at - times[0]).total_seconds() for at in times[1:]]}
        known = best.get(start["person_id"])
        order = ("depth", "at", "entrance_id")
        if known is None or [attempt[name] for name in order] > [known[name] for name in order]:
            best[start["person_id"]] = attempt
    return best


def period_of(day: dt.date, unit: str) -> int:
    """The number of the day, week (from Monday) or month in which *day* lies."""
    if unit == "month":
        return day.year * 12 + day.month
    return day.toordinal() if unit == "day" else (day.toordinal() - 1) // 7


def retention(
    visits: Collection[tuple[str, dt.date]],
    new: list[Row],
    unit: str,
    by: str | None,
    computed: Collection[dt.date],
    newest: dt.date,
    most: int,
) -> dict[tuple[int, str, int], tuple[int, int | None]]:
    """(Period of the first visit, part, number of periods after it) → (new visitors, how many of them returned).

    The number who returned is None if some days of that period are not computed or not over.

    Args:
        visits: Pairs of person and day.
        new: Rows of core.first_visits.
        unit: The unit of a period: day, week or month.
        by: The column of *new* that divides visitors into parts; None: one part, ``""``.
        computed: The days that are computed.
        newest: The newest day that is over.
        most: The number of periods after the first visit.
    """
    found: dict[tuple[int, str, int], tuple[int, int | None]] = {}
    for row in new:
        start, part = period_of(row["dt"], unit), "" if by is None else row[by]
        for after in range(1, most + 1):
            days = [row["dt"] + dt.timedelta(days=n) for n in range(1, 32 * (most + 1))]
            own = [day for day in days if period_of(day, unit) == start + after]
            is_over = all(day in computed and day <= newest for day in own)
            came = any((row["person_id"], day) in visits for day in own)
            people, returned = found.get((start, part, after), (0, 0))
            found[start, part, after] = people + 1, (returned or 0) + came if is_over else None
    return found
