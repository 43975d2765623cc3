"""The script that draws charts, plotly.js.

Here: its URL, serving it.
Not here: what the browser does with it (``assets/charts.js``).
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import flask
import plotly
from plotly.offline import get_plotlyjs_version

PLOTLY_URL = f"/plotly-{get_plotlyjs_version()}.min.js"
_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_YEAR = 365 * 86_400

COMPILE_HINT = b"//# allFunctionsCalledOnLoad\n"
"""First line of a script if pages call most of its functions.

It makes Chromium compile all functions in another thread while it loads the script, not when they are called.
"""


def add_plotly(server: flask.Flask) -> None:
    """Serve the script; the browser keeps it for a year, because the URL has its version."""

    @server.get(PLOTLY_URL)
    def plotly_script() -> flask.Response:
        response = flask.Response(_script(), mimetype="text/javascript")
        response.cache_control.max_age = _YEAR
        return response


@cache
def _script() -> bytes:
    return COMPILE_HINT + _FILE.read_bytes()
