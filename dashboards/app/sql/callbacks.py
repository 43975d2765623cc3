"""Runs queries for the SQL page.

Here: the callbacks that run and stop a query and ask for its parameters; who may call them.
Not here: the page (``dashboards.app.sql.page``), the workbench (``dashboards.workbench``).
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType
from typing import Any

import dash
import flask
from dash import ALL, ClientsideFunction, Input, Output, State

from dashboards.access.users import LOCAL
from dashboards.app.marts import Marts
from dashboards.app.sql.chart import NO_SERIES
from dashboards.app.sql.page import OF_RESULT
from dashboards.app.sql.parameters import asked_by, fault_of, inputs, with_values
from dashboards.app.sql.results import Outcome, Results, is_key
from dashboards.app.sql.saved import saved_queries
from dashboards.app.view import LONGEST_QUERY_IN_ADDRESS, View, read_view
from dashboards.numbers import Language
from dashboards.texts import Texts
from dashboards.workbench.confined import Values
from dashboards.workbench.messages import message_in
from dashboards.workbench.parameters import Parameter
from dashboards.workbench.queries import Workbench
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home


class Runner:
    """Runs the queries of one server process."""

    def __init__(self, home: Home, marts: Marts | None = None) -> None:
        self._home = home
        self._marts = marts or Marts(home)
        self._bench = Workbench(home)
        self._results = Results(home)

    def parameters(self, query: str) -> list[Parameter]:
        """The parameters of *query*.

        Raises:
            HeadwaterError: the lake cannot be read.
        """
        return asked_by(query, self._marts.copy()) if "$" in query else []

    def run(
        self,
        query: str,
        user: str,
        key: str,
        is_gone: Callable[[], bool] = lambda: False,
        values: Values = MappingProxyType({}),
        language: Language = "en",
    ) -> Outcome:
        """Run *query*; returns its outcome, which is kept for *user* under *key*.

        The query is stopped when *is_gone()* is true. A message about a query without a result is in *language*.

        Raises:
            HeadwaterError: the result or the query log cannot be written.
        """
        try:
            outcome = self._outcome(query, user, key, is_gone, values, language)
            self._results.keep(user, key, outcome)
        except OSError as error:
            raise HeadwaterError(
                f"cannot be written: {error.strerror}", where=error.filename or self._home.root
            ) from error
        return outcome

    def stop(self, user: str, key: str) -> None:
        """Ask to stop the query with *key*, in whichever process it runs."""
        self._results.stop(user, key)

    def _outcome(
        self, query: str, user: str, key: str, is_gone: Callable[[], bool], values: Values, language: Language
    ) -> Outcome:
        said = {name: text for name, (_, text) in values.items()}
        try:
            answer = self._bench.ask(query, user, lambda: self._results.is_stopped(user, key) or is_gone(), values)
        except HeadwaterError as error:
            return Outcome(query, message_in(error, language), values=said)
        result, at = answer.result, answer.file.published_at.isoformat()
        return Outcome(query, "", result.columns, result.rows, result.is_cut, result.seconds, at, said)

    def address(self, view: View, outcome: Outcome, key: str) -> str:
        """The URL of the page that shows *outcome*.

        It contains the name of the saved query, or the query itself unless that is too long, and the values of its
        parameters. The choices for the chart are kept if the new result also has those columns.
        """
        query = outcome.sql
        saved = saved_queries(self._home).get(view.get("saved"))
        is_saved = saved is not None and saved.sql == query
        fits = len(query) <= LONGEST_QUERY_IN_ADDRESS
        names = {name for name, _ in outcome.columns}
        view = view.to(sort=None)
        if not {view.get("x"), *view.get("y").splitlines(), view.get("series")} <= names | {"", NO_SERIES}:
            view = view.to(**OF_RESULT)
        return (
            with_values(view, outcome.values)
            .to(saved=view.get("saved") if is_saved else None, q=query if fits and not is_saved else None, result=key)
            .href
        )


def add_sql(app: dash.Dash, marts: Marts) -> None:
    """Add the callbacks of the page's buttons and of its parameters, for analysts and admins."""
    runner = Runner(marts.home, marts)
    _add_run(app, runner)
    _add_stop(app, runner)
    _add_parameters(app, runner, marts.home)
    _add_script(app)


