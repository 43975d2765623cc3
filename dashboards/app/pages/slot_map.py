"""The slot map: the slots of a page at their places, coloured by a metric.

Here: the blocks of this page, the values of the map.
Not here: drawing the map (``dashboards.app.page_map``), the table of all slots (``dashboards.app.pages.slot_ranking``),
the page of one slot (``dashboards.app.pages.slot``).
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
from dashboards.app.page_map import PageMap, Spot, page_map
from dashboards.app.pages.map_contents import Contents, chosen_contents, contents_table, slots_of
from dashboards.app.pages.one_course import chosen_metric, metric_choice
from dashboards.app.pages.slot_ranking import FEW, METRICS, beside, is_few, metrics_of, slot_ranking
from dashboards.app.pages.slots import (
    content_name,
    module_name,
    page_name,
    slot_key,
    slot_name,
    thumbnail,
)
from dashboards.blocks import Block, Cards, Choice, Controls, Group, Option, Part, Row, Text
from dashboards.columns import arrowed, change, definition, with_changes
from dashboards.metrics import full_text, is_rate, short_text
from dashboards.numbers import NONE
from dashboards.queries import query
from pipelines.config_tables import contents_of, pages_of
from pipelines.home.errors import HeadwaterError
from pipelines.sqlproject.metrics import known_metric


def slot_map(context: Context) -> Sequence[Block]:
    """The totals of a page's slots, its map, and the slots of all entrances in one table."""
    locale, view = context.locale, context.view
    faults = file_faults(context)
    types = _page_types(context)
    if not types:
        return [*faults, Text(locale.text("slot_map.none"), "missing")]
    page_type = view.get("page_type") if view.get("page_type") in types else types[0]
    metrics = metrics_of(context)
    name = chosen_metric(context, "metric", metrics)
    contents = chosen_contents(context, page_type)
    pages = tuple(Option(key, page_name(context, key)) for key in types)
    controls = [
        Choice(
            "page_type", locale.text("column.page"), pages, page_type, default=types[0], clears=("content", "against")
        ),
        metric_choice(locale, "metric", metrics, name),
        *contents.choices,
    ]
    way = "value"
    if contents.content or context.days.is_recorded_then:
        kind = "contents" if contents.content else "days"
        ways = tuple(Option(key, locale.text(f"slot_map.colour.{key}.{kind}")) for key in ("value", "change"))
        default = "change" if contents.content else "value"
        way = context.view.get("colour") if context.view.get("colour") in ("value", "change") else default
        controls.append(Choice("colour", locale.text("slot_map.colour"), ways, way, default=default))
    parts: list[Block] = [*faults, Controls(tuple(controls))]
    if not context.computed_days:
        return [*parts, context.nothing_there("empty.days")]
    places = with_changes(beside(context, "slot_map.places", page_type=page_type), *METRICS)
    if places:
        parts.append(_cards(context, page_type))
        rows = slots_of(context, page_type, contents) if contents.content else places
        shown = Map(context, page_type, name, rows, contents, is_change=way == "change").blocks()
        compared = [contents_table(context, contents, name, rows)] if contents.content else []
        others: tuple[Block, ...] = (*compared, *shown[1:], slot_ranking(context, name))
        parts += [Group((shown[0], Group(others, "stack")), "map")] if len(shown) > 1 else [*shown, *others]
    else:
        parts += [Text(locale.text("slot_map.quiet"), "missing"), slot_ranking(context, name)]
    return [Text(locale.text("slot_map.title_of", page=page_name(context, page_type)), "title"), *parts]


def file_faults(context: Context) -> list[Text]:
    """A warning for each of pages.yaml and contents.csv that is invalid; the page is shown without that file."""
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


def _cards(context: Context, page_type: str) -> Cards:
    rows = {row["is_before"]: row for row in context.rows(query("slot_map.total"), page_type=page_type)}
    then = rows.get(True) if context.days.is_recorded_then else None
    return Cards(tuple(metric_card(context.locale, name, rows[False], then) for name in metrics_of(context)))


