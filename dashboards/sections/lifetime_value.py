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
from dashboards.figures.look import Look
from dashboards.queries import query
from dashboards.sections.reading import Reading, no_table, titled
from dashboards.sections.segments import all_names, names_of


def lifetime_value(look: Look, reading: Reading) -> Block:
    """Expected value of the customers as of the latest month end up to the day."""
    title = look.text("clv.title")
    for table in ("customers.clv_fits", "customers.clv"):
        if not reading.exists(table):
            return titled(title, no_table(look, table))
    month_ends = [end for end in reading.days("customers.clv_fits") if end <= reading.day]
    if not month_ends:
        return Empty(title, look.text("empty.clv", day=reading.day, next=_month_end(reading.day)))
    end = max(month_ends)
    fits = reading.frame(query("lifetime_value.fits"), month_end=end)
    if fits.is_empty():
        return Empty(title, look.text("empty.clv_customers", end=end))
    fit = fits.row(0, named=True)
    if fit["orders_not_fitted"]:
        reason = why_not_fitted(look, fit["orders_not_fitted"])
        return Empty(title, look.text("clv.orders_not_fitted", end=end, reason=reason))
    return _chart(look, reading, end, fit)


def _month_end(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


def _chart(look: Look, reading: Reading, end: dt.date, fit: Mapping[str, Any]) -> Chart:
    has_segments = reading.has("customers.rfm")
    frame = reading.frame(
        query("lifetime_value.by_segment" if has_segments else "lifetime_value.by_tenth"), month_end=end
    )
    if has_segments:
        called = names_of(look, all_names(reading), "segment")
        names = [called.get(key, key) if key else look.text("clv.no_segment") for key in frame["key"]]
        grouped = look.text("clv.by_segment", day=reading.day)
    else:
        names = [look.text("clv.tenth", n=key) for key in frame["key"]]
        grouped = look.text("clv.by_tenth", day=reading.day)
    frame = frame.with_columns(pl.Series("name", names, pl.String))
    table = Table(
        "clv",
        look.text("clv.title"),
        [
            text(look.text("column.segment" if has_segments else "column.customers"), "name"),
            exact(look, "customers"),
            *(exact(look, name) for name in ("expected_value", "mean_expected_value")),
            *(exact(look, name) for name in ("expected_orders", "alive_share")),
        ],
        frame.to_dicts(),
        look.text.joined(look.text("clv.definition", end=end), grouped),
        notes=(look.text("clv.once"), *_fitted(look, fit)),
    )
    return Chart(expected_value(look, frame), table)


def _fitted(look: Look, fit: Mapping[str, Any]) -> list[str]:
    """The parameters of the models, or the reason why there is no second model."""
    orders = look.text(
        "clv.orders_fit",
        n=look.numbers.full(fit["customers"]),
        **{name: _parameter(look, fit[name]) for name in ("r", "alpha", "a", "b")},
    )
    if fit["values_not_fitted"]:
        return [look.text("clv.values_not_fitted", reason=why_not_fitted(look, fit["values_not_fitted"])), orders]
    values = look.text(
        "clv.values_fit",
        n=look.numbers.full(fit["valued_customers"]),
        **{name: _parameter(look, fit[name]) for name in ("p", "q", "gamma")},
    )
    return [look.text.joined(orders, values)]


def _parameter(look: Look, value: float) -> str:
    """*value* > 0 with at least three significant digits, however small it is."""
    return look.numbers.full(value, max(2 - math.floor(math.log10(value)), 0))


def why_not_fitted(look: Look, reason: str) -> str:
    """The reason why there is no model, translated if the sentence is known; its numbers are filled in."""
    if look.language == "en":
        return reason
    sentence, _, _ = reason.partition(";")
    numbers = re.findall(r"\d[\d.e+-]*", sentence)
    key = re.sub(r"[^a-z]+", "_", re.sub(r"\d[\d.e+-]*", "", sentence.lower())).strip("_")
    known = look.text.name("not_fitted", key)
    return reason if known == key else known.format(*numbers)
