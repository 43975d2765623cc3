"""Customer lifetime value: expected net revenue in the 90 days after a month end, from a model.

Here: chart and table, and the text if no model could be fitted.
Not here: how a chart looks (``dashboards.figures.lifetime_value``), the model (``pipelines.clv``).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.blocks import Block, Chart, Empty, Table
from dashboards.columns import exact, text
from dashboards.figures.lifetime_value import expected_value
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.reading import Reading, no_table, titled
from dashboards.sections.segments import all_names, names_of


def lifetime_value(locale: Locale, reading: Reading) -> Block:
    """Expected value of the customers as of the latest month end up to the day."""
    title = locale.text("clv.title")
    for table in ("customers.clv_fits", "customers.clv"):
        if not reading.exists(table):
            return titled(title, no_table(locale, table))
    month_ends = [end for end in reading.days("customers.clv_fits") if end <= reading.day]
    if not month_ends:
        return Empty(title, locale.text("empty.clv", day=reading.day, next=_month_end(reading.day)))
    end = max(month_ends)
    fits = reading.frame(query("lifetime_value.fits"), month_end=end)
    if fits.is_empty():
        return Empty(title, locale.text("empty.clv_customers", end=end))
    fit = fits.row(0, named=True)
    if fit["orders_not_fitted"]:
        reason = why_not_fitted(locale, fit["orders_not_fitted"])
        return Empty(title, locale.text("clv.orders_not_fitted", end=end, reason=reason))
    return _chart(locale, reading, end, fit)


def _month_end(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


def _chart(locale: Locale, reading: Reading, end: dt.date, fit: Mapping[str, Any]) -> Chart:
    has_segments = reading.has("customers.rfm")
    frame = reading.frame(
        query("lifetime_value.by_segment" if has_segments else "lifetime_value.by_tenth"), month_end=end
    )
    if has_segments:
        called = names_of(locale, all_names(reading), "segment")
        names = [called.get(key, key) if key else locale.text("clv.no_segment") for key in frame["key"]]
        grouped = locale.text("clv.by_segment", day=reading.day)
    else:
        names = [locale.text("clv.tenth", n=key) for key in frame["key"]]
        grouped = locale.text("clv.by_tenth", day=reading.day)
    frame = frame.with_columns(pl.Series("name", names, pl.String))
    table = Table(
        "clv",
        locale.text("clv.title_of", end=end),
        [
            text(locale.text("column.segment" if has_segments else "column.customers"), "name"),
            exact(locale, "customers"),
            *(exact(locale, name) for name in ("expected_value", "mean_expected_value")),
            *(exact(locale, name) for name in ("expected_orders", "alive_share")),
        ],
        frame.to_dicts(),
        locale.text.joined(locale.text("clv.definition", end=end), grouped),
        notes=(locale.text("clv.once"), *_fitted(locale, fit)),
    )
    return Chart(expected_value(locale, frame), table)


def _fitted(locale: Locale, fit: Mapping[str, Any]) -> list[str]:
    """Sentences with the parameters of both fitted models; if no model of order values was fitted, the reason."""
    orders = locale.text(
        "clv.orders_fit",
        n=locale.numbers.full(fit["customers"]),
        **{name: _parameter(locale, fit[name]) for name in ("r", "alpha", "a", "b")},
    )
    if fit["values_not_fitted"]:
        return [locale.text("clv.values_not_fitted", reason=why_not_fitted(locale, fit["values_not_fitted"])), orders]
    values = locale.text(
        "clv.values_fit",
        n=locale.numbers.full(fit["valued_customers"]),
        **{name: _parameter(locale, fit[name]) for name in ("p", "q", "gamma")},
    )
    return [locale.text.joined(orders, values)]


def _parameter(locale: Locale, value: float) -> str:
    """*value* > 0 with at least three significant digits, however small it is."""
    return locale.numbers.full(value, max(2 - math.floor(math.log10(value)), 0))


def why_not_fitted(locale: Locale, reason: str) -> str:
    """The *reason* why there is no model, in the language of *locale* if there is a translation, else in English."""
    if locale.language == "en":
        return reason
    sentence, _, _ = reason.partition(";")
    numbers = re.findall(r"\d[\d.e+-]*", sentence)
    key = re.sub(r"[^a-z]+", "_", re.sub(r"\d[\d.e+-]*", "", sentence.lower())).strip("_")
    known = locale.text.name("not_fitted", key)
    return reason if known == key else known.format(*numbers)
