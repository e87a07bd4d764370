"""Chooses the splitter of a body: by format, Content-Type, the URL's ending and the first bytes."""

from collections.abc import Sequence
from typing import Literal, TypeAlias

from msgspec import structs

from url_fetcher.errors import ConfigurationError, MalformedBody
from url_fetcher.formats.body_start import MarkedBody, Transcoded
from url_fetcher.formats.csv_dialect import DEFAULT, Csv
from url_fetcher.formats.splitter import Splitter
from url_fetcher.formats.xml_path import refusal
from url_fetcher.paths import parse_path

Found: TypeAlias = Literal["json", "ndjson", "json_seq", "csv", "tsv", "xml"]
Format: TypeAlias = Literal["auto", "json", "ndjson", "json_seq", "csv", "xml"]

_LINE_TYPES = ("ndjson", "jsonl", "json-lines", "jsonlines")
# Generic types, which say nothing about the format.
_VAGUE_TYPES = (
    "",
    "text/plain",
    "application/octet-stream",
    "binary/octet-stream",
    "application/gzip",
    "application/x-gzip",
    "application/zstd",
    "application/vnd.ms-excel",
)
_ENDINGS: dict[str, Found] = {
    "json": "json",
    "geojson": "json",
    "ndjson": "ndjson",
    "jsonl": "ndjson",
    "csv": "csv",
    "tsv": "tsv",
    "xml": "xml",
    "rss": "xml",
    "atom": "xml",
}
_COMPRESSED = (".gz", ".zst")
_SEPARATOR = b"\x1e"


def open_splitter(
    format: Format,  # noqa: A002 - the word that sources use for it
    *,
    record_path: str = "",
    outside_settings: Sequence[str] = (),
    csv: Csv = DEFAULT,
    max_record_bytes: int,
    max_nesting: int,
    content_type: str = "",
    url: str = "",
) -> Splitter:
    r"""Returns a splitter for one body.

    Example:
        >>> splitter = open_splitter("ndjson", max_record_bytes=1000, max_nesting=100)
        >>> for records, rejected in split([b'{"a":1}\n{"a":2}\n'], splitter):
        ...     print(len(records), len(rejected))
        2 0

    Args:
        format: ``auto`` goes by ``content_type``, the ending of ``url``, the first byte; else it is JSON.
        record_path: Keys or elements that lead to the records, as in a source; empty for the whole body. The
            elements of a JSON array are records; any other value but null is one record.
        outside_settings: The source's settings that read values outside the records, which XML has none of.
        csv: The dialect of a CSV.
        max_record_bytes: A longer record is rejected alone.
        max_nesting: So is a record nested deeper; 1 to ``MAX_NESTING``.
        content_type: The answer's header with its parameters.
        url: The source's URL.

    Raises:
        ConfigurationError: When the settings contradict each other.
    """
    not_as_xml = refusal(record_path, outside_settings)
    _refuse_settings(format, record_path, not_as_xml)

    def choose(head: bytes) -> Splitter:
        chosen = _found(head, content_type, url, may_be_flat=not record_path) if format == "auto" else format
        if chosen == "xml" and not_as_xml:
            raise MalformedBody(
                f"the body begins with '<' or is said to be XML; it may be a page for people. {not_as_xml}"
            )
        return _splitter(chosen, record_path, csv, max_record_bytes, max_nesting)

    return MarkedBody(
        choose,
        takes_utf16=_may_be_utf16(format, csv, content_type),
        hint="" if format in ("json", "ndjson", "json_seq") else ', or in a CSV set csv.encoding = "utf-16"',
    )


def may_be_blank(
    format: Format,  # noqa: A002 - the word that sources use for it
    *,
    record_path: str,
    content_type: str,
    url: str,
) -> bool:
    """True if a body without a byte is a usual page without records: in formats of lines, not in a tree."""
    found = _found(b"", content_type, url, may_be_flat=not record_path) if format == "auto" else format
    return found not in ("json", "xml")


