"""The examples of docs/user-guide.md work as they are written."""

from __future__ import annotations

import json
import re

import pytest

from dashboards.app.sql.saved import saved_queries
from dashboards.workbench.confined import Limits
from dashboards.workbench.queries import Workbench
from pipelines.compute.home_check import check_home
from pipelines.compute.reading import query_rows
from pipelines.databases.settings import load_databases
from pipelines.home.folder import REPOSITORY
from pipelines.home.settings import load_settings
from tests.support import attribute, land, make_home, run_selected, table

pytestmark = pytest.mark.real

GUIDE = (REPOSITORY / "docs" / "user-guide.md").read_text(encoding="utf-8")
ORDER = {"status": "paid", "ordered_at": "2026-03-02 12:00:00", "paid_at": "2026-03-02 12:01:00", "user_id": "u1"}


def block(language: str, beginning: str) -> str:
    found = [text for text in re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL) if text.startswith(beginning)]
    assert len(found) == 1, f"the guide has {len(found)} {language} blocks that begin with {beginning!r}"
    return found[0]


@pytest.fixture
def home(tmp_path):
    return make_home(tmp_path / "shop")


def test_the_model_and_the_check(home):
    (home.sql / "mine").mkdir()
    (home.sql / "checks").mkdir()
    (home.sql / "mine" / "category_daily.sql").write_text(block("sql", "/* model"), encoding="utf-8")
    (home.sql / "checks" / "every_sale_has_a_category.sql").write_text(block("sql", "/* check"), encoding="utf-8")
    assert check_home(home).faults == []
    land(home, "orders", [{"order_id": "o1", **ORDER}], "orders")
    land(home, "order_lines", [{"order_id": "o1", "line_no": 1, "sku": "A", "quantity": 1, "unit_price": 5}], "lines")
    summary = run_selected(home, "+mine.category_daily")
    assert [(row["category"], row["revenue"]) for row in table(home, "mine.category_daily")] == [("(none)", 5)]
    assert summary.failed_checks["every_sale_has_a_category"].severity == "warn"


def test_the_databases(home):
    home.databases_file.write_text(block("yaml", "shop:"), encoding="utf-8")
    assert check_home(home).faults == []
    (database,) = load_databases(home).values()
    assert set(database.tables) == {"public.orders", "public.products", "lines"}


def test_the_query_from_an_entrance_to_its_paths(home):
    land(home, "orders", [{"order_id": "o1", **ORDER}], "orders")
    attribute(home)
    found = query_rows(home, block("sql", "SELECT s.order_id"))
    assert list(found.columns)[-1] == "step"


def test_the_query_that_sets_entrances_beside_the_touch_models(home):
    event = {"device_id": "d1", "user_id": "u1", "page_id": 1, "page_type": "home", "event_type": "click"}
    feed = {"event_id": "1", "module": "feed", "device_time": "2026-03-02T03:00:00Z", "sku": "A"}
    banner = {"event_id": "2", "module": "banner", "device_time": "2026-03-02T03:00:01Z"}
    land(home, "events", [event | feed, event | banner], "events")
    land(home, "orders", [{"order_id": "o1", **ORDER}, {"order_id": "o2", **ORDER, "user_id": "u2"}], "orders")
    lines = [{"order_id": name, "line_no": 1, "sku": "A", "quantity": 1, "unit_price": 5} for name in ("o1", "o2")]
    land(home, "order_lines", lines, "lines")
    attribute(home)
    found = query_rows(home, block("sql", "SELECT touchpoint"))
    rows = {row[0]: [float(value or 0) for value in row[1:]] for row in found.rows}
    assert rows["home_feed"] == [5, 5, 0, 2.5, 2.5, pytest.approx(2.5, rel=1e-3)]
    assert rows["(unattributed)"] == [5] * 6
    assert [sum(column) for column in zip(*rows.values(), strict=True)] == [10] * 6


def test_the_touch_settings(home):
    home.settings_file.write_text(block("yaml", "touch:"), encoding="utf-8")
    assert load_settings(home).touch.parameters()["touch_remove_if_last_and_not_all"] == ("my_orders",)


def test_the_source(home):
    folder = home.sql / "sources" / "old"
    folder.mkdir(parents=True)
    (folder / "source.yaml").write_text(block("yaml", "description: Our old"), encoding="utf-8")
    (folder / "events.sql").write_text(
        "SELECT id AS event_id, visitor AS device_id, 'page_view' AS event_type, page AS page_id, 'any' AS page_type,\n"
        "    '2026-03-02T00:00:00Z' AS device_time, batch_id, record_no FROM hits\n",
        encoding="utf-8",
    )
    hits = home.landing / "old" / "hits" / "log.ndjson"
    hits.parent.mkdir(parents=True)
    records = [{"id": "1", "visitor_id": "v1", "page_no": 3}, {"id": "2", "visitor_id": "v1", "page_no": "x"}]
    hits.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    assert check_home(home).faults == []
    run_selected(home, "core")
    assert [(row["event_id"], row["device_id"], row["page_id"]) for row in table(home, "core.events")] == [
        ("1", "v1", 3)
    ]
    refused = table(home, "core.quarantine")
    assert [(row["line_no"], row["reasons"]) for row in refused] == [(2, "bad page_id")]


def test_the_saved_query(home):
    (home.config / "queries" / "orders.sql").write_text(block("sql", "-- Orders by status"), encoding="utf-8")
    land(home, "orders", [{"order_id": "o1", **ORDER}], "orders")
    run_selected(home, "core")
    query = saved_queries(home)["orders"]
    assert query.titles == {"en": "Orders by status", "zh": "各状态的订单数"}
    assert Workbench(home, Limits(seconds=120)).ask(query.sql, "mei").result.rows == [["paid", 1]]
