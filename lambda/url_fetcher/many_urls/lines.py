"""Cuts bytes that come in pieces into lines, in bounded memory, and knows where to go on."""

from collections.abc import Iterator
from typing import NamedTuple

MAX_LINE_BYTES = 32 * 1024


class Line(NamedTuple):
    """One line.

    Args:
        start: Where it begins, in bytes from the start of all.
        data: Its bytes without the line end; of one that is too long the first.
        is_too_long: Whether it is over the limit.
    """

    start: int
    data: bytes
    is_too_long: bool = False


class LineCutter:
    """Gives out each line once; whoever stops may go on later from ``offset`` and ``in_line``.

    Args:
        offset: Where the first piece begins, in bytes from the start of all.
        in_line: Whether that is inside a line that was given out already, as one that is too long.
        max_bytes: The longest line, without its end.
    """

    def __init__(self, offset: int = 0, *, in_line: bool = False, max_bytes: int = MAX_LINE_BYTES) -> None:
        self.offset = offset
        """Behind the last line that was given out, or behind what of it was read."""
        self.in_line = in_line
        """Whether ``offset`` is inside that line."""
        self._max_bytes = max_bytes
        self._begun = b""

    @property
    def position(self) -> int:
        """Where the next piece begins."""
        return self.offset + len(self._begun)

    def feed(self, piece: bytes) -> Iterator[Line]:
        """The lines that end in the next piece, and one that is too long as soon as that is known.

        When the iteration is left in the middle, ``offset`` is right, and no other piece may follow.
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
        """The last line, if no line end follows it."""
        if self._begun:
            yield self._line(self._begun, behind=self.position)

    def _skip(self, piece: bytes) -> int:
        """How much of a piece belongs to a line that was given out."""
        if not self.in_line:
            return 0
        end = piece.find(b"\n")
        skipped = end + 1 if end >= 0 else len(piece)
        self.offset += skipped
        self.in_line = end < 0
        return skipped

    def _line(self, data: bytes, *, behind: int) -> Line:
        """A line, after which ``behind`` is where to go on."""
        line = Line(self.offset, data[: self._max_bytes], len(data) > self._max_bytes)
        self.offset, self._begun = behind, b""
        return line
