"""Why a record was quarantined, in the language of the page.

Here: translating the reasons, which ingestion writes in English into ``core.quarantine``.
Not here: the reasons (``pipelines.ingest.records.validation``, ``pipelines.ingest.files``).
"""

from __future__ import annotations

import re

from dashboards.texts import Texts

_KINDS = {
    "missing": r"missing (?P<field>.+)",
    "bad": r"bad (?P<field>.+)",
    "unknown": r"unknown (?P<field>.+)",
    "negative": r"negative (?P<field>.+)",
    "time": r"time out of range",
    "amount": r"amount out of range",
    "forgotten": r"forgotten",
    "no_object": r"not a JSON object",
    "invalid": r"invalid (?P<format>json|csv|UTF-8)",
    "null_byte": r"NUL byte",
    "twice": r"(?P<field>.+) given twice",
    "fields": r"(?P<found>\d+) fields instead of (?P<expected>\d+)",
    "long": r"line longer than (?P<size>\d+) MB",
    "cut": r"the file breaks off here",
}
"""Text ``reason.<key>`` → the English reason."""


def reasons_in(text: Texts, reasons: str) -> str:
    """*reasons*, joined by ``; ``, in the language of *text*; a reason without a translation stays English."""
    if text.language == "en":
        return reasons
    return text("reasons.separator").join(_translated(text, reason) for reason in reasons.split("; "))


def _translated(text: Texts, reason: str) -> str:
    for key, pattern in _KINDS.items():
        if match := re.fullmatch(pattern, reason):
            return text(f"reason.{key}", **match.groupdict())
    return reason
