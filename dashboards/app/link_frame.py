"""The parts of a page's frame that the reader of a link has too.

Here: the program's name, the tools for language and colours, what the reader of a shared link sees above the page.
Not here: the frame (``dashboards.app.shell``), the contents for such a reader (``dashboards.app.link_reader``).
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from dash import html
from dash.development.base_component import Component

from dashboards.access.links import Link
from dashboards.app.icons import icon
from dashboards.app.link_reader import view_of
from dashboards.app.marks import marks
from dashboards.app.view import Theme, View
from dashboards.numbers import Language
from dashboards.texts import Texts


def as_shared(link: Link, view: View) -> View:
    """The view of *link* in the language and theme of *view*.

    Its days stay as they are in the link; missing days are not filled in.
    """
    own = view_of(link.address)
    return view if own is None else replace(own, language=view.language, theme=view.theme)


def plain_brand() -> Component:
    """The name of the program with its mark, without a link."""
    mark = html.Img(src="/assets/mark.svg", alt="", width=22, height=22)
    return html.Span([mark, html.Span("Headwater")], className="brand")


def language_and_theme(view: View) -> list[Component]:
    """The links to the same view in the other language and in the other colours."""
    text = Texts(view.language)
    other: Language = "en" if view.language == "zh" else "zh"
    theme: Theme = "light" if view.theme == "dark" else "dark"
    return [
        html.A("EN" if other == "en" else "中文", href=replace(view, language=other).href, className="tool"),
        html.A(
            icon(theme),
            href=replace(view, theme=theme).href,
            className="tool",
            title=text(f"theme.{theme}"),
            **marks({"aria-label": text(f"theme.{theme}")}),
        ),
    ]


def reader_tools(view: View, link: Link) -> Component:
    """What the reader of *link* sees at the top: the last day on which the link is valid, language and theme."""
    text = Texts(view.language)
    end = dt.datetime.fromtimestamp(link.ends_at, dt.UTC)
    until = text("link.shown", number=link.key, at=f"{end:%Y-%m-%d %H:%M} UTC")
    return html.Div([html.Span(until, className="note"), *language_and_theme(view)], className="tools")
