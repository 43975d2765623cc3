"""The days of promotions and festivals, on which unusual figures are expected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.config_tables import calendar_of
from pipelines.config_tables.calendar import Occasion
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home


@dataclass(frozen=True)
class Festivals:
    """The days of promotions and festivals, each with its occasion.

    *fault*: the error if the calendar cannot be read.
    """

    days: Mapping[dt.date, Occasion] = field(default_factory=dict)
    fault: str = ""


def festivals_of(home: Home) -> Festivals:
    """The promotions and festivals in ``config/calendar.csv`` of *home*."""
    try:
        occasions = calendar_of(home)
    except HeadwaterError as error:
        return Festivals(fault=str(error))
    days = {
        one.first + dt.timedelta(days=number): one
        for one in occasions
        if one.kind in ("promotion", "festival")
        for number in range((one.last - one.first).days + 1)
    }
    return Festivals(days)
