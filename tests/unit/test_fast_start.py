"""What makes pages start fast: the first requests, the scripts, what browsers keep."""

from __future__ import annotations

import re

import flask.testing
import polars as pl
import pytest

from dashboards.app.marts import CACHED_BYTES, Copy
from dashboards.app.plotly_script import COMPILE_HINT, PLOTLY_URL
from dashboards.app.server import create_app
from pipelines.home.folder import init_home


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> flask.testing.FlaskClient:
    return create_app(init_home(tmp_path_factory.mktemp("start") / "home")[0]).server.test_client()


def scripts(client: flask.testing.FlaskClient) -> list[str]:
    return re.findall(r'<script[^>]* (?:src|data-grids)="([^"]+)"', client.get("/").get_data(as_text=True))


def test_the_page_is_asked_for_before_scripts_and_styles(client):
    html = client.get("/products?lang=en").get_data(as_text=True)
    first = html.index("window.fetch = ")
    assert 'src="/_dash-component-suites/dash_ag_grid' not in html, "it is loaded before the first grid"
    assert first < html.index("<link") < html.index(" src=")


def test_libraries_are_compiled_at_once_except_ag_grid(client):
    hinted = {
        path.split("/")[-1].split(".v")[0]: client.get(path).data.startswith(COMPILE_HINT) for path in scripts(client)
    }
    names = ["react-dom@18", "dash_renderer", "dash_html_components", "dash_core_components", "dash_mantine_components"]
    assert all(hinted[name] for name in names)
    assert client.get(PLOTLY_URL).data.startswith(COMPILE_HINT)
    assert not hinted["dash_ag_grid"]
    assert not any("polyfill" in name for name in hinted)


def test_browsers_keep_what_has_its_version_in_its_url(client):
    kept = {path: client.get(path).cache_control.max_age for path in scripts(client)}
    assert PLOTLY_URL in kept
    assert min(age or 0 for age in kept.values()) >= 365 * 86_400
    assert not client.get("/assets/mark.svg").cache_control.max_age
    assert client.get("/assets/none.js?m=1").status_code == 404


# What is computed is cached ----------------------------------------------------------------------------


def test_a_frame_is_computed_once_unless_it_is_too_large(shop: Copy):
    calls: list[int] = []

    def compute(rows: int) -> pl.DataFrame:
        calls.append(rows)
        return pl.DataFrame({"n": pl.zeros(rows, pl.Int64, eager=True)})

    for rows in (3, 3, 4, CACHED_BYTES // 8, CACHED_BYTES // 8):
        assert len(shop.computed(("test", rows), lambda rows=rows: compute(rows))) == rows
    assert calls == [3, 4, CACHED_BYTES // 8, CACHED_BYTES // 8]
