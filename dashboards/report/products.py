"""Section of the products: matrices, assortment, what cannot be judged.

Here: their order, and what is said where a table is not there.
Not here: the parts (``matrices``, ``assortment``, ``unjudged``).
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.figures.look import Look
from dashboards.report.assortment import assortment
from dashboards.report.html import Html, joined, message, tag
from dashboards.report.matrices import matrices
from dashboards.report.page import Page
from dashboards.report.queries import Reader
from dashboards.report.unjudged import unjudged
from dashboards.report.windows import Window, matrix_windows

TABLES = ("products.quadrants", "products.quadrant_migration", "products.portfolio_health")


def products(page: Page, reader: Reader) -> Html:
    """Everything on products that is there for the day."""
    look = page.look
    titles = {
        row["matrix_id"]: row[f"name_{look.language}"]
        for row in reader.frame("SELECT * FROM config.matrices ORDER BY position").iter_rows(named=True)
    }
    windows = matrix_windows(reader) if reader.has(TABLES[0]) else {}
    return joined(
        [
            _missing(look, reader, windows, titles) or matrices(page, reader, windows, titles),
            tag("h4", look.text("assortment.title")),
            assortment(page, reader),
            tag("h4", look.text("unjudged.title")),
            unjudged(look, reader, windows, titles),
        ]
    )


def _missing(look: Look, reader: Reader, windows: Mapping[str, Window], titles: Mapping[str, str]) -> Html | None:
    """Why there is no matrix; None where there is one."""
    day = reader.day
    absent = [name for name in TABLES if not reader.exists(name)]
    if absent:
        return message(look.text("missing.tables", tables=", ".join(absent)), "headwater docs")
    if not reader.has(TABLES[0]):
        return message(look.text("missing.matrices", day=day), "headwater run")
    if not titles:
        return message(look.text("empty.matrices"), "headwater init")
    if not windows:
        return message(look.text("empty.products", day=day), f"headwater run --from {day} --to {day} --force")
    return None
