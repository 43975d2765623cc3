"""Simulates one block of devices, day after day: its part of the log, its orders and their true origin.

Here: the state that one day passes on to the next, which is the devices' next PageIds, and the records that are
received or exported on a later day.
Not here: what happens in a visit (``walks``) and after it (``tracking``, ``sales``, ``orders``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pipelines.simulator.landing import Landing, write_file
from pipelines.simulator.marketing import Memory, arrive
from pipelines.simulator.orders import OrderRecords, make_orders
from pipelines.simulator.people import Scene, make_population, make_visits
from pipelines.simulator.plan import Stage
from pipelines.simulator.sales import sell
from pipelines.simulator.shop import Shop
from pipelines.simulator.tracking import Devices, track
from pipelines.simulator.walks import walk


@dataclass
class Counts:
    """How much was simulated; *orders* counts order ids, *order_versions* the records of all versions of orders.

    *channels*: for each day and block the columns of ``Arrivals.orders``, and nth, the number of the day.
    """

    visits: int = 0
    records: int = 0
    duplicates: int = 0
    broken: int = 0
    orders: int = 0
    order_versions: int = 0
    order_lines: int = 0
    refunds: int = 0
    files: list[Path] = field(default_factory=list)
    channels: list[pl.DataFrame] = field(default_factory=list)

    def add(self, other: Counts) -> None:
        """Add the counts of *other* to these."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass
class _Waiting:
    """Records to write later, at the epoch ms in the column named *time*; those at or after *end* are dropped."""

    time: str
    end: int
    later: list[pl.DataFrame] = field(default_factory=list)

    def due(self, new: pl.DataFrame, until: int) -> pl.DataFrame:
        """Return the records before *until*: stored ones, then those of *new* (sorted by time). Store the others."""
        # *new* is large, so it is sliced and not copied; only few of its records are stored.
        cut = int(new[self.time].search_sorted(until))
        ready = [frame.filter(pl.col(self.time) < until) for frame in self.later]
        waiting = [frame.filter(pl.col(self.time) >= until) for frame in self.later]
        rest = new[cut:].filter(pl.col(self.time) < self.end)
        # A sliced text column keeps all texts of the day in memory, so the texts of the stored records are copied.
        rest = rest.with_columns(pl.selectors.string() + "")
        self.later = [frame for frame in (*waiting, rest) if frame.height]
        return pl.concat([*(frame for frame in ready if frame.height), new[:cut]], rechunk=False)


def simulate_block(shop: Shop, block: int, landing: Landing, truth: Path) -> Counts:
    """Write the landing files of *block*, and the true origin of its sales to the file *truth*.

    Raises:
        HeadwaterError: a file cannot be written.
    """
    plan, counts = shop.plan, Counts()
    population = make_population(plan, block)
    devices, memory = Devices.fresh(len(population.owner)), Memory.fresh(plan, len(population.owner))
    events = _Waiting("landed_at", plan.end)
    changes = {relation: _Waiting("updated_at", plan.end) for relation in OrderRecords.__dataclass_fields__}
    planted: list[pl.DataFrame] = []
    for nth in range(len(plan.days)):
        scene = Scene(shop, population, block, nth)
        visits = make_visits(scene)
        arrivals = arrive(scene, visits, memory)
        trace = walk(scene, visits)
        tracked = track(scene, visits, arrivals, trace, devices)
        sold = sell(scene, visits, arrivals, trace, tracked.happened)
        _land_events(scene, events.due(tracked.records, plan.bounds(nth)[1]), landing, counts)
        _land_orders(scene, make_orders(scene, sold.lines), changes, landing, counts)
        planted.append(sold.truth)
        counts.channels.append(sold.channels.with_columns(nth=pl.lit(nth)))
        counts.visits += int(arrivals.happens.sum())
        counts.orders += sold.lines["order_id"].n_unique()
    write_file(truth, pl.concat(planted).write_parquet)
    return counts


def _land_events(scene: Scene, records: pl.DataFrame, landing: Landing, counts: Counts) -> None:
    if not records.height:
        return
    counts.records += records.height
    counts.duplicates += int(records["is_repeat"].sum())
    files, broken = landing.write_events(scene.nth, scene.block, records, scene.stream(Stage.BROKEN))
    counts.files += files
    counts.broken += broken


def _land_orders(
    scene: Scene, records: OrderRecords, changes: dict[str, _Waiting], landing: Landing, counts: Counts
) -> None:
    """Write the versions of orders, lines and refunds that are exported on this day.

    *changes* stores the versions for later days.
    """
    for relation, waiting in changes.items():
        due = waiting.due(getattr(records, relation), scene.plan.bounds(scene.nth)[1]).sort("updated_at")
        if not due.height:
            continue
        counts.files.append(landing.write_table(relation, scene.nth, scene.block, due))
        if relation == "orders":
            counts.order_versions += due.height
        elif relation == "order_lines":
            counts.order_lines += due.height
        else:
            counts.refunds += due.height
