"""Helpers for tests of the web app's pages.

A page consists of blocks: tables, charts, choices (menus and switches), texts, and groups of blocks.

Here: getting the blocks of the page at an address, and finding a block by its key.
Not here: what the pages should contain.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.access.users import Role
from dashboards.app.context import Context
from dashboards.app.marts import Copy
from dashboards.app.render import components
from dashboards.app.server import page_of
from dashboards.app.view import read_view
from dashboards.blocks import Block, Chart, Choice, Controls, Group, Table, Text, tables


def look_at(copy: Copy, address: str, role: Role = "admin") -> tuple[Context, list[Block]]:
    """The context and the blocks of the page at *address*; asserts that they can be rendered."""
    path, _, query = address.partition("?")
    view = read_view(path, query)
    assert view is not None
    context, blocks = page_of(copy, view, role)
    assert components(context, blocks)
    return context, blocks


def table(blocks: Sequence[Block], key: str) -> Table:
    """The table whose key is *key*; exactly one of *blocks* must have it."""
    found = [one for one in tables(blocks) if one.key == key]
    assert len(found) == 1, (key, [one.key for one in tables(blocks)])
    return found[0]


def chart(blocks: Sequence[Block], key: str) -> Chart:
    """The chart whose table has the key *key*; exactly one of *blocks* must be such a chart."""
    return next(one for one in flat(blocks) if isinstance(one, Chart) and one.table.key == key)


def choice(blocks: Sequence[Block], key: str) -> Choice:
    """The choice (menu or switch) whose key is *key*; exactly one of *blocks* must have it."""
    controls = [control for one in flat(blocks) if isinstance(one, Controls) for control in one.controls]
    return next(control for control in controls if isinstance(control, Choice) and control.key == key)


def texts(blocks: Sequence[Block], kind: str) -> list[Text]:
    """All text blocks whose kind is *kind*."""
    return [one for one in flat(blocks) if isinstance(one, Text) and one.kind == kind]


def flat(blocks: Sequence[Block]) -> list[Block]:
    """All blocks, including those in groups."""
    found: list[Block] = []
    for block in blocks:
        found += flat(block.blocks) if isinstance(block, Group) else [block]
    return found


def written(part: Any) -> list[str]:
    """All texts in a component of Dash, in order."""
    if isinstance(part, str):
        return [part]
    children = part if isinstance(part, list | tuple) else getattr(part, "children", None)
    return [] if children is None else [text for child in _listed(children) for text in written(child)]


def _listed(children: Any) -> list[Any]:
    return list(children) if isinstance(children, list | tuple) else [children]


def values(shown: Table, field: str) -> list[Any]:
    """The values of column *field* in table *shown*, one for each row, as an exported file contains them."""
    column = next(one for one in shown.columns if one.field == field)
    return [column.value(row) for row in shown.rows]
