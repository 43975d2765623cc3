"""The settings of A/B tests: the section ``experiments`` of ``config/headwater.yaml``.

Here: how the content_id of an event names a test and a variant, and the plan of a test.
Not here: the other settings (``pipelines.home.settings``), the tests' statistics (``dashboards.experiments``).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Annotated

from pydantic import AfterValidator, Field

from pipelines.home.yaml_files import Number, Section


class ExperimentPlan(Section):
    """The plan of an A/B test.

    Attributes:
        control: The variant that the others are compared with; None: the variant named control or A, else the first by
            name.
        split: Variant → its planned share of the visitors, as weights of any sum; empty: equal shares.
    """

    control: str | None = None
    split: dict[str, Annotated[Number, Field(gt=0, allow_inf_nan=False)]] = Field(default_factory=dict)


def _pattern_of_tests(pattern: str) -> str:
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise ValueError(f"expected a regular expression: {error}") from error
    if not {"experiment", "variant"} <= groups.keys():
        raise ValueError("expected the groups (?P<experiment>…) and (?P<variant>…)")
    if re.search(r"\(\?<?[=!]|\(\?P=|\\[1-9]", pattern):
        raise ValueError("expected a regular expression without look-around and back-references, which SQL lacks")
    return pattern


class ExperimentSettings(Section):
    """A/B tests: how the content_id of an event names them, and their plans; see docs/user-guide.md."""

    pattern: Annotated[str, AfterValidator(_pattern_of_tests)] = r"^ab/(?P<experiment>[^/]+)/(?P<variant>[^/]+)"
    plans: dict[str, ExperimentPlan] = Field(default_factory=dict)

    def parameters(self) -> dict[str, str | int]:
        """Parameter of a model → value: the pattern, and the numbers of its groups.

        The pattern is without the names of its groups, because Spark has another syntax for them.
        """
        groups = re.compile(self.pattern).groupindex
        return {
            "experiments_pattern": re.sub(r"\(\?P<\w+>", "(", self.pattern),
            "experiments_experiment_group": groups["experiment"],
            "experiments_variant_group": groups["variant"],
        }

    def control_of(self, experiment: str, variants: Collection[str]) -> str:
        """The control of *experiment* among *variants*, which has at least one."""
        plan = self.plans.get(experiment)
        if plan is not None and plan.control is not None:
            return plan.control
        return min(variants, key=lambda name: (name.casefold() not in ("control", "a"), name))

    def named(self, content_id: str) -> tuple[str, str] | None:
        """The test and the variant that *content_id* names; None if it names none."""
        found = re.search(self.pattern, content_id)
        return (found["experiment"], found["variant"]) if found and found["experiment"] and found["variant"] else None
