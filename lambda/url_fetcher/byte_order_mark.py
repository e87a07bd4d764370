"""The mark that a body may begin with, and that belongs to no record."""

from collections.abc import Sequence
from typing import Protocol

from url_fetcher.errors import MalformedBody
from url_fetcher.records import Splitter

_UTF8 = b"\xef\xbb\xbf"
_OTHERS = (b"\xff\xfe", b"\xfe\xff")


class OffsetSplitter(Splitter, Protocol):
    """A splitter that can be told how many bytes of the body it does not see."""

    def start(self, offset: int) -> None:
        """Count offsets from ``offset``; before the first ``feed``."""


class Unmarked:
    """A splitter whose body may begin with a UTF-8 byte order mark.

    Args:
        splitter: Gets the body without the mark; its offsets are moved by the mark's length.
    """

    def __init__(self, splitter: OffsetSplitter) -> None:
        self._splitter = splitter
        self._head: bytes | None = b""
        self.rejected = splitter.rejected

    @property
    def count(self) -> int:
        """Records handed out so far."""
        return self._splitter.count

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """As every splitter; a body in UTF-16 or UTF-32 is malformed at its first byte."""
        if self._head is None:
            return self._splitter.feed(chunk)
        self._head += chunk
        if len(self._head) < len(_UTF8):
            return ()
        return self._splitter.feed(self._without_mark())

    def finish(self) -> Sequence[bytes]:
        """As every splitter."""
        if self._head is not None and (records := self._splitter.feed(self._without_mark())):
            return records
        return self._splitter.finish()

    def outside(self) -> object:
        """As every splitter."""
        return self._splitter.outside()

    def _without_mark(self) -> bytes:
        head, self._head = self._head or b"", None
        if head.startswith(_OTHERS):
            raise MalformedBody("the body is in UTF-16 or UTF-32; records must be in UTF-8", offset=0)
        if head.startswith(_UTF8):
            self._splitter.start(len(_UTF8))
            return head[len(_UTF8) :]
        return head
