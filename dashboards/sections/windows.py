"""The window that each matrix is shown for.

Here: which it is, why it is not the longest, what products are not placed for want of.
Not here: how a matrix is shown (``dashboards.sections.matrices``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from dashboards.figures.look import Look
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.reading import Reading


@dataclass(frozen=True)
class Window:
    """The window of a matrix.

    Attributes:
        days: Its length.
        products: Those in it.
        placed: Those of them with a value on both axes; 0: in no window is there one.
        missing: Metric → products that have no value of it.
        empty: The longer windows, in which no product has both values, the longest first.
        missing_in_empty: The metrics for want of which in the longest of these.
    """

    days: int
    products: int
    placed: int
    missing: Mapping[str, int]
    empty: tuple[int, ...] = ()
    missing_in_empty: tuple[str, ...] = ()

    @property
    def wanting(self) -> tuple[str, ...]:
        """The metrics that no product has; if each is known of some product, all that are missing anywhere."""
        everywhere = [metric for metric, count in self.missing.items() if count == self.products]
        return tuple(sorted(everywhere or self.missing))


def matrix_windows(reading: Reading, days: int | None = None) -> dict[str, Window]:
    """The matrices that have products on the day, each with its window; *days*: the one that is so long."""
    reasons = reading.frame(query("products.unknown"))
    if days is not None:
        reasons = reasons.filter(pl.col("window_days") == days)
    return {
        matrix_id: window_of(reasons.filter(pl.col("matrix_id") == matrix_id))
        for matrix_id in reasons["matrix_id"].unique(maintain_order=True)
    }


def window_of(reasons: pl.DataFrame) -> Window:
    """The longest window in which a product has both values; if there is none, the longest.

    Columns window_days, unknown_metrics (null where nothing is missing), is_placed, products; at least one row.
    """
    windows = [
        _window(days, reasons.filter(pl.col("window_days") == days))
        for days in sorted(reasons["window_days"].unique(), reverse=True)
    ]
    shown = next((window for window in windows if window.placed), windows[0])
    longer = [window for window in windows if window.days > shown.days]
    if not longer:
        return shown
    return Window(
        shown.days,
        shown.products,
        shown.placed,
        shown.missing,
        tuple(window.days for window in longer),
        longer[0].wanting,
    )


def _window(days: int, reasons: pl.DataFrame) -> Window:
    products, placed = 0, 0
    missing: Counter[str] = Counter()
    for row in reasons.iter_rows(named=True):
        products += row["products"]
        placed += row["products"] if row["is_placed"] else 0
        missing.update(dict.fromkeys((row["unknown_metrics"] or "").split(", "), row["products"]))
    missing.pop("", None)
    return Window(days, products, placed, dict(missing))


def metric_names(look: Look, metrics: tuple[str, ...]) -> str:
    """The metrics by name in one line; "–" for none."""
    return look.text("list.separator").join(look.text.name("metric", metric) for metric in metrics) or NONE


def what_it_takes(look: Look, metrics: tuple[str, ...], repurchase_days: int) -> str:
    """What there must be for a product to have these metrics, of those that need more than sales and exposures."""
    needs = [(metric, look.text.name("needs", metric)) for metric in metrics]
    return look.text.joined(*(text.format(n=repurchase_days) for metric, text in needs if text != metric))


def window_note(look: Look, window: Window, day: dt.date, start: dt.date | None) -> str:
    """The window up to *day*, whether the shop's records, from *start* on, fill it, and why it is not the longest."""
    said = [look.text("products.window", days=look.text.days(window.days))]
    if start is not None and start > day - dt.timedelta(days=window.days - 1):
        said.append(look.text("window.not_filled", start=start))
    if window.empty:
        days = look.text("list.separator").join(map(str, window.empty))
        metrics = metric_names(look, window.missing_in_empty)
        said.append(look.text("window.shorter", longer=days, metrics=metrics))
    return look.text.joined(*said)
