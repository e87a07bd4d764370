"""Shared libraries of wheels without what no loader reads.

Some wheels carry their compiler's debugging information: of xxhash for x86_64 it is nine tenths. It is
overwritten with zeros, which the zip stores as good as nothing of, and everything else stays at its place.
"""

import struct
from collections.abc import Iterator
from typing import NamedTuple

_MAGIC = b"\x7fELF\x02\x01"
"""64 bits, little-endian: what Lambda's processors run."""
_TABLE = struct.Struct("<Q10xHHH")
"""From offset 40 of the file's header: where the sections' headers are, their size, number and name table."""
_TABLE_OFFSET = 40
_SECTION = struct.Struct("<IIQQQQIIQQ")
"""https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.sheader.html"""
_LOADED = 0x2
_NO_BYTES = 8
_DEBUGGING = (b".debug_", b".symtab", b".strtab", b".comment", b".gnu.build.attributes")


class _Section(NamedTuple):
    name: bytes
    kind: int
    flags: int
    offset: int
    size: int


def without_debugging(library: bytes) -> bytes:
    """The library, of the same size, with zeros in the sections that only a debugger reads.

    Args:
        library: A file of any kind; what is no shared library of ELF is returned as it is.
    """
    if not library.startswith(_MAGIC):
        return library
    try:
        sections = list(_sections(library))
    except (struct.error, IndexError, OverflowError):
        return library
    emptied = bytearray(library)
    for each in sections:
        is_read = each.flags & _LOADED or each.kind == _NO_BYTES
        if not is_read and each.name.startswith(_DEBUGGING) and each.offset + each.size <= len(library):
            emptied[each.offset : each.offset + each.size] = bytes(each.size)
    return bytes(emptied)


def _sections(library: bytes) -> Iterator[_Section]:
    place, size, number, names = _TABLE.unpack_from(library, _TABLE_OFFSET)
    headers = [_SECTION.unpack_from(library, place + index * size) for index in range(number)]
    named_at = headers[names][4]
    for name, kind, flags, _, offset, length, *_ in headers:
        start = named_at + name
        yield _Section(library[start : library.find(b"\0", start)], kind, flags, offset, length)
