"""The page of the report: sections of blocks in one HTML file that loads nothing from elsewhere.

Here: the input of the template (``page.html``) besides the blocks; plotly.js is written into the page once.
Not here: the contents of the sections (``dashboards.sections``, ``dashboards.report.overview`` and ``entrances``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import plotly.graph_objects as go
from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from dashboards.blocks import VERDICT_SIGNS, Block, Column
from dashboards.figures.look import text_width
from dashboards.locale import Locale

_MOST_ROWS = 100
"""Maximum rows in the table under a chart."""

_ONE_LINE = 36
"""Texts up to this width in Latin letters stay on one line."""

_CONFIG = {"displaylogo": False, "showSendToCloud": False, "displayModeBar": False, "responsive": True}
_UNSEEN = dict.fromkeys([*range(9), *range(0x0E, 0x20), 0x7F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " ")
"""Control characters, including those that reverse the direction of text."""


@dataclass(frozen=True)
class Section:
    """A section of the page; *key* is its anchor."""

    key: str
    title: str
    intro: str
    blocks: Sequence[Block]


def page_html(locale: Locale, sections: Sequence[Section], **texts: str) -> str:
    """The text of the HTML file.

    Controls and the web app's own components are skipped, because they do not work in a file.

    Args:
        locale: The language.
        sections: The sections, in order.
        texts: The texts title, heading, about, warning (may be '') and footer.
    """
    figures: list[Markup] = []

    def add_figure(figure: go.Figure) -> str:
        """Add the data of *figure* to the end of the page, and return the id of the element to draw it in."""
        figures.append(Markup(to_json(figure, validate=False)))  # safe: plotly escapes text that could close the script
        return f"figure-{len(figures) - 1}"

    return _template().render(
        locale=locale,
        sections=sections,
        figures=figures,
        add_figure=add_figure,
        class_of=_class_of,
        first_of=first_of,
        kind_of=lambda block: type(block).__name__,
        most_rows=_MOST_ROWS,
        signs=VERDICT_SIGNS,
        plotly=Markup(get_plotlyjs()),
        config=_CONFIG,
        css=_asset("page.css"),
        js=_asset("page.js"),
        **texts,
    )


def first_of(locale: Locale, shown: int, total: int) -> str:
    """The note that only the first rows are shown; '' if all are."""
    return locale.text("first_of", n=locale.numbers.full(shown), m=locale.numbers.full(total)) if shown < total else ""


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, finalize=_visible, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(_asset("page.html"))


def _visible(value: object) -> object:
    """*value* without invisible characters if it is text; HTML is unchanged."""
    return value.translate(_UNSEEN) if isinstance(value, str) and not isinstance(value, Markup) else value


def _class_of(column: Column, text: str) -> str | None:
    if not column.is_text:
        return None
    return "text" if column.is_long or text_width(text) > _ONE_LINE else "text whole"


def _asset(name: str) -> Markup:
    return Markup(Path(__file__).with_name(name).read_text(encoding="utf-8"))
