"""The contents of a page or report, independent of how they are shown: cards, charts, tables, notes.

Here: the blocks of a page as values. Sections (``dashboards.sections``) make them from frames; the report writes them
as HTML (``dashboards.report.page``), the web app as components (``dashboards.app.render``) and as files
(``dashboards.app.export``).
Not here: making, showing or writing blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import plotly.graph_objects as go

from dashboards.figures.occasions import Shown

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Picture:
    """A picture in a cell: its URL, its alternative text ('' if the cell's text describes it), its width in pixels."""

    src: str
    alt: str = ""
    width: int = 40


@dataclass(frozen=True)
class Column:
    """A column of a table: how to write a row's cell, short in the table and in full on hover.

    Attributes:
        title: Its heading.
        cell: The text of a row's cell.
        full: The text on hover; None: no hover.
        is_text: Aligned left, and on one line unless *is_long*.
        is_long: Sentences, which may wrap.
        field: The key in the row of the column's raw value, which files and sorting use.
        read: Computes the raw value from the row, instead of taking it from *field*. If both are missing, the cell's
            text is the raw value.
        picture: The picture before a row's text, on screen only; None: no pictures.
        is_sortable: Whether a click on the heading may sort the table by this column.
        metric: The metric of the value, which gives its unit; None: no metric.
        href: The link of a row's cell; None: no link.
        definition: The meaning of the column, shown on hover over its heading.
        tone: Whether a row's change is ``better`` or ``worse``, which sets its colour; None: the column does not show a
            change.
        common: Computes *cell* for all rows of a table, so that their numbers have the same unit and decimals; None:
            *cell* does not depend on other rows.
    """

    title: str
    cell: Callable[[Row], str]
    full: Callable[[Row], str] | None = None
    is_text: bool = False
    is_long: bool = False
    field: str | None = None
    metric: str | None = None
    href: Callable[[Row], str | None] | None = None
    definition: str = ""
    read: Callable[[Row], Any] | None = None
    picture: Callable[[Row], Picture | None] | None = None
    is_sortable: bool = True
    tone: Callable[[Row], str | None] | None = None
    common: Callable[[Sequence[Row]], Callable[[Row], str]] | None = None

    def over(self, rows: Sequence[Row]) -> Column:
        """The column with cells that suit all of *rows*."""
        return self if self.common is None else replace(self, cell=self.common(rows), common=None)

    def value(self, row: Row) -> Any:
        """The raw value of *row*."""
        if self.read is not None:
            return self.read(row)
        return self.cell(row) if self.field is None else row.get(self.field)


@dataclass(frozen=True)
class Text:
    """A text of one or two lines.

    Attributes:
        text: The text.
        kind: title (shown instead of the page's general name), heading, intro, note, check (sums agree), missing
            (something is not available, and why), warning (the rest may be wrong).
        remedy: The command that solves the problem; '': none.
        href: The link of the text; '': no link.
        about: For a heading, the explanation behind its "?"; '' for no "?".
    """

    text: str
    kind: Literal["title", "heading", "intro", "note", "check", "missing", "warning"] = "note"
    remedy: str = ""
    href: str = ""
    about: str = ""


@dataclass(frozen=True)
class Empty:
    """A card with only a title and the reason why it is empty.

    Attributes:
        title: Its heading.
        text: Why it is empty.
        remedy: The command that provides what is missing; '': none.
        is_missing: Whether data is missing; otherwise the card is empty for a good reason.
    """

    title: str
    text: str
    remedy: str = ""
    is_missing: bool = True


@dataclass(frozen=True)
class Change:
    """The change of a value against an earlier one.

    Attributes:
        text: The signed change; "–" if it is unknown.
        against: The text that says what it is compared with.
        full: The earlier value in full, for the hover.
        tone: ``better`` or ``worse``, which sets its colour; None: neither.
    """

    text: str
    against: str
    full: str = ""
    tone: str | None = None


VERDICT_SIGNS = {"good": "●", "warn": "▲", "bad": "■"}
"""Symbols before a verdict, so that readers can tell it without colour."""


@dataclass(frozen=True)
class Card:
    """A number with its name, definition and changes; or a verdict with its evidence.

    Attributes:
        name: Its heading.
        value: The number or the verdict, as text.
        full: The unabbreviated number, shown on hover.
        changes: Its changes since earlier days.
        definition: What the number means.
        note: A sentence below it, such as the evidence of a verdict.
        verdict: How good the verdict is, which sets its sign and colour; None: unknown, or not a verdict.
        metric: The metric of the number; '': no metric.
        href: The link of the card; '': no link.
        sign: In a tree: how the card is combined with those before it, such as ×.
        course: The number on each of the last days, drawn as a small line; None: unknown. Empty: no line.
        course_title: What the line shows.
        reached: The share of a target that is reached, drawn as a bar; None: no target.
        due: The share that is due by now, a mark on that bar; None: unknown.
    """

    name: str
    value: str
    full: str = ""
    changes: tuple[Change, ...] = ()
    definition: str = ""
    note: str = ""
    verdict: Literal["good", "warn", "bad"] | None = None
    metric: str = ""
    href: str = ""
    sign: str = ""
    course: tuple[float | None, ...] = ()
    course_title: str = ""
    reached: float | None = None
    due: float | None = None


@dataclass(frozen=True)
class Cards:
    """Cards in a row.

    With the *kind* funnel, each card is the step that follows the card before it; with tree, the first card is computed
    from the others.
    """

    cards: tuple[Card, ...]
    kind: Literal["plain", "funnel", "health", "tree"] = "plain"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        key: Its name within the page and in export URLs.
        title: Its heading.
        columns: Its columns.
        rows: All rows, in order.
        definition: What it shows.
        total: A total row, set apart below the others; None: no total.
        notes: Sentences on what the table does not show.
        is_wide: Takes the full width of the page.
        is_open: As part of a chart: shown without a click.
        most: Maximum number of rows shown on screen, None for all; files always have all rows.
        is_of_days: Whether it covers the days selected for the page; otherwise it states its own period.
        keys: Fields that only files have, as extra columns under the field's name: the keys for joining the rows
            with other tables.
        is_sortable: Whether a click on a heading sorts the table; False if *rows* are not all rows.
        sort: The field that sorts the rows, with a ``-`` in front for descending; '': the original order.
        bar: The field whose values the web app also draws as bars in their cells; '': the first metric.
    """

    key: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Row]
    definition: str = ""
    total: Row | None = None
    notes: tuple[str, ...] = ()
    is_wide: bool = False
    is_open: bool = False
    most: int | None = None
    is_of_days: bool = True
    keys: tuple[str, ...] = ()
    is_sortable: bool = True
    sort: str = ""
    bar: str = ""

    def __post_init__(self) -> None:
        rows = [*self.rows, *([self.total] if self.total else [])]
        object.__setattr__(self, "columns", [column.over(rows) for column in self.columns])


@dataclass(frozen=True)
class Chart:
    """A figure and the table with the same data.

    If *selects* names a field, users can draw a box over points of the figure, and the app lists the points' values of
    that field; '': no box. *occasions* belong to this chart alone, such as changes of a slot's content; those of the
    shop's calendar are added to every chart over time.
    """

    figure: go.Figure
    table: Table
    notes: tuple[str, ...] = ()
    is_wide: bool = False
    selects: str = ""
    occasions: tuple[Shown, ...] = ()


@dataclass(frozen=True)
class Group:
    """Several blocks laid out together, by *kind*.

    grid: side by side; thirds: three side by side; map: a narrow block and a wide one beside it; stack: one below the
    other in one place of a grid; card: all in one card; bench: the first block is the work area, the second the panel
    beside it.
    """

    blocks: tuple[Block, ...]
    kind: Literal["grid", "thirds", "map", "stack", "card", "bench"] = "grid"


@dataclass(frozen=True)
class Option:
    """One *value* that a choice offers, shown as *label*."""

    value: str
    label: str


@dataclass(frozen=True)
class Choice:
    """A control that sets one key of the view, and thereby of the URL.

    Attributes:
        key: The key in the URL.
        label: The label of the control.
        options: The options.
        value: The current value.
        is_searchable: Whether typing narrows the options.
        default: The value if the URL has none; the URL leaves it out.
        clears: Keys to remove from the URL when the value changes, because their values depend on this one.
        is_open: Whether the page itself reports a value that is not an option; otherwise a general warning does.
        most: How many options may be chosen; if more than one, *value* and *default* have one on each line.
    """

    key: str
    label: str
    options: tuple[Option, ...]
    value: str
    is_searchable: bool = False
    default: str = ""
    clears: tuple[str, ...] = ()
    is_open: bool = False
    most: int = 1


@dataclass(frozen=True)
class Search:
    """A text field that sets the *key* of the view; *hint* is shown while the field is empty."""

    key: str
    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True)
class Controls:
    """Controls in a row."""

    controls: tuple[Choice | Search, ...]


@dataclass(frozen=True)
class Tabs:
    """Links to the parts of a page, each of which answers one question; *choice* is the part shown."""

    choice: Choice


@dataclass(frozen=True)
class Part:
    """A component that only the web app shows, such as an editor."""

    component: Any


Block = Text | Empty | Cards | Table | Chart | Group | Controls | Tabs | Part


def flat(blocks: Sequence[Block]) -> list[Block]:
    """All *blocks* in the order shown; a group is replaced by its blocks."""
    found: list[Block] = []
    for block in blocks:
        found += flat(block.blocks) if isinstance(block, Group) else [block]
    return found


def title(blocks: Sequence[Block]) -> str:
    """The title that one of *blocks* gives the page; '' if none does."""
    return next((block.text for block in blocks if isinstance(block, Text) and block.kind == "title"), "")


def tables(blocks: Sequence[Block]) -> list[Table]:
    """All tables among *blocks*, including those of charts, in the order shown."""
    shown = flat(blocks)
    return [block.table if isinstance(block, Chart) else block for block in shown if isinstance(block, Chart | Table)]
