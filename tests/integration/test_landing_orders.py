"""The lake does not depend on the order in which a log arrives; an arrival recomputes only the affected days."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from pipelines.home.folder import Home
from tests.integration.small_shop import order, visit
from tests.support import all_tables, assert_same_tables, land, make_home, run

Day = dt.date
Row = dict[str, Any]
Arrival = dict[str, list[Row]]
"""Records that land together, by relation."""

FIRST = dt.date(2026, 3, 1)
DAYS = [FIRST + dt.timedelta(days=n) for n in range(20)]
LATE = DAYS[4]

HEAD_DAYS = 2
"""A head counts for 24 hours by the device's clock, which may span three business days."""
CART_DAYS = 8
"""A cart or a touch counts up to 5 days before the order, which is paid within 2 days.

One more day because of midnight.
"""
EFFECT_DAYS = 3
SETTINGS = {
    "start_date": FIRST,
    "attribution": {"head_lookback_hours": 24, "cart_window_days": 5, "max_payment_delay_days": 2},
    "touch": {"window_days": 5, "effects_days": EFFECT_DAYS},
    "rfm": {"window_days": 6, "compare_days": 3},
    "lifecycle": {"period_days": 2, "churned_days": 5, "history_days": 8},
    "products": {"windows": [1, 3], "repurchase_days": 4, "too_fast_days": 1, "too_slow_days": 5},
}

BY_EVENTS = (
    "core.event_pages",
    "core.events",
    "core.event_sources",
    "core.traffic_daily",
    "core.traffic_hourly",
    "attribution.visitor_slots",
    "attribution.visitor_variants",
)
BY_ENDS = ("attribution.attributed_events", "attribution.path_steps", "attribution.visitor_ends")
BY_SALES = (
    "attribution.attributed_sales",
    "attribution.entrance_daily",
    "attribution.slot_daily",
    "attribution.entrance_hourly",
    "attribution.slot_hourly",
    "attribution.module_daily",
    "attribution.path_summary",
)
BY_SESSIONS = ("core.session_starts", "core.sessions", "attribution.touches")
NEW_AFTER_DAYS = 365
"""A visitor counts as new if they had no visit on this many days before."""


def events_of(day: Day) -> list[Row]:
    """Two visits on *day*; none on the tenth day, so that look-back windows contain a day without events."""
    return [] if day == DAYS[9] else [*visit(day, "d1"), *visit(day, "d2", "s2")]


def sales_of(day: Day) -> Arrival:
    """An order on *day*, but none on days 7, 14, 21 and 28.

    On days 5, 10, … also a refund of the order placed three days before, if there is one.
    """
    if day.day % 7 == 0:
        return {}
    header, line = order(day)
    arrival = {"orders": [header], "order_lines": [line]}
    earlier = day - dt.timedelta(days=3)
    if day.day % 5 == 0 and earlier.day % 7:
        amount = {"order_id": f"{earlier}-1", "line_no": 1, "refunded_at": f"{day}T06:00:00Z", "amount": "2.50"}
        arrival["refunds"] = [{"refund_id": f"r{day}", **amount}]
    return arrival


def together(arrivals: Iterable[Arrival]) -> Arrival:
    """All records of several arrivals, as one arrival."""
    total: Arrival = {}
    for arrival in arrivals:
        for relation, records in arrival.items():
            total.setdefault(relation, []).extend(records)
    return total


def day_of(day: Day) -> Arrival:
    """All records of *day*."""
    return together([{"events": events_of(day)}, sales_of(day)])


def in_order() -> list[Arrival]:
    """The first 17 days land at once, then each day by itself."""
    return [together(map(day_of, DAYS[:17])), *map(day_of, DAYS[17:])]


def shuffled() -> list[Arrival]:
    """One arrival with all records, in random order."""
    everything = together(map(day_of, DAYS))
    for records in everything.values():
        random.Random(3).shuffle(records)
    return [everything]


