"""Maximum likelihood over positive parameters.

Here: the maximiser, the result if there is no maximum, validation of arrays, and grouping of equal customers.
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
"""An array of integers or floats."""

Objective = Callable[[Floats], tuple[float, Floats]]
"""A function of the logarithms of the parameters; returns a log-likelihood (of the order of 1) and its gradient."""

_MOST_ITERATIONS = 500

_FLAT = 1e-5
"""The search has converged if no derivative with respect to the logarithm of a parameter is larger than this.

The optimiser's own status is not used: it reports failure when rounding stops it at the maximum, and success when its
steps become small far from it.
"""


@dataclass(frozen=True)
class NotFitted:
    """A model that could not be fitted.

    Attributes:
        reason: Why, such as 'no customer has a repeat order'. Tables store this text. dashboards/words/report.yaml
            translates it, so a new text needs an entry ``not_fitted.…`` there.
        customers: The number of customers.
    """

    reason: str
    customers: int


@dataclass(frozen=True)
class Maximum:
    """The maximum of a likelihood.

    Attributes:
        parameters: The parameters, not their logarithms.
        iterations: The number of iterations of the search.
    """

    parameters: Floats
    iterations: int


def maximise(objective: Objective, bounds: Sequence[tuple[float, float]]) -> Maximum | str:
    """The maximum of *objective*, or a text that says why there is none. *bounds* limit the parameters' logarithms.

    The search (L-BFGS-B) starts with all parameters at 1, so choose units of time and money in which they are near 1.
    If the likelihood grows without end but ever more slowly, as it does in r and alpha if all customers order
    equally often, the result is a point on a bound, or a point where the likelihood hardly grows.
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
    # Ignore a derivative that points beyond a bound, because the search cannot cross it.
    slope = float(np.abs(np.clip(at + gradient, low, high) - at).max())
    if not (np.isfinite(value) and slope <= _FLAT):
        return f"the fit did not converge in {found.nit} iterations (gradient {slope:.2g})"
    return Maximum(np.exp(at), int(found.nit))


def columns_of(**columns: Numbers) -> list[Floats]:
    """*columns* as floats.

    Raises:
        ValueError: If they are not one-dimensional, differ in length, or contain NaN or infinity.
    """
    floats = [np.asarray(column, dtype=np.float64) for column in columns.values()]
    for name, column in zip(columns, floats, strict=True):
        if column.ndim != 1 or len(column) != len(floats[0]):
            raise ValueError(f"{name} has shape {column.shape}, expected ({floats[0].size},)")
        if not np.isfinite(column).all():
            raise ValueError(f"{name} has {np.sum(~np.isfinite(column))} values that are not finite")
    return floats


def require_counts(frequency: Floats) -> None:
    """Raise a ValueError if *frequency* has values that are not 0 or a positive integer."""
    if wrong := int(np.sum((frequency < 0) | (frequency != np.floor(frequency)))):
        raise ValueError(f"frequency has {wrong} values that are not 0, 1, 2, …")


def group(*columns: Floats) -> tuple[Ints, Ints]:
    """Group the rows that are equal in all *columns*. Groups are in ascending order of the columns.

    Returns:
        first: (groups,) The index of one row of each group.
        code: (rows,) The index of each row's group.
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
