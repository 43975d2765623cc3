"""The editor's files: Monaco, the editor of VS Code, from the package ``rocher``.

Here: serving them.
Not here: the editor in the browser (``assets/sql_editor.js``), the words that it completes (``page``).
"""

from __future__ import annotations

from importlib.metadata import version

import flask
import rocher

PATH = f"/monaco/{version('rocher')}/vs"
"""The URL of Monaco's files. It has the version, so that a browser may keep the files."""

_KEPT_SECONDS = 365 * 24 * 3600


def add_editor(server: flask.Flask) -> None:
    """Serve Monaco's files."""

    @server.get(f"{PATH}/<path:name>")
    def monaco(name: str) -> flask.Response:
        return flask.send_from_directory(rocher.path(), name, max_age=_KEPT_SECONDS)
