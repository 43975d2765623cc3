"""The locale in which pages, charts and the report are written: language, currency, texts and number formats.

Not here: the texts (``dashboards/words``), how they are looked up (``dashboards.texts``), how numbers are written
(``dashboards.numbers``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from dashboards.numbers import Language, Numbers
from dashboards.texts import Texts


@dataclass(frozen=True)
class Locale:
    """A language and a currency, with the texts and number formats for them."""

    language: Language
    currency: str

    @cached_property
    def text(self) -> Texts:
        """All texts of the app and the report, in *language*."""
        return Texts(self.language)

    @cached_property
    def numbers(self) -> Numbers:
        """How numbers and money are written in *language* and *currency*."""
        return Numbers(self.language, self.currency)
