"""The parameters of a query on the SQL page: an input for each ``$name``, its value in the URL.

Here: the inputs, values from and to a URL, messages for missing and wrong values.
Not here: which parameters a query has and of which kind (``dashboards.workbench.parameters``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dash_mantine_components as dmc
from dash import html

from dashboards.app.marks import clean
from dashboards.app.marts import Copy
from dashboards.app.shell import LOCALES
from dashboards.app.sql.saved import SavedQuery
from dashboards.app.view import View
from dashboards.numbers import Language
from dashboards.texts import Texts
from dashboards.workbench.messages import RefusedError
from dashboards.workbench.parameters import LONGEST, Parameter, is_value, kind_of_type, parameters_of
from dashboards.workbench.worker import Kind

_IN_URL = "p."
"""The keys of values in a URL begin with this: ``p.days=7``."""
_CALENDAR = {"monthLabelFormat": "month", "yearLabelFormat": "year", "yearsListFormat": "year"}
_TYPES = """
SELECT DISTINCT lower(column_name) AS name, data_type FROM duckdb_columns() WHERE NOT internal AND schema_name <> 'main'
"""


def asked_by(sql: str, copy: Copy) -> list[Parameter]:
    """The parameters of *sql*; none if it cannot be parsed, which the workbench reports when it runs.

    A parameter gets the type of a column only if the columns of that name have the same type in all tables.
    """
    if "$" not in sql:
        return []
    kinds: dict[str, set[Kind]] = {}
    for row in copy.rows(_TYPES):
        kinds.setdefault(row["name"], set()).add(kind_of_type(row["data_type"]))
    try:
        return parameters_of(sql, {name: min(found) for name, found in kinds.items() if len(found) == 1})
    except RefusedError:
        return []


def values_of(view: View) -> dict[str, str]:
    """The values in the URL, by the parameters' names."""
    return {key[len(_IN_URL) :]: value for key, value in view.filters.items() if key.startswith(_IN_URL)}


def with_values(view: View, values: Mapping[str, str]) -> View:
    """*view* with *values* as the values of the query's parameters."""
    cleared: dict[str, str | None] = {_IN_URL + name: None for name in values_of(view)}
    return view.to(**cleared | {_IN_URL + name: value for name, value in values.items()})


def fault_of(text: Texts, parameters: Sequence[Parameter], values: Mapping[str, str]) -> str:
    """A message about missing and wrong values; '' if all values are valid."""
    missing = [f"${one.name}" for one in parameters if not values.get(one.name, "").strip()]
    messages = [text("sql.parameter.missing", names=text("sql.parameter.and").join(missing))] if missing else []
    for one in parameters:
        value = values.get(one.name, "")
        if len(value) > LONGEST:
            messages.append(text("sql.parameter.long", name=f"${one.name}", n=LONGEST))
        elif value.strip() and not is_value(one.kind, value):
            messages.append(text(f"sql.parameter.no_{one.kind}", name=f"${one.name}", value=value))
    return text.joined(*messages)


def inputs(
    parameters: Sequence[Parameter], values: Mapping[str, str], saved: SavedQuery | None, language: Language
) -> list[Any]:
    """An input for each of *parameters*; its label is that of the saved query, else the parameter's name."""
    if not parameters:
        return []
    text = Texts(language)
    labels = saved.labels if saved else {}
    controls = []
    for one in parameters:
        own: dict[str, Any] = {
            "id": {"type": "sql-value", "name": one.name},
            "label": clean(labels[one.name][language]) if one.name in labels else f"${one.name}",
            "value": values.get(one.name) or None,
            "placeholder": text(f"sql.parameter.{one.kind}"),
            "size": "sm",
        }
        if one.kind == "date":
            own["value"] = own["value"] if own["value"] and is_value("date", own["value"]) else None
            names = ("nextMonth", "previousMonth", "nextYear", "previousYear", "nextDecade", "previousDecade")
            own |= {"ariaLabels": {name: text(f"calendar.{name}") for name in names}}
            own |= {name: text(f"calendar.{key}") for name, key in _CALENDAR.items()}
            controls.append(dmc.DateInput(**own, valueFormat="YYYY-MM-DD"))
        else:
            own["value"] = own["value"] or ""
            controls.append(dmc.TextInput(**own))
    settings = {"locale": LOCALES[language], "firstDayOfWeek": 1}
    return [dmc.DatesProvider(html.Div(controls, className="values"), settings=settings)]
