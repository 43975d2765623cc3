"""IP addresses are normalised, however a socket or a proxy writes them, before they are counted or trusted."""

from __future__ import annotations

import pytest

from dashboards.access.attempts import FREE_OF_ADDRESS, Attempts
from dashboards.access.database import Database
from dashboards.access.rules import Proxy, rules_for
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import init_home
from pipelines.web.network import network_of, plain_address, read_network

WAYS = [
    "203.0.113.9",
    "::ffff:203.0.113.9",
    "::FFFF:cb00:7109",
    "203.0.113.9:4711",
    "[::ffff:203.0.113.9]:80",
    " 203.0.113.9 ",
]
"""The ways to write one address."""


@pytest.mark.parametrize("text", WAYS)
def test_an_address_has_one_form(text):
    assert plain_address(text) == network_of(text) == "203.0.113.9"


@pytest.mark.parametrize(
    ("text", "plain", "network"),
    [
        ("2001:DB8::1", "2001:db8::1", "2001:db8::/64"),
        ("[2001:db8::1]:443", "2001:db8::1", "2001:db8::/64"),
        ("[2001:db8:0:0:1::]", "2001:db8:0:0:1::", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
        ("unknown", "unknown", "unknown"),
        ("203.0.113.999", "203.0.113.999", "203.0.113.999"),
        ("_hidden", "_hidden", "_hidden"),
        ("", "", ""),
    ],
)
def test_other_addresses_and_what_is_none(text, plain, network):
    assert (plain_address(text), network_of(text)) == (plain, network)


def test_attempts_of_an_address_count_however_it_is_written(tmp_path):
    attempts = Attempts(Database(init_home(tmp_path / "home")[0]), lambda: 1_000_000.0)
    for number in range(FREE_OF_ADDRESS):
        assert attempts.begin(f"name{number}", WAYS[number % len(WAYS)]) == 0
    for way in WAYS:
        assert attempts.begin("another", way) > 0
    # Attempts from other IPv4 addresses do not count, although all IPv4-mapped addresses are in one IPv6 network.
    assert attempts.begin("another", "::ffff:203.0.113.10") == 0


@pytest.mark.parametrize("trusted", ["10.0.0.0/30", "::ffff:10.0.0.0/126", "::ffff:10.0.0.2"])
@pytest.mark.parametrize("said", ["10.0.0.2", "::ffff:10.0.0.2", "[::ffff:10.0.0.2]:80", "10.0.0.2:5000"])
def test_a_trusted_proxy_is_known_however_it_is_written(trusted, said):
    proxy = Proxy((read_network(trusted),))
    assert proxy.is_at(said)
    assert not proxy.is_at("10.0.0.4")
    assert not proxy.is_at("::10.0.0.2")
    assert not proxy.is_at("")


def test_what_is_no_network_is_refused(tmp_path):
    home = init_home(tmp_path / "home")[0]
    for text in ("10.0.0.1/24", "proxy.example", "::ffff:10.0.0.1/96", ""):
        with pytest.raises(HeadwaterError, match="not an address or network"):
            rules_for(home, "127.0.0.1", trusted=[text], user_header="X-User")
