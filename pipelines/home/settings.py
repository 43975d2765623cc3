"""The settings of a home: ``config/headwater.yaml`` as one typed object.

Here: the keys, their types, defaults and bounds; reading the file; writing ``start_date`` into it.
Not here: the tables that operators edit beside it, entrances and exchange rates
(``pipelines.config_tables``).
"""

from __future__ import annotations

import datetime as dt
import io
import re
import sys
from functools import cache
from typing import Annotated, Literal, get_args
from zoneinfo import available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, model_validator

from pipelines.home.errors import HeadwaterError
from pipelines.home.experiments import ExperimentSettings
from pipelines.home.files import convert_write_errors, write_file
from pipelines.home.folder import Home
from pipelines.home.web_settings import CollectorSettings, DashboardSettings
from pipelines.home.yaml_files import Number, Section, Switch, Whole, as_written, describe, read_yaml, shaped


def _written_as_date(value: object) -> object:
    """Return *value*; raise a ValueError if it is a number, which pydantic would read as seconds since 1970."""
    if isinstance(value, int | float) or (isinstance(value, str) and not re.match(r"\d{4}-", value)):
        raise ValueError("expected a date such as 2026-01-05")
    return value


@cache  # cached, because listing all zones takes as long as reading the rest of the settings
def _known_timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("expected an IANA time zone such as Asia/Shanghai")
    return name


TransformKind = Literal["remove_if_not_all", "remove_if_last_and_not_all", "unique", "exposure", "first", "frequency"]
_REMOVALS = get_args(TransformKind)[:2]
_COLLAPSES = get_args(TransformKind)[2:]
_MEMORY = r"[0-9]+(\.[0-9]+)? ?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)"


def _in_order_of_use(fallbacks: tuple[str, ...]) -> tuple[str, ...]:
    if list(fallbacks) != [name for name in ("order", "visit") if name in fallbacks]:
        raise ValueError("expected each at most once, in the order in which they are tried: order, visit")
    return fallbacks


def _quoted_words(value: object) -> object:
    """Return *value* if it is a list of strings, else raise a ValueError: YAML reads null as None and 0 as a number."""
    if not isinstance(value, list | tuple) or not all(isinstance(word, str) and word.strip() for word in value):
        raise ValueError('expected a list of words such as [undefined, "null"]; put null and numbers in quotes')
    return value


class InputSettings(Section):
    """How landed values are read; see docs/user-guide.md.

    Attributes:
        max_event_age_days: An event received more than this many days after its own time is quarantined.
        null_ids: Texts that mean "no id".
    """

    max_event_age_days: Whole = Field(400, ge=1, le=36_600)
    null_ids: Annotated[tuple[str, ...], BeforeValidator(_quoted_words)] = (
        *("undefined", "null", "NULL", "None", "nil", "NaN", r"\N", "(not set)"),
        "00000000-0000-0000-0000-000000000000",
    )


class AttributionSettings(Section):
    """How sales are matched to events, and events to their path and entrance; see docs/how-it-works.md."""

    head_lookback_hours: Whole = Field(24, ge=1, le=720)
    cart_window_days: Whole = Field(30, ge=1, le=365)
    max_payment_delay_days: Whole = Field(7, ge=0, le=90)
    path_ends: tuple[Literal["exposure", "click", "add_to_cart"], ...] = Field(("add_to_cart",), min_length=1)
    max_path_steps: Whole = Field(500, ge=2, le=10_000)
    action_modules: tuple[str, ...] = ()
    clock_tolerance_seconds: Whole = Field(60, ge=0, le=3600)
    sales_fallbacks: Annotated[tuple[Literal["order", "visit"], ...], AfterValidator(_in_order_of_use)] = (
        "order",
        "visit",
    )


class SessionSettings(Section):
    """When a session begins; see docs/channels.md.

    Attributes:
        timeout_minutes: A session ends after this long without an event. At most half a day, because the models that
            compute a day read only that day and the day before.
    """

    timeout_minutes: Whole = Field(30, ge=1, le=720)
    new_at_midnight: Switch = False
    new_at_campaign: Switch = True


class Transform(Section):
    """A change to a path of touches before credit is distributed; only the ``remove_…`` kinds use ``touchpoints``."""

    kind: TransformKind
    touchpoints: tuple[str, ...] = ()


def _transforms(value: object) -> object:
    """Convert transforms as written in the file, ``[{remove_if_not_all: [x]}, exposure]``, to fields of Transform."""
    if not isinstance(value, list):
        return value
    transforms = [_transform(item) for item in value]
    kinds = [str(transform["kind"]) for transform in transforms]
    collapses = [kind for kind in kinds if kind not in _REMOVALS]
    if len(collapses) > 1:
        raise ValueError(f"expected at most one of {', '.join(_COLLAPSES)}")
    in_order = [*(kind for kind in _REMOVALS if kind in kinds), *collapses]
    if kinds != in_order:
        raise ValueError(f"expected each at most once, in the order in which they are applied: {', '.join(in_order)}")
    return transforms


