"""Attribution models and touchpoints: their names, and the tables that the web app and the report share.

Here: the order and names of the models and types of touchpoints, the display name of a touchpoint or path, the table of
all models side by side.
Not here: the pages (``dashboards.app.pages``), the computed credits (``sql/attribution``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from dashboards.blocks import Column, Row
from dashboards.columns import metric
from dashboards.figures.flows import step_name
from dashboards.locale import Locale

FUSED = "fused"
"""The fused model ("Entrance attribution" on pages), which exists for entrances and slots only.

It credits a sale to the first click of the latest entrance visit before the matched add-to-cart.
"""

TOUCH_MODELS = ("first", "last", "linear", "position_based", "time_decay", "markov", "shapley")
"""The models that distribute a sale over all touches before it, in menu order."""

TYPES = ("entrance", "slot", "channel", "campaign")
"""The types of touchpoints, in menu order."""

OF_FUSED = frozenset({"entrance", "slot"})
"""The types of touchpoints for which the fused model exists."""

UNATTRIBUTED = "(unattributed)"
NO_CAMPAIGN = "(not set)"
"""Stands for the campaign of sessions and spend that name no campaign."""

_NO_TOUCHPOINTS = {
    UNATTRIBUTED: "touchpoint.unattributed",
    "(direct)": "touchpoint.direct",
    NO_CAMPAIGN: "touchpoint.not_set",
}
"""Values in place of a touchpoint → the text key of their display name."""

SEPARATOR = " > "

_COUNTED = re.compile(r"(?P<touchpoint>.+)\((?P<times>\d+)\)")


def models_of(kind: str) -> tuple[str, ...]:
    """The models that exist for touchpoints of the type *kind*, in menu order."""
    return (FUSED, *TOUCH_MODELS) if kind in OF_FUSED else TOUCH_MODELS


def channel_names(locale: Locale, channels: Iterable[Row]) -> dict[str, str]:
    """Channel → its display name, from rows with channel, name_zh and name_en."""
    return {row["channel"]: row[f"name_{locale.language}"] or row["channel"] for row in channels}


def touchpoint_name(locale: Locale, kind: str, key: str, names: Mapping[str, str]) -> str:
    """The display name of the touchpoint *key* of the type *kind*; *names*: key → name, for entrances or channels.

    The name of a slot is its page, module and number, as in ``home.feed.3``.
    """
    if key in _NO_TOUCHPOINTS and key not in names:
        return locale.text(_NO_TOUCHPOINTS[key])
    if kind != "slot":
        return names.get(key, key)
    *place, number = key.split(".")
    if len(place) < 2 or not number.isdigit():
        return step_name(locale, key)
    return f"{step_name(locale, '.'.join(place))} · {locale.text('slot.number', n=number)}"


def path_name(locale: Locale, kind: str, path: str, names: Mapping[str, str]) -> str:
    """The display name of *path*, touchpoints joined by `` > ``; ``a(2)`` becomes ``a × 2``."""
    return " → ".join(_step_name(locale, kind, step, names) for step in path.split(SEPARATOR))


def _step_name(locale: Locale, kind: str, step: str, names: Mapping[str, str]) -> str:
    counted = _COUNTED.fullmatch(step)
    if counted is None or step in names:
        return touchpoint_name(locale, kind, step, names)
    return f"{touchpoint_name(locale, kind, counted['touchpoint'], names)} × {counted['times']}"


@dataclass(frozen=True)
class Credits:
    """The sales that each model credits to each touchpoint of a type.

    Attributes:
        models: The models, in menu order.
        rows: A row for each touchpoint: touchpoint, name, the sales by each model under the model's name, share_<model>
            (null if the model has no sales), spread (largest minus smallest share), highest and lowest (models).
        totals: Model → all its sales.
        is_equal: Whether every model's sales equal the paid orders.
    """

    models: tuple[str, ...]
    rows: Sequence[dict[str, Any]]
    totals: Mapping[str, float]
    is_equal: bool


def credits_of(locale: Locale, kind: str, found: Sequence[Row], names: Mapping[str, str]) -> Credits:
    """The credits from rows of the query ``models.sales`` (model, touchpoint, revenue, share, total, is_equal)."""
    models = models_of(kind)
    rows: dict[str, dict[str, Any]] = {}
    for one in found:
        key, model = one["touchpoint"], one["model"]
        row = rows.setdefault(
            key, {"touchpoint": key, "name": touchpoint_name(locale, kind, key, names), **_nothing(models)}
        )
        row |= {model: one["revenue"], f"before_{model}": one["revenue_before"], f"share_{model}": one["share"]}
    totals = {one["model"]: one["total"] for one in found}
    for row in rows.values():
        shares = {model: row[f"share_{model}"] or 0.0 for model in models if totals.get(model)}
        row["spread"] = max(shares.values()) - min(shares.values()) if shares else None
        row["highest"] = max(shares, key=lambda model: shares[model], default=None)
        row["lowest"] = min(shares, key=lambda model: shares[model], default=None)
    is_equal = all(one["is_equal"] for one in found)
    return Credits(models, list(rows.values()), {model: totals.get(model, 0.0) for model in models}, is_equal)


def _nothing(models: Sequence[str]) -> dict[str, float | None]:
    sums: dict[str, float | None] = dict.fromkeys(models, 0.0)
    return sums | {f"before_{model}": 0.0 for model in models} | {f"share_{model}": 0.0 for model in models}


def model_columns(locale: Locale, models: Sequence[str]) -> list[Column]:
    """A column of sales for each of *models*."""
    return [metric(locale, "revenue", field=model, title=locale.text(f"model.{model}")) for model in models]


def as_frame(rows: Sequence[Row]) -> pl.DataFrame:
    """*rows* as a frame; column types are inferred from all rows, not only from the first ones."""
    return pl.DataFrame(rows, infer_schema_length=None)
