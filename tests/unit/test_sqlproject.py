"""The SQL project: parameters become literals, and an error names a file that breaks the rules for its kind."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlglot

from pipelines.home.errors import HeadwaterError
from pipelines.home.folder import init_home
from pipelines.home.settings import Settings
from pipelines.sqlproject.model import read_model
from pipelines.sqlproject.parameters import bind, look_back
from pipelines.sqlproject.project import load_project
from pipelines.sqlproject.reads import Read

VALUES = {
    "from_dt": dt.date(2026, 3, 1),
    "to_dt": dt.date(2026, 3, 2),
    "hours": 30,
    "names": ("a", "it's"),
    "nothing": (),
    "word": "x'; DROP TABLE t; --",
}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT $hours AS h", "SELECT 30 AS h"),
        ("SELECT $word AS w", "SELECT 'x''; DROP TABLE t; --' AS w"),
        ("SELECT 1 FROM t WHERE dt = $from_dt", "SELECT 1 FROM t WHERE dt = CAST('2026-03-01' AS DATE)"),
        (
            "SELECT 1 FROM t WHERE dt >= $from_dt - (CEIL($hours / 24) + 1)",
            "SELECT 1 FROM t WHERE dt >= CAST('2026-02-26' AS DATE)",
        ),
        ("SELECT 1 FROM t WHERE a IN ($names)", "SELECT 1 FROM t WHERE a IN ('a', 'it''s')"),
        ("SELECT 1 FROM t WHERE NOT a IN ($nothing)", "SELECT 1 FROM t WHERE NOT FALSE"),
        ("SELECT $hours * INTERVAL '1' HOUR AS i", "SELECT 30 * INTERVAL '1' HOUR AS i"),
    ],
)
def test_parameters_are_bound_in_the_tree(query, expected):
    assert bind(sqlglot.parse_one(query, read="duckdb"), VALUES).sql(dialect="duckdb") == expected


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("SELECT $hour AS h", r"unknown parameter \$hour"),
        ("SELECT $names AS n", r"\$names is a list: write 'x IN"),
        (
            "SELECT $to_dt - 3000000 AS d",
            r"2026-03-02 - 3000000 days is outside the years 1 to 9999; reduce the number",
        ),
        ("SELECT $to_dt + 10000000000 AS d", r"2026-03-02 \+ 10000000000 days is outside the years"),
    ],
)
def test_a_parameter_that_cannot_be_bound_is_refused(query, message):
    with pytest.raises(HeadwaterError, match=message):
        bind(sqlglot.parse_one(query, read="duckdb"), VALUES)


def test_look_backs_are_expressions_of_the_settings():
    assert look_back("ceil(hours / 24) + 1", VALUES) == 3
    assert look_back("hours", VALUES) == 30
    assert look_back("2", VALUES) == 2
    for wrong in ("hours / 24", "days + 1", "0 - 1", "word"):
        with pytest.raises(HeadwaterError):
            look_back(wrong, VALUES)


HEADER = """/* model
description: a test
grain: [dt, n]
partition: dt
{extra}columns:
  dt: {{type: DATE, description: day}}
  n: {{type: BIGINT, description: number}}
*/
"""
DAYS = "dt BETWEEN $from_dt AND $to_dt"


def load(tmp_path, query, extra="", header=HEADER, folder="mine", name="table"):
    home, _ = init_home(tmp_path / "shop")
    path = home.sql / folder / f"{name}.sql"
    path.parent.mkdir(parents=True)
    path.write_text(header.format(extra=extra) + query, encoding="utf-8")
    return load_project(home, Settings())


def refused(tmp_path, query, *args, **kwargs):
    with pytest.raises(HeadwaterError) as caught:
        load(tmp_path, query, *args, **kwargs)
    message = str(caught.value)
    assert "\n" not in message
    assert ".sql" in message
    return message


def test_a_home_adds_a_model(tmp_path):
    project = load(tmp_path, f"SELECT dt, COUNT(*) AS n FROM core.events WHERE {DAYS} GROUP BY dt")
    assert project.models["mine.table"].types == {"dt": "DATE", "n": "BIGINT"}
    assert "mine.table" in project.downstream(["core.events"])
    assert project.select(["+mine.table"]) == {
        "mine.table",
        "core.events",
        "core.entrances",
        "core.event_pages",
        "core.event_variants",
    }


def test_an_unnested_list_reads_no_table(tmp_path):
    query = "SELECT e.dt, CAST(u.x AS BIGINT) AS n FROM core.events AS e CROSS JOIN UNNEST([e.slot]) AS u(x)"
    query += f" WHERE e.{DAYS}"
    assert load(tmp_path, query).reads["mine.table"] == (Read("core.events", (0,)),)


@pytest.mark.parametrize(
    ("query", "extra", "expected"),
    [
        (
            f"SELECT dt, COUNT(*) AS n FROM core.event WHERE {DAYS} GROUP BY dt",
            "",
            ":9: unknown table 'core.event'; did you",
        ),
        (
            "SELECT dt, COUNT(*) AS n FROM core.events GROUP BY dt",
            "",
            "core.events is read without a condition on dt; add 'dt BETW",
        ),
        (f"SELECT dt FROM core.events WHERE {DAYS}", "", ":7: column 'n' is declared but not returned by the query"),
        (
            f"SELECT dt, page_id AS n, slot AS s FROM core.events WHERE {DAYS}",
            "",
            "column 's' is returned but not declared; add 's: {type: INTEGER",
        ),
        (
            f"WITH e AS (SELECT dt, page_id AS n FROM core.events WHERE {DAYS}) SELECT e.*, 1 AS n FROM e",
            "",
            "column 'n' is returned 2 times; rename one, or exclude it from a star: step.* EXCLUDE (n)",
        ),
        (
            f"SELECT dt, slot AS n FROM core.events WHERE {DAYS}",
            "",
            "column 'n' is declared as BIGINT, but the query returns INT",
        ),
        (f"SELECT dt, colour AS n FROM core.events WHERE {DAYS}", "", 'Referenced column "colour" not found'),
        (
            "SELECT dt, page_id AS n FROM core.events WHERE dt BETWEEN $from_dt - 3 AND $to_dt",
            "",
            "reads core.events up to 3 days before the computed day; declare this: 'reads: {core.events: 3}'",
        ),
        (
            "SELECT dt, page_id AS n FROM core.events WHERE dt BETWEEN $from_dt - 3 AND $to_dt",
            "reads: {core.events: 2}\n",
            "'reads' declares core.events up to 2 days before the computed day, but the query reads up to 3",
        ),
        (
            "SELECT dt, page_id AS n FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt + 1",
            "",
            "core.events is read without a condition on dt",
        ),
        (
            f"SELECT dt, page_id AS n FROM core.events WHERE {DAYS}",
            "reads: {core.orders: 1}\n",
            "names core.orders, which",
        ),
        (
            f"SELECT dt, page_id AS n FROM core.events WHERE {DAYS}",
            "reads: {core.events: all}\n",
            "'all' is not allowed for core.events, only for raw tables",
        ),
        (
            f"SELECT dt, COUNT(*) AS n FROM core.orders CROSS JOIN (SELECT 1 AS i FROM raw.orders) AS o WHERE {DAYS} "
            "GROUP BY dt",
            "reads: {raw.orders: all}\n",
            "reads all days of raw.orders, so it cannot read core.orders, which is partitioned by day",
        ),
        (f"SELECT dt, $colour AS n FROM core.events WHERE {DAYS}", "", "unknown parameter $colour"),
        ("SELECT dt FROM", "", "not valid SQL"),
        ("SELECT 1; SELECT 2", "", "expected exactly one SELECT, found 2"),
        ("DROP TABLE core.events", "", "expected exactly one SELECT"),
        ("SELECT 1", "sorted_by: [m]\n", "sorted_by names 'm', which is not a declared column"),
        ("SELECT 1", "grains: [n]\n", "unknown key 'grains'; expected one of description, reads, grain"),
    ],
)
def test_a_model_that_breaks_a_rule_is_refused_with_a_remedy(tmp_path, query, extra, expected):
    assert expected in refused(tmp_path, query, extra)


def test_a_file_without_header_is_refused(tmp_path):
    assert "expected a header '/* model" in refused(tmp_path, "SELECT 1", header="")


def test_a_shipped_table_cannot_be_replaced(tmp_path):
    query = f"SELECT dt, page_id AS n FROM core.events WHERE {DAYS}"
    assert "already defines core.events; rename yours" in refused(tmp_path, query, folder="core", name="events")


def test_models_in_a_circle_are_refused(tmp_path):
    home, _ = init_home(tmp_path / "shop")
    (home.sql / "mine").mkdir()
    for name, other in (("a", "b"), ("b", "a")):
        text = HEADER.format(extra="") + f"SELECT dt, n FROM mine.{other} WHERE {DAYS}"
        (home.sql / "mine" / f"{name}.sql").write_text(text, encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"depend on each other"):
        load_project(home, Settings())


def test_a_comment_changes_no_version_and_an_edit_does(tmp_path):
    query = f"SELECT dt, COUNT(*) AS n FROM core.events WHERE {DAYS} GROUP BY dt"
    versions = [
        load(tmp_path / str(number), text).models["mine.table"].code_version
        for number, text in enumerate([query, query + " -- as before", query.replace("COUNT(*)", "COUNT(slot)")])
    ]
    assert versions[0] == versions[1] != versions[2]


def test_an_unknown_selection_names_the_nearest():
    with pytest.raises(HeadwaterError, match=r"did you mean 'core.events'"):
        load_project(None, Settings()).select(["core.event"])


def test_a_date_in_a_header_that_is_none_is_told(tmp_path):
    file = tmp_path / "t.sql"
    file.write_text("/* model\ndescription: 2026-02-30\n*/\nSELECT 1 AS x\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"t\.sql:2: the header is not valid YAML: .*; correct it, or quote"):
        read_model(file, "mine")


def test_a_key_that_a_header_gives_twice_is_refused(tmp_path):
    file = tmp_path / "t.sql"
    columns = "columns:\n  x: {type: BIGINT, description: one}\n  x: {type: VARCHAR, description: two}\n"
    file.write_text(f"/* model\ndescription: d\ngrain: [x]\n{columns}*/\nSELECT 1 AS x\n", encoding="utf-8")
    with pytest.raises(HeadwaterError, match=r"t\.sql:6: the header is not valid YAML: key 'x' is repeated"):
        read_model(file, "mine")


def test_a_header_that_nests_too_deeply_is_refused(tmp_path):
    file = tmp_path / "t.sql"
    for depth in (3_000, 20_000):
        file.write_text(f"/* model\ndescription: {'[' * depth}\n*/\nSELECT 1 AS x\n", encoding="utf-8")
        with pytest.raises(HeadwaterError, match="the header is not valid YAML"):
            read_model(file, "mine")


def test_a_model_comes_after_the_tables_its_checks_read(tmp_path):
    home, _ = init_home(tmp_path / "home")
    header = "/* model\ndescription: x\ngrain: [dt]\npartition: dt\ncolumns:\n  dt: {type: DATE, description: x}\n*/\n"
    own = {
        "a/first.sql": header + "SELECT dt FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt GROUP BY dt",
        "a/second.sql": header + "SELECT dt FROM a.third WHERE dt BETWEEN $from_dt AND $to_dt",
        "a/third.sql": header + "SELECT dt FROM core.events WHERE dt BETWEEN $from_dt AND $to_dt GROUP BY dt",
    }
    # The checks of a.first and a.third both read a.second. The model a.second itself reads a.third.
    for model, other in (("a.first", "a.second"), ("a.third", "a.second")):
        own[f"checks/{model.split('.')[1]}_has_days.sql"] = (
            f"/* check\nmodel: {model}\nseverity: error\ndescription: x\nremedy: x\n*/\n"
            f"SELECT dt FROM {model} ANTI JOIN {other} USING (dt) WHERE dt BETWEEN $from_dt AND $to_dt"
        )
    for name, text in own.items():
        path = home.sql / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    order = [name for name in load_project(home, Settings()).models if name.startswith("a.")]
    assert order == ["a.third", "a.second", "a.first"]
