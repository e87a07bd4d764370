"""Chooses the splitter of a body: by format, Content-Type, the URL's ending and the first bytes."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias

from msgspec import structs

from url_fetcher.errors import ConfigurationError, MalformedBody
from url_fetcher.formats import first_bytes
from url_fetcher.formats.body_start import UTF8_MARK, MarkedBody, Transcoded
from url_fetcher.formats.charset import codec_of
from url_fetcher.formats.csv_dialect import DEFAULT, Csv
from url_fetcher.formats.splitter import Splitter
from url_fetcher.formats.xml_path import refusal
from url_fetcher.paths import parse_path

Found: TypeAlias = Literal["json", "ndjson", "json_seq", "csv", "tsv", "xml"]
Format: TypeAlias = Literal["auto", "json", "ndjson", "json_seq", "csv", "xml"]

_LINE_TYPES = ("ndjson", "jsonl", "json-lines", "jsonlines")
_CSV_TYPES = ("csv", "comma-separated-values")
_HTML_TYPES = ("text/html", "application/xhtml+xml")
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
    "application/download",
    "application/x-download",
    "application/force-download",
    "application/unknown",
    "text/html",
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
_TABLES = ("csv", "tsv")
# An array or an object over several lines, of which the first is none of NDJSON.
_SPREAD = re.compile(rb"[\[{][ \t]*\r?\n")


def open_splitter(
    format: Format,  # noqa: A002 - the word that sources use for it
    *,
    record_path: str = "",
    records_optional: bool = False,
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
        records_optional: True if a body that lacks the path has no records, unless it has an error.
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
    settings = _Settings(record_path, records_optional, csv, max_record_bytes, max_nesting)
    codec = codec_of(content_type) if csv.encoding == DEFAULT.encoding else ""
    if codec:
        settings = settings._replace(xml_encoding="utf-8")
    hint = (
        ""
        if format in ("json", "ndjson", "json_seq")
        else ', or in a CSV set csv.encoding = "utf-16", "utf-16le" or "utf-16be"'
    )

    def choose(head: bytes) -> Splitter:
        chosen = _found(head, content_type, url, may_be_flat=not record_path) if format == "auto" else format
        _refuse_unreadable(head, chosen, csv, hint)
        if chosen == "xml" and not_as_xml:
            raise MalformedBody(
                f"the body begins with '<' or is said to be XML; it may be a page for people. {not_as_xml}"
            )
        return _splitter(chosen, settings)

    splitter = MarkedBody(
        choose,
        takes_utf16=_may_be_utf16(format, csv, content_type),
        hint=hint,
    )
    return Transcoded(splitter, codec, from_header=True) if codec else splitter


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


class _Settings(NamedTuple):
    record_path: str
    records_optional: bool
    csv: Csv
    max_record_bytes: int
    max_nesting: int
    xml_encoding: str = ""


def _splitter(chosen: Found, settings: _Settings) -> Splitter:
    path, dialect = settings.record_path, settings.csv
    max_bytes, max_nesting = settings.max_record_bytes, settings.max_nesting
    # Imported here, because most invocations need one of them and each import slows a cold start.
    if chosen in ("csv", "tsv"):
        from url_fetcher.formats.csv import CsvSplitter

        if chosen == "tsv" and dialect.delimiter == DEFAULT.delimiter:
            dialect = structs.replace(dialect, delimiter="\t")
        rows = CsvSplitter(max_record_bytes=max_bytes, dialect=dialect)
        return Transcoded(rows, dialect.codec) if dialect.is_transcoded else rows
    if chosen == "ndjson":
        from url_fetcher.formats.ndjson import NdjsonSplitter

        return NdjsonSplitter(max_record_bytes=max_bytes, max_nesting=max_nesting)
    if chosen == "json_seq":
        from url_fetcher.formats.json_seq import JsonSeqSplitter

        return JsonSeqSplitter(max_record_bytes=max_bytes, max_nesting=max_nesting)
    if chosen == "xml":
        from url_fetcher.formats.xml import XmlSplitter

        return XmlSplitter(
            path=tuple(path.split(".")),
            max_record_bytes=max_bytes,
            max_nesting=max_nesting,
            records_optional=settings.records_optional,
            encoding=settings.xml_encoding,
        )
    from url_fetcher.formats.json_splitter import JsonSplitter

    return JsonSplitter(
        path=parse_path(path) if path else None,
        records_optional=settings.records_optional,
        max_record_bytes=max_bytes,
        max_nesting=max_nesting,
    )


def _found(head: bytes, content_type: str, url: str, *, may_be_flat: bool) -> Found:
    """Returns the format of a body; with a path it is a tree, JSON or XML.

    Args:
        head: Its first bytes, without white space and byte order mark.
        content_type: The answer's header.
        url: The source's.
        may_be_flat: True if lines and rows are possible, too.
    """
    media_type = _media_type(content_type)
    said = _by_type(media_type) or _by_ending(url)
    is_json = head.startswith((b"{", b"["))
    if media_type in _HTML_TYPES and head and not is_json and not head.startswith(b"<"):
        raise MalformedBody(
            f"the body is said to be a page of HTML (Content-Type {media_type!r}), not records: the URL may "
            "need `auth`, or be a page for people; set `format` if these are the records",
            content_type=media_type,
        )
    # No JSON, and no CSV that anybody means, begins with these.
    if head.startswith(b"<") and (said not in _TABLES or not may_be_flat):
        return "xml"
    if not may_be_flat or (said == "xml" and is_json):
        return "xml" if said == "xml" and not is_json else "json"
    if head.startswith(_SEPARATOR) and said in ("", "json"):
        return "json_seq"
    if said in ("csv", "tsv") and (other := first_bytes.other_than_csv(head)):
        # An object where a table was announced is more likely an error than a record.
        is_announced_table = other == first_bytes.OBJECT and bool(_by_type(media_type))
        return said if is_announced_table or not is_json else "json"
    if said == "ndjson" and _SPREAD.match(head):
        return "json"
    return said or "json"


def _refuse_unreadable(head: bytes, chosen: Found, dialect: Csv, hint: str) -> None:
    """Refuses a body whose first bytes show that it is not what it was taken for.

    Every other line of a file of bytes, and every line of JSON, would be a row of CSV.
    """
    if kind := first_bytes.binary(head):
        raise MalformedBody(
            f"the body is {kind}, not text: ask the source for JSON, NDJSON, CSV or XML, which may be "
            "compressed with gzip or Zstandard"
        )
    is_csv = chosen in _TABLES
    may_be_utf16 = chosen == "xml" or (is_csv and dialect.encoding.startswith("utf-16"))
    if not may_be_utf16 and first_bytes.is_unmarked_utf16(head):
        raise MalformedBody(
            "the body seems to be UTF-16 without a byte order mark; records must be in UTF-8, or its "
            f"Content-Type must say charset=utf-16le or utf-16be{hint}"
        )
    if not is_csv:
        return
    text = head.decode(dialect.codec, "ignore").encode() if may_be_utf16 else head
    if other := first_bytes.other_than_csv(text.removeprefix(UTF8_MARK)):
        raise MalformedBody(
            f"the body begins as {other} does, not as CSV: it may be an error message; if it has the "
            "records, set `format` to what it is"
        )


# A source says the same for each page.
@lru_cache(maxsize=64)
def _media_type(content_type: str) -> str:
    """The type without its parameters, also if it is there twice."""
    return content_type.partition(";")[0].partition(",")[0].strip().lower()


@lru_cache(maxsize=64)
def _by_type(media_type: str) -> Found | Literal[""]:
    if media_type.endswith(("/json-seq", "+json-seq")):
        return "json_seq"
    name = media_type.rpartition("/")[2].removeprefix("x-").removesuffix("+json")
    if name in _LINE_TYPES:
        return "ndjson"
    if name in _CSV_TYPES:
        return "csv"
    if name == "tab-separated-values":
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
    is_xml = format_ == "xml" or (format_ == "auto" and _by_type(_media_type(content_type)) == "xml")
    return is_xml or (format_ in ("auto", "csv") and dialect.encoding.startswith("utf-16"))
