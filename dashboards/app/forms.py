"""Forms with which users change a row of a file in ``config/``.

Here: the components of such a form; ``assets/edits.js`` sends it and shows the answer.
Not here: what a form may change (``dashboards.app.edits``).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dash_mantine_components as dmc
import flask
from dash import dcc, html
from dash.development.base_component import Component

from dashboards.app.icons import icon
from dashboards.app.marks import clean, marks
from dashboards.texts import Texts


@dataclass(frozen=True)
class Field:
    """A field of a form.

    Attributes:
        name: The column of the file.
        label: Its label.
        value: Its value before the user changes it.
        options: The values to choose from, with their labels; if empty, the user types text.
        hint: What to type, shown in an empty field.
        is_required: Whether it may not stay empty.
        is_wide: Whether the field is as wide as two.
    """

    name: str
    label: str
    value: str = ""
    options: Sequence[tuple[str, str]] = ()
    hint: str = ""
    is_required: bool = False
    is_wide: bool = False


def form(text: Texts, what: str, fields: Sequence[Field], old: Mapping[str, str] | None = None) -> Component:
    """A form of *fields* that adds a row to the file of *what*, or changes or removes the row *old*.

    *what* is the last part of the form's address: targets, calendar, views or subscriptions.
    """
    token = str(flask.g.get("form_token", "")) if flask.has_request_context() else ""
    hidden = {"token": token, "lang": text.language, "old": json.dumps(old) if old else ""}
    buttons = [html.Button(text("edit.save" if old else "edit.add"), type="submit", className="button primary")]
    if old:
        remove = marks({"data-remove": text("edit.sure")})
        buttons.append(html.Button(text("edit.remove"), type="submit", className="button", **remove))
    return html.Form(
        [
            *(dcc.Input(type="hidden", name=name, value=value) for name, value in hidden.items()),
            fields_of(fields),
            html.Div([*buttons, html.Span(role="status", className="said")], className="buttons"),
        ],
        action=f"/edit/{what}",
        method="post",
        className="edit",
        **marks({"data-failed": text("edit.failed")}),
    )


def fields_of(fields: Sequence[Field]) -> Component:
    """The *fields* of a form, laid out in rows."""
    return html.Div([_field(field) for field in fields], className="fields")


def _field(field: Field) -> Any:
    shared = {
        "name": field.name,
        "label": clean(field.label),
        "size": "sm",
        "className": "wide" if field.is_wide else "",
    }
    if field.options:
        data = [{"value": value, "label": clean(label)} for value, label in field.options]
        return dmc.Select(data=data, value=field.value, allowDeselect=False, searchable=len(data) > 8, **shared)
    return dmc.TextInput(value=clean(field.value), placeholder=field.hint, required=field.is_required, **shared)


def folded(title: str, content: Sequence[Any], *, is_open: bool = False, name: str = "edit") -> Component:
    """*content* below a line *title* that unfolds it."""
    return html.Details([html.Summary([icon(name), clean(title)]), *content], open=is_open, className="edit-fold")


def to_change(text: Texts, forms: Sequence[tuple[str, Component]]) -> list[Component]:
    """The *forms* that change a row, each folded below the name of its row; several are also folded as a group."""
    each = [folded(text("edit.change", name=name), [one]) for name, one in forms]
    return [folded(text("edit.changes", n=len(each)), each)] if len(each) > 1 else each
