"""Links that show a view without a sign-in: how long they last, and what is stored of them."""

from __future__ import annotations

import stat

import pytest

from dashboards.access.database import Database
from dashboards.access.links import MOST_DAYS, Links
from pipelines.home.folder import Home

DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def home(tmp_path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def links(home, clock) -> Links:
    return Links(Database(home), clock)


def test_a_link_is_found_by_its_secret_until_its_end(links, clock):
    made, secret = links.make("/entrances?period=7", "ana", clock.now + DAY, "the agency")
    assert links.find(secret) == made
    assert links.find(made.key) is None
    assert links.find(secret[:-1]) is None
    assert made.state(clock.now + DAY - 1) == "open"
    assert made.state(clock.now + DAY) == "expired"


def test_a_revoked_link_stays_revoked(links, clock):
    made, secret = links.make("/", "ana", clock.now + DAY)
    links.revoke(made.key)
    clock.now += 2 * DAY
    links.revoke(made.key)
    found = links.find(secret)
    assert found is not None
    assert found.state(clock.now) == "revoked"
    assert found.revoked_at == clock.now - 2 * DAY


@pytest.mark.parametrize("seconds", [0.0, -1.0, (MOST_DAYS + 1) * DAY + 1, float("inf"), float("nan")])
def test_a_link_has_an_end_within_ninety_days(links, clock, seconds):
    with pytest.raises(ValueError, match="at most 90 days"):
        links.make("/", "ana", clock.now + seconds)
    assert links.all() == []


def test_only_the_hash_of_a_secret_is_stored(home, links, clock):
    _, secret = links.make("/", "ana", clock.now + DAY)
    assert len(secret) >= 43
    for file in home.access.iterdir():
        assert secret.encode() not in file.read_bytes()
    assert stat.S_IMODE(home.sessions_file.stat().st_mode) == 0o600


def test_ended_links_are_listed_for_a_while(links, clock):
    made, secret = links.make("/", "ana", clock.now + DAY)
    clock.now += 80 * DAY
    links.make("/", "ana", clock.now + DAY)
    assert made in links.all()
    clock.now += 20 * DAY
    links.make("/", "ana", clock.now + DAY)
    assert made not in links.all()
    assert links.find(secret) is None
