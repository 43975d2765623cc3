"""A failed check blocks only the days for which it failed and the days computed from them, with Dagster and without."""

from __future__ import annotations

import pytest

from assets.engine import DagsterEngine
from pipelines.compute.run import DirectEngine, Request, run_home
from tests.integration.small_shop import DAYS, land_days, new_home
from tests.support import selected, table

CHECK = f"""/* check
model: core.events
severity: error
description: Nothing happened on the second day.
remedy: Look at the log of that day.
*/
SELECT dt, event_id FROM core.events
WHERE dt BETWEEN $from_dt AND $to_dt AND dt = DATE '{DAYS[1]}'
"""


def days_of(home, name):
    return sorted({row["dt"] for row in table(home, name)})


@pytest.mark.parametrize(
    "engine",
    [
        pytest.param(DirectEngine, id="directly"),
        pytest.param(DagsterEngine, id="through Dagster", marks=pytest.mark.real),
    ],
)
def test_the_other_days_are_published(tmp_path, engine):
    home = new_home(tmp_path / "shop")
    land_days(home, DAYS)
    (home.sql / "checks").mkdir()
    check = home.sql / "checks" / "quiet.sql"
    check.write_text(CHECK, encoding="utf-8")
    request = Request(tables=selected(home, "+attribution.entrance_daily"))
    summary = run_home(home, request, engine=engine)
    assert summary.has_errors
    assert summary.failed_checks["quiet"].days == {DAYS[1]}
    assert days_of(home, "core.events") == [DAYS[0], *DAYS[2:]]
    # Tables that read the blocked day are blocked too; paths read two earlier days, sales read 38.
    assert days_of(home, "attribution.attributed_events") == [DAYS[0]]
    assert days_of(home, "attribution.entrance_daily") == [DAYS[0]]
    assert summary.blocked["core.events"] == {DAYS[1]}
    assert summary.blocked["attribution.attributed_events"] == set(DAYS[1:])
    assert days_of(home, "core.order_lines") == DAYS

    check.unlink()
    assert not run_home(home, request, engine=engine).has_errors
    assert days_of(home, "attribution.entrance_daily") == DAYS
    assert run_home(home, request, engine=engine).did_nothing
