"""``config/channels.yaml``: the rules that give each session its channel, and the lists that the rules use.

Here: validating the file, and converting it to rows: a rule's condition on a field becomes a row for each text that
the field may have.
Not here: the sites that bring traffic (``pipelines.config_tables.traffic_sites``), finding click ids and ignoring hosts
(``sql/core/event_sources.sql``), applying the rules (``sql/core/sessions.sql``).
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from pipelines.config_tables.names import require_distinct_names
from pipelines.config_tables.traffic_sites import CATEGORIES, HOST
from pipelines.home.errors import HeadwaterError
from pipelines.home.yaml_files import describe, read_yaml, shaped

CHANNEL_COLUMNS = {"channel": "VARCHAR", "position": "INTEGER", "name_zh": "VARCHAR", "name_en": "VARCHAR"}
RULE_COLUMNS = {"rule_no": "INTEGER", "rule": "VARCHAR", "channel": "VARCHAR", "fields": "INTEGER"}
CONDITION_COLUMNS = {
    "rule_no": "INTEGER",
    "field": "VARCHAR",
    "value": "VARCHAR",
    "is_open_before": "BOOLEAN",
    "is_open_after": "BOOLEAN",
}
CLICK_ID_COLUMNS = {"click_id": "VARCHAR", "click_id_no": "INTEGER", "source": "VARCHAR", "medium": "VARCHAR"}
IGNORED_HOST_COLUMNS = {"host": "VARCHAR", "is_own": "BOOLEAN"}

FIELDS = ("source", "medium", "campaign", "click_id", "referrer", "site")
"""The fields on which a rule may have conditions.

