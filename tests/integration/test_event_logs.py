"""Hand-made sample logs of Sensors and Segment: every record is accounted for, and the tables are as expected."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.compute.reading import query_rows
from pipelines.compute.run import run_home
from pipelines.home.folder import Home
from tests.ingest_support import counts, land, new_home, only_batch, raw, refused, take_in

pytestmark = pytest.mark.real

SOURCES = Path(__file__).parents[2] / "sql" / "sources"
SAMPLES = Path(__file__).parents[1] / "samples"
LANDED_AT = dt.datetime(2026, 11, 23)


def shop(folder: Path, source: str) -> Home:
    """A home with the entrances and the landed sample of *source*."""
    home = new_home(folder)
    home.settings_file.write_text("timezone: UTC\ncurrency: USD\n", encoding="utf-8")
    (home.config / "entrances.csv").write_bytes((SOURCES / source / "entrances.csv").read_bytes())
    land(home, f"{source}/events/events.ndjson", (SAMPLES / source / "events.ndjson").read_bytes(), LANDED_AT)
    return home


@pytest.fixture
def sensors(tmp_path: Path) -> Home:
    return shop(tmp_path / "shop", "sensors")


@pytest.fixture
def segment(tmp_path: Path) -> Home:
    return shop(tmp_path / "shop", "segment")


def found(home: Home, sql: str) -> list[tuple[object, ...]]:
    return query_rows(home, sql, limit=100).rows


def test_every_record_of_sensors_is_accounted_for(sensors: Home) -> None:
    assert take_in(sensors).errors == []
    batch = only_batch(sensors)
    # The unmapped record sets properties of a user's profile, so it is no event.
    assert (*counts(batch), batch.unmapped) == (13, 8, 1, 4, 1)
    assert refused(sensors) == [
        (10, "bad slot"),
        (11, "bad device_time"),
        (12, "missing page_url"),
        (13, "invalid json"),
    ]


def test_sensors_gives_pages_entrances_and_users(sensors: Home) -> None:
    run_home(sensors)
    events = found(
        sensors,
        "SELECT event_type, page_type, entrance_id, person_id, page_id_origin FROM core.events "
        "WHERE device_id = 'a1-web' ORDER BY device_time",
    )
    assert events == [
        ("page_view", "home", None, "user-7", "derived"),
        ("exposure", "home", "home_feed", "user-7", "derived"),
        ("click", "home", "home_banner", "user-7", "derived"),
        ("$SignUp", None, None, "user-7", None),
        ("add_to_cart", "detail", None, "user-7", "derived"),
        ("submitOrder", None, None, "user-7", None),
    ]


def test_every_record_of_segment_is_accounted_for(segment: Home) -> None:
    assert take_in(segment).errors == []
    batch = only_batch(segment)
    # The unmapped record is a group call, which assigns a user to a group, so it is no event.
    assert (*counts(batch), batch.unmapped) == (19, 14, 1, 4, 1)
    assert refused(segment) == [
        (16, "bad device_time"),
        (17, "missing page_url"),
        (18, "bad slot"),
        (19, "bad unit_price"),
    ]
    assert [row["event_id"] for row in raw(segment, "raw.events") if row["is_bot"]] == ["m13"]


def test_segment_gives_sales_with_their_entrance_and_refunds(segment: Home) -> None:
    run_home(segment)
    lines = found(segment, "SELECT sku, revenue, refunded FROM core.order_lines WHERE order_id = 'O1' ORDER BY 1")
    assert lines == [
        ("(shipping)", Decimal("5.00"), Decimal(0)),
        ("(tax)", Decimal("6.00"), Decimal(0)),
        ("MUG", Decimal("37.16"), Decimal(0)),
        ("p2", Decimal("28.34"), Decimal("28.34")),
    ]
    sales = found(segment, "SELECT entrance_id FROM attribution.attributed_sales WHERE sku = 'MUG'")
    assert sales == [("home_banner_top",)]
    pages = found(
        segment,
        "SELECT page_type, count(DISTINCT page_id) FROM core.events WHERE device_id = 'a1' AND page_type IS NOT NULL "
        "GROUP BY 1 ORDER BY 1",
    )
    assert pages == [("detail", 1), ("home", 1), ("list", 1)]
