"""The parts of a simulation: days, blocks of devices, and a random stream for each stage of the work.

Here: the calendar, which devices a block has, the streams.
Not here: what happens in a block on a day (``block``).

A block is a part of the shop's devices; nobody owns devices in two blocks. The log of a block depends only on the
seed, the parameters and the number of the block. So blocks can be made in any order and in parallel, and a large
simulation needs the memory of a few blocks only.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import IntEnum
from zoneinfo import ZoneInfo

import numpy as np

from pipelines.simulator.arrays import Ints
from pipelines.simulator.parameters import SimulationParameters


class Stage(IntEnum):
    """The stages; each has its own random stream, so that a draw in one does not change the others."""

    CATALOGUE = 1
    SHELVES = 2
    POPULATION = 3
    VISITS = 4
    WALKS = 5
    SALES = 6
    TRACKING = 7
    BROKEN = 8
    ORDERS = 9
    CURRENCIES = 10
    VARIANTS = 11
    EXTRAS = 12
    CLOCKS = 13
    REQUESTS = 14
    CHOICES = 15
    CHANNELS = 16
    SPEND = 17


@dataclass(frozen=True, eq=False)
class Plan:
    """A simulation. *midnights* has the start of each of *days* (epoch ms), and the end of the last day."""

    parameters: SimulationParameters
    seed: int
    devices: int
    timezone: str
    days: tuple[dt.date, ...]
    midnights: Ints

    @property
    def end(self) -> int:
        """The end of the last day, in epoch ms."""
        return int(self.midnights[-1])

    @property
    def blocks(self) -> int:
        """The number of blocks."""
        return -(-self.devices // self.parameters.devices_per_block)

    def first_device(self, block: int) -> int:
        """The code of the first device of *block*. Codes are consecutive over all blocks."""
        return min(block * self.parameters.devices_per_block, self.devices)

    def bounds(self, nth: int) -> tuple[int, int]:
        """Start and end of day *nth*, in epoch ms."""
        return int(self.midnights[nth]), int(self.midnights[nth + 1])

    def stream(self, stage: Stage, day: dt.date | None = None, block: int = 0) -> np.random.Generator:
        """The random stream of *stage* on *day* in *block*.

        Omit *day* for a stage that does not depend on the day.
        """
        key = (int(stage), block, day.toordinal() if day else 0)
        return np.random.Generator(np.random.SFC64(np.random.SeedSequence(self.seed, spawn_key=key)))


def make_plan(
    parameters: SimulationParameters, seed: int, devices: int, days: int, last_day: dt.date, timezone: str
) -> Plan:
    """The plan of *days* days up to *last_day*; a day starts at midnight of *timezone*."""
    first = last_day - dt.timedelta(days=days - 1)
    dates = [first + dt.timedelta(days=nth) for nth in range(days + 1)]
    zone = ZoneInfo(timezone)
    midnights = [dt.datetime.combine(date, dt.time(), zone).timestamp() for date in dates]
    starts = np.array([round(each * 1000) for each in midnights], dtype=np.int64)
    return Plan(parameters, seed, devices, timezone, tuple(dates[:-1]), starts)
