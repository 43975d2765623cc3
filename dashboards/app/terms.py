"""A name with its definition behind a "?", as a component of Dash.

Here: this component.
Not here: the definitions (``dashboards.words``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from dash import html
from dash.development.base_component import Component

from dashboards.app.marks import clean, marks

_PHRASES = re.compile(
    r"(?<=[\u4e00-\u9fff])(?=净销售额|(?<!净)销售额|点击率|转化率|成交率|占比|曝光|坑位|商品|触点|子订单|(?<!子)订单|访客数|客户数|天数|（)"
)
"""Where a Chinese name may break: before these words. A browser would break it in the middle of a word."""

_ONE_LINE = 5
"""A Chinese name of at most this many characters does not break."""


def phrases(name: str) -> Sequence[str | Component]:
    """A Chinese *name* with the places where it may break; app.css forbids all others."""
    parts = _PHRASES.split(name) if len(name) > _ONE_LINE else [name]
    return [one for part in parts for one in (html.Wbr(), part)][1:]


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
