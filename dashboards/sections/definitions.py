"""The definition of a matrix: its name, quadrants and metrics.

Here: the product matrices of config/matrices.yaml.
Not here: the products in them (``dashboards.sections.matrices``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from dashboards.figures.points import Matrix
from dashboards.figures.tables import ENTERED, LEFT
from dashboards.locale import Locale
from dashboards.queries import query
from dashboards.sections.reading import Reading

_HEX = re.compile(r"#[0-9A-Fa-f]{6}")


@dataclass(frozen=True)
class Definition:
    """A matrix of config/matrices.yaml.

    Attributes:
        key: Its id.
        title: Its name.
        cells: A row for each quadrant, the upper right one first: code, key, advice_zh, advice_en, color.
        matrix: Its metrics and the names of its quadrants.
    """

    key: str
    title: str
    cells: pl.DataFrame
    matrix: Matrix


def definitions(locale: Locale, reading: Reading) -> dict[str, Definition]:
    """The matrices of products by id, in their configured order."""
    found = reading.frame(query("products.matrices"))
    cells = reading.frame(query("products.cells"))
    axes = reading.frame(query("products.axes"))
    made = {}
    for row in found.iter_rows(named=True):
        key = row["matrix_id"]
        own = cells.filter(pl.col("matrix_id") == key)
        made[key] = Definition(key, row[f"name_{locale.language}"], own, matrix_of(key, own, axes, _names(locale, own)))
    return made


def titles_of(defined: Mapping[str, Definition]) -> dict[str, str]:
    """Id of a matrix → its name."""
    return {key: definition.title for key, definition in defined.items()}


def _names(locale: Locale, cells: pl.DataFrame) -> dict[str, str]:
    names = {row["key"]: row[f"name_{locale.language}"] or row["key"] for row in cells.iter_rows(named=True)}
    return names | {key: locale.text(f"quadrant.{key.strip('()')}") for key in ("unknown", ENTERED, LEFT)}


def matrix_of(matrix_id: str, cells: pl.DataFrame, axes: pl.DataFrame, names: Mapping[str, str]) -> Matrix:
    """The names and metrics of a matrix, from config.cells and config.axes."""
    found = {row["axis"]: row for row in axes.filter(pl.col("matrix_id") == matrix_id).iter_rows(named=True)}
    x, y = found.get("x", {}), found.get("y", {})
    return Matrix(
        str(x.get("metric", "x")),
        str(y.get("metric", "y")),
        {row["code"]: names[row["key"]] for row in cells.iter_rows(named=True)},
        names,
        {row["code"]: row["color"] for row in cells.iter_rows(named=True) if _HEX.fullmatch(row["color"] or "")},
        bool(x.get("is_low_high")),
        bool(y.get("is_low_high")),
    )
