"""The pages: functions from the context of a request to blocks.

Here: the list of pages, and of the parts of pages.
Not here: how they are shown (``dashboards.app.render``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards.app.context import Page
from dashboards.app.pages.alerts import alerts
from dashboards.app.pages.channels import channels
from dashboards.app.pages.customers import customers
from dashboards.app.pages.entrances import entrances
from dashboards.app.pages.experiments import experiments
from dashboards.app.pages.funnel import funnel
from dashboards.app.pages.journeys import PARTS as JOURNEYS
from dashboards.app.pages.journeys import journeys
from dashboards.app.pages.models import PARTS as MODELS
from dashboards.app.pages.models import models
from dashboards.app.pages.modules import modules
from dashboards.app.pages.overview import overview
from dashboards.app.pages.paths import PARTS as PATHS
from dashboards.app.pages.paths import paths
from dashboards.app.pages.plan import plan
from dashboards.app.pages.products import PARTS as PRODUCTS
from dashboards.app.pages.products import products
from dashboards.app.pages.quality import PARTS as QUALITY
from dashboards.app.pages.quality import quality
from dashboards.app.pages.retention import retention
from dashboards.app.pages.search import search
from dashboards.app.pages.slot_map import slot_map
from dashboards.app.pages.views import views
from dashboards.app.sql.page import sql
from dashboards.sections.customers import PARTS as CUSTOMERS

PAGE_OF: dict[str, Page] = {
    "overview": overview,
    "entrances": entrances,
    "slots": slot_map,
    "experiments": experiments,
    "channels": channels,
    "funnel": funnel,
    "retention": retention,
    "models": models,
    "journeys": journeys,
    "paths": paths,
    "modules": modules,
    "products": products,
    "customers": customers,
    "plan": plan,
    "views": views,
    "quality": quality,
    "alerts": alerts,
    "sql": sql,
    "search": search,
}
"""Name in the URL → the page."""

PARTS_OF: Mapping[str, Sequence[str]] = {
    "models": tuple(MODELS),
    "journeys": tuple(JOURNEYS),
    "paths": tuple(PATHS),
    "products": PRODUCTS,
    "customers": CUSTOMERS,
    "quality": tuple(QUALITY),
}
"""Page → its parts; a page that is not listed has only one."""
