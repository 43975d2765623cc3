"""``config/pages.yaml``: what the shop's pages look like, for the slot map of the dashboards.

Here: validating the file, and computing the rectangle of each slot on its page's picture.
Not here: drawing the map (``dashboards.app.page_map``). No model reads this file, so it never stops a run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.config_tables.names import require_distinct_names
from pipelines.config_tables.pictures import picture_size
from pipelines.home.errors import HeadwaterError
from pipelines.home.yaml_files import Whole, describe, read_yaml

NO_SLOT = 0
"""The slot of events that name a module but no slot, as in ``attribution.slot_daily``."""

_Name = Annotated[str, Field(min_length=1)]
_Position = Annotated[Whole, Field(ge=0)]
_Length = Annotated[Whole, Field(ge=1)]
_Cells = Annotated[Whole, Field(ge=1, le=100)]
_RECTANGLE = ("x", "y", "width", "height")


@dataclass(frozen=True)
class Area:
    """A rectangle in pixels of a picture; *x* and *y* are its left and upper edge."""

    x: int
    y: int
    width: int
    height: int

    def holds(self, other: Area) -> bool:
        """Whether *other* lies inside this rectangle."""
        return (
            self.x <= other.x
            and self.y <= other.y
            and other.x + other.width <= self.x + self.width
            and other.y + other.height <= self.y + self.height
        )

    def overlaps(self, other: Area) -> bool:
        """Whether the two rectangles have a pixel in common."""
        return (
            self.x < other.x + other.width
            and other.x < self.x + self.width
            and self.y < other.y + other.height
            and other.y < self.y + self.height
        )

    def __str__(self) -> str:
        return f"{{x: {self.x}, y: {self.y}, width: {self.width}, height: {self.height}}}"


@dataclass(frozen=True)
class PageModule:
    """A module of a page.

    Attributes:
        module: Its code in the events.
        name_zh, name_en: Its names; '': the dashboards' own name for this code.
        columns: The number of slots in a line, if the module is drawn as a wireframe; None: as many as fit.
        areas: Slot → its rectangle on the page's picture; empty: the module is drawn as a wireframe.
    """

    module: str
    name_zh: str
    name_en: str
    columns: int | None
    areas: Mapping[int, Area]

    def name(self, language: str) -> str:
        """The name in *language*, zh or en; '' for the dashboards' own name."""
        return self.name_zh if language == "zh" else self.name_en


@dataclass(frozen=True)
class ShopPage:
    """A page.

    Attributes:
        page_type: Its page type in the events.
        name_zh, name_en: Its names.
        picture: Its picture, a path relative to the config folder; '': none.
        width, height: The size of the picture in pixels; 0 without a picture.
        modules: Its modules, in the order of the file.
    """

    page_type: str
    name_zh: str
    name_en: str
    picture: str
    width: int
    height: int
    modules: tuple[PageModule, ...]

    def name(self, language: str) -> str:
        """The name in *language*, zh or en."""
        return self.name_zh if language == "zh" else self.name_en


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Area(_Strict):
    x: _Position
    y: _Position
    width: _Length
    height: _Length

    def area(self) -> Area:
        """The rectangle."""
        return Area(self.x, self.y, self.width, self.height)


class _Module(_Strict):
    name_zh: str = ""
    name_en: str = ""
    x: _Position | None = None
    y: _Position | None = None
    width: _Length | None = None
    height: _Length | None = None
    columns: _Cells | None = None
    rows: _Cells | None = None
    slots: dict[_Position, _Area] = {}

    def area(self) -> Area | None:
        """The module's own rectangle; None if it has none.

        Raises:
            ValueError: a part of the rectangle is missing.
        """
        given = {key: value for key in _RECTANGLE if (value := getattr(self, key)) is not None}
        if given and len(given) < len(_RECTANGLE):
            missing = ", ".join(key for key in _RECTANGLE if key not in given)
            raise ValueError(f"has {', '.join(given)} but no {missing}; a rectangle needs all four")
        return Area(**given) if given else None


