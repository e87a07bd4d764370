"""A body's bytes in, the records' own bytes out: what every splitter promises, and how one is chosen."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from url_fetcher.errors import ConfigurationError

Format: TypeAlias = Literal["auto", "json", "ndjson", "csv"]

KEPT_BYTES = 65_536
"""How much is kept of a record that is larger than its limit: enough to recognise it by."""

DEEPEST_NESTING = 500
"""The largest ``max_nesting``: the decoder recurses once a level on the interpreter's stack of 1,000."""

_LINE_TYPES = ("ndjson", "jsonl", "json-lines", "jsonlines", "json-seq")


class Rejected(NamedTuple):
    """A record that can never go to the stream.

    Args:
        data: Its bytes; of a record larger than its limit the first ``KEPT_BYTES``.
        reason: Why, with the limit.
        offset: Where it begins in the decompressed body, in bytes.
        total_bytes: How long it is in the source when ``data`` is only its beginning, else 0.
    """

    data: bytes
    reason: str
    offset: int
    total_bytes: int = 0


class Splitter(Protocol):
    """Cuts one body into records while it arrives.

    A record is one line: the source's own bytes, in which line breaks between tokens are spaces.
    """

    rejected: list[Rejected]
    """Records that can never go; the caller empties it after each call."""

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
        """After ``finish``: the decoded body without its records, or None when records are all there is."""


def split(
    chunks: Iterable[bytes], splitter: Splitter
) -> Iterator[tuple[Sequence[bytes], Sequence[Rejected]]]:
    """Yield the records of a whole body as they arrive, and beside them those that can never go.

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


def open_splitter(
    format: Format,  # noqa: A002 - the word that sources use for it
    *,
    record_path: str = "",
    max_record_bytes: int,
    max_nesting: int,
    content_type: str = "",
) -> Splitter:
    """A splitter for one body.

    Args:
        format: ``auto`` takes the format from ``content_type``, and is JSON when that says nothing.
        record_path: Keys, joined by dots, that lead to the records in a JSON object; empty for the
            body itself. An array there is its elements, anything else but null is one record.
        max_record_bytes: A longer record is rejected alone.
        max_nesting: A record nested deeper is rejected alone; 1 to ``DEEPEST_NESTING``.
        content_type: The answer's header, parameters included.

    Raises:
        ConfigurationError: When a value is out of range, or a path is given for lines.
    """
    if not 1 <= max_nesting <= DEEPEST_NESTING:
        raise ConfigurationError(f"max_nesting is {max_nesting}; allowed are 1 to {DEEPEST_NESTING}")
    if max_record_bytes < 1:
        raise ConfigurationError(f"max_record_bytes is {max_record_bytes}; at least 1 is needed")
    chosen = _format_of(content_type) if format == "auto" and not record_path else format
    if record_path and chosen in ("ndjson", "csv"):
        raise ConfigurationError(f"record_path {record_path!r} needs format json; the format is {chosen}")
    # Loaded here because these modules need the types above, and most invocations need one of them.
    from url_fetcher.byte_order_mark import Unmarked

    if chosen == "ndjson":
        from url_fetcher.line_records import NdjsonSplitter

        return Unmarked(NdjsonSplitter(max_record_bytes=max_record_bytes, max_nesting=max_nesting))
    if chosen == "csv":
        from url_fetcher.csv_records import CsvSplitter

        return Unmarked(CsvSplitter(max_record_bytes=max_record_bytes))
    from url_fetcher.json_records import JsonSplitter

    path = tuple(record_path.split(".")) if record_path else ()
    return Unmarked(JsonSplitter(path=path, max_record_bytes=max_record_bytes, max_nesting=max_nesting))


def _format_of(content_type: str) -> Literal["json", "ndjson", "csv"]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.rpartition("/")[2].removeprefix("x-").removesuffix("+json") in _LINE_TYPES:
        return "ndjson"
    return "csv" if media_type in ("text/csv", "application/csv") else "json"
