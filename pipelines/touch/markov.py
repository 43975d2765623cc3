"""Removal effects: the share of conversions that would be lost without a touchpoint.

Here: the absorbing Markov chain of Anderl, Becker, von Wangenheim and Schumann, 'Mapping the customer journey: Lessons
learned from graph-based online attribution modeling', International Journal of Research in Marketing 33 (2016) 457–474.
Its states are '(start)', the last *order* touchpoints of a path (fewer at its beginning), '(conversion)' and '(null)',
the end of a path without an order. Removing a touchpoint sends every path that reaches it to '(null)'.
Not here: counting transitions (``sql/attribution/touch_transitions.sql``) and standard errors
(``resampling``).

**The formula.** Q has the probabilities of steps between states other than the last two, r those of steps to
'(conversion)'. N = (I − Q)⁻¹: N[i, j] is the expected number of visits to j from i. h = N r is the probability to
convert. S are the states whose last touchpoint is k, and f_s is the probability that s is the first of them that a path
reaches. The visits to a state of S are those after each first one, N[0, S] = f N[S, S]; so f = N[0, S] N[S, S]⁻¹. The
inverse exists: it is the Schur complement of I − Q. The lost conversions are those after a first visit to a state of S:

    effect_k = f · h_S / h_0 = N[0, S] N[S, S]⁻¹ h_S / h_0

With order 1, S is one state and effect_k = (N[0, k] / N[k, k]) · h_k / h_0. So I − Q is factorised once, not once for
each touchpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array, diags_array

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.intp]

SEPARATOR = " > "
START, CONVERSION, NULL = "(start)", "(conversion)", "(null)"

_MOST_FACTORISED = 1000
"""Up to this number of states I − Q is inverted; for more states, paths are followed step by step."""

_STILL_GOING = 1e-15
"""Paths are followed until, from every state, at most this share of them goes on: for about 35 mean lengths."""

_MOST_STEPS, _MOST_FALLEN_BACK = 1000, 5000
"""If paths go on for more than _MOST_STEPS, I − Q is inverted after all, for up to _MOST_FALLEN_BACK states."""

_AT_A_TIME = 32
"""How many touchpoints' removals are computed together."""


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
    last = chain.last[kept]
    by_touchpoint = np.argsort(last, kind="stable")
    groups = np.split(by_touchpoint, np.flatnonzero(np.diff(last[by_touchpoint])) + 1)[1:]  # the first is (start)
    solve = _factorised if len(reward) <= _MOST_FACTORISED else _followed
    effects = np.zeros(len(chain.touchpoints))
    effects[[last[own[0]] for own in groups]] = solve(steps, reward, groups)
    return np.clip(effects, 0.0, 1.0)


def _probabilities(chain: Chain, counts: Floats, kept: npt.NDArray[np.bool_]) -> tuple[csr_array, Floats]:
    """Q and r of the states *kept* (states,), in their order. A step to another state is one to '(null)'."""
    total = sums(chain.source, counts, chain.states)
    converts = chain.target == chain.states
    used = (counts > 0) & kept[chain.source] & (converts | np.append(kept, [False, False])[chain.target])
    chance = counts[used] / total[chain.source[used]]
    number = np.append(np.cumsum(kept) - 1, [-1, -1])
    source, target, inner = number[chain.source[used]], number[chain.target[used]], ~converts[used]
    size = int(kept.sum())
    steps = csr_array((chance[inner], (source[inner], target[inner])), shape=(size, size))
    return steps, sums(source[~inner], chance[~inner], size)


def sums(places: Ints, amounts: Floats, size: int) -> Floats:
    """(*size*,) The sum of *amounts* at each of *places*, which are from 0 to *size* − 1."""
    return np.bincount(places, amounts, size).astype(np.float64)


def _converting(chain: Chain, used: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """(states,) Whether a state is reached from '(start)' and can reach '(conversion)' by *used* transitions.

    A path in another state never converts, so such a state is equivalent to '(null)'. Without these states every path
    ends, so I − Q is regular. States that no path can leave occur if the counts are weights, and some are 0.
    """
    source, target = chain.source[used], chain.target[used]
    both = _reached(0, source, target, chain.states) & _reached(chain.states, target, source, chain.states)
    return both[: chain.states]


def _reached(begin: int, source: Ints, target: Ints, states: int) -> npt.NDArray[np.bool_]:
    """(*states* + 2,) Whether a state is *begin* or is reached from it by steps from *source* to *target*."""
    found = np.zeros(states + 2, dtype=bool)
    found[begin] = True
    before = 0
    while (now := int(np.count_nonzero(found))) > before:
        before = now
        found[target[found[source]]] = True
    return found


def _factorised(steps: csr_array, reward: Floats, groups: list[Ints]) -> Floats:
    """(groups,) The share of conversions lost without the states of each group, by the inverse of I − Q.

    *steps* is Q, *reward* is r, state 0 is '(start)'.
    """
    visits = np.linalg.inv(np.eye(len(reward)) - steps.toarray())
    converts = visits @ reward
    lost = np.zeros(len(groups))
    for number, own in enumerate(groups):
        within = visits[np.ix_(own, own)]
        without_return = converts[own] / within[0] if len(own) == 1 else np.linalg.solve(within, converts[own])
        lost[number] = visits[0, own] @ without_return
    found: Floats = lost / converts[0]
    return found


def _followed(steps: csr_array, reward: Floats, groups: list[Ints]) -> Floats:
    """The result of ``_factorised``, by following paths step by step until at most ``_STILL_GOING`` of them go on.

    For chains with many states and few transitions each, such as those of order 2 and 3: factorising their sparse
    matrix needs nearly as much memory and time as a full one.
    """
    # Staying in a state is skipped, only leaving it is followed: otherwise long repetitions of a touchpoint would take
    # many steps.
    leaving = 1 - steps.diagonal()
    moves = csr_array((steps - diags_array(steps.diagonal())).multiply(1 / leaving[:, None]))
    gain = reward / leaving
    back = csr_array(moves.T)
    start = np.zeros(len(reward))
    start[0] = 1
    visits, converts, going = start, gain, np.ones(len(reward))
    count = 0
    while going.max() > _STILL_GOING:
        if count >= _MOST_STEPS and len(reward) <= _MOST_FALLEN_BACK:
            return _factorised(steps, reward, groups)
        visits, converts, going = start + back @ visits, gain + moves @ converts, moves @ going
        count += 1
    visits = visits / leaving
    lost = np.zeros(len(groups))
    for begin in range(0, len(groups), _AT_A_TIME):
        part = groups[begin : begin + _AT_A_TIME]
        remains = np.ones((len(reward), len(part)))
        for column, own in enumerate(part):
            remains[own, column] = 0
        chance = np.zeros_like(remains)
        for _ in range(count):
            chance = (gain[:, None] + moves @ chance) * remains
        without_return = reward[:, None] + steps @ chance
        lost[begin : begin + len(part)] = [visits[own] @ without_return[own, column] for column, own in enumerate(part)]
    found: Floats = lost / converts[0]
    return found
