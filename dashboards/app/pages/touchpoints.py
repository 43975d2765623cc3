"""The controls and names that the pages on touchpoints share: models, channels and journeys.

Here: choosing a type of touchpoint and a model; display names and links of touchpoints.
Not here: the pages; names that the report needs too (``dashboards.sections.touch``).
"""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.app.context import Context
from dashboards.blocks import Choice, Option
from dashboards.queries import query
from dashboards.sections.reading import Href
from dashboards.sections.touch import TYPES, UNATTRIBUTED, channel_names


def chosen_type(context: Context, default: str) -> str:
    """The type of touchpoint in the URL, or *default* if the URL has no valid one."""
    kind = context.view.get("type")
    return kind if kind in TYPES else default


def type_choice(context: Context, kind: str, default: str) -> Choice:
    """The control of the type of touchpoint, now *kind*. Choosing another type removes the filter by touchpoint."""
    text = context.locale.text
    options = tuple(Option(name, text(f"touchpoint_type.{name}")) for name in TYPES)
    return Choice("type", text("touchpoint_type"), options, kind, default=default, clears=("via",))


def chosen_model(context: Context, models: Sequence[str], default: str) -> str:
    """The model in the URL if it is one of *models*, else *default*."""
    model = context.view.get("model")
    return model if model in models else default


def model_choice(context: Context, models: Sequence[str], chosen: str, default: str) -> Choice:
    """The control of the attribution model, which is now *chosen*."""
    text = context.locale.text
    options = tuple(Option(name, text(f"model.{name}")) for name in models)
    return Choice("model", text("models.model"), options, chosen, default=default)


def touchpoint_names(context: Context, kind: str) -> dict[str, str]:
    """Display names of touchpoints of the type *kind*, by key; slots and campaigns have no display name."""
    if kind == "entrance":
        return {key: name for key, name in context.entrance_names().items() if key != UNATTRIBUTED}
    return channel_names(context.locale, context.rows(query("channels.names"))) if kind == "channel" else {}


def touchpoint_href(context: Context, kind: str) -> Href | None:
    """The link of a row with a ``touchpoint`` of the type *kind*: to the page of its entrance or channel.

    None if the type has no such page; a row without a touch has no link.
    """
    if kind not in ("entrance", "channel"):
        return None
    page = "entrances" if kind == "entrance" else "channels"

    def href(row: object) -> str | None:
        key = row["touchpoint"]  # type: ignore[index]
        return None if key == UNATTRIBUTED else context.view.to(page, **{kind: key}).href

    return href
