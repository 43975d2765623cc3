"""Customer lifetime value compared with published figures, and the memory that a million customers need.

The papers on both models use the same example, the shop CDNOW: a tenth of the customers who first bought there in early
1997. The package ``lifetimes`` contains these customers as data files, which are read here; its code is not used,
because it needs other packages.
"""

from __future__ import annotations

import csv
import datetime as dt
import importlib.metadata
import time
import tracemalloc
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from pipelines.clv.fitting import Floats
from pipelines.clv.purchases import BgNbd, expected_orders, fit_bg_nbd, probability_alive
from pipelines.clv.spend import GammaGamma, expected_mean_value, fit_gamma_gamma
from tests.clv_reference import simulated_histories, simulated_mean_values


def shipped(name: str) -> list[str]:
    """The lines of a data file of the package lifetimes; skips the test where it is not installed."""
    try:
        file = importlib.metadata.distribution("lifetimes").locate_file(f"lifetimes/datasets/{name}")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("CDNOW's customers are not here: `make install`, or pip install --no-deps lifetimes==0.11.3")
    return Path(str(file)).read_text().splitlines()


@pytest.fixture(scope="module")
def cdnow() -> tuple[Floats, Floats, Floats, Floats]:
    """CDNOW's customers: number of repeat orders, recency and age in weeks, mean value of repeat orders in $."""
    rows = list(csv.reader(shipped("cdnow_customers_summary_with_transactions.csv")))
    _, x, t_x, age, mean_value = np.array(rows[1:], dtype=float).T
    return x, t_x, age, mean_value


def test_purchases_of_cdnow_have_the_published_parameters(cdnow: tuple[Floats, Floats, Floats, Floats]) -> None:
    """The fitted parameters are those of table 2 of Fader, Hardie & Lee (2005), which has three decimals."""
    x, t_x, age, _ = cdnow
    model = fit_bg_nbd(x, t_x, age)
    assert isinstance(model, BgNbd)
    assert model.customers == 2357
    assert [round(value, 3) for value in (model.r, model.alpha, model.a, model.b)] == [0.243, 4.414, 0.793, 2.426]
    assert round(model.log_likelihood, 1) == -9582.4


def test_orders_to_come_of_cdnow_are_the_published_ones(cdnow: tuple[Floats, Floats, Floats, Floats]) -> None:
    """The first customer's expected orders in 39 weeks are those of the authors' spreadsheet.

    A frequent customer's expected orders in 52 weeks are those of the R package BTYD.
    """
    x, t_x, age, _ = cdnow
    model = fit_bg_nbd(x, t_x, age)
    assert isinstance(model, BgNbd)
    assert expected_orders(model, x[:1], t_x[:1], age[:1], 39.0)[0] == pytest.approx(1.226, abs=5e-4)
    frequent = np.array([26.0]), np.array([30.86]), np.array([31.0])
    assert expected_orders(model, *frequent, 52.0)[0] == pytest.approx(25.76, abs=5e-3)


def test_spend_of_cdnow_has_the_published_parameters(cdnow: tuple[Floats, Floats, Floats, Floats]) -> None:
    """Fader & Hardie (2013) fit p = 6.25, q = 3.74, gamma = 15.44 to the 946 customers who bought again.

    Our gamma may differ by 0.01, because the likelihood is flat near its maximum.
    """
    x, _, _, mean_value = cdnow
    model = fit_gamma_gamma(x, mean_value)
    assert isinstance(model, GammaGamma)
    assert (model.customers, model.excluded) == (946, 0)
    assert (model.p, model.q, model.gamma) == pytest.approx((6.25, 3.74, 15.44), abs=0.01)
    # The first customer's two repeat orders have a mean of 22.35. The third customer has no repeat orders, so the
    # expected value is that of the population.
    assert expected_mean_value(model, x[:3], mean_value[:3]) == pytest.approx([24.66, 18.91, 35.17], abs=0.01)


def test_cdnow_bought_about_as_often_as_was_expected() -> None:
    """Fitted on 39 weeks, the model predicts 12 % fewer orders for the next 39 weeks than the actual 1,882."""
    days: dict[str, set[dt.date]] = defaultdict(set)
    for line in shipped("CDNOW_sample.txt"):
        _, customer, date, *_ = line.split()
        days[customer].add(dt.datetime.strptime(date, "%Y%m%d").date())
    end = dt.date(1997, 9, 30)
    first = [min(dates) for dates in days.values()]
    before = [{date for date in dates if date <= end} for dates in days.values()]
    x = np.array([len(dates) - 1 for dates in before])
    t_x = np.array([(max(dates) - start).days for dates, start in zip(before, first, strict=True)]) / 7
    age = np.array([(end - start).days for start in first]) / 7
    after = sum(len(dates) for dates in days.values()) - sum(len(dates) for dates in before)

    model = fit_bg_nbd(x, t_x, age)
    assert isinstance(model, BgNbd)
    assert expected_orders(model, x, t_x, age, 39.0).sum() == pytest.approx(after, rel=0.15)


@pytest.mark.real
def test_a_million_customers_need_less_than_a_gigabyte() -> None:
    rng = np.random.default_rng(6)
    planted = (0.5, 25.0, 0.8, 2.5)
    x, t_x, age = simulated_histories(rng, 1_000_000, planted, 730.0, in_days=True)
    mean_value = simulated_mean_values(rng, x, (6.0, 4.0, 150.0))

    tracemalloc.start()
    start = time.perf_counter()
    purchases = fit_bg_nbd(x, t_x, age)
    spend = fit_gamma_gamma(x, mean_value)
    assert isinstance(purchases, BgNbd)
    assert isinstance(spend, GammaGamma)
    fitted = time.perf_counter()
    alive = probability_alive(purchases, x, t_x, age)
    orders = expected_orders(purchases, x, t_x, age, 90.0)
    values = expected_mean_value(spend, x, mean_value)
    end = time.perf_counter()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"fitted in {fitted - start:.1f} s, predicted in {end - fitted:.1f} s, {peak / 1e6:.0f} MB beside the input")
    print(purchases, spend)

    assert np.isfinite(alive).all()
    assert np.isfinite(orders).all()
    assert np.isfinite(values).all()
    assert peak < 1e9
    assert np.isfinite(orders * values).all()
    assert ((alive >= 0) & (alive <= 1)).all()
    # The tolerance is wide, because the times are rounded to days and a day's orders count as one, unlike in the model.
    assert (purchases.r, purchases.alpha) == pytest.approx(planted[:2], rel=0.1)
    assert (purchases.a, purchases.b) == pytest.approx(planted[2:], rel=0.1)
    assert (spend.p, spend.q, spend.gamma) == pytest.approx((6.0, 4.0, 150.0), rel=0.02)
