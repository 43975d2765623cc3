"""``config/matrices.yaml``: matrices of products (two axes: quadrants) and of customers (three axes: octants).

Here: validating the file, and converting its axes and cells to rows. A cell is one combination of high and low; its
code has a digit for each axis, 1 = high. The customers' axes are a separate table, so that a change to a matrix of
products does not make the customer tables stale.
Not here: the syntax of thresholds (``pipelines.config_tables.thresholds``), computing thresholds and cells
(``sql/customers``, ``sql/products``).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from pipelines.config_tables.segments import OCTANTS
from pipelines.config_tables.thresholds import Threshold, read_threshold
from pipelines.home.errors import HeadwaterError
from pipelines.home.yaml_files import describe, read_yaml, shaped

MATRIX_COLUMNS = {"matrix_id": "VARCHAR", "position": "INTEGER", "name_zh": "VARCHAR", "name_en": "VARCHAR"}
AXIS_COLUMNS = {
    "matrix_id": "VARCHAR",
    "axis": "VARCHAR",
    "metric": "VARCHAR",
    "kind": "VARCHAR",
    "argument": "DOUBLE",
    "weight": "VARCHAR",
    "is_per_category": "BOOLEAN",
    "is_low_high": "BOOLEAN",
}
OCTANT_AXIS_COLUMNS = {
    "axis": "VARCHAR",
    "metric": "VARCHAR",
    "kind": "VARCHAR",
    "argument": "DOUBLE",
    "weight": "VARCHAR",
    "is_low_high": "BOOLEAN",
}
CELL_COLUMNS = {
    "matrix_id": "VARCHAR",
    "code": "VARCHAR",
    "key": "VARCHAR",
    "role": "VARCHAR",
    "color": "VARCHAR",
    "name_zh": "VARCHAR",
    "name_en": "VARCHAR",
    "advice_zh": "VARCHAR",
    "advice_en": "VARCHAR",
}

CUSTOMER_METRICS = ("recency_days", "frequency", "monetary")
PRODUCT_METRICS = (
    "exposures",
    "product_clicks",
    "views",
    "add_to_carts",
    "buyers",
    "orders",
    "order_lines",
    "units",
    "revenue",
    "refunded",
    "net_revenue",
    "cost",
    "margin",
    "margin_rate",
    "click_through_rate",
    "conversion_rate",
    "repurchase_rate",
    "growth_rate",
    "relative_share",
    "days_since_launch",
)
"""The columns of ``products.metrics`` that an axis may use."""

UNKNOWN = "unknown"
"""The quadrant of a product whose metric is null."""

_OCTANT_AXES = {"r": ("recency_days", "low"), "f": ("frequency", "high"), "m": ("monetary", "high")}
"""The metrics of the axes r, f and m, and which of their values count as high.

Both are fixed; users can choose only the thresholds.
"""

_KEY = shaped("[a-z][a-z0-9_]*", "lower-case letters, digits and underscores, beginning with a letter")


@dataclass(frozen=True)
class AxisRow:
    """An axis of a matrix.

    Attributes:
        kind: The kind of threshold.
        argument: The number of a ``percentile``, ``fixed`` or ``fair_share`` threshold; None for other kinds.
        weight: The metric by which a ``weighted_mean`` is weighted; None for other kinds.
        is_per_category: Whether each category has its own threshold.
        is_low_high: Whether values at or below the threshold, instead of those above it, count as high.
    """

    matrix_id: str
    axis: str
    metric: str
    kind: str
    argument: float | None
    weight: str | None
    is_per_category: bool
    is_low_high: bool


@dataclass(frozen=True)
class OctantAxisRow:
    """An axis of the customers' octants; see ``AxisRow``."""

    axis: str
    metric: str
    kind: str
    argument: float | None
    weight: str | None
    is_low_high: bool


@dataclass(frozen=True)
class CellRow:
    """A cell of a matrix: *code* has a digit for each axis, 1 = high.

    ``products.portfolio_health`` uses *role*, such as ``cash_cow``; None if the cell has no role.
    """

    matrix_id: str
    code: str
    key: str
    role: str | None
    color: str | None
    name_zh: str
    name_en: str
    advice_zh: str
    advice_en: str


@dataclass(frozen=True)
class MatrixRow:
    """A matrix of products; *position* is 1 for the first matrix of the file, 2 for the second, and so on."""

    matrix_id: str
    position: int
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class Matrices:
    """The content of ``config/matrices.yaml`` as rows of tables."""

    matrices: tuple[MatrixRow, ...]
    axes: tuple[AxisRow, ...]
    cells: tuple[CellRow, ...]
    octant_axes: tuple[OctantAxisRow, ...]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Axis(_Part):
    """A metric and its threshold."""

    metric: str
    threshold: Annotated[Threshold, BeforeValidator(read_threshold)]
    per: Literal["category"] | None = None
    high: Literal["high", "low"] = "high"


class _Octants(_Part):
    r: Axis
    f: Axis
    m: Axis


