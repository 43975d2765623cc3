"""The parts of a long page: each answers one question, is shown by itself and has its own URL.

Here: which part the URL names, and the links to all parts.
Not here: the parts (``dashboards.app.pages``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dashboards.app.context import Context
from dashboards.blocks import Choice, Option, Tabs

KEY = "part"
"""The key of the chosen part in the URL."""


def tabs(context: Context, parts: Mapping[str, Collection[str]]) -> Tabs:
    """Links to the *parts* of the page: name → the keys of the URL that only this part reads.

    The part that the URL names is shown; if it names none, the part that reads one of its keys, else the first.
    """
    text, view = context.locale.text, context.view
    first, *_ = parts
    meant = next((name for name, keys in parts.items() if any(view.get(key) for key in keys)), first)
    asked = view.get(KEY)
    options = tuple(Option(name, text(f"part.{view.page}.{name}")) for name in parts)
    return Tabs(Choice(KEY, text("parts"), options, asked if asked in parts else meant))
