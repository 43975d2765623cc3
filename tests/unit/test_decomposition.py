"""The change of a figure that is a product of factors, split into a part for each factor.

The parts sum to the change exactly, are symmetric, and are defined at zero.
"""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.decomposition import CENT, parts_of_change, rounded

COUNTS = st.integers(0, 10**7).map(Fraction)
MONEY = st.integers(-(10**13), 10**13).map(lambda amount: Fraction(amount, 10_000))


def factors(visitors: Fraction, buyers: Fraction, sales: Fraction) -> list[Fraction | None]:
    """Visitors, conversion rate and revenue per buyer.

    Multiplied, they give the sales if there are visitors and buyers.
    """
    return [visitors, buyers / visitors if visitors else None, sales / buyers if buyers else None]


def periods() -> st.SearchStrategy[tuple[Fraction, Fraction, Fraction]]:
    """Visitors, buyers, sales: no buyers without visitors, and no sales without buyers."""
    found = st.tuples(COUNTS, COUNTS, MONEY)
    return found.map(lambda p: (p[0], min(p[0], p[1]), p[2] if min(p[0], p[1]) else Fraction(0)))


@given(periods(), periods())
def test_the_parts_sum_to_the_change(before, after):
    parts = parts_of_change(factors(*before), factors(*after))
    assert sum(parts) == after[2] - before[2]


@given(periods(), periods())
def test_the_way_back_has_the_opposite_parts(before, after):
    there = parts_of_change(factors(*before), factors(*after))
    back = parts_of_change(factors(*after), factors(*before))
    assert back == [-part for part in there]


def test_a_factor_that_alone_moves_has_the_whole_change():
    assert parts_of_change(
        [Fraction(100), Fraction(1, 10), Fraction(50)], [Fraction(150), Fraction(1, 10), Fraction(50)]
    ) == [
        250,
        0,
        0,
    ]


def test_the_parts_are_those_of_the_published_formula():
    # Δx · ((y₀z₀ + y₁z₁) / 3 + (y₀z₁ + y₁z₀) / 6), as Albrecht, François and Schoors give it for three factors.
    (x0, y0, z0), (x1, y1, z1) = (Fraction(10), Fraction(3), Fraction(7)), (Fraction(12), Fraction(2), Fraction(9))
    x, y, z = parts_of_change([x0, y0, z0], [x1, y1, z1])
    assert x == (x1 - x0) * ((y0 * z0 + y1 * z1) / 3 + (y0 * z1 + y1 * z0) / 6)
    assert y == (y1 - y0) * ((x0 * z0 + x1 * z1) / 3 + (x0 * z1 + x1 * z0) / 6)
    assert z == (z1 - z0) * ((x0 * y0 + x1 * y1) / 3 + (x0 * y1 + x1 * y0) / 6)


def test_where_nobody_came_the_change_is_the_visitors():
    nobody = factors(Fraction(0), Fraction(0), Fraction(0))
    some = factors(Fraction(100), Fraction(10), Fraction(500))
    assert parts_of_change(nobody, some) == [500, 0, 0]
    assert parts_of_change(nobody, nobody) == [0, 0, 0]


def test_where_nobody_bought_revenue_per_buyer_has_no_part():
    none = factors(Fraction(100), Fraction(0), Fraction(0))
    some = factors(Fraction(100), Fraction(10), Fraction(500))
    assert parts_of_change(none, some) == [0, 500, 0]


@given(st.lists(st.fractions(-(10**6), 10**6, max_denominator=10**6), max_size=5))
def test_rounded_amounts_sum_to_the_rounded_total(amounts):
    cents = rounded(amounts)
    assert sum(cents) == round(sum(amounts, Fraction(0)) / CENT) * CENT
    assert all(abs(cent - amount) < CENT for cent, amount in zip(cents, amounts, strict=True))


@pytest.mark.parametrize(
    ("amounts", "cents"),
    [
        ((Fraction(1, 3), Fraction(1, 3), Fraction(1, 3)), (34, 33, 33)),
        ((Fraction(-1, 3), Fraction(-1, 3), Fraction(-1, 3)), (-33, -33, -34)),
        ((Fraction(5), Fraction(-5)), (500, -500)),
    ],
)
def test_a_cent_goes_to_the_largest_remainder(amounts, cents):
    assert sorted(rounded(amounts)) == sorted(Fraction(cent, 100) for cent in cents)