def _transform(item: object) -> dict[str, object]:
    if isinstance(item, str) and item in _COLLAPSES:
        return {"kind": item}
    if isinstance(item, dict) and len(item) == 1:
        ((kind, touchpoints),) = item.items()
        is_list_of_names = isinstance(touchpoints, list) and all(isinstance(name, str) for name in touchpoints)
        if kind in _REMOVALS and touchpoints and is_list_of_names:
            return {"kind": kind, "touchpoints": touchpoints}
    raise ValueError(
        f"{as_written(item)}: expected {', '.join(_COLLAPSES)}, or {' or '.join(f'{k}: [name]' for k in _REMOVALS)}"
    )


class TouchSettings(Section):
    """Which touches get credit for a sale, and how much, in the touch models; see docs/how-it-works.md."""

    window_days: Whole = Field(30, ge=1, le=365)
    half_life_days: Number = Field(7, gt=0, allow_inf_nan=False)
    transform: Annotated[tuple[Transform, ...], BeforeValidator(_transforms)] = (Transform(kind="exposure"),)
    effects_days: Whole = Field(90, ge=1, le=400)
    markov_order: Whole = Field(1, ge=1, le=3)

    def parameters(self) -> dict[str, SettingValue]:
        """Parameter of a model (``touch_…``) → value; touch_transform is ``unique`` if no transform merges touches."""
        touchpoints = {transform.kind: transform.touchpoints for transform in self.transform}
        return {
            "touch_window_days": self.window_days,
            "touch_half_life_days": self.half_life_days,
            "touch_transform": next((kind for kind in touchpoints if kind in _COLLAPSES), "unique"),
            **{f"touch_{kind}": touchpoints.get(kind, ()) for kind in _REMOVALS},
            "touch_effects_days": self.effects_days,
            "touch_markov_order": self.markov_order,
        }


class RfmSettings(Section):
    """How recency, frequency and monetary value are computed. The thresholds are in ``config/matrices.yaml``."""

    window_days: Whole = Field(365, ge=1, le=3660)
    frequency: Literal["orders", "days"] = "orders"
    monetary: Literal["sum", "mean"] = "sum"
    compare_days: Whole = Field(28, ge=1, le=366)


class LifecycleSettings(Section):
    """The lifecycle stages of customers. An active customer is expected to buy again within one period."""

    period_days: Whole = Field(28, ge=1, le=366)
    churned_days: Whole = Field(180, ge=1, le=3660)
    history_days: Whole = Field(1095, ge=1, le=3660)

    @model_validator(mode="after")
    def _are_in_order(self) -> LifecycleSettings:
        if not 2 * self.period_days <= self.churned_days <= self.history_days:
            raise ValueError("expected 2 · period_days ≤ churned_days ≤ history_days")
        return self


class ProductSettings(Section):
    """The trailing windows of the product metrics, in days, and how products are placed in matrices.

    Attributes:
        small_sample: A rate with fewer trials than this is marked as a small sample.
    """

    windows: tuple[Annotated[Whole, Field(ge=1, le=366)], ...] = Field((1, 7, 28), min_length=1)
    repurchase_days: Whole = Field(90, ge=1, le=366)
    hysteresis: Number = Field(0.05, ge=0, lt=1)
    small_sample: Whole = Field(30, ge=0, le=1_000_000_000)
    too_fast_days: Whole = Field(14, ge=0, le=3660)
    too_slow_days: Whole = Field(180, ge=1, le=3660)

    @model_validator(mode="after")
    def _are_in_order(self) -> ProductSettings:
        if len(set(self.windows)) < len(self.windows):
            raise ValueError("windows: expected each number of days only once")
        if self.too_fast_days > self.too_slow_days:
            raise ValueError("expected too_fast_days ≤ too_slow_days")
        return self

    def parameters(self) -> dict[str, SettingValue]:
        """Parameter of a model (``products_…``) → value."""
        values = {f"products_{name}": value for name, value in self.model_dump().items()}
        return {**values, "products_longest_window": max(self.windows)}


class SnapshotSettings(Section):
    """For which days snapshots are kept: all of the most recent days, and before them the last day of each month."""

    daily_for_days: Whole = Field(28, ge=1, le=366)
    then: Literal["month_end"] = "month_end"


class HoursSettings(Section):
    """How many of the last days the tables by hour keep."""

    days: Whole = Field(90, ge=1, le=3660)


