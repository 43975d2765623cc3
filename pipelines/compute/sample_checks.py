"""Runs the checks of ``core.spend`` on rows of a sample, so that ``headwater check --sample`` reports what a run would.

Not here: the checks themselves (``sql/checks/``), trying a sample (``pipelines.ingest.sample``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple

import duckdb

from pipelines.compute.checks import Checks
from pipelines.compute.results import CheckResult
from pipelines.compute.workspace import create_table, mount_view
from pipelines.config_tables import CONFIG_TABLES, load_config_tables
from pipelines.home.folder import DATA, Home
from pipelines.home.settings import Settings
from pipelines.ingest.sample import Sample
from pipelines.ingest.sources.raw_tables import RAW_TABLES
from pipelines.lake.partitions import DaySpan
from pipelines.sqlproject.project import load_project

_TABLE, _MODEL = "raw.spend", "core.spend"


def failed_spend_checks(home: Home | None, settings: Settings, sample: Sample) -> Sequence[CheckResult]:
    """The checks that fail on the spend in *sample*, with the channels and rates of *home*, or the shipped ones.

    Raises:
        HeadwaterError: a table of ``config/``, a model or a check is invalid.
    """
    given = [row for table, row in sample.rows() if table == _TABLE]
    if not given:
        return ()
    project = load_project(home, settings)
    model = project.models[_MODEL]
    days = sorted({row["spent_on"] for row in given})
    config = load_config_tables(home or Home(DATA), settings)
    with duckdb.connect() as connection:
        columns = RAW_TABLES[_TABLE]
        create_table(connection, _TABLE, columns, [tuple(row[name] for name in columns) for row in given])
        for table in ("config.channels", "config.fx"):
            create_table(connection, table, CONFIG_TABLES[table], [astuple(row) for row in config.rows(table)])
        mount_view(connection, _MODEL, project.sql(model, DaySpan(days[0], days[-1])))
        checks = Checks(project, connection)
        checks.expect(model)
        checks.run(model, days)
    return [result for result in checks.results.values() if not result.passed]
