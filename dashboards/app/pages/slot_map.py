"""The slot map: the slots of a page at their places, coloured by a metric; and the slots of all entrances in one table.

Here: the blocks of this page, the values of the map.
Not here: drawing the map (``dashboards.app.page_map``), the page of one slot (``dashboards.app.pages.slot``).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboards.app.cards import metric_card
from dashboards.app.context import Context
from dashboards.app.marks import clean, marks
from dashboards.app.page_map import PageMap, Place, Spot, page_map
from dashboards.app.pages.one_course import chosen_metric, metric_choice
from dashboards.app.pages.slots import (
    SLOT_KEYS,
    content_name,
    module_name,
    page_name,
    slot_key,
    slot_name,
    thumbnail,
)
from dashboards.app.sparkline import sparkline
from dashboards.blocks import Block, Cards, Choice, Column, Controls, Option, Part, Picture, Row, Table, Text
from dashboards.columns import arrowed, change, definition, metric, text, with_changes
from dashboards.metrics import full_text, is_rate, short_text
from dashboards.numbers import NONE
from dashboards.queries import query
from pipelines.config_tables import contents_of, pages_of
from pipelines.home.errors import HeadwaterError
from pipelines.sqlproject.metrics import known_metric

METRICS = ("revenue", "impressions", "slot_click_rate", "revenue_per_mille_impressions", "orders")
"""The metrics that can colour the map; the first is the default."""

FEW = 100
"""A slot with fewer impressions has too few for a rate: chance alone would make it the best or the worst."""

_MOST_PARTS = 92
"""The longest course by day; over more days each point is a week."""


def slot_map(context: Context) -> Sequence[Block]:
    """The totals of a page's slots, its map, and the slots of all entrances in one table."""
    locale, view = context.locale, context.view
    faults = file_faults(context)
    types = _page_types(context)
    if not types:
        return [*faults, Text(locale.text("slot_map.none"), "missing")]
    page_type = view.get("page_type") if view.get("page_type") in types else types[0]
    name = chosen_metric(context, "metric", METRICS)
    is_change = context.days.is_recorded_then and view.get("colour") == "change"
    pages = tuple(Option(key, page_name(context, key)) for key in types)
    controls = [
        Choice("page_type", locale.text("column.page"), pages, page_type, default=types[0]),
        metric_choice(locale, "metric", METRICS, name),
    ]
    if context.days.is_recorded_then:
        ways = tuple(Option(way, locale.text(f"slot_map.colour.{way}")) for way in ("value", "change"))
        way = "change" if is_change else "value"
        controls.append(Choice("colour", locale.text("slot_map.colour"), ways, way, default="value"))
    parts: list[Block] = [*faults, Controls(tuple(controls))]
    if not context.computed_days:
        return [*parts, context.nothing_there("empty.days")]
    places = with_changes(_beside(context, "slot_map.places", page_type=page_type), *METRICS)
    shown = Map(context, page_type, name, places, is_change=is_change) if places else None
    return [
        Text(locale.text("slot_map.title_of", page=page_name(context, page_type)), "title"),
        *parts,
        *([_cards(context, page_type), shown.block()] if shown else [Text(locale.text("slot_map.quiet"), "missing")]),
        _ranking(context, name),
    ]


def is_few(row: Row, name: str) -> bool:
    """Whether a slot has too few impressions for the metric *name*; never for a count or an amount."""
    return known_metric(name).is_ratio and row["impressions"] < FEW


def file_faults(context: Context) -> list[Text]:
    """A warning for each of pages.yaml and contents.csv that has a fault; the page is shown without it."""
    found = []
    for read in (pages_of, contents_of):
        try:
            read(context.whole.home)
        except HeadwaterError as error:
            found.append(Text(context.locale.text("slot_map.fault", fault=str(error)), "warning"))
    return found


def _page_types(context: Context) -> list[str]:
    """The page types with slots in the data: first those of pages.yaml in its order, then those with the most sales."""
    known = [row["head_page_type"] for row in context.whole.rows(query("slot_map.page_types"))]
    named = [page_type for page_type in context.shop_pages if page_type in known]
    return [*named, *(page_type for page_type in known if page_type not in named)]


def _beside(context: Context, name: str, **parameters: object) -> list[dict[str, Any]]:
    """The rows of the query *name* for these days, with ``<metric>_before`` of the comparison days.

    A slot that has figures only on the comparison days is left out. A count or an amount that a slot did not have then
    is 0; a ratio is None.
    """
    rows = context.rows(query(name), **parameters)
    before = {_place(row): row for row in rows if row["is_before"]}
    found = []
    for row in rows:
        if not row["is_before"]:
            earlier = before.get(_place(row), {})
            nothing = {key: None if known_metric(key).is_ratio else 0 for key in METRICS}
            found.append(row | {f"{key}_before": earlier.get(key, nothing[key]) for key in METRICS})
    return found


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """What identifies a row of these days and of the comparison days: a slot, of an entrance or of all entrances."""
    keys = SLOT_KEYS[1:] if "entrances" in row else SLOT_KEYS
    return tuple(row.get(key) for key in keys)


