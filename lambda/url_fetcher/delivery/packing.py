"""Packs lines into the records that Kinesis bills."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from random import getrandbits
from typing import Protocol

import msgspec
from xxhash import xxh3_128_hexdigest

from url_fetcher.delivery.envelope import Lines

MAX_LINES = 500
"""Firehose takes at most so many records out of one when it deaggregates, and only plain lines."""

_FIELD = "key"
_KEY_BITS = 32
_MAX_KEY_CHARACTERS = 256
_MAX_PENDING_BYTES = 4 * 1024 * 1024


class Entry:
    """One record of a PutRecords request.

    Args:
        data: Its lines as they are sent, plain or compressed.
        key: Its partition key, 1 to 256 characters.
        lines: The number of lines in ``data``.
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

    def add(self, lines: Lines) -> Iterator[Entry]:
        """Yields the entries that these lines fill; the rest waits."""

    def flush(self) -> Iterator[Entry]:
        """Yields the entries that wait, full or not."""


def random_key() -> str:
    """A partition key that spreads evenly: its MD5 decides, so 32 random bits are plenty and bill least."""
    return f"{getrandbits(_KEY_BITS):0{_KEY_BITS // 4}x}"


class Form(Protocol):
    """The way in which lines become entries.

    Attributes:
        max_lines: The most lines of an entry.
        overhead_bytes: The most bytes that an entry's data may have beside its lines.
    """

    max_lines: int
    overhead_bytes: int

    def room(self, key_bytes: int) -> int:
        """The target bytes of lines in an entry with a key of that size; below 1 it gets one line."""

    def entries(self, lines: Sequence[bytes], key: str, count: int) -> Iterator[Entry]:
        """Makes an entry of ``count`` lines under ``key``. Yields the entries that are ready, in order."""

    def rest(self) -> Iterator[Entry]:
        """Yields the entries that were not ready."""

    def stop(self) -> None:
        """Makes no more entries."""


class Plain:
    """Entries of plain lines.

    Args:
        pack_bytes: The largest entry, key included; a longer line makes an entry of its own, and with 1
            each line does.
    """

    max_lines = MAX_LINES
    overhead_bytes = 0

    def __init__(self, pack_bytes: int) -> None:
        self._pack_bytes = pack_bytes

    def room(self, key_bytes: int) -> int:
        """The bytes beside the key."""
        return self._pack_bytes - key_bytes

    def entries(self, lines: Sequence[bytes], key: str, count: int) -> Iterator[Entry]:
        """Yields the entry at once."""
        yield Entry(b"".join(lines), key, count)

    def rest(self) -> Iterator[Entry]:
        """Yields nothing, because every entry is ready at once."""
        return iter(())

    def stop(self) -> None:
        """Does nothing."""


class LinePacker:
    """Packs lines in the order they come, under random keys.

    Args:
        form: What an entry is, and how large.
    """

    def __init__(self, form: Form) -> None:
        self._form = form
        self._room = form.room(_KEY_BITS // 4)
        self._usual_lines = 0
        self._waiting: list[bytes] = []
        self._waiting_bytes = 0
        self._waiting_lines = 0

    def add(self, lines: Lines) -> Iterator[Entry]:
        """Yields the entries that these lines fill."""
        first, end = 0, len(lines.records)
        while first < end:
            count, size = lines.fitting(
                first,
                max_bytes=self._room - self._waiting_bytes,
                max_lines=self._form.max_lines - self._waiting_lines,
                guess=max(0, self._usual_lines - self._waiting_lines),
            )
            if not count and not self._waiting:
                count, size = 1, lines.only(first).size
            if count:
                self._waiting.append(lines.joined(first, first + count))
                self._waiting_bytes += size
                self._waiting_lines += count
                first += count
            if first < end:
                self._usual_lines = self._waiting_lines
                yield from self.flush()

    def flush(self) -> Iterator[Entry]:
        """Yields the lines that wait as one entry."""
        if self._waiting:
            yield from self._form.entries(self._waiting, random_key(), self._waiting_lines)
        self._waiting, self._waiting_bytes, self._waiting_lines = [], 0, 0
        self._room = self._form.room(_KEY_BITS // 4)


class SinglePacker:
    """Makes each line an entry under a random key."""

    def add(self, lines: Lines) -> Iterator[Entry]:
        """Yields one entry for each line."""
        return (Entry(line, random_key(), 1) for line in lines.each())

    def flush(self) -> Iterator[Entry]:
        """Yields nothing, because no line waits for another."""
        return iter(())


class KeyedPacker:
    """Packs lines whose records agree in one field, and puts them under that field's value.

    A string is its own key, any other value its JSON text, and beyond 256 characters its hash;
    records without the field, or with null in it, or that are no objects, get random keys.

    Args:
        field: A key of the record's outermost object.
        form: What an entry is, and how large.
        unkeyed: Packs the records that get random keys.
    """

    def __init__(self, field: str, form: Form, unkeyed: Packer) -> None:
        record = msgspec.defstruct("Keyed", [(_FIELD, msgspec.Raw, msgspec.Raw())], rename={_FIELD: field})
        self._decode = msgspec.json.Decoder(record).decode
        self._form = form
        self._unkeyed = unkeyed
        self._pending: defaultdict[str, list[bytes]] = defaultdict(list)
        self._sizes: defaultdict[str, int] = defaultdict(int)
        self._size = 0

    def add(self, lines: Lines) -> Iterator[Entry]:
        """Yields the entries that these lines fill, and all others when too much waits."""
        for index, (record, line) in enumerate(zip(lines.records, lines.each(), strict=True)):
            key = self._key(record)
            if not key:
                yield from self._unkeyed.add(lines.only(index))
                continue
            waiting = self._pending[key]
            full = self._sizes[key] + len(line) > self._form.room(len(key.encode()))
            if waiting and (full or len(waiting) == self._form.max_lines):
                yield from self._take(key)
            self._pending[key].append(line)
            self._sizes[key] += len(line)
            self._size += len(line)
            if self._size > _MAX_PENDING_BYTES:
                yield from self._take_all()

    def flush(self) -> Iterator[Entry]:
        """Yields the entries that are not full."""
        yield from self._take_all()
        yield from self._unkeyed.flush()

    def _take_all(self) -> Iterator[Entry]:
        for key in list(self._pending):
            yield from self._take(key)

    def _take(self, key: str) -> Iterator[Entry]:
        lines = self._pending.pop(key)
        self._size -= self._sizes.pop(key)
        if lines:
            yield from self._form.entries(lines, key, len(lines))

    def _key(self, record: bytes) -> str:
        try:
            value = bytes(getattr(self._decode(record), _FIELD))
            if value.startswith(b'"'):
                text = msgspec.json.decode(value, type=str)
            else:
                text = "" if value in (b"", b"null") else value.decode()
        except (msgspec.DecodeError, RecursionError):
            return ""
        return text if len(text) <= _MAX_KEY_CHARACTERS else xxh3_128_hexdigest(text.encode())
