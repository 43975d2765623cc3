"""``headwater docs``: the data dictionary, made from the headers of the models and checks.

Here: the dictionary as Markdown and as one HTML page.
Not here: the guides in ``docs/``, which people write.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from jinja2 import Environment
from markdown_it import MarkdownIt
from markupsafe import Markup

from pipelines.compute.checks import grain_check_name
from pipelines.config_tables import CONFIG_FILES, CONFIG_TABLES
from pipelines.home.folder import DATA
from pipelines.ingest.sources.raw_tables import RAW_COLUMN_DESCRIPTIONS, RAW_DESCRIPTIONS, RAW_TABLES
from pipelines.sqlproject.metrics import Metric, load_metrics
from pipelines.sqlproject.model import DIALECT, Model
from pipelines.sqlproject.project import Project
from pipelines.sqlproject.queries import Query, columns_read, relations
from pipelines.sqlproject.reads import Read

_PAGE = Path(__file__).with_suffix(".html").read_text(encoding="utf-8")
_INTRODUCTION = (
    "Every table of the lake, from the headers in `sql/`; written by `headwater docs`. Times are UTC, `dt` is a "
    "business day in the shop's time zone, money is DECIMAL(18,4) in the reporting currency unless a column says "
    "otherwise. A rate whose denominator is zero is null."
)


def markdown(project: Project, queries: Iterable[Query] = ()) -> str:
    """The dictionary as Markdown: metrics; schemas, tables, columns, what is read, checks, where the rule stands.

    *queries*: of pages, to say which table they show.
    """
    lines = ["# Data dictionary", "", _INTRODUCTION, "", *_metrics()]
    shown = _shown(project, queries)
    for schema in project.schemas():
        lines += [f"## {schema}", ""]
        for model in project.models.values():
            if model.schema == schema:
                lines += _table(project, model, shown.get(model.name, []))
    lines += ["## raw", "", "Written by ingestion, one file a batch; the models of `core` read them.", ""]
    for table, columns in RAW_TABLES.items():
        lines += [f"### {table}", "", RAW_DESCRIPTIONS[table], ""]
        lines += _columns((name, kind, RAW_COLUMN_DESCRIPTIONS[table][name]) for name, kind in columns.items())
    return "\n".join(lines).rstrip() + "\n"


def _metrics() -> Iterator[str]:
    yield from ("## Metrics", "", "From `sql/metrics.yaml`. A ratio is made of the sums of its parts.", "")
    yield from ("| metric | | unit | better | computed as | |", "| --- | --- | --- | --- | --- | --- |")
    for key, metric in load_metrics().items():
        names = f"{metric.names['en']} · {metric.names['zh']}"
        better = {"none": ""}.get(metric.direction, metric.direction)
        said = metric.definitions["en"].replace("|", "\\|")
        cells = (f"`{key}`", names, metric.unit, better, _computed(metric), said)
        yield f"| {' | '.join(cells)} |"
    yield ""


def _computed(metric: Metric) -> str:
    said = [] if metric.formula is None else [f"`{metric.formula.sql(DIALECT)}`"]
    if metric.table:
        said.append(f"of `{metric.table}`")
    said += [f"in `{table}` `{tree.sql(DIALECT)}`" for table, tree in metric.elsewhere.items()]
    return "; ".join([" ".join(said[:2]), *said[2:]] if metric.table else said)


def _shown(project: Project, queries: Iterable[Query]) -> Mapping[str, list[str]]:
    """Table → the queries of pages that read it."""
    tables = relations(project)
    found: dict[str, list[str]] = {}
    for query in queries:
        for table in dict.fromkeys(table for table, _ in columns_read(query, tables)):
            found.setdefault(table, []).append(f"`{query.name}`")
    return found


def _table(project: Project, model: Model, shown: list[str]) -> Iterator[str]:
    yield from (f"### {model.name}", "", model.description, "")
    partitions = "a partition a day (`dt`)" if model.is_partitioned else "one file"
    yield f"- **Grain**: {', '.join(f'`{name}`' for name in model.grain)}; {partitions}"
    yield f"- **Reads**: {', '.join(dict.fromkeys(_read(read) for read in project.reads[model.name]))}"
    path = model.path.relative_to(DATA) if model.path.is_relative_to(DATA) else model.path
    yield f"- **Rule**: `{path}`"
    if shown:
        yield f"- **Shown by**: {', '.join(shown)} (`dashboards/queries`)"
    checks = [f"`{grain_check_name(model)}` (error): the grain is unique and not null"]
    checks += [f"`{check.name}` ({check.severity}): {check.description}" for check in project.checks[model.name]]
    yield "- **Checks**:"
    yield from (f"  - {check}" for check in checks)
    yield ""
    yield from _columns((name, column.type, _described(model, name)) for name, column in model.columns.items())


def _described(model: Model, column: str) -> str:
    """What a column holds, with a link to the metric that it is."""
    metrics = load_metrics()
    held = (metric.key for metric in metrics.values() if metric.columns.get(model.name) == column)
    key = next(held, column if column in metrics else "")
    said = model.columns[column].description
    return f"{said}; [{metrics[key].names['en']}](#metrics)" if key else said


def _read(read: Read) -> str:
    if read.table in CONFIG_TABLES:
        return f"`{CONFIG_FILES[read.table]}`"
    if read.days is None:
        return f"`{read.table}` (all days)"
    return f"`{read.table}`" + (f" (and {read.days} days before)" if read.days else "")


def _columns(columns: Iterator[tuple[str, str, str]]) -> Iterator[str]:
    yield from ("| column | type | |", "| --- | --- | --- |")
    for name, kind, description in columns:
        yield f"| `{name}` | {kind} | {description.replace('|', chr(92) + '|')} |"
    yield ""


def as_html(project: Project, queries: Iterable[Query] = ()) -> str:
    """The dictionary as one HTML page that needs nothing else."""
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = reader.parse(markdown(project, queries))
    for heading, content in itertools.pairwise(tokens):
        if heading.type == "heading_open":
            heading.attrSet("id", content.content.lower())
    body = Markup(reader.renderer.render(tokens, reader.options, {}))
    return Environment(autoescape=True, keep_trailing_newline=True).from_string(_PAGE).render(body=body)
