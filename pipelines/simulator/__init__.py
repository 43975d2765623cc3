"""A made-up shop: its tracking logs, orders and products, with the truth of each sale kept aside.

Here: what ``headwater simulate`` and ``headwater demo`` call.

- ``parameters``: the rates of everything, and the traps: what can go wrong in a log
- ``plan``: days, blocks of devices and their random streams
- ``catalogue``: products, their variants, and what is sold without being shown
- ``shop``: shelves, and what each slot shows on a day
- ``people``: devices, their users, and the visits of a day
- ``walks``: what visitors do, page after page; ``trace``: the table of it
- ``tracking``: walks as records of the tracking log: clocks, latency, late and repeated records
- ``sales``: carts become lines, with the planted truth; ``extras``: lines without an event of their own sku
- ``orders``: the records of orders
- ``landing``: files of the native format
- ``block``: the days of one block of devices; ``simulation``: all blocks

Not here: anything that the rest of the program needs to know about the shop. The simulator writes landing
files like any other source, and nothing reads it.
"""

from typing import TYPE_CHECKING

from pipelines.simulator.parameters import TRAPS, SimulationParameters, parameters_with

if TYPE_CHECKING:
    from pipelines.simulator.simulation import SimulationSummary, simulate

__all__ = ["TRAPS", "SimulationParameters", "SimulationSummary", "parameters_with", "simulate"]


def __getattr__(name: str) -> object:
    # The command line lists the traps in its help: that must not cost it the import of numpy and Polars.
    if name in ("SimulationSummary", "simulate"):
        from pipelines.simulator import simulation

        return getattr(simulation, name)
    raise AttributeError(name)
