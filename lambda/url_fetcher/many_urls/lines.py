"""Cuts bytes that arrive in pieces into lines, in bounded memory, and knows the place to go on from."""

from collections.abc import Iterator
from typing import NamedTuple

MAX_LINE_BYTES = 32 * 1024


class Line(NamedTuple):
    """One line.

    Args:
        start: Its offset.
        data: Its bytes without the line end; only the first ones if it is too long.
        is_too_long: True if it is over the limit.
    """

    start: int
    data: bytes
    is_too_long: bool = False


class LineCutter:
    """Returns each line once; a later cutter may go on from ``offset`` and ``in_line``.

    Args:
        offset: The offset of the first piece.
        in_line: True if that is inside a long line that was returned already.
        max_bytes: The longest line, without its end.
    """

    def __init__(self, offset: int = 0, *, in_line: bool = False, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.offset = offset
        """The offset after the last line that was returned, or after the part of it that was read."""
        self.in_line = in_line
        """True if ``offset`` is inside that line."""
        self._max_bytes = max_bytes
        self._begun = b""

    @property
    def position(self) -> int:
        """The offset of the next piece."""
        return self.offset + len(self._begun)

    def feed(self, piece: bytes) -> Iterator[Line]:
        """Yields the lines that end in the next piece, and a line that is too long as soon as that is known.

        If the iteration stops early, ``offset`` is still right, but no other piece may follow.
        """
        start = self._skip(piece)
        while (end := piece.find(b"\n", start)) >= 0:
            data = self._begun + piece[start:end]
            yield self._line(data, behind=self.offset + len(data) + 1)
            start = end + 1
        self._begun += piece[start:]
        if len(self._begun) > self._max_bytes:
            self.in_line = True
            yield self._line(self._begun, behind=self.position)

    def finish(self) -> Iterator[Line]:
        """Yields the last line if it has no line end."""
        if self._begun:
            yield self._line(self._begun, behind=self.position)

    def _skip(self, piece: bytes) -> int:
        """Skips the rest of a line that was returned already. Returns its length."""
        if not self.in_line:
            return 0
        end = piece.find(b"\n")
        skipped = end + 1 if end >= 0 else len(piece)
        self.offset += skipped
        self.in_line = end < 0
        return skipped

    def _line(self, data: bytes, *, behind: int) -> Line:
        """Makes a line; ``behind`` is the offset after it."""
        line = Line(self.offset, data[: self._max_bytes], len(data) > self._max_bytes)
        self.offset, self._begun = behind, b""
        return line
