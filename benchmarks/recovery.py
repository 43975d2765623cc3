"""How many sales the pipeline attributes to their true origin: `python -m benchmarks.recovery`.

Here: for each trap, a simulated shop runs through the pipeline, and Markdown tables compare its attributed sales with
the origins that the simulator recorded.
Not here: why some origins are not found (docs/recovery.md).
"""

from __future__ import annotations

import argparse
import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import polars as pl

from pipelines.compute.run import Request, run_home
from pipelines.compute.workspace import open_workspace
from pipelines.home.folder import Home, init_home
from pipelines.simulator import TRAPS, SimulationParameters, parameters_with, simulate

LAST_DAY = dt.date(2026, 11, 20)
MATCHES = ("cart", "click", "order", "visit", "none")
"""The values of matched_by, the most reliable first."""

HALF_WITHOUT_EVENTS = replace(
    SimulationParameters(),
    visits_per_device_day=0.2,
    never_login_rate=0.3,
    buy_now_rate=0.07,
    no_cart_rate=0.2,
    gift_rate=0.06,
    add_on_rate=0.08,
    bundle_rate=0.48,
    unknown_sku_rate=0.06,
    # No broken lines, so that the log can be written as Parquet, which is faster to read.
    broken_line_rate=0.0,
)
"""Like a real shop's log with 354 order lines: 46 % are matched by a cart of their product, 8 % by a click, 7 % by
another line of the order, 20 % by a visit within a day; the others by nothing in the log."""

_SLOT = ["head_page_type", "head_module", "head_slot", "head_content_id"]


@dataclass(frozen=True)
class Recovery:
    """Counts of a shop's paid order lines: all *lines*, those with the true *entrance*, those with the true *slot*."""

    lines: int
    entrance: int
    slot: int


def land_shop(home: Home, parameters: SimulationParameters, *, days: int, devices: int, seed: int) -> None:
    """Simulate a shop into the landing folder of the new *home*, and copy its exchange rates, if any, to *home*.

    Channels have no effect on the orders of this shop; ``benchmarks.channels`` measures such effects.
    """
    summary = simulate(
        home.landing,
        days=days,
        devices=devices,
        seed=seed,
        last_day=LAST_DAY,
        parameters=replace(parameters, channel_effects=False),
        # Parquet is faster to read, but broken lines can only be simulated in NDJSON.
        format="ndjson" if parameters.broken_line_rate else "parquet",
    )
    rates = summary.truth.with_name("fx.csv")
    if rates.exists():
        shutil.copy(rates, home.config / "fx.csv")


def compute_sales(
    home: Home,
    tables: Sequence[str] = ("+attribution.attributed_sales",),
    *,
    sales_fallbacks: Sequence[str] = ("order", "visit"),
    clock_tolerance_seconds: int = 60,
) -> None:
    """Compute the stale partitions of *tables* (as in ``--select``) in *home*, with these settings."""
    text = home.settings_file.read_text(encoding="utf-8")
    text = re.sub(r"(?m)^(  sales_fallbacks:) \[.*?\]", rf"\1 [{', '.join(sales_fallbacks)}]", text)
    text = re.sub(r"(?m)^(  clock_tolerance_seconds:) \d+", rf"\1 {clock_tolerance_seconds}", text)
    home.settings_file.write_text(text, encoding="utf-8")
    selected = frozenset(open_workspace(home).project.select(tables))
    run_home(home, Request(selected))


def sales_beside_truth(home: Home) -> pl.DataFrame:
    """The paid order lines: the columns of attributed_sales, and the true values in columns ``planted_…``."""
    found = pl.read_parquet(home.lake / "attribution/attributed_sales" / "*" / "*.parquet", hive_partitioning=True)
    planted = pl.read_parquet(home.root / "simulation" / "truth.parquet")
    texts = planted.with_columns(pl.selectors.enum().cast(pl.String))
    renamed = texts.rename(lambda name: name if name in ("order_id", "line_no") else f"planted_{name}")
    return found.join(renamed, on=["order_id", "line_no"], how="left", validate="1:1")


