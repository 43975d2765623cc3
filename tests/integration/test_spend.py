"""Spend on advertising, from landing files to core.spend: versions, currencies, refused rows, and its days."""

from __future__ import annotations

import datetime as dt
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest

from pipelines.home.folder import Home
from tests.commands import headwater
from tests.support import LANDED_AT, Row, land, make_home, run_selected, table

DAY = "2026-03-02"
EVENT = {"device_id": "d", "event_type": "click", "page_id": 1, "page_type": "home", "device_time": f"{DAY}T02:00:00Z"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = make_home(tmp_path / "shop")
    land(home, "events", [{"event_id": "e1", **EVENT}], "events")
    return home


def spent(cost: object, day: str = DAY, **fields: object) -> Row:
    return {"dt": day, "channel": "display", "cost": cost} | fields


def costs(home: Home) -> dict[tuple[str, str, str], Decimal]:
    return {(str(row["dt"]), row["channel"], row["campaign"]): row["cost"] for row in table(home, "core.spend")}


def test_the_latest_version_of_a_key_counts_in_any_order(home: Home) -> None:
    land(home, "spend", [spent("9", updated_at="2026-03-05"), spent(4, campaign="spring")], "corrected", "csv")
    land(home, "spend", [spent("5", updated_at="2026-03-03"), spent("4.00", campaign="spring")], "first")
    run_selected(home, "core")
    assert costs(home) == {(DAY, "display", "(not set)"): Decimal(9), (DAY, "display", "spring"): Decimal(4)}
    assert table(home, "core.version_ties") == []


def test_a_row_without_a_campaign_is_a_key_of_its_own(home: Home) -> None:
    named = [spent("1", campaign=campaign) for campaign in ("", None, "(not set)", "null", "0")]
    land(home, "spend", [*named, spent("1")], "spend")
    run_selected(home, "core")
    assert set(costs(home)) == {(DAY, "display", "(not set)"), (DAY, "display", "0")}
    batch = next(row for row in table(home, "core.batches") if row["relation"] == "spend")
    assert (batch["records"], batch["accepted"], batch["duplicates"], batch["quarantined"]) == (6, 2, 4, 0)


def test_two_ad_groups_of_one_campaign_are_reported(home: Home) -> None:
    land(home, "spend", [spent("5", clicks=1), spent("6", clicks=2)], "spend")
    summary = run_selected(home, "core")
    assert "target=spend, keys=1, versions=2" in summary.failed_checks["versions_can_be_told_apart"].describe()
    assert len(costs(home)) == 1


@pytest.mark.real
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (spent("-1"), "negative cost"),
        (spent(""), "missing cost"),
        (spent("12 EUR"), "bad cost"),
        (spent("1000000000000"), "amount out of range"),
        (spent("1", channel=" "), "missing channel"),
        (spent("1", channel="undefined"), "missing channel"),
        (spent("1", impressions=-1, clicks=-2), "negative impressions; negative clicks"),
        (spent("1", clicks="1.5"), "bad clicks"),
        (spent("1", currency="$"), "bad currency"),
        (spent("1", ""), "missing dt"),
        (spent("1", "02.03.2026"), "bad dt"),
        (spent("1", "1979-12-31"), "time out of range"),
        (spent("1", str(LANDED_AT.date() + dt.timedelta(days=2))), "time out of range"),
    ],
)
def test_a_row_that_cannot_be_right_is_quarantined(home: Home, row: Row, reason: str) -> None:
    land(home, "spend", [row, spent("3")], "spend")
    run_selected(home, "core")
    assert [(row["relation"], row["reasons"]) for row in table(home, "core.quarantine")] == [("spend", reason)]
    assert list(costs(home).values()) == [Decimal(3)]


