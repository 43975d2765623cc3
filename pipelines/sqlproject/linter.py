"""The SQL linter: models may use only SQL that gives the same result on DuckDB and, transpiled, on Spark.

Here: running the rules over a query, with types derived from the declared columns, and the position of each finding.
Not here: the rules, each a small class (``lint_rules``); contracts between models (``project``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import ErrorLevel, SqlglotError, UnsupportedError
from sqlglot.optimizer.annotate_types import TypeAnnotator, annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from pipelines.sqlproject.lint_rules import functions, lists, metrics, numbers, selects, shape, texts, times
from pipelines.sqlproject.lint_rules.base import Rule
from pipelines.sqlproject.model import DIALECT

_LONGEST_CONSTRUCT = 100


@dataclass(frozen=True)
class Finding:
    """A construct that a model must not use.

    Attributes:
        rule: The rule's name, such as ``division-by-zero``.
        line: The line on which the construct begins, from 1; None if unknown.
        column: The column in which the construct begins, from 1; None if unknown.
        construct: The construct, as SQL.
        message: Why the construct is refused and what to write instead.
    """

    rule: str
    line: int | None
    column: int | None
    construct: str
    message: str


class Unresolved(Rule):
    """The names of this query cannot be resolved, so its types are unknown."""

    instead = "columns of the tables that this SELECT reads, with the table's alias if several have the column"


class Untranslatable(Rule):
    """sqlglot cannot translate this for Spark."""

    instead = "joins, windows, CASE and functions that the linter accepts"


RULES: tuple[type[Rule], ...] = (
    *shape.RULES,
    *selects.RULES,
    *times.RULES,
    *numbers.RULES,
    *texts.RULES,
    *lists.RULES,
    *functions.RULES,
    *metrics.RULES,
    Unresolved,
    Untranslatable,
)
"""All rules, by subject."""


def lint(
    tree: exp.Expr, schema: Mapping[str, Mapping[str, str]], text: str | None = None, table: str = ""
) -> list[Finding]:
    """The constructs in *tree* that a model must not use, in the order of the text.

    Args:
        tree: A query as parsed from DuckDB's dialect, with its parameters bound. It is not changed.
        schema: Table (``schema.name``) → column → DuckDB type. A construct that is not safe for these types is refused.
        text: The source text of the tree, for exact positions: sqlglot's own line numbers are too large after a
            ``$name``.
        table: The model whose query it is; '' for other queries.
    """
    found = list(_findings(tree, [rule(table) for rule in RULES if rule.as_written]))
    try:
        typed = _typed(tree, schema)
    except SqlglotError as error:
        found.append((tree, Unresolved, f"{Unresolved().message(tree)} ({str(error).splitlines()[0]})"))
    else:
        found.extend(_findings(typed, [rule(table) for rule in RULES if not rule.as_written]))
    if not found and isinstance(tree, exp.Query):
        found = [(tree, Untranslatable, f"{Untranslatable().message(tree)} ({fault})") for fault in _faults(tree)]
    # Resolving an alias repeats its expression wherever the alias is used, so report equal findings only once.
    findings = dict.fromkeys(_finding(node, rule, message, text) for node, rule, message in found)
    return sorted(findings, key=lambda finding: (finding.line or 0, finding.column or 0, finding.rule))


def lint_query(tree: exp.Query, schema: Mapping[str, Mapping[str, str]], text: str) -> list[Finding]:
    """The faults of a query that runs on DuckDB only: unknown tables and columns, division by zero, wrong formulas.

    Args:
        tree: As for ``lint``, but its parameters need no values.
        schema: As for ``lint``, with every table that a query may read.
        text: The source text of the tree.
    """
    found = list(_findings(tree, [metrics.MetricFormula()]))
    unknown = [table for table in _read_by(tree) if f"{table.db}.{table.name}" not in schema]
    found += [(table, Unresolved, f"there is no such table{_nearest(table, schema)}") for table in unknown]
    if not unknown:
        try:
            typed = _annotated(qualified(tree, schema), _tables(schema, tree))
        except SqlglotError as error:
            found.append((tree, Unresolved, f"{Unresolved().message(tree)} ({str(error).splitlines()[0]})"))
        else:
            found += _findings(typed, [numbers.DivisionByZero()])
    return [_finding(node, rule, message, text) for node, rule, message in found]


def _nearest(table: exp.Table, schema: Mapping[str, Mapping[str, str]]) -> str:
    close = difflib.get_close_matches(f"{table.db}.{table.name}", schema, n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


_Found = tuple[exp.Expr, type[Rule], str]


def _findings(tree: exp.Expr, rules: list[Rule]) -> Iterator[_Found]:
    # A cache: asking every rule about every node would take a third of the linter's time.
    considering: dict[type[exp.Expr], list[Rule]] = {}
    for node in tree.walk():
        kind = type(node)
        if kind not in considering:
            considering[kind] = [rule for rule in rules if rule.may_consider(kind)]
        for rule in considering[kind]:
            if rule.offends(node):
                yield node, type(rule), rule.message(node)


def _finding(node: exp.Expr, rule: type[Rule], message: str, text: str | None) -> Finding:
    line, column = _position(node, text)
    construct = " ".join(node.sql(dialect=DIALECT, comments=False).split())
    if len(construct) > _LONGEST_CONSTRUCT:
        construct = construct[: _LONGEST_CONSTRUCT - 1] + "…"
    return Finding(rule.name(), line, column, construct, message)


def _position(node: exp.Expr, text: str | None) -> tuple[int | None, int | None]:
    """Line and column of the first token of *node* with a position, else of the expression around it; None: unknown."""
    at: exp.Expr | None = node
    while at is not None:
        tokens = [part.meta for part in at.walk() if "start" in part.meta]
        if tokens:
            first = min(tokens, key=lambda meta: int(meta["start"]))
            start = int(first["start"])
            if text is not None:
                return text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
            column = int(first["col"]) - (int(first["end"]) - start)
            return int(first["line"]), column if column > 0 else None
        at = at.parent
    return None, None


def _typed(tree: exp.Expr, schema: Mapping[str, Mapping[str, str]]) -> exp.Expr:
    """A copy of *tree* with columns qualified, ``*`` and aliases resolved, and a type on every node."""
    tables = _tables(schema, tree)
    return _annotated(
        qualify(tree.copy(), dialect=DIALECT, schema=tables, validate_qualify_columns=False, quote_identifiers=False),
        tables,
    )


def qualified(tree: exp.Query, schema: Mapping[str, Mapping[str, str]]) -> exp.Expr:
    """A copy of *tree* with columns qualified, ``*`` and aliases resolved.

    Raises:
        SqlglotError: a column is in none of the tables that the query reads.
    """
    return qualify(tree.copy(), dialect=DIALECT, schema=_tables(schema, tree), quote_identifiers=False)


def _read_by(tree: exp.Expr) -> list[exp.Table]:
    return [table for table in tree.find_all(exp.Table) if table.db]


def _tables(schema: Mapping[str, Mapping[str, str]], tree: exp.Expr) -> MappingSchema:
    """The tables of *schema* that *tree* reads."""
    read = {f"{table.db}.{table.name}" for table in _read_by(tree)}
    nested: dict[str, object] = {}
    for table, columns in schema.items():
        if table not in read:
            continue
        database, _, name = table.rpartition(".")
        within = nested.setdefault(database, {})
        assert isinstance(within, dict)
        within[name] = {column: _type_of(kind) for column, kind in columns.items()}
    return MappingSchema(nested, dialect=DIALECT)


def _annotated(tree: exp.Expr, tables: MappingSchema) -> exp.Expr:
    return annotate_types(tree, schema=tables, dialect=DIALECT, expression_metadata=_TYPING, coerces_to=_COERCIONS)


@cache
def _type_of(kind: str) -> exp.DataType:
    return _without_digits(exp.DataType.build(kind, DIALECT))


def _without_digits(dtype: exp.DataType) -> exp.DataType:
    # Drop the parameters of types: sqlglot prefers a type with parameters to every other, so with them DECIMAL(18,4) *
    # DOUBLE would be a DECIMAL.
    bare = dtype.copy()
    for part in bare.find_all(exp.DataType):
        if part.this is exp.DType.DECIMAL:
            part.set("expressions", None)
    return bare


def _type_literal(annotator: TypeAnnotator, node: exp.Literal) -> exp.Expr:
    if not node.is_string and not node.is_int and "e" not in node.name.lower():
        return annotator._set_type(node, exp.DType.DECIMAL)
    return annotator._annotate_literal(node)


def _type_bracket(annotator: TypeAnnotator, node: exp.Bracket) -> exp.Expr:
    of = node.this.type
    if of is not None and of.this is exp.DType.MAP and len(of.expressions) == 2:
        return annotator._set_type(node, of.expressions[1])
    return annotator._annotate_bracket(node)


def _type_product(annotator: TypeAnnotator, node: exp.Mul) -> exp.Expr:
    if any(side.is_type(exp.DType.INTERVAL) for side in (node.this, node.args["expression"])):
        return annotator._set_type(node, exp.DType.INTERVAL)
    return annotator._annotate_binary(node)


def _type_cast(annotator: TypeAnnotator, node: exp.Cast) -> exp.Expr:
    return annotator._set_type(node, _without_digits(node.args["to"]))


def _type_as_argument(annotator: TypeAnnotator, node: exp.Func) -> exp.Expr:
    return annotator._annotate_by_args(node, "this")


_TYPING: dict[type[exp.Expr], dict[str, Any]] = {
    **DuckDB.EXPRESSION_METADATA,
    exp.Literal: {"annotator": _type_literal},
    exp.Bracket: {"annotator": _type_bracket},
    exp.Mul: {"annotator": _type_product},
    exp.Cast: {"annotator": _type_cast},
    exp.TryCast: {"annotator": _type_cast},
    exp.ArgMax: {"annotator": _type_as_argument},
    exp.ArgMin: {"annotator": _type_as_argument},
    exp.Div: {"returns": exp.DType.DOUBLE},
    exp.Median: {"returns": exp.DType.DOUBLE},
    exp.Replace: {"returns": exp.DType.TEXT},
    exp.SplitPart: {"returns": exp.DType.TEXT},
    exp.Split: {"returns": exp.DataType.build("VARCHAR[]", DIALECT)},
}
"""sqlglot's typing of expressions in DuckDB's dialect, corrected where DuckDB 2.0 gives another type."""

_COERCIONS: dict[exp.DType, set[exp.DType]] = {
    **TypeAnnotator.COERCES_TO,
    exp.DType.DATE: TypeAnnotator.COERCES_TO[exp.DType.DATE] | {exp.DType.TIMESTAMPNTZ},
    exp.DType.INT128: {exp.DType.DECIMAL, exp.DType.FLOAT, exp.DType.DOUBLE},
}
"""The types that each type is coerced to; sqlglot's own table lacks some."""


def _faults(tree: exp.Query) -> list[str]:
    try:
        tree.sql(dialect="spark", unsupported_level=ErrorLevel.RAISE)
    except UnsupportedError as error:
        return str(error).splitlines()
    return []
