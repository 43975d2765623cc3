"""``config/alerts.yaml`` and ``config/subscriptions.csv``: who gets which messages.

Here: the keys of both files, and validating them.
Not here: secrets in addresses (``pipelines.delivery.addresses``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from dashboards.app.view import PAGES, WITHOUT_DAYS, View, read_view
from dashboards.app.watch.measured import refuse_metric
from dashboards.slices import DIMENSIONS
from pipelines.config_tables.csv_file import read_rows
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from pipelines.home.yaml_files import Number, describe, read_yaml, shaped
from pipelines.sqlproject.reads import nearest

REPORT = "report"
"""The name of the daily report in a subscription."""

SUBSCRIBED = tuple(page for page in PAGES if page not in WITHOUT_DAYS and page != "paths")
"""The pages that can be subscribed to. The page of paths is not among them, because it shows one order."""

_KEY = shaped(r"[^\W][\w -]{0,59}", "a name of letters, digits, spaces, - and _, up to 60 characters")
_TIME = shaped(r"([01][0-9]|2[0-3]):[0-5][0-9]", "a time such as 08:00")
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

Language = Literal["zh", "en"]


def _texts(value: object) -> object:
    """*value*, one text or a list of texts, as a list."""
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(isinstance(text, str) and text.strip() for text in texts):
        raise ValueError("expected a text, or a list of texts; put numbers in quotes")
    return texts


_Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]
_Name = Annotated[str, _KEY]
Cells = Mapping[str, str]
"""A row of a CSV file: column → text."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Alert(_Strict):
    """One alert: a metric with a rule, or an event of the home.

    Attributes:
        to: The people who get the message.
        language: The language of the message.
        when: The event: a run failed, a failed check blocks data, yesterday has no data.
        by: For ``data_late``, the time by which yesterday must have data, in the shop's time zone.
        metric: The metric.
        slice: Dimension → its values; the metric is computed only from rows with one of these values.
        below, above: Alert if the value is below or above this number.
        against: The day to compare with: the same weekday one week or 52 weeks before.
        falls_by, rises_by: Alert if the value is lower or higher than on that day by this share.
        unusual: Alert if the value is lower or higher than usual on this weekday.
    """

    to: _Texts
    language: Language = "zh"
    when: Literal["run_failed", "check_failed", "data_late"] | None = None
    by: Annotated[str, _TIME] | None = None
    metric: str | None = None
    slice: dict[str, _Texts] = Field(default_factory=dict)
    below: Number | None = None
    above: Number | None = None
    against: Literal["previous", "year"] | None = None
    falls_by: Annotated[Number, Field(gt=0, le=1)] | None = None
    rises_by: Annotated[Number, Field(gt=0)] | None = None
    unusual: Literal["low", "high", "either"] | None = None

    @model_validator(mode="after")
    def _is_one_rule(self) -> Alert:
        limits = self.below is not None or self.above is not None
        shares = self.falls_by is not None or self.rises_by is not None
        if (self.when is None) == (self.metric is None):
            raise ValueError("expected either 'metric' or 'when'")
        if self.when is not None and (limits or shares or self.against or self.unusual or self.slice):
            raise ValueError("a rule and a slice belong to 'metric', not to 'when'")
        if self.by is not None and self.when != "data_late":
            raise ValueError("'by' belongs to 'when: data_late'")
        if self.metric is not None and [limits, shares, self.unusual is not None].count(True) != 1:
            raise ValueError("expected one rule: below or above; falls_by or rises_by; unusual")
        if (self.against is not None) and not shares:
            raise ValueError("'against' belongs to 'falls_by' or 'rises_by'")
        if self.below is not None and self.above is not None and self.below >= self.above:
            raise ValueError("expected below < above: the message is sent outside of these numbers")
        return self

    @property
    def is_of_days(self) -> bool:
        """Whether the alert is about a day's figures, and not about an event."""
        return self.metric is not None

    @property
    def parts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The alert's slice, in the order of dimensions."""
        return tuple((name, tuple(self.slice[name])) for name in DIMENSIONS if name in self.slice)


