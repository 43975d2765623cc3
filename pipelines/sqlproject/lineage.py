"""Column lineage: which columns of which tables each column of a model is made of.

Here: the lineage that follows from a query's syntax tree and the declared columns of what it reads.
Not here: which tables a model reads, and how far back (``project``); how lineage is shown.
"""

from __future__ import annotations

from sqlglot import MappingSchema, exp
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify

from pipelines.sqlproject.model import DIALECT, Model
from pipelines.sqlproject.project import Project


def column_lineage(project: Project, model: Model) -> dict[str, list[tuple[str, str]]]:
    """Column of *model* → the (table, column) pairs whose values it holds or is computed from, sorted.

    Conditions do not count: a column that only decides which rows there are, or in which order, is no source.
    A column made of constants alone has none. ``dt`` of a table by days counts like any other column.
    """
    schema = MappingSchema(dialect=DIALECT)
    for read in project.reads[model.name]:
        schema.add_table(exp.to_table(read.table, dialect=DIALECT), dict(project.relation(read.table)))
    # Qualified once for all columns; without a column, lineage() shares what it finds of every CTE among them.
    query = qualify(model.tree.copy(), dialect=DIALECT, schema=schema, validate_qualify_columns=False, identify=False)
    roots = lineage(None, query, schema=schema, dialect=DIALECT, copy=False)
    assert isinstance(roots, dict)
    if model.python:  # what a function makes of its columns is not known: each may be made of all
        every = sorted({leaf for root in roots.values() for leaf in _leaves(root)})
        return dict.fromkeys(model.columns, every)
    return {column: sorted(set(_leaves(roots[column]))) for column in model.columns if column in roots}


def _leaves(root: Node) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    seen: set[int] = set()
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            # CTEs that several columns share make the graph a net: its paths may be many more than its nodes.
            continue
        seen.add(id(node))
        waiting += node.downstream
        if not node.downstream and isinstance(node.expression, exp.Table):
            table = f"{node.expression.db}.{node.expression.name}"
            found.append((table, node.name.rpartition(".")[2].strip('"')))
    return found
