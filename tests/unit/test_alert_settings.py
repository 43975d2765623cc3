"""What config/alerts.yaml, config/subscriptions.csv and config/secrets.env may say."""

import os
import re
from pathlib import Path

import pytest

from dashboards.app.watch.settings import load_watch
from pipelines.delivery.addresses import filled_in, secrets_of, service_of
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home, init_home

PEOPLE = "people: {ops: 'json://127.0.0.1/x'}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return init_home(tmp_path / "home")[0]


def written(home: Home, alerts: str, *subscriptions: str) -> None:
    """Write alerts.yaml and subscriptions.csv; *subscriptions* are rows with the columns name, what, to, every, at."""
    home.alerts_file.write_text(alerts, encoding="utf-8")
    lines = "\n".join(["name,what,to,every,at", *subscriptions])
    home.subscriptions_file.write_text(f"{lines}\n", encoding="utf-8")


def test_a_new_home_tells_nobody_anything(home: Home) -> None:
    assert load_watch(home).is_empty
    home.alerts_file.unlink()
    home.subscriptions_file.unlink()
    assert load_watch(home).is_empty


def test_the_examples_of_the_shipped_files_are_valid(home: Home) -> None:
    text = re.sub(r"^#  (?=\S)", "  ", home.alerts_file.read_text(encoding="utf-8"), flags=re.M)
    home.alerts_file.write_text(re.sub(r": (\{\}|\[\])$", ":", text, flags=re.M), encoding="utf-8")
    *lines, header = home.subscriptions_file.read_text(encoding="utf-8").splitlines()
    rows = [line.removeprefix("#").strip() for line in lines[lines.index("# Examples:") + 1 :]]
    home.subscriptions_file.write_text("\n".join([header, *rows]), encoding="utf-8")
    watch = load_watch(home)
    assert len(watch.alerts) == 7
    assert len(watch.people) == 6
    assert len(watch.subscriptions) == 2


@pytest.mark.parametrize(
    ("alert", "error"),
    [
        ("{metric: revenu, below: 1, to: ops}", "unknown metric 'revenu'; did you mean 'revenue'?"),
        ("{metric: revenue, belo: 1, to: ops}", "unknown key 'alerts.a.belo'"),
        ("{metric: revenue, below: 1, to: eve}", "names 'eve', who is not among 'people'"),
        ("{metric: revenue, to: ops}", "expected one rule"),
        ("{metric: revenue, below: 1, unusual: low, to: ops}", "expected one rule"),
        ("{metric: revenue, below: 2, above: 1, to: ops}", "expected below < above"),
        ("{metric: revenue, falls_by: 30, to: ops}", "less than or equal to 1"),
        ("{metric: revenue, below: '1', to: ops}", "expected a number"),
        ("{metric: revenue, below: 1, against: year, to: ops}", "'against' belongs to"),
        ("{metric: revenue, below: 1, slice: {colour: red}, to: ops}", "unknown dimension 'colour'"),
        ("{metric: impressions, below: 1, slice: {brand: x}, to: ops}", "'impressions' cannot be sliced by brand"),
        ("{metric: spend, below: 1, slice: {platform: web}, to: ops}", "'spend' cannot be sliced by platform"),
        ("{metric: events, below: 1, slice: {entrance: web}, to: ops}", None),
        ("{metric: page_views, below: 1, slice: {platform: web}, to: ops}", None),
        ("{metric: views, below: 1, slice: {platform: web}, to: ops}", "'views' cannot be sliced by platform"),
        ("{metric: new_customers, below: 1, to: ops}", "'new_customers' has no daily value"),
        ("{metric: revenue_share, below: 1, to: ops}", "'revenue_share' has no daily value"),
        ("{metric: members, below: 1, to: ops}", "no formula"),
        ("{when: data_late, by: 8 o'clock, to: ops}", "expected a time such as 08:00"),
        ("{when: run_failed, by: '08:00', to: ops}", "'by' belongs to"),
        ("{when: run_failed, below: 1, to: ops}", "a rule and a slice belong to 'metric'"),
        ("{metric: revenue, when: run_failed, below: 1, to: ops}", "expected either 'metric' or 'when'"),
        ("{metric: revenue, below: 1, to: []}", "expected a text, or a list of texts"),
        ("{metric: revenue, below: 1, to: ops, language: fr}", "'zh' or 'en'"),
    ],
)
def test_faults_of_an_alert_are_named(home: Home, alert: str, error: str | None) -> None:
    written(home, f"{PEOPLE}alerts:\n  a: {alert}\n")
    if error is None:
        assert "a" in load_watch(home).alerts
        return
    with pytest.raises(HeadwaterError) as raised:
        load_watch(home)
    assert error in str(raised.value)
    assert str(home.alerts_file) in str(raised.value)


