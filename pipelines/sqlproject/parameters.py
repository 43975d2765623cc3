"""Parameters of a query: inserted into its syntax tree as literals, never by formatting text.

Here: binding ``$name``, folding constant expressions (``$from_dt - (CEIL($head_lookback_hours / 24) + 1)`` becomes a
date), and evaluating the look-backs that headers declare.
Not here: which parameters there are (``pipelines.home.settings.Settings.parameters``).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Mapping
from fractions import Fraction

import sqlglot
from sqlglot import exp

from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import SettingValue

Value = SettingValue | dt.date


def bind(tree: exp.Query, values: Mapping[str, Value]) -> exp.Query:
    """A copy of *tree* with each ``$name`` replaced by the literal of its value.

    A list is only allowed in ``x IN ($list)``, which becomes FALSE for an empty list. Arithmetic between literals
    is folded, so that both engines get plain numbers and dates.

    Raises:
        HeadwaterError: the tree names a parameter that *values* lacks, or uses a list elsewhere.
    """
    bound = tree.copy()
    for placeholder in list(bound.find_all(exp.Placeholder)):
        value = value_of(placeholder.name, values)
        if isinstance(value, tuple):
            _expand_list(placeholder, value)
        else:
            placeholder.replace(_literal(value))
    return _fold(bound)


def value_of(name: str, values: Mapping[str, Value]) -> Value:
    """The value of a parameter.

    Raises:
        HeadwaterError: no parameter has this name.
    """
    if name not in values:
        raise HeadwaterError(
            f"unknown parameter ${name}; known are {', '.join(f'${known}' for known in sorted(values))}"
        )
    return values[name]


def look_back(expression: str, values: Mapping[str, Value]) -> int:
    """The number of days that a ``reads`` expression such as ``ceil(head_lookback_hours / 24) + 1`` evaluates to.

    Raises:
        HeadwaterError: the value is not an integer, or the expression names an unknown setting.
    """
    tree = sqlglot.parse_one(expression, read="duckdb")
    for column in list(tree.find_all(exp.Column)):
        if column.name not in values:
            raise HeadwaterError(
                f"'{expression}' names '{column.name}'; known settings are {', '.join(sorted(values))}"
            )
        literal = _literal(values[column.name])
        tree = literal if column is tree else tree
        if column is not tree:
            column.replace(literal)
    days = _number(tree)
    if days is None or days.denominator != 1 or days < 0:
        raise HeadwaterError(f"'{expression}' is not a whole number of days")
    return int(days)


def _expand_list(placeholder: exp.Placeholder, items: tuple[str, ...] | tuple[int, ...]) -> None:
    parent = placeholder.parent
    if not isinstance(parent, exp.In) or placeholder.arg_key != "expressions":
        raise HeadwaterError(f"${placeholder.name} is a list: write 'x IN (${placeholder.name})'")
    if items:
        parent.set("expressions", [_literal(item) for item in items])
    else:
        parent.replace(exp.false())


def _literal(value: Value) -> exp.Expr:
    if isinstance(value, dt.date):
        return exp.cast(exp.Literal.string(value.isoformat()), "DATE")
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    return exp.Literal.number(value)


def _fold(tree: exp.Query) -> exp.Query:
    def fold(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Add | exp.Sub) and (day := _date(node.this)):
            days = _number(node.expression)
            if days is not None:
                return _literal(_shifted(day, days if isinstance(node, exp.Add) else -days))
        if isinstance(node, exp.Binary | exp.Ceil | exp.Paren) and (number := _number(node)) is not None:
            return exp.Literal.number(int(number) if number.denominator == 1 else float(number))
        return node

    folded = tree.transform(fold, copy=False)
    assert isinstance(folded, exp.Query)
    return folded


def _shifted(day: dt.date, days: Fraction) -> dt.date:
    try:
        return day + dt.timedelta(days=int(days))
    except OverflowError as error:
        raise HeadwaterError(
            f"{day} {'-' if days < 0 else '+'} {abs(int(days))} days is outside the years 1 to 9999",
            remedy="reduce the number of days in the query or in the setting that it names",
        ) from error


def _date(node: exp.Expr) -> dt.date | None:
    if isinstance(node, exp.Paren):
        return _date(node.this)
    if isinstance(node, exp.Cast) and node.is_type("DATE") and isinstance(node.this, exp.Literal):
        return dt.date.fromisoformat(node.this.name)
    return None


def _number(node: exp.Expr) -> Fraction | None:
    """The value of an expression of number literals, + − * / and CEIL; None for any other expression."""
    if isinstance(node, exp.Literal) and not node.is_string:
        return Fraction(node.name)
    if isinstance(node, exp.Paren):
        return _number(node.this)
    if isinstance(node, exp.Neg):
        inner = _number(node.this)
        return None if inner is None else -inner
    if isinstance(node, exp.Ceil):
        inner = _number(node.this)
        return None if inner is None else Fraction(math.ceil(inner))
    if isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.Div):
        left, right = _number(node.this), _number(node.expression)
        if left is None or right is None:
            return None
        if isinstance(node, exp.Add):
            return left + right
        if isinstance(node, exp.Sub):
            return left - right
        if isinstance(node, exp.Mul):
            return left * right
        return left / right if right else None
    return None
