"""Expected sales of customers, from a model.

Here: figures over customers.clv.
Not here: queries, texts, the model (``pipelines.clv``).
"""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from dashboards.figures.bars import Bars, ranked_bars
from dashboards.figures.look import plain
from dashboards.locale import Locale


def expected_value(locale: Locale, frame: pl.DataFrame) -> go.Figure:
    """Expected net revenue of groups of customers in 90 days, in the given order; expected orders if no value is known.

    Columns name, customers, expected_orders, expected_value, mean_expected_value, alive_share; all but the first two
    may be null.
    """
    rows, number = frame.to_dicts(), locale.numbers
    has_values = frame["expected_value"].is_not_null().any()
    measure = "expected_value" if has_values else "expected_orders"
    labels = [
        f"{number.money(row['expected_value'])} · "
        + locale.text("label.each", amount=number.money(row["mean_expected_value"]))
        if has_values
        else number.short(row["expected_orders"])
        for row in rows
    ]
    return ranked_bars(
        locale,
        [row["name"] for row in rows],
        [Bars(locale.text(f"metric.{measure}"), [row[measure] for row in rows], labels)],
        [
            f"<b>{plain(row['name'])}</b>"
            f"<br>{locale.text('metric.customers')} {number.full(row['customers'])}"
            f"<br>{locale.text('metric.expected_orders')} {number.full(row['expected_orders'], 1)}"
            f"<br>{locale.text('metric.expected_value')} {number.full_money(row['expected_value'])}"
            f"<br>{locale.text('metric.alive_share')} {number.full_percent(row['alive_share'])}"
            for row in rows
        ],
    )