def test_spend_alone_makes_no_day_one_to_compute(home: Home) -> None:
    """Advertising of a year before the first event, or of tomorrow, waits until events or orders reach its day."""
    tomorrow = LANDED_AT.date() + dt.timedelta(days=1)
    days = ["2025-03-02", DAY, "2026-03-03", str(tomorrow)]
    land(home, "spend", [spent(str(n), day) for n, day in enumerate(days, 1)], "spend")
    summary = run_selected(home, "core")
    assert (str(summary.first), str(summary.last)) == (DAY, DAY)
    assert table(home, "core.quarantine") == []
    assert costs(home) == {(DAY, "display", "(not set)"): Decimal(2)}
    land(home, "events", [{**EVENT, "event_id": "e2", "device_time": "2026-03-04T02:00:00Z"}], "later")
    run_selected(home, "core")
    assert costs(home) == {
        (DAY, "display", "(not set)"): Decimal(2),
        ("2026-03-03", "display", "(not set)"): Decimal(3),
    }


def test_spend_without_a_rate_is_unknown_and_named(home: Home) -> None:
    land(home, "spend", [spent("10", currency="usd"), spent("2", channel="email")], "spend")
    summary = run_selected(home, "core")
    told = summary.failed_checks["spend_rates_are_known"].describe()
    assert f"dt={DAY}, currency=USD, spend_rows=1" in told
    assert "config/fx.csv" in told
    assert costs(home) == {(DAY, "display", "(not set)"): None, (DAY, "email", "(not set)"): Decimal(2)}
    (home.config / "fx.csv").write_text(f"dt,currency,rate\n{DAY},USD,7.1\n", encoding="utf-8")
    run_selected(home, "core")
    assert costs(home) == {
        (DAY, "display", "(not set)"): Decimal("71.0000"),
        (DAY, "email", "(not set)"): Decimal("2.0000"),
    }


def test_a_late_correction_changes_its_day_only(home: Home) -> None:
    land(home, "events", [{**EVENT, "event_id": "e2", "device_time": "2026-03-03T02:00:00Z"}], "later")
    land(home, "spend", [spent("1"), spent("2", "2026-03-03")], "spend")
    run_selected(home, "core")
    land(home, "spend", [spent("5", updated_at="2026-03-20")], "corrected")
    summary = run_selected(home, "core")
    assert {str(day) for day in summary.published["core.spend"]} == {DAY}
    assert sorted(costs(home).values()) == [Decimal(2), Decimal(5)]


def checked_sample(folder: Path, *lines: str, home: Home | None = None) -> subprocess.CompletedProcess[str]:
    sample = folder / "spend.csv"
    sample.write_text("\n".join(("dt,channel,cost,currency", *lines)), encoding="utf-8")
    return headwater("check", "--source", "native", "--sample", f"spend={sample}", home=home)


def test_a_sample_warns_of_spend_in_the_words_of_the_run(home: Home, tmp_path: Path) -> None:
    lines = [f"{DAY},facebok,1,", f"{DAY},display,1,USD"]
    land(home, "spend", [spent("1", channel="facebok"), spent("1", currency="USD")], "spend")
    warned = run_selected(home, "core").failed_checks
    shown = checked_sample(tmp_path, *lines, home=home)
    for check in ("spend_channels_are_known", "spend_rates_are_known"):
        assert f"warning: {warned[check].describe()}" in shown.stderr
    home.fx_file.write_text(f"dt,currency,rate\n{DAY},USD,7.1\n", encoding="utf-8")
    assert "spend_rates_are_known" not in checked_sample(tmp_path, *lines, home=home).stderr
    assert "core.spend" not in checked_sample(tmp_path, f"{DAY},display,1,", home=home).stderr


def test_a_sample_says_what_a_good_value_is(tmp_path: Path) -> None:
    shown = checked_sample(tmp_path, f"{DAY},display,12 EUR,", "02.03.2026,display,1,").stdout
    assert "bad cost: expected an amount such as 12.50" in shown
    assert "bad dt: expected a day such as 2026-11-20" in shown
