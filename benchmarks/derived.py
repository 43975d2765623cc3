"""How much worse results are with derived PageIds than with those of a tracker: `python -m benchmarks.derived`.

Here: for each trap, a simulated shop runs through the pipeline twice: with the PageIds of its tracker, and with PageIds
that are derived from the addresses of pages; a Markdown table compares the sales and paths.
Not here: how PageIds are derived (``sql/core/event_pages.sql``), why PageIds are right or wrong (docs/recovery.md).
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import polars as pl

from benchmarks.recovery import compute_sales, land_shop, recovery, sales_beside_truth, shop_cases
from pipelines.home.folder import DATA, Home, init_home

_TABLES = ("+attribution.attributed_sales", "+attribution.path_steps")
_PAGE = ("device_id", "page_id")
_HOST = "https://shop.example"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=16)
    parser.add_argument("--devices", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-referrers", action="store_true", help="a log that has addresses, but no referrers")
    parser.add_argument("cases", nargs="*", help="names of shops; default: all but broken_lines, which is about files")
    arguments = parser.parse_args()
    # The log is rewritten as Parquet, which cannot have broken lines.
    cases = {
        name: replace(parameters, broken_line_rate=0.0)
        for name, parameters in shop_cases(arguments.cases).items()
        if name != "broken_lines"
    }
    print("| trap | lines | entrance: tracker | derived | slot: tracker | derived | paths | same steps | pages apart |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory(prefix="headwater-derived-") as scratch:
        for name, parameters in cases.items():
            tracked, _ = init_home(Path(scratch) / "tracked")
            land_shop(tracked, parameters, days=arguments.days, devices=arguments.devices, seed=arguments.seed)
            derived = without_page_ids(tracked, Path(scratch) / "derived", referrers=not arguments.no_referrers)
            for home in (tracked, derived):
                compute_sales(home, _TABLES)
            found = [recovery(sales_beside_truth(home)) for home in (tracked, derived)]
            paths, same = equal_paths(tracked, derived)
            right = [each.entrance for each in found] + [each.slot for each in found]
            shares = [f"{100 * number / found[0].lines:.2f} %" for number in right]
            print(
                f"| {name} | {found[0].lines:,} | {' | '.join(shares)} | {paths:,} | {100 * same / paths:.2f} % | "
                f"{100 * pages_apart(tracked, derived):.2f} % |",
                flush=True,
            )
            shutil.rmtree(tracked.root)
            shutil.rmtree(derived.root)


def without_page_ids(home: Home, folder: Path, *, referrers: bool = True) -> Home:
    """A copy of *home*, before its first run, whose log has addresses of pages (and *referrers*) instead of PageIds."""
    copy, _ = init_home(folder)
    shutil.copytree(home.root, folder, dirs_exist_ok=True)
    own = copy.sources / "native"
    shutil.copytree(DATA / "sql" / "sources" / "native", own)
    for file in (own / "source.yaml", own / "events.sql"):
        file.write_text(re.sub(r"(?m)^ *page_id(: \{\})?,?\n", "", file.read_text(encoding="utf-8")), encoding="utf-8")
    files = sorted((copy.landing / "native" / "events").glob("*.parquet"))
    # Texts are Enums in these files, whose values are fixed. Addresses are made from them, so cast them to String.
    texts = pl.selectors.enum().cast(pl.String)
    log = pl.concat([pl.read_parquet(file).with_columns(texts, file=pl.lit(file.name)) for file in files])
    addressed = with_addresses(log)
    if not referrers:
        addressed = addressed.with_columns(referrer=pl.lit(None, pl.String))
    for file in files:
        addressed.filter(pl.col("file") == file.name).drop("file").write_parquet(file)
    return copy


def with_addresses(log: pl.DataFrame) -> pl.DataFrame:
    """*log*, the records of the native format, with page_url and the referrer of the page on every event.

    As in a browser: an address names what the page shows (its product, else the first product of its list), and the
    referrer is the address of the page that was open when this one was opened; for the first page of a visit, the
    referrer that was logged.
    """
    ordered = log.sort("device_id", "device_time", "page_id", maintain_order=True)
    on_page = ordered.filter(pl.col("page_id").is_not_null())
    before = on_page.select(
        *_PAGE,
        opener=pl.col("page_id").shift().over("device_id"),
        pause=pl.col("device_time").diff().over("device_id"),
    )
    opened = before.group_by(_PAGE, maintain_order=True).first()
    is_exposure = pl.col("event_type") == "exposure"
    pages = on_page.group_by(_PAGE, maintain_order=True).agg(
        kind=pl.col("page_type").first(),
        product=pl.col("sku").filter(pl.col("event_type") == "page_view").first(),
        shelf=pl.col("sku").filter(is_exposure).first(),
        landed_from=pl.col("referrer").first(),
    )
    query = pl.when(pl.col("kind") == "home").then(pl.lit("")).otherwise("?first=" + pl.col("shelf").fill_null(""))
    address = pl.format("{}/{}{}", pl.lit(_HOST), "kind", pl.coalesce("/" + pl.col("product"), query))
    pages = pages.with_columns(address=address).join(opened, on=_PAGE)
    openers = pages.select("device_id", opener="page_id", opener_address="address")
    is_first = pl.col("opener").is_null() | (pl.col("pause") >= 30 * 60 * 1000)
    pages = pages.join(openers, on=["device_id", "opener"], how="left").select(
        *_PAGE,
        page_url="address",
        page_referrer=pl.when(is_first).then("landed_from").otherwise("opener_address"),
    )
    joined = log.join(pages, on=_PAGE, how="left", maintain_order="left")
    return joined.with_columns(referrer="page_referrer").drop("page_referrer")


def equal_paths(tracked: Home, derived: Home) -> tuple[int, int]:
    """The number of paths to carts in *tracked*, and how many of them have the same effective steps in *derived*."""
    paths = [
        pl.read_parquet(home.lake / "attribution/path_steps" / "*" / "*.parquet")
        .filter(pl.col("effective_step_no").is_not_null())
        .sort("end_event_id", "effective_step_no")
        .group_by("end_event_id", maintain_order=True)
        .agg("event_id")
        for home in (tracked, derived)
    ]
    both = paths[0].join(paths[1], on="end_event_id", how="left")
    return both.height, both.filter(pl.col("event_id") == pl.col("event_id_right")).height


def pages_apart(tracked: Home, derived: Home) -> float:
    """The share of events whose page has other events in *derived* than in *tracked*, or which have no page there."""
    columns = ["event_id", "dt", "device_id", "page_id"]
    logs = [
        pl.read_parquet(home.lake / "core/events" / "*" / "*.parquet", hive_partitioning=True)
        .select(columns)
        .filter(pl.col("page_id").is_not_null())
        for home in (tracked, derived)
    ]
    page = ["dt", "device_id", "page_id"]
    numbered = [log.with_columns(first=pl.col("event_id").min().over(page), size=pl.len().over(page)) for log in logs]
    both = numbered[0].join(numbered[1], on="event_id", how="left")
    is_same = (pl.col("first") == pl.col("first_right")) & (pl.col("size") == pl.col("size_right"))
    return 1 - both.filter(is_same).height / both.height


if __name__ == "__main__":
    main()
