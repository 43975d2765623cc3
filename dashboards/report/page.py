"""The page of the report: sections of blocks in one HTML file that asks nobody for anything.

Here: what the template (``page.html``) needs besides the blocks; plotly.js is written into the page once.
Not here: what the sections say (``dashboards.sections``, ``dashboards.report.overview`` and ``entrances``).
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
from dashboards.figures.look import Look, text_width

_MOST_ROWS = 100
"""Rows that the table under a chart shows at most."""

_ONE_LINE = 36
"""Width in Latin letters up to which a text is kept on one line."""

_CONFIG = {"displaylogo": False, "showSendToCloud": False, "displayModeBar": False, "responsive": True}
_UNSEEN = dict.fromkeys([*range(9), *range(0x0E, 0x20), 0x7F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)], " ")
"""Control characters, and those that turn the direction of what follows them."""


@dataclass(frozen=True)
class Section:
    """A part of the page; *key* is what a link to it names."""

    key: str
    title: str
    intro: str
    blocks: Sequence[Block]


def page_html(look: Look, sections: Sequence[Section], **texts: str) -> str:
    """The whole file; controls and the app's own parts are left out, which a file cannot have.

    Args:
        look: The language.
        sections: In the order in which they are shown.
        texts: title, heading, about, warning (may be '') and footer.
    """
    figures: list[Markup] = []

    def add_figure(figure: go.Figure) -> str:
        """The id of the element that *figure* is drawn in; its data stand at the end of the page."""
        figures.append(Markup(to_json(figure, validate=False)))  # in which plotly escapes what could end a script
        return f"figure-{len(figures) - 1}"

    return _template().render(
        look=look,
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


def first_of(look: Look, shown: int, total: int) -> str:
    """That only the first rows are shown; '' where all are."""
    return look.text("first_of", n=look.numbers.full(shown), m=look.numbers.full(total)) if shown < total else ""


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, finalize=_visible, undefined=StrictUndefined, keep_trailing_newline=True)
    return environment.from_string(_asset("page.html"))


def _visible(value: object) -> object:
    """*value* without letters that cannot be seen, if it is text; HTML is left as it is."""
    return value.translate(_UNSEEN) if isinstance(value, str) and not isinstance(value, Markup) else value


def _class_of(column: Column, text: str) -> str | None:
    if not column.is_text:
        return None
    return "text" if column.is_long or text_width(text) > _ONE_LINE else "text whole"


def _asset(name: str) -> Markup:
    return Markup(Path(__file__).with_name(name).read_text(encoding="utf-8"))
