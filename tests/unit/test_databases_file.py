"""``config/databases.yaml``: a fault is reported in one line, and a password is read only from a safe place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from pipelines.commands.diagnosis import diagnose
from pipelines.compute.home_check import check_home
from pipelines.databases.settings import load_databases, url_of
from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import Home
from tests.support import make_home

ORDERS = {"to": "native/orders", "cursor": "updated_at"}
URL = "postgresql://u:secret@host/shop"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return make_home(tmp_path / "home")


def declare(home: Home, **database: object) -> None:
    content = {"shop": {"url_variable": "SHOP_DATABASE", "tables": {"orders": ORDERS}} | database}
    home.databases_file.write_text(yaml.safe_dump(content), encoding="utf-8")


def test_a_home_needs_no_databases(home: Home) -> None:
    assert load_databases(home) == {}
    home.databases_file.write_text("# none yet\n", encoding="utf-8")
    assert load_databases(home) == {}


def test_what_may_be_left_out_has_a_default(home: Home) -> None:
    declare(home)
    (database,) = load_databases(home).values()
    assert (database.every, database.overlap_minutes) == ("hour", 10)
    assert database.tables["orders"].query is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            {"url": URL},
            "unknown key 'shop.url'; expected one of url_variable, url_file, every, overlap_minutes, tables",
        ),
        ({"url_file": "shop.url"}, "expected either url_variable or url_file"),
        ({"url_variable": None}, "expected either url_variable or url_file"),
        ({"every": "week"}, "'shop.every' is 'week': input should be '15 minutes', 'hour' or 'day'"),
        ({"tables": {}}, "'shop.tables' is {}"),
        ({"tables": {"a.b.c": ORDERS}}, "expected a table such as orders or public.orders; load others by a query"),
        ({"tables": {"orders": {"to": "orders"}}}, "expected <source>/<relation>, such as native/orders"),
        ({"tables": {"orders": {"to": "native/order"}}}, "expected one of native/events, native/orders"),
        ({"tables": {"orders": {"to": "naive/orders"}}}, "'naive/orders', which does not exist; expected one of "),
        ({"tables": {"orders": {"cursor": "updated_at"}}}, "key 'shop.tables.orders.to' is missing"),
    ],
)
def test_a_wrong_file_is_told(home: Home, wrong: dict[str, object], told: str) -> None:
    declare(home, **wrong)
    with pytest.raises(HeadwaterError) as raised:
        load_databases(home)
    assert told in str(raised.value)
    assert raised.value.where == str(home.databases_file)
    assert "secret" not in str(raised.value)


def test_check_and_doctor_tell_it(home: Home) -> None:
    declare(home, every="week")
    assert ["shop.every" in fault for fault in check_home(home).faults] == [True]
    assert ["shop.every" in finding.message for finding in diagnose(home) if finding.level == "error"] == [True]


def test_an_address_comes_from_the_environment(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    declare(home)
    database = load_databases(home)["shop"]
    monkeypatch.delenv("SHOP_DATABASE", raising=False)
    with pytest.raises(HeadwaterError, match="the environment variable SHOP_DATABASE of 'shop' is not set"):
        url_of(home, "shop", database)
    assert [finding.level for finding in diagnose(home) if "SHOP_DATABASE" in finding.message] == ["warn"]
    monkeypatch.setenv("SHOP_DATABASE", f" {URL}\n")
    assert url_of(home, "shop", database) == URL


def test_an_address_in_a_file_is_read_by_its_owner_only(home: Home) -> None:
    declare(home, url_variable=None, url_file="shop.url")
    file = home.root / "shop.url"
    database = load_databases(home)["shop"]
    with pytest.raises(HeadwaterError, match=r"shop\.url: cannot be read: No such file"):
        url_of(home, "shop", database)
    file.write_text(f"{URL}\n", encoding="utf-8")
    for mode in (0o644, 0o640, 0o604):
        file.chmod(mode)
        with pytest.raises(HeadwaterError, match=rf"its mode is {mode:04o}\); chmod 600"):
            url_of(home, "shop", database)
    file.chmod(0o600)
    assert url_of(home, "shop", database) == URL
    os.truncate(file, 0)
    with pytest.raises(HeadwaterError, match="is empty"):
        url_of(home, "shop", database)
