"""Checks with DuckDB's parser that a query only reads, and only allowed tables.

Here: allow lists of node types, expressions, functions and tables, for a single statement. Anything unknown is refused.
Not here: protection from a query that gets past this check (``dashboards.workbench.worker``).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from functools import cache
from typing import Any

import duckdb

from dashboards.workbench.functions import FUNCTIONS, TABLE_FUNCTIONS
from dashboards.workbench.messages import RefusedError, UnknownTableError

LONGEST_QUERY = 20_000
"""Maximum characters of a query."""

_DEEPEST = 400
_NODES = frozenset(
    {
        *("SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"),
        *("BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION", "PIVOT", "SHOW_REF"),
        *("ORDER_MODIFIER", "LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER", "DISTINCT_MODIFIER"),
        *("ORDER_DEFAULT", "ASCENDING", "DESCENDING"),
    }
)
_EXPRESSIONS = frozenset(
    {
        *("BETWEEN", "CASE", "CAST", "COLLATE", "COLUMN_REF", "COMPARISON", "CONJUNCTION", "CONSTANT", "FUNCTION"),
        *("LAMBDA", "OPERATOR", "PARAMETER", "POSITIONAL_REFERENCE", "STAR", "SUBQUERY", "TYPE", "WINDOW"),
    }
)
_NEED_A_SCHEMA = frozenset({"columns", "constraints", "schemata", "tables", "views"})
"""DuckDB has views with these names only in information_schema, so a query may give these names to its CTEs."""
_SHOWN = frozenset({"DESCRIBE", "SUMMARY"})
_NAMES = {
    "COPY_QUERY_NODE": "COPY",
    "INSERT_QUERY_NODE": "INSERT",
    "UPDATE_QUERY_NODE": "UPDATE",
    "DELETE_QUERY_NODE": "DELETE",
    "DEFAULT": "DEFAULT",
}


def let_through(sql: str, tables: Collection[str]) -> frozenset[str]:
    """Check *sql*, and return those of *tables* (``schema.table``) that it reads.

    Raises:
        RefusedError: *sql* is not a single statement that only reads these tables with allowed functions.
    """
    if len(sql) > LONGEST_QUERY:
        raise RefusedError("long", n=f"{len(sql):,}", most=f"{LONGEST_QUERY:,}")
    statement = parsed(sql)
    ctes = _names_of_ctes(statement)
    known = {table.lower(): table for table in tables}
    read: set[str] = set()
    for node in nodes(statement):
        if "class" in node:
            _check_expression(node)
        elif isinstance(node.get("type"), str):
            _check_node(node)
            if node["type"] == "BASE_TABLE":
                read |= _table(node, known, ctes)
    return frozenset(read)


def parsed(sql: str) -> dict[str, Any]:
    """The one statement of *sql*, as DuckDB's parser writes it.

    Raises:
        RefusedError: *sql* is not a single statement that can be parsed and only reads.
    """
    with duckdb.connect() as connection:
        try:
            answer = connection.execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
        except duckdb.Error as error:  # for example, the query is nested too deeply for the parser
            raise RefusedError("invalid", fault=str(error).splitlines()[0]) from error
    try:
        parsed: dict[str, Any] = json.loads(answer[0] if answer else "{}")
    except RecursionError:  # DuckDB's parser allows deeper nesting than Python's JSON parser
        raise RefusedError("deep") from None
    if parsed.get("error", True):
        message = str(parsed.get("error_message", "cannot be read"))
        if "Only SELECT statements" in message:
            raise RefusedError("writes")
        raise RefusedError("invalid", fault=message.splitlines()[0])
    statements = parsed.get("statements") or []
    if len(statements) != 1:
        raise RefusedError("several", n=len(statements))
    statement: dict[str, Any] = statements[0]
    return statement


def nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every JSON object in the parsed query, whether nested or not."""
    stack: list[tuple[object, int]] = [(tree, 0)]
    while stack:
        value, depth = stack.pop()
        if depth > _DEEPEST:
            raise RefusedError("deep")
        if isinstance(value, dict):
            yield value
            stack += [(child, depth + 1) for child in value.values()]
        elif isinstance(value, list):
            stack += [(child, depth + 1) for child in value]


def _names_of_ctes(statement: dict[str, Any]) -> frozenset[str]:
    names = {str(node["cte_name"]) for node in nodes(statement) if isinstance(node.get("cte_name"), str)}
    for node in nodes(statement):
        entries = node.get("map") if set(node) == {"map"} else None
        names |= {str(entry["key"]) for entry in entries or () if isinstance(entry, dict) and "key" in entry}
    for name in names - {""}:
        if not name.isidentifier():  # a name that looks like a path would make DuckDB read that file
            raise RefusedError("with_name", name=name)
        # A name from WITH is valid only in a part of the query, but ``_table`` allows it everywhere. Elsewhere DuckDB
        # would take the name for a view of its own, so the names of these views are refused.
        if name.lower() in _own_views():
            raise RefusedError("with_view", name=name)
    return frozenset(name.lower() for name in names)


@cache
def _own_views() -> frozenset[str]:
    """The views of DuckDB that a query can name without a schema; they show settings, tables and file paths."""
    with duckdb.connect() as connection:
        found = connection.execute("SELECT view_name FROM duckdb_views()").fetchall()
    return frozenset(name.lower() for (name,) in found) - _NEED_A_SCHEMA


def _check_node(node: dict[str, Any]) -> None:
    kind = node["type"]
    if kind not in _NODES:
        raise RefusedError("statement", name=_NAMES.get(kind, kind))
    if kind == "SHOW_REF" and node.get("show_type") not in _SHOWN:
        raise RefusedError("show")
    if kind == "TABLE_FUNCTION":
        function = node.get("function") or {}
        _check_name(function, TABLE_FUNCTIONS, "table_function")
    if node.get("at_clause"):
        raise RefusedError("at")


def _check_expression(node: dict[str, Any]) -> None:
    if node["class"] not in _EXPRESSIONS:
        raise RefusedError("expression", name=_NAMES.get(node["class"], node["class"]))
    if node["class"] == "PARAMETER" and not str(node.get("identifier", "")).isidentifier():
        raise RefusedError("parameter")
    if node["class"] in ("FUNCTION", "WINDOW"):
        _check_name(node, FUNCTIONS | TABLE_FUNCTIONS, "function")


def _check_name(function: dict[str, Any], allowed: Collection[str], refusal: str) -> None:
    name = str(function.get("function_name", "")).lower()
    path = (function.get("qualified_name") or {}).get("path") or [name]
    if name not in allowed or len(path) != 1 or function.get("schema") or function.get("catalog"):
        raise RefusedError(refusal, name=f"{'.'.join(map(str, path))}()")


def _table(node: dict[str, Any], known: dict[str, str], ctes: frozenset[str]) -> set[str]:
    path = [str(part) for part in (node.get("qualified_name") or {}).get("path") or ()]
    name = ".".join(path).lower()
    if len(path) == 1 and name in ctes:
        return set()
    if len(path) == 2 and name in known:
        return {known[name]}
    candidates = [
        table for table in known.values() if table.split(".")[-1].lower() == (path[-1].lower() if path else "")
    ]
    raise UnknownTableError(".".join(path), candidates[0] if candidates else "")
