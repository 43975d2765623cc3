"""Validates callback requests: could one of our pages have sent the request?

Here: the check before Dash reads a request. Dash does not validate requests: an invalid one causes a traceback.
Not here: who may send requests (``dashboards.access``), what callbacks do.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from functools import cached_property
from typing import Any, get_type_hints

import dash
import flask
from dash.exceptions import DependencyException
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

CALLBACKS = "/_dash-update-component"
"""The URL of all callbacks."""


class _Output(BaseModel):
    """A property of a component that a callback sets."""

    model_config = ConfigDict(strict=True)

    id: str
    property: str

    @cached_property
    def name(self) -> str:
        """The property as Dash writes it: ``<id>.<property>``."""
        return f"{self.id}.{self.property}"


class _Input(_Output):
    """A property of a component, with its value in the browser."""

    value: Any = None


class _Request(BaseModel):
    """The request of Dash's renderer; component ids are strings, because our callbacks use no pattern-matching ids."""

    model_config = ConfigDict(strict=True)

    output: str
    outputs: _Output | list[_Output]
    inputs: list[_Input]
    state: list[_Input] = []
    changedPropIds: list[str]  # noqa: N815


def add_check(app: dash.Dash) -> None:
    """Answer 400 to requests that match no callback of *app*, or have values that its function does not accept."""

    def check() -> flask.Response | None:
        if flask.request.path != CALLBACKS or flask.request.method != "POST":
            return None
        try:
            fault = _fault(app, flask.request.get_json(silent=True))
        except RecursionError:  # the JSON is nested too deeply to be parsed
            fault = "not JSON that a page sends"
        return flask.Response(f"{fault}\n", 400, mimetype="text/plain") if fault else None

    app.server.before_request(check)
    # Answer 404 to a request for an unknown library file; Dash itself would answer 500.
    app.server.register_error_handler(DependencyException, lambda _error: ("there is no such file\n", 404))


def _fault(app: dash.Dash, body: object) -> str:
    """The error in *body*; '' if it is valid."""
    try:
        request = _Request.model_validate(body)
    except ValidationError as error:
        return f"no request for a callback: {_first(error)}"
    callback = app.callback_map.get(request.output, {})
    if "callback" not in callback:
        return "there is no such callback"
    sent = [*request.inputs, *request.state]
    declared = [f"{one['id']}.{one['property']}" for one in (*callback["inputs"], *callback["state"])]
    if [one.name for one in sent] != declared:
        return "these are not the inputs of that callback"
    if not {*request.changedPropIds} <= {one.name for one in request.inputs}:
        return "a property has changed that is no input of that callback"
    if _name_of(request.outputs) != request.output:
        return "these are not the outputs of that callback"
    for one, hint in zip(sent, _types(callback), strict=True):
        try:
            TypeAdapter(hint, config=ConfigDict(strict=True)).validate_python(one.value)
        except ValidationError as error:
            return f"{one.name}: {_first(error)}"
    return ""


def _name_of(outputs: _Output | list[_Output]) -> str:
    """Dash's name for the callback that sets *outputs*."""
    if isinstance(outputs, _Output):
        return outputs.name
    return f"..{'...'.join(one.name for one in outputs)}.."


def _types(callback: Mapping[str, Any]) -> list[Any]:
    """The argument types of the callback's function."""
    function = inspect.unwrap(callback["callback"])
    hints = get_type_hints(function)
    return [hints[name] for name in inspect.signature(function).parameters]


def _first(error: ValidationError) -> str:
    """The first validation error, without the values sent."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'.'.join(map(str, fault['loc']))} {fault['msg']}".strip()
