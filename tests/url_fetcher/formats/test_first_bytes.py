"""What is no CSV, and what is no text at all, is told by its first bytes instead of becoming records."""

import io
import json
import tarfile
import zipfile

import pytest

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import read
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv_dialect import Csv
from url_fetcher.formats.detect import Format, open_splitter
from url_fetcher.formats.splitter import Splitter


def _open(
    format_: Format, content_type: str = "", url: str = "", record_path: str = "", **csv: object
) -> Splitter:
    return open_splitter(
        format_,
        record_path=record_path,
        csv=Csv(**csv),  # type: ignore[arg-type]
        max_record_bytes=1_000,
        max_nesting=100,
        content_type=content_type,
        url=url,
    )


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.csv", "a,b\n1,2\n")
    return file.getvalue()


def _tar() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.csv"), io.BytesIO())
    return file.getvalue()


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize(
    ("body", "named"),
    [
        (b'{"error": "rate limited"}', "a JSON object"),
        (b'{\n  "error": "rate limited",\n  "code": 7\n}\n', "a JSON object"),
        (b'\xef\xbb\xbf {"a":' + b'"x"' * 400 + b"}", "a JSON object"),
        (b"{}", "a JSON object"),
        (b'{"a":1}\n{"a":2}\n', "a JSON object"),
        (b'[{"a": 1}, {"a": 2}]', "a JSON array"),
        (b"[1,2]", "a JSON array"),
        (b"[\n  {\n", "a JSON array"),
        (b"[]", "a JSON array"),
        (b'<?xml version="1.0"?>\n<Error/>', "XML or HTML"),
        (b"<Error><Code>NoSuchKey</Code></Error>", "XML or HTML"),
        (b"<error>\n  <code>1</code></error>", "XML or HTML"),
        (b'<error code="1">no, thanks</error>', "XML or HTML"),
        (b"<!DOCTYPE html><html><body>no, thanks", "XML or HTML"),
        (_zip(), "a zip archive"),
        (_tar(), "a tar archive"),
        (b"%PDF-1.7\n%\xe2\xe3\n1 0 obj\n", "a PDF"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100), "old Excel"),
        (b"a\x00,\x00b\x00\n\x001\x00,\x002\x00\n\x00", "UTF-16 without a byte order mark"),
        (b"\x7fELF\x02\x01\x01\x00" + bytes(8) + b"\n1\n2\n", "NUL byte"),
    ],
)
def test_what_is_no_csv_is_named(body: bytes, named: str, size: int) -> None:
    """An error message, a document or an archive is malformed before a row of it is a record."""
    records, rejected, error = read(_open("csv"), cut(body, [size]))

    assert (records, rejected, type(error), named in str(error)) == ([], [], MalformedBody, True)


@pytest.mark.parametrize(
    ("body", "columns"),
    [
        (b"<DATE>;<TIME>\n1;2\n", ["<DATE>", "<TIME>"]),
        (b"<PRICE>\n1\n", ["<PRICE>"]),
        (b"[id];[name]\n1;2\n", ["[id]", "[name]"]),
        (b"{id};{name}\n1;2\n", ["{id}", "{name}"]),
        (b"Objects;PAR1;%PDF\n1;2;3\n", ["Objects", "PAR1", "%PDF"]),
        (b"PK;BZh\n1;2\n", ["PK", "BZh"]),
    ],
)
def test_a_header_may_look_like_another_format(body: bytes, columns: list[str]) -> None:
    """Brackets and short words are no reason to refuse a table."""
    records, _, error = read(_open("csv", delimiter=";"), [body])

    assert (list(json.loads(records[0])), error) == (columns, None)


def test_a_field_of_a_table_may_be_json() -> None:
    """A dump without a header begins with whatever is in its first field."""
    splitter = _open("csv", delimiter="\t", quote="", header=False)

    assert len(read(splitter, [b'{"a":1}\tx\n[1]\ty\n'])[0]) == 2


def test_a_skipped_first_line_may_be_anything_else() -> None:
    """A section's name in brackets is no JSON."""
    assert read(_open("csv", skip_lines=1), [b"[Data]\na\n1\n"])[0] == [b'{"a":"1"}']


@pytest.mark.parametrize(("content_type", "url"), [("text/csv", ""), ("", "https://a.test/a.csv")])
def test_an_array_that_is_called_csv_is_read_as_json(content_type: str, url: str) -> None:
    """With `auto` the first bytes count more than what the body is called."""
    assert read(_open("auto", content_type, url), [b'[{"a":1},{"a":2}]'])[0] == [b'{"a":1}', b'{"a":2}']


def test_an_object_that_is_called_csv_is_refused() -> None:
    """Where a table was announced an object is more likely an error than a record."""
    records, _, error = read(_open("auto", "text/csv"), [b'{"error":"rate limited"}'])

    assert (records, "set `format`" in str(error)) == ([], True)


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("format_", ["csv", "ndjson", "json"])
@pytest.mark.parametrize("body", [_zip(), _tar()], ids=["zip", "tar"])
def test_an_archive_is_no_text_in_any_format(body: bytes, format_: Format, size: int) -> None:
    """It is not cut into lines of which each is a dead letter."""
    records, rejected, error = read(_open(format_), cut(body, [size]))

    assert (records, rejected, "archive, not text" in str(error).replace(", as .xlsx files are", "")) == (
        [],
        [],
        True,
    )


@pytest.mark.parametrize("size", [1, 10_000])
def test_a_row_with_a_nul_byte_is_rejected_alone(size: int) -> None:
    """No text has such a byte, and no table of the lake can hold it."""
    body = b"a,b\n" + b"1,2\n" * 300 + b"1,\x00\n" + b"3,4\n"

    records, rejected, _ = read(_open("csv"), cut(body, [size]))

    assert (len(records), [each.data for each in rejected]) == (301, [b"1,\x00\n"])
    assert "NUL byte" in rejected[0].reason


@pytest.mark.parametrize("body", [b'[\n  {"a": 1},\n  {"a": 2}\n]\n', b'{\n  "a": 1\n}'])
def test_json_over_several_lines_that_is_called_lines_is_json(body: bytes) -> None:
    """Not each of its lines is a dead letter."""
    records, rejected, error = read(_open("auto", "application/x-ndjson"), [body])

    assert (len(records) > 0, rejected, error) == (True, [], None)
