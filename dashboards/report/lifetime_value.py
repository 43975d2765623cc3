"""Customer lifetime value: what a model expects of the customers in the 90 days after a month's end.

Here: its queries, chart and table, and what it says where no model could be fitted.
Not here: how a chart looks (``dashboards.figures.lifetime_value``), the model (``pipelines.clv``).
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Mapping
from typing import Any

import polars as pl

from dashboards.figures.lifetime_value import expected_value
from dashboards.figures.look import Look
from dashboards.report.columns import full_column, text_column
from dashboards.report.html import Html, empty_card
from dashboards.report.page import Page
from dashboards.report.queries import Reader
from dashboards.report.segments import all_names, names_of

_MEASURES = """
    count(*) AS customers, round(sum(expected_orders_90d), 4) AS expected_orders,
    round(sum(expected_value_90d), 4) AS expected_value, round(avg(expected_value_90d), 4) AS mean_expected_value,
    round(avg(p_alive), 6) AS alive_share
"""
_BY_SEGMENT = f"""
SELECT rfm.segment AS key, {_MEASURES}
FROM customers.clv AS clv LEFT JOIN customers.rfm AS rfm ON rfm.dt = $day AND rfm.user_id = clv.user_id
WHERE clv.dt = $month_end GROUP BY ALL
ORDER BY expected_value DESC NULLS LAST, expected_orders DESC NULLS LAST, key
"""
_BY_TENTH = f"""
SELECT CAST(tenth AS VARCHAR) AS key, {_MEASURES}
FROM (
    SELECT *, ntile(10) OVER (ORDER BY coalesce(expected_value_90d, expected_orders_90d) DESC, user_id) AS tenth
    FROM customers.clv WHERE dt = $month_end
)
GROUP BY tenth ORDER BY tenth
"""


def lifetime_value(page: Page, reader: Reader) -> Html:
    """What is expected of the customers, as of the newest month's end that is not after the day."""
    look = page.look
    title = look.text("clv.title")
    for table in ("customers.clv_fits", "customers.clv"):
        if not reader.exists(table):
            return empty_card(title, look.text("missing.table", table=table), "headwater run")
    month_ends = [end for end in reader.days("customers.clv") if end <= reader.day]
    if not month_ends:
        return empty_card(title, look.text("empty.clv", day=reader.day, next=_month_end(reader.day)))
    end = max(month_ends)
    fits = reader.frame("SELECT * FROM customers.clv_fits WHERE dt = $month_end", month_end=end)
    if fits.is_empty():
        return empty_card(title, look.text("empty.clv_customers", end=end))
    fit = fits.row(0, named=True)
    if fit["orders_not_fitted"]:
        reason = why_not_fitted(look, fit["orders_not_fitted"])
        return empty_card(title, look.text("clv.orders_not_fitted", end=end, reason=reason))
    return _chart(page, reader, end, fit)


def _month_end(day: dt.date) -> dt.date:
    return (day.replace(day=1) + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1)


def _chart(page: Page, reader: Reader, end: dt.date, fit: Mapping[str, Any]) -> Html:
    look = page.look
    has_segments = reader.has("customers.rfm")
    frame = reader.frame(_BY_SEGMENT if has_segments else _BY_TENTH, month_end=end)
    if has_segments:
        called = names_of(look, all_names(reader), "segment")
        names = [called.get(key, key) if key else look.text("clv.no_segment") for key in frame["key"]]
        grouped = look.text("clv.by_segment", day=reader.day)
    else:
        names = [look.text("clv.tenth", n=key) for key in frame["key"]]
        grouped = look.text("clv.by_tenth", day=reader.day)
    frame = frame.with_columns(pl.Series("name", names, pl.String))
    notes = [look.text("clv.once"), *_fitted(look, fit)]
    return page.chart(
        expected_value(look, frame),
        look.text("clv.title"),
        look.text.joined(look.text("clv.definition", end=end), grouped),
        [
            text_column(look.text("column.segment" if has_segments else "column.customers"), "name"),
            full_column(look, "customers"),
            *(full_column(look, name) for name in ("expected_value", "mean_expected_value")),
            *(full_column(look, name) for name in ("expected_orders", "alive_share")),
        ],
        frame.to_dicts(),
        notes=notes,
    )


def _fitted(look: Look, fit: Mapping[str, Any]) -> list[str]:
    """The parameters of the models, or why there is no second one."""
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
    """*value* > 0 in three significant digits or more, however small."""
    return look.numbers.full(value, max(2 - math.floor(math.log10(value)), 0))


def why_not_fitted(look: Look, reason: str) -> str:
    """Why there is no model, in the language of the report where the sentence is known; numbers are filled in."""
    if look.language == "en":
        return reason
    sentence, _, _ = reason.partition(";")
    numbers = re.findall(r"\d[\d.e+-]*", sentence)
    key = re.sub(r"[^a-z]+", "_", re.sub(r"\d[\d.e+-]*", "", sentence.lower())).strip("_")
    known = look.text.name("not_fitted", key)
    return reason if known == key else known.format(*numbers)
