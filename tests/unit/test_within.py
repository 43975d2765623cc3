"""Queries that can be computed in ranges of a column, and queries that cannot."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from pipelines.sqlproject.model import DIALECT
from pipelines.sqlproject.reads import sample_span
from pipelines.sqlproject.within import is_within
from tests.cases import shipped_project

SCHEMA = {
    "core.events": {"event_id": "VARCHAR", "device_id": "VARCHAR", "slot": "INTEGER"},
    "core.clicks": {"event_id": "VARCHAR", "device_id": "VARCHAR", "page": "VARCHAR"},
    "core.entrances": {"entrance_id": "VARCHAR", "slot": "INTEGER"},
}
E, C = "core.events AS e", "core.clicks AS c"
CTE = (
    "WITH c AS (SELECT event_id AS id, device_id AS device, page FROM core.clicks) SELECT e.slot FROM core.events AS e"
)


def within(query: str) -> bool:
    tree = sqlglot.parse_one(query, read=DIALECT)
    assert isinstance(tree, exp.Query)
    return is_within(tree, SCHEMA, "device_id")


@pytest.mark.parametrize(
    "query",
    [
        f"SELECT slot FROM {E} WHERE slot > 1",
        f"SELECT slot + 1 AS slot, event_id FROM {E} ORDER BY slot",
        f"SELECT e.slot FROM {E} JOIN {C} ON c.device_id = e.device_id AND c.event_id = e.event_id",
        f"SELECT e.slot FROM {E} LEFT JOIN {C} ON e.event_id = c.event_id AND e.device_id = c.device_id",
        f"SELECT e.slot FROM {E} JOIN {C} USING (device_id)",
        f"SELECT e.slot FROM {E} SEMI JOIN {C} USING (device_id)",
        f"SELECT e.slot FROM {E} ANTI JOIN {C} ON c.device_id = e.device_id",
        f"{CTE} JOIN c ON c.device = e.device_id",
        f"SELECT e.slot FROM {E} JOIN (SELECT device_id FROM {C}) AS c ON c.device_id = e.device_id",
        f"SELECT e.slot, n.entrance_id FROM {E} LEFT JOIN core.entrances AS n ON n.slot = e.slot",
        f"SELECT e.slot FROM core.entrances AS n JOIN {E} ON n.slot = e.slot",
        f"SELECT e.slot FROM {E} CROSS JOIN (SELECT max(slot) AS most FROM core.entrances) AS n WHERE e.slot < n.most",
        f"SELECT e.slot, days.n FROM {E} CROSS JOIN UNNEST(GENERATE_SERIES(0, 2, 1)) AS days(n)",
        f"SELECT slot, sum(slot) OVER (PARTITION BY device_id, slot ORDER BY event_id) AS n FROM {E}",
        f"SELECT slot, sum(slot) OVER w AS n FROM {E} WINDOW w AS (PARTITION BY device_id ORDER BY event_id)",
        f"SELECT slot FROM {E} QUALIFY row_number() OVER (PARTITION BY device_id ORDER BY event_id) = 1",
        f"SELECT device_id, count(*) AS n FROM {E} GROUP BY device_id HAVING count(*) > 1",
        f"SELECT slot, count(*) AS n FROM {E} GROUP BY device_id, slot",
        f"SELECT DISTINCT device_id, slot FROM {E}",
        f"SELECT event_id, device_id FROM {E} UNION ALL SELECT event_id, device_id FROM {C}",
        f"WITH u AS (SELECT slot, device_id AS d FROM {E} UNION ALL SELECT 1 AS slot, device_id FROM {C}) "
        "SELECT slot, count(*) AS n FROM u GROUP BY d, slot",
    ],
)
def test_a_query_within_devices_can_be_split(query: str) -> None:
    assert within(query)


@pytest.mark.parametrize(
    "query",
    [
        "SELECT slot FROM core.entrances",
        f"SELECT e.slot FROM {E} JOIN {C} ON c.event_id = e.event_id",
        f"SELECT e.slot FROM {E} JOIN {C} ON c.device_id = e.event_id",
        f"SELECT e.slot FROM {E} JOIN {C} ON c.device_id = e.device_id OR c.event_id = e.event_id",
        f"SELECT e.slot FROM {E} JOIN {C} ON NOT c.device_id = e.device_id",
        f"SELECT e.slot FROM {E} JOIN {C} ON lower(c.device_id) = lower(e.device_id)",
        f"SELECT e.slot FROM {E} JOIN {C} ON c.device_id >= e.device_id",
        f"SELECT e.slot FROM {E}, {C}",
        f"SELECT e.slot FROM {E} SEMI JOIN {C} USING (event_id)",
        f"SELECT e.slot FROM {E} RIGHT JOIN {C} ON c.device_id = e.device_id",
        f"SELECT e.slot FROM {E} FULL JOIN {C} ON c.device_id = e.device_id",
        f"SELECT n.slot FROM core.entrances AS n LEFT JOIN {E} ON n.slot = e.slot",
        f"SELECT n.slot FROM core.entrances AS n ANTI JOIN {E} ON n.slot = e.slot",
        f"{CTE} JOIN c ON c.id = e.device_id",
        f"SELECT e.slot FROM {E} JOIN (SELECT event_id FROM {C}) AS c ON c.event_id = e.event_id",
        f"SELECT slot FROM {E} WHERE event_id IN (SELECT event_id FROM {C})",
        f"SELECT slot FROM {E} WHERE EXISTS (SELECT 1 FROM {C} WHERE c.event_id = e.event_id)",
        f"SELECT e.slot FROM {E} WHERE slot = (SELECT max(slot) FROM core.events)",
        f"SELECT slot, sum(slot) OVER (PARTITION BY slot) AS n FROM {E}",
        f"SELECT slot, sum(slot) OVER (ORDER BY device_id) AS n FROM {E}",
        f"SELECT slot, sum(slot) OVER (PARTITION BY lower(device_id)) AS n FROM {E}",
        f"SELECT slot, sum(slot) OVER w AS n FROM {E} WINDOW w AS (PARTITION BY event_id)",
        # The LEFT JOIN gives events without a match the device NULL, so one window would contain events of many
        # devices, and those are in different ranges.
        f"SELECT e.slot, count(*) OVER (PARTITION BY c.device_id) AS n FROM {E} LEFT JOIN {C} USING (device_id)",
        f"SELECT slot FROM {E} QUALIFY row_number() OVER (ORDER BY event_id) = 1",
        f"SELECT slot, count(*) AS n FROM {E} GROUP BY slot",
        f"SELECT count(*) AS n FROM {E}",
        f"SELECT max(slot) AS n, device_id FROM {E} GROUP BY ROLLUP (device_id)",
        f"SELECT device_id FROM {E} GROUP BY ALL",
        "SELECT device_id, count(*) AS n FROM core.events AS e(device_id, event_id, slot) GROUP BY device_id",
        "WITH c(device_id, id) AS (SELECT event_id, device_id FROM core.events) "
        "SELECT device_id, count(*) AS n FROM c GROUP BY device_id",
        f"SELECT DISTINCT slot FROM {E}",
        f"SELECT DISTINCT ON (slot) device_id FROM {E}",
        f"SELECT device_id FROM {E} LIMIT 5",
        f"SELECT device_id FROM {E} USING SAMPLE 5 ROWS",
        f"SELECT t.device_id FROM ((SELECT device_id FROM {E}) ORDER BY device_id LIMIT 5) AS t",
        f"WITH t AS ((SELECT device_id FROM {E}) LIMIT 5) SELECT device_id FROM t",
        f"SELECT device_id, u.n FROM {E} CROSS JOIN UNNEST((SELECT list(slot) FROM {C})) AS u(n)",
        f"WITH t AS (SELECT event_id AS device_id, device_id FROM {E}) "
        "SELECT device_id, count(*) AS n FROM t GROUP BY device_id",
        f"SELECT device_id FROM {E} UNION SELECT device_id FROM {C}",
        f"SELECT device_id FROM {E} EXCEPT SELECT device_id FROM {C}",
        f"SELECT slot FROM {E} UNION ALL SELECT slot FROM core.entrances",
        f"WITH u AS (SELECT device_id AS d FROM {E} UNION ALL SELECT event_id FROM {C}) "
        "SELECT d, count(*) AS n FROM u GROUP BY d",
        f"WITH RECURSIVE u AS (SELECT device_id FROM {E} UNION ALL SELECT device_id FROM u) SELECT device_id FROM u",
    ],
)
def test_a_query_across_devices_cannot_be_split(query: str) -> None:
    assert not within(query)


def test_attributed_events_can_be_split_by_device() -> None:
    project = shipped_project()
    model = project.models["attribution.attributed_events"]
    schema = {read.table: project.relation(read.table) for read in project.reads[model.name]}
    assert is_within(project.bind(model, sample_span(model, project.models)), schema, "device_id")
