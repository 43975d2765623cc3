"""The shop's calendar as charts show it.

Here: the names and hovers of its occasions in a language.
Not here: the file (``pipelines.config_tables.calendar``), drawing (``dashboards.figures.occasions``).
"""

from __future__ import annotations

from dashboards.figures.occasions import Shown
from dashboards.locale import Locale
from pipelines.config_tables import calendar_of
from pipelines.config_tables.calendar import Occasion
from pipelines.home.folder import Home


def occasions_of(locale: Locale, home: Home) -> list[Shown]:
    """The occasions of the calendar of *home*; kind and days are in the hover text.

    Raises:
        HeadwaterError: the calendar is invalid.
    """
    return [_shown(locale, one) for one in calendar_of(home)]


def _shown(locale: Locale, one: Occasion) -> Shown:
    name = one.name(locale.text.language)
    days = f"{one.first}" if one.first == one.last else f"{one.first} – {one.last}"
    return Shown(one.first, one.last, name, f"{name} · {locale.text(f'occasion.{one.kind}')} · {days}")
