"""Rules about which columns a SELECT returns: stars, equal names, UNIONs.

Not here: rules about relations and joins (``shape``), rules about expressions.
"""

from __future__ import annotations

from sqlglot import exp

from pipelines.sqlproject.lint_rules.base import Rule


class SelectStar(Rule):
    """A star over a table hides which columns a query has: a new upstream column would change the result unnoticed."""

    nodes = (exp.Star,)
    as_written = True
    instead = (
        "the table's columns by name. A star may stand for the columns of a CTE or subquery: SELECT step.*, … FROM "
        "step JOIN …, step.* EXCLUDE (…), or SELECT * FROM step without anything beside it"
    )

    def _refuses(self, node: exp.Expr) -> bool:
        item = node.parent if isinstance(node.parent, exp.Column) else node
        select = item.parent
        if isinstance(select, exp.Count | exp.Columns):
            return False
        if not isinstance(select, exp.Select) or any(value for key, value in node.args.items() if key != "except_"):
            return True
        relations = _relations(select)
        if isinstance(item, exp.Column):
            relations = [relation for relation in relations if relation.alias_or_name.lower() == item.table.lower()]
        elif len(select.expressions) > 1:
            return True
        return len(relations) != 1 or not _is_step(relations[0])


def _relations(select: exp.Select) -> list[exp.Expr]:
    """The relations in FROM and in the joins of *select*."""
    source = select.args.get("from_")
    joins = [*(select.args.get("joins") or []), *(select.args.get("laterals") or [])]
    return [
        part.this if isinstance(part, exp.From | exp.Join) else part for part in ([source] if source else []) + joins
    ]


def _is_step(relation: exp.Expr) -> bool:
    """Whether *relation* is a CTE or subquery: a star over it is allowed, a star inside it is checked separately."""
    if isinstance(relation, exp.Subquery):
        return isinstance(relation.this, exp.Query)
    # A name without a schema is a CTE: tables have a schema, and loading the project refuses any other name.
    return isinstance(relation, exp.Table) and isinstance(relation.this, exp.Identifier) and not relation.db


class StarBesideQualify(Rule):
    """For Spark, QUALIFY becomes a column of an inner SELECT, and a star beside it would return that column too."""

    nodes = (exp.Qualify,)
    as_written = True
    instead = "row_number() OVER (…) AS nth in one step, WHERE nth = 1 in the next; or the columns by name"

    def _refuses(self, node: exp.Expr) -> bool:
        return node.parent is not None and _has_star(node.parent)


class DuplicateColumn(Rule):
    """A SELECT returns two columns with the same name: Spark refuses to read them, DuckDB takes the first."""

    nodes = (exp.Select,)
    instead = "another name, or step.* EXCLUDE (name) and the new column of that name"

    def _refuses(self, node: exp.Expr) -> bool:
        return bool(_repeated(node))

    def message(self, node: exp.Expr) -> str:
        """The repeated names, followed by the rule's message."""
        names = ", ".join(_repeated(node))
        return f"{names}: {super().message(node)}" if names else super().message(node)


def _repeated(node: exp.Expr) -> list[str]:
    names = node.named_selects if isinstance(node, exp.Select) else []
    return sorted({name for name in names if name != "*" and names.count(name) > 1})


class UnionByPosition(Rule):
    """A UNION matches columns by position, not by name, and its SELECTs have a column at different positions."""

    nodes = (exp.SetOperation,)
    instead = "the columns in the same order in every SELECT of the UNION"

    def _refuses(self, node: exp.Expr) -> bool:
        assert isinstance(node, exp.SetOperation)
        left, right = node.left.named_selects, node.right.named_selects
        return any(name in right and right.index(name) != place for place, name in enumerate(left))


class UnionOfJoinedStar(Rule):
    """On Spark, a star beside USING returns the columns of USING first, and a UNION matches columns by position."""

    nodes = (exp.SetOperation,)
    as_written = True
    instead = "the columns by name in the SELECTs of the UNION, or ON in place of USING"

    def _refuses(self, node: exp.Expr) -> bool:
        assert isinstance(node, exp.SetOperation)
        return any(_moves_columns(side) for side in (node.left, node.right))


def _has_star(select: exp.Expr) -> bool:
    return any(item.is_star for item in select.expressions)


def _moves_columns(query: exp.Expr) -> bool:
    """Whether a star beside USING, in *query* or in a CTE or subquery in it, gives another column order on Spark."""
    if isinstance(query, exp.Subquery):
        return _moves_columns(query.this)
    if isinstance(query, exp.SetOperation):
        return False  # this side is itself a UNION, which the rule checks separately
    if not isinstance(query, exp.Select) or not _has_star(query):
        return False
    if any(join.args.get("using") for join in query.args.get("joins") or []):
        return True
    return any(_moves_columns(_step(relation)) for relation in _relations(query))


def _step(relation: exp.Expr) -> exp.Expr:
    """The query of the CTE that *relation* names, from the innermost WITH that defines it; else *relation* itself."""
    within: exp.Expr | None = None
    at = relation.parent
    while at is not None and isinstance(relation, exp.Table):
        if isinstance(at, exp.CTE):
            within = at
        for step in at.ctes if isinstance(at, exp.Query) else ():
            if step is not within and step.alias.lower() == relation.name.lower():
                query: exp.Expr = step.this
                return query
        at = at.parent
    return relation


RULES: tuple[type[Rule], ...] = (
    SelectStar,
    StarBesideQualify,
    DuplicateColumn,
    UnionByPosition,
    UnionOfJoinedStar,
)