def _cards(context: Context, page_type: str) -> Cards:
    rows = {row["is_before"]: row for row in context.rows(query("slot_map.total"), page_type=page_type)}
    then = rows.get(True) if context.days.is_recorded_then else None
    return Cards(tuple(metric_card(context.locale, name, rows[False], then) for name in METRICS))


class Map:
    """The map of one page, from the figures of its slots."""

    def __init__(
        self, context: Context, page_type: str, name: str, rows: Sequence[dict[str, Any]], *, is_change: bool
    ) -> None:
        """The map of *page_type*, coloured by the metric *name*, or by its change if *is_change*.

        *rows* are the slots with their changes, at least one.
        """
        self.context, self.page_type, self.name, self.is_change = context, page_type, name, is_change
        self.rows = rows
        self.page = context.shop_pages.get(page_type)
        self.contents: dict[Place, Mapping[str, Any]] = {
            (row["head_module"], row["head_slot"]): row
            for row in context.rows(query("slot_map.contents"), page_type=page_type)
        }
        self.has_changes = context.days.is_recorded_then
        self._change = change(context.locale, name)
        self._most = max((abs(self._size(row)) for row in rows if not is_few(row, name)), default=0.0)

    def block(self) -> Part:
        """The card with the map."""
        locale = self.context.locale
        title = locale.text("slot_map.map", metric=locale.text.name("metric", self.name))
        parts: list[Any] = [
            html.H3(title),
            html.P(clean(locale.text.joined(self._days(), definition(locale, self.name))), className="definition"),
            self._legend(),
            page_map(self.shown()),
        ]
        if any(is_few(row, self.name) for row in self.rows):
            parts.append(html.P(locale.text("slot_map.few.about", n=FEW), className="note"))
        if any(row["entrances"] > 1 for row in self.rows):
            parts.append(html.P(locale.text("slot_map.entrances"), className="note"))
        return Part(html.Section(parts, className="card wide", id="map", **marks({"aria-label": clean(title)})))

    def shown(self) -> PageMap:
        """What the map shows."""
        locale = self.context.locale
        spots = {(row["head_module"], row["head_slot"]): self._spot(row) for row in self.rows}
        named = [one.module for one in self.page.modules] if self.page else []
        modules = [*named, *sorted({place[0] for place in spots} - set(named))]
        names = {module: module_name(self.context, self.page_type, module) for module in modules}
        return PageMap(self.page, spots, names, locale.text("slot_map.empty"), locale.text("slot_map.elsewhere"))

    def _size(self, row: Row) -> float:
        """The figure of a slot that its colour stands for; the largest has the full colour."""
        if not self.is_change:
            return float(row[self.name] or 0)
        found: float | None = row[f"{self.name}_change"]
        if found is None:  # new, gone, or no ratio
            is_new = not is_rate(self.name) and bool(row[self.name]) and not row[f"{self.name}_before"]
            return 1.0 if is_new else 0.0
        return found if is_rate(self.name) else max(-1.0, min(1.0, found))

    @property
    def _is_even(self) -> bool:
        """Whether the colour grows evenly with the value: so it does for ratios and changes.

        For counts and amounts it grows with their square root, because one slot often has many times what others have,
        which would all look empty.
        """
        return self.is_change or known_metric(self.name).is_ratio

    def _heat(self, row: Row) -> float | None:
        if is_few(row, self.name):
            return None
        share = self._size(row) / self._most if self._most else 0.0
        return share if self._is_even else math.sqrt(max(share, 0.0))

    def _spot(self, row: Row) -> Spot:
        context, locale, name = self.context, self.context.locale, self.name
        called = slot_name(context, row)
        value, full = short_text(locale.numbers, name, row[name]), full_text(locale.numbers, name, row[name])
        changed = self._changed(row)
        figures = [f"{locale.text.name('metric', key)}: {full_text(locale.numbers, key, row[key])}" for key in METRICS]
        content = self.contents.get((row["head_module"], row["head_slot"]))
        picture = thumbnail(context, content["head_content_id"]) if content else None
        label = f"{called}: {locale.text.name('metric', name)} {full}"
        few = [locale.text("slot_map.few", n=FEW)] if is_few(row, name) else []
        return Spot(
            called,
            value,
            changed,
            self._heat(row),
            context.view.to("entrances", entrance=row["entrance_id"], slot=slot_key(row)).href,
            f"{label}, {locale.text('column.change')} {self._change.cell(row)}" if changed else label,
            "\n".join([called, *([self._content_text(content)] if content else []), *figures, *few]),
            picture.src if picture else "",
        )

    def _changed(self, row: Row) -> str:
        """The change, without the unit of a difference of rates, which the caption says; '' if there is none."""
        if not self.has_changes:
            return ""
        numbers, before = self.context.locale.numbers, row[f"{self.name}_before"]
        found = arrowed(numbers.points(row[self.name], before)) if is_rate(self.name) else self._change.cell(row)
        return "" if found == NONE else found

    def _content_text(self, content: Mapping[str, Any]) -> str:
        name, number = content_name(self.context, content["head_content_id"]), content["contents"]
        if number == 1:
            return name
        return self.context.locale.text("slot_map.contents", content=name, n=number - 1)

    def _days(self) -> str:
        text, days = self.context.locale.text, self.context.days
        said = text("range.days", first=days.first, last=days.last, days=text.days(days.number))
        if not self.has_changes:
            return said
        key = "slot_map.compared_points" if is_rate(self.name) else "slot_map.compared"
        return text.joined(said, text(key, first=days.then_first, last=days.then_last))

    def _legend(self) -> Component:
        """Which colour means what: from 0 over the value of half the colour to the largest, or lower and higher."""
        text, numbers = self.context.locale.text, self.context.locale.numbers

        def bar(kind: str) -> Component:
            return html.Span(className=f"scale {kind}", **marks({"aria-hidden": "true"}))

        if self.is_change:
            ends = (html.Span(text("slot_map.less")), html.Span(text("slot_map.more")))
            return html.P([ends[0], bar("less"), bar("more"), ends[1]], className="legend")
        steps = (0, self._most / (2 if self._is_even else 4), self._most)
        none, half, most = (html.Span(short_text(numbers, self.name, step)) for step in steps)
        return html.P([none, bar("low"), half, bar("high"), most], className="legend")


