"""Whether a page is made for a PDF or a PNG, in which nobody can scroll.

Here: how the server's own browser marks its requests.
Not here: making these files (``dashboards.app.page_files``).
"""

from __future__ import annotations

from typing import Any

import flask

_KEY = "headwater.paper"
FOR_PAPER: dict[str, Any] = {_KEY: True}
"""The WSGI environment that marks a request of the server's own browser; requests over the network cannot set it."""


def is_for_paper() -> bool:
    """Whether the current request comes from the server's own browser."""
    return flask.has_request_context() and _KEY in flask.request.environ
