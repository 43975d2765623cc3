"""Writes the report of a day of a home to a file.

Here: the order of the sections, header and footer, writing the file.
Not here: the contents of sections, choosing the day (``dashboards.report.file``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from dashboards.blocks import Block
from dashboards.locale import Locale
from dashboards.numbers import Language
from dashboards.report.channels import channels
from dashboards.report.entrances import entrances, slots
from dashboards.report.overview import figures, overview
from dashboards.report.page import Section, page_html
from dashboards.report.queries import Reader, open_day
from dashboards.sections.customers import customers
from dashboards.sections.products import products
from dashboards.totals import is_without_log
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home

_SECTIONS: dict[str, Callable[[Locale, Reader], Sequence[Block]]] = {
    "overview": overview,
    "entrances": entrances,
    "slots": slots,
    "channels": channels,
    "customers": customers,
    "products": products,
}
_OF_EVENTS = frozenset({"entrances", "slots", "channels"})
"""Sections to skip for a day without events; the overview has a sentence about it."""


def write_reports(home: Home, day: dt.date, files: Mapping[Language, Path], now: dt.datetime) -> None:
    """Write the report of *day* in each language of *files*, atomically. The target of a symbolic link is replaced.

    Raises:
        HeadwaterError: the day is not computed, or a file cannot be written.
    """
    for out in files.values():
        with convert_write_errors(out):
            if not out.name or (out.exists() and not out.is_file()):
                raise HeadwaterError(
                    "is not a file that can be replaced", where=out, remedy="name one such as report.html"
                )
    with open_day(home, day) as reader:
        texts = {out: report_html(reader.in_language(language), language, now) for language, out in files.items()}
    for out, text in texts.items():
        with convert_write_errors(out):
            write_file(out, text)


def report_html(reader: Reader, language: Language, now: dt.datetime) -> str:
    """The report as the text of an HTML file; *now* is shown in its footer."""
    settings = reader.workspace.settings
    locale = Locale(language, settings.currency)
    day = reader.day
    local = now.astimezone(ZoneInfo(settings.timezone))
    left_out = _OF_EVENTS if is_without_log(figures(reader, day)) else frozenset[str]()
    sections = [
        Section(key, locale.text(f"section.{key}"), locale.text(f"intro.{key}"), build(locale, reader))
        for key, build in _SECTIONS.items()
        if key not in left_out
    ]
    return page_html(
        locale,
        sections,
        title=f"{locale.text('page.title')} · {day}",
        heading=f"{locale.text('page.title')} · {locale.text.date('date.full', day)}",
        about=locale.text("page.about", currency=settings.currency, timezone=settings.timezone),
        warning=locale.text("page.unfinished", time=f"{local:%Y-%m-%d %H:%M}") if local.date() <= day else "",
        footer=locale.text("page.footer", time=f"{local:%Y-%m-%d %H:%M}", timezone=settings.timezone),
    )
