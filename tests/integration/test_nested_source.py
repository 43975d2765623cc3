"""A source of nested records without PageIds: JSON and Parquet give the same rows, and rows lead to paths."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from pipelines.home.errors import HeadwaterError
from pipelines.ingest.sources.source import load_sources
from tests.commands import headwater
from tests.ingest_support import Row, counts, land, ndjson, new_home, only_batch, raw, take_in
from tests.support import attribute, table

SOURCE = """\
description: Hits with nested context and items.
relations:
  hits:
    glob: "hits/**"
    columns: {id: {required: true}, visitor: {required: true}, kind: {}, moment: {}, context: {}, items: {}}
"""
EVENTS = """\
SELECT
  id || coalesce('-' || item.sku, '') AS event_id,
  visitor AS device_id,
  kind AS event_type,
  moment AS device_time,
  TRY(json_extract_string(context, '$.page.url')) AS page_url,
  TRY(json_extract_string(context, '$.page.referrer')) AS referrer,
  item.module AS module,
  item.slot AS slot,
  item.sku AS sku,
  batch_id,
  record_no
FROM hits
LEFT JOIN unnest(
  TRY(from_json(items, '[{"module": "VARCHAR", "slot": "VARCHAR", "sku": "VARCHAR"}]'))
) AS list(item) ON true
"""
SHOP = "https://shop.example"


def hit(second: int, kind: str, url: str, referrer: str | None, *items: Row) -> Row:
    page = {"url": SHOP + url, "referrer": referrer and SHOP + referrer}
    # Formats with fixed types (Parquet) need the same fields in every item, so fields that an item lacks are null.
    return {
        "id": f"h{second}",
        "visitor": "v",
        "kind": kind,
        "moment": f"2026-05-01T10:00:{second:02}+08:00",
        "context": {"page": page},
        "items": [{"module": None, "slot": None, "sku": None} | item for item in items],
    }


# A visitor goes from the home page's banner to a list, to product p1, back to the list, to p2, and puts p2 in the cart.
VISIT = [
    hit(0, "page_view", "/", None),
    hit(1, "click", "/", None, {"module": "banner", "slot": 1}),
    hit(2, "page_view", "/collections/a", "/"),
    hit(3, "click", "/collections/a", "/", {"module": "goods", "slot": 1, "sku": "p1"}),
    hit(4, "page_view", "/products/1", "/collections/a"),
    hit(5, "page_view", "/collections/a", "/"),
    hit(6, "click", "/collections/a", "/", {"module": "goods", "slot": 2, "sku": "p2"}),
    hit(7, "page_view", "/products/2", "/collections/a"),
    hit(8, "add_to_cart", "/products/2", "/collections/a", {"sku": "p2"}),
]


def home_with(folder: Path, events: str = EVENTS):
    return new_home(folder, {"mylog": {"source.yaml": SOURCE, "events.sql": events}})


def test_nested_values_of_json_and_parquet_are_alike(tmp_path: Path) -> None:
    rows = []
    for name, content in {"a.ndjson": ndjson(VISIT), "a.parquet": _parquet(VISIT)}.items():
        home = home_with(tmp_path / name)
        land(home, f"mylog/hits/{name}", content)
        report = take_in(home)
        assert (report.records, report.accepted, report.errors) == (9, 9, [])
        rows.append([{n: v for n, v in row.items() if n not in ("batch_id",)} for row in raw(home, "raw.events")])
    assert rows[0] == rows[1]
    assert [row["sku"] for row in rows[0] if row["sku"]] == ["p1", "p2", "p2"]


def _parquet(records: list[Row]) -> bytes:
    file = io.BytesIO()
    items = pl.List(pl.Struct({"module": pl.String, "slot": pl.Int64, "sku": pl.String}))
    pl.DataFrame(records, schema_overrides={"items": items}).write_parquet(file)
    return file.getvalue()


def test_a_log_without_page_ids_leads_to_paths(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    land(home, "mylog/hits/a.ndjson", VISIT)
    attribute(home)
    assert {row["page_id_origin"] for row in table(home, "core.events")} == {"derived"}
    kinds = {row["page_url"]: row["page_type"] for row in table(home, "core.events")}
    assert kinds == {
        f"{SHOP}/": "home",
        f"{SHOP}/collections/a": "list",
        f"{SHOP}/products/1": "detail",
        f"{SHOP}/products/2": "detail",
    }
    (end,) = [row for row in table(home, "attribution.attributed_events") if row["end_type"] == "add_to_cart"]
    assert (end["entrance_id"], end["head_module"]) == ("home_banner", "banner")
    path = [row for row in table(home, "attribution.path_steps") if row["effective_step_no"] is not None]
    steps = [row["event_id"] for row in sorted(path, key=lambda row: row["effective_step_no"])]
    # The click on p1 is superseded by the one on p2, because both are on the list to which the visitor returned.
    assert steps == ["h1", "h6-p2", "h8-p2"]


def test_what_is_no_json_stops_no_source(tmp_path: Path) -> None:
    home = home_with(tmp_path)
    odd = [VISIT[0] | {"context": "oops"}, VISIT[1] | {"items": "oops"}, VISIT[2] | {"context": None}, VISIT[4]]
    land(home, "mylog/hits/a.ndjson", odd)
    assert take_in(home).errors == []
    assert counts(only_batch(home)) == (4, 2, 0, 2)
    assert [row["reasons"] for row in raw(home, "raw.quarantine")] == ["missing page_url"] * 2
    assert [row["module"] for row in raw(home, "raw.events")] == [None, None]


def test_a_mapping_returns_page_ids_or_addresses(tmp_path: Path) -> None:
    home = home_with(tmp_path, EVENTS.replace("AS page_url", "AS content_id"))
    with pytest.raises(HeadwaterError, match=r"does not return page_id or page_url, page_type or page_url"):
        load_sources(home)


def test_a_sample_shows_what_becomes_of_each_record(tmp_path: Path) -> None:
    home = home_with(tmp_path / "home")
    sample = tmp_path / "sample.ndjson"
    records = [*VISIT[:2], VISIT[1], VISIT[3] | {"moment": "later", "agent": "x"}]
    sample.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    before = sorted(home.root.rglob("*"))
    shown = headwater("check", "--source", "mylog", "--sample", sample, home=home)
    assert shown.returncode == 0
    lines = shown.stdout.splitlines()
    assert "4 records = 2 accepted + 1 duplicates + 1 quarantined" in lines[0]
    assert lines[1] == "  fields that are not read: agent"
    assert lines[2] == "  bad device_time: expected a time such as 2026-11-20T10:00:00+08:00"
    assert lines[4].startswith("  2 raw.events: event_id=h1, device_id=v, event_type=click")
    assert lines[5:] == ["  3 no row of its own", f"  4 quarantined: bad device_time | {json.dumps(records[3])}"]
    assert sorted(home.root.rglob("*")) == before
    short = headwater("check", "--source", "mylog", "--sample", sample, "--records", 1, home=home)
    assert short.stdout.splitlines()[-1] == "  … and 3 more records; --records shows more"


def test_a_sample_of_nothing_known_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a\n1\n", encoding="utf-8")
    unfinished = tmp_path / "x.csv.part"
    unfinished.write_text("a\n1\n", encoding="utf-8")
    (tmp_path / "other").mkdir()
    other = Path(shutil.copy(file, tmp_path / "other"))
    for arguments, part in {
        ("--source", "native"): "belong together",
        ("--source", "nativ", "--sample", file): "no source 'nativ'; expected one of ",
        ("--source", "native", "--sample", tmp_path / "none"): "there is no such file",
        ("--source", "native", "--sample", tmp_path): "is a folder; name a file in it",
        ("--source", "native", "--sample", file): "neither its folder nor its name tells the relation of native",
        ("--source", "native", "--sample", f"clicks={file}"): "native has no relation 'clicks'; expected one of events",
        ("--source", "native", "--sample", f"orders={file}"): "its first line has none of the expected columns",
        ("--source", "native", "--sample", f"orders={file}", "--sample", f"orders={other}"): "has the same name as ",
        ("--source", "native", "--sample", f"orders={unfinished}"): "ingestion skips files of this name",
    }.items():
        refused = headwater("check", *arguments)
        assert refused.returncode != 0
        assert refused.stderr.count("\n") == 1
        assert part in refused.stderr
