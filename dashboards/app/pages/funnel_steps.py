"""The steps of the funnel: which can be chosen, which are chosen, and their names.

Here: the choices of steps and of the window. Not here: how far persons get (``dashboards.attempts``), the page
(``dashboards.app.pages.funnel``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboards.app.context import Context
from dashboards.blocks import Choice, Option
from dashboards.figures.flows import step_name
from dashboards.queries import query

ACTIONS = ("exposure", "product_click", "add_to_cart", "order")
"""The steps that every shop has; also the default funnel."""

SESSIONS = "core.sessions"
NO_STEP = "none"
DEFAULTS = {"s1": ACTIONS[0], "s2": ACTIONS[1], "s3": ACTIONS[2], "s4": ACTIONS[3], "s5": NO_STEP}
"""Key in the URL → the step that it has by default."""

SESSION = "session"
WINDOWS: Mapping[str, dt.timedelta | str] = {
    SESSION: SESSION, "day": "dt", "1": dt.timedelta(days=1), "7": dt.timedelta(days=7), "30": dt.timedelta(days=30),
}  # fmt: skip
"""Value in the URL → the window: a time, or a column of the hits whose value all steps must share."""
DEFAULT_WINDOW = "7"


@dataclass(frozen=True)
class Steps:
    """The chosen funnel.

    Attributes:
        keys: The steps in order: one of ACTIONS, ``page:<page type>`` or ``module:<page type>.<module>``.
        names: Their display names.
        twice: Names of steps that the URL has more than once; only the first counts.
        choices: The controls.
    """

    keys: tuple[str, ...]
    names: tuple[str, ...]
    twice: tuple[str, ...]
    choices: tuple[Choice, ...]


def chosen_steps(context: Context) -> Steps:
    """The steps of the URL."""
    names = _names(context)
    chosen = {key: context.view.get(key, default) for key, default in DEFAULTS.items()}
    chosen = {key: step if _is_known(step, key, names) else DEFAULTS[key] for key, step in chosen.items()}
    every = [step for step in chosen.values() if step != NO_STEP]
    keys = tuple(dict.fromkeys(every))
    twice = tuple(names[step] for step in keys if every.count(step) > 1)
    return Steps(keys, tuple(names[step] for step in keys), twice, tuple(_choices(context, names, chosen)))


def _is_known(step: str, key: str, names: Mapping[str, str]) -> bool:
    return step in names or (step == NO_STEP and key != "s1")


def _choices(context: Context, names: Mapping[str, str], chosen: Mapping[str, str]) -> Sequence[Choice]:
    text = context.locale.text
    options = tuple(Option(step, name) for step, name in names.items())
    nothing = Option(NO_STEP, text("funnel.no_step"))
    return [
        Choice(
            key,
            text("funnel.step_no", n=number),
            options if number == 1 else (nothing, *options),
            step,
            is_searchable=True,
            default=DEFAULTS[key],
        )
        for number, (key, step) in enumerate(chosen.items(), start=1)
    ]


def _names(context: Context) -> dict[str, str]:
    """Step → its display name: actions, then the shop's pages, then its modules."""
    text = context.locale.text
    names = {action: text(f"funnel.step.{action}") for action in ACTIONS}
    for row in context.whole.rows(query("funnel.options")):
        if row["kind"] == "page":
            names[f"page:{row['page_type']}"] = text("funnel.page", name=text.name("page_type", row["page_type"]))
        else:
            key = f"{row['page_type']}.{row['module']}"
            names[f"module:{key}"] = text("funnel.module", name=step_name(context.locale, key))
    return names


def chosen_window(context: Context) -> str:
    """The key of the URL's window, one of WINDOWS."""
    asked = context.view.get("within")
    return asked if asked in _windows(context) else DEFAULT_WINDOW


def window_choice(context: Context, window: str) -> Choice:
    """The control of the window."""
    text = context.locale.text
    options = tuple(Option(key, text(f"funnel.within.{key}")) for key in _windows(context))
    return Choice("within", text("funnel.within"), options, window, default=DEFAULT_WINDOW)


def _windows(context: Context) -> tuple[str, ...]:
    """The keys of the windows to choose from; the session window is missing if the copy has no sessions."""
    return tuple(key for key in WINDOWS if key != SESSION or context.whole.has(SESSIONS))
