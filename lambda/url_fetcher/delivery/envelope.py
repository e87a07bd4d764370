"""Makes the line of each record in the stream."""

from binascii import hexlify
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat

import msgspec
from xxhash import xxh3_64_intdigest, xxh3_128_digest, xxh3_128_hexdigest

_ID_BYTES = 16
_DIGITS = 2 * _ID_BYTES
_PIECES = 4
_ENDING = b"}\n"


@dataclass(frozen=True)
class Origin:
    """The source and the time of the records of one page.

    Args:
        source_url: The URL as configured or asked for, already without secrets.
        timestamp: UTC in ISO 8601 with milliseconds and ``Z``.
        identity: Identifies the source; the same in every run.
    """

    source_url: str
    timestamp: str
    identity: str


class Lines:
    """Lines of the stream, joined only when it is known which go together: few bytes are copied twice.

    Args:
        records: The record of each line.
        pieces: Four a line: the end of the line before with the opening of this one, id, middle, record.
        opening: The beginning of the first line.
        added_bytes: The bytes of a line beside its record.
    """

    def __init__(
        self, records: Sequence[bytes], pieces: list[bytes], *, opening: bytes, added_bytes: int
    ) -> None:
        self.records = records
        self._lengths = list(map(len, records))
        self._pieces = pieces
        self._opening = opening
        self._added_bytes = added_bytes

    @property
    def size(self) -> int:
        """Bytes of all lines, each with its newline."""
        return sum(self._lengths) + self._added_bytes * len(self._lengths)

    def joined(self, first: int = 0, end: int | None = None) -> bytes:
        """The lines from ``first`` up to ``end``, which is not among them; by default to the last."""
        pieces = self._pieces[_PIECES * first : None if end is None else _PIECES * end]
        if not pieces:
            return b""
        pieces[0] = self._opening
        pieces.append(_ENDING)
        return b"".join(pieces)

    def each(self) -> list[bytes]:
        """Every line by itself."""
        data, end = self.joined(), 0
        lines: list[bytes] = []
        for length in self._lengths:
            start, end = end, end + length + self._added_bytes
            lines.append(data[start:end])
        return lines

    def only(self, index: int) -> "Lines":
        """One of the lines."""
        pieces = self._pieces[_PIECES * index : _PIECES * (index + 1)]
        return Lines(
            self.records[index : index + 1], pieces, opening=self._opening, added_bytes=self._added_bytes
        )

    def fitting(self, first: int, *, max_bytes: int, max_lines: int, guess: int) -> tuple[int, int]:
        """Returns the number of lines from ``first`` on that fit, at most ``max_lines``, and their bytes.

        A good ``guess`` saves a look at each line: summing many lengths is one call.
        """
        lengths, added_bytes = self._lengths, self._added_bytes
        most = min(max_lines, len(lengths) - first)
        count = min(guess, most)
        size = sum(lengths[first : first + count]) + added_bytes * count
        while count and size > max_bytes:
            count -= 1
            size -= lengths[first + count] + added_bytes
        while count < most and size + (more := lengths[first + count] + added_bytes) <= max_bytes:
            count += 1
            size += more
        return count, size


class ReadyLines(Lines):
    """Lines that were made before.

    Args:
        lines: The lines, each with its newline.
        records: The record of each line.
    """

    def __init__(self, lines: Sequence[bytes], records: Sequence[bytes]) -> None:
        self.records = records
        self._lines = lines
        self._lengths = list(map(len, lines))
        self._added_bytes = 0

    def joined(self, first: int = 0, end: int | None = None) -> bytes:
        """The lines from ``first`` up to ``end``."""
        return b"".join(self._lines[first:end])

    def each(self) -> list[bytes]:
        """Every line by itself."""
        return list(self._lines)

    def only(self, index: int) -> Lines:
        """One of the lines."""
        return ReadyLines(self._lines[index : index + 1], self.records[index : index + 1])


class Envelope:
    """Makes lines ``{"timestamp":…,"sourceUrl":…,"id":…,"data":…}`` for the records of one origin.

    ``id`` is the 128-bit XXH3 of the data bytes, seeded by what identifies the source: the same record of
    the same source has the same one in every run, on whatever page and after a resume. Two records that
    differ share one by chance once in 10^38.

    Args:
        origin: The source and the time of all records.
    """

    def __init__(self, origin: Origin) -> None:
        encode = msgspec.json.encode
        self._seed = xxh3_64_intdigest(origin.identity.encode())
        self._opening = b'{"timestamp":%b,"sourceUrl":%b,"id":"' % (
            encode(origin.timestamp),
            encode(origin.source_url),
        )
        self._middle = b'","data":'
        self._next = _ENDING + self._opening
        self.added_bytes = len(self._opening) + _DIGITS + len(self._middle) + len(_ENDING)

    def id_of(self, record: bytes) -> str:
        """The ``id`` of one record, 32 hexadecimal digits; as in its line."""
        return xxh3_128_hexdigest(record, self._seed)

    def line_of(self, record: bytes, id_: str) -> bytes:
        """The line of one record whose id is known."""
        return b"%b%b%b%b}\n" % (self._opening, id_.encode(), self._middle, record)

    def lines(self, records: Sequence[bytes]) -> Lines:
        """One line for each of ``records``; no record may hold a line break."""
        # All in C, a fifth of the cost of a loop: digests, one hexlify that also separates, slices.
        digests = b"".join(map(xxh3_128_digest, records, repeat(self._seed)))
        pieces: list[bytes] = [self._next] * (_PIECES * len(records))
        if records:
            pieces[1::_PIECES] = hexlify(digests, b",", _ID_BYTES).split(b",")
        pieces[2::_PIECES] = [self._middle] * len(records)
        pieces[3::_PIECES] = records
        return Lines(records, pieces, opening=self._opening, added_bytes=self.added_bytes)
