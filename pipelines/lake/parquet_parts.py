"""Joining Parquet files end to end, without decoding their rows.

Here: one file with the row groups of several files that DuckDB wrote with the same columns. Their bytes are copied;
only the footer, which says where each row group is, is written anew.
Not here: computing the parts (``pipelines.compute.writing``).

The footer is a Thrift struct in the compact protocol:
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

_MAGIC = b"PAR1"
_COPIED_AT_ONCE = 1 << 24

# Types of the compact protocol. A boolean field has no value: its type says whether it is true or false.
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
_INTEGERS = (_I16, _I32, _I64)
_SHORT = 15
"""Sizes of lists below this, and steps between field numbers up to this, fit into the header's first byte."""

# Field numbers of parquet.thrift.
_NUM_ROWS, _ROW_GROUPS = 3, 4  # of FileMetaData
_COLUMNS, _GROUP_OFFSET, _ORDINAL = 1, 5, 7  # of RowGroup
_CHUNK_OFFSET, _META_DATA = 2, 3  # of ColumnChunk
_PAGE_INDEXES = (4, 5, 6, 7)  # of ColumnChunk
_COLUMN_OFFSETS = (9, 10, 11, 14)  # of ColumnMetaData: data pages, index pages, dictionary page, Bloom filter


@dataclass
class Value:
    """A value of a footer: its *kind* is its type in the protocol.

    *content* is an int, bytes, a list of values of the kind *of*, or a struct: its field numbers → values.
    """

    kind: int
    content: Any
    of: int = 0


Struct = dict[int, Value]


def join_parts(parts: Sequence[Path], target: Path) -> None:
    """Write the rows of *parts*, in this order, to *target*; the metadata of the file are those of the first part.

    Raises:
        OSError: a file cannot be read or written.
    """
    footers = [_read_footer(part) for part in parts]
    groups: list[Struct] = []
    with target.open("wb") as out:
        out.write(_MAGIC)
        for part, (footer, end) in zip(parts, footers, strict=True):
            moved_by = out.tell() - len(_MAGIC)
            for group in footer[_ROW_GROUPS].content:
                _move(group, moved_by, len(groups))
                groups.append(group)
            _copy(part, end, out)
        joined = footers[0][0]
        joined[_NUM_ROWS].content = sum(footer[_NUM_ROWS].content for footer, _ in footers)
        joined[_ROW_GROUPS].content = groups
        written = footer_bytes(joined)
        out.write(written + len(written).to_bytes(4, "little") + _MAGIC)


def _read_footer(path: Path) -> tuple[Struct, int]:
    """The footer of *path*, and where it begins."""
    with path.open("rb") as file:
        end = file.seek(-8, 2)
        begin = end - int.from_bytes(file.read(4), "little")
        file.seek(begin)
        return footer_of(file.read(end - begin)), begin


def _copy(part: Path, end: int, out: BinaryIO) -> None:
    """Append the row groups of *part*, whose footer begins at *end*, to *out*."""
    with part.open("rb") as file:
        left = end - file.seek(len(_MAGIC))
        while left:
            left -= out.write(file.read(min(left, _COPIED_AT_ONCE)))


def _move(group: Struct, by: int, ordinal: int) -> None:
    """Change *group* into row group number *ordinal* of the new file, where it begins *by* bytes later."""
    offsets = [group.get(_GROUP_OFFSET)]
    for column in group[_COLUMNS].content:
        offsets.append(column.get(_CHUNK_OFFSET))
        offsets += [column[_META_DATA].content.get(number) for number in _COLUMN_OFFSETS]
        for number in _PAGE_INDEXES:  # drop them: they are optional and contain offsets
            column.pop(number, None)
    for offset in offsets:
        if offset is not None and offset.content:  # an offset of 0 means that it is unknown
            offset.content += by
    if _ORDINAL in group:
        group[_ORDINAL].content = ordinal


def footer_of(content: bytes) -> Struct:
    """The Thrift struct that *content*, the bytes of a footer, encodes."""
    return _read_struct(BytesIO(content))


def _read_struct(source: BytesIO) -> Struct:
    found: Struct = {}
    number = 0
    while header := source.read(1)[0]:
        step, kind = header >> 4, header & 15
        number = number + step if step else _read_integer(source)
        if kind in (_LIST, _SET):
            size, of = _read_list_header(source)
            found[number] = Value(kind, [_read(source, of) for _ in range(size)], of)
        else:
            found[number] = Value(kind, None if kind in (_TRUE, _FALSE) else _read(source, kind))
    return found


def _read_list_header(source: BytesIO) -> tuple[int, int]:
    header = source.read(1)[0]
    size = header >> 4
    return _read_varint(source) if size == _SHORT else size, header & 15


def _read(source: BytesIO, kind: int) -> Any:
    if kind in _INTEGERS:
        return _read_integer(source)
    if kind == _BINARY:
        return source.read(_read_varint(source))
    if kind == _STRUCT:
        return _read_struct(source)
    sizes = {_TRUE: 1, _FALSE: 1, _BYTE: 1, _DOUBLE: 8}  # in a list, true and false are bytes
    return source.read(sizes[kind])  # Parquet has neither maps nor lists of lists


def _read_varint(source: BytesIO) -> int:
    value = shift = 0
    while (byte := source.read(1)[0]) & 128:
        value |= (byte & 127) << shift
        shift += 7
    return value | byte << shift


def _read_integer(source: BytesIO) -> int:
    value = _read_varint(source)
    return value >> 1 ^ -(value & 1)


def footer_bytes(struct: Struct) -> bytes:
    """The bytes that encode *struct*, as ``footer_of`` reads them."""
    written = bytearray()
    last = 0
    for number, value in struct.items():
        step = number - last
        written += bytes([step << 4 | value.kind]) if 0 < step <= _SHORT else bytes([value.kind]) + _integer(number)
        last = number
        if value.kind in (_LIST, _SET):
            size = len(value.content)
            written.append(min(size, _SHORT) << 4 | value.of)
            written += _varint(size) if size >= _SHORT else b""
            written += b"".join(_bytes(value.of, item) for item in value.content)
        elif value.content is not None:
            written += _bytes(value.kind, value.content)
    return bytes(written) + b"\0"


def _bytes(kind: int, content: Any) -> bytes:
    if kind in _INTEGERS:
        return _integer(content)
    if kind == _BINARY:
        return _varint(len(content)) + bytes(content)
    return footer_bytes(content) if kind == _STRUCT else bytes(content)


def _varint(value: int) -> bytes:
    written = bytearray()
    while value > 127:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)
    return bytes(written)


def _integer(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else ~value << 1 | 1)
