"""attributed_events compared with ClickHouse, which runs inside this process as chDB (`uv sync --group clickhouse`).

Here: a query that computes the same table with an ASOF JOIN from the same Parquet file; comparing both results.
Not here: how both are measured (``benchmarks.measure``).
"""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path

import duckdb

from benchmarks.measure import Pair, measure_pair
from benchmarks.shops import LAST_DAY
from pipelines.compute.run import DirectEngine
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import find_home
from pipelines.lake.duck import literal
from pipelines.lake.partitions import DaySpan, Lake

SKIPPED = "attributed_events beside ClickHouse: skipped: chdb is not installed (uv sync --group clickhouse)"

_TABLE = "attribution.attributed_events"
_FILE = "clickhouse.parquet"
_PAGES = 1 << 24
_RANKS = 8
_QUERY = f"""
    INSERT INTO FUNCTION file({{target}}, 'Parquet')
    WITH
        events AS (
            -- ASOF JOIN compares one column, so put what orders a device's events (ms, page, rank) into one number.
            SELECT *, ((toUnixTimestamp64Milli(device_time) - {{begin}}) * {_PAGES} + ifNull(page_id, {_PAGES} - 1))
                * {_RANKS} + event_rank AS place
            FROM file({{source}}, 'Parquet')
        ),
        ends AS (
            SELECT * FROM events
            WHERE sku IS NOT NULL AND (
                event_type IN ('exposure', 'add_to_cart')
                OR (event_type = 'click' AND NOT ifNull(module IN ({{action_modules}}), false))
            )
        ),
        heads AS (
            SELECT event_id, device_id, device_time, place, entrance_id, page_type, module, slot, content_id
            FROM events
            WHERE event_type = 'click' AND entrance_id IS NOT NULL
        )
    SELECT
        ends.event_id AS event_id, ends.event_type AS end_type, ends.occurred_at AS occurred_at,
        ends.device_id AS device_id, ends.person_id AS person_id, ends.page_id AS page_id,
        ends.page_type AS page_type, ends.module AS module, ends.slot AS slot, ends.sku AS sku,
        ends.product_id AS product_id, ends.content_id AS content_id,
        heads.event_id IS NOT NULL
            AND heads.device_time >= ends.device_time - INTERVAL {{head_lookback_hours}} HOUR AS is_found,
        ends.entrance_id IS NOT NULL AS is_own,
        multiIf(is_own, 'own', is_found, 'head', 'none') AS rule,
        multiIf(is_own, ends.entrance_id, is_found, heads.entrance_id, '(direct)') AS entrance_id,
        multiIf(is_own AND ends.event_type = 'click', ends.event_id, is_found AND NOT is_own, heads.event_id, NULL)
            AS head_event_id,
        ifNull(multiIf(is_own, ends.page_type, is_found, heads.page_type, NULL), '(none)') AS head_page_type,
        ifNull(multiIf(is_own, ends.module, is_found, heads.module, NULL), '(none)') AS head_module,
        ifNull(multiIf(is_own, ends.slot, is_found, heads.slot, NULL), 0) AS head_slot,
        ifNull(multiIf(is_own, ends.content_id, is_found, heads.content_id, NULL), '(none)') AS head_content_id
    FROM ends
    ASOF LEFT JOIN heads ON heads.device_id = ends.device_id AND heads.place <= ends.place
    SETTINGS join_use_nulls = 1, output_format_parquet_compression_method = 'zstd', output_format_compression_level = 1
"""


def attributed_events(home: Path, rows: int, runs: int) -> Pair:
    """Measure our table with its checks, published, and ClickHouse's query; *rows* are the day's events.

    Raises:
        RuntimeError: the two tables have different path ends, or different heads (entrance clicks) for them.
    """
    names = ("attributed_events, checked, published", "  ClickHouse (chDB): ASOF JOIN, written")
    pair = measure_pair(names, rows, (ours, theirs), (home, home), runs)
    _require_same_answers(home)
    return pair


def is_installed() -> bool:
    """Whether chDB is installed."""
    return find_spec("chdb") is not None


def ours(folder: Path) -> None:
    """Compute the table for the day, run its checks, and publish it."""
    result = DirectEngine(find_home(folder)).compute([_TABLE], DaySpan(LAST_DAY, LAST_DAY))
    if failed := [check.describe() for check in result.checks.values() if not check.passed]:
        raise RuntimeError("; ".join(failed))


def theirs(folder: Path) -> None:
    """Let ClickHouse write the same rows to a Parquet file."""
    home = find_home(folder)
    parameters = open_workspace(home).project.parameters
    modules = parameters["action_modules"]
    assert isinstance(modules, tuple | list)
    (folder / _FILE).unlink(missing_ok=True)
    importlib.import_module("chdb").query(
        _QUERY.format(
            target=literal(str(folder / _FILE)),
            source=literal(str(Lake(home.lake).file("core.events", LAST_DAY))),
            begin=(LAST_DAY.toordinal() - 719163 - 7) * 86_400_000,
            action_modules=", ".join(literal(str(name)) for name in modules),
            head_lookback_hours=parameters["head_lookback_hours"],
        )
    )


def _require_same_answers(folder: Path) -> None:
    own = literal(str(Lake(find_home(folder).lake).file(_TABLE, LAST_DAY)))
    other = literal(str(folder / _FILE))
    counts = (
        "SELECT rule, entrance_id, count(*), bit_xor(hash(event_id, head_event_id)) "
        "FROM read_parquet({}) GROUP BY ALL ORDER BY ALL"
    )
    with duckdb.connect() as connection:
        found = [connection.execute(counts.format(path)).fetchall() for path in (own, other)]
    if found[0] != found[1]:
        raise RuntimeError(f"the ends of ClickHouse differ from those of attributed_events: {found}")
