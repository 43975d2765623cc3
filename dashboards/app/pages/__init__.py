"""The pages: what each says of a look at it.

Here: which there are.
Not here: how they are shown (``dashboards.app.render``).
"""

from __future__ import annotations

from dashboards.app.context import Page
from dashboards.app.pages.overview import overview
from dashboards.app.sql.page import sql

PAGE_OF: dict[str, Page] = {
    "overview": overview,
    "sql": sql,
}
"""Name in the address → page."""
