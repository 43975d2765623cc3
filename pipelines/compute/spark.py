"""Spark as the engine of a run: it computes the tables by day if the days are too large for one machine.

Here: the session, showing tables to it, computing a query into one file for each day, the rows of a check.
Not here: what is computed and published (``pipelines.compute.runner``). DuckDB in this process still does ingestion,
planning, the tables without days and the last step of every table, which copies Spark's files into the lake.
"""

from __future__ import annotations

import datetime as dt
import re
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from importlib.util import find_spec
from logging import CRITICAL, getLogger
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
    # dt comes from the names of folders, and must be read as a date.
    "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
    # These optimizations read one table twice to skip files of another. A query gets only the days that it needs, so
    # there is little to skip.
    "spark.sql.optimizer.dynamicPartitionPruning.enabled": "false",
    "spark.sql.optimizer.runtime.bloomFilter.enabled": "false",
}
"""Settings of every session: without most of them results differ from DuckDB's."""

_PATTERN_SIGNS = re.compile(r"[\\*?\[\]{}]")
"""Characters that Spark reads as a pattern in a path, unless a backslash is before them."""

_NULL_DAY = "__HIVE_DEFAULT_PARTITION__"
"""Spark's folder for rows whose dt is null has this in place of the day."""

_DRIVER_OPTIONS: Mapping[str, Any] = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "ERROR",
}
"""Settings of a driver in this process: no web UI, no progress bar, no log below errors."""


def missing(settings: SparkSettings) -> str:
    """What this machine lacks to use Spark, in a sentence; '' if nothing. Does not contact the cluster."""
    if find_spec("pyspark") is None:
        return "pyspark is not installed: pip install 'headwater[spark]'"
    if not settings.remote and shutil.which("java") is None:
        return "Java is not installed: install Java 17, or set spark.remote to a Spark Connect server"
    return ""


def spark_of(settings: Settings, engine: str | None = None) -> SparkSession | None:
    """The session of this process on the cluster of *settings*; None if the engine is DuckDB.

    *engine*, if given, is used instead of the setting.

    Raises:
        HeadwaterError: pyspark or Java is missing, or the cluster does not answer.
    """
    if (engine or settings.engine) != "spark":
        return None
    if fault := missing(settings.spark):
        raise HeadwaterError(f"engine: spark: {fault}")
    return _session(settings.spark.master, settings.spark.remote, tuple(sorted(settings.spark.options.items())))


