"""Gamma-Gamma: the value of an order.

Here: the model of Fader & Hardie, 'The Gamma-Gamma Model of Monetary Value' (2013), brucehardie.com/notes/025; numbers
of equations are theirs. The values of a customer's orders are Gamma(p, ν) around a mean of the customer's own; over
the customers ν is Gamma(q, gamma). How often one orders and for how much are taken as independent.
Not here: how many orders (``purchases``).

The *mean value* of a customer is that of the repeat orders, the first one left out, and *frequency* is their number,
the same as in ``purchases``. So do Fader & Hardie, whose published parameters this is held against; and a first order,
often made with a voucher for new customers, says least of those to come. Who wants the first one in gives x + 1 and the
mean of all orders to both functions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, gammaln

from pipelines.clv.fitting import Floats, NotFitted, Numbers, columns_of, maximise, whole_frequency

_PARAMETERS = 3

_BOUNDS = ((-7.0, 9.0), (-7.0, 9.0), (-16.0, 16.0))
"""Of the logarithms of p, q and gamma in mean values; gamma is wide since gamma p / (q − 1) is the mean value."""


@dataclass(frozen=True)
class GammaGamma:
    """A fitted Gamma-Gamma model.

    Attributes:
        p: The shape of a customer's order values; their coefficient of variation is 1 / √p.
        q: The shape of the customers' scales, above 1: else the mean value over customers is infinite.
        gamma: Their scale, in the unit of money of the fit.
        log_likelihood: The natural logarithm, of all these customers together, with values in the unit of the fit.
        customers: How many it was fitted on: those with a repeat order and a mean value above 0.
        excluded: How many had a repeat order, but a mean value of 0 or less.
        iterations: How many the fit took.
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
        """The mean over all customers of their mean order value (equation 5 for no orders)."""
        return self.gamma * self.p / (self.q - 1)


def fit_gamma_gamma(frequency: Numbers, mean_value: Numbers) -> GammaGamma | NotFitted:
    """The Gamma-Gamma model under which these customers' mean values are most likely.

    Args:
        frequency: (customers,) Repeat orders.
        mean_value: (customers,) Mean value of the repeat orders; of customers without any it is not looked at, so long
            as it is a number.

    Returns:
        The model, without the customers who have no repeat order or a mean value of 0 or less; or why there is
        none: nobody is left, all have the same mean value (the likelihood then grows for ever), there are fewer
        different customers than parameters, the likelihood has no maximum, or it has one at q ≤ 1, where values are
        so unequal that none can be expected of a customer who is not known.

    Raises:
        ValueError: If the arrays differ in length, hold values that are not finite, or a frequency is not a whole
            number from 0 on.
    """
    frequency, mean_value = _checked(frequency, mean_value)
    is_used = (frequency > 0) & (mean_value > 0)
    excluded = int(np.sum((frequency > 0) & ~is_used))
    x, m = frequency[is_used], mean_value[is_used]
    customers = len(x)
    if not customers:
        left_out = f"; {excluded} of 0 or less are left out" if excluded else ""
        return NotFitted(f"no customer has a repeat order and a mean value above 0{left_out}", 0)
    if m.min() == m.max():
        return NotFitted(f"all customers have the same mean value, {m[0]:g}", customers)
    if customers < _PARAMETERS:
        return NotFitted(
            f"there are only {customers} customers with repeat orders, {_PARAMETERS} are needed", customers
        )
    # Money in usual values: the search expects parameters of the order of 1.
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
        reason = f"the values are too unequal for an expectation: q is {q:.3g}, needed is more than 1"
        return NotFitted(reason, customers)
    value, _ = _log_likelihood(maximum.parameters, customer_values)
    return GammaGamma(p, q, gamma * unit, value - customers * math.log(unit), customers, excluded, maximum.iterations)


def gamma_gamma_log_likelihood(parameters: Floats, frequency: Numbers, mean_value: Numbers) -> tuple[float, Floats]:
    """The natural logarithm of the likelihood of these customers (equation 1a) and its gradient.

    Args:
        parameters: (3,) p, q and gamma, all above 0.
        frequency: (customers,) Repeat orders, above 0.
        mean_value: (customers,) Mean value of the repeat orders, above 0.

    Returns:
        The sum over the customers, and (3,) its derivatives by p, q and gamma.

    Raises:
        ValueError: As ``fit_gamma_gamma``; also for a frequency or mean value of 0 or less.
    """
    frequency, mean_value = _checked(frequency, mean_value)
    if not ((frequency > 0) & (mean_value > 0)).all():
        raise ValueError("the likelihood is of customers with a repeat order and a mean value above 0")
    return _log_likelihood(parameters, _CustomerValues.of(frequency, mean_value))


def expected_mean_value(model: GammaGamma, frequency: Numbers, mean_value: Numbers) -> Floats:
    """The mean value to expect of each customer's orders to come (equation 5).

    It lies between the customer's mean and that of all customers, the nearer to the customer's the more orders
    that is of. A mean below 0, which the model does not know, counts as 0: what is expected then is a little.

    Args:
        model: As fitted.
        frequency: (customers,) Repeat orders; who has none gets the mean over all customers.
        mean_value: (customers,) Mean value of the repeat orders; of customers without any it is not looked at, so long
            as it is a number.

    Returns:
        (customers,) In the unit of money of the fit.

    Raises:
        ValueError: As ``fit_gamma_gamma``.
    """
    frequency, mean_value = _checked(frequency, mean_value)
    total = frequency * np.maximum(mean_value, 0.0)
    expected: Floats = model.p * (model.gamma + total) / (model.p * frequency + model.q - 1)
    return expected


@dataclass(frozen=True)
class _CustomerValues:
    """What the likelihood needs of the customers.

    Attributes:
        frequency: (customers,) Repeat orders.
        total: (customers,) Value of the repeat orders.
        log_mean: The sum of the logarithms of the mean values.
        frequencies, frequency_weight: (different frequencies,) Each once, and how many customers have it: the gamma
            functions are of nothing else.
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
    """Equation 1a in logarithms, in ratios rather than differences of large ones, and its derivatives."""
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
    whole_frequency(frequency)
    return frequency, mean_value