class _Page(_Strict):
    name_zh: _Name
    name_en: _Name
    picture: _Name | None = None
    modules: dict[_Name, _Module] = {}


class _File(_Strict):
    pages: dict[_Name, _Page]


def load_pages(path: Path) -> dict[str, ShopPage]:
    """page_type → page, from *path*, in the order of the file.

    Raises:
        HeadwaterError: an unknown or missing key, a wrong value, two pages with the same name, a picture that is
            missing or not a PNG, a rectangle that is incomplete or not on the picture, or rectangles that overlap.
            The error names the file and the key, page or module.
    """
    content = read_yaml(path)
    try:
        file = _File.model_validate({} if content is None else content)
    except ValidationError as error:
        raise HeadwaterError(
            describe(error, _File),
            where=path,
            remedy="docs/user-guide.md explains it under 'The slot map'; without the file, the shipped one applies",
        ) from error
    require_distinct_names(path, "page", file.pages)
    return {page_type: _page(path, page_type, page) for page_type, page in file.pages.items()}


def _page(path: Path, page_type: str, page: _Page) -> ShopPage:
    where = f"{path}, page '{page_type}'"
    try:
        width, height = picture_size(path.parent, page.picture) if page.picture else (0, 0)
    except ValueError as error:
        raise HeadwaterError(str(error), where=where) from error
    picture = Area(0, 0, width, height) if page.picture else None
    modules = []
    for module, found in page.modules.items():
        try:
            areas = _areas(found, picture)
        except ValueError as error:
            raise HeadwaterError(str(error), where=f"{where}, module '{module}'") from error
        columns = None if areas else found.columns
        modules.append(PageModule(module, found.name_zh, found.name_en, columns, areas))
    _validate_overlaps(where, modules)
    return ShopPage(page_type, page.name_zh, page.name_en, page.picture or "", width, height, tuple(modules))


def _areas(module: _Module, picture: Area | None) -> dict[int, Area]:
    """Slot → its rectangle on *picture* (None for a page without one); a ValueError says what is wrong."""
    own = module.area()
    if module.slots and (module.columns or module.rows):
        raise ValueError("has both 'slots' and a grid; keep 'slots', or 'columns' and 'rows'")
    if module.rows and not (module.columns and own):
        raise ValueError("has 'rows' but no 'columns' or no rectangle; a grid on the picture needs all of them")
    if (own or module.slots) and picture is None:
        raise ValueError("has a rectangle, but its page has no 'picture'; add one, or remove the rectangle")
    if picture is None:
        return {}
    if own and not picture.holds(own):
        raise ValueError(f"{own} is not on the picture, which is {picture.width} wide and {picture.height} high")
    for slot, found in module.slots.items():
        outer = own or picture
        if not outer.holds(found.area()):
            what = "in the module's rectangle" if own else "on the picture"
            raise ValueError(f"slot {slot}: {found.area()} is not {what}, {outer}")
    if module.slots:
        return {slot: found.area() for slot, found in module.slots.items()}
    if own is None:
        return {}
    return dict(_grid(own, module.columns, module.rows or 1)) if module.columns else {NO_SLOT: own}


def _grid(area: Area, columns: int, rows: int) -> Iterator[tuple[int, Area]]:
    """The slots of a grid, numbered from 1 along each row."""
    for number in range(columns * rows):
        row, column = divmod(number, columns)
        left, right = (area.x + area.width * edge // columns for edge in (column, column + 1))
        top, bottom = (area.y + area.height * edge // rows for edge in (row, row + 1))
        yield number + 1, Area(left, top, right - left, bottom - top)


def _validate_overlaps(where: str, modules: list[PageModule]) -> None:
    """Raise an error if two slots overlap: their numbers would cover each other on the map."""
    places = [(module.module, slot, area) for module in modules for slot, area in module.areas.items()]
    for (module, slot, area), (other, number, there) in combinations(places, 2):
        if area.overlaps(there):
            raise HeadwaterError(
                f"slot {number} of module '{other}', {there}, overlaps slot {slot} of module '{module}', {area}",
                where=where,
                remedy="change one of the two rectangles",
            )
