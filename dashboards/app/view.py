"""The view: what the URL of a page asks for.

Here: page, days, comparison, slice, language, theme and filters as one value, parsed from a URL and written to one.
Not here: the computed days (``dashboards.app.marts``), the contents of pages (``dashboards.app.pages``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from dashboards.numbers import Language
from dashboards.slices import DIMENSIONS, OF_ITEMS, OF_VISITS

Theme = Literal["light", "dark"]
Comparison = Literal["previous", "year", "none"]

PAGES = (
    "overview", "entrances", "slots", "experiments", "channels", "models", "journeys", "paths", "modules", "funnel",
    "retention", "products", "customers", "plan", "views", "quality", "alerts", "sql",
)  # fmt: skip
"""The pages in menu order; the first is the start page."""

WITHOUT_DAYS = frozenset({"plan", "views", "alerts", "sql", "search"})
"""Pages without a date range."""

PARTS_WITHOUT_DAYS = frozenset({("quality", "files"), ("quality", "checks"), ("quality", "lineage")})
"""Parts (page, part) without a date range, of pages that have one elsewhere."""

COMPARING = frozenset({"overview", "entrances", "slots", "channels", "models", "journeys", "funnel"})
"""Pages that compare the selected days with earlier ones; the page of one product does too."""

AS_OF = {"products": "sku", "customers": "user"}
"""Page of figures as of a day → the filter that selects one product or customer.

With this filter the page instead shows figures of the selected days.
"""

AS_OF_PARTS = {"journeys": ("paths",), "models": ("effects",)}
"""Page → those of its parts that show figures as of a day."""

OF_TOUCHES = frozenset({"channels", "models", "journeys"})
"""Pages whose figures for a day depend on touches of earlier days."""

OF_EVENTS = OF_TOUCHES | {"funnel"}
"""Pages that compare only days with recorded events; orders alone are not enough."""

SLICED: Mapping[str, tuple[str, ...]] = {
    "overview": DIMENSIONS,
    "entrances": (*OF_VISITS, "category", "brand"),
    "slots": DIMENSIONS,
    "channels": ("platform", "customers", "segment", *OF_ITEMS),
    "models": ("platform", "customers", "segment", *OF_ITEMS),
    "journeys": ("platform", "customers", "segment", *OF_ITEMS),
    "paths": DIMENSIONS,
    "modules": (*OF_VISITS, "category", "brand"),
    "funnel": DIMENSIONS,
    "retention": DIMENSIONS,
    "products": ("category", "brand"),
    "customers": ("platform", "channel", *OF_ITEMS),
    "quality": ("platform",),
}
"""Page → the dimensions by which it can be filtered; the user guide says why it does not offer the others."""

_OF_SALES = (
    "core.visitors", "core.order_lines", "core.paid_orders", "core.order_profiles",
    "attribution.attributed_sales", "attribution.visitor_ends",
)  # fmt: skip
_OF_EVENTS = (*_OF_SALES, "core.events", "attribution.attributed_events")
_OF_PATHS = (*_OF_EVENTS, "attribution.path_steps")
SLICES_READ: Mapping[str, tuple[str, ...]] = {
    "overview": (*_OF_SALES, "attribution.visitor_slots"),
    "entrances": (*_OF_SALES, "attribution.visitor_slots"),
    "slots": (*_OF_SALES, "attribution.visitor_slots"),
    "channels": (*_OF_SALES, "core.sessions", "attribution.touch_credits"),
    "models": (*_OF_SALES, "attribution.visitor_slots", "attribution.touch_credits"),
    "journeys": (*_OF_SALES, "attribution.paths", "attribution.touch_credits"),
    "paths": _OF_PATHS,
    "modules": _OF_PATHS,
    "funnel": _OF_SALES,
    "retention": _OF_SALES,
    "customers": _OF_SALES,
    "quality": _OF_EVENTS,
}
"""Page → the tables that it reads only when it is filtered; a large shop's may be missing in the dashboards' copy."""

PRODUCTS_READ: Mapping[str, tuple[str, ...]] = {"funnel": ("core.events", "attribution.attributed_events")}
"""Page → the tables that it reads only when it is filtered by category or brand."""

BROKEN_DOWN = frozenset({"overview", "entrances", "slots", "channels", "products", "customers", "quality"})
"""Pages that can be broken down by each of their dimensions; the funnel has its own control for this."""

SEARCH = "search"
"""The page of search results, which is not in the menu."""

COMPARISONS: tuple[Comparison, ...] = ("previous", "year", "none")
PRESETS = ("day", "7", "14", "28", "90", "month", "last_month", "all")
"""Date presets; a number is a number of days up to the newest day."""

LONGEST_QUERY_IN_ADDRESS = 3_000
"""Maximum characters of an SQL query in a URL: servers and messengers cut longer URLs."""

SLICE = "in."
"""The keys of a slice in a URL begin with this: ``in.platform=ios&in.platform=web``."""

_LONGEST_VALUE = 200
_SEVERAL = frozenset({("sql", "y")})
"""Filters with several values: the URL repeats the key; in the filter each value is on a line of its own."""
_LONGEST = {("sql", "q"): LONGEST_QUERY_IN_ADDRESS, ("sql", "y"): 2_000, ("alerts", "what"): 3_000}
_MOST_KEYS = 24
_MOST_VALUES = 30
"""Maximum values of a dimension; the URL's further values are ignored."""


