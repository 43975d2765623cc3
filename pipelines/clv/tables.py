"""Customer lifetime value as tables: the fitted parameters, and each customer's expected orders and value.

Here: the Python steps of the models ``customers.clv_fits`` and ``customers.clv``, from frame to frame.
Not here: the estimators (``purchases``, ``spend``), and their inputs (``sql/customers/clv_inputs.sql``).
"""

from __future__ import annotations

import polars as pl

from pipelines.clv.fitting import NotFitted
from pipelines.clv.purchases import BgNbd, expected_orders, fit_bg_nbd, probability_alive
from pipelines.clv.spend import GammaGamma, expected_mean_value, fit_gamma_gamma

HORIZON_DAYS = 90.0

_FITS = pl.Schema(
    {
        "dt": pl.Date,
        "customers": pl.Int64,
        "r": pl.Float64,
        "alpha": pl.Float64,
        "a": pl.Float64,
        "b": pl.Float64,
        "orders_log_likelihood": pl.Float64,
        "orders_not_fitted": pl.String,
        "valued_customers": pl.Int64,
        "p": pl.Float64,
        "q": pl.Float64,
        "gamma": pl.Float64,
        "values_log_likelihood": pl.Float64,
        "values_not_fitted": pl.String,
    }
)
_VALUES = pl.Schema(
    {
        "dt": pl.Date,
        "user_id": pl.String,
        "p_alive": pl.Float64,
        "expected_orders_90d": pl.Float64,
        "expected_value_90d": pl.Float64,
    }
)


def fits(customers: pl.DataFrame) -> pl.DataFrame:
    """The models fitted to *customers* (dt, frequency, recency_days, age_days, mean_value; times in days).

    One row: the fitted parameters, or the reasons why a model was not fitted. No row if there are no customers.
    """
    if customers.is_empty():
        return _FITS.to_frame()
    # The rounding of a sum depends on the order of its terms, so sort: equal customers must give equal results.
    customers = customers.sort("frequency", "recency_days", "age_days", "mean_value")
    frequency = customers["frequency"].to_numpy()
    orders = fit_bg_nbd(frequency, customers["recency_days"].to_numpy(), customers["age_days"].to_numpy())
    values = fit_gamma_gamma(frequency, customers["mean_value"].fill_null(0).to_numpy())
    row: dict[str, object] = {"dt": customers["dt"][0], "customers": customers.height}
    if isinstance(orders, NotFitted):
        row["orders_not_fitted"] = orders.reason
    else:
        row |= {name: getattr(orders, name) for name in ("r", "alpha", "a", "b")}
        row["orders_log_likelihood"] = orders.log_likelihood
    if isinstance(values, NotFitted):
        row["values_not_fitted"] = values.reason
    else:
        row |= {name: getattr(values, name) for name in ("p", "q", "gamma")}
        row |= {"values_log_likelihood": values.log_likelihood, "valued_customers": values.customers}
    return pl.DataFrame([row], schema=_FITS)


def values(customers: pl.DataFrame) -> pl.DataFrame:
    """The expected orders and value of each of *customers*, one row each; null if the model was not fitted.

    *customers* has the columns that ``fits`` needs and returns, and user_id.
    """
    if customers.is_empty():
        return _VALUES.to_frame()
    first = customers.row(0, named=True)
    frequency, recency, age = (customers[name].to_numpy() for name in ("frequency", "recency_days", "age_days"))
    found = customers.select("dt", "user_id").with_columns(
        pl.lit(None, pl.Float64).alias(name) for name in ("p_alive", "expected_orders_90d", "expected_value_90d")
    )
    if first["r"] is None:
        return found
    orders = BgNbd(
        r=first["r"], alpha=first["alpha"], a=first["a"], b=first["b"], log_likelihood=0.0, customers=0, iterations=0
    )
    expected = expected_orders(orders, frequency, recency, age, HORIZON_DAYS)
    found = found.with_columns(
        pl.Series("p_alive", probability_alive(orders, frequency, recency, age)),
        pl.Series("expected_orders_90d", expected),
    )
    if first["p"] is None:
        return found
    spend = GammaGamma(
        p=first["p"], q=first["q"], gamma=first["gamma"], log_likelihood=0.0, customers=0, excluded=0, iterations=0
    )
    mean = expected_mean_value(spend, frequency, customers["mean_value"].fill_null(0).to_numpy())
    return found.with_columns(pl.Series("expected_value_90d", expected * mean))
