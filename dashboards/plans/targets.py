"""Which targets the dashboards can compute.

Here: the metrics that may have a target, and why a target is invalid.
Not here: the file (``pipelines.config_tables.targets``), values of targets (``dashboards.app.pages.targets``).
"""

from __future__ import annotations

from sqlglot import exp

from dashboards.slices import DIMENSIONS
from pipelines.config_tables.targets import Target
from pipelines.sqlproject.metrics import load_metrics

TARGETED = (
    "revenue", "net_revenue", "margin", "orders", "units", "buyers", "visitors", "visitor_conversion_rate",
    "revenue_per_buyer", "average_order_value", "units_per_order", "revenue_per_visitor", "margin_rate", "add_to_carts",
)  # fmt: skip
"""Metrics that may have a target."""


_OF_ONE_DAY = frozenset({"orders"})
"""Distinct counts that may still be summed over days, because each item belongs to only one day: an order to the day of
its payment."""


def adds_up(metric: str) -> bool:
    """Whether the values of days of *metric* sum to that of the month; False for ratios and most distinct counts."""
    found = load_metrics()[metric]
    if found.is_ratio or found.formula is None:
        return False
    return metric in _OF_ONE_DAY or not found.formula.find(exp.Distinct)


def fault_of(target: Target) -> str:
    """Why the dashboards cannot compute *target*, in English like all errors; '' if they can."""
    if target.metric not in TARGETED:
        return f"metric '{target.metric}' cannot have a target; expected one of {', '.join(TARGETED)}"
    unknown = [name for name, _ in target.slice if name not in DIMENSIONS]
    return f"slice has the dimension '{unknown[0]}'; expected some of {', '.join(DIMENSIONS)}" if unknown else ""
