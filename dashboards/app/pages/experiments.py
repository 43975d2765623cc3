"""A/B tests: the tests on the days shown with their results, and one test in detail.

Here: the blocks of this page; passing the counts of a test to the statistics.
Not here: the statistics (``dashboards.experiments``), changes for everybody (``dashboards.app.pages.controls``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dashboards.app.context import Context
from dashboards.blocks import Block, Card, Cards, Column, Row, Table, Text
from dashboards.columns import definition, exact, metric, of_row, text
from dashboards.experiments import Measure, SampleRatio, Variant, compare, sample_ratio
from dashboards.intervals import Interval
from dashboards.numbers import NONE, change_ratio
from dashboards.queries import query
from dashboards.sections.verdicts import SIGN, bounds, difference_text, verdict_text
from pipelines.home.experiments import ExperimentSettings

TABLES = ("attribution.visitor_variants", "core.paid_orders")

MEASURES: dict[Measure, str] = {
    "click_rate": "variant_click_rate",
    "conversion": "variant_conversion_rate",
    "revenue": "variant_revenue_per_visitor",
}
"""Measure of ``dashboards.experiments`` → the metric that describes it."""


@dataclass(frozen=True)
class Experiment:
    """A test on the days shown: its *name*, its settings and the *rows* of its variants."""

    name: str
    settings: ExperimentSettings
    rows: Sequence[dict[str, Any]]

    @property
    def control(self) -> str:
        """The name of the control variant."""
        return self.settings.control_of(self.name, [row["variant"] for row in self.rows])

    @cached_property
    def split(self) -> dict[str, float]:
        """Variant → its planned share; if no shares are planned, all variants seen have equal shares."""
        plan = self.settings.plans.get(self.name)
        weights = plan.split if plan and plan.split else {row["variant"]: 1.0 for row in self.rows}
        return {name: weight / sum(weights.values()) for name, weight in weights.items()}

    @cached_property
    def ratio(self) -> SampleRatio:
        """Whether the visitors are split as planned.

        A visitor counts for the first variant seen, even if other variants followed. Excluding visitors who saw several
        variants would distort an unequal split: a small variant would lose a larger share of its visitors.
        """
        return sample_ratio({row["variant"]: row["first_seen"] for row in self.rows}, self.split)

    @property
    def visitors(self) -> int:
        """All visitors who saw the test."""
        return sum(int(row["first_seen"]) for row in self.rows)

    @property
    def mixed(self) -> int:
        """The visitors who saw several variants."""
        return self.visitors - sum(int(row["variant_visitors"]) for row in self.rows)

    def compared(self) -> list[tuple[dict[str, Any], dict[str, Any]]]:
        """Each variant compared with the control; empty if the control has no visitors."""
        control = next((row for row in self.rows if row["variant"] == self.control and row["variant_visitors"]), None)
        others = [row for row in self.rows if row["variant"] != self.control and row["variant_visitors"]]
        return [(row, control) for row in others] if control else []


def experiments(context: Context) -> Sequence[Block]:
    """The tests of these days, or the one in the URL."""
    locale = context.locale
    missing = [table for table in TABLES if not context.copy.has(table)]
    if missing:
        return [Text(locale.text("channels.too_large", tables=", ".join(missing)), "missing", "headwater sql")]
    found = tests_of(context)
    asked = context.view.get("test")
    if asked:
        back = Text(locale.text("experiments.all"), "note", href=context.view.to("experiments").href)
        if asked not in found:
            return [back, Text(locale.text("experiments.unknown", name=asked), "missing")]
        return [Text(asked, "title"), back, *_one(context, found[asked])]
    if not found:
        return [Text(locale.text("experiments.none"), "missing")]
    return [_list(context, list(found.values())), Text(locale.text("experiments.promise"), "note")]


def tests_of(context: Context) -> dict[str, Experiment]:
    """The tests of the days shown, by name; none if the copy lacks their tables."""
    if not all(map(context.copy.has, TABLES)):
        return {}
    tests: dict[str, list[dict[str, Any]]] = {}
    for row in context.rows(query("experiments.variants")):
        tests.setdefault(row["experiment"], []).append(_with_ratios(row))
    settings = context.copy.settings.experiments
    return {name: Experiment(name, settings, rows) for name, rows in tests.items()}


def click_verdict(context: Context, tests: Mapping[str, Experiment], content: str) -> str | None:
    """The result for the click rate of *content* in its A/B test; None if it belongs to no test."""
    found = context.copy.settings.experiments.named(content)
    if found is None or found[0] not in tests:
        return None
    test, text_of = tests[found[0]], context.locale.text
    for row, control in test.compared():
        if row["variant"] == found[1]:
            interval = compare("click_rate", _variant(row), _variant(control))
            said = _said(context, test, MEASURES["click_rate"], interval)
            return text_of("control.ab", test=test.name, verdict=said)
    return text_of("control.ab_control", test=test.name) if found[1] == test.control else None


def _with_ratios(row: dict[str, Any]) -> dict[str, Any]:
    def ratio(top: str, bottom: str) -> float | None:
        return float(row[top]) / row[bottom] if row[bottom] else None

    return row | {
        "variant_click_rate": ratio("variant_clicks", "variant_impressions"),
        "variant_conversion_rate": ratio("variant_buyers", "variant_visitors"),
        "variant_revenue_per_visitor": ratio("variant_revenue", "variant_visitors"),
    }


def _variant(row: Row) -> Variant:
    return Variant(
        row["variant_visitors"],
        float(row["variant_impressions"]),
        float(row["variant_clicks"]),
        row["var_impressions"],
        row["var_clicks"],
        row["covariance"],
        row["variant_buyers"],
        float(row["variant_revenue"]),
        row["var_revenue"],
    )


def _said(context: Context, test: Experiment, name: str, interval: Interval) -> str:
    if test.ratio.is_mismatch:
        return context.locale.text("experiments.no_verdict")
    return verdict_text(context.locale, name, interval)


def _ratio_text(context: Context, ratio: SampleRatio) -> str:
    if ratio.p is None:
        return context.locale.text("experiments.ratio.unknown")
    key = "mismatch" if ratio.is_mismatch else "matches"
    return context.locale.text(f"experiments.ratio.{key}", p=_p_text(ratio))


def _p_text(ratio: SampleRatio) -> str:
    assert ratio.p is not None
    return f"{ratio.p:.3f}" if ratio.p >= 0.001 else "< 0.001"


def _list(context: Context, tests: Sequence[Experiment]) -> Table:
    locale = context.locale
    rows = []
    for test in tests:
        shared = {
            "test": test.name,
            "control": test.control,
            "first_day": min(one["first_day"] for one in test.rows),
            "last_day": max(one["last_day"] for one in test.rows),
            "variant_visitors": test.visitors,
            "ratio": _ratio_text(context, test.ratio),
        }
        rows += [
            shared
            | {"variant": row["variant"]}
            | {
                name: _said(context, test, name, compare(measure, _variant(row), _variant(control)))
                for measure, name in MEASURES.items()
            }
            for row, control in test.compared()
        ] or [shared | {"variant": None} | dict.fromkeys(MEASURES.values())]
    return Table(
        "experiments",
        locale.text("experiments.title"),
        [
            text(
                locale.text("experiments.test"),
                "test",
                href=lambda row: context.view.to("experiments", test=row["test"]).href,
            ),
            text(locale.text("experiments.variant"), "variant"),
            exact(locale, "visitors", field="variant_visitors"),
            *(text(locale.text.name("metric", name), name) for name in MEASURES.values()),
            text(locale.text("experiments.ratio"), "ratio"),
            text(locale.text("experiments.control"), "control"),
            text(locale.text("column.first_day"), "first_day"),
            text(locale.text("column.last_day"), "last_day"),
        ],
        rows,
        locale.text("experiments.about"),
        is_wide=True,
    )


def _one(context: Context, test: Experiment) -> list[Block]:
    locale, numbers = context.locale, context.locale.numbers
    first, last = min(row["first_day"] for row in test.rows), max(row["last_day"] for row in test.rows)
    parts: list[Block] = [
        Text(locale.text("experiments.days", first=first, last=last, n=numbers.full(test.visitors)), "intro")
    ]
    if test.ratio.is_mismatch:
        parts.append(Text(locale.text("experiments.mismatch", p=_p_text(test.ratio)), "warning"))
    if test.mixed:
        share = numbers.percent(test.mixed / test.visitors)
        parts.append(Text(locale.text("experiments.mixed", n=numbers.full(test.mixed), share=share), "note"))
    pairs = test.compared()
    if not pairs:
        parts.append(Text(locale.text("experiments.no_control", name=test.control), "missing"))
    judged = [
        {
            "variant": row["variant"],
            "metric": name,
            "value": row[name],
            "control": control[name],
            "interval": compare(measure, _variant(row), _variant(control)),
        }
        for row, control in pairs
        for measure, name in MEASURES.items()
    ]
    if judged:
        parts.append(Cards(tuple(_card(context, test, row) for row in judged), "health"))
    parts.append(_variants(context, test))
    if judged:
        parts.append(_comparisons(context, test, judged))
    return [*parts, Text(locale.text("experiments.promise"), "note")]


def _card(context: Context, test: Experiment, row: Row) -> Card:
    locale, name, interval = context.locale, row["metric"], row["interval"]
    is_read = not test.ratio.is_mismatch
    called = locale.text(
        "experiments.of", metric=locale.text.name("metric", name), variant=row["variant"], control=test.control
    )
    value = difference_text(locale, name, interval.effect) if is_read else NONE
    sign = SIGN.get(interval.verdict) if is_read else "bad"
    note = _said(context, test, name, interval)
    return Card(called, value, definition=definition(locale, name), note=note, verdict=sign, metric=name)


def _variants(context: Context, test: Experiment) -> Table:
    locale = context.locale
    rows = [
        row
        | {
            "planned_share": test.split.get(row["variant"], 0.0),
            "name": locale.text("experiments.is_control", name=row["variant"])
            if row["variant"] == test.control
            else row["variant"],
        }
        for row in test.rows
    ]
    return Table(
        "variants",
        locale.text("experiments.variants"),
        [
            text(locale.text("experiments.variant"), "name"),
            exact(locale, "variant_visitors"),
            exact(locale, "first_seen"),
            metric(locale, "planned_share"),
            exact(locale, "variant_impressions"),
            exact(locale, "variant_clicks"),
            metric(locale, "variant_click_rate"),
            exact(locale, "variant_buyers"),
            metric(locale, "variant_conversion_rate"),
            metric(locale, "variant_revenue"),
            metric(locale, "variant_revenue_per_visitor"),
        ],
        rows,
        locale.text("experiments.variants.about"),
        notes=(locale.text("experiments.ratio.note", ratio=_ratio_text(context, test.ratio)),),
        is_wide=True,
        keys=("experiment", "variant"),
    )


def _comparisons(context: Context, test: Experiment, judged: Sequence[dict[str, Any]]) -> Table:
    locale = context.locale
    rows = [
        row
        | {
            "name": locale.text.name("metric", row["metric"]),
            "lift": change_ratio(row["value"], row["control"]),
            "difference": row["interval"].effect,
            "low": row["interval"].low,
            "high": row["interval"].high,
            "verdict": locale.text("experiments.no_verdict")
            if test.ratio.is_mismatch
            else locale.text(f"verdict.word.{row['interval'].verdict}"),
        }
        for row in judged
    ]

    return Table(
        "comparisons",
        locale.text("experiments.comparisons"),
        [
            text(locale.text("experiments.variant"), "variant"),
            text(locale.text("experiments.measure"), "name"),
            of_row(locale, locale.text("experiments.control_value"), "control"),
            of_row(locale, locale.text("experiments.variant"), "value"),
            Column(
                locale.text("experiments.difference"),
                lambda row: difference_text(locale, row["metric"], row["difference"]),
                field="difference",
            ),
            Column(locale.text("interval.title"), lambda row: bounds(locale, row["metric"], row["interval"])),
            Column(
                locale.text.name("metric", "lift"),
                lambda row: locale.numbers.change(row["value"], row["control"]),
                field="lift",
                metric="lift",
                definition=definition(locale, "lift"),
            ),
            text(locale.text("experiments.verdict"), "verdict"),
        ],
        rows,
        locale.text("experiments.comparisons.about"),
        is_wide=True,
        keys=("metric", "low", "high"),
        is_sortable=False,
    )
