"""Icons of the pages.

Here: an icon as a component, in the colour of the text around it.
Not here: the drawings (``assets/icons.css``).
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dashboards.app.marks import marks


def icon(name: str) -> Component:
    """The icon *name*, hidden from screen readers: the text or the label beside it says the same."""
    return html.Span(className=f"icon icon-{name}", **marks({"aria-hidden": "true"}))
