"""Customer lifetime value: formulas equal plain loops, gradients equal difference quotients; extreme customers."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.clv.fitting import Floats, NotFitted, maximise
from pipelines.clv.purchases import (
    BgNbd,
    bg_nbd_log_likelihood,
    expected_orders,
    fit_bg_nbd,
    probability_alive,
)
from pipelines.clv.spend import GammaGamma, expected_mean_value, fit_gamma_gamma, gamma_gamma_log_likelihood
from tests import clv_reference as plain

# Warnings are errors, so that an overflow in an intermediate result fails a test even if the final result is finite.
pytestmark = pytest.mark.filterwarnings("error")

PARAMETER = st.floats(0.2, 8.0)
FOUR = st.tuples(PARAMETER, st.floats(0.5, 60.0), PARAMETER, PARAMETER)
THREE = st.tuples(PARAMETER, st.floats(1.2, 8.0), st.floats(0.5, 60.0))


@st.composite
def history(draw: st.DrawFn, most: int = 40) -> tuple[int, int, int]:
    """A customer's number of repeat orders (up to *most*), recency t_x and age T in days; T = 0 and t_x = T occur."""
    age = draw(st.integers(0, 700))
    recency = draw(st.integers(0, age))
    return (draw(st.integers(1, most)) if recency else 0), recency, age


HISTORIES = st.lists(history(), min_size=1, max_size=12)
SPENDS = st.lists(st.tuples(st.integers(1, 40), st.floats(0.01, 1e4)), min_size=1, max_size=12)


def columns(rows: list[tuple[int, int, int]]) -> tuple[Floats, Floats, Floats]:
    frequency, recency, age = np.array(rows, dtype=float).reshape(-1, 3).T
    return frequency, recency, age


def model_of(parameters: tuple[float, float, float, float]) -> BgNbd:
    return BgNbd(*parameters, log_likelihood=0.0, customers=0, iterations=0)


def spend_of(parameters: tuple[float, float, float]) -> GammaGamma:
    return GammaGamma(*parameters, log_likelihood=0.0, customers=0, excluded=0, iterations=0)


def differences(value: Callable[[Floats], float], parameters: Floats) -> Floats:
    """The derivatives of *value* at *parameters*, by the logarithms of these, as difference quotients."""
    steps = 1e-5 * np.eye(len(parameters))
    return np.array([(value(parameters * np.exp(h)) - value(parameters * np.exp(-h))) / 2e-5 for h in steps])


@given(FOUR, HISTORIES)
def test_likelihood_of_purchases_is_that_of_the_paper(
    parameters: tuple[float, float, float, float], rows: list[tuple[int, int, int]]
) -> None:
    found, _ = bg_nbd_log_likelihood(np.array(parameters), *columns(rows))
    assert found == pytest.approx(
        sum(math.log(plain.likelihood(*parameters, *row)) for row in rows), rel=1e-9, abs=1e-9
    )


@given(FOUR, HISTORIES)
def test_gradient_of_purchases_is_that_of_differences(
    parameters: tuple[float, float, float, float], rows: list[tuple[int, int, int]]
) -> None:
    data = columns(rows)
    at = np.array(parameters)
    _, gradient = bg_nbd_log_likelihood(at, *data)
    by_logarithms = differences(lambda theta: bg_nbd_log_likelihood(theta, *data)[0], at)
    np.testing.assert_allclose(gradient * at, by_logarithms, rtol=1e-5, atol=1e-6)


@settings(max_examples=60)
@given(FOUR, history(most=100), st.sampled_from([1.0, 90.0, 2000.0]))
@example((1.0, 1.0, 1.0, 2.0), (98, 1, 1), 90.0)  # SciPy's function 2F1 overflows here
def test_expected_orders_are_those_of_an_integral(
    parameters: tuple[float, float, float, float], row: tuple[int, int, int], horizon: float
) -> None:
    model, data = model_of(parameters), columns([row])
    assert probability_alive(model, *data)[0] == pytest.approx(plain.probability_alive(*parameters, *row), rel=1e-9)
    expected = plain.probability_alive(*parameters, *row) * plain.orders_while_alive(
        *parameters, row[0], row[2], horizon
    )
    assert expected_orders(model, *data, horizon)[0] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("a", [1.0, 1.0 + 1e-12, 0.3])
