"""What makes the app start fast in a browser that opens one of its pages.

Here: the first requests, which scripts are excluded, how scripts are compiled and cached.
Not here: the script that draws charts (``dashboards.app.plotly_script``).
"""

from __future__ import annotations

import re
from pathlib import Path

import dash
import flask

from dashboards.app.plotly_script import COMPILE_HINT

_FIRST_REQUESTS = Path(__file__).with_name("first_requests.js")
_POLYFILL = re.compile(r"<script[^>]*/deps/polyfill@[^>]*></script>")
_GRIDS = re.compile(r'<script src="([^"]*/dash_ag_grid/[^"]*)"></script>')
_LIBRARIES = "/_dash-component-suites/"
_HINTED = ("react-dom@", "dash_renderer.", "dash_core_components.", "dash_html_components.", "dash_mantine_components.")
"""Prefixes of the names of scripts; every page calls almost all functions of these."""


class FastDash(dash.Dash):
    """The app. Its HTML requests the page's data first, and leaves out Dash's polyfill for old browsers.

    Mantine does not support those browsers anyway, and the polyfill replaces ``parseInt`` and ``trim``, which Plotly
    calls often, by slower functions. Without the polyfill our pages cannot use components that Dash loads on first use,
    such as ``dcc.Graph`` and ``dcc.Dropdown``. The script of grids is the largest of Dash's, and most pages have no
    grid when they open, so ``first_requests.js`` loads it when a grid comes.
    """

    def interpolate_index(self, **parts: str) -> str:  # type: ignore[override]  # Dash names all parts
        """The HTML of every page."""
        parts["scripts"] = _POLYFILL.sub("", parts["scripts"])
        grids = _GRIDS.search(parts["scripts"])
        assert grids, "Dash lists the script of each library that is imported"
        parts["scripts"] = parts["scripts"].replace(grids[0], "")
        parts["metas"] += f'<script data-grids="{grids[1]}">{_FIRST_REQUESTS.read_text(encoding="utf-8")}</script>'
        return str(super().interpolate_index(**parts))  # type: ignore[no-untyped-call]


def with_compile_hint(response: flask.Response) -> flask.Response:
    """Tell Chromium to compile all functions of a library in another thread, while it loads the library."""
    path = flask.request.path
    if path.startswith(_LIBRARIES) and path.rpartition("/")[2].startswith(_HINTED) and response.status_code == 200:
        response.data = COMPILE_HINT + response.data
    return response


def kept_by_browsers(response: flask.Response) -> flask.Response:
    """Let browsers keep an asset whose URL has the time of its last change."""
    if flask.request.path.startswith("/assets/") and "m" in flask.request.args:
        response.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    return response