def split() -> list[Arrival]:
    """Two arrivals, each with some records of every day."""
    everything = together(map(day_of, DAYS))
    return [{name: records[n::2] for name, records in everything.items()} for n in range(2)]


def a_day_late() -> list[Arrival]:
    """The events of each day land together with the sales of the next day."""
    arrivals = [together(map(day_of, DAYS[:17])), sales_of(DAYS[17])]
    pairs = pairwise(DAYS[17:])
    arrivals += [together([{"events": events_of(day)}, sales_of(following)]) for day, following in pairs]
    return [*arrivals, {"events": events_of(DAYS[-1])}]


def two_weeks_late() -> list[Arrival]:
    """One visit of the fifth day, and its order, land after all other records."""
    late = together([{"events": events_of(LATE)[2:]}, sales_of(LATE)])
    rest = together(map(day_of, DAYS))
    rest = {name: [record for record in records if record not in late.get(name, [])] for name, records in rest.items()}
    return [rest, {"events": late.pop("events")}, late]


@dataclass(frozen=True)
class Changed:
    """For a table, the days that have a partition (*there*), and the days whose rows may have changed (*changed*)."""

    there: set[Day]
    changed: set[Day]

    def __or__(self, other: Changed) -> Changed:
        return Changed(self.there | other.there, self.changed | other.changed)

    def looked_back_on(self, offsets: Iterable[int]) -> Changed:
        """The days of a table that, for its day D, reads this table on the days D − n, for each n of *offsets*."""
        return Changed(
            *({day + dt.timedelta(days=n) for n in offsets for day in days} for days in (self.there, self.changed))
        )

    def chained(self) -> Changed:
        """The days of a table that, for its day D, reads this table on day D and itself on the day before."""
        changed: set[Day] = set()
        for day in sorted(self.there):
            if day in self.changed or day - dt.timedelta(days=1) in changed:
                changed.add(day)
        return Changed(self.there, changed)

    def within(self, days: set[Day], added: set[Day]) -> set[Day]:
        """The days among *days* that must be computed; *added* are the days that had no partitions before."""
        return days & self.there & (self.changed | added)


