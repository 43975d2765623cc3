"""Customer lifetime value: the formulas of the BG/NBD and Gamma-Gamma models in plain loops, and simulated customers.

Here: likelihoods and expectations of one customer as in the papers, with only ``math`` and with sums for integrals, so
that no code is shared with ``pipelines.clv``; customers simulated from the models with known parameters.
x, t_x and age (T) are a customer's number of repeat orders, and the times of the last order and of today, both counted
from the first order.
Not here: assertions.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from pipelines.clv.fitting import Floats


def integral(function: Callable[[float], float], low: float, high: float, steps: int) -> float:
    """The integral of *function* from *low* to *high* by the trapezoid rule.

    It is exact to all digits for functions that go smoothly to 0 at both bounds.
    """
    width = (high - low) / steps
    return width * math.fsum(function(low + width * step) for step in range(steps + 1))


def beta(a: float, b: float) -> float:
    return math.exp(math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b))


def likelihood(r: float, alpha: float, a: float, b: float, x: int, t_x: float, age: float) -> float:
    """The BG/NBD likelihood of one customer, summed over two cases: still a customer, or left after the last order."""
    gamma_ratio = math.exp(math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha))
    alive = beta(a, b + x) / beta(a, b) * gamma_ratio / (alpha + age) ** (r + x)
    if x == 0:
        return alive
    return alive + beta(a + 1, b + x - 1) / beta(a, b) * gamma_ratio / (alpha + t_x) ** (r + x)


def probability_alive(r: float, alpha: float, a: float, b: float, x: int, t_x: float, age: float) -> float:
    """The probability that the customer has not left: the likelihood of this case, divided by that of both cases."""
    gamma_ratio = math.exp(math.lgamma(r + x) - math.lgamma(r) + r * math.log(alpha))
    alive = beta(a, b + x) / beta(a, b) * gamma_ratio / (alpha + age) ** (r + x)
    return alive / likelihood(r, alpha, a, b, x, t_x, age)


def orders_while_alive(r: float, alpha: float, a: float, b: float, x: int, age: float, horizon: float) -> float:
    """The expected orders within *horizon* of a customer who has not left.

    The expectation is an integral over p, the probability to leave after an order, with log(p / (1 − p)) as the
    variable. The integral over the order rate λ is E(exp(−λ p t)) = (1 + p t / (alpha + T))^−(r + x).
    """
    log_beta = math.lgamma(a) + math.lgamma(b + x) - math.lgamma(a + b + x)

    def density_times_orders(logit: float) -> float:
        log_p, log_stay = -math.log1p(math.exp(-logit)), -math.log1p(math.exp(logit))
        p = math.exp(log_p)
        orders = -math.expm1(-(r + x) * math.log1p(p * horizon / (alpha + age))) / p
        return math.exp(a * log_p + (b + x) * log_stay - log_beta) * orders

    centre = math.log(a / (b + x))
    return integral(density_times_orders, centre - 45 / min(a, 1), centre + 45 / min(b + x, 1), 3000)


def mean_value_density(p: float, q: float, gamma: float, x: int, mean: float, power: int = 0) -> float:
    """The Gamma-Gamma integral over ν of (density of ν) × (density of the mean of x orders given ν) × (p / ν)^power.

    The variable of integration is log ν.
    """

    def at(log_nu: float) -> float:
        nu = math.exp(log_nu)
        prior = q * math.log(gamma) + q * log_nu - gamma * nu - math.lgamma(q)
        orders = p * x * math.log(nu * x) + (p * x - 1) * math.log(mean) - nu * x * mean - math.lgamma(p * x)
        return math.exp(prior + orders) * (p / nu) ** power

    peak = math.log((p * x + q) / (gamma + x * mean))
    return integral(at, peak - 40 / min(1.0, p * x + q - power), peak + 5, 4000)


def simulated_histories(
    rng: np.random.Generator,
    size: int,
    parameters: tuple[float, float, float, float],
    longest: float,
    *,
    in_days: bool = False,
) -> tuple[Floats, Floats, Floats]:
    """Frequency, recency and age of *size* customers, simulated from the BG/NBD model.

    Args:
        rng: The random generator.
        size: The number of customers.
        parameters: r, alpha, a and b.
        longest: The largest age; ages are spread evenly.
        in_days: Whether times are in complete days and orders of a day count once, as in a shop's tables.
    """
    r, alpha, a, b = parameters
    rate = rng.gamma(r, 1 / alpha, size)
    leaves = rng.beta(a, b, size)
    age = rng.uniform(0, longest, size)
    if in_days:
        age = np.ceil(age)
    frequency, recency = np.zeros(size), np.zeros(size)
    shopping, now = np.arange(size), np.zeros(size)
    while len(shopping):
        with np.errstate(divide="ignore", over="ignore"):
            now = now + rng.exponential(1, len(shopping)) / rate[shopping]
        is_seen = now <= age[shopping]
        shopping, now = shopping[is_seen], now[is_seen]
        day = np.floor(now) if in_days else now
        is_new = day > recency[shopping]
        frequency[shopping] += is_new
        recency[shopping] = day
        stays = rng.random(len(shopping)) >= leaves[shopping]
        shopping, now = shopping[stays], now[stays]
    return frequency, recency, age


def simulated_mean_values(
    rng: np.random.Generator, frequency: Floats, parameters: tuple[float, float, float]
) -> Floats:
    """For each customer the mean value of as many orders as *frequency* states, simulated from the Gamma-Gamma model.

    The mean is 0 for a customer without orders.
    """
    p, q, gamma = parameters
    scale = rng.gamma(q, 1 / gamma, len(frequency))
    orders = np.maximum(frequency, 1)
    values: Floats = np.where(frequency > 0, rng.gamma(p * orders) / (scale * orders), 0.0)
    return values