class Map:
    """The map of one page, from the figures of its slots."""

    def __init__(
        self,
        context: Context,
        page_type: str,
        name: str,
        rows: Sequence[dict[str, Any]],
        two: Contents,
        *,
        is_change: bool,
    ) -> None:
        """The map of *page_type*, coloured by the metric *name*, or by its change if *is_change*.

        *rows* are the slots with their changes, at least one: compared with the comparison days, or one content with
        the other if *two* contents are chosen.
        """
        self.two = two
        self.context, self.page_type, self.name, self.is_change = context, page_type, name, is_change
        self.rows = rows
        self.page = context.shop_pages.get(page_type)
        showed: Sequence[Mapping[str, Any]]
        if two.content:
            one = {"head_content_id": two.content, "contents": 1}
            showed = [row | one for row in rows if row["impressions"] is not None]
        else:
            showed = context.rows(query("slot_map.contents"), page_type=page_type)
        self.contents = {(row["head_module"], row["head_slot"]): row for row in showed}
        self.has_changes = bool(two.content) or context.days.is_recorded_then
        self._change = change(context.locale, name)
        self._most = max((abs(self._size(row)) for row in rows if not self._is_few(row)), default=0.0)

    def blocks(self) -> list[Part]:
        """The card with the map, and a second card with the slots that are not on its picture, if there are any."""
        locale = self.context.locale
        title = locale.text("slot_map.map", metric=locale.text.name("metric", self.name))
        drawn = page_map(self.shown())
        parts: list[Any] = [
            html.H3(title),
            html.P(clean(locale.text.joined(self._days(), definition(locale, self.name))), className="definition"),
            self._legend(),
            html.Div(drawn[:1], className="page-map"),
        ]
        if any(self._is_few(row) for row in self.rows):
            parts.append(html.P(locale.text("slot_map.few.about", n=FEW), className="note"))
        if any(row["entrances"] > 1 for row in self.rows):
            parts.append(html.P(locale.text("slot_map.entrances"), className="note"))
        shown = [Part(html.Section(parts, className="card wide", id="map", **marks({"aria-label": clean(title)})))]
        if len(drawn) > 1:
            called = locale.text("slot_map.elsewhere")
            others = [html.H3(called), html.Div(drawn[1:], className="page-map")]
            shown.append(Part(html.Section(others, className="card wide", **marks({"aria-label": called}))))
        return shown

    def shown(self) -> PageMap:
        """What the map shows."""
        locale = self.context.locale
        spots = {(row["head_module"], row["head_slot"]): self._spot(row) for row in self.rows}
        named = [one.module for one in self.page.modules] if self.page else []
        modules = [*named, *sorted({place[0] for place in spots} - set(named))]
        names = {module: module_name(self.context, self.page_type, module) for module in modules}
        empty = locale.text("map_contents.neither" if self.two.content else "slot_map.empty")
        return PageMap(self.page, spots, names, empty)

    def _is_few(self, row: Row) -> bool:
        """Whether the slot has too few impressions to be coloured.

        A difference of two contents needs enough for both.
        """
        if is_few(row, self.name):
            return True
        then = {key: row[f"{key}_before"] for key in ("impressions", "exposures")} if self.two.content else {}
        return self.is_change and bool(then) and is_few(then, self.name)

    def _size(self, row: Row) -> float:
        """The figure of a slot that decides its colour; the slot with the largest figure has the full colour."""
        if not self.is_change:
            return float(row[self.name] or 0)
        found: float | None = row[f"{self.name}_change"]
        if found is None and self.two.content:  # only one of the two contents was shown in this slot
            return 0.0
        if found is None:  # the slot is new or was removed, or the ratio does not exist
            is_new = not is_rate(self.name) and bool(row[self.name]) and not row[f"{self.name}_before"]
            return 1.0 if is_new else 0.0
        return found if is_rate(self.name) else max(-1.0, min(1.0, found))

    @property
    def _is_even(self) -> bool:
        """Whether the colour grows linearly with the value, as it does for ratios and changes.

        For counts and amounts it grows with the square root: one slot often has many times the value of all others,
        which would then look empty.
        """
        return self.is_change or known_metric(self.name).is_ratio

    def _heat(self, row: Row) -> float | None:
        if self._is_few(row):
            return None
        share = self._size(row) / self._most if self._most else 0.0
        return share if self._is_even else math.sqrt(max(share, 0.0))

    def _spot(self, row: Row) -> Spot:
        context, locale, name = self.context, self.context.locale, self.name
        called = slot_name(context, row)
        value, full = short_text(locale.numbers, name, row[name]), full_text(locale.numbers, name, row[name])
        changed = self._changed(row)
        figures = [
            f"{locale.text.name('metric', key)}: {full_text(locale.numbers, key, row[key])}"
            for key in metrics_of(context)
        ]
        content = self.contents.get((row["head_module"], row["head_slot"]))
        picture = thumbnail(context, content["head_content_id"]) if content else None
        label = f"{called}: {locale.text.name('metric', name)} {full}"
        few = [locale.text("slot_map.few", n=FEW)] if self._is_few(row) else []
        if row.get("judged"):
            few.append(f"{locale.text('column.click_rate_change')}: {row['judged']}")
            few.append(f"{locale.text('column.against_control')}: {row['against_control']}")
        return Spot(
            called,
            value,
            changed,
            self._heat(row),
            self._href(row),
            f"{label}, {locale.text('column.change')} {self._change.cell(row)}" if changed else label,
            "\n".join([called, *([self._content_text(content)] if content else []), *figures, *few]),
            picture.src if picture else "",
        )

    def _href(self, row: Row) -> str:
        chosen = {"content": self.two.content, "against": self.two.against} if self.two.content else {}
        return self.context.view.to("entrances", entrance=row["entrance_id"], slot=slot_key(row), **chosen).href

    def _changed(self, row: Row) -> str:
        """The change as text; a difference of rates has no unit, because the caption states it.

        '' if there is no change.
        """
        if not self.has_changes:
            return ""
        numbers, before = self.context.locale.numbers, row[f"{self.name}_before"]
        if self.two.content and (row[self.name] is None or before is None):
            return ""
        found = arrowed(numbers.points(row[self.name], before)) if is_rate(self.name) else self._change.cell(row)
        return "" if found == NONE else found

    def _content_text(self, content: Mapping[str, Any]) -> str:
        name, number = content_name(self.context, content["head_content_id"]), content["contents"]
        if number == 1:
            return name
        return self.context.locale.text("slot_map.contents", content=name, n=number - 1)

    def _days(self) -> str:
        text, days = self.context.locale.text, self.context.days
        said = self.context.said_days
        if not self.has_changes:
            return said
        if self.two.content:
            one, other = (content_name(self.context, key) for key in (self.two.content, self.two.against))
            key = "map_contents.points" if is_rate(self.name) else "map_contents.shown"
            return text.joined(said, text(key, one=one, other=other))
        key = "slot_map.compared_points" if is_rate(self.name) else "slot_map.compared"
        return text.joined(said, text(key, first=days.then_first, last=days.then_last))

    def _legend(self) -> Component:
        """The legend: the values of no colour, half colour and full colour; for changes only "lower" and "higher"."""
        text, numbers = self.context.locale.text, self.context.locale.numbers

        def bar(kind: str) -> Component:
            return html.Span(className=f"scale {kind}", **marks({"aria-hidden": "true"}))

        if self.is_change:
            ends = (html.Span(text("slot_map.less")), html.Span(text("slot_map.more")))
            return html.P([ends[0], bar("less"), bar("more"), ends[1]], className="legend")
        steps = (0, self._most / (2 if self._is_even else 4), self._most)
        none, half, most = (html.Span(short_text(numbers, self.name, step)) for step in steps)
        return html.P([none, bar("low"), half, bar("high"), most], className="legend")
