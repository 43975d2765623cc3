"""Pictures that files of ``config/`` name: PNG files below the config folder.

Here: validating the name and the file of a picture, reading its size.
Not here: the files that name pictures (``pages``, ``contents``), serving them (``dashboards.app.pictures``).
"""

from __future__ import annotations

import struct
from pathlib import Path, PurePosixPath

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEAD = struct.Struct(">8sI4sII")
"""The first bytes of a PNG file: signature; length, name, width and height of the first chunk, which is IHDR."""


def picture_path(folder: Path, name: str) -> Path:
    """The file of the picture *name*, a path relative to the config folder *folder*.

    Raises:
        ValueError: it is not the path of a PNG file below *folder*.
    """
    path = PurePosixPath(name)
    is_below = not path.is_absolute() and ".." not in path.parts and "\\" not in name and "\0" not in name
    if not is_below or path.suffix.lower() != ".png":
        raise ValueError(
            f"picture is '{name}', expected the path of a PNG file below {folder}, with /, such as pages/home.png"
        )
    file = folder / path
    if not file.resolve().is_relative_to(folder.resolve()):
        raise ValueError(f"picture '{name}' is a link to a file outside {folder}; copy the file instead")
    return file


def picture_size(folder: Path, name: str) -> tuple[int, int]:
    """Width and height of the picture *name* in pixels; *name* is relative to the config folder *folder*.

    Raises:
        ValueError: it is not the path of a PNG file below *folder*, or there is no such file, or it is not a PNG.
    """
    file = picture_path(folder, name)
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD.size)
    except OSError as error:
        raise ValueError(f"picture '{name}' cannot be read: {error.strerror}; expected the file {file}") from error
    if len(head) < _HEAD.size:
        raise ValueError(f"picture '{name}' is not a PNG; save it as PNG")
    signature, _, chunk, width, height = _HEAD.unpack(head)
    if signature != _SIGNATURE or chunk != b"IHDR" or not width or not height:
        raise ValueError(f"picture '{name}' is not a PNG; save it as PNG")
    return width, height
