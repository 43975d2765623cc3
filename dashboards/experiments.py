"""The statistics of an A/B test: the difference of two variants with its 95 % interval, and the sample ratio.

Here: pure functions of counts, means, variances and covariances; the visitor is the unit.
Not here: counting (``dashboards/queries/experiments.sql``), the page (``dashboards.app.pages.experiments``), changes
that all visitors see (``dashboards.trends``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from scipy import stats

from dashboards.intervals import Interval, verdict_of

MISMATCH = 0.001
"""A p-value of the sample ratio below this is a mismatch, as Fabijan et al. (2019) recommend."""

LEAST_EXPECTED = 5
"""Chi-square is used if each variant expects at least this many visitors (Cochran 1954)."""

LEAST_EVENTS = 10
"""A variant with fewer clicks (or buyers) than this gets no interval."""

_Z = float(stats.norm.ppf(0.975))


@dataclass(frozen=True)
class Variant:
    """The visitors of a variant over the days shown.

    Attributes:
        visitors: Visitors who saw this variant and no other.
        clicks, impressions: Clicks and impressions of the variant by these visitors.
        var_clicks, var_impressions, covariance: Sample variances and covariance of these two between visitors.
        buyers: Visitors with a paid order after they first saw the test.
        revenue: The sum over these orders.
        var_revenue: Sample variance of the revenue of a visitor, zero for those who did not buy.
    """

    visitors: int
    impressions: float
    clicks: float
    var_impressions: float
    var_clicks: float
    covariance: float
    buyers: int
    revenue: float
    var_revenue: float


Measure = Literal["click_rate", "conversion", "revenue"]


def compare(measure: Measure, variant: Variant, control: Variant) -> Interval:
    """The difference of *measure*, *variant* minus *control*, with its 95 % interval.

    It has no interval if a variant has fewer than ten clicks (click_rate) or buyers (the other measures).
    """
    return {"click_rate": _click_rate, "conversion": _conversion, "revenue": _revenue}[measure](variant, control)


def _click_rate(variant: Variant, control: Variant) -> Interval:
    """Clicks ÷ impressions, a ratio of sums over visitors, by the delta method.

    Impressions of the same visitor are not independent, so their number is not the sample size. With x̄, ȳ the means of
    impressions and clicks over n visitors and R = ȳ / x̄: Var(R) = (s²_y − 2 R s_xy + R² s²_x) / (n x̄²).
    Source: Deng, Knoblich, Lu (2018), Applying the Delta Method in Metric Analytics, KDD, section 3.1.
    """
    if min(variant.clicks, control.clicks) < LEAST_EVENTS or min(variant.visitors, control.visitors) < 2:
        return Interval(None, "few")

    def rate_and_variance(one: Variant) -> tuple[float, float]:
        rate = one.clicks / one.impressions if one.impressions else math.nan
        spread = one.var_clicks - 2 * rate * one.covariance + rate * rate * one.var_impressions
        return rate, spread * one.visitors / one.impressions**2 if one.impressions else math.nan

    (p, var_p), (q, var_q) = rate_and_variance(variant), rate_and_variance(control)
    half = _Z * math.sqrt(var_p + var_q)
    return Interval.around(p - q, half)


def _conversion(variant: Variant, control: Variant) -> Interval:
    """Buyers ÷ visitors: the interval of a difference of proportions from the Wilson intervals of both.

    Source: Newcombe (1998), Interval estimation for the difference between independent proportions: comparison of
    eleven methods, Statistics in Medicine 17, method 10.
    """
    if min(variant.buyers, control.buyers) < LEAST_EVENTS:
        return Interval(None, "few")

    def wilson(one: Variant) -> tuple[float, float, float]:
        n, share, z2 = one.visitors, one.buyers / one.visitors, _Z * _Z
        centre = (share + z2 / (2 * n)) / (1 + z2 / n)
        half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n * n))
        return share, centre - half, centre + half

    (p, p_low, p_high), (q, q_low, q_high) = wilson(variant), wilson(control)
    low = p - q - math.hypot(p - p_low, q_high - q)
    high = p - q + math.hypot(p_high - p, q - q_low)
    return Interval(p - q, verdict_of(low, high), low, high)


def _revenue(variant: Variant, control: Variant) -> Interval:
    """Revenue per visitor: Welch's interval for a difference of means, with unequal variances.

    Source: Welch (1947), The generalization of 'Student's' problem when several different population variances are
    involved, Biometrika 34. A few large orders make the interval wide; it assumes that the mean over visitors is
    roughly normally distributed.
    """
    if min(variant.buyers, control.buyers) < LEAST_EVENTS:
        return Interval(None, "few")
    parts = [one.var_revenue / one.visitors for one in (variant, control)]
    difference = variant.revenue / variant.visitors - control.revenue / control.visitors
    if not sum(parts):
        return Interval(None, "few")
    free = sum(parts) ** 2 / sum(
        part * part / (one.visitors - 1) for part, one in zip(parts, (variant, control), strict=True)
    )
    return Interval.around(difference, float(stats.t.ppf(0.975, free)) * math.sqrt(sum(parts)))


@dataclass(frozen=True)
class SampleRatio:
    """Whether the variants have as many visitors as planned.

    Attributes:
        p: The p-value; None: too few visitors to tell.
        is_mismatch: Whether the numbers are too unlikely to be chance; the test's results must then not be used.
    """

    p: float | None
    is_mismatch: bool


def sample_ratio(visitors: Mapping[str, int], split: Mapping[str, float]) -> SampleRatio:
    """Pearson's chi-square test of the *visitors* of each variant against the planned *split*.

    *split* has a weight for each planned variant, of any sum; empty: equal weights. A variant with visitors that is not
    planned is a mismatch. Source: Fabijan et al. (2019), Diagnosing Sample Ratio Mismatch in Online Controlled
    Experiments, KDD.
    """
    plan = split or dict.fromkeys(visitors, 1.0)
    if any(number and not plan.get(name) for name, number in visitors.items()):
        return SampleRatio(0.0, True)
    total, weights = sum(visitors.values()), sum(plan.values())
    expected = {name: total * weight / weights for name, weight in plan.items() if weight}
    if len(expected) < 2 or min(expected.values()) < LEAST_EXPECTED:
        return SampleRatio(None, False)
    chi_square = sum((visitors.get(name, 0) - number) ** 2 / number for name, number in expected.items())
    p = float(stats.chi2.sf(chi_square, len(expected) - 1))
    return SampleRatio(p, p < MISMATCH)
