"""Pictures of the shop's pages and of the contents that its slots show.

Here: serving them, their URLs. Only pictures that ``config/pages.yaml`` or ``config/contents.csv`` names are served.
Not here: reading these files (``pipelines.config_tables``), who may see them (``dashboards.access.guard``).
"""

from __future__ import annotations

import contextlib
from urllib.parse import quote

import flask

from pipelines.config_tables import contents_of, pages_of
from pipelines.config_tables.pictures import picture_path
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home

_PATH = "/pictures/"


def picture_url(name: str) -> str:
    """The URL of the picture *name*, a path relative to the config folder."""
    return _PATH + quote(name)


def add_pictures(server: flask.Flask, home: Home) -> None:
    """Serve ``/pictures/<name>``; the browser may keep a picture, but asks each time whether it has changed."""

    @server.get(f"{_PATH}<path:name>")
    def picture(name: str) -> flask.Response:
        if name not in _named(home):
            flask.abort(404)
        try:
            return flask.send_file(picture_path(home.config, name), mimetype="image/png", conditional=True)
        except (OSError, ValueError):  # the file was removed or replaced meanwhile
            flask.abort(404)


def _named(home: Home) -> set[str]:
    """The pictures that the home's files name; an invalid file is skipped."""
    named: set[str] = set()
    with contextlib.suppress(HeadwaterError):
        named |= {page.picture for page in pages_of(home).values()}
    with contextlib.suppress(HeadwaterError):
        named |= {content.picture for content in contents_of(home).values()}
    return named - {""}
