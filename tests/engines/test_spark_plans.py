"""Spark's plan of a model scans no table many times: what several CTEs read is computed once.

Here: the plans of all models in SQL, as the engine runs them. They are not executed.
Not here: the rows (``tests.engines.test_spark_engine``).
"""

from __future__ import annotations

import io
import re
from collections import Counter
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import duckdb
import pytest

from pipelines.compute.inputs import Inputs
from pipelines.compute.spark import Spark, spark_of
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.settings import Settings
from pipelines.lake.partitions import DaySpan
from tests.processes import made_up_shop
from tests.spark import OPTIONS, require_spark
from tests.support import partition_days, run

require_spark()
pytestmark = pytest.mark.real

AT_MOST = 4
"""Maximum scans of a table by one model. A scan reads all files of the days once."""

WHOLE = {"spark.sql.maxMetadataStringLength": 100_000, "spark.sql.debug.maxToStringFields": 1_000}
"""Spark settings with which the text of a plan names the files of each scan, instead of being cut."""


class Plans:
    """A Spark session that records the plan of each query, before the engine caches the query's result in memory."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._seen: list[tuple[Any, str]] = []

    def sql(self, query: str) -> Any:
        frame, text = self._session.sql(query), io.StringIO()
        with redirect_stdout(text):
            frame.explain()
        self._seen.append((frame, text.getvalue()))
        return frame

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def scans(self) -> Counter[str]:
        """Table → its scans in the plans executed since the last call: those of cached frames and of the last query."""
        last = self._seen[-1][0]
        executed = [plan for frame, plan in self._seen if frame is last or frame.storageLevel.useMemory]
        self._seen = []
        return sum(map(scans_in, executed), Counter())


def scans_in(plan: str) -> Counter[str]:
    """Table → its scans in *plan*, without those of a cached result, which the plan reads from memory."""
    found: Counter[str] = Counter()
    kept_at: int | None = None
    for line in plan.splitlines():
        depth = len(line) - len(line.lstrip(" :+|-"))
        if kept_at is not None and depth > kept_at:
            continue
        kept_at = depth if "InMemoryRelation" in line else None
        if file := re.search(r"FileScan parquet .*Location: \w+\(\d+ paths\)\[file:([^],]+)", line):
            found[table_of(file[1])] += 1
    return found


def table_of(file: str) -> str:
    """The table of a file of the lake, or of a configuration table."""
    path = Path(file)
    parts = path.parts
    return ".".join(parts[parts.index("lake") + 1 :][:2]) if "lake" in parts else path.stem


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    home = made_up_shop(tmp_path_factory.mktemp("plans") / "home", days=3, devices=60)
    run(home)
    return open_workspace(home)


@pytest.fixture(scope="module")
def plans() -> Plans:
    settings = Settings.model_validate({"spark": {"master": "local[1]", "options": {**OPTIONS, **WHOLE}}})
    return Plans(spark_of(settings, "spark"))


def test_no_model_scans_a_table_many_times(workspace: Workspace, plans: Plans, tmp_path: Path) -> None:
    last = partition_days(workspace.home, "core.events")[-1]
    most: dict[str, tuple[str, int]] = {}
    with duckdb.connect() as connection:
        spark = Spark(workspace, plans, connection, Inputs(workspace, connection).verifier, tmp_path)  # type: ignore[arg-type]
        for name, model in workspace.project.models.items():
            if model.python:
                continue
            span = DaySpan(last, last) if model.is_partitioned else None
            spark.mount(workspace.project.reads[name], span, name)
            with spark.computed(workspace.project.bind(model, span)):
                scans = plans.scans()
            if scans:
                most[name] = scans.most_common(1)[0]
    assert len(most) > 60
    assert "core.events" in {table for table, _ in most.values()}
    assert not {name: scan for name, scan in most.items() if scan[1] > AT_MOST}
