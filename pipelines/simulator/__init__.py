"""A made-up shop: its tracking logs, orders and products, with the truth of each sale kept aside.

Here: what ``headwater simulate`` and ``headwater demo`` call.

- ``parameters``: the rates of everything, the traps among them
- ``shop``: products, shelves, and what each slot shows on a day
- ``people``: devices, their users, and the visits of a day
- ``walks``: what visitors do, page after page
- ``tracking``: walks as records of the tracking log: clocks, latency, late and repeated records
- ``sales``: carts become orders, lines, payments, refunds, and the planted truth
- ``landing``: files of the native format
- ``simulation``: the days, one after the other

Not here: anything that the rest of the program needs to know about the shop. The simulator writes landing
files like any other source, and nothing reads it.
"""

from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.simulation import SimulationSummary, simulate

__all__ = ["SimulationParameters", "SimulationSummary", "simulate"]
