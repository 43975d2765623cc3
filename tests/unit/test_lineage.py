"""Which columns a model's columns come from."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.home.folder import Home
from pipelines.home.settings import Settings
from pipelines.sqlproject.lineage import column_lineage
from pipelines.sqlproject.project import Project, load_project

HEADER = """\
/* model
description: For a test.
grain: [dt, key]
partition: dt
columns:
  dt: {type: DATE, description: day}
  key: {type: VARCHAR, description: key}
  value: {type: BIGINT, description: what is asked about}
*/
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def load(home: Home, query: str) -> Project:
    folder = home.sql / "trial"
    folder.mkdir(parents=True)
    (folder / "model.sql").write_text(HEADER + query, encoding="utf-8")
    return load_project(home, Settings())


@pytest.mark.parametrize(
    ("value", "sources"),
    [
        ("page_id", ["page_id"]),
        ("CAST(slot AS BIGINT)", ["slot"]),
        ("CASE WHEN module = 'a' THEN page_id ELSE 0 END", ["module", "page_id"]),
        ("CAST(1 AS BIGINT)", []),
        ("SUM(page_id) OVER (PARTITION BY device_id)", ["device_id", "page_id"]),
    ],
)
def test_a_column_comes_from_the_columns_in_its_expression(home: Home, value: str, sources: list[str]) -> None:
    columns = f"dt, event_id AS key, CAST({value} AS BIGINT) AS value"
    query = f"SELECT {columns} FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt"
    project = load(home, query)
    lineage = column_lineage(project, project.models["trial.model"])
    assert lineage["key"] == [("core.events", "event_id")]
    assert lineage["value"] == [("core.events", column) for column in sources]


def test_lineage_goes_through_ctes_unions_joins_not_conditions(home: Home) -> None:
    query = """
    WITH ends AS (
        SELECT dt, event_id AS key, page_id AS value FROM core.events
        WHERE dt BETWEEN $from_dt AND $to_dt AND module = 'feed'
        UNION ALL
        SELECT dt, order_id AS key, CAST(quantity AS BIGINT) AS value FROM core.order_lines
        WHERE dt BETWEEN $from_dt AND $to_dt
    )
    SELECT ends.dt, ends.key, ends.value FROM ends
    LEFT JOIN core.products ON products.sku = ends.key
    """
    project = load(home, query)
    assert column_lineage(project, project.models["trial.model"]) == {
        "dt": [("core.events", "dt"), ("core.order_lines", "dt")],
        "key": [("core.events", "event_id"), ("core.order_lines", "order_id")],
        "value": [("core.events", "page_id"), ("core.order_lines", "quantity")],
    }


def test_lineage_goes_through_stars(home: Home) -> None:
    query = """
    WITH lines AS (
        SELECT dt, order_id AS key, sku, quantity FROM core.order_lines WHERE dt BETWEEN $from_dt AND $to_dt
    ),
    known AS (
        SELECT lines.*, products.name FROM lines LEFT JOIN core.products USING (sku)
    ),
    counted AS (
        SELECT known.* EXCLUDE (quantity, name, sku), CAST(quantity + LENGTH(name) AS BIGINT) AS value FROM known
    )
    SELECT * FROM counted
    """
    project = load(home, query)
    assert column_lineage(project, project.models["trial.model"]) == {
        "dt": [("core.order_lines", "dt")],
        "key": [("core.order_lines", "order_id")],
        "value": [("core.order_lines", "quantity"), ("core.products", "name")],
    }


def test_every_column_of_the_project_leads_to_existing_columns() -> None:
    project = load_project(None, Settings())
    for model in project.models.values():
        lineage = column_lineage(project, model)
        assert lineage.keys() == model.columns.keys()
        reads = {read.table for read in project.reads[model.name]}
        for table, column in (source for sources in lineage.values() for source in sources):
            assert table in reads
            assert column in project.relation(table)
