"""What a page shows, as its address says it.

Here: pages, days, comparison, language, theme and filters as one value, read from an address and written into one.
Not here: which days there are (``dashboards.app.marts``), what a page makes of it (``dashboards.app.pages``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from dashboards.numbers import Language

Theme = Literal["light", "dark"]
Comparison = Literal["previous", "year", "none"]

PAGES = ("overview", "entrances", "paths", "modules", "products", "customers", "quality", "sql")
"""The pages in their order; the first is the one that opens."""

WITHOUT_DAYS = frozenset({"sql"})
"""Pages that are not over chosen days."""

COMPARING = frozenset({"overview", "entrances"})
"""Pages that compare the chosen days with earlier ones; that of one product does too."""

SEARCH = "search"
"""The page of what a search found, which is in no menu."""

COMPARISONS: tuple[Comparison, ...] = ("previous", "year", "none")
PRESETS = ("day", "7", "14", "28", "90", "month", "last_month", "all")
"""Ranges of days that are a click away; numbers are days up to the newest."""

LONGEST_QUERY_IN_ADDRESS = 3_000
"""Characters of a query of SQL: servers and messengers cut longer addresses."""

_LONGEST_VALUE = 200
_LONGEST = {("sql", "q"): LONGEST_QUERY_IN_ADDRESS}
_MOST_KEYS = 24


@dataclass(frozen=True)
class View:
    """One page as it is looked at.

    Attributes:
        page: Which of PAGES, or SEARCH.
        first, last: The days shown, both included; None: the address names none.
        compare: With which earlier days: those just before, of the same weekdays; those a year (52 weeks) before.
        language, theme: How it is written and coloured.
        filters: The page's own choices, by key; only those that differ from the page's default.
        unread: What the address says of days or a comparison that is none, by key; for the page to report.
    """

    page: str = PAGES[0]
    first: dt.date | None = None
    last: dt.date | None = None
    compare: Comparison = "previous"
    language: Language = "en"
    theme: Theme = "light"
    filters: Mapping[str, str] = field(default_factory=dict)
    unread: Mapping[str, str] = field(default_factory=dict, compare=False)

    def get(self, key: str, default: str = "") -> str:
        """The filter *key*."""
        return self.filters.get(key, default)

    @property
    def compares(self) -> bool:
        """Whether the page compares the chosen days at all: elsewhere no comparison is offered or spoken of."""
        return self.page in COMPARING or (self.page == "products" and bool(self.get("sku")))

    def to(self, page: str | None = None, **filters: str | None) -> View:
        """Another page, or this one with other filters; None takes a filter away. A new page keeps none of the old."""
        kept = dict(self.filters) if page in (None, self.page) else {}
        kept |= {key: value for key, value in filters.items() if value is not None}
        for key, value in filters.items():
            if value is None:
                kept.pop(key, None)
        return replace(self, page=page or self.page, filters=kept)

    def over(self, first: dt.date, last: dt.date) -> View:
        """The same over other days."""
        return replace(self, first=first, last=last)

    @property
    def path(self) -> str:
        """The address without what it asks for."""
        return "/" if self.page == PAGES[0] else f"/{self.page}"

    @property
    def query(self) -> str:
        """What the address asks for, from its ``?`` on."""
        pairs = [
            *([("from", self.first.isoformat())] if self.first else []),
            *([("to", self.last.isoformat())] if self.last else []),
            *([("compare", self.compare)] if self.compare != COMPARISONS[0] else []),
            ("lang", self.language),
            *([("theme", self.theme)] if self.theme != "light" else []),
            *sorted((key, value) for key, value in self.filters.items() if value),
        ]
        return "?" + urlencode(pairs)

    @property
    def href(self) -> str:
        """The address."""
        return self.path + self.query


def read_view(path: str, query: str, language: Language = "en") -> View | None:
    """The view that an address names; None where there is no such page.

    What an address says wrong is left out and kept as ``unread``, so that an old or mistyped link still opens and the
    page can report it. *language* is taken where it names none.
    """
    page = path.strip("/") or PAGES[0]
    if page not in PAGES and page != SEARCH:
        return None
    try:
        given = dict(parse_qsl(query.lstrip("?"), max_num_fields=200))
    except ValueError:  # more fields than any view has
        given = {}
    days = {key: given.pop(key, "") for key in ("from", "to")}
    first, last = map(_day, days.values())
    if first is not None and last is not None and first > last:
        first, last = last, first
    unread = {key: text for key, text in days.items() if text and _day(text) is None}
    compare, lang, theme = given.pop("compare", ""), given.pop("lang", ""), given.pop("theme", "")
    if compare and compare not in COMPARISONS:
        unread["compare"] = compare
    filters = {
        key: value[: _LONGEST.get((page, key), _LONGEST_VALUE)]
        for key, value in list(given.items())[:_MOST_KEYS]
        if value
    }
    return View(
        page,
        first,
        last,
        compare if compare in COMPARISONS else COMPARISONS[0],
        lang if lang in ("zh", "en") else language,  # type: ignore[arg-type]
        "dark" if theme == "dark" else "light",
        filters,
        {key: text[:_LONGEST_VALUE] for key, text in unread.items()},
    )


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def preset_days(preset: str, earliest: dt.date, newest: dt.date) -> tuple[dt.date, dt.date]:
    """The days of one of PRESETS, where *newest* is the newest day there is; never before *earliest*."""
    if preset == "all":
        return earliest, newest
    if preset == "month":
        first, last = newest.replace(day=1), newest
    elif preset == "last_month":
        last = newest.replace(day=1) - dt.timedelta(days=1)
        first = last.replace(day=1)
    else:
        days = int(preset) - 1 if preset != "day" else 0
        first, last = newest - min(dt.timedelta(days=days), newest - dt.date.min), newest
    first = max(first, earliest)
    return first, max(last, first)


def compared_days(first: dt.date, last: dt.date, compare: Comparison) -> tuple[dt.date, dt.date] | None:
    """The earlier days that *first* to *last* are compared with, of the same weekdays; None without a comparison.

    A shop's Sundays differ from its Mondays: the days before are moved by whole weeks, so that like meets like.
    """
    if compare == "none":
        return None
    length = (last - first).days + 1
    back = dt.timedelta(days=364 * -(-length // 364) if compare == "year" else 7 * -(-length // 7))
    try:
        return first - back, last - back
    except OverflowError:
        return None
