"""The texts that operators read, in Chinese and English.

Here: finding a text of ``words/*.yaml`` by its key and filling in values. Names (``metric.<key>``) and definitions
(``about.<key>``) of metrics come from ``sql/metrics.yaml``.
Not here: the texts themselves, numbers (``dashboards.numbers``), names that come from data.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

from babel.dates import format_date

from dashboards.numbers import Language
from pipelines.home.yaml_files import read_yaml
from pipelines.sqlproject.metrics import load_metrics

_FOLDER = Path(__file__).with_name("words")
_format_date = lru_cache(maxsize=4096)(format_date)  # cached, because a chart of a year formats each day once per line


@cache
def all_texts() -> Mapping[str, Mapping[str, str]]:
    """Key → language → text."""
    content: dict[str, Mapping[str, str]] = {}
    for metric in load_metrics().values():
        content |= {f"metric.{metric.key}": metric.names, f"about.{metric.key}": metric.definitions}
    for file in sorted(_FOLDER.glob("*.yaml")):
        found = read_yaml(file)
        assert isinstance(found, dict)
        content |= found
    return content


class Texts:
    """The texts in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """The text of *key* with *values* filled in.

        Raises:
            KeyError: there is no such text, or *values* lacks one of its placeholders.
        """
        return all_texts()[key][self.language].format(**values)

    def joined(self, *sentences: str) -> str:
        """Sentences joined with the language's separator; empty ones are skipped."""
        return ("" if self.language == "zh" else " ").join(sentence for sentence in sentences if sentence)

    def date(self, key: str, day: dt.date) -> str:
        """*day* in the pattern that the text of *key* gives (Unicode CLDR, such as ``EEEE, d MMM y``)."""
        return _format_date(day, self(key), locale=self.language)

    def days(self, number: int) -> str:
        """A number of days as text: ``1 day``, ``28 days``."""
        return self("days.one") if number == 1 else self("days.many", n=number)

    def name(self, kind: str, key: str) -> str:
        """The display name of *key* of a *kind* (``metric``, ``stage`` …); the key itself if it has none."""
        text = all_texts().get(f"{kind}.{key}")
        return text[self.language] if text else key
