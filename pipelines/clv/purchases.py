"""BG/NBD: whether a customer is still active, and the number of future orders.

Here: the model of Fader, Hardie & Lee, '"Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD
Model', Marketing Science 24 (2005) 275–284. Equation numbers refer to it; brucehardie.com/notes/039 derives them.
An active ("alive") customer orders at an individual rate λ, and leaves for good after each repeat order with an
individual probability p. Across customers λ is Gamma(r, alpha) and p is Beta(a, b).
Not here: the value of an order (``spend``).

Each customer is described by three numbers:

- *frequency*, x: the number of orders after the first one;
- *recency*, t_x: the time from the first order to the last one, 0 if there is only one;
- *age*, T: the time from the first order to the end of the observation.

All times have the same unit, which is also the unit of alpha and of the horizon. In days many customers are equal,
which makes a fit fast. Count the orders of one day as one: the model does not allow simultaneous orders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln, hyp2f1

from pipelines.clv.fitting import Floats, NotFitted, Numbers, columns_of, group, maximise, require_counts

_PARAMETERS = 4

_BOUNDS = ((-7.0, 7.0), (-7.0, 14.0), (-7.0, 5.0), (-7.0, 5.0))
"""Bounds of the logarithms of r, alpha (in units of the mean age), a and b.

Beyond them the differences between customers are negligible, and 2F1 overflows for customers of age 0. The bounds
of alpha are wide: r / alpha is the mean rate, so a large r needs a large alpha.
"""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
"""Gauss-Legendre nodes and weights for an integral from −1 to 1."""


@dataclass(frozen=True)
class BgNbd:
    """A fitted BG/NBD model.

    Attributes:
        r, alpha: Parameters of the Gamma distribution of order rates. alpha is in units of time; the mean rate is
            r / alpha orders per unit of time.
        a, b: Parameters of the Beta distribution of the probability to leave after a repeat order; mean a / (a + b).
        log_likelihood: Natural logarithm of the likelihood of all customers, with time in the unit of the fit.
        customers: The number of customers.
        iterations: The number of iterations of the fit.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    customers: int
    iterations: int


