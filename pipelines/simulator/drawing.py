"""A small canvas: filled rectangles with round corners on a picture, saved as PNG.

Here: drawing and the file format.
Not here: what is drawn (``pictures``).
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""Height × width × 3, red, green and blue."""

Color = str
"""``#rrggbb``."""


class Canvas:
    """A picture of *width* × *height* pixels, at first all in *color*."""

    def __init__(self, width: int, height: int, color: Color) -> None:
        self._pixels = np.tile(_rgb(color), (height, width, 1))

    def box(self, x: float, y: float, width: float, height: float, color: Color, radius: float = 0) -> None:
        """Fill a rectangle, with corners of *radius*; half of the shorter side gives a circle or a pill."""
        top, left = max(int(y) - 1, 0), max(int(x) - 1, 0)
        part = self._pixels[top : int(y + height) + 2, left : int(x + width) + 2]
        rows, columns = np.ogrid[top : top + part.shape[0], left : left + part.shape[1]]
        # The signed distance of a pixel's centre to the edge; within half a pixel of the edge, the colours mix.
        across = np.abs(columns + 0.5 - x - width / 2) - width / 2 + radius
        down = np.abs(rows + 0.5 - y - height / 2) - height / 2 + radius
        outside = np.hypot(np.maximum(across, 0), np.maximum(down, 0))
        distance = outside + np.minimum(np.maximum(across, down), 0) - radius
        share = np.clip(0.5 - distance, 0, 1)[:, :, None]
        part += share * (_rgb(color) - part)

    def png(self) -> bytes:
        """The picture as a PNG file."""
        return png_of(np.round(self._pixels).astype(np.uint8))


def _rgb(color: Color) -> npt.NDArray[np.float64]:
    return np.array([int(color[n : n + 2], 16) for n in (1, 3, 5)], dtype=np.float64)


def png_of(pixels: Pixels) -> bytes:
    """*pixels* as a PNG file (https://www.w3.org/TR/png-3/): 8 bits a channel, no filter."""
    height, width, _ = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, width * 3)], axis=1)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