@cache  # starting a session takes seconds, and each step of a run needs one
def _session(master: str, remote: str, options: tuple[tuple[str, object], ...]) -> SparkSession:
    from pyspark.sql import SparkSession

    # Py4J logs the traces of errors that we report in a line. java_gateway logs with the root logger.
    getLogger("py4j").setLevel(CRITICAL)
    getLogger().addFilter(lambda record: record.module != "java_gateway")
    builder = SparkSession.builder.appName("headwater")
    builder = builder.remote(remote) if remote else builder.master(master).config(map=dict(_DRIVER_OPTIONS))
    try:
        return builder.config(map={**_OPTIONS, **dict(options)}).getOrCreate()
    except Exception as error:  # each kind of cluster raises its own errors
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
        with _faults_in_a_line():
            if not files:
                # Make the empty table in SQL: createDataFrame needs the same version of Python on the cluster.
                nothing = ", ".join(f"CAST(NULL AS {spark_type(kind)}) AS `{name}`" for name, kind in types.items())
                frame = self._session.sql(f"SELECT {nothing} WHERE false")
            else:
                schema = ", ".join(f"`{name}` {spark_type(kind)}" for name, kind in types.items())
                reader = self._session.read.schema(schema)
                if "dt" in types and files[0].parent.name.startswith("dt="):
                    reader = reader.option("basePath", _uri(files[0].parent.parent))
                frame = reader.parquet(*[_PATTERN_SIGNS.sub(r"\\\g<0>", _uri(path)) for path in files])
            frame.createOrReplaceTempView(view_name(table))

    def stage(self, model: Model, query: exp.Query) -> dict[Day | None, list[Path]]:
        """Write the rows of *query* to Parquet files; returns day → its files. None as the day: rows whose dt is null.

        Raises:
            HeadwaterError: Spark refuses the query or fails, or its columns have other types than the header declares.
        """
        self._staged += 1
        folder = self._folder / str(self._staged)
        try:
            with self.computed(query) as frame:
                _require_types(model, frame)
                if frame.columns == ["dt"]:  # dt is not in the files, and Spark refuses files without columns
                    frame = frame.selectExpr("dt", "dt AS day")
                # Small days share a task, and a large day is divided, so that no task writes much more than others.
                frame.hint("rebalance", "dt").write.partitionBy("dt").parquet(_uri(folder))
        except HeadwaterError as error:
            raise HeadwaterError(error.what, where=model.path, remedy=error.remedy) from error
        found: dict[Day | None, list[Path]] = {}
        for place in sorted(folder.glob("dt=*")):
            day = place.name.removeprefix("dt=")
            found[None if day == _NULL_DAY else dt.date.fromisoformat(day)] = sorted(place.glob("*.parquet"))
        return found

    def rows(self, query: str) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
        """The columns and rows of *query*, which is in DuckDB's dialect. Read all rows before the next query."""
        parsed = sqlglot.parse_one(query, read=DIALECT)
        assert isinstance(parsed, exp.Query)
        with ExitStack() as stack:
            frame = stack.enter_context(self.computed(parsed))
            return frame.columns, _tuples(frame, stack.pop_all())

    @contextmanager
    def computed(self, query: exp.Query) -> Iterator[DataFrame]:
        """The rows of *query*. A CTE that is read several times is computed once; Spark would compute it each time.

        Each CTE becomes a view, because Spark reuses a kept result only if its query has no CTEs of its own.

        Raises:
            HeadwaterError: Spark refuses the query, or fails.
        """
        query = with_views(query)
        ctes, shared = query.ctes, shared_ctes(query)
        query.set("with_", None)
        kept: list[DataFrame] = []
        try:
            with _faults_in_a_line():
                for cte in ctes:
                    frame = self._session.sql(cte.this.sql(dialect="spark"))
                    if cte.alias in shared:
                        kept.append(frame.persist())
                    frame.createOrReplaceTempView(cte.alias)
                yield self._session.sql(query.sql(dialect="spark"))
        finally:
            with suppress(*_spark_errors()):  # the cluster may be gone
                for frame in kept:
                    frame.unpersist()
                for cte in ctes:
                    self._session.catalog.dropTempView(cte.alias)

    def forget(self, table: str) -> None:
        """Remove the staged files of *table*, which was computed last. Published files were copied before."""
        self._mounted.pop(table, None)
        shutil.rmtree(self._folder / str(self._staged), ignore_errors=True)


def _tuples(frame: DataFrame, until_read: ExitStack) -> Iterator[tuple[Any, ...]]:
    with until_read:
        for row in frame.toLocalIterator():  # not collect(): a failed check may return millions of rows
            yield tuple(row)


def _require_types(model: Model, frame: DataFrame) -> None:
    """Refuse columns whose types differ from the header; otherwise their values would be cast silently."""
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
    """The name of Spark's view of *table*, without a dot, because temporary views cannot have a schema."""
    return table.replace(".", "__")


def with_views(query: exp.Query) -> exp.Query:
    """A copy of *query* that reads Spark's views instead of tables; references to columns stay valid."""
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


@cache
def _spark_errors() -> tuple[type[Exception], ...]:
    from pyspark.errors import PySparkException

    found: list[type[Exception]] = [PySparkException, ConnectionError]
    with suppress(ImportError):  # the client of Spark Connect does not include py4j
        from py4j.protocol import Py4JError

        found.append(Py4JError)
    with suppress(ImportError):  # Spark without Connect does not include grpc
        from grpc import RpcError

        found.append(RpcError)
    return tuple(found)


@contextmanager
def _faults_in_a_line() -> Iterator[None]:
    """Turn an error of Spark into a HeadwaterError.

    Raises:
        HeadwaterError: Spark refuses something, fails or is gone.
    """
    try:
        yield
    except _spark_errors() as error:
        raise HeadwaterError(f"Spark: {spark_line(error)}") from error


def spark_line(error: BaseException) -> str:
    """Spark's error message in one line, without the stack trace."""
    if isinstance(error, ConnectionError) or type(error).__name__ == "Py4JNetworkError":
        return "its driver, a process of this machine, has ended"
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # Py4J puts a line about the call before Java's message.
    is_call = lines[0].startswith("An error occurred while calling") and len(lines) > 1
    return lines[1].removeprefix(": ") if is_call else lines[0]


def _uri(path: Path) -> str:
    return f"file://{path.resolve()}"