def test_expected_orders_where_the_paper_divides_by_nothing(a: float) -> None:
    """The paper's formula divides by 0 at a = 1, and for customers without repeat orders at a + b = 1.

    In the second case the third parameter of the function 2F1 is 0.
    """
    parameters = (0.5, 10.0, a, 0.7)
    for row in [(0, 0, 30), (3, 20, 30)]:
        expected = plain.probability_alive(*parameters, *row) * plain.orders_while_alive(
            *parameters, row[0], row[2], 90.0
        )
        assert expected_orders(model_of(parameters), *columns([row]), 90.0)[0] == pytest.approx(expected, rel=1e-9)


def test_a_thousand_orders_and_a_thousand_silent_days() -> None:
    """For this many orders or days the paper's formulas overflow; ours must not.

    A customer who has just ordered must be expected to order again; one who has long ordered nothing, to have left.
    """
    model = model_of((0.24, 30.0, 0.8, 2.4))
    data = columns([(1000, 999, 1000), (1000, 1000, 1000), (1000, 1000, 2000), (1000, 2, 2), (1000, 1000, 10**6)])
    alive = probability_alive(model, *data)
    orders = expected_orders(model, *data, 90.0)
    assert np.isfinite(orders).all()
    assert alive[1] > alive[0] > 0.99
    while_alive = plain.orders_while_alive(0.24, 30.0, 0.8, 2.4, 1000, 1000, 90.0)
    assert orders[:2] == pytest.approx(alive[:2] * while_alive, rel=1e-8)
    assert (alive[[2, 4]] < 1e-100).all()
    assert (orders[[2, 4]] < 1e-100).all()


def test_no_time_to_come_brings_no_orders() -> None:
    data = columns([(0, 0, 0), (0, 0, 10), (2, 5, 10)])
    assert expected_orders(model_of((0.5, 10.0, 1.0, 2.0)), *data, 0.0).tolist() == [0.0, 0.0, 0.0]


@given(THREE, SPENDS)
def test_gradient_of_spend_is_that_of_differences(
    parameters: tuple[float, float, float], rows: list[tuple[int, float]]
) -> None:
    x, m = np.array(rows, dtype=float).T
    at = np.array(parameters)
    _, gradient = gamma_gamma_log_likelihood(at, x, m)
    by_logarithms = differences(lambda theta: gamma_gamma_log_likelihood(theta, x, m)[0], at)
    np.testing.assert_allclose(gradient * at, by_logarithms, rtol=1e-5, atol=1e-5)


@settings(max_examples=60)
@given(THREE, st.integers(1, 30), st.floats(0.1, 1000.0))
def test_spend_is_that_of_an_integral(parameters: tuple[float, float, float], x: int, mean: float) -> None:
    density = plain.mean_value_density(*parameters, x, mean)
    found, _ = gamma_gamma_log_likelihood(np.array(parameters), np.array([x]), np.array([mean]))
    assert found == pytest.approx(math.log(density), rel=1e-8, abs=1e-8)
    expected = plain.mean_value_density(*parameters, x, mean, power=1) / density
    assert expected_mean_value(spend_of(parameters), np.array([x]), np.array([mean]))[0] == pytest.approx(expected)


def test_planted_purchases_are_found_again() -> None:
    planted = (0.6, 20.0, 0.9, 3.0)
    model = fit_bg_nbd(*plain.simulated_histories(np.random.default_rng(1), 30_000, planted, 365.0))
    assert isinstance(model, BgNbd)
    # With each of the seeds 0 to 9, r and alpha are within 5 % of the true values, a and b within 7 %.
    assert (model.r, model.alpha) == pytest.approx(planted[:2], rel=0.07)
    assert (model.a, model.b) == pytest.approx(planted[2:], rel=0.2)


