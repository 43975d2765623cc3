"""The customers' page: groups, lists, the details of one customer, and which roles may see user ids."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dashboards.app.export import csv_of
from dashboards.app.marts import Copy
from dashboards.blocks import title
from tests.app_pages import choice, look_at, table, texts, values

DAY = "2026-05-20"


def members(shop: Copy, condition: str) -> list[dict[str, Any]]:
    return shop.rows(f"SELECT * FROM customers.rfm WHERE dt = '{DAY}' AND {condition} ORDER BY monetary DESC, user_id")


def a_segment(shop: Copy) -> str:
    return str(members(shop, "true")[0]["segment"])


@pytest.mark.parametrize("kind", ["octant", "segment"])
def test_the_groups_hold_every_customer_once(shop: Copy, kind: str) -> None:
    _, blocks = look_at(shop, f"customers?to={DAY}")
    shown = table(blocks, f"{kind}s")
    assert sum(values(shown, "customers")) == len(members(shop, "true"))
    assert [
        row["key"] for row in shown.rows if row["customers"] != len(members(shop, f"{kind} = '{row['key']}'"))
    ] == []


def test_a_segment_is_listed(shop: Copy) -> None:
    segment = a_segment(shop)
    _, blocks = look_at(shop, f"customers?to={DAY}&segment={segment}")
    expected = members(shop, f"segment = '{segment}'")
    shown = table(blocks, "customers")
    assert values(shown, "user_id") == [row["user_id"] for row in expected]
    assert values(shown, "monetary") == [row["monetary"] for row in expected]
    assert choice(blocks, "segment").value == segment


def test_an_octant_leads_to_its_list(shop: Copy) -> None:
    _, blocks = look_at(shop, f"customers?to={DAY}")
    octants = table(blocks, "octants")
    href = octants.columns[0].href
    assert href is not None
    row = octants.rows[0]
    _, there = look_at(shop, str(href(row)).lstrip("/"))
    assert len(table(there, "customers").rows) == row["customers"]
    assert choice(there, "segment").value == f"octant:{row['key']}"


def test_nobody_is_listed_without_a_choice(shop: Copy) -> None:
    _, blocks = look_at(shop, f"customers?to={DAY}")
    assert choice(blocks, "segment").value == choice(blocks, "segment").default
    with pytest.raises(AssertionError):
        table(blocks, "customers")


def test_viewers_read_no_ids_and_still_find_a_customer(shop: Copy) -> None:
    segment = a_segment(shop)
    users = {row["user_id"] for row in members(shop, "true")}
    _, blocks = look_at(shop, f"customers?to={DAY}&segment={segment}", "viewer")
    shown = table(blocks, "customers")
    ids = values(shown, "user_id")
    assert all(re.fullmatch("[0-9a-f]{12}", shown_id) for shown_id in ids)
    assert len(set(ids)) == len(ids)
    assert not any(user in csv_of(shown).decode() for user in users)
    href = shown.columns[0].href
    assert href is not None
    _, there = look_at(shop, str(href(shown.rows[0])).lstrip("/"), "viewer")
    assert title(there) == f"Customer {ids[0]}"
    best = members(shop, f"segment = '{segment}'")[0]
    assert len(table(there, "orders").rows) == len(orders(shop, best["user_id"]))


def test_viewers_find_nobody_by_the_id(shop: Copy) -> None:
    user = members(shop, "true")[0]["user_id"]
    _, blocks = look_at(shop, f"customers?to={DAY}&user={user}", "viewer")
    assert texts(blocks, "missing")


def orders(shop: Copy, user: str) -> list[dict[str, Any]]:
    return shop.rows(f"SELECT * FROM core.orders WHERE user_id = '{user}' AND dt <= '{DAY}'")


def test_one_customer_has_their_orders_and_scores(shop: Copy) -> None:
    best = members(shop, "true")[0]
    context, blocks = look_at(shop, f"customers?to={DAY}&user={best['user_id']}")
    shown = table(blocks, "orders")
    assert set(values(shown, "order_id")) == {row["order_id"] for row in orders(shop, best["user_id"])}
    paid = sum(value or 0 for value in values(shown, "net_revenue"))
    assert paid == pytest.approx(best["net_revenue"])
    cards = next(block for block in blocks if type(block).__name__ == "Cards").cards  # type: ignore[union-attr]
    assert context.locale.numbers.full_money(best["monetary"]) in {card.full for card in cards}


@pytest.mark.parametrize("query", ["segment=nothing", "segment=octant:nothing", "user=nothing"])
def test_what_is_unknown_is_said_to_be(shop: Copy, query: str) -> None:
    _, blocks = look_at(shop, f"customers?to={DAY}&{query}")
    assert "nothing" in texts(blocks, "missing")[0].text


def test_days_without_a_snapshot_show_the_nearest_before(shop: Copy) -> None:
    _, blocks = look_at(shop, "customers?from=2026-06-01&to=2026-06-07")
    assert "2026-05-20" in texts(blocks, "warning")[0].text
    assert sum(values(table(blocks, "segments"), "customers")) == len(members(shop, "true"))


def test_without_a_snapshot_before_it_is_said_how_to_get_one(shop: Copy) -> None:
    _, blocks = look_at(shop, "customers?from=2026-05-17&to=2026-05-18")
    assert texts(blocks, "missing")[0].remedy == "headwater run"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_is_there_in_both_languages(shop: Copy, language: str) -> None:
    context, _ = look_at(shop, f"customers?to={DAY}&lang={language}&theme=dark")
    assert context.locale.language == language


REACH = ("last_seen_on", "last_platform", "last_channel", "last_entrance", "name", "category")


def test_a_list_says_why_and_how_to_reach(shop: Copy) -> None:
    _, blocks = look_at(shop, f"customers?to={DAY}&segment=all:&lang=en", "analyst")
    shown = table(blocks, "customers")
    assert values(shown, "user_id") == [row["user_id"] for row in members(shop, "true")]
    assert {*REACH, "reason"} <= {column.field for column in shown.columns}
    first = shown.rows[0]
    expected = members(shop, "true")[0]
    scores = f"R{expected['r_score']} F{expected['f_score']} M{expected['m_score']}"
    assert f"; {scores}; last order " in first["reason"]
    assert f", {expected['orders']} orders, net ¥" in first["reason"]
    for row in shown.rows:
        lines = shop.rows(
            f"""SELECT coalesce(names.name, lines.product_id) AS name, lines.paid_at, lines.revenue
            FROM core.order_lines AS lines LEFT JOIN products.names AS names ON names.product_id = lines.product_id
            WHERE user_id = '{row["user_id"]}' ORDER BY paid_at DESC, revenue DESC"""
        )
        assert row["name"] in {line["name"] for line in lines if line["paid_at"] == lines[0]["paid_at"]}
        seen = shop.one(f"SELECT max(dt) AS day FROM core.visitors WHERE person_id = '{row['user_id']}'")
        assert row["last_seen_on"] == seen["day"]
    assert b"last order" in csv_of(shown)


def test_viewers_lists_neither_explain_nor_reach(shop: Copy) -> None:
    _, blocks = look_at(shop, f"customers?to={DAY}&segment=all:", "viewer")
    shown = table(blocks, "customers")
    assert not {*REACH, "reason"} & {column.field for column in shown.columns}
    ids = {row["user_id"] for row in members(shop, "true")}
    assert not ids & {*values(shown, "user_id")}
    assert [one for one in ids if one.encode() in csv_of(shown)] == []


@pytest.mark.parametrize("move", ["octant:a~b", "nonsense", "segment:(new)~(left)", "city:a~b", "octant:~"])
def test_a_move_that_nobody_made_is_said(shop: Copy, move: str) -> None:
    _, blocks = look_at(shop, f"customers?to={DAY}&move={move}")
    assert "No customer made this move" in texts(blocks, "missing")[0].text
