"""A name with its definition behind a "?", as a component of Dash.

Here: this component.
Not here: the definitions (``dashboards.words``).
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboards.app.marks import clean, marks


def term(name: Component, definition: str, *names: str) -> Component:
    """A *name* whose definition shows on hover of a "?", and on focus for keyboard and screen reader users.

    *names* are further CSS classes of the definition.
    """
    if not definition:
        return html.Div(name, className="term")
    return html.Div(
        [
            name,
            html.Button("?", className="help", type="button", **marks({"aria-label": clean(definition)})),
            html.Span(clean(definition), className=" ".join(("tip", *names)), role="tooltip"),
        ],
        className="term",
    )
