"""Numbers as people read them: three digits on screen, the full value on hover, in Chinese or English units.

Here: counts, money, rates and changes as text; the unit and decimals that a column's values share. Null, NaN and
infinity are "–". Currency signs come from Babel. The short forms are our own: Babel's compact format fixes decimals,
not digits (1234.57万), and its minus is a hyphen.
Not here: what a number means (``dashboards.texts``), dates (``Texts.date``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeGuard

from babel.numbers import get_currency_symbol

Language = Literal["zh", "en"]
Number = int | float | None

_COMPACT = 1_000_000
"""If the largest value of a column is at least this, the column is written in a unit such as K or 万."""

NONE = "–"
"""Shown if there is no value, because 0 would look like a value."""

_MINUS = "−"
_UNITS: dict[Language, tuple[tuple[float, str], ...]] = {
    "zh": ((1e8, "亿"), (1e4, "万")),
    "en": ((1e9, "B"), (1e6, "M"), (1e3, "K")),
}
_SYMBOLS = {"CNY": "¥", "USD": "$"}
"""Short signs in both languages, although Babel has CN¥ or US$ in one of them: a shop has only one currency, so the
short sign is clear."""


def is_number(value: Number) -> TypeGuard[int | float]:
    """Whether *value* is a finite number."""
    return value is not None and math.isfinite(value)


@dataclass(frozen=True)
class Scale:
    """How all values of a column are written, so that they can be compared: divided by *unit*, named *name*."""

    unit: float = 1
    name: str = ""
    decimals: int = 0


@dataclass(frozen=True)
class Numbers:
    """Formats numbers in one language and currency."""

    language: Language
    currency: str

    @cached_property
    def symbol(self) -> str:
        """The prefix of an amount: ``¥``, ``A$``, or the code and a space if the currency has no sign."""
        sign = _SYMBOLS.get(self.currency) or get_currency_symbol(self.currency, self.language)
        return f"{sign} " if sign[-1].isalpha() else sign

    def short(self, value: Number) -> str:
        """At most three digits and a unit: ``20.8K``, ``2.08万``; whole numbers below 10,000 in full."""
        if not is_number(value):
            return NONE
        size = abs(value)
        if size < 10_000 and (float(size).is_integer() or (self.language == "zh" and size >= 1000)):
            return _signed(value, f"{size:,.0f}")
        for place, (unit, name) in enumerate(_UNITS[self.language]):
            # 999,999 is 1M, not 1000K: round first, then choose the unit.
            if size >= unit * 0.9995:
                text = _three_digits(size / unit)
                if place == 0 or text != "1000":
                    return _signed(value, text + name)
        return _signed(value, _three_digits(size))

    def scale(self, values: Iterable[Number]) -> Scale:
        """The scale of *values*: all digits if the largest is below a million, else a unit in which it is at least 100.

        Decimals depend on the largest value; whole numbers have none.
        """
        known = [abs(value) for value in values if is_number(value)]
        most = max(known, default=0)
        if most >= _COMPACT:
            unit, name = next((unit, name) for unit, name in _UNITS[self.language] if most >= 100 * unit)
            return Scale(unit, name, 1)
        if most >= 1000 or all(float(value).is_integer() for value in known):
            return Scale()
        return Scale(decimals=1 if most >= 10 else 2)

    def scaled(self, value: Number, scale: Scale) -> str:
        """*value* at *scale*, such as ``12.3``; a value that would round to zero becomes, for example, ``<0.1``."""
        if not is_number(value):
            return NONE
        size = abs(value) / scale.unit
        least = 10.0**-scale.decimals
        text = f"<{least:g}" if 0 < size < least / 2 else f"{size:,.{scale.decimals}f}"
        return _signed(value, text + scale.name)

    def full(self, value: Number, decimals: int = 0) -> str:
        """All digits before the decimal point, *decimals* after it."""
        if not is_number(value):
            return NONE
        text = f"{abs(value):,.{decimals}f}"
        return _signed(value, text) if any(digit in text for digit in "123456789") else text

    def money(self, value: Number) -> str:
        """An amount of money with its currency sign, shortened like ``short``."""
        if not is_number(value):
            return NONE
        size = abs(value)
        text = self.short(size if size < 1000 else round(size)) if size >= 0.005 or not size else "<0.01"
        return (_MINUS if value < 0 else "") + self.symbol + text

    def full_money(self, value: Number) -> str:
        """An amount to the cent."""
        return NONE if not is_number(value) else _signed(value, self.symbol + self.full(abs(value), 2))

    def percent(self, value: Number) -> str:
        """A share or rate with at most three digits: ``27.0%``, ``8.10%``, ``0.17%``."""
        if not is_number(value) or not is_number(100 * value):
            return NONE
        size = 100 * abs(value)
        if size in (0, 100):
            return _signed(value, f"{size:.0f}%")
        if size < 0.01:
            return _signed(value, "<0.01%")
        return _signed(value, f"{size:,.{0 if size >= 99.95 else 1 if size >= 9.995 else 2}f}%")

    def round_percent(self, value: float) -> str:
        """A share without trailing zeros, for the ticks of an axis."""
        return _signed(value, f"{100 * abs(value):.4g}%")

    def full_percent(self, value: Number) -> str:
        """A share or rate to a hundredth of a percent."""
        return NONE if not is_number(value) or not is_number(100 * value) else self.full(100 * value, 2) + "%"

    def change(self, now: Number, before: Number) -> str:
        """The relative change from *before* to *now*, with its sign; "–" if one is missing or *before* is 0."""
        ratio = change_ratio(now, before)
        if ratio is None:
            return NONE
        return ("+" if ratio > 0 else "") + self.percent(ratio)

    def points(self, now: Number, before: Number) -> str:
        """The signed difference of two shares or rates, in percentage points."""
        if not is_number(now) or not is_number(before):
            return NONE
        difference = 100 * (now - before)
        text = f"{abs(difference):.{1 if abs(difference) >= 9.95 else 2}f}"
        if float(text) == 0:  # a sign would claim a change that nobody can see
            return text
        return ("+" if difference > 0 else _MINUS) + text


def change_ratio(now: Number, before: Number) -> float | None:
    """(now − before) / |before|; None where one is missing or *before* is 0."""
    if not is_number(now) or not is_number(before) or before == 0:
        return None
    return (now - before) / abs(before)


def _signed(value: float, text: str) -> str:
    return _MINUS + text if value < 0 else text


def _three_digits(size: float) -> str:
    """*size* ≥ 0 with three significant digits, without trailing zeros after the point."""
    if size == 0:
        return "0"
    if size < 0.001:
        return "<0.001"
    decimals = min(max(2 - math.floor(math.log10(size)), 0), 3)
    text = f"{size:.{decimals}f}"
    if len(text.replace(".", "").lstrip("0")) > 3 and decimals:  # 9.999 became 10.00: a digit too many
        text = f"{size:.{decimals - 1}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
