"""The touch models of a day, from Parquet to the credit of every model: our tables beside published packages.

Here: made-up touches and orders; computing our tables from them, either with checks and published or only in memory;
the race with ``benchmarks.touch_packages``, which must give the same answers; and where our time goes.
Not here: the estimators alone (``benchmarks.touch_models``).
"""

from __future__ import annotations

import datetime as dt
import importlib
import json
import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import polars as pl

from benchmarks.measure import Job, Run, run_in_new_process
from benchmarks.shops import LAST_DAY
from pipelines.compute.checks import Checks
from pipelines.compute.run import DirectEngine
from pipelines.compute.workspace import Workspace, open_workspace
from pipelines.home.files import temporary_for
from pipelines.home.folder import Home, find_home, init_home
from pipelines.home.scratch import scratch_folder
from pipelines.home.settings import load_settings
from pipelines.lake.duck import identifier, literal, session
from pipelines.lake.partitions import DaySpan, Lake, PartitionKey, copy_to
from pipelines.simulator import simulate
from pipelines.sqlproject.python_step import run_step

_VERSION = "made up"
_CHANNELS = 12
_SHARE_OF_BUYERS = 0.2
_SPAN = DaySpan(LAST_DAY, LAST_DAY)
_CREDITS = [
    "core.paid_orders",
    *(f"attribution.{name}" for name in ("order_touches", "paths", "touch_path_daily", "touch_transitions")),
    *(f"attribution.{name}" for name in ("removal_effects", "touch_credits", "model_daily")),
]
_EFFECTS = ["attribution.model_effects"]


def touches_of(persons: int, touches: int, seed: int = 1) -> tuple[pl.DataFrame, pl.DataFrame]:
    """*touches* touches of *persons* on LAST_DAY, and their orders; both have person_id.

    A fifth of the persons order once, one second after a touch. Later touches form a path without an order.
    """
    random = np.random.default_rng(seed)
    person = np.concatenate([np.arange(persons), random.integers(0, persons, touches - persons)])
    second = random.permutation(12 * 3600 * 50)[:touches] // 50 * 2  # even; two touches of a person may be simultaneous
    begin = dt.datetime.combine(LAST_DAY, dt.time())
    found = pl.DataFrame(
        {
            "person": person,
            "touchpoint": np.array([f"channel_{number:02}" for number in range(_CHANNELS)])[
                np.minimum(random.geometric(0.2, touches) - 1, _CHANNELS - 1)
            ],
            "second": second,
        }
    ).unique(["person", "second"], keep="first", maintain_order=True)
    found = found.select(
        person_id=pl.format("u{}", "person"),
        touch_event_id=pl.format("e{}", pl.int_range(pl.len())),
        touchpoint="touchpoint",
        occurred_at=pl.lit(begin) + pl.duration(seconds="second"),
    )
    bought = found.group_by("person_id", maintain_order=True).first()
    bought = bought.filter(pl.Series(random.random(bought.height) < _SHARE_OF_BUYERS))
    orders = bought.select(
        order_id=pl.format("o{}", pl.int_range(pl.len())),
        person_id="person_id",
        ordered_at=pl.col("occurred_at") + pl.duration(seconds=1),
    )
    return found, orders


_TOUCHES = """
    SELECT
        person_id, touch_event_id, 'channel' AS touchpoint_type, touchpoint, CAST(NULL AS VARCHAR) AS campaign,
        occurred_at
    FROM read_parquet({touches})
"""
_ORDER_LINES = """
    SELECT
        order_id, CAST(1 AS INTEGER) AS line_no, person_id AS user_id, 'A' AS sku, 'A' AS product_id,
        CAST(1 AS INTEGER) AS quantity, CAST(100 AS DECIMAL(18, 4)) AS revenue, CAST(0 AS DECIMAL(18, 4)) AS refunded,
        CAST(100 AS DECIMAL(18, 4)) AS net_revenue, CAST(50 AS DECIMAL(18, 4)) AS cost,
        CAST(50 AS DECIMAL(18, 4)) AS margin, ordered_at, ordered_at AS paid_at
    FROM read_parquet({orders})
"""
_MODELS = """
    SELECT model, 'channel' AS touchpoint_type
    FROM unnest(['first', 'last', 'linear', 'position_based', 'time_decay', 'markov', 'shapley']) AS models(model)
"""