def test_planted_spend_is_found_again() -> None:
    rng = np.random.default_rng(2)
    frequency = rng.geometric(0.3, 30_000) - 1.0
    model = fit_gamma_gamma(frequency, plain.simulated_mean_values(rng, frequency, (6.0, 4.0, 150.0)))
    assert isinstance(model, GammaGamma)
    # With each of the seeds 0 to 9, p is within 10 % of the true value, q within 3 %, gamma within 14 %. The fit is
    # less exact for p and gamma, because an error of one makes up for an error of the other.
    assert (model.p, model.q, model.gamma) == pytest.approx((6.0, 4.0, 150.0), rel=0.15)
    assert model.customers == np.sum(frequency > 0)


def test_the_unit_of_time_and_money_is_that_of_the_caller() -> None:
    """If times are in weeks instead of days, alpha is a seventh of its value, and the other parameters are equal.

    The likelihood (a density of order times) is larger by a factor of 7 per repeat order.
    """
    x, t_x, age = plain.simulated_histories(np.random.default_rng(3), 2000, (0.6, 20.0, 0.9, 3.0), 365.0)
    days, weeks = fit_bg_nbd(x, t_x, age), fit_bg_nbd(x, t_x / 7, age / 7)
    assert isinstance(days, BgNbd)
    assert isinstance(weeks, BgNbd)
    assert (weeks.r, weeks.alpha * 7, weeks.a, weeks.b) == pytest.approx((days.r, days.alpha, days.a, days.b), rel=1e-4)
    assert weeks.log_likelihood == pytest.approx(days.log_likelihood + x.sum() * math.log(7))
    at_maximum, _ = bg_nbd_log_likelihood(np.array([days.r, days.alpha, days.a, days.b]), x, t_x, age)
    assert days.log_likelihood == pytest.approx(at_maximum, rel=1e-12)

    m = plain.simulated_mean_values(np.random.default_rng(4), x, (6.0, 4.0, 150.0))
    yuan, cents = fit_gamma_gamma(x, m), fit_gamma_gamma(x, m * 100)
    assert isinstance(yuan, GammaGamma)
    assert isinstance(cents, GammaGamma)
    assert (cents.p, cents.q, cents.gamma) == pytest.approx((yuan.p, yuan.q, yuan.gamma * 100), rel=1e-3)
    assert cents.log_likelihood == pytest.approx(yuan.log_likelihood - yuan.customers * math.log(100))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "there are no customers"),
        ([(0, 0, 10), (0, 0, 20)], "no customer has a repeat order"),
        ([(0, 0, 0)] * 5, "no customer has a repeat order"),
        ([(1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 0)], "no time has passed"),
        ([(3, 10, 20)], "too few distinct purchase histories: 1,"),
        ([(3, 10, 20)] * 1000, "too few distinct purchase histories: 1,"),
        ([(3, 10, 20), (0, 0, 20), (1, 20, 20)], "too few distinct purchase histories: 3,"),
    ],
)
def test_purchases_that_fit_no_model(rows: list[tuple[int, int, int]], reason: str) -> None:
    found = fit_bg_nbd(*columns(rows))
    assert isinstance(found, NotFitted)
    assert reason in found.reason
    assert found.customers == len(rows)


@pytest.mark.parametrize(
    ("rows", "reason", "customers"),
    [
        ([], "no customer has repeat orders with a mean value above 0", 0),
        ([(0, 0.0), (0, 50.0)], "no customer has repeat orders", 0),
        ([(1, 0.0), (2, -5.0)], "2 with 0 or less are excluded", 0),
        ([(1, 9.9)], "the same mean order value, 9.9", 1),
        ([(1, 9.9), (2, 9.9), (3, 9.9)], "the same mean order value, 9.9", 3),
        ([(1, 9.9), (2, 8.0)], "too few customers with repeat orders: 2,", 2),
        ([(1, 10.0**k) for k in range(-8, 9)], "vary too much to have a finite mean", 17),
    ],
)
def test_spend_that_fits_no_model(rows: list[tuple[int, float]], reason: str, customers: int) -> None:
    frequency, mean_value = np.array(rows, dtype=float).reshape(-1, 2).T
    found = fit_gamma_gamma(frequency, mean_value)
    assert isinstance(found, NotFitted)
    assert reason in found.reason
    assert found.customers == customers


