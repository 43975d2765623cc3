"""Removal effects: the share of conversions that would be lost without a touchpoint.

Here: the absorbing Markov chain of Anderl, Becker, von Wangenheim and Schumann, 'Mapping the customer journey: Lessons
learned from graph-based online attribution modeling', International Journal of Research in Marketing 33 (2016) 457–474.
Its states are '(start)', the last *order* touchpoints of a path (at its beginning fewer), '(conversion)' and '(null)',
the end of a path without an order. Removing a touchpoint sends every path that reaches it to '(null)'.
Not here: counting transitions (``paths``, ``sql/attribution/touch_transitions.sql``) and standard errors
(``resampling``).

**The formula.** Q has the probabilities of steps between states other than the last two, r those of steps to
'(conversion)'. N = (I − Q)⁻¹: N[i, j] is the expected number of visits to j from i. h = N r is the probability to
convert. S are the states whose last touchpoint is k, and f_s is the probability that s is the first of them that a path
reaches. The visits to a state of S are those after each first one, N[0, S] = f N[S, S]; so f = N[0, S] N[S, S]⁻¹. The
inverse exists: it is the Schur complement of I − Q. What is lost is what converts after a first visit:

    effect_k = f · h_S / h_0 = N[0, S] N[S, S]⁻¹ h_S / h_0

With order 1, S is one state and effect_k = (N[0, k] / N[k, k]) · h_k / h_0. So I − Q is factorised once, not once for
each touchpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csc_array, csr_array, eye_array
from scipy.sparse.csgraph import breadth_first_order
from scipy.sparse.linalg import splu

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

SEPARATOR = " > "
START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"

_MOST_DENSE = 2000
"""Up to this number of states the inverse is computed (32 MB); above, a sparse factorisation is used."""

_COLUMNS = 256
"""Columns of N that are computed at a time from a sparse factorisation."""


@dataclass(frozen=True)
class Chain:
    """The transitions of a Markov chain, with numbers for states: 0 is '(start)', the last two are the ends of paths.

    Attributes:
        touchpoints: The K touchpoints, sorted.
        last: (states,) The number of the last touchpoint of each state; −1 for '(start)'.
        source: (transitions,) The state that a transition leaves.
        target: (transitions,) The state that it enters; ``states`` is '(conversion)', ``states`` + 1 '(null)'.
    """

    touchpoints: list[str]
    last: Ints
    source: Ints
    target: Ints

    @property
    def states(self) -> int:
        """The number of states without the two ends of paths."""
        return len(self.last)


def chain_of(from_states: Sequence[str], to_states: Sequence[str]) -> Chain:
    """The chain of these transitions; a state is the text of its touchpoints, joined by ``SEPARATOR``.

    Raises:
        ValueError: If the two differ in length, a transition leaves an end of paths, or enters '(start)'.
    """
    if len(from_states) != len(to_states):
        raise ValueError(f"{len(from_states)} states to leave, but {len(to_states)} to enter")
    if {CONVERSION, NULL} & set(from_states) or START in to_states:
        raise ValueError(f"a transition leaves {CONVERSION} or {NULL}, or enters {START}")
    names = sorted({*from_states, *to_states} - {START, CONVERSION, NULL})
    numbers = {name: number for number, name in enumerate([START, *names, CONVERSION, NULL])}
    last_names = [name.rsplit(SEPARATOR, 1)[-1] for name in names]
    touchpoints = sorted(set(last_names))
    places = {name: place for place, name in enumerate(touchpoints)}
    return Chain(
        touchpoints=touchpoints,
        last=np.array([-1, *(places[name] for name in last_names)], dtype=np.intp),
        source=np.array([numbers[name] for name in from_states], dtype=np.intp),
        target=np.array([numbers[name] for name in to_states], dtype=np.intp),
    )


def removal_effects(chain: Chain, counts: Floats) -> Floats | None:
    """(K,) The removal effect of each touchpoint of *chain*, from 0 to 1; None if no path converts.

    *counts* (transitions,) is how often each transition was made; weights that are not whole numbers are fine.

    Raises:
        ValueError: If there is not one count for each transition, or a count is negative or not finite.
    """
    if counts.shape != chain.source.shape:
        raise ValueError(f"{counts.shape} counts for {len(chain.source)} transitions")
    if not np.all(np.isfinite(counts) & (counts >= 0)):
        raise ValueError("a count is negative or not finite")
    kept = _converting(chain, counts > 0)
    if not kept[0]:
        return None
    steps, reward = _probabilities(chain, counts, kept)
    solved = _Dense(steps, reward) if len(reward) <= _MOST_DENSE else _Sparse(steps, reward)
    effects = np.zeros(len(chain.touchpoints))
    last = chain.last[kept]
    by_touchpoint = np.argsort(last, kind="stable")
    for own in np.split(by_touchpoint, np.flatnonzero(np.diff(last[by_touchpoint])) + 1)[1:]:  # the first is (start)
        # The last factor, N[S, S]⁻¹ h_S, is the probability to convert from a state of S without coming back to S.
        effects[last[own[0]]] = solved.visits[own] @ solved.without_return(own) / solved.converts[0]
    return np.clip(effects, 0.0, 1.0)


def _probabilities(chain: Chain, counts: Floats, kept: npt.NDArray[np.bool_]) -> tuple[csc_array, Floats]:
    """Q and r of the states *kept* (states,), in their order. A step to another state is one to '(null)'."""
    total = sums(chain.source, counts, chain.states)
    converts = chain.target == chain.states
    used = (counts > 0) & kept[chain.source] & (converts | np.append(kept, [False, False])[chain.target])
    chance = counts[used] / total[chain.source[used]]
    number = np.append(np.cumsum(kept) - 1, [-1, -1])
    source, target, inner = number[chain.source[used]], number[chain.target[used]], ~converts[used]
    size = int(kept.sum())
    steps = csc_array((chance[inner], (source[inner], target[inner])), shape=(size, size))
    return steps, sums(source[~inner], chance[~inner], size)


def sums(places: Ints, amounts: Floats, size: int) -> Floats:
    """(*size*,) The sum of *amounts* at each of *places*, which are from 0 to *size* − 1."""
    return np.bincount(places, amounts, size).astype(np.float64)


def _converting(chain: Chain, used: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(states,) Whether a state is reached from '(start)' and can reach '(conversion)' by *used* transitions.

    A path in another state never converts, so such a state is as good as '(null)'. Without these states every path
    ends, so I − Q is regular. States that no path can leave occur if the counts are weights, and some are 0.
    """
    size = chain.states + 2
    source, target = chain.source[used], chain.target[used]
    edges = csr_array((np.ones(len(source)), (source, target)), shape=(size, size))
    reached, converting = np.zeros(size, dtype=bool), np.zeros(size, dtype=bool)
    reached[breadth_first_order(edges, 0, return_predecessors=False)] = True
    converting[breadth_first_order(edges.T.tocsr(), chain.states, return_predecessors=False)] = True
    return (reached & converting)[: chain.states]


