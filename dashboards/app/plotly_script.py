"""The script that draws charts, plotly.js.

Here: its URL, serving it.
Not here: what the browser does with it (``assets/charts.js``).
"""

from __future__ import annotations

from pathlib import Path

import flask
import plotly
from plotly.offline import get_plotlyjs_version

PLOTLY_URL = f"/plotly-{get_plotlyjs_version()}.min.js"
_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
_YEAR = 365 * 86_400


def add_plotly(server: flask.Flask) -> None:
    """Serve the script; the browser keeps it for a year, because the URL has its version."""

    @server.get(PLOTLY_URL)
    def plotly_script() -> flask.Response:
        return flask.send_file(_FILE, mimetype="text/javascript", max_age=_YEAR)
