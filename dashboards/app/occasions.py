"""The occasions of the shop's calendar on every chart over time of a page.

Here: adding them to the charts.
Not here: reading them (``dashboards.plans.occasions``), drawing them (``dashboards.figures.occasions``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.app.context import Context
from dashboards.blocks import Block, Chart, Text, flat
from dashboards.figures.occasions import Shown, add_occasions
from dashboards.plans.occasions import occasions_of
from pipelines.home.errors import HeadwaterError


def mark_occasions(context: Context, blocks: Sequence[Block]) -> list[Text]:
    """Add the occasions to the charts among *blocks*. Returns a warning if the calendar has a fault, else nothing."""
    charts = [block for block in flat(blocks) if isinstance(block, Chart)]
    occasions: list[Shown] = []
    faults: list[Text] = []
    try:
        occasions = occasions_of(context.locale, context.whole.home) if charts else []
    except HeadwaterError as error:
        faults = [Text(str(error), "warning")]
    for chart in charts:
        add_occasions(chart.figure, [*occasions, *chart.occasions])
    return faults