class _Dense:
    """N as an array. *steps* is Q, *reward* is r.

    Attributes:
        visits: (states,) N[0], the expected number of visits.
        converts: (states,) h, the probability to convert.
    """

    def __init__(self, steps: csc_array, reward: Floats) -> None:
        self._inverse = np.linalg.inv(np.eye(len(reward)) - steps.toarray())
        self.visits: Floats = self._inverse[0]
        self.converts: Floats = self._inverse @ reward

    def without_return(self, own: Ints) -> Floats:
        """(own,) N[S, S]⁻¹ h_S for the states *own*, S."""
        if len(own) == 1:
            return self.converts[own] / self._inverse[own, own]
        return np.linalg.solve(self._inverse[np.ix_(own, own)], self.converts[own]).astype(np.float64)


class _Sparse:
    """The same as ``_Dense`` by a sparse LU factorisation, for thousands of states with few transitions each."""

    def __init__(self, steps: csc_array, reward: Floats) -> None:
        self._factors = splu(csc_array(eye_array(len(reward)) - steps))
        begin = np.zeros(len(reward))
        begin[0] = 1
        self.visits: Floats = self._factors.solve(begin, "T")  # type: ignore[call-overload]  # stubs lack "T"
        self.converts: Floats = self._factors.solve(reward)

    def without_return(self, own: Ints) -> Floats:
        """(own,) N[S, S]⁻¹ h_S for the states *own*, S."""
        block = np.empty((len(own), len(own)))
        for begin in range(0, len(own), _COLUMNS):
            part = own[begin : begin + _COLUMNS]
            unit = np.zeros((len(self.converts), len(part)))
            unit[part, np.arange(len(part))] = 1
            block[:, begin : begin + _COLUMNS] = self._factors.solve(unit)[own]
        return np.linalg.solve(block, self.converts[own]).astype(np.float64)