``site`` is the category of the source in ``config/traffic_sites.csv``.
"""

NONE = "(none)"
"""The text that stands for a field without a value in a condition."""

UNASSIGNED = "unassigned"
"""The channel of a session that matches no rule."""


@dataclass(frozen=True)
class Channel:
    """A channel; *position* is 1 for the first channel of the file, 2 for the second, and so on."""

    channel: str
    position: int
    name_zh: str
    name_en: str


@dataclass(frozen=True)
class ChannelRule:
    """A rule: a session that meets its conditions has *channel*, unless it also meets a rule with a smaller number.

    *fields* is the number of fields on which the rule has conditions; all of them must hold.
    """

    rule_no: int
    rule: str
    channel: str
    fields: int


@dataclass(frozen=True)
class ChannelCondition:
    """A text that *field* may have under a rule, in lower case.

    *is_open_before*: the field may have any text before *value*; *is_open_after*: any text after it. A field without a
    value meets only the condition ``NONE``.
    """

    rule_no: int
    field: str
    value: str
    is_open_before: bool
    is_open_after: bool


@dataclass(frozen=True)
class ClickId:
    """A parameter with which an advertising platform marks a click.

    If an address has several, the one with the smallest *click_id_no* counts.
    """

    click_id: str
    click_id_no: int
    source: str
    medium: str


@dataclass(frozen=True)
class IgnoredHost:
    """A host whose pages, and those of its subdomains, are never the source of a session.

    *is_own*: it is the shop's own host.
    """

    host: str
    is_own: bool


@dataclass(frozen=True)
class Channels:
    """The content of the file as rows of tables."""

    channels: tuple[Channel, ...]
    rules: tuple[ChannelRule, ...]
    conditions: tuple[ChannelCondition, ...]
    click_ids: tuple[ClickId, ...]
    ignored_hosts: tuple[IgnoredHost, ...]


_KEY = shaped("[a-z][a-z0-9_]*", "lower-case letters, digits and underscores, beginning with a letter")
_HOST = shaped(HOST.pattern, "a host without www. in lower case, such as shop.example")
_PARAMETER = shaped("[A-Za-z_][A-Za-z0-9_.-]*", "the name of a parameter of an address, such as gclid")
_WORD = shaped(r"[^\s*](.*[^\s*])?", "a text without * such as google")


def _texts(value: object) -> object:
    """*value*, one text or a list of texts, as a list in lower case; a ValueError says what a text may be."""
    texts = []
    for text in value if isinstance(value, list) else [value]:
        if not isinstance(text, str) or not text.strip():
            raise ValueError("expected a text such as cpc, or a list of texts; put numbers and null in quotes")
        if "*" in text.strip("*"):
            raise ValueError(f"'{text}': * stands for any text, and may be only at the ends")
        texts.append(text.strip().lower())
    if not texts:
        raise ValueError("expected at least one text; to allow any, remove the condition")
    return texts


_Texts = Annotated[tuple[str, ...] | None, BeforeValidator(_texts)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Name(_Strict):
    name_zh: str
    name_en: str


class _Click(_Strict):
    source: Annotated[str, _WORD]
    medium: Annotated[str, _WORD]


class _Rule(_Strict):
    rule: Annotated[str, _KEY]
    channel: Annotated[str, _KEY]
    source: _Texts = None
    medium: _Texts = None
    campaign: _Texts = None
    click_id: _Texts = None
    referrer: _Texts = None
    site: _Texts = None

    def conditions(self) -> dict[str, tuple[str, ...]]:
        """Field → the texts that the field may have."""
        return {field: texts for field in FIELDS if (texts := getattr(self, field)) is not None}


class _File(_Strict):
    channels: dict[Annotated[str, _KEY], _Name]
    rules: tuple[_Rule, ...]
    click_ids: dict[Annotated[str, _PARAMETER], _Click]
    ignore_referrers: tuple[Annotated[str, _HOST], ...]
    own_hosts: tuple[Annotated[str, _HOST], ...] = ()


def load_channels(path: Path) -> Channels:
    """The channels, rules, click ids and hosts in *path*.

    Raises:
        HeadwaterError: an unknown or missing key, a wrong value, no channel ``UNASSIGNED``, two channels or two rules
            of one name, a rule without a condition or for an unknown channel or click id, or a host that is listed
            twice; with the file and the key.
    """
    content = read_yaml(path)
    try:
        file = _File.model_validate({} if content is None else content)
    except ValidationError as error:
        raise HeadwaterError(
            _naming_rules(describe(error, _File), content),
            where=path,
            remedy="docs/channels.md explains each key; without the file, the shipped channels apply",
        ) from error
    if UNASSIGNED not in file.channels:
        raise HeadwaterError(
            f"'channels' has no '{UNASSIGNED}', the channel of sessions that no rule matches",
            where=path,
            remedy=f"add {UNASSIGNED}: {{name_zh: 未分类, name_en: Unassigned}}",
        )
    require_distinct_names(path, "channel", file.channels)
    _validate_rules(path, file)
    return Channels(
        tuple(
            Channel(channel, position, name.name_zh, name.name_en)
            for position, (channel, name) in enumerate(file.channels.items(), start=1)
        ),
        tuple(
            ChannelRule(number, rule.rule, rule.channel, len(rule.conditions()))
            for number, rule in enumerate(file.rules, start=1)
        ),
        tuple(_conditions(file)),
        tuple(
            ClickId(name, number, click.source.lower(), click.medium.lower())
            for number, (name, click) in enumerate(file.click_ids.items(), start=1)
        ),
        tuple(_ignored_hosts(path, file)),
    )


def _naming_rules(errors: str, content: object) -> str:
    """*errors* with readable places: ``medium of rule 1 (channel paid)`` instead of ``rules.0.medium``."""

    def rule(match: re.Match[str]) -> str:
        key, number = match["key"], int(match["number"])
        item = content["rules"][number] if isinstance(content, dict) else None
        channel = item.get("channel") if isinstance(item, dict) else None
        of_channel = f" (channel {channel})" if channel is not None else ""
        return ("" if key is None else f"'{key}' of ") + f"rule {number + 1}{of_channel}"

    return re.sub(r"'rules\.(?P<number>\d+)(\.(?P<key>[^']+))?'", rule, errors)


def _validate_rules(path: Path, file: _File) -> None:
    seen: set[str] = set()
    for rule in file.rules:
        where = f"{path}, rule '{rule.rule}'"
        if rule.rule in seen:
            raise HeadwaterError("an earlier rule has this name", where=where, remedy="give it another name")
        seen.add(rule.rule)
        if rule.channel not in file.channels:
            raise HeadwaterError(
                f"channel '{rule.channel}' is not one of the 'channels' of this file",
                where=where,
                remedy=_closest(rule.channel, list(file.channels)),
            )
        if not rule.conditions():
            raise HeadwaterError(
                f"has no condition on {', '.join(FIELDS)}, so it matches every session and no later rule applies",
                where=where,
                remedy="add a condition; a session that no rule matches is unassigned",
            )
        for category in rule.site or ():
            if category not in (*CATEGORIES, NONE):
                raise HeadwaterError(
                    f"site '{category}' is not a category of config/traffic_sites.csv",
                    where=where,
                    remedy=_closest(category, [*CATEGORIES, NONE]),
                )
        for text in rule.click_id or ():
            if text != NONE and not any(fnmatchcase(known.lower(), text) for known in file.click_ids):
                raise HeadwaterError(
                    f"click_id '{text}' is not one of the 'click_ids' of this file",
                    where=where,
                    remedy=f"{_closest(text, list(file.click_ids))}; if not, add it to click_ids",
                )


def _closest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"


def _conditions(file: _File) -> Iterator[ChannelCondition]:
    for number, rule in enumerate(file.rules, start=1):
        for field, texts in rule.conditions().items():
            for text in dict.fromkeys(texts):
                yield ChannelCondition(number, field, text.strip("*"), text[0] == "*", text[-1] == "*")


def _ignored_hosts(path: Path, file: _File) -> Iterator[IgnoredHost]:
    seen: dict[str, str] = {}
    for key, hosts in (("own_hosts", file.own_hosts), ("ignore_referrers", file.ignore_referrers)):
        for host in hosts:
            if host in seen:
                raise HeadwaterError(
                    f"'{key}': {host} is already in {seen[host]}", where=path, remedy="remove one of the two"
                )
            seen[host] = key
            yield IgnoredHost(host, key == "own_hosts")
