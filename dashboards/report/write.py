"""The report of a day, from a home to a file.

Here: the order of the sections, header and footer, writing the file.
Not here: what a section says, which day is meant (``dashboards.report.file``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

from dashboards.figures.look import Look
from dashboards.numbers import Language
from dashboards.report.entrances import entrances, slots
from dashboards.report.html import Html, message, tag
from dashboards.report.overview import figures, overview
from dashboards.report.page import Page
from dashboards.report.queries import Reader, open_day
from dashboards.report.render import html_of
from dashboards.sections.customers import customers
from dashboards.sections.products import products
from dashboards.totals import is_without_log
from pipelines.home.errors import HeadwaterError
from pipelines.home.files import told_if_unwritable, write_file
from pipelines.home.folder import Home

_SECTIONS: dict[str, Callable[[Page, Reader], Html]] = {
    "overview": overview,
    "entrances": entrances,
    "slots": slots,
    "customers": lambda page, reader: html_of(page, customers(page.look, reader)),
    "products": lambda page, reader: html_of(page, products(page.look, reader)),
}


_OF_EVENTS = frozenset({"entrances", "slots"})
"""Sections that say nothing of a day without events, which the overview tells in one line."""


def write_report(home: Home, day: dt.date, language: Language, out: Path, now: dt.datetime) -> None:
    """Write the report of *day* to *out*, replacing it at once.

    Raises:
        HeadwaterError: the day is not computed, or the file cannot be written.
    """
    with open_day(home, day) as reader:
        text = report_html(reader, language, now)
    _replace(out, text)


def _replace(out: Path, text: str) -> None:
    """Write *text* to *out* at once; where it is a link, to what it names."""
    with told_if_unwritable(out):
        if not out.name or (out.exists() and not out.is_file()):
            raise HeadwaterError("is no file that could be replaced", where=out, remedy="name one such as report.html")
        write_file(out, text)


def report_html(reader: Reader, language: Language, now: dt.datetime) -> str:
    """The report as the text of an HTML file; *now* is told at its end."""
    settings = reader.workspace.settings
    look = Look(language, settings.currency)
    page = Page(look)
    day = reader.day
    written = look.text(
        "page.day",
        year=day.year,
        day=day.day,
        name=look.text(f"month.{day.month}"),
        weekday=look.text(f"weekday_long.{day.isoweekday()}"),
    )
    title = f"{look.text('page.title')} · {day}"
    local = now.astimezone(ZoneInfo(settings.timezone))
    header = tag(
        "header",
        tag("p", "Headwater", class_="brand"),
        tag("h1", f"{look.text('page.title')} · {written}"),
        tag("p", look.text("page.about", currency=settings.currency, timezone=settings.timezone)),
        message(look.text("page.unfinished", time=f"{local:%Y-%m-%d %H:%M}")) if local.date() <= day else Html(""),
    )
    left_out = _OF_EVENTS if is_without_log(figures(reader, day)) else frozenset[str]()
    sections = [
        (key, look.text(f"section.{key}"), _section(look, key, build(page, reader)))
        for key, build in _SECTIONS.items()
        if key not in left_out
    ]
    footer = tag(
        "footer", tag("p", look.text("page.footer", time=f"{local:%Y-%m-%d %H:%M}", timezone=settings.timezone))
    )
    return page.html(title, header, sections, footer)


def _section(look: Look, key: str, content: Html) -> Html:
    return Html(tag("p", look.text(f"intro.{key}"), class_="intro") + content)
