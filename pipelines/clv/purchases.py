"""BG/NBD: whether a customer still is one, and how many orders are to come.

Here: the model of Fader, Hardie & Lee, '"Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD
Model', Marketing Science 24 (2005) 275–284; numbers of equations are theirs, brucehardie.com/notes/039 derives them.
While a customer is alive, orders come at a rate λ of their own; after each repeat order they leave for good with a
probability p of their own. Over the customers λ is Gamma(r, alpha) and p is Beta(a, b).
Not here: the value of an order (``spend``).

Of each customer three numbers are needed, and no more:

- *frequency*, x: the orders after the first one, a whole number;
- *recency*, t_x: the time from the first order to the last one, 0 if there is only one;
- *age*, T: the time from the first order to the end of what was seen.

Times are in any one unit, which then is that of alpha and of a horizon; whole days make few groups of equal customers,
which is what makes a fit fast. Orders of the same day should count as one: the model knows no simultaneous orders.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln, hyp2f1

from pipelines.clv.fitting import Floats, NotFitted, Numbers, columns_of, group, maximise, whole_frequency

_PARAMETERS = 4

_BOUNDS = ((-7.0, 7.0), (-7.0, 14.0), (-7.0, 5.0), (-7.0, 5.0))
"""Of the logarithms of r, alpha in mean ages, a and b.

Beyond them customers differ by less than can be seen, and 2F1 overflows for customers of no age. That of alpha is wide
since r / alpha is the mean rate: alpha follows r where customers differ little.
"""

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(24)
"""For an integral from −1 to 1."""


@dataclass(frozen=True)
class BgNbd:
    """A fitted BG/NBD model.

    Attributes:
        r, alpha: Of the Gamma distribution of order rates; alpha is in units of time, r / alpha orders per unit is
            the mean rate.
        a, b: Of the Beta distribution of the probability to leave after a repeat order; a / (a + b) is its mean.
        log_likelihood: The natural logarithm, of all customers together, with time in the unit of the fit.
        customers: How many it was fitted on.
        iterations: How many the fit took.
    """

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float
    customers: int
    iterations: int


def fit_bg_nbd(frequency: Numbers, recency: Numbers, age: Numbers) -> BgNbd | NotFitted:
    """The BG/NBD model under which these customers are most likely.

    Args:
        frequency: (customers,) Repeat orders.
        recency: (customers,) Time from the first to the last order.
        age: (customers,) Time from the first order to the end.

    Returns:
        The model; or why there is none: no customers, nobody with a repeat order, no time, fewer different
        histories than parameters, or a likelihood without a maximum.

    Raises:
        ValueError: If the arrays differ in length, hold values that are not finite, a frequency is not a whole number
            from 0 on, a recency is not within 0 and the age, or is not 0 though the frequency is.
    """
    frequency, recency, age = _checked(frequency, recency, age)
    customers = len(frequency)
    if not customers:
        return NotFitted("there are no customers", 0)
    if not frequency.any():
        return NotFitted("no customer has bought again", customers)
    if not age.any():
        return NotFitted("no time has passed since the first orders", customers)
    # Time in mean ages: the search expects parameters of the order of 1.
    unit = float(age.mean())
    histories = _Histories.of(frequency, recency / unit, age / unit)
    if len(histories.weight) < _PARAMETERS:
        reason = f"the customers have only {len(histories.weight)} different histories, {_PARAMETERS} are needed"
        return NotFitted(reason, customers)
    bought_again = float(histories.weight[histories.again].sum())

    def objective(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = _log_likelihood(np.exp(logarithms), histories)
        # Only who has bought again tells of a and b. Per such customer their slopes are no smaller in a shop where
        # nearly everybody buys once.
        return value / bought_again, gradient * np.exp(logarithms) / bought_again

    maximum = maximise(objective, _BOUNDS)
    if isinstance(maximum, str):
        return NotFitted(maximum, customers)
    value, _ = _log_likelihood(maximum.parameters, histories)
    r, alpha, a, b = maximum.parameters.tolist()
    # A density over the times of all repeat orders shrinks by the unit for each of them.
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
        age: (customers,) Time from the first order to the end.

    Returns:
        The sum over the customers, and (4,) its derivatives by r, alpha, a and b.

    Raises:
        ValueError: As ``fit_bg_nbd``.
    """
    return _log_likelihood(parameters, _Histories.of(*_checked(frequency, recency, age)))


