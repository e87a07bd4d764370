"""Lines gathered into the records that Kinesis bills."""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol

import msgspec
from xxhash import xxh3_128_hexdigest

MOST_LINES = 500
"""Firehose takes at most so many records out of one when it deaggregates."""

_FIELD = "key"
_KEY_BYTES = 4
_LONGEST_KEY_CHARACTERS = 256
_MOST_PENDING_BYTES = 4 * 1024 * 1024


class Entry:
    """One record of a PutRecords request.

    Args:
        data: Its lines.
        key: Its partition key, 1 to 256 characters.
        lines: How many lines ``data`` has.
    """

    __slots__ = ("data", "key", "lines", "refusals", "size")

    def __init__(self, data: bytes, key: str, lines: int) -> None:
        self.data = data
        self.key = key
        self.lines = lines
        self.refusals = 0
        self.size = len(data) + len(key if key.isascii() else key.encode())


class Packer(Protocol):
    """Gathers lines into entries."""

    def add(self, lines: bytes, records: Sequence[bytes]) -> Iterator[Entry]:
        """The entries that are full with ``lines``, the lines of ``records``."""

    def flush(self) -> Iterator[Entry]:
        """The entries that are not full."""


def random_keys(count: int) -> list[str]:
    """Partition keys that spread evenly: their MD5 decides, so 32 random bits are plenty and bill least."""
    digits = os.urandom(_KEY_BYTES * count).hex()
    return [digits[start : start + 2 * _KEY_BYTES] for start in range(0, len(digits), 2 * _KEY_BYTES)]


class LinePacker:
    """Packs lines in the order they come, under random keys.

    Args:
        pack_bytes: The largest entry, key included; a longer line makes an entry of its own.
    """

    def __init__(self, pack_bytes: int) -> None:
        self._most = pack_bytes - 2 * _KEY_BYTES
        self._pending = b""

    def add(self, lines: bytes, records: Sequence[bytes]) -> Iterator[Entry]:  # noqa: ARG002 - the seam's
        """The entries that are full with ``lines``."""
        data = self._pending + lines if self._pending else lines
        start = 0
        while len(data) - start > self._most:
            end = data.rfind(b"\n", start, start + self._most) + 1 or data.find(b"\n", start) + 1
            pack, count = _at_most(data[start:end])
            start += len(pack)
            yield Entry(pack, random_keys(1)[0], count)
        self._pending = data[start:]

    def flush(self) -> Iterator[Entry]:
        """The last entries."""
        while self._pending:
            pack, count = _at_most(self._pending)
            self._pending = self._pending[len(pack) :]
            yield Entry(pack, random_keys(1)[0], count)


class SinglePacker:
    """Makes each line an entry under a random key."""

    def add(self, lines: bytes, records: Sequence[bytes]) -> Iterator[Entry]:  # noqa: ARG002 - the seam's
        """One entry a line."""
        split = _lines(lines)
        return (Entry(line, key, 1) for line, key in zip(split, random_keys(len(split)), strict=True))

    def flush(self) -> Iterator[Entry]:
        """Nothing: no line waits for another."""
        return iter(())


class KeyedPacker:
    """Packs lines whose records agree in one field, and puts them under that field's value.

    A string is its own key, any other value its JSON text, and beyond 256 characters its hash;
    records without the field, or with null in it, or that are no objects, get random keys.

    Args:
        field: A key of the record's outermost object.
        pack_bytes: The largest entry, key included; 1 makes each line an entry.
    """

    def __init__(self, field: str, pack_bytes: int) -> None:
        record = msgspec.defstruct("Keyed", [(_FIELD, msgspec.Raw, msgspec.Raw())], rename={_FIELD: field})
        self._decode = msgspec.json.Decoder(record).decode
        self._pack_bytes = pack_bytes
        self._random = LinePacker(pack_bytes) if pack_bytes > 1 else SinglePacker()
        self._pending: defaultdict[str, list[bytes]] = defaultdict(list)
        self._sizes: defaultdict[str, int] = defaultdict(int)
        self._size = 0

    def add(self, lines: bytes, records: Sequence[bytes]) -> Iterator[Entry]:
        """The entries that are full with ``lines``, or whose turn came because too much waited."""
        for record, line in zip(records, _lines(lines), strict=True):
            key = self._key(record)
            if not key:
                yield from self._random.add(line, (record,))
                continue
            waiting = self._pending[key]
            full = self._sizes[key] + len(line) + len(key.encode()) > self._pack_bytes
            if waiting and (full or len(waiting) == MOST_LINES):
                yield from self._take(key)
            self._pending[key].append(line)
            self._sizes[key] += len(line)
            self._size += len(line)
            if self._size > _MOST_PENDING_BYTES:
                yield from self._take_all()

    def flush(self) -> Iterator[Entry]:
        """The entries that are not full."""
        yield from self._take_all()
        yield from self._random.flush()

    def _take_all(self) -> Iterator[Entry]:
        for key in list(self._pending):
            yield from self._take(key)

    def _take(self, key: str) -> Iterator[Entry]:
        lines = self._pending.pop(key)
        self._size -= self._sizes.pop(key)
        if lines:
            yield Entry(b"".join(lines), key, len(lines))

    def _key(self, record: bytes) -> str:
        try:
            value = bytes(getattr(self._decode(record), _FIELD))
            if value.startswith(b'"'):
                text = msgspec.json.decode(value, type=str)
            else:
                text = "" if value in (b"", b"null") else value.decode()
        except (msgspec.DecodeError, RecursionError):
            return ""
        return text if len(text) <= _LONGEST_KEY_CHARACTERS else xxh3_128_hexdigest(text.encode())


def _lines(data: bytes) -> list[bytes]:
    # Not splitlines: it also ends lines at a carriage return.
    return [line + b"\n" for line in data.split(b"\n")[:-1]]


def _at_most(data: bytes) -> tuple[bytes, int]:
    """The first lines of ``data``, as many as one entry may have, and their number."""
    count = data.count(b"\n")
    if count <= MOST_LINES:
        return data, count
    rest = data.split(b"\n", MOST_LINES)[-1]
    return data[: len(data) - len(rest)], MOST_LINES
