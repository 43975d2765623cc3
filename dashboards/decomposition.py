"""The change of a product of factors, split into one part for each factor.

Here: the split, and rounding amounts so that they still sum to their total.
Not here: the factors of sales (``dashboards.app.pages.sales_tree``).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import permutations
from math import prod

Factor = Fraction | None
"""A factor's value; None: unknown, because its divisor is 0."""

CENT = Fraction(1, 100)


def parts_of_change(before: Sequence[Factor], after: Sequence[Factor]) -> list[Fraction]:
    """The part of each factor in the change of their product, from *before* to *after*; the parts sum to the change.

    A part is the factor's Shapley value: the change of the product when this factor alone moves to its later value,
    averaged over all orders in which the factors can move. So it does not depend on an order of the factors, leaves no
    remainder, and is defined even if factors are 0, unlike the logarithms of the LMDI. A factor that is None before or
    after counts as unchanged: without buyers, revenue per buyer is unknown, and the loss belongs to the factors that
    led to no buyers.

    Sources: L. S. Shapley, A value for n-person games (1953); J. Albrecht, D. François, K. Schoors, A Shapley
    decomposition of carbon emissions without residuals, Energy Policy 30 (2002), 727–736.
    """
    start = [_known(own, other) for own, other in zip(before, after, strict=True)]
    end = [_known(own, other) for own, other in zip(after, before, strict=True)]
    parts = [Fraction(0)] * len(start)
    orders = list(permutations(range(len(start))))
    for order in orders:
        values = list(start)
        for place in order:
            product = prod(values, start=Fraction(1))
            values[place] = end[place]
            parts[place] += (prod(values, start=Fraction(1)) - product) / len(orders)
    return parts


def _known(own: Factor, other: Factor) -> Fraction:
    return next((value for value in (own, other) if value is not None), Fraction(0))


def rounded(amounts: Sequence[Fraction], unit: Fraction = CENT) -> list[Fraction]:
    """*amounts* rounded to multiples of *unit* that sum to their total, rounded likewise.

    Each is rounded down, then those with the largest remainders are rounded up instead until the sum is reached
    (Hamilton's method).
    """
    units = [amount / unit for amount in amounts]
    down = [value.__floor__() for value in units]
    missing = round(sum(units, Fraction(0))) - sum(down)
    by_remainder = sorted(range(len(units)), key=lambda place: down[place] - units[place])
    up = set(by_remainder[:missing])
    return [(value + (place in up)) * unit for place, value in enumerate(down)]
