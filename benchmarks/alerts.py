"""``python -m benchmarks.alerts``: how many planted incidents the rule ``unusual`` finds, and its false alarms.

Simulated years of shops of three sizes: days of the week, seasons, growth, noise that lasts some days, promotions with
a quiet week before and a slump after them, the Spring Festival. Incidents of one day are planted on ordinary days.
The rule is compared with a plainer one (median and median absolute deviation of the same weekday), and both with and
without the promotions in the calendar.
"""

from __future__ import annotations

import argparse
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from dashboards.app.watch.rules import Bounds, usual_bounds

FIRST = dt.date(2025, 1, 1)
_WARM_UP = 70
"""The days before the year, so that its first day has a history."""
DAYS = 365
_PROMOTIONS = (
    # name, first day, last day, factor on these days, factor on the last day
    ("年货节", (1, 5), (1, 12), 1.3, 1.6),
    ("春节", (1, 26), (2, 4), 0.5, 0.7),
    ("38 节", (3, 6), (3, 8), 1.4, 1.8),
    ("618", (6, 1), (6, 18), 1.4, 3.0),
    ("国庆", (10, 1), (10, 7), 1.2, 1.2),
    ("双11", (10, 31), (11, 11), 1.5, 4.0),
    ("双12", (12, 10), (12, 12), 1.4, 2.0),
)
SIZES = {"small, 30 orders a day": 30, "medium, 500": 500, "large, 8,000": 8_000}
METRICS = ("visitors", "revenue", "visitor_conversion_rate")
INCIDENTS = {"−30 %": 0.7, "−50 %": 0.5, "−80 %": 0.2, "+50 %": 1.5, "+100 %": 2.0}

Series = Mapping[dt.date, float]
Rule = Callable[[Series, dt.date, Collection[dt.date]], Bounds | None]


@dataclass(frozen=True)
class Year:
    """The days of a shop: metric → series, and the days of promotions."""

    series: Mapping[str, Series]
    festivals: frozenset[dt.date]


def simulated(orders: int, seed: int, incidents: Mapping[dt.date, float] | None = None) -> Year:
    """A year of a shop with about *orders* orders a day. On the days of *incidents*, sales are multiplied by a factor.

    Visitors and conversion are each multiplied by the square root of that factor.
    """
    random = np.random.default_rng(seed)
    weekday = 1 + random.normal(0, 0.12, 7)
    growth, season, phase = random.uniform(-0.2, 0.6), random.uniform(0, 0.15), random.uniform(0, 365)
    basket, rate = random.uniform(80, 300), random.uniform(0.02, 0.06)
    drift = np.zeros(2)
    found: dict[str, dict[dt.date, float]] = {name: {} for name in METRICS}
    promoted, near = _promotions()
    for number in range(_WARM_UP + DAYS):
        day = FIRST + dt.timedelta(days=number - _WARM_UP)
        drift = 0.6 * drift + random.normal(0, [0.04, 0.025])
        level = (1 + growth * number / 365) * (1 + season * np.sin(2 * np.pi * (number + phase) / 365))
        factor = promoted.get(day, near.get(day, 1.0))
        happened = (incidents or {}).get(day, 1.0) ** 0.5
        expected = orders / rate * level * weekday[day.weekday()] * factor**0.7 * np.exp(drift[0]) * happened
        visitors = int(random.poisson(expected))
        share = min(rate * factor**0.3 * np.exp(drift[1]) * happened, 0.9)
        bought = int(random.binomial(visitors, share))
        found["visitors"][day] = float(visitors)
        found["revenue"][day] = float(random.lognormal(np.log(basket), 0.8, bought).sum())
        found["visitor_conversion_rate"][day] = bought / visitors if visitors else 0.0
    return Year(found, frozenset(promoted))


def _promotions() -> tuple[dict[dt.date, float], dict[dt.date, float]]:
    """Day → factor of promotions, and of the days around them: quiet before, and a slump after."""
    promoted: dict[dt.date, float] = {}
    near: dict[dt.date, float] = {}
    for year in (FIRST.year - 1, FIRST.year):
        for name, first, last, factor, peak in _PROMOTIONS:
            start, end = dt.date(year, *first), dt.date(year, *last)
            for number in range((end - start).days + 1):
                promoted[start + dt.timedelta(days=number)] = factor
            promoted[end] = peak
            if name != "春节":
                near |= {start - dt.timedelta(days=n): 0.93 for n in range(1, 6)}
                near |= {end + dt.timedelta(days=n): 0.8 + 0.04 * n for n in range(1, 5)}
    return promoted, near


def same_weekday(history: Series, day: dt.date, festivals: Collection[dt.date], width: float = 5.0) -> Bounds | None:
    """The plainer rule: median and median absolute deviation of the same weekday in the last eight weeks."""
    past = [day - dt.timedelta(days=7 * week) for week in range(1, 9)]
    values = [history[one] for one in past if one in history and one not in festivals]
    if len(values) < 4:
        return None
    middle = median(values)
    spread = max(1.4826 * median(abs(value - middle) for value in values), 0.02 * middle)
    return Bounds(middle - width * spread, middle + width * spread, middle)


def false_alarms(rule: Rule, years: Sequence[Year], metric: str, *, has_calendar: bool) -> float:
    """Alarms per month in *years* without incidents; *has_calendar*: the promotions are known and cause no alarm."""
    alarms, judged = 0, 0
    for year in years:
        festivals = year.festivals if has_calendar else frozenset()
        for number in range(DAYS):
            day = FIRST + dt.timedelta(days=number)
            judged += 1
            if day not in festivals:
                bounds = rule(year.series[metric], day, festivals)
                alarms += bounds is not None and bounds.side(year.series[metric][day]) is not None
    return alarms / judged * 30


def incident_days(seed: int) -> list[dt.date]:
    """Ten days of the year at least 21 days apart, none of them in a promotion or near one."""
    promoted, near = _promotions()
    random = np.random.default_rng(seed)
    found: list[dt.date] = []
    for number in random.permutation(DAYS):
        day = FIRST + dt.timedelta(days=int(number))
        if day not in promoted and day not in near and all(abs((day - one).days) >= 21 for one in found):
            found.append(day)
    return found[:10]


def detected(rule: Rule, orders: int, seeds: range, metric: str, factor: float) -> float:
    """The share of planted incidents for which *rule* gives an alarm."""
    hits, planted = 0, 0
    for seed in seeds:
        days = incident_days(seed)
        year = simulated(orders, seed, dict.fromkeys(days, factor))
        for day in days:
            bounds = rule(year.series[metric], day, year.festivals)
            planted += 1
            hits += bounds is not None and bounds.side(year.series[metric][day]) is not None
    return hits / planted


def lines(seeds: range) -> list[str]:
    """The tables, as Markdown."""
    rules: dict[str, Rule] = {"unusual": usual_bounds, "same weekday only": same_weekday}
    head = ["rule", "shop", "metric", "false alarms a month", "without festivals", *INCIDENTS]
    found = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for size, orders in SIZES.items():
        years = [simulated(orders, seed) for seed in seeds]
        for metric in METRICS:
            for name, rule in rules.items():
                cells = [name, size, metric]
                cells += [f"{false_alarms(rule, years, metric, has_calendar=known):.2f}" for known in (True, False)]
                cells += [f"{detected(rule, orders, seeds, metric, factor):.0%}" for factor in INCIDENTS.values()]
                found.append("| " + " | ".join(cells) + " |")
    return found


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("--years", type=int, default=20, help="simulated years of each size (default 20)")
    arguments = parser.parse_args()
    for line in lines(range(arguments.years)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
