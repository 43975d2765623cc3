"""The parts of a long page: each answers one question, is shown by itself and has its own URL.

Here: which part the URL names, and the links to all parts.
Not here: the parts (``dashboards.app.pages``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.app.context import Context
from dashboards.blocks import Choice, Option, Tabs

KEY = "part"
"""The key in the URL."""


def tabs(context: Context, names: Sequence[str]) -> Tabs:
    """Links to the parts *names* of the page; the part of the URL is shown, else the first."""
    text, asked = context.locale.text, context.view.get(KEY)
    options = tuple(Option(name, text(f"part.{context.view.page}.{name}")) for name in names)
    return Tabs(Choice(KEY, text("parts"), options, asked if asked in names else names[0], default=names[0]))
