"""The parameters of a query: each ``$name`` in it takes a value that the user gives apart from the query.

Here: finding the parameters, the kind of value that each takes, and whether a text is such a value.
Not here: passing values to DuckDB, which binds them, so that they never become part of the query
(``dashboards.workbench.worker``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.workbench.gate import nodes, parsed
from dashboards.workbench.messages import RefusedError
from dashboards.workbench.worker import Kind, value_of

MOST = 12
"""Maximum parameters of a query."""
LONGEST = 200
"""Maximum characters of a value; the app cuts longer values in its URLs."""

_ARITHMETIC = frozenset({"+", "-", "*", "/", "//", "%", "**", "^"})
_COUNTING = frozenset({"count", "count_star", "sum", "avg", "round", "abs", "length"})
_OF_ITS_ARGUMENT = frozenset({"min", "max", "any_value", "coalesce"})
_NUMBERS = ("INT", "DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL")
_DAYS = ("DATE", "TIMESTAMP")


@dataclass(frozen=True)
class Parameter:
    """A parameter: its name without the ``$``, and the kind of its values."""

    name: str
    kind: Kind


def parameters_of(sql: str, columns: Mapping[str, Kind]) -> list[Parameter]:
    """The parameters of *sql*, in the order in which they first appear.

    A parameter's kind is inferred from a cast (``$from::DATE``), or from what it is compared with or added to.
    Without such a hint, or if the hints differ, the kind is text, which DuckDB converts where it can.

    Args:
        sql: The query.
        columns: The kind of each column, by its name in lower case.

    Raises:
        RefusedError: *sql* is not a single query, or has too many parameters.
    """
    statement = parsed(sql)
    hints: dict[str, set[Kind]] = {}
    for node in nodes(statement):
        for name, kind in _hints(node, columns):
            hints.setdefault(name, set()).add(kind)
    kinds = {name: min(found) for name, found in hints.items() if len(found) == 1}
    order = sorted(statement.get("named_param_map") or (), key=lambda entry: entry["value"])
    names = [str(entry["key"]) for entry in order]
    if len(names) > MOST:
        raise RefusedError("parameters", n=len(names), most=MOST)
    return [Parameter(name, kinds.get(name, "text")) for name in names]


def is_value(kind: Kind, text: str) -> bool:
    """Whether *text* is a valid value of the *kind*."""
    try:
        value_of(kind, text)
    except ValueError:
        return False
    return True


def kind_of_type(name: str) -> Kind:
    """The kind of value that DuckDB's type *name* has."""
    plain = name.upper()
    if plain.endswith("]") or plain.startswith(("STRUCT", "MAP", "INTERVAL")):
        return "text"
    if plain.startswith(_DAYS):
        return "date"
    return "number" if any(part in plain for part in _NUMBERS) else "text"


def _hints(node: Mapping[str, Any], columns: Mapping[str, Kind]) -> list[tuple[str, Kind]]:
    """The parameters directly below *node*, each with the kind that follows from *node*."""
    if node.get("type") in ("LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"):
        return [(name, "number") for name in _names([node.get("limit"), node.get("offset")])]
    operands = _operands(node)
    names = _names(operands)
    if not names:
        return []
    if node.get("class") == "CAST":
        # A cast to a time accepts text, so that the value may include an hour.
        return [(names[0], "text" if _type_of(node).upper().startswith("TIMESTAMP") else kind_of_type(_type_of(node)))]
    if node.get("class") == "FUNCTION" and node.get("function_name") in _ARITHMETIC:
        return [(name, "number") for name in names]
    if node.get("class") in ("COMPARISON", "BETWEEN", "OPERATOR"):
        found = (_kind(operand, columns) for operand in operands)
        kind = next((one for one in found if one is not None), None)
        return [] if kind is None else [(name, kind) for name in names]
    return []


def _operands(node: Mapping[str, Any]) -> list[Any]:
    parts = [node.get(key) for key in ("left", "right", "input", "lower", "upper", "child")]
    children = node.get("children") or []
    arguments = [one.get("expression") for one in node.get("arguments") or () if isinstance(one, dict)]
    return [part for part in (*parts, *children, *arguments) if isinstance(part, dict)]


def _names(operands: list[Any]) -> list[str]:
    found = (one for one in operands if isinstance(one, dict) and one.get("class") == "PARAMETER")
    return [str(one["identifier"]) for one in found]


def _type_of(cast: Mapping[str, Any]) -> str:
    return str((cast.get("type_expr") or {}).get("type_name", ""))


def _kind(operand: Mapping[str, Any], columns: Mapping[str, Kind]) -> Kind | None:
    """The kind of an expression's values; None if the expression is not simple."""
    kind = operand.get("class")
    if kind == "COLUMN_REF":
        return columns.get(str(operand["column_names"][-1]).lower())
    if kind == "CAST":
        return kind_of_type(_type_of(operand))
    if kind == "CONSTANT":
        return "number" if (operand.get("literal") or {}).get("kind") in ("INTEGER", "DECIMAL", "FLOAT") else None
    if kind != "FUNCTION":
        return None
    name = operand.get("function_name")
    if name in _COUNTING:
        return "number"
    if name in _OF_ITS_ARGUMENT or name in _ARITHMETIC:
        found = (_kind(one, columns) for one in _operands(operand))
        return next((one for one in found if one is not None), None)
    return None
