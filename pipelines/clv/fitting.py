"""Maximum likelihood over positive parameters.

Here: the maximiser, what is said where there is no maximum, and the groups of equal customers.
Not here: any model's likelihood (``purchases``, ``spend``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]
Numbers = npt.NDArray[Any]
"""Integers or floats, as the caller has them."""

Objective = Callable[[Floats], tuple[float, Floats]]
"""The logarithms of the parameters → a log-likelihood of the order of 1 and its gradient."""

_MOST_ITERATIONS = 500

_FLAT = 1e-5
"""The steepest slope, in logarithms of parameters, that counts as a maximum.

The optimiser's own word is not taken for it: where it can improve nothing for want of digits it reports a failure,
and where steps become small far from the maximum it reports success.
"""


@dataclass(frozen=True)
class NotFitted:
    """Why there are no parameters: what was wrong with the customers, in words for the reader of a table.

    Attributes:
        reason: A clause, such as 'no customer has bought again'.
        customers: How many there were.
    """

    reason: str
    customers: int


@dataclass(frozen=True)
class Maximum:
    """Where a likelihood is largest.

    Attributes:
        parameters: Themselves, not their logarithms.
        iterations: How many it took.
    """

    parameters: Floats
    iterations: int


def maximise(objective: Objective, bounds: Sequence[tuple[float, float]]) -> Maximum | str:
    """The maximum of *objective* within *bounds* (of the logarithms), or a text that says why there is none.

    The search (L-BFGS-B) starts from parameters of 1, so time and money are to be in units of that order. Where the
    likelihood grows for ever, ever slower, as it does in r and alpha if all customers order equally often, the
    result is a point on a bound or one from which it hardly grows.
    """
    low, high = np.array(bounds).T

    def negative(logarithms: Floats) -> tuple[float, Floats]:
        value, gradient = objective(logarithms)
        return -value, -gradient

    found = minimize(
        negative,
        np.zeros(len(bounds)),
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": _MOST_ITERATIONS, "maxfun": 4 * _MOST_ITERATIONS, "ftol": 0.0, "gtol": _FLAT / 100},
    )
    at = np.clip(found.x, low, high)
    value, gradient = objective(at)
    # At a bound the likelihood may grow on beyond it.
    slope = float(np.abs(np.clip(at + gradient, low, high) - at).max())
    if not (np.isfinite(value) and slope <= _FLAT):
        return f"the likelihood has no maximum that {found.nit} iterations reach (its slope is {slope:.2g})"
    return Maximum(np.exp(at), int(found.nit))


def columns_of(**columns: Numbers) -> list[Floats]:
    """*columns* as floats.

    Raises:
        ValueError: If they are not all of one dimension and length, or hold a NaN or an infinity.
    """
    floats = [np.asarray(column, dtype=np.float64) for column in columns.values()]
    for name, column in zip(columns, floats, strict=True):
        if column.ndim != 1 or len(column) != len(floats[0]):
            raise ValueError(f"{name} has shape {column.shape}, expected ({floats[0].size},)")
        if not np.isfinite(column).all():
            raise ValueError(f"{name} holds {np.sum(~np.isfinite(column))} values that are not finite")
    return floats


def whole_frequency(frequency: Floats) -> None:
    """Raise a ValueError unless *frequency* holds counts."""
    if wrong := int(np.sum((frequency < 0) | (frequency != np.floor(frequency)))):
        raise ValueError(f"frequency holds {wrong} values that are not 0, 1, 2, …")


def group(*columns: Floats) -> tuple[Ints, Ints]:
    """The rows that are equal in all *columns*, in ascending order of the columns.

    Returns:
        first: (groups,) A row of each group.
        code: (rows,) The group of each row.
    """
    order = np.lexsort(columns[::-1])
    is_new = np.zeros(len(order), dtype=bool)
    is_new[:1] = True
    for column in columns:
        sorted_column = column[order]
        is_new[1:] |= sorted_column[1:] != sorted_column[:-1]
    code = np.empty(len(order), dtype=np.intp)
    code[order] = np.cumsum(is_new) - 1
    return order[is_new], code
