"""Gamma-Gamma: the value of an order.

Here: the model of Fader & Hardie, 'The Gamma-Gamma Model of Monetary Value' (2013), brucehardie.com/notes/025; equation
numbers refer to it. The values of a customer's orders are Gamma(p, ν) with an individual mean; across customers ν is
Gamma(q, gamma). The number of a customer's orders and their values are assumed to be independent.
Not here: the number of orders (``purchases``).

The *mean value* of a customer is the mean of the repeat orders, without the first order, and *frequency* is their
number, as in ``purchases``. Fader & Hardie do the same, and the tests compare with their published parameters; also, a
first order is often made with a voucher for new customers, so it predicts least. To include the first order, pass x + 1
and the mean of all orders to both functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from pipelines.clv.fitting import Floats, NotFitted, Numbers, columns_of, maximise, require_counts

_PARAMETERS = 3

_BOUNDS = ((-7.0, 9.0), (-7.0, 9.0), (-16.0, 16.0))
"""Bounds of the logarithms of p, q and gamma, with gamma in units of the median value.

The bounds of gamma are wide: the mean is gamma p / (q − 1), so a large q needs a large gamma.
"""


@dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma model: each customer's order values follow a gamma distribution of shape p and rate ν.

    ν differs between customers; it follows a gamma distribution of shape q.

    Attributes:
        p: Shape of the distribution of a customer's order values; their coefficient of variation is 1 / √p.
        q: Shape of the distribution of ν; above 1, else the mean value over customers is infinite.
        gamma: Scale of the distribution of ν, in the unit of money of the fit.
        log_likelihood: Natural logarithm of the likelihood of the customers in the fit, with values in its unit.
        customers: The number of customers in the fit: those with a repeat order and a mean value above 0.
        excluded: The number of customers with a repeat order but a mean value of 0 or less.
        iterations: The number of iterations of the fit.
    """

    p: float
    q: float
    gamma: float
    log_likelihood: float
    customers: int
    excluded: int
    iterations: int

    @property
    def mean_value(self) -> float:
        """The mean order value, averaged over all customers (equation 5 with no orders)."""
        return self.gamma * self.p / (self.q - 1)


