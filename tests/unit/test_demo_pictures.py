"""The demo's pictures: the files are PNG, and pages.yaml and contents.csv match the pictures and the slots."""

from __future__ import annotations

import datetime as dt
import struct
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from pipelines.config_tables.contents import load_contents
from pipelines.config_tables.pages import NO_SLOT, load_pages
from pipelines.simulator.drawing import Canvas, Pixels, png_of
from pipelines.simulator.parameters import SimulationParameters
from pipelines.simulator.pictures import write_pictures
from pipelines.simulator.plan import make_plan
from pipelines.simulator.shop import BANNERS, ICONS, make_shop


def pixels_of(png: bytes) -> Pixels:
    """The pixels of a PNG file without filters, after the checksum of each chunk is verified."""
    chunks, place = {}, 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind, data = png[place + 4 : place + 8], png[place + 8 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length) == (zlib.crc32(kind + data),)
        chunks[kind] = data
        place += 12 + length
    width, height = struct.unpack_from(">II", chunks[b"IHDR"])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + 3 * width)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3)


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("config")
    write_pictures(folder, showings())
    return folder


def showings() -> pl.DataFrame:
    plan = make_plan(SimulationParameters(), 1, 10, 9, dt.date(2026, 5, 20), "Asia/Shanghai")
    return make_shop(plan).showings()


def test_a_png_holds_the_pixels() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    assert (pixels_of(png_of(pixels)) == pixels).all()


def test_a_box_has_round_corners() -> None:
    canvas = Canvas(20, 20, "#ffffff")
    canvas.box(4, 4, 12, 12, "#ff0000", 6)
    red = pixels_of(canvas.png())[:, :, 1] == 0
    assert red[10, 5]
    assert red[5, 10]
    assert not red[4, 4]  # the corner is cut off by the rounding
    assert not red[10, 2]
    assert not red[:, 17].any()


def test_every_banner_and_icon_of_the_shop_is_on_the_picture(config: Path) -> None:
    modules = {one.module: one for one in load_pages(config / "pages.yaml")["home"].modules}
    assert sorted(modules["banner"].areas) == list(range(1, BANNERS + 1))
    assert sorted(modules["icons"].areas) == list(range(1, ICONS + 1))
    assert sorted(modules["search"].areas) == [NO_SLOT]


def test_every_slot_lies_on_something_drawn(config: Path) -> None:
    page = load_pages(config / "pages.yaml")["home"]
    pixels = pixels_of((config / page.picture).read_bytes())
    for module in page.modules:
        for slot, area in module.areas.items():
            part = pixels[area.y : area.y + area.height, area.x : area.x + area.width].reshape(-1, 3)
            assert len(np.unique(part, axis=0)) > 3, (module.module, slot)


def test_every_content_of_the_shop_has_a_name(config: Path) -> None:
    contents = load_contents(config / "contents.csv")
    shown = set(showings()["content_id"])
    assert set(contents) == shown
    assert all(contents[key].picture for key in shown if key.startswith("banner"))
    assert all(contents[key].name_zh != contents[key].name_en for key in shown)
