"""What a page or report says, apart from how it is shown: cards, charts, tables, notes.

Here: the parts of a page as values. A section (``dashboards.sections``) makes them from frames; the report writes them
as HTML (``dashboards.report.page``), the web app as components (``dashboards.app.render``) and as files
(``dashboards.app.export``).
Not here: any of these.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Column:
    """A column of a table: how the cell of a row is written, in short and in full (for the hover).

    Attributes:
        title: Its head.
        cell: What a row shows.
        full: What shows on hover; None: nothing.
        is_text: Aligned to the left, and kept on one line unless it is long.
        is_long: Sentences, which may always be broken.
        field: The key of the row's value as it is, for files and for sorting; None: the cell's text.
        read: The value of a row, where it is not simply that of *field*.
        metric: The metric that the value is of, which tells its unit; None: none.
        href: Where the cell of a row leads to; None: nowhere.
        definition: What the column means, shown on hover of its head.
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

    def value(self, row: Row) -> Any:
        """The value of *row* as it is."""
        if self.read is not None:
            return self.read(row)
        return self.cell(row) if self.field is None else row.get(self.field)


@dataclass(frozen=True)
class Text:
    """A line or two.

    Attributes:
        text: What is said.
        kind: heading, intro, note (beside something), check (that sums agree), missing (what is not there and why),
            warning (what makes the rest doubtful).
        remedy: The command that mends it.
        href: Where it leads to.
    """

    text: str
    kind: Literal["heading", "intro", "note", "check", "missing", "warning"] = "note"
    remedy: str = ""
    href: str = ""


@dataclass(frozen=True)
class Empty:
    """A card with nothing in it but its title and the reason.

    Attributes:
        title: Its head.
        text: Why there is nothing.
        remedy: The command that mends it.
        is_missing: Whether something is; else there is nothing to worry about.
    """

    title: str
    text: str
    remedy: str = ""
    is_missing: bool = True


@dataclass(frozen=True)
class Change:
    """How a value differs from an earlier one.

    Attributes:
        text: By how much, signed; "–" where it cannot be said.
        against: What it is compared with.
        full: The earlier value in full, for the hover.
        tone: ``better`` or ``worse``, which is its colour; None: neither.
    """

    text: str
    against: str
    full: str = ""
    tone: str | None = None


VERDICT_SIGNS = {"good": "●", "warn": "▲", "bad": "■"}
"""What stands before a verdict, so that it is told by more than its colour."""


@dataclass(frozen=True)
class Card:
    """A number with its name, what it is compared with, and what it means; or a verdict with its evidence."""

    name: str
    value: str
    full: str = ""
    changes: tuple[Change, ...] = ()
    definition: str = ""
    note: str = ""
    verdict: Literal["good", "warn", "bad"] | None = None
    metric: str = ""
    href: str = ""


@dataclass(frozen=True)
class Cards:
    """Cards in a row; *kind* funnel: each follows from the one before."""

    cards: tuple[Card, ...]
    kind: Literal["plain", "funnel", "health"] = "plain"


@dataclass(frozen=True)
class Table:
    """Rows under their columns.

    Attributes:
        key: Its name within the page, by which it is exported.
        title: Its head.
        columns: What of each row is shown.
        rows: All that are shown.
        definition: What it holds.
        total: A last row that is set apart.
        notes: What it leaves out.
        is_wide: Over the whole width of the page.
        is_open: As part of a chart: shown without being asked for.
        most: How many rows are shown at most; files hold them all.
        is_of_days: Whether it is of the days chosen for the page; else it says what it is of.
        keys: Fields of the rows that files have as columns of their own, under the field's name, and the screen has
            not: the keys by which a row is joined with others.
        is_sortable: Whether its heads sort it; not where the rows are only the first of more.
        sort: The field that its rows are sorted by, behind a ``-`` where the largest is first; '': as they came.
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


@dataclass(frozen=True)
class Chart:
    """A figure, and the table that holds the same; *selects*: the field whose values a selection in it lists."""

    figure: go.Figure
    table: Table
    notes: tuple[str, ...] = ()
    is_wide: bool = False
    selects: str = ""


@dataclass(frozen=True)
class Group:
    """Blocks beside one another (grid), below one another in one place of a grid (stack), or as one card.

    In a bench, the first is what one works on, the second what stands beside it.
    """

    blocks: tuple[Block, ...]
    kind: Literal["grid", "stack", "card", "bench"] = "grid"


@dataclass(frozen=True)
class Option:
    """One value of a choice."""

    value: str
    label: str


@dataclass(frozen=True)
class Choice:
    """A control that writes one key of the view, and so of the address.

    Attributes:
        key: The key.
        label: What is chosen.
        options: What there is to choose from.
        value: What is chosen now.
        is_searchable: Whether typing narrows the options.
        default: What holds where the address names nothing, so that it is kept out of it.
        clears: The keys whose values mean nothing any more when another is chosen.
        is_open: Whether the page itself says what a value means that is none of the options.
    """

    key: str
    label: str
    options: tuple[Option, ...]
    value: str
    is_searchable: bool = False
    default: str = ""
    clears: tuple[str, ...] = ()
    is_open: bool = False


@dataclass(frozen=True)
class Search:
    """A field of text that writes one key of the view."""

    key: str
    label: str
    value: str
    hint: str = ""


@dataclass(frozen=True)
class Controls:
    """Controls in a row."""

    controls: tuple[Choice | Search, ...]


@dataclass(frozen=True)
class Part:
    """What only the web app shows, as its component: an editor, say."""

    component: Any


Block = Text | Empty | Cards | Table | Chart | Group | Controls | Part


def flat(blocks: Sequence[Block]) -> list[Block]:
    """All *blocks* in the order in which they are shown, those in groups in place of their group."""
    found: list[Block] = []
    for block in blocks:
        found += flat(block.blocks) if isinstance(block, Group) else [block]
    return found


def tables(blocks: Sequence[Block]) -> list[Table]:
    """All tables among *blocks*, those of charts included, in the order in which they are shown."""
    shown = flat(blocks)
    return [block.table if isinstance(block, Chart) else block for block in shown if isinstance(block, Chart | Table)]
