"""The window in which each matrix is shown.

Here: choosing the window, why it is not the longest, which metrics the unplaced products lack.
Not here: how a matrix is shown (``dashboards.sections.matrices``).
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from dashboards.locale import Locale
from dashboards.numbers import NONE
from dashboards.queries import query
from dashboards.sections.reading import Reading


@dataclass(frozen=True)
class Window:
    """The window of a matrix.

    Attributes:
        days: Its length.
        products: Number of products in it.
        placed: Number of products with a value on both axes; 0 only if no window has such a product.
        missing: Metric → number of products without a value of it.
        empty: Lengths of the longer windows in which no product has values on both axes, longest first.
        missing_in_empty: The metrics that products lack in the longest of the windows of *empty*.
    """

    days: int
    products: int
    placed: int
    missing: Mapping[str, int]
    empty: tuple[int, ...] = ()
    missing_in_empty: tuple[str, ...] = ()

    @property
    def wanting(self) -> tuple[str, ...]:
        """The metrics that all products lack; if there is no such metric, the metrics that some products lack."""
        everywhere = [metric for metric, count in self.missing.items() if count == self.products]
        return tuple(sorted(everywhere or self.missing))


def matrix_windows(reading: Reading, days: int | None = None) -> dict[str, Window]:
    """Matrix id → its window, for matrices with products on the day; *days*: the only length to use, None: any."""
    reasons = reading.frame(query("products.unknown"))
    if days is not None:
        reasons = reasons.filter(pl.col("window_days") == days)
    return {
        matrix_id: window_of(reasons.filter(pl.col("matrix_id") == matrix_id))
        for matrix_id in reasons["matrix_id"].unique(maintain_order=True)
    }


def window_of(reasons: pl.DataFrame) -> Window:
    """The longest window in which any product has values on both axes; if there is none, the longest window.

    *reasons* is about one matrix and has at least one row. Columns window_days, unknown_metrics (null if none is
    missing), is_placed (values on both axes), products (number of products with this combination).
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


def metric_names(locale: Locale, metrics: tuple[str, ...]) -> str:
    """The names of the metrics in one line; "–" if there are none."""
    return locale.text("list.separator").join(locale.text.name("metric", metric) for metric in metrics) or NONE


def what_it_takes(locale: Locale, metrics: tuple[str, ...], repurchase_days: int) -> str:
    """Sentences that say which data these metrics need; *repurchase_days* is the length of the repurchase period."""
    needs = [(metric, locale.text.name("needs", metric)) for metric in metrics]
    return locale.text.joined(*(text.format(n=repurchase_days) for metric, text in needs if text != metric))


def window_text(locale: Locale, reading: Reading, number: int, key: str = "products.window") -> str:
    """The text *key* about the window of *number* days that ends with the day of *reading*.

    If the shop's records begin within the window, a second sentence says so.
    """
    first, start = reading.day - dt.timedelta(days=number - 1), reading.settings.start_date
    return locale.text.joined(
        locale.text(key, first=first, last=reading.day, days=locale.text.days(number)),
        locale.text("window.not_filled", start=start) if start is not None and start > first else "",
    )


def window_note(locale: Locale, window: Window, reading: Reading) -> str:
    """The note on *window*: the sentences of ``window_text``, and the reason if it is not the longest window."""
    sentences = [window_text(locale, reading, window.days)]
    if window.empty:
        days = locale.text("list.separator").join(map(str, window.empty))
        metrics = metric_names(locale, window.missing_in_empty)
        sentences.append(locale.text("window.shorter", longer=days, metrics=metrics))
    return locale.text.joined(*sentences)