@dataclass
class Expected:
    """Predicts which days of each table must be computed after each arrival, by the documented rules of the tables.

    *events*, *sales* and *orders* are the days that have events, order lines or orders so far, *last* is the last day
    with records, and *refunds* has (day of the refund, day of the refunded sale).
    """

    events: set[Day] = field(default_factory=set)
    sales: set[Day] = field(default_factory=set)
    orders: set[Day] = field(default_factory=set)
    refunds: set[tuple[Day, Day]] = field(default_factory=set)
    last: Day = FIRST - dt.timedelta(days=1)

    def after(self, arrival: Arrival) -> dict[str, set[Day]]:
        """Add *arrival* and return table → the days that must be computed."""
        new_events = {day_in(event["device_time"]) for event in arrival.get("events", [])}
        new_orders = {day_in(header["paid_at"]) for header in arrival.get("orders", [])}
        new_lines = {day_in(line["order_id"]) for line in arrival.get("order_lines", [])}
        counted = {pair for pair in self.refunds if pair[1] in self.sales}
        self.refunds |= {(day_in(r["refunded_at"]), day_in(r["order_id"])) for r in arrival.get("refunds", [])}
        before, self.events, self.sales = self.last, self.events | new_events, self.sales | new_lines
        # All orders belong to one user, who has only one first order.
        had_first, self.orders = min(self.orders, default=None), self.orders | new_orders
        new_first = {min(self.orders)} - {had_first} if self.orders else set()
        self.last = max([self.last, *new_events, *new_orders, *(day for day, _ in self.refunds)])
        # A refund counts as soon as its sale has landed. It changes the day of the refund and the day of the sale.
        counts_now = {pair for pair in self.refunds if pair[1] in self.sales} - counted
        new_refunds, refunded = {day for day, _ in counts_now}, {day for _, day in counts_now}
        days = {FIRST + dt.timedelta(days=n) for n in range((self.last - FIRST).days + 1)}
        added = {day for day in days if day > before}  # these days had no partitions before this arrival

        # A click on an entrance can receive the credit for events (path ends) of its own day and of the HEAD_DAYS after
        # that day, so it changes all of these days.
        ends_there = days & spread(self.events, HEAD_DAYS)
        ends = ends_there & (spread(new_events, HEAD_DAYS) | added)
        # A sale can be matched to a path end up to CART_DAYS earlier, so a path end changes sales of later days.
        sales_there = days & (self.sales | spread(ends_there, CART_DAYS))
        sales = sales_there & (new_lines | refunded | spread(ends, CART_DAYS) | added)
        found = {
            **dict.fromkeys(BY_EVENTS, new_events),
            "core.first_orders": new_first,
            "core.orders": new_orders,
            "core.order_lines": new_lines | refunded,
            "core.paid_orders": new_lines,
            "core.refunds": new_refunds,
            **dict.fromkeys(BY_ENDS, ends),
            **dict.fromkeys(BY_SALES, sales),
        }
        refunds_there = {day for day, sale in self.refunds if sale in self.sales}
        lines = Changed(self.sales & days, new_lines | refunded)
        refunds = Changed(refunds_there, new_refunds)
        happened = Changed(
            ends_there | self.events | self.sales | refunds_there,
            ends | new_events | new_lines | refunded | new_refunds,
        )
        # A session may have begun on the day before.
        events = Changed(self.events, new_events)
        sessions = events.looked_back_on(range(2))
        visitors = events | sessions.looked_back_on(range(2))
        marts = {
            **dict.fromkeys(BY_SESSIONS, sessions),
            "core.visitors": visitors,
            "core.first_visits": visitors.looked_back_on(range(NEW_AFTER_DAYS + 1)),
            "core.order_profiles": Changed(self.sales & days, new_lines) | visitors.looked_back_on(range(4)),
            "attribution.person_steps": Changed(ends_there, ends) | events | lines,
            **self._touches(lines, Changed(self.sales & days, new_lines), sessions, Changed(set(), new_first)),
            **self._customers(lines, refunds),
            **self._products(lines, happened),
        }
        return {name: days for name, days in found.items() if days} | {
            name: found_days for name, changed in marts.items() if (found_days := changed.within(days, added))
        }

    def _touches(self, lines: Changed, orders: Changed, sessions: Changed, first_orders: Changed) -> dict[str, Changed]:
        # A refund changes order lines, and so their credit. It changes no order, and so no path.
        paths = (orders | sessions).looked_back_on(range(CART_DAYS + 1))
        counts = paths.looked_back_on(range(CART_DAYS + 1))
        effects = counts.looked_back_on(range(EFFECT_DAYS))
        of_effects = ("removal_effects", "model_effects", "touch_path_summary")
        by_table = {
            "order_touches": orders | sessions.looked_back_on(range(CART_DAYS + 1)),
            **dict.fromkeys(("paths", "touch_lag_daily"), paths),
            **dict.fromkeys(("touch_path_daily", "touch_transitions"), counts),
            **dict.fromkeys(of_effects, effects),
            "touch_paths": paths | lines,
            **dict.fromkeys(("touch_credits", "touchpoint_daily"), effects | lines),
            "model_daily": effects | lines | first_orders,
        }
        return {f"attribution.{name}": changed for name, changed in by_table.items()}

    def _customers(self, lines: Changed, refunds: Changed) -> dict[str, Changed]:
        rfm = (lines | refunds).looked_back_on(range(6))
        of_window = lines.looked_back_on(range(6))
        by_table = {
            **dict.fromkeys(("rfm_values", "rfm_thresholds", "rfm", "rfm_daily"), rfm),
            "rfm_migration": rfm.looked_back_on((0, 3)),
            "sales_coverage": of_window,
            "pareto": of_window,
            "lifecycle_daily": lines.looked_back_on(range(8)),
        }
        return {f"customers.{name}": changed for name, changed in by_table.items()}

    def _products(self, lines: Changed, happened: Changed) -> dict[str, Changed]:
        metrics = happened.looked_back_on(range(6)) | lines.looked_back_on(range(8))
        quadrants = metrics.chained()
        moves = quadrants.looked_back_on(range(2))
        by_table = {
            "daily": happened,
            "metrics": metrics,
            "rate_priors": metrics,
            "axis_values": metrics,
            "quadrants": quadrants,
            "quadrant_moves": moves,
            "quadrant_migration": quadrants.looked_back_on(range(4)),
            "portfolio_health": quadrants.looked_back_on(range(4)) | moves.looked_back_on(range(5)),
            "assortment": metrics | happened.looked_back_on(range(3)),
        }
        return {f"products.{name}": changed for name, changed in by_table.items()}


