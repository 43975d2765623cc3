"""The fallbacks of sales matching: how an order line without a cart or click of its product is matched.

The log is simulated; as in a real shop, nearly half of its lines have no such event
(``benchmarks.recovery.HALF_WITHOUT_EVENTS``). Worked examples of single lines are in ``test_sales_matching``.
"""

from typing import NamedTuple

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks.recovery import HALF_WITHOUT_EVENTS, compute_sales, land_shop, sales_beside_truth
from pipelines.home.folder import Home, init_home

pytestmark = pytest.mark.real

LINE = ["order_id", "line_no"]


class Computed(NamedTuple):
    """Attributed sales, joined with the simulator's true entrances, and the tables to compare them with."""

    sales: pl.DataFrame
    entrances: pl.DataFrame
    order_lines: pl.DataFrame
    events: pl.DataFrame

    @classmethod
    def read(cls, home: Home) -> "Computed":
        tables = ("attribution/entrance_daily", "core/order_lines", "core/events")
        paths = [home.lake / table / "*" / "*.parquet" for table in tables]
        frames = [pl.read_parquet(path, hive_partitioning=True) for path in paths]
        return cls(sales_beside_truth(home).sort(LINE), *frames)

    def share(self, matched_by: str) -> float:
        """The percentage of order lines whose column matched_by has the value *matched_by*."""
        return 100 * self.sales.filter(pl.col("matched_by") == matched_by).height / self.sales.height


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Computed, Computed]:
    """The results for the same log, first without the fallbacks, then with them."""
    home, _ = init_home(tmp_path_factory.mktemp("half") / "home")
    land_shop(home, HALF_WITHOUT_EVENTS, days=6, devices=2500, seed=1)
    tables = ["+attribution.entrance_daily"]
    compute_sales(home, tables, sales_fallbacks=())
    before = Computed.read(home)
    compute_sales(home, tables)
    return before, Computed.read(home)


def test_the_log_is_like_the_real_one(both: tuple[Computed, Computed]) -> None:
    before, _ = both
    assert before.sales.height > 354
    seen = before.events["product_id"].drop_nulls().unique().to_list()
    assert before.sales.filter(~pl.col("product_id").is_in(seen)).height > before.sales.height / 3
    assert set(before.sales["matched_by"]) == {"cart", "click", "none"}
    assert before.share("cart") == pytest.approx(46, abs=3)
    assert before.share("click") == pytest.approx(8, abs=3)
    lost = before.sales.filter(pl.col("matched_by") == "none")
    assert set(lost["entrance_id"]) == {"(unattributed)"}
    assert 0.4 < float(lost["revenue"].sum() / before.sales["revenue"].sum()) < 0.6


def test_the_fallbacks_match_more_than_half_of_the_rest(both: tuple[Computed, Computed]) -> None:
    _, after = both
    assert after.share("order") == pytest.approx(7, abs=3)
    assert after.share("visit") == pytest.approx(20, abs=3)
    assert after.share("none") == pytest.approx(20, abs=3)
    for matched_by, least in (("order", 0.85), ("visit", 0.7)):
        found = after.sales.filter(pl.col("matched_by") == matched_by)
        right = found.filter(pl.col("entrance_id") == pl.col("planted_entrance_id"))
        assert right.height > least * found.height


def test_no_line_that_had_a_cart_or_a_click_changes(both: tuple[Computed, Computed]) -> None:
    before, after = both
    had = before.sales.filter(pl.col("matched_by") != "none")
    now = after.sales.join(had.select(LINE), on=LINE, how="semi").sort(LINE)
    assert had.height > 200
    assert_frame_equal(now, had)


@pytest.mark.parametrize("which", [0, 1], ids=["without fallbacks", "with fallbacks"])
def test_the_entrances_sum_to_the_sales_of_each_day(both: tuple[Computed, Computed], which: int) -> None:
    computed = both[which]

    def by_day(frame: pl.DataFrame, column: str) -> dict[object, object]:
        return dict(frame.group_by("dt").agg(pl.col(column).sum()).filter(pl.col(column) != 0).rows())

    sold = by_day(computed.order_lines, "revenue")
    assert len(sold) == 6
    assert by_day(computed.sales, "revenue") == by_day(computed.entrances, "revenue") == sold
    visits = computed.sales.filter(pl.col("matched_by") == "visit")
    assert by_day(computed.entrances, "revenue_by_visit") == by_day(visits, "revenue")
    assert visits.is_empty() == (which == 0)