def _ranking(context: Context, name: str) -> Table:
    """The slots of all entrances, those with the highest value of the metric *name* first."""
    locale, view = context.locale, context.view
    names = context.entrance_names()
    rows = with_changes(_beside(context, "slot_map.slots"), *METRICS)
    rows.sort(key=lambda row: (row[name] is None, is_few(row, name), -(row[name] or 0)))
    length, courses = _courses(context, name)
    for row in rows:
        row |= {
            "name": slot_name(context, row),
            "entrance": names.get(row["entrance_id"], row["entrance_id"]),
            "course": courses.get(tuple(row[key] for key in SLOT_KEYS), []),
        }
    total = with_changes(_beside(context, "slot_map.all_slots"), *METRICS)
    others = [
        key
        for key in (
            "impressions", "clicks", "slot_click_rate", "orders", "order_lines", "revenue", "net_revenue", "margin",
            "revenue_per_mille_impressions",
        )
        if key != name
    ]  # fmt: skip
    columns = [
        text(
            locale.text("column.place"),
            "name",
            href=lambda row: view.to("entrances", entrance=row["entrance_id"], slot=slot_key(row)).href,
        ),
        text(
            locale.text("column.entrance"),
            "entrance",
            href=lambda row: view.to("entrances", entrance=row["entrance_id"]).href,
        ),
        metric(locale, name),
        *([change(locale, name)] if context.days.is_recorded_then else []),
        _course_column(context, name, length),
        *(metric(locale, key) for key in others),
    ]
    without = total[0]["revenue_without_slot"] if total else None
    notes: tuple[str, ...] = ()
    if without:
        notes = (locale.text("slot_map.without", revenue=full_text(locale.numbers, "revenue", without)),)
    return Table(
        "slots",
        locale.text("slot_map.all"),
        columns,
        rows,
        locale.text("slots.about"),
        {**total[0], "name": locale.text("total"), "entrance": None, "course": []} if total else None,
        (*notes, *([locale.text("slot_map.few.last", n=FEW)] if any(is_few(row, name) for row in rows) else [])),
        is_wide=True,
        keys=SLOT_KEYS,
    )


def _courses(context: Context, name: str) -> tuple[int, dict[tuple[Any, ...], list[float | None]]]:
    """The days that a point of a course stands for, and the course of the metric *name* of each slot.

    A point without figures is None if none of its days is computed, or if the metric is a ratio; else 0.
    """
    days = context.days
    length = 1 if days.number <= _MOST_PARTS else 7
    parts = -(-days.number // length)
    computed = {(day - days.first).days // length for day in context.copy.days if days.first <= day <= days.last}
    nothing = None if known_metric(name).is_ratio else 0
    courses: dict[tuple[Any, ...], list[float | None]] = {}
    for row in context.rows(query("slot_map.courses"), length=length):
        key = tuple(row[part] for part in SLOT_KEYS)
        course = courses.setdefault(key, [nothing if nth in computed else None for nth in range(parts)])
        course[row["nth"]] = row[name]
    return length, courses


def _course_column(context: Context, name: str, length: int) -> Column:
    """A line of the metric *name* by day in each cell; files have its values, separated by blanks."""
    locale = context.locale
    key = "slot_map.course" if length == 1 else "slot_map.course.weeks"

    def short(value: float) -> str:
        return short_text(locale.numbers, name, value)

    def picture(row: Row) -> Picture | None:
        course = row["course"]
        known = [value for value in course if value is not None]
        if not known:
            return None
        ends = {"low": short(min(known)), "high": short(max(known)), "last": short(known[-1])}
        words = locale.text("slot_map.course.words", **ends)
        return Picture(sparkline(course, context.view.theme), words, 104)

    return Column(
        locale.text(key, metric=locale.text.name("metric", name)),
        lambda row: "",
        is_text=True,
        field="course",
        read=lambda row: " ".join("" if value is None else f"{value:.10g}" for value in row["course"]),
        picture=picture,
        is_sortable=False,
    )
