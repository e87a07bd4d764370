"""The encoding that a Content-Type says is that of the body, in every format and however it is cut."""

import json

import pytest

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import read
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.formats.detect import Format, open_splitter
from url_fetcher.formats.splitter import Splitter

TEXTS: list[tuple[Format, str, str]] = [
    ("json", "application/json", '[{{"a": "{}"}}]'),
    ("ndjson", "application/x-ndjson", '{{"a": "{}"}}\n'),
    ("json_seq", "application/json-seq", '\x1e{{"a": "{}"}}\n'),
    ("csv", "text/csv", "a\n{}\n"),
    ("xml", "text/xml", '<?xml version="1.0"?>\n<r><i><a>{}</a></i></r>'),
    ("xml", "text/xml", '<?xml version="1.0" encoding="utf-16"?>\n<r><i><a>{}</a></i></r>'),
]


def _open(format_: Format, content_type: str, **csv: object) -> Splitter:
    return open_splitter(
        format_,
        record_path="r.i" if "xml" in (format_, content_type[5:8]) else "",
        csv=Csv(**csv),  # type: ignore[arg-type]
        max_record_bytes=100_000,
        max_nesting=100,
        content_type=content_type,
    )


@pytest.mark.parametrize(("size", "is_auto"), [(1, True), (7, False)])
@pytest.mark.parametrize(
    ("charset", "codec", "value"),
    [
        ("windows-1252", "cp1252", "Zoë €"),
        ("ISO-8859-1", "cp1252", "Zoë"),
        ('"iso-8859-2"', "iso8859-2", "Łódź"),
        ("windows-1251", "cp1251", "её"),
        ("Shift_JIS", "cp932", "日本ﾃｱ"),
        ("gb2312", "gb18030", "联通"),
        ("utf-16", "utf-16", "Zoë 日本"),
        ("utf-16le", "utf-16-le", "Zoë 日本"),
        ("UTF-16BE", "utf-16-be", "Zoë 日本"),
    ],
)
@pytest.mark.parametrize(("format_", "content_type", "text"), TEXTS)
def test_a_charset_is_honoured(
    format_: Format,
    content_type: str,
    text: str,
    charset: str,
    codec: str,
    value: str,
    size: int,
    is_auto: bool,
) -> None:
    """What the header says counts, in XML more than its declaration."""
    splitter = _open("auto" if is_auto else format_, f"{content_type}; a=b;charset={charset}")

    records, rejected, error = read(splitter, cut(text.format(value).encode(codec), [size]))

    assert ([json.loads(record)["a"] for record in records], rejected, error) == ([value], [], None)


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("charset", ["iso-8859-1", "us-ascii", "windows-1252", "x-unknown", "idna"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_bytes_that_are_utf8_count_more(charset: str, mark: bytes, size: int) -> None:
    """Servers that say ISO-8859-1 of everything send UTF-8 as before."""
    body = mark + '[{"a": "x"}, {"a": "Zoë"}, {"a": "日本"}]'.encode()

    records, _, error = read(_open("auto", f"application/json;charset={charset}"), cut(body, [size]))

    assert ([json.loads(record)["a"] for record in records], error) == (["x", "Zoë", "日本"], None)


def test_a_mark_is_no_part_of_the_first_column() -> None:
    """UTF-16 that says its order may have a byte order mark, too."""
    by_header = read(_open("csv", "text/csv;charset=utf-16le"), ["\ufeffa\n1\n".encode("utf-16-le")])
    by_setting = read(_open("csv", "", encoding="utf-16le"), ["\ufeffa\n1\n".encode("utf-16-le")])

    assert (by_header[0], by_setting[0]) == ([b'{"a":"1"}'], [b'{"a":"1"}'])


def test_the_encoding_of_a_setting_counts_more() -> None:
    """Who sets `csv.encoding` knows better than the server."""
    splitter = _open("csv", "text/csv;charset=utf-8", encoding="windows-1252")

    assert read(splitter, ["a\nZoë\n".encode("cp1252")])[0] == ['{"a":"Zoë"}'.encode()]


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize(
    ("format_", "content_type", "body", "named"),
    [
        ("json", "application/json", '[{"a": 1}]'.encode("utf-16-le"), "charset=utf-16le"),
        ("auto", "", '{"a": 1}'.encode("utf-16-be"), "without a byte order mark"),
        ("ndjson", "", '{"a": 1}\n'.encode("utf-16-le"), "without a byte order mark"),
        ("csv", "", "a,b\n1,2\n".encode("utf-16-le"), '"utf-16le"'),
        ("json", "application/json;charset=utf-16", b'[{"a": 1}]', "the Content-Type says"),
    ],
)
def test_utf16_without_a_mark_is_told(
    format_: Format, content_type: str, body: bytes, named: str, size: int
) -> None:
    """With the way out; no half of a character is a record."""
    records, rejected, error = read(_open(format_, content_type), cut(body, [size]))

    assert (records, rejected, type(error), named in str(error)) == ([], [], MalformedBody, True)


def test_bytes_that_are_not_in_the_charset_reject_their_row_alone() -> None:
    """As in a file whose encoding is a setting."""
    body = b"a\n1\n\x81\n2\n"

    records, rejected, _ = read(_open("csv", "text/csv;charset=windows-1252"), [body])

    assert (len(records), len(rejected)) == (2, 1)