@dataclass(frozen=True)
class View:
    """What a URL asks for.

    Attributes:
        page: One of PAGES, or SEARCH.
        first, last: The days shown, both included; None: the URL has none.
        period: One of PRESETS, which gives the days if the URL has none; '': the page's default.
        compare: One of COMPARISONS.
        language, theme: The page's language and colours.
        filters: The page's own choices, by key; choices equal to the page's default are omitted.
        slice: Dimension → its chosen values; kept from page to page, also on pages that do not offer the dimension.
        by: The dimension by which the page is broken down; '': none.
        unread: Invalid values of the URL's dates and comparison, by key; the page reports them.
    """

    page: str = PAGES[0]
    first: dt.date | None = None
    last: dt.date | None = None
    compare: Comparison = "previous"
    language: Language = "en"
    theme: Theme = "light"
    filters: Mapping[str, str] = field(default_factory=dict)
    slice: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    by: str = ""
    unread: Mapping[str, str] = field(default_factory=dict, compare=False)
    period: str = ""

    def get(self, key: str, default: str = "") -> str:
        """The value of the filter *key*."""
        return self.filters.get(key, default)

    @property
    def is_of_days(self) -> bool:
        """Whether the page has a date range; on other pages the selected days change nothing."""
        return self.page not in WITHOUT_DAYS and (self.page, self.get("part")) not in PARTS_WITHOUT_DAYS

    @property
    def compares(self) -> bool:
        """Whether the page compares days; other pages neither offer nor mention a comparison."""
        of_one = self.page == "products" and bool(self.get("sku"))
        return of_one or (self.page in COMPARING and not self.is_as_of)

    @property
    def is_as_of(self) -> bool:
        """Whether the page shows figures as of the last day, over their own periods, instead of the days shown."""
        if self.page in AS_OF:
            return not self.get(AS_OF[self.page])
        return self.get("part") in AS_OF_PARTS.get(self.page, ())

    def to(self, page: str | None = None, **filters: str | None) -> View:
        """The view of *page* (default: this page) with *filters* changed; None removes a filter.

        A view of another page starts without the filters of this page.
        """
        kept = dict(self.filters) if page in (None, self.page) else {}
        kept |= {key: value for key, value in filters.items() if value is not None}
        for key, value in filters.items():
            if value is None:
                kept.pop(key, None)
        return replace(self, page=page or self.page, filters=kept)

    def sliced(self, **values: tuple[str, ...]) -> View:
        """The same view with other *values* of some dimensions; an empty tuple removes a dimension's filter."""
        chosen = {name: found for name, found in {**self.slice, **values}.items() if found}
        return replace(self, slice=chosen)

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions that the page can be filtered by.

        The pages of one product and of one customer have none; that of one entrance has only the dimensions of visits,
        because impressions of slots have no product. A page view and an order have no entrance at which a funnel could
        begin.
        """
        if (self.page == "products" and self.get("sku")) or (self.page == "customers" and self.get("user")):
            return ()
        if self.page == "entrances" and self.get("entrance"):
            return OF_VISITS
        if self.page == "funnel" and self.get("s1").startswith(("page:", "order")):
            return tuple(name for name in DIMENSIONS if name != "entrance")
        return SLICED.get(self.page, ())

    @property
    def has_breakdown(self) -> bool:
        """Whether the page can be broken down; the page of one entrance, channel, product or customer cannot."""
        return self.page in BROKEN_DOWN and not any(map(self.get, ("entrance", "channel", "sku", "user")))

    def over(self, first: dt.date, last: dt.date) -> View:
        """The same view over other days."""
        return replace(self, first=first, last=last)

    @property
    def path(self) -> str:
        """The path of the URL."""
        return "/" if self.page == PAGES[0] else f"/{self.page}"

    @property
    def query(self) -> str:
        """The query string of the URL, with its ``?``."""
        pairs = [
            *([("from", self.first.isoformat())] if self.first else []),
            *([("to", self.last.isoformat())] if self.last else []),
            *([("period", self.period)] if self.period and not (self.first and self.last) else []),
            *([("compare", self.compare)] if self.compare != COMPARISONS[0] else []),
            ("lang", self.language),
            *([("theme", self.theme)] if self.theme != "light" else []),
            *((SLICE + name, value) for name in DIMENSIONS for value in self.slice.get(name, ())),
            *([("breakdown", self.by)] if self.by else []),
            *(
                (key, value)
                for key, values in sorted(self.filters.items())
                for value in (values.splitlines() if (self.page, key) in _SEVERAL else [values])
                if value
            ),
        ]
        return "?" + urlencode(pairs)

    @property
    def href(self) -> str:
        """The URL."""
        return self.path + self.query


def read_view(path: str, query: str, language: Language = "en") -> View | None:
    """The view of a URL; None if there is no such page.

    Invalid values are ignored and kept in ``unread``, so that an old or mistyped link still opens and the page can
    report them. *language* is the default language.
    """
    page = path.strip("/") or PAGES[0]
    if page not in PAGES and page != SEARCH:
        return None
    try:
        pairs = parse_qsl(query.lstrip("?"), max_num_fields=200)
    except ValueError:  # too many fields for any view, so ignore all of them
        pairs = []
    given = {key: value for key, value in pairs if not key.startswith(SLICE)}
    given |= {key: "\n".join(_values(pairs, key)) for of_page, key in _SEVERAL if of_page == page and given.get(key)}
    if page == "products" and (category := given.pop("category", "")):  # old links, made before filters existed
        pairs.append((f"{SLICE}category", category))
    days = {key: given.pop(key, "") for key in ("from", "to")}
    first, last = map(_day, days.values())
    if first is not None and last is not None and first > last:
        first, last = last, first
    unread = {key: text for key, text in days.items() if text and _day(text) is None}
    keys = ("compare", "lang", "theme", "breakdown", "period")
    compare, lang, theme, by, period = (given.pop(key, "") for key in keys)
    if compare and compare not in COMPARISONS:
        unread["compare"] = compare
    if by and by not in DIMENSIONS:
        unread["breakdown"] = by
    if period and period not in PRESETS:
        unread["period"] = period
    unread |= {key: key for key, _ in pairs if key.startswith(SLICE) and key[len(SLICE) :] not in DIMENSIONS}
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
        {name: found for name in DIMENSIONS if (found := _values(pairs, SLICE + name))},
        by if by in DIMENSIONS else "",
        {key: text[:_LONGEST_VALUE] for key, text in unread.items()},
        period if period in PRESETS else "",
    )


def _values(pairs: Sequence[tuple[str, str]], key: str) -> tuple[str, ...]:
    found = dict.fromkeys(value[:_LONGEST_VALUE] for name, value in pairs if name == key and value)
    return tuple(found)[:_MOST_VALUES]


def _day(text: str) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def preset_days(preset: str, earliest: dt.date, newest: dt.date) -> tuple[dt.date, dt.date]:
    """First and last day of the period *preset* (one of PRESETS), counted back from *newest*.

    Neither is before *earliest*.
    """
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
    """First and last comparison day for the days *first* to *last*, with the same weekdays; None for no comparison.

    A shop's Sundays differ from its Mondays, so the comparison days are a multiple of seven days earlier.
    """
    if compare == "none":
        return None
    length = (last - first).days + 1
    back = dt.timedelta(days=364 * -(-length // 364) if compare == "year" else 7 * -(-length // 7))
    try:
        return first - back, last - back
    except OverflowError:
        return None