def fit_bg_nbd(frequency: Numbers, recency: Numbers, age: Numbers) -> BgNbd | NotFitted:
    """The BG/NBD model with the largest likelihood for these customers.

    Args:
        frequency: (customers,) Repeat orders.
        recency: (customers,) Time from the first to the last order.
        age: (customers,) Time from the first order to the end of the observation.

    Returns:
        The model, or the reason why there is none: no customers, no repeat orders, no time since the first orders,
        fewer distinct histories than parameters, or a fit that does not converge.

    Raises:
        ValueError: If the arrays differ in length or have values that are not finite, a frequency is not 0, 1, 2, …,
            a recency is negative, larger than the age, or above 0 for a frequency of 0.
    """
    frequency, recency, age = _checked(frequency, recency, age)
    customers = len(frequency)
    if not customers:
        return NotFitted("there are no customers", 0)
    if not frequency.any():
        return NotFitted("no customer has a repeat order", customers)
    if not age.any():
        return NotFitted("no time has passed since the first orders", customers)
    # Divide times by the mean age, because the search expects parameters near 1.
    unit = float(age.mean())
    histories = _Histories.of(frequency, recency / unit, age / unit)
    if len(histories.weight) < _PARAMETERS:
        reason = f"too few distinct purchase histories: {len(histories.weight)}, at least {_PARAMETERS} are needed"
        return NotFitted(reason, customers)
    bought_again = float(histories.weight[histories.again].sum())

    def objective(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = _log_likelihood(np.exp(logarithms), histories)
        # Divide by the number of customers with a repeat order, because only they determine a and b. Divided by the
        # number of all customers, the derivatives by a and b would be tiny in a shop where nearly everybody buys once.
        return value / bought_again, gradient * np.exp(logarithms) / bought_again

    maximum = maximise(objective, _BOUNDS)
    if isinstance(maximum, str):
        return NotFitted(maximum, customers)
    value, _ = _log_likelihood(maximum.parameters, histories)
    r, alpha, a, b = maximum.parameters.tolist()
    # Change of units: the density has a factor 1 / unit for each repeat order.
    value -= float(frequency.sum()) * math.log(unit)
    return BgNbd(r, alpha * unit, a, b, value, customers, maximum.iterations)


def bg_nbd_log_likelihood(
    parameters: Floats, frequency: Numbers, recency: Numbers, age: Numbers
) -> tuple[float, Floats]:
    """The natural logarithm of the likelihood of these customers and its gradient.

    Args:
        parameters: (4,) r, alpha, a and b, all above 0.
        frequency: (customers,) Repeat orders.
        recency: (customers,) Time from the first to the last order.
        age: (customers,) Time from the first order to the end of the observation.

    Returns:
        The sum over the customers, and (4,) its derivatives by r, alpha, a and b.

    Raises:
        ValueError: As in ``fit_bg_nbd``.
    """
    return _log_likelihood(parameters, _Histories.of(*_checked(frequency, recency, age)))


def probability_alive(model: BgNbd, frequency: Numbers, recency: Numbers, age: Numbers) -> Floats:
    """The probability that each customer is still active at the end of the observation.

    It is 1 for customers without a repeat order: in this model nobody leaves before one. Source of the formula: Fader,
    Hardie & Lee, 'Computing P(alive) Using the BG/NBD Model' (2008), brucehardie.com/notes/021; it is 1 / the
    denominator of equation 10.

    Args:
        model: The fitted model.
        frequency: (customers,) Repeat orders.
        recency: (customers,) Time from the first to the last order, in the model's unit.
        age: (customers,) Time from the first order to the end of the observation, in the model's unit.

    Returns:
        (customers,) From 0 to 1.

    Raises:
        ValueError: As in ``fit_bg_nbd``.
    """
    frequency, recency, age = _checked(frequency, recency, age)
    parameters = np.array([model.r, model.alpha, model.a, model.b])
    return np.where(frequency > 0, expit(-_log_odds_gone(parameters, frequency, recency, age)), 1.0)


def expected_orders(model: BgNbd, frequency: Numbers, recency: Numbers, age: Numbers, horizon: float) -> Floats:
    """The expected number of orders of each customer in the time *horizon* after the end of the observation.

    Equation 10 in another form. If the customer is alive, λ is Gamma(r + x, alpha + T), p is Beta(a, b + x),
    and the expected number is (1 − exp(−λ p t)) / p, so that

        E = P(alive) (r + x) ∫ (1 + v)^(−a) 2F1(a, a + b − r − 1; a + b + x; v / (1 + v)) dv

    for v from 0 to t / (alpha + T). Equation 10 solves this integral, but it divides by a − 1, which may be 0, loses
    digits near a = 1, and its 2F1 overflows for some hundred orders. Here nothing overflows: x is only in the third
    parameter, where a larger x makes the series shorter. With w = log(1 + v) the integrand is so smooth that 24 nodes
    give 9 digits for any horizon, for rates up to some orders a day.

    Args:
        model: The fitted model.
        frequency: (customers,) Repeat orders.
        recency: (customers,) Time from the first to the last order, in the model's unit.
        age: (customers,) Time from the first order to the end of the observation, in the model's unit.
        horizon: Length of the time to predict, in the model's unit, 0 or more.

    Returns:
        (customers,) Expected orders, not rounded.

    Raises:
        ValueError: As in ``fit_bg_nbd``; also if *horizon* is negative or not finite.
    """
    if not (np.isfinite(horizon) and horizon >= 0):
        raise ValueError(f"horizon is {horizon}, expected 0 or more")
    alive = probability_alive(model, frequency, recency, age)
    frequency, recency, age = _checked(frequency, recency, age)
    first, code = group(frequency, age)
    of_group = _orders_while_alive(model, frequency[first], age[first], horizon)
    return alive * of_group[code]


@dataclass(frozen=True)
class _Histories:
    """The distinct customer histories, in ascending order of their frequency.

    Attributes:
        frequency, recency, age: (histories,) As for customers.
        weight: (histories,) The number of customers with this history.
        again: Selects the histories with a repeat order.
        frequencies, frequency_weight: (distinct frequencies,) Each frequency and its number of customers. The gamma
            functions depend on the frequency only.
    """

    frequency: Floats
    recency: Floats
    age: Floats
    weight: Floats
    again: slice
    frequencies: Floats
    frequency_weight: Floats

    @classmethod
    def of(cls, frequency: Floats, recency: Floats, age: Floats) -> _Histories:
        first, code = group(frequency, recency, age)
        weight = np.bincount(code, minlength=len(first)).astype(np.float64)
        x = frequency[first]
        frequencies, of_frequency = np.unique(x, return_inverse=True)
        return cls(
            frequency=x,
            recency=recency[first],
            age=age[first],
            weight=weight,
            again=slice(int(np.searchsorted(x, 0, side="right")), None),
            frequencies=frequencies,
            frequency_weight=np.bincount(of_frequency, weight, len(frequencies)).astype(np.float64),
        )


def _log_likelihood(parameters: Floats, histories: _Histories) -> tuple[float, Floats]:
    """The log-likelihood, as in brucehardie.com/notes/004, and its derivatives by r, alpha, a and b.

    The likelihood of a customer is A + B: A if the customer is alive, B if the customer left after the last order.
    With d = log(B / A), its logarithm is log(A) + log(1 + exp(d)).
    """
    r, alpha, a, b = parameters
    x, age, weight = histories.frequency, histories.age, histories.weight
    n, n_weight = histories.frequencies, histories.frequency_weight
    of_gammas = gammaln(r + n) - gammaln(r) + gammaln(a + b) - gammaln(a + b + n) + gammaln(b + n) - gammaln(b)
    log_share = -np.log1p(age / alpha)
    value = n_weight @ of_gammas + weight @ (r * log_share - x * np.log(alpha + age))
    by_a_and_b = digamma(a + b) - digamma(a + b + n)
    gradient = np.array(
        [
            n_weight @ (digamma(r + n) - digamma(r)) + weight @ log_share,
            weight @ ((r * age / alpha - x) / (alpha + age)),
            n_weight @ by_a_and_b,
            n_weight @ (by_a_and_b + digamma(b + n) - digamma(b)),
        ]
    )
    again = histories.again
    x, recency, age, weight = x[again], histories.recency[again], age[again], weight[again]
    d = _log_odds_gone(parameters, x, recency, age)
    value += weight @ np.logaddexp(0.0, d)
    gone = weight * expit(d)
    gradient += [
        gone @ np.log1p((age - recency) / (alpha + recency)),
        gone @ ((r + x) * (recency - age) / ((alpha + age) * (alpha + recency))),
        gone.sum() / a,
        -(gone @ (1 / (b + (x - 1)))),
    ]
    return float(value), gradient


def _log_odds_gone(parameters: Floats, frequency: Floats, recency: Floats, age: Floats) -> Floats:
    """The log-odds that a customer has left; meaningless for customers without a repeat order."""
    r, alpha, a, b = parameters
    since_last = np.log1p((age - recency) / (alpha + recency))
    odds: Floats = np.log(a) - np.log(b + np.maximum(frequency - 1, 0)) + (r + frequency) * since_last
    return odds


def _orders_while_alive(model: BgNbd, frequency: Floats, age: Floats, horizon: float) -> Floats:
    """The expected orders of a customer who is alive: see ``expected_orders``.

    Here the integrand is the equal function 2F1(a, s; c; −v) with s = r + x + 1 and c = a + b + x. Pfaff's
    transformation takes out (1 + v)^−min(a, s) and replaces max(a, s) by c − max(a, s).
    """
    s, c = model.r + frequency + 1, model.a + model.b + frequency
    smaller, larger = np.minimum(model.a, s), np.maximum(model.a, s)
    length = np.log1p(horizon / (model.alpha + age))
    total = np.zeros(len(frequency))
    for node, weight in zip((_NODES + 1) / 2, _WEIGHTS / 2, strict=True):
        w = node * length
        total += weight * np.exp((1 - smaller) * w) * _hypergeometric(smaller, c - larger, c, -np.expm1(-w))
    return (model.r + frequency) * length * total


def _hypergeometric(a: Floats, b: Floats, c: Floats, z: Floats) -> Floats:
    """2F1(a, b; c; z) for 0 <= z < 1.

    SciPy returns infinity near z = 1 if c - a - b is a large integer, because its formula there divides gamma
    functions that overflow. In this case we sum the power series: its terms decrease like n^(a + b - c - 1), so few
    are needed.
    """
    value = np.asarray(hyp2f1(a, b, c, z))
    if (overflowed := ~np.isfinite(value)).any():
        a, b, c, z = (np.broadcast_to(part, value.shape)[overflowed] for part in (a, b, c, z))
        value[overflowed] = _power_series(a, b, c, z)
    return value


def _power_series(a: Floats, b: Floats, c: Floats, z: Floats) -> Floats:
    term, total, n = np.ones_like(z), np.zeros_like(z), 0
    while np.any(np.abs(term) > np.finfo(float).eps * np.abs(total)):
        total = total + term
        term = term * z * (a + n) * (b + n) / ((c + n) * (n + 1))
        n += 1
    return total


def _checked(frequency: Numbers, recency: Numbers, age: Numbers) -> tuple[Floats, Floats, Floats]:
    frequency, recency, age = columns_of(frequency=frequency, recency=recency, age=age)
    require_counts(frequency)
    if wrong := int(np.sum((recency < 0) | (recency > age))):
        raise ValueError(f"recency has {wrong} values below 0 or above the customer's age")
    if wrong := int(np.sum((frequency == 0) & (recency > 0))):
        raise ValueError(f"recency has {wrong} values above 0 for customers without a repeat order")
    return frequency, recency, age