def probability_alive(model: BgNbd, frequency: Numbers, recency: Numbers, age: Numbers) -> Floats:
    """The probability that each customer still is one at the end of what was seen.

    1 for all who never bought again: in this model nobody leaves before a repeat order. The formula is that of Fader,
    Hardie & Lee, 'Computing P(alive) Using the BG/NBD Model' (2008), brucehardie.com/notes/021; the denominator of
    equation 10 is its inverse.

    Args:
        model: As fitted.
        frequency: (customers,) Repeat orders.
        recency: (customers,) Time from the first to the last order, in the model's unit.
        age: (customers,) Time from the first order to the end, in the model's unit.

    Returns:
        (customers,) Within 0 and 1.

    Raises:
        ValueError: As ``fit_bg_nbd``.
    """
    frequency, recency, age = _checked(frequency, recency, age)
    parameters = np.array([model.r, model.alpha, model.a, model.b])
    return np.where(frequency > 0, expit(-_log_odds_gone(parameters, frequency, recency, age)), 1.0)


def expected_orders(model: BgNbd, frequency: Numbers, recency: Numbers, age: Numbers, horizon: float) -> Floats:
    """The number of orders that each customer is expected to make in the time *horizon* after the end.

    Equation 10 in another form. Given that the customer is alive, λ is Gamma(r + x, alpha + T), p is Beta(a, b + x),
    and (1 − exp(−λ p t)) / p orders are expected, so that

        E = P(alive) (r + x) ∫ (1 + v)^(−a) 2F1(a, a + b − r − 1; a + b + x; v / (1 + v)) dv

    for v from 0 to t / (alpha + T). Equation 10 is its integral, but divides by a − 1, which may be 0, and subtracts
    what is nearly equal there, and for some hundred orders its 2F1 overflows. In this form nothing does: x is
    only in the third parameter, and the larger it is the sooner the series ends. With w = log(1 + v) the integrand is
    smooth enough for 24 nodes whatever the horizon: to 9 digits while rates are below some orders a day.

    Args:
        model: As fitted.
        frequency: (customers,) Repeat orders.
        recency: (customers,) Time from the first to the last order, in the model's unit.
        age: (customers,) Time from the first order to the end, in the model's unit.
        horizon: The time to come, in the model's unit, from 0.

    Returns:
        (customers,) Orders, not whole.

    Raises:
        ValueError: As ``fit_bg_nbd``; also if *horizon* is negative or not finite.
    """
    if not (np.isfinite(horizon) and horizon >= 0):
        raise ValueError(f"horizon is {horizon}, expected a time from 0")
    alive = probability_alive(model, frequency, recency, age)
    frequency, recency, age = _checked(frequency, recency, age)
    first, code = group(frequency, age)
    of_group = _orders_while_alive(model, frequency[first], age[first], horizon)
    return alive * of_group[code]


@dataclass(frozen=True)
class _Histories:
    """The different customers, in ascending order of their frequency.

    Attributes:
        frequency, recency, age: (histories,) As of customers.
        weight: (histories,) How many customers have it.
        again: The histories with a repeat order.
        frequencies, frequency_weight: (different frequencies,) Each once, and how many customers have it: the gamma
            functions are of nothing else.
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
    """The likelihood in logarithms, as Fader & Hardie compute it, and its derivatives by r, alpha, a and b.

    (brucehardie.com/notes/004.) It is the sum of what is likely if the customer is alive, and if the last order was the
    last of all. With d the logarithm of the second over the first, its own is that of the first + log(1 + exp(d)).
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
    """The logarithm of the odds that a customer with a repeat order has left; of others, a number without meaning."""
    r, alpha, a, b = parameters
    since_last = np.log1p((age - recency) / (alpha + recency))
    odds: Floats = np.log(a) - np.log(b + np.maximum(frequency - 1, 0)) + (r + frequency) * since_last
    return odds


def _orders_while_alive(model: BgNbd, frequency: Floats, age: Floats, horizon: float) -> Floats:
    """The orders to expect of a customer who is alive: see ``expected_orders``.

    2F1(a, s; c; −v) with s = r + x + 1 and c = a + b + x, by Pfaff's transformation of the larger of a and s, since
    the smaller is the power of 1 + v that is taken out.
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

    SciPy returns infinity near z = 1 where c - a - b is a large whole number, for its formula there divides gamma
    functions that overflow. In such cases the power series needs few terms: they fall like n^(a + b - c - 1).
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
    whole_frequency(frequency)
    if wrong := int(np.sum((recency < 0) | (recency > age))):
        raise ValueError(f"recency holds {wrong} values outside 0 to the customer's age")
    if wrong := int(np.sum((frequency == 0) & (recency > 0))):
        raise ValueError(f"recency holds {wrong} values above 0 of customers without a repeat order")
    return frequency, recency, age
