"""Column lineage: the source columns of each column of a model.

Here: deriving lineage from a query's syntax tree and the declared columns of the tables that it reads.
Not here: which tables a model reads, and how far back (``project``); how lineage is shown.
"""

from __future__ import annotations

from sqlglot import MappingSchema, exp
from sqlglot.lineage import Node, lineage

from pipelines.sqlproject.model import DIALECT, Model
from pipelines.sqlproject.project import Project


def column_lineage(project: Project, model: Model) -> dict[str, list[tuple[str, str]]]:
    """Column of *model* → its source columns as (table, column), sorted.

    A column that is used only in conditions or for the order of rows is not a source. A column computed only from
    constants has no sources. ``dt`` is treated like any other column.
    """
    schema = MappingSchema(dialect=DIALECT)
    for read in project.reads[model.name]:
        schema.add_table(exp.to_table(read.table, dialect=DIALECT), dict(project.relation(read.table)))
    # For speed, lineage() gets no column, so that it qualifies the query and visits each CTE only once, and no
    # trim_selects, so that it does not copy the query for each column.
    roots = lineage(None, model.tree, schema=schema, dialect=DIALECT, trim_selects=False)
    assert isinstance(roots, dict)
    if model.python:  # any column of the function's result may depend on all columns of its input
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
            # Several columns may share a CTE, so there may be many more paths than nodes. Visit each node only once.
            continue
        seen.add(id(node))
        waiting += node.downstream
        if not node.downstream and isinstance(node.expression, exp.Table):
            table = f"{node.expression.db}.{node.expression.name}"
            found.append((table, node.name.rpartition(".")[2].strip('"')))
    return found