class _Customers(_Part):
    octants: _Octants


class Cell(_Part):
    """A quadrant: one combination of high and low on both axes."""

    key: Annotated[str, _KEY]
    role: Literal["star", "cash_cow", "question_mark", "dog"] | None = None
    color: Annotated[str, shaped("#[0-9A-Fa-f]{6}", 'a color such as "#117733", in quotes')]
    name_zh: str
    name_en: str
    advice_zh: str = ""
    advice_en: str = ""


class _Cells(_Part):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_by_alias=True)

    high_high: Cell = Field(alias="high-high")
    high_low: Cell = Field(alias="high-low")
    low_high: Cell = Field(alias="low-high")
    low_low: Cell = Field(alias="low-low")

    def by_code(self) -> dict[str, Cell]:
        return {"11": self.high_high, "10": self.high_low, "01": self.low_high, "00": self.low_low}

    @model_validator(mode="after")
    def _keys_differ(self) -> _Cells:
        keys = [cell.key for cell in self.by_code().values()]
        if len(set(keys)) < len(keys) or UNKNOWN in keys:
            raise ValueError(f"expected four different keys, none of them {UNKNOWN}, found {', '.join(keys)}")
        return self


class _ProductMatrix(_Part):
    name_zh: str
    name_en: str
    x: Axis
    y: Axis
    cells: _Cells


class _File(_Part):
    customers: _Customers
    products: dict[Annotated[str, _KEY], _ProductMatrix] = {}


def load_matrices(path: Path) -> Matrices:
    """The matrices in *path*.

    Raises:
        HeadwaterError: a key, metric or threshold is unknown or missing; with the file, the key and the closest name.
    """
    content = read_yaml(path)
    if content is not None and not isinstance(content, dict):
        raise HeadwaterError(f"expected keys such as 'customers:', found {content!r}", where=path)
    try:
        file = _File.model_validate(content or {})
    except ValidationError as error:
        raise HeadwaterError(describe(error, _File), where=path) from error
    axes: list[AxisRow] = []
    octant_axes: list[OctantAxisRow] = []
    for name, axis in _axes(file.customers.octants):
        _validate_octant_axis(path, f"customers.octants.{name}", axis)
        cut = axis.threshold
        octant_axes.append(OctantAxisRow(name, axis.metric, cut.kind, cut.argument, cut.weight, axis.high == "low"))
    cells: list[CellRow] = []
    matrices: list[MatrixRow] = []
    for position, (matrix_id, matrix) in enumerate(file.products.items(), start=1):
        if matrix_id == OCTANTS:
            raise HeadwaterError(
                f"'products.{OCTANTS}': this name is reserved for the customers' matrix",
                where=path,
                remedy="choose another",
            )
        matrices.append(MatrixRow(matrix_id, position, matrix.name_zh, matrix.name_en))
        for name, axis in _axes(matrix):
            _validate_metrics(path, f"products.{matrix_id}.{name}", axis, PRODUCT_METRICS)
            axes.append(_row(matrix_id, name, axis))
        cells += [CellRow(matrix_id, code, **cell.model_dump()) for code, cell in matrix.cells.by_code().items()]
    return Matrices(tuple(matrices), tuple(axes), tuple(cells), tuple(octant_axes))


def _axes(matrix: BaseModel) -> Iterator[tuple[str, Axis]]:
    for name in type(matrix).model_fields:
        value: Any = getattr(matrix, name)
        if isinstance(value, Axis):
            yield name, value


def _row(matrix_id: str, name: str, axis: Axis) -> AxisRow:
    threshold = axis.threshold
    return AxisRow(
        matrix_id,
        name,
        axis.metric,
        threshold.kind,
        threshold.argument,
        threshold.weight,
        axis.per == "category",
        axis.high == "low",
    )


def _validate_octant_axis(path: Path, place: str, axis: Axis) -> None:
    _validate_metrics(path, place, axis, CUSTOMER_METRICS)
    if axis.per:
        raise HeadwaterError(f"'{place}.per': customers have no category", where=path, remedy="remove the key")
    metric, high = _OCTANT_AXES[place.rsplit(".", 1)[1]]
    for key, found, expected in (("metric", axis.metric, metric), ("high", axis.high, high)):
        if found != expected:
            raise HeadwaterError(
                f"'{place}.{key}' is '{found}', expected '{expected}': the octants' r, f and m are recency "
                "(fewer days are high), frequency and money",
                where=path,
                remedy="change their thresholds",
            )


def _validate_metrics(path: Path, place: str, axis: Axis, known: Iterable[str]) -> None:
    names: Mapping[str, str | None] = {"metric": axis.metric, "threshold.weighted_mean": axis.threshold.weight}
    for key, name in names.items():
        if name is not None and name not in known:
            close = difflib.get_close_matches(name, list(known), n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
            raise HeadwaterError(f"'{place}.{key}' is '{name}', which is not a metric", where=path, remedy=hint)