def fit_gamma_gamma(frequency: Numbers, mean_value: Numbers) -> GammaGamma | NotFitted:
    """The Gamma-Gamma model with the largest likelihood for these customers' mean values.

    Args:
        frequency: (customers,) Repeat orders.
        mean_value: (customers,) Mean value of the repeat orders. It must be finite for customers without repeat
            orders, too, but is not used.

    Returns:
        The model, fitted without customers who have no repeat order or a mean value of 0 or less; or the reason why
        there is none: no customers remain, all have the same mean value (the likelihood then grows without end), there
        are fewer customers than parameters, the fit does not converge, or its q is at most 1, where the mean over
        all customers is infinite.

    Raises:
        ValueError: If the arrays differ in length, have values that are not finite, or a frequency is not 0, 1, 2, …
    """
    frequency, mean_value = _checked(frequency, mean_value)
    is_used = (frequency > 0) & (mean_value > 0)
    excluded = int(np.sum((frequency > 0) & ~is_used))
    x, m = frequency[is_used], mean_value[is_used]
    customers = len(x)
    if not customers:
        others = f"; {excluded} with 0 or less are excluded" if excluded else ""
        return NotFitted(f"no customer has repeat orders with a mean value above 0{others}", 0)
    if m.min() == m.max():
        return NotFitted(f"all customers have the same mean order value, {m[0]:g}", customers)
    if customers < _PARAMETERS:
        return NotFitted(
            f"too few customers with repeat orders: {customers}, at least {_PARAMETERS} are needed", customers
        )
    # Divide values by their median, because the search expects parameters near 1.
    unit = float(np.median(m))
    customer_values = _CustomerValues.of(x, m / unit)

    def objective(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = _log_likelihood(np.exp(logarithms), customer_values)
        return value / customers, gradient * np.exp(logarithms) / customers

    maximum = maximise(objective, _BOUNDS)
    if isinstance(maximum, str):
        return NotFitted(maximum, customers)
    p, q, gamma = maximum.parameters.tolist()
    if q <= 1:
        reason = f"the order values vary too much to have a finite mean: q is {q:.3g}, it must be above 1"
        return NotFitted(reason, customers)
    value, _ = _log_likelihood(maximum.parameters, customer_values)
    return GammaGamma(p, q, gamma * unit, value - customers * math.log(unit), customers, excluded, maximum.iterations)


def gamma_gamma_log_likelihood(parameters: Floats, frequency: Numbers, mean_value: Numbers) -> tuple[float, Floats]:
    """The natural logarithm of the likelihood of these customers (equation 1a), and its gradient.

    Args:
        parameters: (3,) p, q and gamma, all above 0.
        frequency: (customers,) Repeat orders, above 0.
        mean_value: (customers,) Mean value of the repeat orders, above 0.

    Returns:
        The sum over the customers, and (3,) its derivatives by p, q and gamma.

    Raises:
        ValueError: As in ``fit_gamma_gamma``; also for a frequency or mean value of 0 or less.
    """
    frequency, mean_value = _checked(frequency, mean_value)
    if not ((frequency > 0) & (mean_value > 0)).all():
        raise ValueError("the likelihood requires customers with a repeat order and a mean value above 0")
    return _log_likelihood(parameters, _CustomerValues.of(frequency, mean_value))


def expected_mean_value(model: GammaGamma, frequency: Numbers, mean_value: Numbers) -> Floats:
    """The expected mean value of each customer's future orders (equation 5).

    It lies between the customer's mean and the mean of all customers; the more orders, the nearer to the customer's
    mean. The model does not allow a mean below 0, so such a mean counts as 0, which gives a small expected value.

    Args:
        model: The fitted model.
        frequency: (customers,) Repeat orders; customers without any get the mean over all customers.
        mean_value: (customers,) Mean value of the repeat orders. It must be finite for customers without repeat
            orders, too, but is not used.

    Returns:
        (customers,) In the unit of money of the fit.

    Raises:
        ValueError: As in ``fit_gamma_gamma``.
    """
    frequency, mean_value = _checked(frequency, mean_value)
    total = frequency * np.maximum(mean_value, 0.0)
    expected: Floats = model.p * (model.gamma + total) / (model.p * frequency + model.q - 1)
    return expected


@dataclass(frozen=True)
class _CustomerValues:
    """The customers, as the likelihood needs them.

    Attributes:
        frequency: (customers,) Repeat orders.
        total: (customers,) Value of the repeat orders.
        log_mean: The sum of the logarithms of the mean values.
        frequencies, frequency_weight: (distinct frequencies,) Each frequency and its number of customers. The gamma
            functions depend on the frequency only.
    """

    frequency: Floats
    total: Floats
    log_mean: float
    frequencies: Floats
    frequency_weight: Floats

    @classmethod
    def of(cls, frequency: Floats, mean_value: Floats) -> _CustomerValues:
        frequencies, weight = np.unique(frequency, return_counts=True)
        return cls(
            frequency=frequency,
            total=frequency * mean_value,
            log_mean=float(np.log(mean_value).sum()),
            frequencies=frequencies,
            frequency_weight=weight.astype(np.float64),
        )


def _log_likelihood(parameters: Floats, customers: _CustomerValues) -> tuple[float, Floats]:
    """The logarithm of equation 1a and its derivatives, from logarithms of ratios, to avoid cancellation."""
    p, q, gamma = parameters
    x, total = customers.frequency, customers.total
    n, weight = customers.frequencies, customers.frequency_weight
    log_rest = -np.log1p(total / gamma)
    log_share = -np.log1p(gamma / total)
    value = (
        weight @ (gammaln(p * n + q) - gammaln(p * n) - gammaln(q))
        + q * log_rest.sum()
        + p * (x @ log_share)
        - customers.log_mean
    )
    by_p = weight @ (n * (digamma(p * n + q) - digamma(p * n))) + x @ log_share
    by_q = weight @ (digamma(p * n + q) - digamma(q)) + log_rest.sum()
    by_gamma = np.sum((q * total / gamma - p * x) / (gamma + total))
    return float(value), np.array([by_p, by_q, by_gamma])


def _checked(frequency: Numbers, mean_value: Numbers) -> tuple[Floats, Floats]:
    frequency, mean_value = columns_of(frequency=frequency, mean_value=mean_value)
    require_counts(frequency)
    return frequency, mean_value
