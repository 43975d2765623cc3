"""Cards as components of Dash: a number with its name, its changes and a note in small type; or a short judgement.

Here: these components.
Not here: what a card shows (``dashboards.app.cards``), other blocks (``dashboards.app.render``).
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dashboards.app.marks import clean, marks
from dashboards.app.sparkline import IN_CARD, sparkline
from dashboards.app.terms import phrases, term
from dashboards.app.view import Theme
from dashboards.blocks import VERDICT_SIGNS, Card, Cards, Change

_LONG = 14
"""A card's value with at least this many characters is shown in smaller type."""


def cards(block: Cards, theme: Theme) -> Component:
    """The cards of *block* in a row."""
    return html.Div([_card(card, theme) for card in block.cards], className=f"cards {block.kind}")


def _card(card: Card, theme: Theme) -> Component:
    value: Any = clean(card.value)
    if card.href:
        value = html.A(value, href=card.href)
    if card.verdict is not None:
        shown = html.P([VERDICT_SIGNS[card.verdict], " ", value], className=f"verdict {card.verdict}")
    else:
        shown = html.P(
            value,
            className="value long" if len(card.value) > _LONG else "value",
            title=card.full or None,
            **marks(_marks(card)),
        )
    return html.Div(
        [
            term(html.P(phrases(clean(card.name)), className="name"), card.definition),
            shown,
            *([_progress(card.reached, card.due)] if card.reached is not None else []),
            *(_course(card, theme) if card.course else []),
            *(_change(change) for change in card.changes),
            *([html.P(clean(card.note), className="evidence")] if card.note else []),
        ],
        className="card kpi",
        **marks({"data-sign": card.sign} if card.sign else {}),
    )


def _progress(reached: float, due: float | None) -> Component:
    """A bar of the share *reached*, and a mark at the share that is *due*; the card's changes say both in words."""
    bar = html.Span(style={"width": f"{100 * min(max(reached, 0), 1):.1f}%"})
    mark = [html.I(style={"left": f"{100 * min(due, 1):.1f}%"})] if due is not None else []
    return html.Div([bar, *mark], className="progress", **marks({"aria-hidden": "true"}))


def _course(card: Card, theme: Theme) -> list[Component]:
    title = clean(card.course_title)
    drawing = html.Img(src=sparkline(card.course, theme, IN_CARD), alt=title, title=title, className="sparkline")
    return [drawing, html.P(title, className="evidence")]


def _marks(card: Card) -> dict[str, str]:
    return {"data-metric": card.metric, "data-full": card.full} if card.metric else {}


def _change(change: Change) -> Component:
    return html.P(
        [html.Span(change.text, className=change.tone), " ", html.Span(clean(change.against), className="against")],
        className="change",
        title=change.full or None,
    )
