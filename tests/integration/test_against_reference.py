"""For random logs the whole pipeline computes the same tables as the reference implementation in plain Python loops.

The tables must not depend on the order and the files in which a log lands, on how many runs ingest it, or on
whether days are computed one by one or as a range.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.home.folder import Home
from tests.reference import restate
from tests.reference_core import Log, Shop
from tests.strategies import Delivery, deliveries, logs, shops
from tests.strategies_touch import touch_logs, touch_shops
from tests.support import Row, assert_same_tables, attribute, home_of, land, land_log, partition_days, tables

EXAMPLES = int(os.environ.get("HEADWATER_EXAMPLES", "6"))
"""How many logs the first test tries. The other tests try fewer, because they run the pipeline many times for each log.

By default the logs are the same in each run of the tests. If HEADWATER_EXAMPLES is set, they differ from run to run.
"""

FORMATS = ("ndjson", "csv", "parquet", "ndjson.gz", "csv.gz")
"""The file formats in which the parts of a log land; the format must not change the tables."""


def any_log(runs: int) -> settings:
    """Hypothesis settings for a test that runs the pipeline about *runs* times for each random log."""
    return settings(
        max_examples=max(EXAMPLES // runs, 1),
        deadline=None,
        derandomize="HEADWATER_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def new_home(shop: Shop) -> Iterator[Home]:
    """A home for one Hypothesis example.

    pytest's tmp_path would be the same folder for all examples of a test.
    """
    with tempfile.TemporaryDirectory() as folder:
        yield home_of(Path(folder) / "home", shop)


def computed(shop: Shop, log: Log) -> dict[str, list[Row]]:
    """The tables of *log*, landed at once and computed in one run."""
    with new_home(shop) as home:
        land_log(home, log)
        attribute(home)
        return tables(home)


def delivered(shop: Shop, delivery: Delivery) -> dict[str, list[Row]]:
    """The tables after the last part of *delivery*; each part was landed and ingested by a run of its own."""
    with new_home(shop) as home:
        for number, relations in enumerate(delivery):
            for relation, files in relations.items():
                for part, records in enumerate(files):
                    if records:
                        name, kind = f"run{number}-part{part}", FORMATS[(number + part) % len(FORMATS)]
                        land(home, relation, records, name, kind)
            attribute(home)
        return tables(home)


def with_known_ids(found: dict[str, list[Row]], log: Log) -> dict[str, list[Row]]:
    """*found*, with null for refund ids that the pipeline invented because the record had none."""
    given_ids = {refund.get("refund_id") for refund in log.refunds}

    def known(refund_id: str) -> str | None:
        return refund_id if refund_id in given_ids or refund_id.startswith(("undated:", "implied:")) else None

    refunds = [{**row, "refund_id": known(row["refund_id"])} for row in found["core.refunds"]]
    return {**found, "core.refunds": refunds}


def assert_restated(shop: Shop, log: Log) -> None:
    """Fail unless the tables of *log*, landed at once and computed in one run, are those of the reference."""
    with new_home(shop) as home:
        land_log(home, log)
        attribute(home)
        found = tables(home)
        days, as_of = (
            partition_days(home, f"attribution.{name}") for name in ("removal_effects", "touch_path_summary")
        )
    assert bool(as_of) == bool(days)
    assert_same_tables(with_known_ids(found, log), restate(log, shop, found, days, as_of))


@any_log(runs=1)
@given(data=st.data())
def test_every_table_equals_its_restatement(data: st.DataObject) -> None:
    shop = data.draw(shops())
    assert_restated(shop, data.draw(logs(shop)))


@pytest.mark.real
@any_log(runs=2)
@given(data=st.data())
def test_so_does_every_table_of_shoppers_who_come_back_often(data: st.DataObject) -> None:
    shop = data.draw(touch_shops())
    assert_restated(shop, data.draw(touch_logs(shop)))


@pytest.mark.real
@any_log(runs=3)
@given(data=st.data())
def test_the_order_files_and_runs_of_a_landing_do_not_matter(data: st.DataObject) -> None:
    shop = data.draw(shops())
    log = data.draw(logs(shop, ties=True))
    delivery = data.draw(deliveries(log))
    assert_same_tables(delivered(shop, delivery), computed(shop, log))


@pytest.mark.real
@any_log(runs=8)
@given(data=st.data())
def test_days_one_by_one_equal_the_range_and_a_rerun_is_idle(data: st.DataObject) -> None:
    shop = data.draw(shops())
    log = data.draw(logs(shop))
    at_once = computed(shop, log)
    days = sorted({row["dt"] for rows in at_once.values() for row in rows})
    with new_home(shop) as home:
        land_log(home, log)
        for day in days:
            attribute(home, first=day, last=day)
        assert_same_tables(tables(home), at_once)
        attribute(home, first=data.draw(st.sampled_from(days or [shop.start_date])), force=True)
        assert_same_tables(tables(home), at_once)
