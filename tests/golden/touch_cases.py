"""The worked examples of touch_models.json, each a shopper with one order.

A touch is a click on an entrance before the order; a path is the list of the entrances of an order's touches.

Here: turning examples into landed records, and reading their results from tables, in the form of the expectation.
Not here: computing the tables, by the pipeline (``test_touch_models``) or by plain Python
(``tests.unit.test_reference_touch``).
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from tests.reference_core import Log, Row, Shop

_CONTENT = json.loads(Path(__file__).with_name("touch_models.json").read_text(encoding="utf-8"))
_ORDERED_AT = dt.datetime(2026, 3, 31, 4, tzinfo=dt.UTC)

Transform = tuple[str | dict[str, list[str]], ...]


@dataclass(frozen=True)
class CreditCase:
    """One path of touches, and how each attribution model divides the order among the touches.

    *credit* (shares) and *revenue_credit* (money): model → a number for each touch, 0 if the model gives it no row.
    """

    name: str
    path: tuple[str, ...]
    days_before: tuple[int, ...]
    revenue: str
    credit: dict[str, list[Fraction]]
    revenue_credit: dict[str, list[Fraction]]


@dataclass(frozen=True)
class TransformCase:
    """A value of the setting ``transform``, and the paths that it must produce; *paths*: path → transformed path."""

    transform: Transform
    paths: dict[str, str]


def _fractions(by_model: dict[str, list[Any]]) -> dict[str, list[Fraction]]:
    return {model: [Fraction(value) for value in values] for model, values in by_model.items()}


CREDITS = [
    CreditCase(
        case["name"],
        tuple(case["path"]),
        tuple(case["days_before"]),
        case["revenue"],
        _fractions(case["credit"]),
        _fractions(case["revenue_credit"]),
    )
    for case in _CONTENT["credits"]
]
TRANSFORMS = [TransformCase(tuple(case["transform"]), case["paths"]) for case in _CONTENT["transforms"]]


def shop(transform: Transform = ("unique",)) -> Shop:
    """A shop with the examples' entrances and *transform*; in the model time_decay, weights halve every day."""
    entrances = [{"entrance_id": name, "page_type": "home", "module": f"m_{name}"} for name in _CONTENT["entrances"]]
    return Shop(entrances=entrances, start_date=dt.date(2026, 2, 1), touch_half_life_days=1, touch_transform=transform)


def log_of(paths: Iterable[tuple[Sequence[str], Sequence[float], str]]) -> Log:
    """The log of shoppers with one order each.

    Each item of *paths* has the entrances clicked, how many days before the order each click was, and the revenue.
    """
    log = Log()
    for number, (path, days_before, revenue) in enumerate(paths):
        for place, (entrance, days) in enumerate(zip(path, days_before, strict=True)):
            log.events.append(
                {
                    "event_id": f"{number}-{place:03}",
                    "device_id": f"d{number}",
                    "user_id": f"u{number}",
                    "event_type": "click",
                    "page_id": 1,
                    "page_type": "home",
                    "module": f"m_{entrance}",
                    "device_time": (_ORDERED_AT - dt.timedelta(days=days)).isoformat(),
                }
            )
        key = {"order_id": f"o{number}"}
        times = dict.fromkeys(("ordered_at", "paid_at"), _ORDERED_AT.isoformat())
        log.orders.append({**key, "user_id": f"u{number}", "status": "paid", **times})
        log.order_lines.append({**key, "line_no": 1, "sku": "A", "quantity": 1, "unit_price": revenue})
    return log


CREDIT_LOG = log_of((case.path, case.days_before, case.revenue) for case in CREDITS)


def _transform_log() -> Log:
    """The log of the paths of all ``TRANSFORMS`` (the cases of path transforms), with an hour between touches."""
    paths = [path.split(" > ") for case in TRANSFORMS for path in case.paths]
    return log_of((path, [(len(path) - place) / 24 for place in range(len(path))], "1") for path in paths)


TRANSFORM_LOG = _transform_log()


def credit_of(case: CreditCase, tables: dict[str, list[Row]], column: str) -> dict[str, list[Any]]:
    """Model → the values of *column* in attribution.touch_credits for the case's touches, in order; 0 without a row."""
    found: dict[str, list[Any]] = {model: [0] * len(case.path) for model in case.credit}
    for row in tables["attribution.touch_credits"]:
        is_of_case = (row["order_id"], row["touchpoint_type"]) == (f"o{CREDITS.index(case)}", "entrance")
        if is_of_case and row["model"] in found:
            assert row["touchpoint"] == case.path[row["position"] - 1]
            found[row["model"]][row["position"] - 1] = row[column]
    return found


def paths_of(case: TransformCase, tables: dict[str, list[Row]]) -> dict[str, str]:
    """Path → transformed path in *tables*, for each path of the case."""
    found = {r["order_id"]: r for r in tables["attribution.touch_paths"] if r["touchpoint_type"] == "entrance"}
    first = sum(len(other.paths) for other in TRANSFORMS[: TRANSFORMS.index(case)])
    rows = [found[f"o{first + n}"] for n in range(len(case.paths))]
    return {row["path"]: row["transformed_path"] for row in rows}
