"""The page: sections, figures and styles in one file that asks nobody for anything.

Here: gathering figures, the HTML around them, plotly.js written into it once.
Not here: what the sections say.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import plotly.graph_objects as go
from plotly.io import to_json
from plotly.offline import get_plotlyjs

from dashboards.blocks import Column, Row
from dashboards.figures.look import Look
from dashboards.report.html import Html, details, joined, tag

_CONFIG = {"displaylogo": False, "showSendToCloud": False, "displayModeBar": False, "responsive": True}

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"
"""The browser itself refuses whatever would leave the page."""


@dataclass
class Page:
    """A page that is being written; figures are numbered as they are added."""

    look: Look
    figures: list[str] = field(default_factory=list)

    def chart(
        self,
        figure: go.Figure,
        title: str,
        definition: str,
        columns: Sequence[Column],
        rows: Sequence[Row],
        *,
        is_wide: bool = False,
        is_open: bool = False,
        notes: Sequence[str] = (),
    ) -> Html:
        """A card: title, definition, figure, what the figure leaves out, the same as a table."""
        number = len(self.figures)
        self.figures.append(_script_json(str(to_json(figure, validate=False))))
        meta = figure.layout.meta or {}
        said = [*notes, *(meta.get("notes") or ())]
        least = f";min-width:{meta['min_width']}px" if "min_width" in meta else ""
        return tag(
            "figure",
            tag("figcaption", tag("h3", title), tag("p", definition, class_="definition")),
            tag(
                "div",
                tag(
                    "div",
                    id=f"figure-{number}",
                    class_="plot",
                    role="img",
                    aria_label=title,
                    style=f"height:{figure.layout.height}px{least}",
                ),
                class_="scroll",
                tabindex="0" if least else None,
            ),
            *(tag("p", note, class_="note") for note in said if note),
            details(self.look, columns, rows, is_open=is_open),
            class_="card wide" if is_wide else "card",
        )

    def html(self, title: str, header: Html, sections: Sequence[tuple[str, str, Html]], footer: Html) -> str:
        """The whole file; a section is its id, its title and what it holds."""
        head = joined(
            [
                Html('<meta charset="utf-8">'),
                Html(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
                Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
                Html('<link rel="icon" href="data:,">'),
                tag("title", title),
                tag("style", Html(_asset("page.css"))),
            ]
        )
        links = tag("nav", *(tag("a", name, href=f"#{key}") for key, name, _ in sections), aria_label=title)
        body = joined(
            [
                header,
                links,
                tag(
                    "main",
                    tag("noscript", tag("p", self.look.text("noscript"), class_="missing")),
                    *(tag("section", tag("h2", name), content, id=key) for key, name, content in sections),
                ),
                footer,
            ]
        )
        data = joined(
            Html(f'<script type="application/json" class="figure" data-target="figure-{number}">{text}</script>')
            for number, text in enumerate(self.figures)
        )
        scripts = joined(
            [
                Html(f"<script>{get_plotlyjs()}</script>"),
                Html(f"<script>var plotConfig = {json.dumps(_CONFIG)};\n{_asset('page.js')}</script>"),
            ]
        )
        language = "zh-CN" if self.look.language == "zh" else "en"
        content = f"<head>{head}</head>\n<body>{body}\n{data}\n{scripts}</body>"
        return f'<!doctype html>\n<html lang="{language}">{content}</html>\n'


def _script_json(text: str) -> str:
    """JSON that cannot end the script element that it stands in."""
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _asset(name: str) -> str:
    return Path(__file__).with_name(name).read_text(encoding="utf-8")
