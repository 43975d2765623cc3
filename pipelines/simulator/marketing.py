"""Which channel brings each visit, what a channel's visits cause later, and what the shop would not sell without it.

Here: the draws of channels, the memory of earlier visits, the exact effect of each channel, its spend.
Not here: the channels (``channels``), when visits start (``people``), which carts are ordered (``sales``).

A channel's true effect is a counterfactual: the same simulation without it. In that simulation its visits do not
happen, except those of people who would have come anyway and now come directly. Its earlier visits do not make an order
more likely. All random draws are the same. An order is made if its draw is below the chance of its visit. That chance
is known with and without each channel, so one simulation is enough to count the orders that would be lost without each.
The orders lost without two channels are not the sum of those lost without each: a visit may need both.

These draws have their own random stream, so that channels change nothing else in the log.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import Bools, Floats, Ints, running_max
from pipelines.simulator.channels import Channel
from pipelines.simulator.orders import CURRENCY, FOREIGN
from pipelines.simulator.people import Scene, Visits
from pipelines.simulator.plan import Plan, Stage

DIRECT = 0
"""The code of the channel ``direct``."""

_DAY = 86_400_000
_DECIDED_RATE = 0.3
"""Share of visits by people who have already decided to buy."""
_CHANCES = (0.55, 1.25)
"""Factors on the chance of an order: in visits of people who have not decided, and of people who have."""
_EARLY_AFTER = 3 * _DAY
"""A visit begins a new journey if the person's last visit was at least this many ms ago."""
_EARLY_RATE = 0.3
"""Share of people whose first visit in the log begins a journey; the others came before the log begins."""
_TOUCH_WINDOW = 30 * _DAY

CHANNEL_COLUMNS = ("channel", "visits", "orders_touched", "incremental_orders")


@dataclass
class Memory:
    """For each channel (row) and person: the time of the latest visit, in ms since the simulation began; 0 = none."""

    latest: Ints

    @classmethod
    def fresh(cls, plan: Plan, persons: int) -> Memory:
        """The memory of persons who have not come yet."""
        return cls(np.zeros((len(plan.parameters.channels), persons), dtype=np.int64))


@dataclass(frozen=True)
class Arrivals:
    """Which channels bring the visits of a day; *happens*, *mark* and *base* have one entry per visit.

    *channel* is the channel that brings a visit, *mark* the one that the log shows. *happens* is false for visits that
    only the excluded channel of the simulation would bring. *base* multiplies the chance of an order; *lift* (a row per
    channel) is what earlier visits through the channel add to that factor. *touched* (also a row per channel): whether
    the person came through the channel in this visit or within 30 days before it.
    """

    channel: Ints
    mark: Ints
    comes_anyway: Bools
    happens: Bools
    base: Floats
    lift: Floats
    touched: Bools

    @property
    def factor(self) -> Floats:
        """The factor on the chance of an order, for each visit."""
        factor: Floats = self.base * (1 + self.lift.sum(axis=0))
        return factor

    def orders(self, scene: Scene, visit: Ints, luck: Floats) -> pl.DataFrame:
        """The effect of each channel on the orders: the columns ``CHANNEL_COLUMNS``, a row per channel.

        *visit*: the visit of each order. *luck*: the random number that was below the order's chance; 0 for orders that
        depend on their visit only.
        """
        rows = []
        for code, channel in enumerate(scene.parameters.channels):
            is_own = (self.channel == code) & self.happens
            without = self.base * (1 + self.lift.sum(axis=0) - self.lift[code])
            is_lost = (is_own & ~self.comes_anyway)[visit] | (luck >= scene.parameters.buy_rate * without[visit])
            rows.append((channel.name, int(is_own.sum()), int(self.touched[code, visit].sum()), int(is_lost.sum())))
        return pl.DataFrame(rows, schema=list(CHANNEL_COLUMNS), orient="row")