def test_customers_without_a_value_are_left_out_and_counted() -> None:
    rng = np.random.default_rng(5)
    frequency = rng.geometric(0.3, 500).astype(float)
    mean_value = plain.simulated_mean_values(rng, frequency, (6.0, 4.0, 150.0))
    without = fit_gamma_gamma(frequency, mean_value)
    found = fit_gamma_gamma(np.append(frequency, [3, 2, 0]), np.append(mean_value, [0.0, -20.0, 0.0]))
    assert isinstance(without, GammaGamma)
    assert isinstance(found, GammaGamma)
    assert found.excluded == 2
    assert (found.p, found.q, found.gamma, found.customers) == (without.p, without.q, without.gamma, 500)
    none, free, refunded, usual = expected_mean_value(found, np.array([0, 3, 3, 3]), np.array([0.0, 0.0, -20.0, 40.0]))
    assert none == pytest.approx(found.mean_value)
    assert 0 < free == refunded < usual


def test_a_search_that_does_not_arrive_is_no_fit() -> None:
    def misleading(at: Floats) -> tuple[float, Floats]:
        return -float(np.abs(at - 1).sum()), np.ones_like(at)

    found = maximise(misleading, [(-5.0, 5.0), (-5.0, 5.0)])
    assert isinstance(found, str)
    assert "the fit did not converge" in found


def test_a_bound_counts_as_a_maximum() -> None:
    found = maximise(lambda at: (float(at.sum()), np.ones_like(at)), [(-1.0, 2.0)])
    assert not isinstance(found, str)
    assert found.parameters == pytest.approx([math.exp(2)])


@settings(max_examples=60)
@given(st.lists(history(most=1000), max_size=30))
def test_any_customers_have_finite_figures_or_a_reason(rows: list[tuple[int, int, int]]) -> None:
    model = fit_bg_nbd(*columns(rows))
    if isinstance(model, NotFitted):
        assert model.reason
        return
    assert all(math.isfinite(value) and value > 0 for value in (model.r, model.alpha, model.a, model.b))
    assert math.isfinite(model.log_likelihood)
    # The model must also predict for customers who were not part of the fit, here with extreme histories.
    data = columns([*rows, (0, 0, 0), (1000, 0, 0), (1, 1, 1), (1000, 700, 700), (1, 1, 10_000)])
    alive = probability_alive(model, *data)
    assert ((alive >= 0) & (alive <= 1)).all()
    orders = expected_orders(model, *data, 90.0)
    assert (np.isfinite(orders) & (orders >= 0)).all()


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.integers(0, 1000), st.one_of(st.floats(1e-6, 1e6), st.sampled_from([-5.0, 0.0, 9.9]))), max_size=30
    )
)
def test_any_spend_has_finite_figures_or_a_reason(rows: list[tuple[int, float]]) -> None:
    x, m = np.array(rows, dtype=float).reshape(-1, 2).T
    model = fit_gamma_gamma(x, m)
    if isinstance(model, NotFitted):
        assert model.reason
        return
    assert all(math.isfinite(value) and value > 0 for value in (model.p, model.q, model.gamma))
    assert math.isfinite(model.log_likelihood)
    values = expected_mean_value(model, x, m)
    assert (np.isfinite(values) & (values > 0)).all()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ((1.5, 1.0, 2.0), "frequency has 1 values that are not 0, 1, 2"),
        ((-1.0, 0.0, 2.0), "frequency has 1 values"),
        ((1.0, 3.0, 2.0), "recency has 1 values below 0 or above the customer's age"),
        ((0.0, 1.0, 2.0), "recency has 1 values above 0 for customers without a repeat order"),
        ((1.0, 1.0, math.nan), "age has 1 values that are not finite"),
    ],
)
def test_impossible_customers_are_refused(row: tuple[float, float, float], message: str) -> None:
    x, t_x, age = np.array([row]).T
    with pytest.raises(ValueError, match=message):
        fit_bg_nbd(x, t_x, age)


def test_arrays_of_different_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match=r"mean_value has shape \(2,\), expected \(1,\)"):
        fit_gamma_gamma(np.ones(1), np.ones(2))
    with pytest.raises(ValueError, match="horizon is -1"):
        expected_orders(model_of((1.0, 1.0, 1.0, 1.0)), *columns([(0, 0, 1)]), -1)
