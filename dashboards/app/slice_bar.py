"""The filters of a page: which slice of the shop it shows, and by which dimension it is broken down.

Here: the dimensions that a page offers, their values and names, the controls, the filters in words.
Not here: reading only a slice (``dashboards.slices``), the table of a breakdown (``dashboards.app.pages.breakdown``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboards.app.context import Context
from dashboards.app.marks import clean, marks
from dashboards.blocks import Text
from dashboards.queries import query
from dashboards.slices import NONE

MOST_VALUES = 500
"""Maximum values of a dimension that the page offers."""


class Dimensions:
    """The values of the dimensions and their display names, for one request."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @cached_property
    def _found(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for row in self._context.whole.rows(query("slices.values"), segments_on=self._context.segments_on):
            found.setdefault(row["dimension"], []).append(row["value"])
        return found

    @cached_property
    def _names(self) -> Mapping[str, Mapping[str, str]]:
        context, language = self._context, f"name_{self._context.view.language}"
        groups = context.whole.rows(query("customers.names"))
        return {
            "channel": {row["channel"]: row[language] for row in context.whole.rows(query("channels.names"))},
            "segment": {row["key"]: row[language] for row in groups if row["kind"] == "segment"},
            "entrance": context.entrance_names(),
            "category": context.whole.names,
            "brand": context.whole.names,
        }

    def values(self, dimension: str) -> Sequence[str]:
        """The values of *dimension* that occur, the most frequent first.

        '(none)' is the value of rows that have none.
        """
        if dimension == "customers":
            return ("new", "returning")
        found = self._found.get(dimension, ())
        return (*found, NONE) if dimension in ("segment", "category", "brand") and NONE not in found else found

    def name(self, dimension: str, value: str) -> str:
        """The display name of *value*."""
        text = self._context.locale.text
        fixed = text.name(f"slice.{dimension}", value)
        if fixed != value:
            return fixed
        shared = text.name("slice.value", value)
        return self._names.get(dimension, {}).get(value) or shared

    def title(self, dimension: str) -> str:
        """The display name of *dimension*."""
        return self._context.locale.text(f"slice.{dimension}")


def slice_bar(context: Context) -> Component | None:
    """The controls; None on a page that offers none."""
    view, text = context.view, context.locale.text
    offered = context.dimensions
    if not offered:
        return None
    dimensions = Dimensions(context)
    chosen = sum(len(values) for _, values in context.slice)
    title = text("slice.filters" if view.has_breakdown else "slice.only_filters")
    if chosen:
        title = text("slice.filters.n", title=title, n=chosen)
    filters = html.Details(
        [
            html.Summary(title),
            html.Div(
                [
                    *(_choice(context, dimensions, name) for name in offered),
                    *([_by(context, dimensions)] if view.has_breakdown else []),
                ],
                className="choices",
            ),
        ],
        className="filters",
    )
    return html.Div(
        [filters, _chips(context, dimensions)],
        className="bar slice-bar",
        **marks({"data-defaults": "{}"}),
    )


def _choice(context: Context, dimensions: Dimensions, name: str) -> Any:
    chosen = context.view.slice.get(name, ())
    values = [*dimensions.values(name)[:MOST_VALUES]]
    values += [value for value in chosen if value not in values]
    return dmc.MultiSelect(
        id={"type": "set", "key": f"in.{name}"},
        label=dimensions.title(name),
        data=[{"value": value, "label": clean(dimensions.name(name, value))} for value in values],
        value=[*chosen],
        searchable=True,
        clearable=True,
        size="sm",
        maxDropdownHeight=320,
        comboboxProps={"withinPortal": True},
        placeholder="" if chosen else context.locale.text("slice.all"),
    )


def _chips(context: Context, dimensions: Dimensions) -> Component:
    """The chosen values, each a link that removes it, so that they are visible when the controls are folded."""
    view, text = context.view, context.locale.text
    links = []
    for name, values in context.slice:
        for value in values:
            rest = tuple(other for other in values if other != value)
            label = f"{dimensions.title(name)}: {dimensions.name(name, value)}"
            links.append(
                html.A(
                    [clean(label), " ", html.Span("×", **marks({"aria-hidden": "true"}))],
                    href=view.sliced(**{name: rest}).href,
                    className="chip",
                    **marks({"aria-label": text("slice.remove", what=clean(label))}),
                )
            )
    if len(links) > 1:
        none: dict[str, tuple[str, ...]] = {name: () for name, _ in context.slice}
        links.append(html.A(text("slice.clear"), href=view.sliced(**none).href, className="chip clear"))
    return html.Div(links, className="chips", role="group", **marks({"aria-label": text("slice.chosen")}))


def _by(context: Context, dimensions: Dimensions) -> Any:
    view, text = context.view, context.locale.text
    return dmc.Select(
        id={"type": "set", "key": "breakdown"},
        label=text("slice.by"),
        data=[
            {"value": "", "label": text("slice.by.none")},
            *({"value": name, "label": dimensions.title(name)} for name in context.dimensions),
        ],
        value=view.by if context.is_broken_down else "",
        allowDeselect=False,
        size="sm",
    )


def slice_note(context: Context) -> str:
    """A sentence that says how the page is filtered; '' if it is not."""
    text = context.locale.text
    if not context.slice:
        return ""
    dimensions = Dimensions(context)
    separator = text("list.separator")
    parts = [
        f"{dimensions.title(name)} = {separator.join(dimensions.name(name, value) for value in values)}"
        for name, values in context.slice
    ]
    return text("slice.note", what=text("slice.separator").join(parts))


def whole_note(context: Context) -> list[Text]:
    """A sentence for a part of a filtered page to which the filters do not apply; empty if the page has no filters."""
    return [Text(context.locale.text("slice.whole"), "note")] if context.slice else []


def slice_warnings(context: Context) -> list[Text]:
    """Notes about the filters: those that do not apply to the page, unknown values, what filtered figures count."""
    view, text = context.view, context.locale.text
    dimensions = Dimensions(context)
    ignored = [name for name in view.slice if name not in context.dimensions]
    found = []
    if ignored:
        names = text("list.separator").join(dimensions.title(name) for name in ignored)
        found.append(Text(text("slice.ignored", names=names), "warning"))
    for name, values in context.slice:
        unknown = [value for value in values if value not in dimensions.values(name)]
        if unknown:
            what = text("list.separator").join(unknown)
            found.append(Text(text("slice.unknown", name=dimensions.title(name), values=what), "warning"))
    if context.slice and (note := text.name("slice.page", view.page)) != view.page:
        found.append(Text(note, "note"))
    return found