@pytest.mark.parametrize(
    ("subscription", "error"),
    [
        ("s,/nowhere,ops,,", "expected report, or the address of a page"),
        ("s,/paths,ops,,", "expected report, or the address of a page"),
        ("s,/alerts,ops,,", "expected report, or the address of a page"),
        ("s,/sql,ops,,", "expected report, or the address of a page"),
        ("s,/customers?user=u1,ops,,", "would name persons"),
        ("s,/customers?segment=octant:1,ops,,", "would name persons"),
        ("s,/?in.colour=red,ops,,", "'in.colour' in the address is unknown"),
        ("s,report,ops,hour,", "'day', 'monday'"),
        ("s,report,ops,,8", "expected a time such as 08:00"),
        ("s,report,eve,,", "names 'eve', who is not among 'people'"),
        ("s,report,,,", "expected a text, or a list of texts"),
        ("a/b,report,ops,,", "name is 'a/b', expected letters"),
    ],
)
def test_faults_of_a_subscription_are_named(home: Home, subscription: str, error: str) -> None:
    written(home, PEOPLE, subscription)
    with pytest.raises(HeadwaterError) as raised:
        load_watch(home)
    assert error in str(raised.value)
    assert str(home.subscriptions_file) in str(raised.value)


def test_an_alert_and_a_subscription_need_two_names(home: Home) -> None:
    alerts = f"{PEOPLE}alerts: {{same: {{when: run_failed, to: ops}}}}\n"
    written(home, alerts, "same,report,ops,,")
    with pytest.raises(HeadwaterError, match="has the name of an alert"):
        load_watch(home)


@pytest.mark.parametrize(
    "people",
    ["{ops: [dingtalk://SECRET1]}", "[dingtalk://SECRET1]", "dingtalk://SECRET1", "{ops: {to: dingtalk://SECRET1}}"],
)
def test_errors_never_quote_an_address(home: Home, people: str) -> None:
    for text in (f"people: {people}\n", f"peple: {people}\n", f"people: {people}\nalerts: 1\n", people):
        written(home, text)
        with pytest.raises(HeadwaterError) as raised:
            load_watch(home)
        assert "SECRET1" not in str(raised.value)
        assert "SECRET1" not in repr(raised.value.__cause__)


def test_secrets_come_from_a_file_that_only_its_owner_reads(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FROM_OUTSIDE", "environment")
    home.secrets_file.write_text("# tokens\nTOKEN = 'a b'\nexport KEY=x=y\nFROM_OUTSIDE=file\n", encoding="utf-8")
    for mode in (0o644, 0o640, 0o604):
        home.secrets_file.chmod(mode)
        with pytest.raises(HeadwaterError, match="chmod 600"):
            secrets_of(home)
    home.secrets_file.chmod(0o600)
    found = secrets_of(home)
    assert (found["TOKEN"], found["KEY"], found["FROM_OUTSIDE"]) == ("a b", "x=y", "environment")
    home.secrets_file.write_text("TOKEN=ok\nSECRET1 without a sign\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match="line 2") as raised:
        secrets_of(home)
    assert "SECRET1" not in str(raised.value)
    home.secrets_file.unlink()
    assert secrets_of(home) == dict(os.environ)


def test_names_in_addresses_are_filled_in() -> None:
    assert filled_in("slack://${A}/${B}", {"A": "1", "B": "2"}) == "slack://1/2"
    for secrets in ({}, {"A": ""}):
        with pytest.raises(HeadwaterError, match=r"\$\{A\} is not set"):
            filled_in("slack://${A}", secrets)


@pytest.mark.parametrize(
    ("address", "error"),
    [
        ("dingtalk://abcdef123456", "holds a password or a token"),
        ("jsons://user:pass@host.example/x", "holds a password or a token"),
        ("nonsense://x", "is not an address that apprise knows"),
        ("dingtalk://%%%", "is not an address that apprise knows"),
        ("mailto://localhost?from=a@b.example&to=c@d.example,e@f.example", "has 2 recipients"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(address: str, error: str) -> None:
    with pytest.raises(HeadwaterError, match=error) as raised:
        service_of(address, {})
    assert address not in str(raised.value)
    assert raised.value.__cause__ is None


def test_addresses_with_secrets_by_name_are_accepted() -> None:
    secrets = {"TOKEN": "abcdef123456"}
    for address in ("dingtalk://${TOKEN}", "feishu://${TOKEN}", "wecombot://${TOKEN}", "json://127.0.0.1/hook"):
        assert len(service_of(address, secrets)) == 1
