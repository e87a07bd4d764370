"""Which splitter a body needs: by its format, its Content-Type, and its byte order mark."""

from collections.abc import Sequence
from typing import Literal, Protocol, TypeAlias

from url_fetcher.errors import ConfigurationError, MalformedBody
from url_fetcher.formats.splitter import MAX_NESTING, Splitter
from url_fetcher.paths import parse_path

Format: TypeAlias = Literal["auto", "json", "ndjson", "csv"]

_LINE_TYPES = ("ndjson", "jsonl", "json-lines", "jsonlines")
_UTF8 = b"\xef\xbb\xbf"
_OTHERS = (b"\xff\xfe", b"\xfe\xff")


class OffsetSplitter(Splitter, Protocol):
    """A splitter whose offsets may start behind bytes that it does not see."""

    def start(self, offset: int) -> None:
        """Count offsets from ``offset``; before the first ``feed``."""


class BomStripper:
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


def open_splitter(
    format: Format,  # noqa: A002 - the word that sources use for it
    *,
    record_path: str = "",
    max_record_bytes: int,
    max_nesting: int,
    content_type: str = "",
) -> Splitter:
    r"""A splitter for one body.

    Example:
        >>> splitter = open_splitter("ndjson", max_record_bytes=1000, max_nesting=100)
        >>> for records, rejected in split([b'{"a":1}\n{"a":2}\n'], splitter):
        ...     print(len(records), len(rejected))
        2 0

    Args:
        format: ``auto`` takes the format from ``content_type``, and is JSON when that says nothing.
        record_path: Where in a JSON body the records are: keys joined by dots, or a JSON Pointer; empty
            for the body itself. An array there is its elements, anything else but null is one record.
        max_record_bytes: A longer record is rejected alone.
        max_nesting: A record nested deeper is rejected alone; 1 to ``MAX_NESTING``.
        content_type: The answer's header, parameters included.

    Raises:
        ConfigurationError: When a value is out of range, or a path is given for lines.
    """
    if not 1 <= max_nesting <= MAX_NESTING:
        raise ConfigurationError(f"max_nesting is {max_nesting}; allowed are 1 to {MAX_NESTING}")
    if max_record_bytes < 1:
        raise ConfigurationError(f"max_record_bytes is {max_record_bytes}; at least 1 is needed")
    chosen = _format_of(content_type) if format == "auto" and not record_path else format
    if record_path and chosen in ("ndjson", "csv"):
        raise ConfigurationError(f"record_path {record_path!r} needs format json; the format is {chosen}")
    # Loaded here because most invocations need one of them.

    if chosen == "ndjson":
        from url_fetcher.formats.ndjson import NdjsonSplitter

        return BomStripper(NdjsonSplitter(max_record_bytes=max_record_bytes, max_nesting=max_nesting))
    if chosen == "json-seq":
        from url_fetcher.formats.json_seq import JsonSeqSplitter

        return BomStripper(JsonSeqSplitter(max_record_bytes=max_record_bytes, max_nesting=max_nesting))
    if chosen == "csv":
        from url_fetcher.formats.csv import CsvSplitter

        return BomStripper(CsvSplitter(max_record_bytes=max_record_bytes))
    from url_fetcher.formats.json_splitter import JsonSplitter

    path = parse_path(record_path) if record_path else None
    return BomStripper(JsonSplitter(path=path, max_record_bytes=max_record_bytes, max_nesting=max_nesting))


def _format_of(content_type: str) -> Literal["json", "ndjson", "json-seq", "csv"]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.endswith(("/json-seq", "+json-seq")):
        return "json-seq"
    if media_type.rpartition("/")[2].removeprefix("x-").removesuffix("+json") in _LINE_TYPES:
        return "ndjson"
    return "csv" if media_type in ("text/csv", "application/csv") else "json"
