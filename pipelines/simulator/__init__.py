"""A made-up shop: it writes tracking logs, orders and products, and a separate file with the true origin of each sale.

Here: what ``headwater simulate`` and ``headwater demo`` call.

- ``parameters``: all rates, and the traps, which are what can go wrong in a log
- ``plan``: days, blocks of devices and their random streams
- ``catalogue``: products, their variants, and skus that are sold but never shown
- ``shop``: shelves, and what each slot shows on a day
- ``people``: devices, their users, and the visits of a day
- ``channels``: what brings visitors, as data
- ``marketing``: which channel brings each visit, what channels cause and cost
- ``walks``: what visitors do, page after page; ``trace``: the table of these events
- ``tracking``: turns walks into records of the tracking log: clocks, latency, late and repeated records
- ``sales``: order lines from carts and clicks, with their true origin; ``extras``: lines whose sku has no event
- ``orders``: the records of orders
- ``landing``: the files, in the native format
- ``pictures``: the shop's pages and banners as pictures, drawn on a canvas (``drawing``), for the demo's slot map
- ``block``: the days of one block of devices; ``simulation``: all blocks

Not here: anything that the rest of the program needs. The simulator only writes landing files, like any other
source; outside its own commands and tests nothing imports it.
"""

from typing import TYPE_CHECKING

from pipelines.simulator.parameters import TRAPS, SimulationParameters, parameters_with

if TYPE_CHECKING:
    from pipelines.simulator.simulation import SimulationSummary, simulate

__all__ = ["TRAPS", "SimulationParameters", "SimulationSummary", "parameters_with", "simulate"]


def __getattr__(name: str) -> object:
    # The command line lists the traps in its help, which must not import numpy and Polars.
    if name in ("SimulationSummary", "simulate"):
        from pipelines.simulator import simulation

        return getattr(simulation, name)
    raise AttributeError(name)
