"""The last step of a model whose rows SQL cannot say: a Python function from frame to frame.

Here: finding the function that a header names, what its text is for versions, and running it on a query's rows.
Not here: the functions (``pipelines.clv``).
"""

from __future__ import annotations

import hashlib
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
"""A function from the query's rows to the table's."""


def step_named(name: str) -> Step:
    """The function that ``module:function`` names.

    Raises:
        HeadwaterError: there is none.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise HeadwaterError(f"python: {name}: there is no such function ({error})") from error
    step: Step = found
    return step


@cache
def step_version(name: str) -> str:
    """A hash of the sources of the package in which ``module:function`` is: another text may make other rows.

    Raises:
        HeadwaterError: there is no such module.
    """
    module = name.partition(":")[0]
    try:
        spec = find_spec(module)
    except ImportError:
        spec = None
    if spec is None or spec.origin is None:
        raise HeadwaterError(f"python: {name}: there is no module {module}")
    sources = (path.read_bytes() for path in sorted(Path(spec.origin).parent.glob("*.py")))
    return hashlib.blake2b(b"\n".join(sources), digest_size=8).hexdigest()


def stepped(
    connection: duckdb.DuckDBPyConnection, function: str, query: str, columns: Mapping[str, str], folder: Path
) -> str:
    """A query of the rows that *function* makes of those of *query*, as *columns* (name → DuckDB type).

    Rows go to and fro as Parquet files in *folder*, which must stay until the query is done.

    Raises:
        HeadwaterError: there is no such function, or it returns other columns.
    """
    before, after = folder / "before.parquet", folder / "after.parquet"
    connection.execute(f"COPY ({query}) TO {literal(str(before))} (FORMAT parquet)")
    frame = step_named(function)(pl.read_parquet(before, glob=False, hive_partitioning=False))
    if set(frame.columns) != set(columns):
        raise HeadwaterError(
            f"python: {function}: returns {', '.join(frame.columns)}, declared are {', '.join(columns)}"
        )
    frame.write_parquet(after)
    casts = ", ".join(f"CAST({identifier(name)} AS {kind}) AS {identifier(name)}" for name, kind in columns.items())
    return f"SELECT {casts} FROM {parquet_sql([after])}"
