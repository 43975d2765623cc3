"""The input of a page: the view, the tables, the language and the user.

Here: the view's days and the comparison days, the tables in the view's slice.
Not here: queries of pages.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from dashboards.access.users import Role
from dashboards.app.marts import Copy
from dashboards.app.view import OF_EVENTS, OF_TOUCHES, PRODUCTS_READ, SLICES_READ, View, compared_days
from dashboards.blocks import Block, Text
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.slices import Slice
from pipelines.config_tables import contents_of, pages_of
from pipelines.config_tables.contents import Content
from pipelines.config_tables.pages import ShopPage
from pipelines.home.errors import HeadwaterError

_DETAILS = ("core.visitors", "core.sessions", "attribution.attributed_sales", "attribution.paths")
_OF_NEW_VISITORS = frozenset({"funnel", "retention"})
"""Pages that show new visitors. Whether a visitor is new is known only from a year after the first kept event on."""

_OF_TOTALS = frozenset({"models"})
"""Pages that need only totals by day unless they are filtered, so older days whose details are deleted are enough."""


@dataclass(frozen=True)
class Days:
    """The days shown and the comparison days.

    Attributes:
        first, last: The days shown.
        then_first, then_last: The comparison days; None if the view or its page has no comparison.
        is_recorded_then: Whether the shop's records cover the comparison days and the look-back days before them.
        window_days: The lookback window: touches up to this many days before an order are credited with it. 0 on pages
            that are not about touches.
        start: The first day of the records that the page needs; None if nothing is computed.
    """

    first: dt.date
    last: dt.date
    then_first: dt.date | None
    then_last: dt.date | None
    is_recorded_then: bool
    window_days: int = 0
    start: dt.date | None = None

    @property
    def number(self) -> int:
        """The number of days shown."""
        return (self.last - self.first).days + 1


@dataclass(frozen=True)
class Context:
    """One request for a page.

    Attributes:
        view: The view of the URL, with the days filled in.
        whole: The tables without the view's filters; ``copy`` applies them.
        role: The user's role.
        now: The time of the request.
        user: The user's name.
    """

    view: View
    whole: Copy
    role: Role
    now: dt.datetime
    user: str = ""

    @cached_property
    def copy(self) -> Copy:
        """The tables; if the view is filtered, only the rows in its slice, and only the customers who are in it."""
        return self.whole.in_slice(self.part()) if self.slice else self.whole

    def part(self, by: str | None = None) -> Slice:
        """The view's slice. Tables read through it have the dimension *by*, if any, as an additional column."""
        kind: Literal["rows", "customers"] = "customers" if self.view.page == "customers" else "rows"
        return Slice(self.slice, self.segments_on, by, kind if self.slice else "rows")

    @cached_property
    def dimensions(self) -> tuple[str, ...]:
        """The dimensions by which the page can be filtered, except those for which the copy lacks a table."""
        page, has = self.view.page, self.whole.has
        if not all(map(has, SLICES_READ.get(page, ()))):
            return ()
        has_products = all(map(has, PRODUCTS_READ.get(page, ())))
        return tuple(name for name in self.view.dimensions if has_products or name not in ("category", "brand"))

    @cached_property
    def slice(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The chosen values of the page's ``dimensions``; those of other dimensions are ignored."""
        return tuple((name, self.view.slice[name]) for name in self.dimensions if name in self.view.slice)

    @property
    def is_broken_down(self) -> bool:
        """Whether the page is broken down by one of its ``dimensions``."""
        return self.view.has_breakdown and self.view.by in self.dimensions

    @cached_property
    def segments_on(self) -> dt.date | None:
        """The day whose segments a slice reads: the latest one with segments up to the last day shown."""
        assert self.view.last is not None
        return max((day for day in self.whole.days_of("customers.rfm") if day <= self.view.last), default=None)

    @cached_property
    def locale(self) -> Locale:
        """The language and currency of texts and figures."""
        return Locale(self.view.language, self.whole.settings.currency)

    @cached_property
    def days(self) -> Days:
        """The days shown and the comparison days."""
        assert self.view.first is not None
        assert self.view.last is not None
        asked = self.view.compare if self.view.compares else "none"
        then = compared_days(self.view.first, self.view.last, asked)
        days, window = self.copy.days, 0
        if self.view.page in OF_EVENTS:
            days = self.copy.days_of("core.traffic_daily") or days
        start = days[0] if days else None
        if start and self.details_from and (self.slice or self.view.page in OF_EVENTS - _OF_TOTALS):
            start = max(start, self.details_from)
        if self.view.page in OF_TOUCHES:
            # Orders soon after the first event lack touches from before it, so they cannot be compared with later ones.
            window = self.copy.settings.touch.window_days
        is_recorded = then is not None and start is not None and then[0] - dt.timedelta(days=window) >= start
        then_first, then_last = then or (None, None)
        return Days(self.view.first, self.view.last, then_first, then_last, is_recorded, window, start)

    @cached_property
    def details_from(self) -> dt.date | None:
        """The first day with rows for single visitors, sessions, paths and sales; None if every day has them.

        On earlier days their events are deleted (``retention.events_days``), and only totals are left.
        """
        tables = (*_DETAILS, "core.first_visits") if self.view.page in _OF_NEW_VISITORS else _DETAILS
        found = self.whole.first_days
        return max((found[table] for table in tables if table in found), default=None)

    @property
    def has_deleted_days(self) -> bool:
        """Whether single visitors, sessions, paths or sales of some of the days shown are deleted."""
        return self.details_from is not None and self.days.first < self.details_from

    def rows(self, sql: str, **more: object) -> list[dict[str, Any]]:
        """The rows of *sql*, with *more* as further parameters.

        ``$first`` and ``$last`` are the days shown, ``$then_first`` and ``$then_last`` the comparison days; if the shop
        has no records of the comparison days, both parameters are a day before all data. ``$language`` is the view's
        language.
        """
        return self.copy.rows(sql, **self._parameters(), **more)

    def one(self, sql: str, **more: object) -> dict[str, Any]:
        """The row of *sql*, which returns exactly one; see ``rows``."""
        return self.copy.one(sql, **self._parameters(), **more)

    def _parameters(self) -> dict[str, object]:
        days = self.days
        far = dt.date.min
        return {
            "first": days.first,
            "last": days.last,
            "then_first": days.then_first if days.is_recorded_then else far,
            "then_last": days.then_last if days.is_recorded_then else far,
            "language": self.view.language,
        }

    @property
    def is_outside(self) -> bool:
        """Whether all days shown are before the first computed day, or after the last one."""
        return self.days.last < self.copy.days[0] or self.days.first > self.copy.days[-1]

    @property
    def said_days(self) -> str:
        """The sentence that says which days are shown."""
        text, days = self.locale.text, self.days
        if days.number == 1:
            return text("range.day", day=days.first, weekday=text.date("date.weekday", days.first))
        return text("range.days", first=days.first, last=days.last, days=text.days(days.number))

    @property
    def computed_days(self) -> int:
        """The number of days shown that are computed."""
        return sum(self.days.first <= day <= self.days.last for day in self.copy.days)

    def nothing_there(self, key: str) -> Text:
        """The message that there are no data on the days shown.

        The message is the text of *key*, with the command that computes the days. If the days lie outside the computed
        days, or their details are deleted, the message says that instead.
        """
        text, days = self.locale.text, self.days
        start, end = self.copy.days[0], self.copy.days[-1]
        if self.is_outside:
            newest = replace(self.view, first=None, last=None, period="")
            return Text(text("empty.outside", start=start, end=end), "missing", href=newest.href)
        if self.details_from is not None and days.last < self.details_from:
            return Text(text("empty.deleted", day=self.details_from), "missing")
        return Text(text(key), "missing", f"headwater run --from {days.first} --to {days.last}")

    def entrance_names(self) -> dict[str, str]:
        """Display name of each entrance_id, from the configuration and from the data.

        It includes the pseudo-entrances ``(direct)`` and ``(unattributed)``.
        """
        names = {
            row["entrance_id"]: row[f"name_{self.view.language}"] or row["entrance_id"]
            for row in self.whole.rows(query("entrances.names"))
        }
        return names | {key: self.locale.text.name("entrance", key) for key in ("(direct)", "(unattributed)")}

    @cached_property
    def shop_pages(self) -> Mapping[str, ShopPage]:
        """page_type → its page in pages.yaml; empty if the file has a fault, which the slot map reports."""
        try:
            return pages_of(self.whole.home)
        except HeadwaterError:
            return {}

    @cached_property
    def contents(self) -> Mapping[str, Content]:
        """content_id → its names and picture; empty if contents.csv has a fault, which the slot map reports."""
        try:
            return contents_of(self.whole.home)
        except HeadwaterError:
            return {}


Page = Callable[[Context], Sequence[Block]]
"""A page: a function from the context of a request to the blocks to show."""
