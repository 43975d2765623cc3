"""Requests for Dash callbacks: those of our pages are answered; any other gets status 400 and logs no error."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import flask.testing
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboards.app.server import create_app
from pipelines.home.folder import init_home

SHOW = {
    "output": "..root.children...shown.data..",
    "outputs": [{"id": "root", "property": "children"}, {"id": "shown", "property": "data"}],
    "inputs": [{"id": "address", "property": "data", "value": "/?lang=en"}],
    "changedPropIds": ["address.data"],
}
STOP = {
    "output": "sql-stop.title",
    "outputs": {"id": "sql-stop", "property": "title"},
    "inputs": [{"id": "sql-stop", "property": "n_clicks", "value": 1}],
    "state": [{"id": "sql-next", "property": "data", "value": "0" * 32}],
    "changedPropIds": ["sql-stop.n_clicks"],
}
RUN = {
    "output": "sql-done.data",
    "outputs": {"id": "sql-done", "property": "data"},
    "inputs": [{"id": "sql-run", "property": "n_clicks", "value": 1}],
    "state": [
        {"id": "sql-auto", "property": "data", "value": False},
        {"id": "sql-text", "property": "value", "value": "SELECT 1"},
        {"id": "sql-next", "property": "data", "value": "0" * 32},
        {"id": "address", "property": "data", "value": "/sql"},
        {"id": "sql-values", "property": "data", "value": {}},
    ],
    "changedPropIds": ["sql-run.n_clicks"],
}
BADGE = {
    "output": "badge.children",
    "outputs": {"id": "badge", "property": "children"},
    "inputs": [{"id": "tick", "property": "n_intervals", "value": 3}],
    "state": [
        {"id": "shown", "property": "data", "value": ""},
        {"id": "address", "property": "data", "value": "/?lang=zh"},
    ],
    "changedPropIds": ["tick.n_intervals"],
}
REQUESTS = {"show": SHOW, "stop": STOP, "badge": BADGE, "run": RUN}


@pytest.fixture(scope="module")
def client(tmp_path_factory) -> flask.testing.FlaskClient:
    return create_app(init_home(tmp_path_factory.mktemp("callbacks") / "home")[0]).server.test_client()


@pytest.fixture(autouse=True)
def no_traceback(caplog) -> Iterator[None]:
    yield
    assert not [record for record in caplog.records if record.exc_info or record.levelno >= logging.ERROR]


def sent(client: flask.testing.FlaskClient, body: object) -> tuple[int, str]:
    answer = client.post("/_dash-update-component", data=json.dumps(body), content_type="application/json")
    return answer.status_code, answer.get_data(as_text=True)


def changed(request: dict[str, Any], **values: object) -> dict[str, Any]:
    return deepcopy(request) | values


@pytest.mark.parametrize("request_", [SHOW, STOP, BADGE], ids=["show", "stop", "badge"])
def test_what_a_page_sends_is_answered(client, request_):
    assert sent(client, request_)[0] in (200, 204)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", None),
        (b"x", "text/plain"),
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"[" * 900_000, "application/json"),
        (b'{"a":' * 100_000, "application/json"),
        (b"9" * 10_000, "application/json"),
        (json.dumps(SHOW).encode(), "text/plain"),
        (json.dumps(SHOW).encode("utf-16"), "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_no_json_is_refused(client, content, kind):
    answer = client.post("/_dash-update-component", data=content, content_type=kind)
    assert answer.status_code == 400


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize(
    "values",
    [
        {"output": None},
        {"output": 5},
        {"output": ["root.children"]},
        {"output": "root.children"},
        {"output": "sql-fault.children"},
        {"outputs": []},
        {"outputs": {}},
        {"outputs": None},
        {"outputs": {"id": "root", "property": "title"}},
        {"outputs": [{"id": "sql-done", "property": "data"}] * 2},
        {"inputs": None},
        {"inputs": []},
        {"inputs": {}},
        {"inputs": [None]},
        {"inputs": [[{"id": "address", "property": "data", "value": "/"}]]},
        {"inputs": [{"id": {"type": "set", "key": "x"}, "property": "value", "value": 1}]},
        {"inputs": [{"id": "address"}]},
        {"inputs": [{"property": "data"}]},
        {"inputs": SHOW["inputs"] * 2},
        {"state": [{"id": "address", "property": "id", "value": ""}]},
        {"state": RUN["state"][::-1]},
        {"state": 7},
        {"changedPropIds": None},
        {"changedPropIds": "address.data"},
        {"changedPropIds": [1]},
        {"changedPropIds": ["address.id"]},
    ],
)
def test_a_request_of_another_form_is_refused(client, name, values):
    assert sent(client, changed(REQUESTS[name], **values))[0] == 400


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("key", ["output", "outputs", "inputs", "changedPropIds"])
def test_a_request_without_one_of_its_parts_is_refused(client, name, key):
    request = changed(REQUESTS[name])
    del request[key]
    assert sent(client, request)[0] == 400


@pytest.mark.parametrize(
    ("name", "part", "place", "values"),
    [
        ("show", "inputs", 0, [5, ["/"], {"a": 1}, True, 1.5]),
        ("badge", "inputs", 0, ["3", [3], 1.5, True]),
        ("badge", "state", 0, [5, []]),
        ("badge", "state", 1, [5, {}]),
        ("run", "inputs", 0, ["1", {}, 0.5, True]),
        ("run", "state", 0, ["yes", 1]),
        ("run", "state", 1, [5, ["SELECT 1"], {"sql": 1}]),
        ("run", "state", 2, [5, ["0" * 32]]),
        ("run", "state", 3, [5, []]),
        ("run", "state", 4, [5, [], "x", {"days": 7}]),
        ("stop", "inputs", 0, ["1", [1]]),
        ("stop", "state", 0, [5, {}]),
    ],
)
def test_a_value_of_another_type_is_refused_by_its_name(client, name, part, place, values):
    for value in values:
        request = changed(REQUESTS[name])
        request[part][place]["value"] = value
        status, text = sent(client, request)
        assert status == 400, value
        assert text.startswith(f"{request[part][place]['id']}.{request[part][place]['property']}")


@pytest.mark.parametrize("value", [None, "", "..", "x" * 32, "0" * 31])
def test_a_key_that_is_none_runs_nothing(client, value):
    """A page that was opened long ago may send an invalid run key; the request is then answered without an error."""
    request = changed(RUN)
    request["state"][2]["value"] = value
    assert sent(client, request)[0] in (200, 204)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def damaged(draw) -> object:
    """The body of a page's request with one value, at any depth, replaced, removed or repeated."""
    request = changed(draw(st.sampled_from([SHOW, STOP, BADGE])))
    place: Any = request
    while True:
        key = draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key]) or draw(st.booleans()):
            break
        place = place[key]
    how = draw(st.sampled_from(["other", "missing", "twice"]))
    if how == "other":
        place[key] = draw(JSON)
    elif how == "missing":
        del place[key]
    elif isinstance(place, list):
        place.append(place[key])
    return request


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(body=JSON | damaged())
def test_whatever_is_sent_is_answered_or_refused_and_no_fault(client, body):
    assert sent(client, body)[0] in (200, 204, 400)


@pytest.mark.parametrize(
    "path",
    [
        "/_dash-component-suites/nope/x.js",
        "/_dash-component-suites/os/path.py",
        "/_dash-component-suites/dash/../dash.py",
        "/_dash-component-suites/dash/deps/%00.js",
    ],
)
def test_a_file_of_a_library_that_there_is_not_is_not_found(client, path):
    assert client.get(path).status_code == 404
