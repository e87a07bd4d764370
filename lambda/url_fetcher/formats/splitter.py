"""The base of all splitters: a body's bytes in, the records' own bytes out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from url_fetcher.errors import IngestionError

KEPT_BYTES = 65_536
"""The bytes that are kept of a record above its limit: enough to recognise it."""

AN_OBJECT = "an object"
LINES = "lines of JSON"
"""Shapes of a body that one object may be; see ``Splitter.shape``."""

ERROR_KEYS = frozenset(("error", "errors", "fault"))
"""Keys of a body that has an error rather than no records, in lower case."""

MAX_NESTING = 500
"""The largest ``max_nesting``: the decoder recurses once a level, and Python's stack has 1,000 frames."""


class Rejected(NamedTuple):
    """An undeliverable record.

    Args:
        data: Its bytes; only the first ``KEPT_BYTES`` of a record above its limit.
        reason: The reason why it is undeliverable, with the limit.
        offset: Its offset in the decompressed body.
        total_bytes: Its length in the source if ``data`` is only its beginning, else 0.
        is_record: False for a row of CSV, which is not a record yet even if it is valid JSON.
    """

    data: bytes
    reason: str
    offset: int
    total_bytes: int = 0
    is_record: bool = True


class Splitter:
    """Splits one body into records while it arrives.

    A record is one line: the source's own bytes, with spaces for line breaks between tokens.
    """

    def __init__(self) -> None:
        self.rejected: list[Rejected] = []
        """Undeliverable records; the caller empties the list after each call."""
        self._failure: IngestionError | None = None
        """The reason why the body ends here; raised once everything before it was returned."""
        self._shape = ""

    def start(self, offset: int) -> None:
        """Counts offsets from ``offset``; to be called before the first ``feed``."""
        raise NotImplementedError

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """Returns the records that this chunk completes; some may be held back until a later call.

        Raises:
            MalformedBody: When the body is broken, one call after the last record before the break.
        """
        raise NotImplementedError

    def finish(self) -> Sequence[bytes]:
        """Returns the records that were held back, at the body's end; to be called until it returns none.

        Raises:
            MalformedBody: When the body is cut or broken, after every record before that was returned.
        """
        raise NotImplementedError

    @property
    def shape(self) -> str:
        """What the body, or the value at the record path, is in words, such as "an array".

        Empty until it is known, if there is nothing, or if it differs between pages for no reason.
        """
        return self._shape

    @property
    def columns(self) -> Sequence[str]:
        """The names of a table's columns; empty until they are known, and for anything else."""
        return ()

    def outside(self) -> object:
        """After ``finish``: returns the decoded body without its records; None if it has nothing else.

        Also works after a MalformedBody of ``finish`` if the body was read to its end and lacks the records.
        """
        return None

    def _raise_failure(self) -> None:
        if self._failure:
            raise self._failure


def split(
    chunks: Iterable[bytes], splitter: Splitter
) -> Iterator[tuple[Sequence[bytes], Sequence[Rejected]]]:
    """Yields the records of a whole body as they arrive, each time with the undeliverable ones.

    Raises:
        MalformedBody: After everything before the break was yielded.
        LimitExceeded: As above, when the body's nesting exceeds the parser's own limit.
    """
    for chunk in chunks:
        records = splitter.feed(chunk)
        if records or splitter.rejected:
            yield records, _drained(splitter)
    while (records := splitter.finish()) or splitter.rejected:
        yield records, _drained(splitter)


def _drained(splitter: Splitter) -> Sequence[Rejected]:
    # Copied, because the splitter keeps appending to its own list.
    rejected = splitter.rejected.copy()
    splitter.rejected.clear()
    return rejected