def arrive(scene: Scene, visits: Visits, memory: Memory) -> Arrivals:
    """Which channels bring *visits*; adds the visits to *memory*."""
    rng, parameters = scene.stream(Stage.CHANNELS), scene.parameters
    channels, size = parameters.channels, len(visits)
    order = np.lexsort((visits.start, visits.user))
    user = visits.user[order]
    now = visits.start[order] - int(scene.plan.midnights[0]) + 1
    before = _before(user, now, memory.latest.max(axis=0))
    is_early = np.where(before == 0, rng.random(size) < _EARLY_RATE, now - before >= _EARLY_AFTER)
    is_decided = rng.random(size) < _DECIDED_RATE
    is_deep = visits.page[order] != 0
    channel = _drawn(channels, is_early, is_decided, is_deep, rng.random(size))
    channel[visits.is_bot[order]] = DIRECT
    comes_anyway = rng.random(size) < np.array([each.comes_anyway for each in channels])[channel]

    names = [each.name for each in channels]
    missing = names.index(parameters.without_channel) if parameters.without_channel else None
    lift, touched = np.zeros((len(channels), size)), np.zeros((len(channels), size), dtype=bool)
    for code, each in enumerate(channels):
        came = np.where(channel == code, now, 0)
        last = _before(user, came, memory.latest[code])
        touched[code] = (channel == code) | ((last > 0) & (now - last <= _TOUCH_WINDOW))
        if each.effect and parameters.channel_effects and code != missing:
            lift[code] = np.where(last > 0, each.effect * 0.5 ** ((now - last) / (each.half_life * _DAY)), 0.0)
        np.maximum.at(memory.latest[code], user, came)
    base = np.where(is_decided, _CHANCES[1], _CHANCES[0]) if parameters.channel_effects else np.ones(size)
    if not parameters.channel_effects:
        comes_anyway[:] = True
    is_missing = channel == (-1 if missing is None else missing)
    back = np.argsort(order)
    return Arrivals(
        channel=channel[back],
        mark=np.where(is_missing, DIRECT, channel)[back],
        comes_anyway=comes_anyway[back],
        happens=(~is_missing | comes_anyway)[back],
        base=base[back],
        lift=lift[:, back],
        touched=touched[:, back],
    )


def _before(user: Ints, times: Ints, latest: Ints) -> Ints:
    """For each visit the latest of *times* in earlier visits of the day by its *user*, else *latest* of the user.

    Visits are sorted by user and time; a time of 0 means no visit.
    """
    if not len(user):
        return times
    is_first = np.diff(user, prepend=user[:1] - 1) != 0
    earlier = np.concatenate([[0], times[:-1]])
    earlier[is_first] = latest[user[is_first]]
    return running_max(np.cumsum(is_first) - 1, earlier)


def _drawn(channels: tuple[Channel, ...], is_early: Bools, is_decided: Bools, is_deep: Bools, luck: Floats) -> Ints:
    """The channel of each visit."""
    weights = np.array(
        [
            [
                channel.weight
                * (channel.early if early else 1)
                * (channel.decided if decided else 1)
                * (channel.lands_deep if deep else 1)
                for channel in channels
            ]
            for early in (False, True)
            for decided in (False, True)
            for deep in (False, True)
        ]
    )
    # If no channel has links to campaign and product pages, visits that land on these are direct.
    weights[weights.sum(axis=1) == 0, DIRECT] = 1
    bounds = weights.cumsum(axis=1)
    bounds /= bounds[:, -1:]
    kind = is_early * 4 + is_decided * 2 + is_deep
    drawn: Ints = (luck[:, None] >= bounds[kind, :-1]).sum(axis=1)
    return drawn


def spend_of(plan: Plan, nth: int, visits: pl.DataFrame) -> pl.DataFrame:
    """What the channels cost on day *nth*, by the *visits* that they brought (columns channel, visits).

    Columns: the fields of the native relation ``spend``, and ``spend``, the cost in the shop's currency.
    """
    rng, end = plan.stream(Stage.SPEND, plan.days[nth]), plan.bounds(nth)[1]
    brought: dict[str, int] = dict(visits.select("channel", "visits").iter_rows())
    rows = []
    for channel in plan.parameters.channels:
        price, shown = rng.lognormal(-0.005, 0.1, 2)
        clicks = brought.get(channel.name, 0)
        if not channel.cost or not clicks:
            continue
        currency = channel.currency if channel.currency and plan.parameters.foreign_currency_rate else CURRENCY
        rate = FOREIGN.get(currency, 1.0)
        cost = round(clicks * channel.cost * price / rate, 2)
        impressions = round(clicks / channel.click_rate * shown)
        campaign = channel.utm_campaign
        rows.append((plan.days[nth], channel.name, campaign, cost, currency, impressions, clicks, end - 1, cost * rate))
    columns = ["dt", "channel", "campaign", "cost", "currency", "impressions", "clicks", "updated_at", "spend"]
    return pl.DataFrame(rows, schema=columns, orient="row")
