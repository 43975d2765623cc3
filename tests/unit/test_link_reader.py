"""Which requests the reader of a link may send, and which parts of a page such a reader gets."""

from __future__ import annotations

import json
from typing import Any

import flask
import pytest
from plotly.utils import PlotlyJSONEncoder
from werkzeug.test import EnvironBuilder

from dashboards.app.link_reader import PAGE_CALLBACK, for_reader, may_be_shared, shows, unlinked, view_of
from dashboards.app.marts import Copy
from dashboards.app.plotly_script import PLOTLY_URL
from dashboards.app.render import components
from dashboards.app.view import PAGES
from tests.app_pages import look_at

OWN = "/entrances?period=7&in.platform=ios"
DAYS = "from=2026-05-17&to=2026-05-20"
LINKABLE = [page for page in PAGES if page not in ("sql", "views", "alerts")]


def request(method: str, path: str, body: Any = None) -> flask.Request:
    return flask.Request(EnvironBuilder(path, method=method, json=body).get_environ())


def asked(address: Any, **changes: Any) -> flask.Request:
    """The request by which a browser asks for the page at *address*."""
    inputs = [{"id": "address", "property": "data", "value": address}]
    return request("POST", "/_dash-update-component", {"output": PAGE_CALLBACK, "inputs": inputs, **changes})


@pytest.mark.parametrize(
    "path",
    [
        OWN,
        "/entrances?in.platform=ios&period=7&lang=zh&theme=dark",
        "/_dash-layout",
        "/_dash-dependencies",
        "/_dash-component-suites/dash/deps/react.js",
        "/assets/app.css",
        PLOTLY_URL,
    ],
)
def test_a_link_opens_its_page_and_what_pages_need(path):
    assert shows(OWN, request("GET", path))


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/entrances",
        "/entrances?period=28&in.platform=ios",
        "/entrances?period=7",
        "/entrances?period=7&in.platform=ios&in.platform=web",
        "/entrances?period=7&in.platform=ios&from=2026-05-01&to=2026-05-02",
        "/entrances?period=7&in.platform=ios&entrance=search",
        "/entrances?period=7&in.platform=ios&compare=year",
        "/entrances?period=7&in.platform=ios&breakdown=channel",
        "/entrances?period=7&in.platform=ios&compare=nonsense",
        "/slots?period=7&in.platform=ios",
        "/sql",
        "/views",
        "/search?q=a",
        "/export/entrances.pdf?period=7&in.platform=ios",
        "/export/entrances/entrances.csv?period=7&in.platform=ios",
        "/plotly-0.0.0.min.js",
        "/_reload-hash",
        "/editor/loader.js",
    ],
)
def test_a_link_opens_no_other_address(path):
    assert not shows(OWN, request("GET", path))


def test_a_link_answers_only_the_callback_of_its_page():
    query = "?period=7&in.platform=ios"
    assert shows(OWN, asked(f"/entrances{query}"))
    assert shows("/", asked("/"))
    refused = [
        asked("/entrances?period=28&in.platform=ios"),
        asked(f"/sql{query}"),
        asked([f"/entrances{query}"]),
        asked(None),
        asked(OWN, output="badge.children"),
        asked(OWN, output="sql-done.data"),
        asked(OWN, state=[{"id": "sql-text", "property": "value", "value": "SELECT 1"}]),
        asked(OWN, inputs=[{"id": "address", "property": "id", "value": OWN}]),
        asked(OWN, inputs=[{"id": "address", "property": "data", "value": OWN}] * 2),
        asked(OWN, inputs="all"),
        request("POST", "/_dash-update-component", []),
        request("POST", OWN),
        request("POST", "/links/new", {}),
        request("POST", "/edit/targets", {}),
        request("DELETE", OWN),
    ]
    assert [one for one in refused if shows(OWN, one)] == []


@pytest.mark.parametrize(
    "address",
    [
        "/sql?q=SELECT+1",
        "/views",
        "/alerts",
        "/search?q=u1",
        "/nothing",
        "/customers?user=u1",
        "/customers?segment=champions",
        "/customers?move=segment:a~b",
        "/paths?find=o1",
    ],
)
def test_pages_about_persons_cannot_be_shared(address):
    assert view_of(address) is None
    assert not shows(address, request("GET", address))


def everything(part: Any) -> str:
    """Everything that the browser gets for a page, as JSON; folded tables are JSON within it."""
    return json.dumps(part, cls=PlotlyJSONEncoder, ensure_ascii=False).replace("\\", "")


@pytest.mark.parametrize("page", LINKABLE)
def test_a_shared_page_leads_nowhere_and_names_nobody(shop: Copy, page: str) -> None:
    context, blocks = look_at(shop, f"{page}?{DAYS}&lang=en", "viewer")
    assert may_be_shared(context.view)
    full = everything(components(context, blocks))
    shared = everything(unlinked(components(context, for_reader(blocks))))
    for mark in ('href": "/', '_href"', "/export/", "HeadwaterHead", '"Select"', "<form", '"type": "Form"'):
        assert mark not in shared, mark
    persons = shop.rows("SELECT DISTINCT user_id AS person FROM core.orders UNION SELECT device_id FROM core.events")
    assert len(persons) > 100
    assert [row["person"] for row in persons if row["person"] and row["person"] in shared] == []
    # The shop has no targets and no A/B tests, so two pages have no table to export.
    assert "/export/" in full or page in ("plan", "experiments")


def test_a_shared_page_keeps_its_figures(shop: Copy) -> None:
    context, blocks = look_at(shop, f"entrances?{DAYS}&lang=en", "viewer")
    shared = everything(unlinked(components(context, for_reader(blocks))))
    total = context.one("SELECT sum(revenue) AS revenue FROM core.order_lines WHERE dt BETWEEN $first AND $last")
    assert f"¥{total['revenue']:,.2f}" in shared
    assert "Matched by: All match types" in shared
