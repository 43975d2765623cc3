"""config/product_names.csv: errors name the row; pages, search and filters show the names of the page's language."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from dashboards.report.queries import named
from pipelines.config_tables.product_names import load_product_names
from pipelines.home.errors import HeadwaterError


def names_file(folder: Path, rows: str) -> Path:
    path = folder / "product_names.csv"
    path.write_text(f"text,name_zh,name_en\n{rows}\n", encoding="utf-8")
    return path


def test_a_language_has_the_names_filled_in(tmp_path: Path) -> None:
    names = load_product_names(names_file(tmp_path, "女装,,Women's wear\nWok 28,炒锅 28,"))
    assert names == {"zh": {"Wok 28": "炒锅 28"}, "en": {"女装": "Women's wear"}}
    assert load_product_names(tmp_path / "none.csv") == {"zh": {}, "en": {}}


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        (",a,b", "row 2: text is empty"),
        ("x,,", "row 2: name_zh and name_en are empty"),
        ("x,a,b\nx,a,c", "row 3: row 2 already has the text x"),
    ],
)
def test_a_wrong_row_is_refused(tmp_path: Path, rows: str, error: str) -> None:
    with pytest.raises(HeadwaterError, match=error):
        load_product_names(names_file(tmp_path, rows))


def test_only_columns_of_names_change() -> None:
    frame = pl.DataFrame(
        {"name": ["炒锅", "other"], "category": ["厨具", None], "key": ["炒锅", "厨具"], "brand": [1, 2]}
    )
    shown = named(frame, {"炒锅": "Wok", "厨具": "Kitchen"})
    assert shown.to_dicts() == [
        {"name": "Wok", "category": "Kitchen", "key": "炒锅", "brand": 1},
        {"name": "other", "category": None, "key": "厨具", "brand": 2},
    ]
