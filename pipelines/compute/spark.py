"""Spark as the engine of a run: tables by day are computed there, for days that are too large for one machine.

Here: the session, showing tables to it, computing a query into one file for each day, the rows of a check.
Not here: what is computed and published (``pipelines.compute.runner``). Ingestion, the planner, tables without days and
the last step of every table, which writes the file of the lake from Spark's, stay with DuckDB in this process.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import sqlglot
from sqlglot import exp

from pipelines.compute.inputs import Verifier
from pipelines.compute.workspace import Workspace
from pipelines.config_tables import CONFIG_TABLES
from pipelines.home.errors import HeadwaterError
from pipelines.home.settings import Settings, SparkSettings
from pipelines.lake.duck import identifier, literal
from pipelines.lake.partitions import Day, DaySpan
from pipelines.sqlproject.model import DIALECT, Model
from pipelines.sqlproject.reads import Read

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_OPTIONS: Mapping[str, Any] = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "zstd",
    # A dated file has its day in its folder's name; Spark would read 2026-05 as a number elsewhere.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
}
"""Settings of every session: without them results differ from DuckDB's."""

_DRIVER_OPTIONS: Mapping[str, Any] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
"""Settings of a driver in this process: it shows nothing of its own."""


def missing(settings: SparkSettings) -> str:
    """What this machine lacks for the engine, in a sentence; '' if nothing. It does not ask the cluster."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install 'headwater[spark]'"
    if not settings.remote and shutil.which("java") is None:
        return "Java is not installed: install Java 17, or set spark.remote to a Spark Connect server"
    return ""


def spark_of(settings: Settings, engine: str | None = None) -> SparkSession | None:
    """The session of this process on the cluster of *settings*; None if the engine is DuckDB.

    *engine* takes the place of that of the settings.

    Raises:
        HeadwaterError: pyspark or Java is missing, or the cluster does not answer.
    """
    if (engine or settings.engine) != "spark":
        return None
    if fault := missing(settings.spark):
        raise HeadwaterError(f"engine: spark: {fault}")
    return _session(settings.spark.master, settings.spark.remote, tuple(sorted(settings.spark.options.items())))


@cache  # starting one takes seconds, and each step of a run needs it
def _session(master: str, remote: str, options: tuple[tuple[str, object], ...]) -> SparkSession:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.appName("headwater")
    builder = builder.remote(remote) if remote else builder.master(master).config(map=dict(_DRIVER_OPTIONS))
    try:
        return builder.config(map={**_OPTIONS, **dict(options)}).getOrCreate()
    except Exception as error:  # each kind of cluster has errors of its own
        raise HeadwaterError(f"engine: spark: {remote or master}: {spark_line(error)}") from error


class Spark:
    """The tables and queries of one run in a Spark session.

    Args:
        workspace: The home.
        session: The session.
        connection: A DuckDB session, which has the configuration tables.
        verifier: Compares files with their checksums before they are read.
        folder: Where files are staged; driver and executors must see it under the same path.
    """

    def __init__(
        self,
        workspace: Workspace,
        session: SparkSession,
        connection: duckdb.DuckDBPyConnection,
        verifier: Verifier,
        folder: Path,
    ) -> None:
        self._workspace = workspace
        self._session = session
        self._connection = connection
        self._verifier = verifier
        self._folder = folder
        self._mounted: dict[str, list[Path]] = {}
        self._staged = 0

    def mount(self, reads: Collection[Read], span: DaySpan | None, computing: str = "") -> None:
        """Verify the files of *reads* and show them, with the days that they read for *span*, to Spark.

        *computing* is the table that is computed; see ``Workspace.mount``.

        Raises:
            HeadwaterError: a file is damaged.
        """
        for read in reads:
            days = self._workspace.days_read(read, span, computing)
            self._verifier.verify(read.table, days)
            is_config = read.table in CONFIG_TABLES
            files = self._config_file(read.table) if is_config else self._workspace.files(read.table, days)
            if self._mounted.get(read.table) != files:
                self.show(read.table, files)
                self._mounted[read.table] = files

    def _config_file(self, table: str) -> list[Path]:
        path = self._folder / f"{table}.parquet"
        if not path.exists():
            self._workspace.mount(self._connection, [Read(table, (0,))], None)
            self._connection.execute(f"COPY {identifier(table)} TO {literal(str(path))} (FORMAT parquet)")
        return [path]

    def show(self, table: str, files: Sequence[Path]) -> None:
        """Let queries read *files* as *table*; the day of a row is in the name of its file's folder."""
        self._mounted.pop(table, None)
        types = self._workspace.project.relation(table)
        schema = ", ".join(f"`{name}` {spark_type(kind)}" for name, kind in types.items())
        if not files:
            frame = self._session.createDataFrame([], schema)
        else:
            reader = self._session.read.schema(schema)
            if "dt" in types and files[0].parent.name.startswith("dt="):
                reader = reader.option("basePath", _uri(files[0].parent.parent))
            frame = reader.parquet(*map(_uri, files))
        frame.createOrReplaceTempView(view_name(table))

    def stage(self, model: Model, query: exp.Query) -> dict[Day, Path]:
        """Compute *query* into one file for each day that it returns; the files are sorted as in the lake.

        Raises:
            HeadwaterError: Spark refuses the query or fails, or its columns have other types than the header declares.
        """
        self._staged += 1
        folder = self._folder / str(self._staged)
        try:
            with self._computed(query) as frame:
                _require_types(model, frame)
                order = ["dt", *(name for name in model.sorted_by if name != "dt")]
                if frame.columns == ["dt"]:  # Spark refuses files without a column of their own
                    frame = frame.selectExpr("dt", "dt AS day")
                frame.repartition("dt").sortWithinPartitions(*order).write.partitionBy("dt").parquet(_uri(folder))
        except HeadwaterError as error:
            raise HeadwaterError(error.what, where=model.path, remedy=error.remedy) from error
        found: dict[Day, Path] = {}
        for place in sorted(folder.glob("dt=*")):
            day = place.name.removeprefix("dt=")
            (path,) = place.glob("*.parquet")
            found[dt.date.fromisoformat(day)] = path
        return found

    def rows(self, query: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """The columns and rows of *query*, in DuckDB's dialect."""
        parsed = sqlglot.parse_one(query, read=DIALECT)
        assert isinstance(parsed, exp.Query)
        with self._computed(parsed) as frame:
            return frame.columns, iter([tuple(row) for row in frame.collect()])

    @contextmanager
    def _computed(self, query: exp.Query) -> Iterator[DataFrame]:
        """The rows of *query*. CTEs with several readers are computed once, because Spark would compute each reader's.

        Raises:
            HeadwaterError: Spark refuses the query, or fails.
        """
        query = with_views(query)
        kept: list[tuple[str, DataFrame]] = []
        try:
            for name in shared_ctes(query):
                frame = self._session.sql(cte_query(query, name).sql(dialect="spark")).persist()
                frame.createOrReplaceTempView(name)
                kept.append((name, frame))
                query = without_cte(query, name)
            yield self._session.sql(query.sql(dialect="spark"))
        except _spark_errors() as error:
            raise HeadwaterError(spark_line(error)) from error
        finally:
            with suppress(*_spark_errors()):  # the cluster may be gone
                for name, frame in kept:
                    self._session.catalog.dropTempView(name)
                    frame.unpersist()

    def forget(self, table: str) -> None:
        """Remove the staged files of *table*, computed last; those that were published have been copied."""
        self._mounted.pop(table, None)
        shutil.rmtree(self._folder / str(self._staged), ignore_errors=True)


def _require_types(model: Model, frame: DataFrame) -> None:
    """Refuse columns whose types differ from the header, because the file would be cast without a word."""
    found = {field.name: field.dataType.simpleString() for field in frame.schema}
    for name, kind in model.types.items():
        if found.get(name) != spark_type(kind).replace(" ", "").lower():
            raise HeadwaterError(
                f"column {name} is {found.get(name, 'missing')} on Spark, the header declares {kind}",
                remedy=f"CAST it AS {kind}",
            )


def spark_type(kind: str) -> str:
    """The Spark type of the DuckDB type *kind*."""
    return exp.DataType.build(kind, dialect=DIALECT).sql(dialect="spark")


def view_name(table: str) -> str:
    """The name of the view with which Spark shows *table*: views of a session cannot have a schema."""
    return table.replace(".", "__")


def with_views(query: exp.Query) -> exp.Query:
    """A copy of *query* that reads the views of tables; columns keep the names that they had."""
    query = query.copy()
    for table in list(query.find_all(exp.Table)):
        if table.db:
            name = view_name(f"{table.db}.{table.name}")
            table.replace(exp.to_table(name).as_(table.alias or table.name, quoted=True))
    return query


def shared_ctes(query: exp.Query) -> list[str]:
    """The names of the CTEs of *query* that are read more than once, in their order."""
    names = [cte.alias for cte in query.ctes]
    mentions = [table.name for table in query.find_all(exp.Table) if not table.db]
    return [name for name in names if mentions.count(name) > 1]


def cte_query(query: exp.Query, name: str) -> exp.Query:
    """The query of the CTE *name* of *query*, with those CTEs before it that it reads."""
    place = next(number for number, cte in enumerate(query.ctes) if cte.alias == name)
    found: exp.Query = query.ctes[place].this.copy()
    needed: list[exp.CTE] = []
    wanted = _tables_in(found)
    for cte in reversed(query.ctes[:place]):
        if cte.alias in wanted:
            needed.insert(0, cte.copy())
            wanted |= _tables_in(cte.this)
    if needed:
        found.set("with_", exp.With(expressions=[*needed, *found.ctes]))
    return found


def _tables_in(query: exp.Expr) -> set[str]:
    return {table.name for table in query.find_all(exp.Table)}


def without_cte(query: exp.Query, name: str) -> exp.Query:
    """*query* without its CTE *name*, which is a view now."""
    rest = [cte for cte in query.ctes if cte.alias != name]
    query.set("with_", exp.With(expressions=rest) if rest else None)
    return query


def _spark_errors() -> tuple[type[Exception], ...]:
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    return PySparkException, Py4JError, OSError


def spark_line(error: BaseException) -> str:
    """Spark's message in a line, without its trace."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0]


def _uri(path: Path) -> str:
    return f"file://{path.resolve()}"