def day_in(text: str) -> Day:
    """The business day of a time or of an order's id, both of which start with their date.

    The UTC date is the business day, because all times are in the morning.
    """
    return dt.date.fromisoformat(text[:10])


def spread(days: Iterable[Day], after: int) -> set[Day]:
    """*days* and the *after* days that follow each of them."""
    return {day + dt.timedelta(days=n) for day in days for n in range(after + 1)}


def deliver(home: Home, arrivals: list[Arrival]) -> Expected:
    """Land and compute each of *arrivals* in turn; assert that each run computes exactly the expected days.

    Returns the ``Expected`` after the last arrival.
    """
    expected = Expected()
    for number, arrival in enumerate(arrivals):
        for relation, records in arrival.items():
            if records:
                land(home, relation, records, f"arrival{number}")
        published = run(home).published
        by_day = {name: set(days) for name, days in published.items() if None not in days}
        assert by_day == expected.after(arrival), f"arrival {number} of {len(arrivals)}"
    return expected


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Row]]:
    """The tables of the whole log, landed at once."""
    home = make_home(tmp_path_factory.mktemp("once") / "home", settings=SETTINGS)
    deliver(home, [together(map(day_of, DAYS))])
    return all_tables(home)


@pytest.mark.parametrize(
    "arrivals_of",
    [pytest.param(each, marks=pytest.mark.real) for each in (shuffled, in_order, split, a_day_late, two_weeks_late)],
)
def test_each_arrival_computes_its_days_to_the_same_lake(
    tmp_path: Path, at_once: dict[str, list[Row]], arrivals_of: Callable[[], list[Arrival]]
) -> None:
    home = make_home(tmp_path / "home", settings=SETTINGS)
    deliver(home, arrivals_of())
    assert_same_tables(all_tables(home), at_once)
    assert any(row["entrance_id"] == "home_banner" for row in at_once["attribution.attributed_sales"])


@pytest.mark.real
def test_what_says_nothing_new_computes_no_day(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home", settings=SETTINGS)
    expected = deliver(home, [together(map(day_of, DAYS[:4]))])
    header, line = order(DAYS[1])
    land(home, "events", events_of(DAYS[1]), "the same again")
    land(home, "orders", [header], "the same again")
    land(home, "order_lines", [{**line, "updated_at": f"{DAYS[3]}T09:00:00Z"}], "another version with equal values")
    assert run(home).published.keys() == {"core.batches"}
    correction = [{**line, "quantity": 2, "updated_at": f"{DAYS[3]}T10:00:00Z"}]
    land(home, "order_lines", correction, "a correction")
    published = run(home).published
    by_day = {name: days for name, days in published.items() if None not in days}
    assert by_day == expected.after({"order_lines": correction})
    assert {name for name, days in by_day.items() if days == {DAYS[1]}} >= {*BY_SALES}
    # The table of cohorts is not computed again, because it has no rows before the end of the month.
    assert published.keys() - by_day.keys() == {"core.batches"}