class RetentionSettings(Section):
    """How many days files and records are kept; None: for ever.

    Attributes:
        landing_days: Landing files, from their ingestion on.
        reports_days: Reports, from their last writing on.
        events_days: Events, counted back from the last computed day, and the tables with a row for each event. Must be
            more than any model looks back, see ``pipelines.sqlproject.look_backs``.
        runs_days: Dagster's records of runs, from the end of the run on.
    """

    landing_days: Whole | None = Field(None, ge=1, le=36_500)
    reports_days: Whole | None = Field(None, ge=1, le=36_500)
    events_days: Whole | None = Field(None, ge=1, le=36_500)
    runs_days: Whole | None = Field(None, ge=1, le=36_500)


class SparkSettings(Section):
    """The cluster of ``engine: spark``.

    Attributes:
        master: Its address: ``local[*]`` (this machine), ``spark://host:7077``, ``yarn``, ``k8s://…``.
        remote: The address of a Spark Connect server, ``sc://host:15002``, instead of *master*.
        options: Other settings of Spark, name → value.
    """

    master: str = "local[*]"
    remote: str = ""
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Settings(Section):
    """All keys of ``config/headwater.yaml``, with their defaults."""

    timezone: Annotated[str, AfterValidator(_known_timezone)] = "Asia/Shanghai"
    currency: Annotated[str, shaped("[A-Z]{3}", "three capital letters such as CNY")] = "CNY"
    start_date: Annotated[dt.date | None, BeforeValidator(_written_as_date)] = None
    engine: Literal["duckdb", "spark"] = "duckdb"
    spark: SparkSettings = SparkSettings()
    threads: Whole | None = Field(None, ge=1, le=1024)
    memory_limit: Annotated[str, shaped(_MEMORY, "a number and a unit such as 3GB, 500MB or 2.5GiB")] = "3GB"
    inputs: InputSettings = InputSettings()
    attribution: AttributionSettings = AttributionSettings()
    sessions: SessionSettings = SessionSettings()
    touch: TouchSettings = TouchSettings()
    rfm: RfmSettings = RfmSettings()
    lifecycle: LifecycleSettings = LifecycleSettings()
    products: ProductSettings = ProductSettings()
    snapshots: SnapshotSettings = SnapshotSettings()
    hours: HoursSettings = HoursSettings()
    retention: RetentionSettings = RetentionSettings()
    experiments: ExperimentSettings = ExperimentSettings()
    collector: CollectorSettings = CollectorSettings()
    dashboard: DashboardSettings = DashboardSettings()

    def parameters(self) -> dict[str, SettingValue]:
        """Name → value of each setting that a model may use as ``$name``.

        A name begins with the section of its setting, except for ``attribution`` and settings without a section.
        """
        return {
            **self.attribution.model_dump(),
            **{f"sessions_{name}": value for name, value in self.sessions.model_dump().items()},
            **self.touch.parameters(),
            **{f"rfm_{name}": value for name, value in self.rfm.model_dump().items()},
            **{f"lifecycle_{name}": value for name, value in self.lifecycle.model_dump().items()},
            **self.products.parameters(),
            "hours_days": self.hours.days,
            **self.experiments.parameters(),
            "currency": self.currency,
            "start_date": self.start_date or dt.date.min,
        }


SettingValue = int | float | str | dt.date | tuple[str, ...] | tuple[int, ...]


def load_settings(home: Home) -> Settings:
    """The settings of *home*.

    Raises:
        HeadwaterError: the file is not YAML, or has an unknown key, a wrong type or an impossible value.
    """
    content = read_yaml(home.settings_file)
    if content is None:
        content = {}
    if not isinstance(content, dict):
        raise HeadwaterError(f"expected keys such as 'timezone:', found {content!r}", where=home.settings_file)
    try:
        return Settings.model_validate(content)
    except ValidationError as error:
        raise HeadwaterError(describe(error, Settings), where=home.settings_file) from error


def write_start_date(home: Home, start: dt.date) -> None:
    """Write ``start_date`` into the settings file. Comments and the order of keys are kept.

    Raises:
        HeadwaterError: the file cannot be written.
    """
    path = home.settings_file
    with convert_write_errors(path):
        write_file(path, _with_start_date(path.read_text(encoding="utf-8-sig"), start))


def _with_start_date(text: str, start: dt.date) -> str:
    from ruamel.yaml import YAML  # imported here: it is slow, and needed only once for each home
    from ruamel.yaml.representer import RoundTripRepresenter

    class Representer(RoundTripRepresenter):
        """Write null as ``threads: null``; ruamel.yaml itself would write ``threads:``."""

    Representer.add_representer(type(None), lambda self, _: self.represent_scalar("tag:yaml.org,2002:null", "null"))
    yaml = YAML()
    yaml.Representer = Representer
    yaml.preserve_quotes = True
    yaml.width = sys.maxsize  # do not wrap long lines
    content = yaml.load(text)
    if content is None:  # ruamel.yaml attaches comments to keys, so a file without keys would lose them
        content = yaml.load(f"{text}\nstart_date:")
    content["start_date"] = start
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()
