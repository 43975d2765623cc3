"""The Python step of a model: a function from frame to frame, for rows that SQL cannot compute.

Here: finding the function that a header names, hashing its source, and running it on a query's rows.
Not here: the functions (``pipelines.clv``, ``pipelines.touch``).
"""

from __future__ import annotations

import ast
import hashlib
import io
import tokenize
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import duckdb
import polars as pl

from pipelines.home.errors import HeadwaterError
from pipelines.lake.duck import identifier, literal
from pipelines.lake.partitions import parquet_sql

Step = Callable[[pl.DataFrame], pl.DataFrame]
"""A function from the query's rows to the table's rows."""


def step_named(name: str) -> Step:
    """The function that *name*, ``module:function``, stands for.

    Raises:
        HeadwaterError: there is no such module or function.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise HeadwaterError(f"python: {name}: no such function ({error})") from error
    step: Step = found
    return step


@cache
def step_version(name: str) -> str:
    """A hash of the code of the function's package: if it changes, the rows may change.

    Raises:
        HeadwaterError: the module does not exist, or a file of its package is not valid Python.
    """
    module = name.partition(":")[0]
    try:
        spec = find_spec(module)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        raise HeadwaterError(f"python: {name}: module {module} does not exist")
    code = "\n".join(_code_of(path) for path in sorted(Path(spec.origin).parent.glob("*.py")))
    return hashlib.blake2b(code.encode(), digest_size=8).hexdigest()


def _code_of(path: Path) -> str:
    """The text of a source file without comments, docstrings and empty lines, which cannot change a row."""
    source = path.read_text(encoding="utf-8")
    lines = source.splitlines()
    try:
        texts = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Expr)]
    except SyntaxError as error:
        raise HeadwaterError(f"not valid Python: {error.msg}", where=f"{path}:{error.lineno}") from error
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
    for node in texts:
        if (
            isinstance(node.value, ast.Constant)
            and node.end_lineno
            and not lines[node.lineno - 1][: node.col_offset].strip()
        ):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "\n".join(line.rstrip() for line in lines if line.strip())


def run_step(
    connection: duckdb.DuckDBPyConnection, function: str, query: str, columns: Mapping[str, str], folder: Path
) -> str:
    """Run *function* on the rows of *query*; returns a query that reads its result, cast to *columns* (name → type).

    The function is given the rows of one day, ``dt``, at a time; if there are no rows, it is given an empty frame.
    Rows are passed as Parquet files in *folder*, which must exist until the returned query has run.

    Raises:
        HeadwaterError: the function does not exist, or returns other columns; or the query has no ``dt``.
    """
    before, after = folder / "before.parquet", folder / "after.parquet"
    connection.execute(f"COPY ({query}) TO {literal(str(before))} (FORMAT parquet)")
    rows = pl.read_parquet(before, glob=False, hive_partitioning=False)
    if "dt" not in rows.columns:
        raise HeadwaterError(f"python: {function}: the query returns no dt, by which its rows are divided into days")
    step = step_named(function)
    frame = pl.concat([step(day) for day in rows.partition_by("dt")] or [step(rows)])
    if set(frame.columns) != set(columns):
        raise HeadwaterError(
            f"python: {function}: returns {', '.join(frame.columns)}, but the header declares {', '.join(columns)}"
        )
    frame.write_parquet(after)
    casts = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in columns.items())
    return f"SELECT {casts} FROM {parquet_sql([after])}"
