"""The tables that operators edit in ``config/``, such as entrances, exchange rates, page types and segments.

Here: the names (such as ``config.entrances``) and columns of these tables in SQL, and loading all of them.
Not here: what each file may contain (one module for each), the settings file (``pipelines.home.settings``).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from pipelines.config_tables.calendar import Occasion, load_calendar
from pipelines.config_tables.channels import (
    CHANNEL_COLUMNS,
    CLICK_ID_COLUMNS,
    CONDITION_COLUMNS,
    IGNORED_HOST_COLUMNS,
    RULE_COLUMNS,
    load_channels,
)
from pipelines.config_tables.contents import Content, load_contents
from pipelines.config_tables.entrances import DIRECT, ENTRANCE_COLUMNS, UNATTRIBUTED, Entrance, load_entrances
from pipelines.config_tables.fx import FX_COLUMNS, ExchangeRate, load_fx
from pipelines.config_tables.market import MARKET_COLUMNS, load_market
from pipelines.config_tables.matrices import (
    AXIS_COLUMNS,
    CELL_COLUMNS,
    MATRIX_COLUMNS,
    OCTANT_AXIS_COLUMNS,
    load_matrices,
)
from pipelines.config_tables.page_types import PAGE_TYPE_COLUMNS, load_page_types
from pipelines.config_tables.pages import ShopPage, load_pages
from pipelines.config_tables.product_names import load_product_names
from pipelines.config_tables.segments import OCTANT_COLUMNS, SCORE_COLUMNS, SEGMENT_COLUMNS, load_segments
from pipelines.config_tables.targets import Target, load_targets
from pipelines.config_tables.traffic_sites import TRAFFIC_SITE_COLUMNS, load_traffic_sites
from pipelines.config_tables.utc_offsets import UTC_OFFSET_COLUMNS, utc_offsets
from pipelines.config_tables.views import SavedView, load_views
from pipelines.home.folder import DATA, Home
from pipelines.home.settings import Settings

__all__ = [
    "CONFIG_FILES",
    "CONFIG_TABLES",
    "DIRECT",
    "UNATTRIBUTED",
    "ConfigTables",
    "Entrance",
    "ExchangeRate",
    "calendar_of",
    "contents_of",
    "load_config_tables",
    "pages_of",
    "product_names_of",
    "targets_of",
    "views_of",
]

T = TypeVar("T")

CONFIG_TABLES: dict[str, Mapping[str, str]] = {
    "config.entrances": ENTRANCE_COLUMNS,
    "config.fx": FX_COLUMNS,
    "config.market": MARKET_COLUMNS,
    "config.page_types": PAGE_TYPE_COLUMNS,
    "config.channels": CHANNEL_COLUMNS,
    "config.channel_rules": RULE_COLUMNS,
    "config.channel_conditions": CONDITION_COLUMNS,
    "config.click_ids": CLICK_ID_COLUMNS,
    "config.ignored_hosts": IGNORED_HOST_COLUMNS,
    "config.traffic_sites": TRAFFIC_SITE_COLUMNS,
    "config.matrices": MATRIX_COLUMNS,
    "config.axes": AXIS_COLUMNS,
    "config.cells": CELL_COLUMNS,
    "config.octants": OCTANT_COLUMNS,
    "config.octant_axes": OCTANT_AXIS_COLUMNS,
    "config.segments": SEGMENT_COLUMNS,
    "config.segment_scores": SCORE_COLUMNS,
    "config.utc_offsets": UTC_OFFSET_COLUMNS,
}
"""Table → its columns with their DuckDB types."""

CONFIG_FILES = {
    "config.entrances": "config/entrances.csv",
    "config.fx": "config/fx.csv",
    "config.market": "config/market.csv",
    "config.page_types": "config/page_types.csv",
    "config.channels": "config/channels.yaml",
    "config.channel_rules": "config/channels.yaml",
    "config.channel_conditions": "config/channels.yaml",
    "config.click_ids": "config/channels.yaml",
    "config.ignored_hosts": "config/channels.yaml",
    "config.traffic_sites": "config/traffic_sites.csv",
    "config.matrices": "config/matrices.yaml",
    "config.axes": "config/matrices.yaml",
    "config.cells": "config/matrices.yaml",
    "config.octants": "config/segments.csv",
    "config.octant_axes": "config/matrices.yaml",
    "config.segments": "config/segments.csv",
    "config.segment_scores": "config/segments.csv",
    "config.utc_offsets": "config/headwater.yaml",
}
"""Table → the file to edit."""


@dataclass(frozen=True)
class ConfigTables:
    """The tables of ``config/``.

    *by_name* maps ``config.<name>`` to the table's rows: dataclasses whose fields are the columns, in the same order.
    """

    by_name: Mapping[str, Sequence[Any]]

    def rows(self, table: str) -> Sequence[Any]:
        """The rows of *table*, a name such as ``config.fx``."""
        return self.by_name[table]

    def values(self, table: str) -> list[tuple[Any, ...]]:
        """The values of each row of *table*, in the order of its columns."""
        return [tuple(vars(row).values()) for row in self.rows(table)]

    def version(self, table: str) -> str:
        """A hash of the table's rows, independent of their order in the file."""
        rows = "\n".join(sorted(repr(values) for values in self.values(table)))
        return hashlib.blake2b(rows.encode(), digest_size=8).hexdigest()


