"""Pictures of the made-up shop: its home page and the banners' contents, for the slot map of the demo.

Here: drawing them, and writing the files ``pages.yaml`` and ``contents.csv`` that name them.
Not here: what the slots show on which day (``shop``), the canvas (``drawing``).
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

import polars as pl

from pipelines.home.files import convert_write_errors, write_file
from pipelines.simulator.drawing import Canvas
from pipelines.simulator.shop import BANNERS, CAMPAIGNS, EXPERIMENT_CONTENTS, ICONS

_CAMPAIGNS = (
    ("春日上新", "Spring arrivals", "#e9f2e4", "#6d9f5f"),
    ("夏日清凉", "Summer cool", "#e1f0f5", "#4d97b3"),
    ("开学季", "Back to school", "#f7efd9", "#c99a35"),
    ("年中大促", "Mid-year sale", "#fae3dd", "#cf5f47"),
    ("秋日换季", "Autumn wardrobe", "#f5e6d6", "#b9763d"),
    ("家居焕新", "Home refresh", "#ebe6f2", "#8068a6"),
    ("双 11 狂欢", "Double 11", "#fbdfe6", "#c93f66"),
    ("年货节", "New Year market", "#fde5d2", "#d8692c"),
)
"""The campaigns that banners lead to: Chinese and English name, background and foreground colour."""

_PAGES = """\
# What the pages of the shop look like: the slot map of the dashboards draws them. The demo drew the picture of the home
# page itself. docs/user-guide.md explains each key under "The slot map".
pages:
  home:
    name_zh: 首页
    name_en: Home
    picture: pages/home.png
    modules:
      search: {x: 24, y: 24, width: 702, height: 72}
      banner:
        slots:
          1: {x: 24, y: 116, width: 702, height: 280}
          2: {x: 24, y: 412, width: 226, height: 130}
          3: {x: 262, y: 412, width: 226, height: 130}
          4: {x: 500, y: 412, width: 226, height: 130}
      icons: {x: 24, y: 562, width: 702, height: 150, columns: 5}
      feed: {x: 16, y: 724, width: 718, height: 864, columns: 2, rows: 3}
  category:
    name_zh: 分类页
    name_en: Category
    modules:
      menu: {columns: 4}
  my:
    name_zh: 我的
    name_en: My page
    modules:
      orders: {}
"""

_PAPER, _GROUND, _LINE, _DARK = "#ffffff", "#f2f4f6", "#d9dfe4", "#98a5b0"
_WARES = ("#c9dbe6", "#e8d5c4", "#d3e3d1", "#e4d3e2", "#ece0b8", "#cfdedd")


def write_pictures(config: Path, showings: pl.DataFrame) -> None:
    """Write the pictures of the made-up shop, ``pages.yaml`` and ``contents.csv`` to the folder *config*.

    *showings* has the column content_id: what the slots showed, as in ``simulation/contents.parquet``.

    Raises:
        HeadwaterError: a file cannot be written.
    """
    with convert_write_errors(config):
        for folder in ("pages", "contents"):
            (config / folder).mkdir(parents=True, exist_ok=True)
        write_file(config / "pages" / "home.png", _home())
        for number in range(CAMPAIGNS):
            write_file(config / "contents" / f"campaign-{number + 1}.png", _banner(number))
        write_file(config / "pages.yaml", _PAGES)
        write_file(config / "contents.csv", _contents(sorted(set(showings["content_id"]))))


def _contents(ids: list[str]) -> str:
    """The rows of ``contents.csv``; ids are as in ``shop``: kind, slot and version, or kind and version."""
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("content_id", "name_zh", "name_en", "picture"))
    for content_id in ids:
        if content_id in EXPERIMENT_CONTENTS:
            variant = content_id[-1]
            rows.writerow((content_id, f"图标实验 · 版本 {variant}", f"Icon test · variant {variant}", ""))
            continue
        kind, *_, number = content_id.split("-")
        version = int(number)
        if kind == "banner":
            slot = int(content_id.split("-")[1])
            campaign = (slot + 3 * version) % CAMPAIGNS
            zh, en, *_ = _CAMPAIGNS[campaign]
            picture = f"contents/campaign-{campaign + 1}.png"
            rows.writerow((content_id, f"{zh} · 第 {version} 版", f"{en} · v{version}", picture))
        else:
            rows.writerow((content_id, f"图标 · 第 {version} 版", f"Icon · v{version}", ""))
    return out.getvalue()


def _home() -> bytes:
    """The home page, 750 × 1700 pixels; its modules are drawn where ``_PAGES`` has their rectangles."""
    canvas = Canvas(750, 1700, _GROUND)
    canvas.box(0, 0, 750, 720, _PAPER)
    canvas.box(24, 24, 702, 72, _GROUND, 36)
    canvas.box(52, 46, 28, 28, _DARK, 14)
    canvas.box(58, 52, 16, 16, _GROUND, 8)
    canvas.box(98, 52, 210, 16, _LINE, 8)
    _promote(canvas, 6, 24, 116, 702, 280)
    for place in range(1, BANNERS):
        _promote(canvas, place - 1, 24 + 238 * (place - 1), 412, 226, 130)
    for place in range(ICONS):
        x = 24 + 702 * (2 * place + 1) / (2 * ICONS)
        canvas.box(x - 44, 570, 88, 88, _WARES[place], 44)
        canvas.box(x - 18, 596, 36, 36, _PAPER, 10)
        canvas.box(x - 36, 676, 72, 14, _LINE, 7)
    for place in range(6):
        x, y = 24 + 359 * (place % 2), 730 + 288 * (place // 2)
        canvas.box(x, y, 343, 276, _PAPER, 18)
        canvas.box(x, y, 343, 184, _WARES[place], 18)
        canvas.box(x + 124, y + 44, 95, 96, _PAPER, 24 if place % 3 else 48)
        canvas.box(x + 18, y + 202, 250, 16, _LINE, 8)
        canvas.box(x + 18, y + 236, 90, 20, "#d98a73", 10)
    canvas.box(0, 1600, 750, 100, _PAPER)
    for place in range(4):
        x = 750 * (2 * place + 1) / 8
        canvas.box(x - 20, 1618, 40, 40, _LINE if place else "#7fa9bf", 12)
        canvas.box(x - 26, 1668, 52, 12, _LINE, 6)
    return canvas.png()


def _banner(campaign: int) -> bytes:
    canvas = Canvas(468, 188, _PAPER)
    _promote(canvas, campaign, 0, 0, 468, 188, 0)
    return canvas.png()


def _promote(canvas: Canvas, campaign: int, x: int, y: int, width: int, height: int, radius: float = 18) -> None:
    """Draw a banner of *campaign*: two lines of text and a button at the left, products at the right."""
    *_, ground, ink = _CAMPAIGNS[campaign]
    canvas.box(x, y, width, height, ground, radius)
    unit = height / 10
    canvas.box(x + 2 * unit, y + 2 * unit, 0.42 * width, 1.5 * unit, ink, 0.75 * unit)
    canvas.box(x + 2 * unit, y + 4.4 * unit, 0.3 * width, unit, _PAPER, 0.5 * unit)
    canvas.box(x + 2 * unit, y + 6.6 * unit, 0.18 * width, 1.6 * unit, ink, 0.8 * unit)
    right = x + width
    canvas.box(right - 5.6 * unit, y + 2.2 * unit, 4 * unit, 5.6 * unit, ink, 2 * unit if campaign % 2 else 0.8 * unit)
    canvas.box(right - 7.6 * unit, y + 4.6 * unit, 3.2 * unit, 3.2 * unit, _PAPER, 1.6 * unit)
