"""Blocks as HTML of the report.

Here: a function a kind of block.
Not here: what they say (``dashboards.sections``), the elements (``dashboards.report.html``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.blocks import VERDICT_SIGNS, Block, Card, Cards, Chart, Controls, Empty, Group, Part, Table, Text
from dashboards.figures.look import Look
from dashboards.numbers import NONE
from dashboards.report.html import Html, first_of, joined, message, table, tag
from dashboards.report.page import Page


def html_of(page: Page, blocks: Sequence[Block]) -> Html:
    """All *blocks*, one below the other; nothing of controls and the app's own parts, which a file cannot have."""
    return joined(_block(page, block) for block in blocks)


def _block(page: Page, block: Block) -> Html:
    if isinstance(block, Text):
        return _text(block)
    if isinstance(block, Empty):
        return _empty(block)
    if isinstance(block, Cards):
        return tag("div", *map(_card, block.cards), class_="cards") if block.cards else Html("")
    if isinstance(block, Table):
        return _table(page.look, block)
    if isinstance(block, Chart):
        return _chart(page, block)
    if isinstance(block, Controls | Part):
        return Html("")
    return _group(page, block)


def _text(block: Text) -> Html:
    if block.kind == "heading":
        return tag("h4", block.text)
    if block.kind in ("missing", "warning"):
        return message(block.text, block.remedy)
    return tag("p", block.text, class_=block.kind)


def _empty(block: Empty) -> Html:
    said = message(block.text, block.remedy) if block.is_missing else tag("p", block.text, class_="definition")
    return tag("div", tag("h3", block.title), said, class_="card")


def _card(card: Card) -> Html:
    """A verdict with its evidence."""
    sign = VERDICT_SIGNS.get(card.verdict or "", NONE)
    return tag(
        "div",
        tag("p", card.name, class_="name"),
        tag("p", f"{sign} {card.value}", class_=f"verdict {card.verdict}" if card.verdict else "verdict"),
        tag("p", card.note, class_="evidence"),
        tag("p", card.definition, class_="definition"),
        class_="card kpi health",
    )


def _table(look: Look, block: Table) -> Html:
    shown = block.rows[: block.most]
    said = look.text.joined(first_of(look, len(shown), len(block.rows)), *block.notes)
    return tag(
        "div",
        tag("h3", block.title),
        *([tag("p", block.definition, class_="definition")] if block.definition else []),
        table(block.columns, shown, total=block.total),
        *([tag("p", said, class_="note")] if said else []),
        class_="card wide" if block.is_wide else "card",
    )


def _chart(page: Page, block: Chart) -> Html:
    shown = block.table
    return page.chart(
        block.figure,
        shown.title,
        shown.definition,
        shown.columns,
        shown.rows,
        is_wide=block.is_wide,
        is_open=shown.is_open,
        notes=(*block.notes, *shown.notes),
    )


def _group(page: Page, block: Group) -> Html:
    return tag("div", html_of(page, block.blocks), class_="card wide" if block.kind == "card" else block.kind)