def load_config_tables(home: Home, settings: Settings) -> ConfigTables:
    """Load the tables of *home*.

    Instead of a missing file, the shipped one is read. Exceptions: entrances.csv must exist, and a missing fx.csv or
    market.csv counts as empty.

    Raises:
        HeadwaterError: a column is missing, a value is wrong, or two rows contradict each other; with file
            and row.
    """
    segments = _loaded(load_segments, home.segments_file)
    matrices = _loaded(load_matrices, home.matrices_file)
    channels = _loaded(load_channels, home.channels_file)
    return ConfigTables(
        {
            "config.entrances": load_entrances(home.entrances_file, settings),
            "config.fx": load_fx(home.fx_file, settings),
            "config.market": load_market(home.market_file),
            "config.page_types": _loaded(load_page_types, home.page_types_file),
            "config.channels": channels.channels,
            "config.channel_rules": channels.rules,
            "config.channel_conditions": channels.conditions,
            "config.click_ids": channels.click_ids,
            "config.ignored_hosts": channels.ignored_hosts,
            "config.traffic_sites": _loaded(load_traffic_sites, home.traffic_sites_file),
            "config.matrices": matrices.matrices,
            "config.axes": matrices.axes,
            "config.cells": matrices.cells,
            "config.octants": segments.octants,
            "config.octant_axes": matrices.octant_axes,
            "config.segments": segments.segments,
            "config.segment_scores": segments.scores,
            "config.utc_offsets": utc_offsets(settings.timezone),
        }
    )


def pages_of(home: Home) -> dict[str, ShopPage]:
    """page_type → page, from the home's pages.yaml, or from the shipped one if it has none; see ``load_pages``.

    It is not a table of SQL: only the slot map reads it. So a missing picture never stops a run.
    """
    own = home.pages_file
    return load_pages(own if own.exists() else DATA / "config" / own.name)


def contents_of(home: Home) -> dict[str, Content]:
    """content_id → its names and picture, from the home's contents.csv; see ``load_contents``."""
    own = home.contents_file
    found: dict[str, Content] = _loaded(load_contents, own) if own.exists() else {}
    return found


def product_names_of(home: Home) -> Mapping[str, Mapping[str, str]]:
    """Language → text in the products → name, from the home's product_names.csv; see ``load_product_names``."""
    own = home.product_names_file
    found: Mapping[str, Mapping[str, str]] = _loaded(load_product_names, own) if own.exists() else {}
    return found


def calendar_of(home: Home) -> Sequence[Occasion]:
    """The occasions of the home's calendar.csv; see ``load_calendar``."""
    own = home.calendar_file
    found: Sequence[Occasion] = _loaded(load_calendar, own) if own.exists() else ()
    return found


def targets_of(home: Home) -> Sequence[Target]:
    """The targets of the home's targets.csv; see ``load_targets``."""
    own = home.targets_file
    found: Sequence[Target] = _loaded(load_targets, own) if own.exists() else ()
    return found


def views_of(home: Home) -> Sequence[SavedView]:
    """The saved views of the home's views.csv; see ``load_views``."""
    own = home.views_file
    found: Sequence[SavedView] = _loaded(load_views, own) if own.exists() else ()
    return found


def _loaded(load: Callable[[Path], T], own: Path) -> T:
    """What *load* reads from *own*, or from the shipped file; it is cached while the file does not change."""
    path = own if own.exists() else DATA / "config" / own.name
    stat = path.stat()
    found: T = _cached(load, path, stat.st_mtime_ns, stat.st_size)
    return found


@lru_cache(maxsize=64)  # cached, because a run loads every file several times
def _cached(load: Callable[[Path], Any], path: Path, _changed: int, _size: int) -> Any:
    return load(path)
