"""The homes for the jobs of the speed table.

Here: a simulated day of a given size, landed, and computed up to core.events if the job starts there; a bot, on one
device or on many; a year of order lines and the metrics of many products, both written directly, without logs.
Not here: the jobs.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Literal

import polars as pl

from pipelines.compute.run import DirectEngine, Request, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.files import temporary_for
from pipelines.home.folder import Home, init_home
from pipelines.home.settings import load_settings
from pipelines.lake.duck import session
from pipelines.lake.partitions import DaySpan, Lake, PartitionKey, copy_to
from pipelines.simulator import simulate

LAST_DAY = dt.date(2026, 11, 20)

_EVENTS_A_DEVICE = 22.2
"""Average number of events of a simulated device on LAST_DAY, to convert a number of events to one of devices."""

_BOT_ROUNDS = 20_000
_EXPOSURES_A_ROUND = 10
_ROUNDS_A_CART = 100
_ROUNDS_A_HEAD = 2_000
_BOT_EVENTS_A_PERSON = 22

_CATEGORIES = 200
_PRODUCTS_SOLD = 3
_WINDOW_DAYS = 365
_VERSION = "made up"
_LINES_AN_ORDER = 2
_LINES_A_REFUND = 33


def simulated_day(
    folder: Path, events: int, format: Literal["ndjson", "parquet"], computed: bool, memory: str | None = None
) -> int:
    """Make a home in *folder* with a landed day of about *events* events. Returns the number of records in its log.

    *computed*: also ingest the day and compute schema core. *memory*: the setting ``memory_limit``; None: as in a new
    home.
    """
    home, _ = init_home(folder)
    if memory is not None:
        text = home.settings_file.read_text(encoding="utf-8")
        home.settings_file.write_text(re.sub(r"(?m)^memory_limit: \S+", f"memory_limit: {memory}", text), "utf-8")
    devices = max(100, round(events / _EVENTS_A_DEVICE))
    records = simulate(home.landing, days=1, devices=devices, seed=1, last_day=LAST_DAY, format=format).records
    if computed:
        _compute_core(home)
    return records


def day_with_bot(folder: Path, events: int, devices: int) -> int:
    """Make a home with a day of about *events* events, and a bot on *devices* devices; computes schema core.

    The bot has 220,200 events. It sees ten products and clicks one, 20,000 times; every hundredth time it adds the
    product to the cart. It clicks the home feed only every two-thousandth time, so that the paths that begin there
    are longer than ``max_path_steps``.
    """
    home, _ = init_home(folder)
    shop = simulate(
        home.landing,
        days=1,
        devices=max(100, round(events / _EVENTS_A_DEVICE)),
        seed=1,
        last_day=LAST_DAY,
        format="parquet",
    )
    bot = bot_log(devices)
    bot.write_parquet(home.landing / "native" / "events" / "bot.parquet")
    _compute_core(home)
    return shop.records + bot.height


def _compute_core(home: Home) -> None:
    tables = open_workspace(home).project.select(["core"])
    run_home(home, Request(frozenset(tables)))


def bot_log(devices: int) -> pl.DataFrame:
    """The bot's records in the native format; each of *devices* devices gets consecutive records."""
    rounds = pl.DataFrame({"round": range(_BOT_ROUNDS)})
    exposures = rounds.join(pl.DataFrame({"step": range(_EXPOSURES_A_ROUND)}), how="cross")
    at_feed = pl.col("round") % _ROUNDS_A_HEAD == 0
    exposures = exposures.with_columns(event_type=pl.lit("exposure"), module=pl.lit("recommend"))
    clicks = rounds.with_columns(
        step=pl.lit(_EXPOSURES_A_ROUND, pl.Int64),
        event_type=pl.lit("click"),
        module=pl.when(at_feed).then(pl.lit("feed")).otherwise(pl.lit("recommend")),
    )
    carts = rounds.filter(pl.col("round") % _ROUNDS_A_CART == _ROUNDS_A_CART - 1).with_columns(
        step=pl.lit(_EXPOSURES_A_ROUND + 1, pl.Int64), event_type=pl.lit("add_to_cart"), module=pl.lit("buy")
    )
    log = pl.concat([exposures, clicks, carts]).sort("round", "step").with_row_index("number")
    midnight = dt.datetime.combine(LAST_DAY, dt.time(), dt.timezone(dt.timedelta(hours=8)))
    noon = round(midnight.timestamp() * 1000) + 6 * 3_600_000
    share = -(-log.height // devices)
    return log.select(
        event_id=pl.format("bot-{}", "number"),
        device_id=pl.format("bot-device-{}", pl.col("number") // share),
        event_type="event_type",
        page_id=pl.col("round") // 3 + 1,
        page_type=pl.when(pl.col("module") == "feed").then(pl.lit("home")).otherwise(pl.lit("detail")),
        module="module",
        slot=pl.col("step") % _EXPOSURES_A_ROUND + 1,
        sku=pl.format("P{}", pl.col("round") % 500),
        device_time=noon + pl.col("number") * 150,
    )


def year_of_sales(folder: Path, customers: int, lines: int) -> int:
    """Make a home whose core has a year of *lines* order lines of *customers* customers. Returns the number of lines.

    Every customer gets one order; the others go mostly to a few customers. All values are hashes of order and line
    numbers, so the same sizes give the same rows.
    """
    home, _ = init_home(folder)
    # The last day with landed records is the last day that is computed, so land a file on LAST_DAY.
    simulate(home.landing, days=1, devices=100, seed=1, last_day=LAST_DAY, format="parquet")
    DirectEngine(home).ingest()
    lake = Lake(home.lake)
    written: dict[str, dict[PartitionKey, tuple[Path, str]]] = {"core.order_lines": {}, "core.refunds": {}}
    orders = lines // _LINES_AN_ORDER
    with session(home, load_settings(home)) as connection:
        for days_ago in range(_WINDOW_DAYS):
            day = LAST_DAY - dt.timedelta(days=days_ago)
            connection.execute(f"CREATE OR REPLACE TEMP TABLE sold AS {_sold(days_ago, day, customers, orders)}")
            for table, query in (("core.order_lines", _ORDER_LINES), ("core.refunds", _REFUNDS)):
                temporary = temporary_for(lake.file(table, day))
                copy_to(connection, query, temporary, _VERSION)
                written[table][day] = (temporary, _VERSION)
    for table, partitions in written.items():
        lake.publish(table, partitions)
    return orders * _LINES_AN_ORDER


def _sold(days_ago: int, day: dt.date, customers: int, orders: int) -> str:
    """SQL for the order lines of *day*, which gets every 365th order number, starting with *days_ago*."""
    return f"""
        SELECT
            'SO' || order_no AS order_id,
            line_no,
            'U' || CASE
                WHEN order_no < {customers} THEN order_no
                ELSE CAST({customers} * pow(hash(order_no) % 1000003 / 1000003, 2) AS BIGINT) % {customers}
            END AS user_id,
            'P' || hash(order_no, line_no) % 20000 AS sku,
            CAST(1 + hash(order_no, line_no, 1) % 3 AS INTEGER) AS quantity,
            CAST(quantity * (hash(order_no, line_no, 2) % 50000 + 100) / 100 AS DECIMAL(18, 4)) AS revenue,
            CASE
                WHEN hash(order_no, line_no, 3) % {_LINES_A_REFUND} = 0 THEN revenue ELSE 0
            END::DECIMAL(18, 4) AS refunded,
            TIMESTAMP '{day} 04:00:00' AS sold_at
        FROM range({days_ago}, {orders}, {_WINDOW_DAYS}) AS made(order_no)
        CROSS JOIN (SELECT CAST(range + 1 AS INTEGER) AS line_no FROM range({_LINES_AN_ORDER}))
    """


_ORDER_LINES = """
    SELECT
        order_id, line_no, user_id, sku, sku AS product_id, quantity, revenue, refunded,
        CAST(revenue - refunded AS DECIMAL(18, 4)) AS net_revenue,
        CAST(revenue / 2 AS DECIMAL(18, 4)) AS cost,
        CAST(revenue - refunded - cost AS DECIMAL(18, 4)) AS margin,
        sold_at AS ordered_at, sold_at AS paid_at
    FROM sold
"""
_REFUNDS = """
    SELECT
        'R' || order_id || '-' || line_no AS refund_id,
        order_id, line_no, user_id, sku, sku AS product_id, refunded AS amount,
        FALSE AS is_implied, sold_at AS refunded_at
    FROM sold
    WHERE refunded > 0
"""


def catalogue_of_metrics(folder: Path, products: int) -> int:
    """Make a home with the metrics of *products* products on two days and their quadrants on the first.

    Returns the number of rows. The metrics are of one window, 28 days. Exposures are skewed and one product of three
    was sold. The second day differs by a few percent, so that some products change their quadrant, and hysteresis keeps
    others in theirs.
    """
    home, _ = init_home(folder)
    text = home.settings_file.read_text(encoding="utf-8")
    home.settings_file.write_text(re.sub(r"(?m)^  windows: \[.*\]", "  windows: [28]", text), encoding="utf-8")
    # The last day with landed records is the last day that is computed, so land a file on LAST_DAY.
    simulate(home.landing, days=2, devices=100, seed=1, last_day=LAST_DAY, format="parquet")
    DirectEngine(home).ingest()
    lake = Lake(home.lake)
    days = [LAST_DAY - dt.timedelta(days=1), LAST_DAY]
    written: dict[PartitionKey, tuple[Path, str]] = {}
    with session(home, load_settings(home)) as connection:
        for number, day in enumerate(days):
            temporary = temporary_for(lake.file("products.metrics", day))
            copy_to(connection, _metrics(products, number, day), temporary, _VERSION)
            written[day] = (temporary, _VERSION)
    lake.publish("products.metrics", written)
    engine = DirectEngine(home)
    engine.compute(["config.matrices", "config.axes", "config.cells"], None)
    engine.compute(["products.rate_priors"], DaySpan(days[0], days[1]))
    engine.compute(["products.axis_values", "products.quadrants"], DaySpan(days[0], days[0]))
    return products


def _metrics(products: int, number: int, day: dt.date) -> str:
    """SQL for the rows of products.metrics on *day*, the *number*-th day."""
    money = "DECIMAL(18, 4)"
    return f"""
        WITH made AS (
            SELECT
                product,
                hash(product) % {_CATEGORIES} AS category,
                0.97 + hash(product, {number}) % 61 / 1000 AS change,
                1 + CAST(5000 * pow(hash(product, 1) % 1000003 / 1000003, 6) * change AS BIGINT) AS exposures,
                CAST(exposures * (hash(product, 2) % 100) / 400 AS BIGINT) AS product_clicks,
                CASE WHEN hash(product, 3) % {_PRODUCTS_SOLD} = 0
                    THEN 1 + CAST(product_clicks * (hash(product, 4) % 100) / 500 AS BIGINT) ELSE 0 END AS order_lines,
                (hash(product, 5) % 20000 + 100) / 100 * change AS price,
                30 + hash(product, 6) % 60 AS cost_percent,
                CAST(order_lines * price AS {money}) AS revenue
            FROM range({products}) AS range(product)
        )
        SELECT
            CAST(28 AS INTEGER) AS window_days,
            'P' || product AS product_id,
            'category ' || category AS category,
            exposures, product_clicks, product_clicks AS views, order_lines AS add_to_carts, order_lines AS buyers,
            order_lines AS orders, order_lines, order_lines AS units,
            revenue, CAST(0 AS {money}) AS refunded, revenue AS net_revenue,
            CAST(revenue * cost_percent / 100 AS {money}) AS cost,
            CAST(0 AS BIGINT) AS lines_without_cost,
            CAST(revenue * (100 - cost_percent) / 100 AS {money}) AS margin,
            CASE WHEN revenue > 0 THEN 1 - cost_percent / 100 END AS margin_rate,
            product_clicks / exposures AS click_through_rate,
            CASE WHEN product_clicks > 0 THEN order_lines / product_clicks END AS conversion_rate,
            order_lines AS repurchase_base,
            order_lines // 5 AS repurchasers,
            CASE WHEN order_lines > 0 THEN order_lines // 5 / order_lines END AS repurchase_rate,
            CAST(revenue / change AS {money}) AS previous_revenue,
            CASE WHEN revenue > 0 THEN change - 1 + hash(product, 7) % 40 / 100 - 0.1 END AS growth_rate,
            CASE WHEN revenue > 0 THEN hash(product, 8) % 150 / 100 END AS relative_share,
            CAST(hash(product, 9) % 400 AS INTEGER) AS days_since_launch
        FROM made
    """
