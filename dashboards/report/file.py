"""``headwater report``: one day of a shop as a single HTML file.

Here: choosing the day and the file.
Not here: the contents (``dashboards.report.write``). That module is imported when needed: loading the chart library
takes a second, and other commands should not wait for it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from dashboards.report.queries import MARTS, newest_day
from pipelines.compute.workspace import open_workspace
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

Language = Literal["zh", "en"]
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def write_report(home: Home, language: Language, *, day: dt.date | None = None, out: Path | None = None) -> Path:
    """Write the report of *day* to *out* and return its path.

    Args:
        home: The home.
        language: The language of the texts.
        day: Default: the day of ``last_day``.
        out: Default: ``<home>/reports/<day>-<language>.html``.

    Raises:
        HeadwaterError: the day is not computed, or the file cannot be written.
    """
    day = day or last_day(home)
    path = out or _file(home, day, language)
    _write(home, day, {language: path})
    return path


def write_reports(home: Home, day: dt.date) -> dict[Language, Path]:
    """Language → the report of *day* in ``<home>/reports/``. All languages together take less time than one by one.

    Raises:
        HeadwaterError: the day is not computed, or a file cannot be written.
    """
    files = {language: _file(home, day, language) for language in LANGUAGES}
    _write(home, day, files)
    return files


def _file(home: Home, day: dt.date, language: Language) -> Path:
    return home.reports / f"{day}-{language}.html"


def _write(home: Home, day: dt.date, files: Mapping[Language, Path]) -> None:
    from dashboards.report.write import write_reports as write  # imported here, because it loads plotly

    write(home, day, files, dt.datetime.now(dt.UTC))


def tables_read() -> tuple[str, ...]:
    """The tables that a report reads if the home has them."""
    return MARTS


def last_day(home: Home) -> dt.date:
    """The newest computed day that is over; if none is over, the newest.

    Raises:
        HeadwaterError: no day is computed.
    """
    day = newest_day(open_workspace(home), dt.datetime.now(dt.UTC))
    if day is None:
        raise HeadwaterError(
            "no day is computed yet", where=home.root, remedy=f"land files and run 'headwater run --home {home.root}'"
        )
    return day
