"""Who visits the shop: devices, their users, and the visits of a day.

Here: the population, which is fixed for a simulation, and when and where each visit of a day starts.
Not here: which channel brings a visit (``marketing``), what happens in it (``walks``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import polars as pl

from pipelines.simulator.arrays import NOTHING, Bools, Floats, Ints, codebook, draw, hexadecimal, mix64
from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.plan import Plan, Stage
from pipelines.simulator.shop import CAMPAIGNS, FEEDS, Page, Shop, Storefront

PLATFORMS = codebook(["ios", "android", "miniprogram", "web"])
APP_VERSIONS = codebook(["7.4.1", "8.2.0", "8.2.1", "8.3.0", "8.3.2"])
"""In the first version, the SDK does not report when it sent a record."""

_BOT_VISITS = 6
"""Visits of a bot per day."""

_NEAR = 30_000  # ms; a smaller clock error cannot be distinguished from a slow request

_HOUR_WEIGHTS = np.array(
    [
        *(1.2, 0.6, 0.3, 0.2, 0.2, 0.4, 1.0, 2.0, 3.0, 3.6, 4.0, 4.1),
        *(4.6, 4.2, 3.6, 3.6, 3.8, 4.0, 4.4, 5.2, 6.4, 7.0, 5.6, 3.0),
    ]
)
_WEEKDAY_WEIGHTS = (0.95, 0.92, 0.92, 0.95, 1.05, 1.15, 1.12)


@dataclass(frozen=True)
class Population:
    """The devices of a block and their users; one entry per device.

    *sends_as* is the device whose id a device sends, usually itself. *second_user* is NOTHING if only the owner uses
    the device. *skew* is the device's clock minus the true time, in ms, until *is_set_at* (epoch ms);
    from then on the clock is right.
    """

    device_id: pl.Series
    user_id: pl.Series
    sends_as: Ints
    owner: Ints
    second_user: Ints
    is_guest: Bools
    is_bot: Bools
    reports_times: Bools
    activity: Floats
    skew: Ints
    is_set_at: Ints
    platform: Ints
    app_version: Ints


def make_population(plan: Plan, block: int) -> Population:
    """The devices of the block with the number *block*, and their users."""
    rng, parameters = plan.stream(Stage.POPULATION, block=block), plan.parameters
    first = plan.first_device(block)
    devices = plan.first_device(block + 1) - first
    code = np.arange(devices, dtype=np.int64)
    is_bot = rng.random(devices) < parameters.bot_rate
    is_second = (rng.random(devices) < parameters.second_device_rate) & ~is_bot
    is_second[0] = False
    first_devices = np.flatnonzero(~is_second)
    owner = np.where(is_second, rng.choice(first_devices, devices), code)
    is_shared = (rng.random(devices) < parameters.shared_device_rate) & ~is_bot
    second_user = np.where(is_shared, rng.choice(first_devices, devices), NOTHING)
    is_clone = rng.random(devices) < parameters.cloned_id_rate
    reports_times = rng.random(devices) >= parameters.missing_time_rate
    version = draw(rng, np.array([0.1, 0.2, 0.3, 0.4]), devices)
    skew, is_set_at = _clocks(plan, block, rng, devices)
    return Population(
        device_id=hexadecimal(mix64(first + code + (plan.seed % 2**20 << 40))[:, None]),
        user_id=pl.select(pl.format("u{}", pl.Series(100_001 + first + code))).to_series(),
        sends_as=np.where(is_clone, rng.integers(0, devices, devices), code),
        owner=owner,
        second_user=np.where(second_user == owner, NOTHING, second_user),
        # Bots have no account, so like guests they neither log in nor buy.
        is_guest=(rng.random(devices) < parameters.guest_rate) | is_bot,
        is_bot=is_bot,
        reports_times=reports_times,
        activity=rng.gamma(0.9, 1 / 0.9, devices),
        skew=skew,
        is_set_at=is_set_at,
        platform=draw(rng, np.array([0.34, 0.36, 0.22, 0.08]), devices),
        app_version=np.where(reports_times, 1 + version, 0),
    )


def _clocks(plan: Plan, block: int, rng: np.random.Generator, devices: int) -> tuple[Ints, Ints]:
    """For each device the error of its clock (ms), and when it is corrected (epoch ms; a huge number means never)."""
    parameters, start = plan.parameters, int(plan.midnights[0])
    skew = rng.normal(0, 1000, devices) * parameters.clock_error_seconds
    kind = rng.random(devices)
    wrong = kind < parameters.wrong_clock_rate
    skew = np.where(wrong, rng.normal(0, 2 * 3_600_000, devices), skew)
    is_set = wrong & (rng.random(devices) < parameters.clock_set_rate)
    is_set_at = np.where(is_set, rng.integers(start, plan.end, devices), np.iinfo(np.int64).max)
    # The clock of some devices was never set: one day before the simulation begins it showed 1970-01-01.
    epoch = (kind >= parameters.wrong_clock_rate) & (kind < parameters.wrong_clock_rate + parameters.epoch_clock_rate)
    skew = np.where(epoch, 86_400_000 - start, skew)
    # Clocks that are seconds off have their own random stream, so that this trap does not change the others' draws.
    clocks = plan.stream(Stage.CLOCKS, block=block)
    is_near = (clocks.random(devices) < parameters.seconds_off_rate) & ~wrong & ~epoch
    return np.where(is_near, clocks.uniform(-_NEAR, _NEAR, devices), skew).astype(np.int64), is_set_at


@dataclass(frozen=True)
class Scene:
    """One block of devices on one day, the *nth* of the plan: all that is fixed before the visits of the day begin."""

    shop: Shop
    population: Population
    block: int
    nth: int

    @property
    def plan(self) -> Plan:
        """The plan of the simulation."""
        return self.shop.plan

    @property
    def parameters(self) -> SimulationParameters:
        """The parameters of the simulation."""
        return self.shop.plan.parameters

    @property
    def day(self) -> dt.date:
        """The date of the day."""
        return self.shop.plan.days[self.nth]

    @property
    def storefront(self) -> Storefront:
        """What the pages show on this day."""
        return self.shop.storefront(self.day)

    def stream(self, stage: Stage) -> np.random.Generator:
        """The random stream of *stage* for this block and day."""
        return self.plan.stream(stage, self.day, self.block)


@dataclass(frozen=True)
class Visits:
    """The visits that start on one day, sorted by device and start (epoch ms; ``tracking`` may delay a visit).

    *user* is the person who uses the device. *page*, *shelf* and *product* describe the landing page.
    """

    device: Ints
    user: Ints
    is_bot: Bools
    start: Ints
    page: Ints
    shelf: Ints
    product: Ints

    def __len__(self) -> int:
        return len(self.device)


def make_visits(scene: Scene) -> Visits:
    """The visits that start in *scene*."""
    rng, population, storefront = scene.stream(Stage.VISITS), scene.population, scene.storefront
    parameters, (begin, end) = scene.parameters, scene.plan.bounds(scene.nth)
    rate = parameters.visits_per_device_day * _WEEKDAY_WEIGHTS[scene.day.weekday()] * population.activity
    counts = rng.poisson(np.where(population.is_bot, _BOT_VISITS, rate))
    device = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    size = len(device)
    hour = draw(rng, _HOUR_WEIGHTS, size) + rng.random(size)
    start = begin + (hour / 24 * (end - begin)).astype(np.int64)
    start = start[np.lexsort((start, device))]
    second = population.second_user[device]
    user = np.where((second >= 0) & (rng.random(size) < 0.35), second, population.owner[device])

    is_deep = rng.random(size) < parameters.deep_link_rate
    is_detail = is_deep & (rng.random(size) < 0.5)
    product = np.where(is_detail, draw(rng, scene.shop.catalogue.weight, size), NOTHING)
    campaign = storefront.first_campaign + rng.integers(0, CAMPAIGNS, size)
    page = np.where(is_detail, Page.DETAIL, np.where(is_deep, Page.CAMPAIGN, Page.HOME)).astype(np.int64)
    own_shelf = storefront.first_feed + user % FEEDS
    linked = np.where(is_detail, storefront.first_recommended + product, campaign)
    shelf = np.where(is_deep, linked, own_shelf)
    return Visits(device, user, population.is_bot[device], start, page, shelf, product)