def home_of_touches(folder: Path) -> Home:
    """A home in *folder* whose tables are made from the files touches.parquet and orders.parquet in *folder*."""
    home, _ = init_home(folder / "home")
    text = home.settings_file.read_text(encoding="utf-8")
    for name, value in (("clock_tolerance_seconds", "0"), ("transform", "[first]"), ("effects_days", "1")):
        text, changed = re.subn(rf"(?m)^(  {name}:) (\[.*\]|\S+)", rf"\1 {value}", text)
        assert changed == 1, name
    home.settings_file.write_text(text, encoding="utf-8")
    # The last day with landed records is the last day that is computed, so land a file on LAST_DAY.
    simulate(home.landing, days=1, devices=100, seed=1, last_day=LAST_DAY, format="parquet")
    engine = DirectEngine(home)
    engine.ingest()
    engine.compute(["core.first_orders", "core.spend"], DaySpan(LAST_DAY, LAST_DAY))
    files = {name: literal(str(folder / f"{name}.parquet")) for name in ("touches", "orders")}
    lake = Lake(home.lake)
    keyed: tuple[tuple[str, PartitionKey, str], ...] = (
        ("attribution.touches", LAST_DAY, _TOUCHES.format(**files)),
        ("core.order_lines", LAST_DAY, _ORDER_LINES.format(**files)),
        ("attribution.touch_models", None, _MODELS),
    )
    with session(home, load_settings(home)) as connection:
        for table, key, query in keyed:
            temporary = temporary_for(lake.file(table, key))
            temporary.parent.mkdir(parents=True, exist_ok=True)
            copy_to(connection, query, temporary, _VERSION)
            lake.publish(table, {key: (temporary, _VERSION)})
    return home


def credit(folder: Path) -> None:
    """Compute paths and the credit of seven models, with the tables' checks, and publish them."""
    _compute(folder, _CREDITS)


def credit_and_effects(folder: Path) -> None:
    """Compute paths and credit as above, and the effects of three models with their standard errors."""
    _compute(folder, [*_CREDITS, *_EFFECTS])


def _compute(folder: Path, names: list[str]) -> None:
    result = DirectEngine(find_home(folder / "home")).compute(names, DaySpan(LAST_DAY, LAST_DAY))
    failed = [check.describe() for check in result.checks.values() if not check.passed]
    if failed:
        raise RuntimeError("; ".join(failed))


def credit_in_memory(folder: Path) -> None:
    """Compute the tables of ``credit`` in memory only: no checks, no files."""
    with _computing(folder) as (workspace, connection):
        for name in _CREDITS:
            _fill(workspace, connection, name)
        connection.execute(f"COPY attribution.model_daily TO {literal(str(folder / 'model_daily.parquet'))}")


def open_project(folder: Path) -> None:
    """Read the home's settings and SQL project, as each of our jobs does before it computes."""
    open_workspace(find_home(folder / "home"))


@contextmanager
def _computing(folder: Path) -> Iterator[tuple[Workspace, duckdb.DuckDBPyConnection]]:
    """The workspace of the home in *folder*, and a session like that of a run."""
    workspace = open_workspace(find_home(folder / "home"))
    with session(workspace.home, workspace.settings) as connection:
        connection.execute("SET disabled_optimizers = 'build_side_probe_side'")
        yield workspace, connection


