"""Warnings about values in a URL that the page does not offer, such as from an old or mistyped link.

Here: invalid values of choices, dates and comparisons, and unknown columns to sort by.
Not here: an unknown entrance, order or other single item, which the page itself reports.
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.app.context import Context
from dashboards.app.order import KEY as SORT
from dashboards.app.view import SLICE
from dashboards.blocks import Block, Choice, Controls, Tabs, Text, flat, tables


def unknown(context: Context, blocks: Sequence[Block]) -> list[Text]:
    """A warning for each value in the URL that the page with these *blocks* does not offer.

    *blocks* are already sorted as the URL says.
    """
    return [*_unread(context), *_unknown_choices(context, blocks), *_unknown_order(context, blocks)]


def _unread(context: Context) -> list[Text]:
    """A warning for each invalid date or comparison in the URL, unless the page has no dates or no comparison."""
    view, locale = context.view, context.locale
    return [
        Text(locale.text(f"unknown.{name}", value=value, first=str(view.first), last=str(view.last)), "warning")
        for key, value in view.unread.items()
        if (view.compares if key == "compare" else view.is_of_days)
        for name in ("slice" if key.startswith(SLICE) else key,)
    ]


def _unknown_order(context: Context, blocks: Sequence[Block]) -> list[Text]:
    asked = context.view.get(SORT)
    wanted, _, field = asked.partition(":")
    # A table that is not on the page gets no warning: a click on a row keeps the sort key but shows other tables.
    unsorted = [table for table in tables(blocks) if table.key == wanted and table.sort != field]
    is_wrong = bool(unsorted) or bool(asked and not field)
    return [Text(context.locale.text("unknown.sort", value=asked), "warning")] if is_wrong else []


def _unknown_choices(context: Context, blocks: Sequence[Block]) -> list[Text]:
    """A warning for each choice whose value in the URL is not an option, with the value shown instead."""
    shown = flat(blocks)
    controls = [control for block in shown if isinstance(block, Controls) for control in block.controls]
    choices = [control for control in controls if isinstance(control, Choice) and not control.is_open]
    warnings = []
    for choice in [*choices, *(block.choice for block in shown if isinstance(block, Tabs))]:
        given = context.view.get(choice.key)
        labels = {option.value: option.label for option in choice.options}
        for asked in given.splitlines() if choice.most > 1 else [given]:
            if not asked or asked in labels:
                continue
            values = choice.value.splitlines() if choice.most > 1 else [choice.value]
            used = ", ".join(labels.get(value, value) for value in values)
            text = context.locale.text("unknown.choice", label=choice.label, value=asked, shown=used)
            warnings.append(Text(text, "warning"))
    return warnings