def _refuse_settings(format_: Format, record_path: str, not_as_xml: str) -> None:
    if record_path and format_ in ("ndjson", "json_seq", "csv"):
        raise ConfigurationError(
            f"record_path {record_path!r} needs format json or xml; the format is {format_}"
        )
    if format_ == "xml" and not_as_xml:
        raise ConfigurationError(f"the format is xml: {not_as_xml}")


def _splitter(
    chosen: Found, record_path: str, dialect: Csv, max_record_bytes: int, max_nesting: int
) -> Splitter:
    # Imported here, because most invocations need one of them and each import slows a cold start.
    if chosen in ("csv", "tsv"):
        from url_fetcher.formats.csv import CsvSplitter

        if chosen == "tsv" and dialect.delimiter == DEFAULT.delimiter:
            dialect = structs.replace(dialect, delimiter="\t")
        rows = CsvSplitter(max_record_bytes=max_record_bytes, dialect=dialect)
        return Transcoded(rows, dialect.codec) if dialect.is_transcoded else rows
    if chosen == "ndjson":
        from url_fetcher.formats.ndjson import NdjsonSplitter

        return NdjsonSplitter(max_record_bytes=max_record_bytes, max_nesting=max_nesting)
    if chosen == "json_seq":
        from url_fetcher.formats.json_seq import JsonSeqSplitter

        return JsonSeqSplitter(max_record_bytes=max_record_bytes, max_nesting=max_nesting)
    if chosen == "xml":
        from url_fetcher.formats.xml import XmlSplitter

        names = tuple(record_path.split("."))
        return XmlSplitter(path=names, max_record_bytes=max_record_bytes, max_nesting=max_nesting)
    from url_fetcher.formats.json_splitter import JsonSplitter

    path = parse_path(record_path) if record_path else None
    return JsonSplitter(path=path, max_record_bytes=max_record_bytes, max_nesting=max_nesting)


def _found(head: bytes, content_type: str, url: str, *, may_be_flat: bool) -> Found:
    """Returns the format of a body; with a path it is a tree, JSON or XML.

    Args:
        head: Its first bytes, without white space and byte order mark.
        content_type: The answer's header.
        url: The source's.
        may_be_flat: True if lines and rows are possible, too.
    """
    said = _by_type(content_type) or _by_ending(url)
    # No JSON, and no CSV that anybody means, begins with these.
    if head.startswith(b"<") and said in ("", "json", "xml"):
        return "xml"
    if not may_be_flat:
        return "xml" if said == "xml" else "json"
    if head.startswith(_SEPARATOR) and said in ("", "json"):
        return "json_seq"
    if said in ("csv", "tsv") and head.startswith((b"{", b"[")) and not _by_type(content_type):
        return "json"
    return said or "json"


def _by_type(content_type: str) -> Found | Literal[""]:
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.endswith(("/json-seq", "+json-seq")):
        return "json_seq"
    if media_type.rpartition("/")[2].removeprefix("x-").removesuffix("+json") in _LINE_TYPES:
        return "ndjson"
    if media_type in ("text/csv", "application/csv"):
        return "csv"
    if media_type == "text/tab-separated-values":
        return "tsv"
    if media_type in ("application/xml", "text/xml") or media_type.endswith("+xml"):
        return "xml"
    return "" if media_type in _VAGUE_TYPES else "json"


def _by_ending(url: str) -> Found | Literal[""]:
    name = url.partition("?")[0].partition("#")[0].rpartition("/")[2].lower()
    for ending in _COMPRESSED:
        name = name.removesuffix(ending)
    return _ENDINGS.get(name.rpartition(".")[2], "") if "." in name else ""


def _may_be_utf16(format_: Format, dialect: Csv, content_type: str) -> bool:
    """True if the splitter may be one that handles UTF-16 itself."""
    is_xml = format_ == "xml" or (format_ == "auto" and _by_type(content_type) == "xml")
    return is_xml or (format_ in ("auto", "csv") and dialect.encoding == "utf-16")
