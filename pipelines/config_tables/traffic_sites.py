"""``config/traffic_sites.csv``: sites that bring visitors, such as search engines and social networks.

Here: validating rows.
Not here: which channel a site's visitors belong to (``config/channels.yaml``), finding a session's site
(``sql/core/sessions.sql``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pipelines.config_tables.csv_file import read_rows
from pipelines.home.errors import HeadwaterError

TRAFFIC_SITE_COLUMNS = {"site": "VARCHAR", "source": "VARCHAR", "category": "VARCHAR"}

CATEGORIES = ("search", "social", "video", "shopping", "email", "ai_assistant", "other")
"""``other`` is for a part of a listed site that does not belong to the site's category, such as docs.google.com."""

HOST = re.compile(r"(?!www\.)[^\s/:?#@A-Z*.]+(\.[^\s/:?#@A-Z*.]+)*")
"""A host in lower case, without www., scheme, port and path."""


@dataclass(frozen=True)
class TrafficSite:
    """A row of the file: pages of the host *site* and of its subdomains belong to *source*.

    *site* without a dot is a name as in ``utm_source``, such as fb. *category* is one of ``CATEGORIES``.
    """

    site: str
    source: str
    category: str


def load_traffic_sites(path: Path) -> tuple[TrafficSite, ...]:
    """Read the sites in *path*.

    Raises:
        HeadwaterError: a row is wrong, two rows have the same site, or a source has two categories. The error names
            the file and the row.
    """
    rows: dict[str, int] = {}
    categories: dict[str, tuple[str, int]] = {}
    sites = []
    for number, site in read_rows(path, ("site", "source", "category"), (), _row):
        where = f"{path}, row {number}"
        if site.site in rows:
            raise HeadwaterError(
                f"row {rows[site.site]} already has the site {site.site}",
                where=where,
                remedy="remove one of the two rows",
            )
        rows[site.site] = number
        category, earlier = categories.setdefault(site.source, (site.category, number))
        if category != site.category:
            raise HeadwaterError(
                f"source '{site.source}' is {site.category}, but {category} in row {earlier}",
                where=where,
                remedy="give both rows the same category, or one of them another source",
            )
        sites.append(site)
    return tuple(sites)


def _row(cell: Mapping[str, str]) -> TrafficSite:
    site, source, category = cell["site"].lower(), cell["source"].lower(), cell["category"]
    if not HOST.fullmatch(site):
        raise ValueError(
            f"site is '{cell['site']}', expected a host without www., such as google.com, the id of an Android "
            "app, such as com.google.android.gm, or a name as in utm_source, such as fb"
        )
    if not source:
        raise ValueError("source is empty, expected the name that reports show, such as google")
    if category not in CATEGORIES:
        raise ValueError(f"category is '{category}', expected one of {', '.join(CATEGORIES)}")
    return TrafficSite(site, source, category)