def recovery(sales: pl.DataFrame) -> Recovery:
    """How many of *sales*, the rows of ``sales_beside_truth``, have the true entrance, and how many the true slot.

    A slot counts as true only if the entrance, page type, module and content are true as well.
    """
    is_entrance = pl.col("entrance_id") == pl.col("planted_entrance_id")
    is_slot = pl.all_horizontal(pl.col(name) == pl.col(f"planted_{name}") for name in _SLOT)
    entrance, slot = sales.select(entrance=is_entrance.sum(), slot=(is_entrance & is_slot).sum()).row(0)
    return Recovery(sales.height, entrance, slot)


def matches(sales: pl.DataFrame, *, by: Sequence[str] = ("matched_by",)) -> pl.DataFrame:
    """*sales* (``sales_beside_truth``) grouped by the columns *by*, with their lines, revenue and right.

    *right* counts the lines with the true entrance, which is '(unattributed)' for lines that no visit led to.
    """
    is_right = pl.col("entrance_id") == pl.col("planted_entrance_id")
    groups = sales.group_by(by).agg(lines=pl.len(), revenue=pl.col("revenue").sum(), right=is_right.sum())
    order = pl.col("matched_by").replace_strict({name: place for place, name in enumerate(MATCHES)})
    return groups.sort(*(name for name in by if name != "matched_by"), order)


def shop_cases(names: Sequence[str]) -> dict[str, SimulationParameters]:
    """Case → parameters of its shop, for *names* of cases, or for all."""
    everything = {"clean": parameters_with(()), **{name: parameters_with([name]) for name in TRAPS}}
    everything |= {"the realistic mix": SimulationParameters(), "half without events": HALF_WITHOUT_EVENTS}
    return {name: parameters for name, parameters in everything.items() if not names or name in names}


def _share(part: float | Decimal, total: float | Decimal) -> str:
    return f"{100 * float(part) / float(total):.2f} %" if total else "–"


def _match_rows(case: str, sales: pl.DataFrame, by: Sequence[str]) -> Iterator[str]:
    """The Markdown rows of ``matches`` for one case."""
    lines, revenue = sales.height, sales["revenue"].sum()
    for row in matches(sales, by=by).to_dicts():
        shares = [_share(row["lines"], lines), _share(row["revenue"], revenue), _share(row["right"], row["lines"])]
        cells = [case, *(row[name] for name in by), f"{row['lines']:,}", *shares]
        yield f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=16)
    parser.add_argument("--devices", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep the homes in this new folder, to inspect wrong lines")
    parser.add_argument("cases", nargs="*", help="names of shops, as in the table's first column; default: all")
    arguments = parser.parse_args()
    if unknown := set(arguments.cases) - shop_cases([]).keys():
        parser.error(f"unknown: {', '.join(sorted(unknown))}; expected any of {', '.join(shop_cases([]))}")
    print("| trap | sale lines | entrance | slot | entrance, no fallbacks |\n| --- | ---: | ---: | ---: | ---: |")
    by_match, by_kind = [], []
    with tempfile.TemporaryDirectory(prefix="headwater-recovery-") as scratch:
        for name, parameters in shop_cases(arguments.cases).items():
            home, _ = init_home((arguments.keep or Path(scratch)) / name.replace(" ", "-"))
            land_shop(home, parameters, days=arguments.days, devices=arguments.devices, seed=arguments.seed)
            compute_sales(home)
            sales = sales_beside_truth(home)
            by_match += _match_rows(name, sales, ["matched_by"])
            by_kind += _match_rows(name, sales, ["planted_kind", "matched_by"])
            compute_sales(home, sales_fallbacks=())
            found, without = recovery(sales), recovery(sales_beside_truth(home))
            shares = [_share(each, found.lines) for each in (found.entrance, found.slot, without.entrance)]
            print(f"| {name} | {found.lines:,} | {' | '.join(shares)} |", flush=True)
            if not arguments.keep:
                shutil.rmtree(home.root)
    head = "lines | share of lines | share of money | planted entrance |"
    print("\n".join(["", f"| trap | matched_by | {head}", "| --- | --- | ---: | ---: | ---: | ---: |", *by_match]))
    print(
        "\n".join(
            [
                "",
                f"| trap | what it is | matched_by | {head}",
                "| --- | --- | --- | ---: | ---: | ---: | ---: |",
                *by_kind,
            ]
        )
    )


if __name__ == "__main__":
    main()