class AlertsFile(_Strict):
    """``config/alerts.yaml``: people by name, each with an address, and alerts by name."""

    people: dict[_Name, str] = Field(default_factory=dict)
    alerts: dict[_Name, Alert] = Field(default_factory=dict)


class Subscription(_Strict):
    """A subscription: the report or a filtered page, sent to people every day or week.

    Attributes:
        what: ``report``, or the address of a page of the dashboards without its host.
        to: The people who get it.
        every: Every day, or a day of the week.
        at: The time from which it is sent, in the shop's time zone.
        language: The language of the message.
    """

    what: str
    to: _Texts
    every: Literal["day", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = "day"
    at: Annotated[str, _TIME] = "08:00"
    language: Language = "zh"

    def is_on(self, day: dt.date) -> bool:
        """Whether the message is sent on *day*."""
        return self.every == "day" or WEEKDAYS[day.weekday()] == self.every

    @property
    def days(self) -> int:
        """The number of days that a page shows, if its address has no dates."""
        return 1 if self.every == "day" else 7

    def view(self) -> View:
        """The view of the subscribed page, without dates: the newest days are shown.

        For the report, the view of the overview.
        """
        path, _, query = ("/" if self.what == REPORT else self.what).partition("?")
        view = read_view(path, query)
        if view is None or view.page not in SUBSCRIBED:
            raise ValueError(f"'what': expected report, or the address of a page such as /{SUBSCRIBED[1]}?compare=year")
        if view.page == "customers" and (view.get("user") or view.get("segment")):
            raise ValueError("'what': this page lists customers and cannot be sent: the message would name persons")
        if view.unread:
            raise ValueError(f"'what': '{next(iter(view.unread.values()))}' in the address is unknown")
        kept = {"language": self.language, "first": None, "last": None}
        return View(**{**vars(view), **kept})

    @model_validator(mode="after")
    def _names_a_page(self) -> Subscription:
        self.view()
        return self


SUBSCRIPTION_COLUMNS = ("name", "what", "to", "every", "at", "language")


@dataclass(frozen=True)
class Watch:
    """The contents of both files.

    Attributes:
        people: Name → address, with ``${NAME}`` for secrets.
        alerts, subscriptions: By name.
        cells: Name of a subscription → its row in the file, column → text.
    """

    people: Mapping[str, str]
    alerts: Mapping[str, Alert]
    subscriptions: Mapping[str, Subscription]
    cells: Mapping[str, Mapping[str, str]]

    @property
    def is_empty(self) -> bool:
        """Whether there are no alerts and no subscriptions."""
        return not self.alerts and not self.subscriptions


def load_watch(home: Home) -> Watch:
    """The alerts and subscriptions of *home*; empty if it has no such files.

    Raises:
        HeadwaterError: an unknown key, a wrong value, an unknown metric, slice, page or person; with the file and key.
    """
    file = _read(home.alerts_file)
    for name, alert in file.alerts.items():
        _check_people(home.alerts_file, f"alerts.{name}.to", alert.to, file.people, home)
        if alert.metric is not None:
            refuse_metric(alert.metric, alert.parts, f"{home.alerts_file}: 'alerts.{name}'")
        if unknown := [key for key in alert.slice if key not in DIMENSIONS]:
            raise HeadwaterError(
                f"'alerts.{name}.slice': unknown dimension '{unknown[0]}'; expected one of {', '.join(DIMENSIONS)}",
                where=home.alerts_file,
            )
    rows = _rows(home.subscriptions_file)
    _check_names(home, file, rows)
    subscriptions = {name: subscription for name, (subscription, _) in rows.items()}
    return Watch(file.people, file.alerts, subscriptions, {name: cells for name, (_, cells) in rows.items()})


def check_subscriptions(home: Home, path: Path) -> None:
    """Check the subscriptions in *path*, a file that is to replace that of *home*.

    Raises:
        HeadwaterError: as ``load_watch``.
    """
    _check_names(home, _read(home.alerts_file), _rows(path))


def _check_names(home: Home, file: AlertsFile, rows: Mapping[str, tuple[Subscription, Cells]]) -> None:
    """Check that *rows* name only people of *file*, and that no subscription has the name of an alert.

    Raises:
        HeadwaterError: a row is wrong.
    """
    for name, (subscription, _) in rows.items():
        _check_people(home.subscriptions_file, name, subscription.to, file.people, home)
        if name in file.alerts:
            raise HeadwaterError(
                f"the subscription '{name}' has the name of an alert",
                where=home.subscriptions_file,
                remedy="rename it: the list of messages names both",
            )


def _rows(path: Path) -> dict[str, tuple[Subscription, Cells]]:
    """The subscriptions in the file *path* by name, each with its row; none if there is no file."""
    found: dict[str, tuple[Subscription, Cells]] = {}
    if not path.exists():
        return found
    optional = SUBSCRIPTION_COLUMNS[3:]
    for number, (name, subscription, cells) in read_rows(path, SUBSCRIPTION_COLUMNS[:3], optional, _subscription):
        if name in found:
            raise HeadwaterError(
                f"two subscriptions have the name '{name}'", where=f"{path}, row {number}", remedy="rename one of them"
            )
        found[name] = subscription, cells
    return found


def _subscription(cell: Cells) -> tuple[str, Subscription, Cells]:
    to = [name for name in (part.strip() for part in cell["to"].split(";")) if name]
    given = {key: cell[key] for key in ("what", "every", "at", "language") if cell[key]}
    try:
        name = TypeAdapter(_Name).validate_python(cell["name"])
    except ValidationError:
        raise ValueError(f"name is '{cell['name']}', expected letters, digits, spaces, - and _") from None
    try:
        subscription = Subscription.model_validate({**given, "to": to})
    except ValidationError as error:
        raise ValueError(describe(error, Subscription)) from None
    return name, subscription, {column: cell[column] for column in SUBSCRIPTION_COLUMNS}


def _read(path: Path) -> AlertsFile:
    content = read_yaml(path) if path.exists() else None
    _refuse_people(path, content)
    assert content is None or isinstance(content, dict)
    # A key has the value None if all lines below it are comments.
    given = {key: value for key, value in (content or {}).items() if value is not None}
    try:
        return AlertsFile.model_validate(given)
    except ValidationError as error:
        raise HeadwaterError(
            describe(error, AlertsFile),
            where=path,
            remedy="docs/user-guide.md, 'Alerts and subscriptions', has examples",
        ) from None  # pydantic's own message quotes values, which may be addresses


def _refuse_people(path: Path, content: object) -> None:
    """Refuse an address that is not a text. The message does not quote the value, because it may contain a secret."""
    if content is not None and not isinstance(content, dict):
        raise HeadwaterError("expected keys such as 'alerts:'", where=path)
    people = content.get("people") if content else None
    if people is not None and not isinstance(people, dict):
        raise HeadwaterError("'people': expected names, each with an address", where=path)
    for name, address in (people or {}).items():
        if not isinstance(address, str) or not address.strip():
            raise HeadwaterError(
                f"'people.{name}': expected one address as a text",
                where=path,
                remedy="list each recipient as a separate person",
            )


def _check_people(path: Path, where: str, to: Sequence[str], people: Mapping[str, str], home: Home) -> None:
    for name in to:
        if name not in people:
            hint = nearest(name, people) if people else f"add it under 'people' of {home.alerts_file}"
            raise HeadwaterError(f"'{where}' names '{name}', who is not among 'people'", where=path, remedy=hint)
