"""The products: matrices, assortment, products that cannot be placed.

Here: their order in the report, and the text if a table is missing.
Not here: the sections (``matrices``, ``assortment``, ``unplaced_products``).
"""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.blocks import Block, Text
from dashboards.locale import Locale
from dashboards.sections.assortment import assortment
from dashboards.sections.definitions import Definition, definitions, titles_of
from dashboards.sections.matrices import matrices
from dashboards.sections.reading import Reading, no_products
from dashboards.sections.unplaced_products import unplaced_products
from dashboards.sections.windows import Window, matrix_windows

TABLES = ("products.quadrants", "products.quadrant_migration", "products.portfolio_health")


def products(locale: Locale, reading: Reading) -> list[Block]:
    """The blocks on products: matrices, assortment and unplaced products, each with a note if its data is missing."""
    defined = definitions(locale, reading)
    windows = matrix_windows(reading) if reading.has(TABLES[0]) else {}
    missing = why_no_matrix(locale, reading, windows, defined)
    return [
        *([missing] if missing else matrices(locale, reading, windows, defined)),
        Text(locale.text("assortment.title"), "heading"),
        assortment(locale, reading),
        Text(locale.text("unplaced_products.title"), "heading"),
        unplaced_products(locale, reading, windows, titles_of(defined)),
    ]


def why_no_matrix(
    locale: Locale, reading: Reading, windows: Mapping[str, Window], defined: Mapping[str, Definition]
) -> Text | None:
    """The reason why there is no matrix; None if there is one."""
    absent = [name for name in TABLES if not reading.exists(name)]
    if absent:
        return Text(locale.text("missing.tables", tables=", ".join(absent)), "missing", "headwater docs")
    if not reading.has(TABLES[0]):
        return Text(locale.text("missing.matrices", day=reading.day), "missing", "headwater run")
    if not defined:
        return Text(locale.text("empty.matrices"), "missing", "headwater init")
    if not windows:
        return no_products(locale, reading.day)
    return None