def _add_run(app: dash.Dash, runner: Runner) -> None:
    @app.callback(
        Output("sql-done", "data"),
        Input("sql-run", "n_clicks"),
        State("sql-auto", "data"),
        State("sql-text", "value"),
        State("sql-next", "data"),
        State("address", "data"),
        State("sql-values", "data"),
        running=[
            (Output("sql-run", "disabled"), True, False),
            (Output("sql-stop", "hidden"), False, True),
            (Output("sql-wait", "hidden"), False, True),
            (Output("busy", "className"), "busy on", "busy"),
        ],
        prevent_initial_call=True,
    )
    def run(
        clicks: int | None,
        is_auto: bool | None,
        query: str | None,
        key: str | None,
        address: str | None,
        given: dict[str, str | None] | None,
    ) -> Any:
        user = _user()
        view = read_view("/sql", (address or "").partition("?")[2])
        if not clicks or not (query or "").strip() or view is None or not is_key(key or ""):
            return dash.no_update
        said = {name: _storable(value or "") for name, value in (given or {}).items()}
        try:
            asked = runner.parameters(str(query))
            if fault := fault_of(Texts(view.language), asked, said):
                return {"error": fault}
            values = {one.name: (one.kind, said[one.name]) for one in asked}
            outcome = runner.run(_storable(str(query)), user, str(key), _is_gone(), values, view.language)
        except HeadwaterError as error:
            return {"error": message_in(error, view.language)}
        return {"href": runner.address(view, outcome, str(key)), "is_auto": bool(is_auto)}


def _add_stop(app: dash.Dash, runner: Runner) -> None:
    @app.callback(
        Output("sql-stop", "title"), Input("sql-stop", "n_clicks"), State("sql-next", "data"), prevent_initial_call=True
    )
    def stop(clicks: int | None, key: str | None) -> Any:
        user = _user()
        if clicks and is_key(key or ""):
            runner.stop(user, str(key))
        return dash.no_update


def _add_parameters(app: dash.Dash, runner: Runner, home: Home) -> None:
    @app.callback(
        Output("sql-parameters", "children"),
        Input("sql-named", "data"),
        State("sql-values", "data"),
        State("address", "data"),
        prevent_initial_call=True,
    )
    def ask(query: str | None, given: dict[str, str | None] | None, address: str | None) -> Any:
        _user()
        view = read_view("/sql", (address or "").partition("?")[2])
        if query is None or view is None:
            return dash.no_update
        said = {name: value or "" for name, value in (given or {}).items()}
        saved = saved_queries(home).get(view.get("saved"))
        return inputs(runner.parameters(query), said, saved, view.language)


def _add_script(app: dash.Dash) -> None:
    """The callbacks that ``assets/sql.js`` answers in the browser."""
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("sql", "named"), Output("sql-named", "data"), Input("sql-text", "value")
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("sql", "values"),
        Output("sql-values", "data"),
        Input({"type": "sql-value", "name": ALL}, "value"),
        State("sql-values", "data"),
        prevent_initial_call=True,
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("sql", "go"), Output("sql-fault", "children"), Input("sql-done", "data")
    )
    app.clientside_callback(  # type: ignore[no-untyped-call]
        ClientsideFunction("sql", "begin"), Output("sql-auto", "modified_timestamp"), Input("sql-auto", "data")
    )


def _storable(text: str) -> str:
    """*text* with invalid Unicode, such as half a surrogate pair, replaced: it cannot be stored."""
    return text.encode(errors="replace").decode()


def _user() -> str:
    """The user; everybody except analysts and admins is refused, whichever page sent the request."""
    if flask.g.get("role", "admin") not in ("analyst", "admin"):
        flask.abort(403)
    return str(flask.g.get("user") or LOCAL)


def _is_gone() -> Callable[[], bool]:
    """A function that returns whether the user has closed the connection; always False outside of ``pipelines.web``."""
    is_gone: Callable[[], bool] = flask.request.environ.get("waitress.client_disconnected", lambda: False)
    return is_gone
