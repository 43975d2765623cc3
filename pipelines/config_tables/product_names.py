"""``config/product_names.csv``: names of products, categories and brands in the dashboards' languages.

Here: validating rows.
Not here: showing the names (``dashboards.app.marts``, ``dashboards.report.queries``). No model reads this file, so it
never stops a run.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pipelines.config_tables.csv_file import read_rows
from pipelines.home.errors import HeadwaterError

PRODUCT_NAME_COLUMNS = ("text", "name_zh", "name_en")


def load_product_names(path: Path) -> dict[str, dict[str, str]]:
    """Language → text in the landed products → name in that language; empty if there is no file.

    Raises:
        HeadwaterError: a row is wrong, or two rows have the same text. The error names the file and the row.
    """
    names: dict[str, dict[str, str]] = {"zh": {}, "en": {}}
    if not path.exists():
        return names
    rows: dict[str, int] = {}
    for number, cell in read_rows(path, PRODUCT_NAME_COLUMNS, (), _row):
        text = cell["text"]
        if text in rows:
            raise HeadwaterError(
                f"row {rows[text]} already has the text {text}",
                where=f"{path}, row {number}",
                remedy="remove one of the two rows",
            )
        rows[text] = number
        for language, known in names.items():
            if name := cell[f"name_{language}"]:
                known[text] = name
    return names


def _row(cell: Mapping[str, str]) -> Mapping[str, str]:
    if not cell["text"]:
        raise ValueError("text is empty; expected a product's name, category or brand as in the landed products")
    if not (cell["name_zh"] or cell["name_en"]):
        raise ValueError("name_zh and name_en are empty; fill in at least one of them")
    return cell
