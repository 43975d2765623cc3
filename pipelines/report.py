"""``headwater report``: one day of a shop as one HTML file.

Here: which day, which file. The one module of ``pipelines`` that knows ``dashboards``, which it imports when asked:
drawing charts takes a second to load that no other command should wait for.
Not here: what the report says (``dashboards.report``).
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Literal

from pipelines.errors import HeadwaterError
from pipelines.home import Home

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def write_report(home: Home, language: Language, *, day: dt.date | None = None, out: Path | None = None) -> Path:
    """Write the report of *day* to *out* and return its path.

    Args:
        home: The home.
        language: Of the texts.
        day: Default: the newest computed day that is over.
        out: Default: ``<home>/reports/<day>-<language>.html``.

    Raises:
        HeadwaterError: the day is not computed, or the file cannot be written.
    """
    from dashboards.report.write import write_report as write

    now = dt.datetime.now(dt.UTC)
    day = day or last_day(home)
    path = out or home.reports / f"{day}-{language}.html"
    write(home, day, language, path, now)
    return path


def tables_read() -> tuple[str, ...]:
    """The tables that a report reads, where the home has them."""
    from dashboards.report.queries import MARTS

    return MARTS


def last_day(home: Home) -> dt.date:
    """The newest computed day that is over.

    Raises:
        HeadwaterError: no day is computed.
    """
    from dashboards.report.queries import newest_day
    from pipelines.workspace import open_workspace

    day = newest_day(open_workspace(home), dt.datetime.now(dt.UTC))
    if day is None:
        raise HeadwaterError(
            f"{home.root}: no day is computed yet; land files and run 'headwater run --home {home.root}'"
        )
    return day
