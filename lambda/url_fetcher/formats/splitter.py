"""What every splitter promises: a body's bytes in, the records' own bytes out."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

KEPT_BYTES = 65_536
"""How much is kept of a record that is larger than its limit: enough to recognise it by."""

MAX_NESTING = 500
"""The largest ``max_nesting``: the decoder recurses once a level on the interpreter's stack of 1,000."""


class Rejected(NamedTuple):
    """An undeliverable record.

    Args:
        data: Its bytes; of a record larger than its limit the first ``KEPT_BYTES``.
        reason: Why, with the limit.
        offset: Where it begins in the decompressed body, in bytes.
        total_bytes: How long it is in the source when ``data`` is only its beginning, else 0.
        is_record: False for a row of CSV, which is no record yet even if it reads as JSON.
    """

    data: bytes
    reason: str
    offset: int
    total_bytes: int = 0
    is_record: bool = True


class Splitter(Protocol):
    """Splits one body into records while it arrives.

    A record is one line: the source's own bytes, in which line breaks between tokens are spaces.
    """

    rejected: list[Rejected]
    """Undeliverable records; the caller empties the list after each call."""

    @property
    def count(self) -> int:
        """Records handed out so far."""

    def feed(self, chunk: bytes) -> Sequence[bytes]:
        """The records that are complete with this chunk; some may be held back until a later call.

        Raises:
            MalformedBody: On the call after the one that handed out the last record before the break.
        """

    def finish(self) -> Sequence[bytes]:
        """The records still held back at the body's end; call it until it returns none.

        Raises:
            MalformedBody: When the body is cut or broken and every record before that was handed out.
        """

    def outside(self) -> object:
        """After ``finish``: the decoded body without its records, or None when records are all there is.

        Also after its MalformedBody, when the body was read to its end and lacks the records.
        """


def split(
    chunks: Iterable[bytes], splitter: Splitter
) -> Iterator[tuple[Sequence[bytes], Sequence[Rejected]]]:
    """Yield the records of a whole body as they arrive, each time with those that are undeliverable.

    Raises:
        MalformedBody: After everything before the break was yielded.
        LimitExceeded: As above, when the nesting leaves every bound.
    """
    for chunk in chunks:
        records = splitter.feed(chunk)
        if records or splitter.rejected:
            yield records, _drained(splitter)
    while (records := splitter.finish()) or splitter.rejected:
        yield records, _drained(splitter)


def _drained(splitter: Splitter) -> Sequence[Rejected]:
    rejected = splitter.rejected.copy()
    splitter.rejected.clear()
    return rejected
