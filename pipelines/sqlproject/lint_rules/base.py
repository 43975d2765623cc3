"""The base class of the rules, and the predicates on a typed syntax tree that rules share.

Here: Rule, and predicates on types and simple expressions. A predicate is true only if the types *prove* it, so it
is false for an expression of unknown type.
Not here: the rules.
"""

from __future__ import annotations

import re
from typing import ClassVar

from sqlglot import exp

D = exp.DType

SMALL_INTEGERS = {D.TINYINT, D.SMALLINT, D.INT}
INTEGERS = exp.DataType.INTEGER_TYPES
DECIMALS = {D.DECIMAL}
FLOATS = {D.DOUBLE, D.FLOAT}
NUMBERS = {*INTEGERS, *DECIMALS, *FLOATS}
TEXTS = exp.DataType.TEXT_TYPES
TIMESTAMPS = {D.TIMESTAMP, D.TIMESTAMPNTZ, D.TIMESTAMPTZ, D.TIMESTAMPLTZ, D.DATETIME}
TIMES = {D.DATE, *TIMESTAMPS}


class Rule:
    """A construct that a model must not use. The docstring of a rule says why; it is part of the message.

    Attributes:
        nodes: The kinds of syntax-tree nodes that the rule considers.
        functions: Lower-case names of functions that sqlglot does not know and the rule refuses.
        instead: What to write instead.
        as_written: True: the rule gets the tree as it was written, without types. False: it gets the typed tree, with
            ``*`` expanded and names and aliases resolved.
    """

    nodes: ClassVar[tuple[type[exp.Expr], ...]] = ()
    functions: ClassVar[frozenset[str]] = frozenset()
    instead: ClassVar[str]
    as_written: ClassVar[bool] = False

    def __init__(self, table: str = "") -> None:
        """*table* is the model whose query is checked; '' if the query does not belong to a model."""
        self.table = table

    @classmethod
    def name(cls) -> str:
        """The rule's name: the class name in kebab case."""
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()

    @classmethod
    def may_consider(cls, kind: type[exp.Expr]) -> bool:
        """Whether the rule may apply to a node of type *kind*; for functions unknown to sqlglot, the name decides."""
        return issubclass(kind, cls.nodes) or (kind is exp.Anonymous and bool(cls.functions))

    @classmethod
    def considers(cls, node: exp.Expr) -> bool:
        """Whether the rule applies to *node*, because of its type or the name of its function."""
        return isinstance(node, cls.nodes) or function_name(node) in cls.functions

    def offends(self, node: exp.Expr) -> bool:
        """Whether the rule refuses *node*."""
        return self.considers(node) and self._refuses(node)

    def _refuses(self, node: exp.Expr) -> bool:
        # The default: a rule refuses every node that it considers.
        return True

    def message(self, node: exp.Expr) -> str:
        """Why *node* is refused and what to write instead, in one line."""
        return " ".join(f"{type(self).__doc__} Write instead: {self.instead}".split())


def function_name(node: exp.Expr) -> str:
    """The name of a function that sqlglot does not know, in lower case; '' for any other node."""
    return str(node.this).lower() if isinstance(node, exp.Anonymous) else ""


def kind(node: exp.Expr | None) -> exp.DType:
    """The type of *node* without its parameters; UNKNOWN if it has none."""
    if isinstance(node, exp.Null):
        return D.NULL
    dtype = node.type.this if node is not None and node.type is not None else D.UNKNOWN
    return dtype if isinstance(dtype, D) else D.UNKNOWN


def bare(node: exp.Expr) -> exp.Expr:
    """*node* without the parentheses around it."""
    while isinstance(node, exp.Paren):
        node = node.this
    return node


def around(node: exp.Expr) -> exp.Expr | None:
    """The nearest ancestor of *node* that is not a parenthesis; None at the root."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    return parent


def is_parameter(node: exp.Expr) -> bool:
    """Whether *node* is a parameter that is not replaced by a value yet."""
    return isinstance(bare(node), exp.Placeholder | exp.Parameter)


def number(node: exp.Expr | None) -> float | None:
    """The value of a number literal, with or without a sign; None for any other expression."""
    if node is None:
        return None
    node = bare(node)
    if isinstance(node, exp.Neg):
        inner = number(node.this)
        return None if inner is None else -inner
    return float(node.name) if isinstance(node, exp.Literal) and not node.is_string else None


def text(node: exp.Expr | None) -> str | None:
    """The value of a string literal; None for any other expression."""
    return node.name if isinstance(node, exp.Literal) and node.is_string else None


def is_integral(node: exp.Expr) -> bool:
    """Whether the value of *node*, of any numeric type, never has a fraction."""
    node = bare(node)
    if kind(node) in {*INTEGERS, D.BOOLEAN, D.NULL}:
        return True
    if isinstance(node, exp.Floor | exp.Ceil | exp.Round):
        return number(node.args.get("decimals") or exp.Literal.number(0)) == 0
    if isinstance(node, exp.Neg):
        return is_integral(node.this)
    if isinstance(node, exp.Coalesce):
        return all(is_integral(part) for part in (node.this, *node.expressions))
    if isinstance(node, exp.Add | exp.Sub | exp.Mul):
        return is_integral(node.this) and is_integral(node.expression)
    return isinstance(node, exp.TimeToUnix)  # if epoch() may have a fraction, FractionalEpoch refuses it


def says_not_null(condition: exp.Expr, what: exp.Expr) -> bool:
    """Whether one of the terms that *condition* joins with AND is ``what IS NOT NULL``."""
    condition = bare(condition)
    terms = condition.flatten() if isinstance(condition, exp.And) else (condition,)
    for term in map(bare, terms):
        inner = bare(term.this) if isinstance(term, exp.Not) else None
        if isinstance(inner, exp.Is) and isinstance(inner.args["expression"], exp.Null) and bare(inner.this) == what:
            return True
    return False
