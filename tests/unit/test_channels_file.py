"""config/channels.yaml and config/traffic_sites.csv: errors name the file and the key or row, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.config_tables import load_config_tables
from pipelines.config_tables.channels import ChannelCondition, load_channels
from pipelines.config_tables.traffic_sites import load_traffic_sites
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import REPOSITORY, init_home
from pipelines.home.settings import Settings

CHANNELS = """
channels:
  direct: {name_zh: 直接, name_en: Direct}
  paid: {name_zh: 付费, name_en: Paid}
  unassigned: {name_zh: 未分类, name_en: Unassigned}
click_ids:
  gclid: {source: Google, medium: cpc}
ignore_referrers: [paypal.com]
"""


def channels(folder: Path, rules: str, rest: str = CHANNELS):
    (folder / "channels.yaml").write_text(f"rules:\n{rules}\n{rest}", encoding="utf-8")
    return load_channels(folder / "channels.yaml")


def refused(read: Callable[..., object], folder: Path, *texts: str) -> str:
    """The error message of *read* (``channels`` or ``sites``) for *texts*; asserts that it names the file."""
    with pytest.raises(HeadwaterError) as caught:
        read(folder, *texts)
    assert str(folder) in str(caught.value)
    return str(caught.value)


def sites(folder: Path, rows: str):
    (folder / "traffic_sites.csv").write_text(f"site,source,category\n{rows}\n", encoding="utf-8")
    return load_traffic_sites(folder / "traffic_sites.csv")


def test_a_condition_becomes_a_row_for_each_of_its_texts(tmp_path: Path) -> None:
    found = channels(tmp_path, '  - {rule: a, channel: paid, medium: [CPC, "*cp*", "paid*", cpc], source: (none)}')
    assert [(row.rule_no, row.rule, row.channel, row.fields) for row in found.rules] == [(1, "a", "paid", 2)]
    assert found.conditions == (
        ChannelCondition(1, "source", "(none)", is_open_before=False, is_open_after=False),
        ChannelCondition(1, "medium", "cpc", is_open_before=False, is_open_after=False),
        ChannelCondition(1, "medium", "cp", is_open_before=True, is_open_after=True),
        ChannelCondition(1, "medium", "paid", is_open_before=False, is_open_after=True),
    )
    assert [(row.click_id, row.source) for row in found.click_ids] == [("gclid", "google")]
    assert [(row.host, row.is_own) for row in found.ignored_hosts] == [("paypal.com", False)]


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ("  - {rule: a, channel: piad, medium: cpc}", "rule 'a': channel 'piad' is not one of the 'channels'"),
        ("  - {rule: a, channel: piad, medium: cpc}", "did you mean 'paid'?"),
        ("  - {rule: a, channel: paid}", "rule 'a': has no condition on source, medium"),
        ("  - {rule: a, channel: paid, site: serch}", "rule 'a': site 'serch' is not a category"),
        (
            "  - {rule: a, channel: paid, medium: cpc}\n  - {rule: a, channel: direct, medium: x}",
            "rule 'a': an earlier rule has this name",
        ),
        ("  - {rule: a, channel: paid, medium: 'c*c'}", "* stands for any text, and may be only at the ends"),
        ("  - {rule: a, channel: paid, source: 360}", "put numbers and null in quotes"),
        ("  - {rule: a, channel: paid, medium: []}", "expected at least one text"),
        ("  - {rule: a, channel: paid, mediun: cpc}", "unknown key 'mediun' of rule 1 (channel paid); expected"),
        (
            "  - {rule: a, channel: paid, medium: 3}\n  - {rule: b, chanel: x}",
            "'medium' of rule 1 (channel paid) is 3: ",
        ),
        ("  - {rule: a, channel: paid, medium: x}\n  - {rule: b, chanel: x}", "key 'channel' of rule 2 is missing"),
        ("  - [a]", 'rule 1 is ["a"]: expected keys such as rule, channel'),
        ("  - {rule: a, channel: paid, click_id: glcid}", "rule 'a': click_id 'glcid' is not one of the 'click_ids'"),
        ("  - {rule: a, channel: paid, click_id: glcid}", "did you mean 'gclid'?"),
        ("  - {rule: a, channel: paid, click_id: 'bd*'}", "rule 'a': click_id 'bd*' is not one of the 'click_ids'"),
        ("  - {rule: A b, channel: paid, medium: cpc}", "expected lower-case letters, digits and underscores"),
    ],
)
def test_a_wrong_rule_is_refused(tmp_path: Path, rules: str, expected: str) -> None:
    assert expected in refused(channels, tmp_path, rules)


@pytest.mark.parametrize("click_id", ["GCLID", "'g*'", "'*'", "(none)"])
def test_a_rule_may_name_a_click_id_or_a_part_of_it(tmp_path: Path, click_id: str) -> None:
    found = channels(tmp_path, f"  - {{rule: a, channel: paid, click_id: {click_id}}}")
    assert [row.field for row in found.conditions] == ["click_id"]


@pytest.mark.parametrize(
    ("given", "instead", "expected"),
    [
        ("[paypal.com]", "[www.paypal.com]", "a host without www. in lower case"),
        ("[paypal.com]", "[https://paypal.com]", "a host without www. in lower case"),
        ("[paypal.com]", "[paypal.com]\nown_hosts: [paypal.com]", "paypal.com is already in own_hosts"),
        ("medium: cpc}", "medium: '*'}", "a text without *"),
        ("medium: cpc}", "}", "key 'click_ids.gclid.medium' is missing"),
        ("gclid:", '"g clid":', "the name of a parameter of an address"),
        ("unassigned:", "unknown:", "'channels' has no 'unassigned'"),
        ("name_en: Paid", "name_en: Direct", "channel 'paid': name_en 'Direct' is already that of channel 'direct'"),
        ("name_zh: 付费", "name_zh: 直接", "channel 'paid': name_zh '直接' is already that of channel 'direct'"),
    ],
)
def test_a_wrong_host_click_id_or_channel_is_refused(tmp_path: Path, given: str, instead: str, expected: str) -> None:
    assert given in CHANNELS
    rest = CHANNELS.replace(given, instead, 1)
    assert expected in refused(channels, tmp_path, "  - {rule: a, channel: paid, medium: cpc}", rest)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ("google.com,google,search\ngoogle.com,g,search", "row 3: row 2 already has the site google.com"),
        ("google.com,google,search\ngoogle.de,google,social", "row 3: source 'google' is social, but search in row 2"),
        ("www.google.com,google,search", "row 2: site is 'www.google.com', expected a host without www."),
        ("https://google.com,google,search", "row 2: site is 'https://google.com', expected a host"),
        ("google.com,,search", "row 2: source is empty"),
        ("google.com,google,serach", "row 2: category is 'serach', expected one of search, social"),
    ],
)
def test_a_wrong_site_is_refused(tmp_path: Path, rows: str, expected: str) -> None:
    assert expected in refused(sites, tmp_path, rows)


def test_a_home_without_the_files_uses_the_shipped_ones(tmp_path: Path) -> None:
    home, _ = init_home(tmp_path / "shop")
    copied = load_config_tables(home, Settings())
    home.channels_file.unlink()
    home.traffic_sites_file.unlink()
    shipped = load_config_tables(home, Settings())
    for table in ("config.channel_rules", "config.traffic_sites", "config.ignored_hosts"):
        assert shipped.rows(table) == copied.rows(table) != ()


def test_the_shipped_sites_are_many_and_sound() -> None:
    rows = load_traffic_sites(REPOSITORY / "config" / "traffic_sites.csv")
    assert len([row for row in rows if "." in row.site]) >= 200
    clicks = load_channels(REPOSITORY / "config" / "channels.yaml").click_ids
    mailers_and_affiliates = {"impact", "cj", "awin", "mailchimp", "klaviyo"}
    assert {click.source for click in clicks} - mailers_and_affiliates <= {row.source for row in rows}