def _fill(workspace: Workspace, connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """Compute the table *name* in the session, from tables of ``_CREDITS`` in the session and others in the lake."""
    model = workspace.project.models[name]
    reads = [read for read in workspace.project.reads[name] if read.table not in _CREDITS]
    workspace.mount(connection, reads, _SPAN, name)
    with scratch_folder(workspace.home) as scratch:
        query = workspace.project.sql(model, _SPAN)
        if model.python:
            query = run_step(connection, model.python, query, model.types, scratch)
        connection.execute(f"CREATE OR REPLACE TABLE {identifier(name)} AS {query}")


def profile(folder: Path, runs: int) -> Iterator[str]:
    """Lines of text: for each table, processor seconds of its query, of its checks and of writing its file.

    Each is the median of *runs* runs.
    """
    yield f"{'processor seconds':<28}{'rows':>10}{'query':>8}{'checks':>8}{'file':>8}"
    with _computing(folder) as (workspace, connection):
        checks = Checks(workspace.project, connection)
        for name in _CREDITS:
            model = workspace.project.models[name]
            checks.expect(model)
            # What the table's checks read besides the tables that are computed here.
            others = [read for check in workspace.project.checks[name] for read in workspace.project.reads[check.name]]
            workspace.mount(connection, [read for read in others if read.table not in _CREDITS], _SPAN)
            file = folder / "profile.parquet"
            times: list[tuple[float, ...]] = []
            for _ in range(runs):
                moments = [time.process_time()]
                _fill(workspace, connection, name)
                moments.append(time.process_time())
                checks.run(model, [LAST_DAY])
                moments.append(time.process_time())
                rows = copy_to(connection, f"FROM {identifier(name)}", file, _VERSION)
                moments.append(time.process_time())
                times.append(tuple(np.diff(moments)))
            parts = [statistics.median(part) for part in zip(*times, strict=True)]
            yield f"{name.split('.')[1]:<28}{rows:>10,}" + "".join(f"{part:>8.2f}" for part in parts)


def largest_difference(folder: Path) -> float:
    """The largest difference, in orders, between our credit and the packages' for any touchpoint in any model."""
    theirs = json.loads((folder / "packages.json").read_text(encoding="utf-8"))
    published = pl.read_parquet(folder / "home/lake/attribution/model_daily/*/*.parquet", hive_partitioning=False)
    in_memory = pl.read_parquet(folder / "model_daily.parquet")
    return max(
        abs(theirs[row["model"]].get(row["touchpoint"], 0) - row["orders"])
        for ours in (published, in_memory)
        for row in ours.filter(pl.col("touchpoint") != "(unattributed)").to_dicts()
    )


def prepare(folder: Path, persons: int, touches: int) -> str:
    """Make the touches, orders and home in *folder*; returns a line with their numbers."""
    found, orders = touches_of(persons, touches)
    found.write_parquet(folder / "touches.parquet")
    orders.write_parquet(folder / "orders.parquet")
    home_of_touches(folder)
    return f"{found.height:,} touches of {persons:,} persons, {orders.height:,} orders, {_CHANNELS} channels"


def race(folder: Path, runs: int) -> Iterator[str]:
    """Lines: seconds, processor seconds and peak memory of each side in turn, and the largest difference."""
    packages = importlib.import_module("benchmarks.touch_packages")
    jobs: tuple[tuple[str, Job], ...] = (
        ("our tables, with checks and files", credit),
        ("the same and effects with standard errors", credit_and_effects),
        ("our tables in memory", credit_in_memory),
        ("  of each: opening the SQL project", open_project),
        ("packages, one object", packages.as_documented),
        ("packages, rules of journeys with an order", packages.at_their_best),
    )
    yield f"{'':<44}{'seconds':>10}{'cpu s':>9}{'peak MB':>10}"
    for _ in range(runs):
        for name, job in jobs:
            if job in (credit, credit_and_effects):
                clear(folder)
            yield _line(name, run_in_new_process(job, folder))
    yield f"largest difference of a touchpoint's orders in a model: {largest_difference(folder):.1e}"


def clear(folder: Path) -> None:
    """Remove the computed tables of the home in *folder*, so that they are computed again."""
    lake = Lake(find_home(folder / "home").lake)
    for name in (*_CREDITS, *_EFFECTS):
        lake.remove(name, LAST_DAY)


def _line(name: str, run: Run) -> str:
    return f"{name:<44}{run.seconds:>10.2f}{run.processor_seconds:>9.1f}{run.peak / 1e6:>10,.0f}"
