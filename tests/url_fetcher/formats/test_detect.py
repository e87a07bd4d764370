from typing import Any

import pytest

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import read
from url_fetcher.errors import ConfigurationError, MalformedBody
from url_fetcher.formats.detect import Format, open_splitter
from url_fetcher.formats.splitter import Splitter


def _open(
    format_: Format = "auto", *, content_type: str = "", record_path: str = "", url: str = ""
) -> Splitter:
    return open_splitter(
        format_,
        record_path=record_path,
        max_record_bytes=1_000,
        max_nesting=100,
        content_type=content_type,
        url=url,
    )


@pytest.mark.parametrize(
    ("content_type", "body", "records"),
    [
        ("application/json", b"[1,2]", [b"1", b"2"]),
        ("", b'{"a":1}', [b'{"a":1}']),
        ("text/plain; charset=utf-8", b" [1]", [b"1"]),
        ("application/x-ndjson", b"[1]\n[2]\n", [b"[1]", b"[2]"]),
        ("application/jsonl; charset=utf-8", b"[1]\n", [b"[1]"]),
        ("application/json-lines", b"[1]\n", [b"[1]"]),
        ("text/csv; header=present", b"a\n1\n", [b'{"a":"1"}']),
        ("text/tab-separated-values", b"a\tb\n1\t2\n", [b'{"a":"1","b":"2"}']),
        ("application/json", b"\x1e1\n", [b"1"]),
        ("", b" \x1e1\n", [b"1"]),
        ("text/csv", b"{\n1\n", [b'{"{":"1"}']),
        ("text/csv, text/csv", b"a\n1\n", [b'{"a":"1"}']),
        ("text/csv;charset=utf-8, text/csv", b"a\n1\n", [b'{"a":"1"}']),
        ("text/x-csv", b"a\n1\n", [b'{"a":"1"}']),
        ("application/x-csv", b"a\n1\n", [b'{"a":"1"}']),
        ("text/comma-separated-values", b"a\n1\n", [b'{"a":"1"}']),
        ("text/html", b"[1]", [b"1"]),
        ("text/html; charset=utf-8", b"", []),
        ("text/xml", b" [1]", [b"1"]),
        ("application/force-download", b"[1]", [b"1"]),
    ],
)
def test_auto_follows_the_content_type(content_type: str, body: bytes, records: list[bytes]) -> None:
    """Lines and CSV are what the header says they are, everything else is JSON."""
    assert read(_open(content_type=content_type), [body])[0] == records


_ROWS = [b'{"a":"1"}']


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize(
    ("url", "content_type", "body", "records"),
    [
        ("https://h/a.csv", "", b"a\n1\n", _ROWS),
        ("https://h/a.CSV.gz?x=y.json#z", "application/octet-stream", b"a\n1\n", _ROWS),
        ("https://h/a.csv", "application/vnd.ms-excel", b"a\n1\n", _ROWS),
        ("https://h/a.csv.zst", "application/zstd", b"a\n1\n", _ROWS),
        ("https://h/a.tsv", "text/plain", b"a\tb\n1\t2\n", [b'{"a":"1","b":"2"}']),
        ("https://h/a.jsonl", "text/plain", b"[1]\n[2]\n", [b"[1]", b"[2]"]),
        ("https://h/a.csv", "application/json", b"[1]", [b"1"]),
        ("https://h/a.csv", "", b" [1]", [b"1"]),
        ("https://h/a.xml", "application/json", b"[1]", [b"1"]),
        ("https://h/a.csv/b", "", b"[1]", [b"1"]),
        ("https://csv", "", b"[1]", [b"1"]),
    ],
)
def test_an_ending_tells_the_format_where_the_content_type_does_not(
    url: str, content_type: str, body: bytes, records: list[bytes], size: int
) -> None:
    """A file of an object store is what it is called; a Content-Type or JSON's first byte count more."""
    assert read(_open(content_type=content_type, url=url), cut(body, [size])) == (records, [], None)


@pytest.mark.parametrize("size", [1, 100])
@pytest.mark.parametrize("content_type", ["application/xml", "application/atom+xml", "application/json", ""])
def test_xml_is_told_by_its_first_byte(content_type: str, size: int) -> None:
    """No JSON begins so; with a path the records are found."""
    splitter = _open(content_type=content_type, record_path="a.b")

    assert read(splitter, cut(b"\xef\xbb\xbf <a><b>1</b></a>", [size]))[0] == [b'{"#text":"1"}']


@pytest.mark.parametrize("content_type", ["application/xml", "application/json", ""])
def test_xml_without_a_path_is_told_with_the_way_out(content_type: str) -> None:
    """Nobody can tell which element is a record, and it may be a page with an error."""
    _, _, error = read(_open(content_type=content_type), [b"<Error><Code>1</Code></Error>"])

    assert (type(error), "begins with '<'" in str(error), "record_path" in str(error)) == (
        MalformedBody,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"record_path": "/a/b"}, "no path with a leading /"),
        ({"record_path": "a.b", "outside_settings": ["fail_when"]}, "XML has no values outside its records"),
    ],
)
def test_xml_that_settings_for_json_cannot_read_is_told(settings: dict[str, Any], words: str) -> None:
    """A source that is found to be XML is refused for what is refused at synth where the format says it."""
    splitter = open_splitter("auto", max_record_bytes=1_000, max_nesting=100, **settings)
    records, _, error = read(splitter, [b"<a><b>1</b></a>"])

    assert (records, type(error), words in str(error)) == ([], MalformedBody, True)


def test_text_that_is_called_html_needs_its_format() -> None:
    """It may be a page with an error; who sets the format says that it is none."""
    _, _, error = read(_open(content_type="text/html", url="https://h/a.csv"), [b"a\n1\n"])
    records, _, _ = read(_open("csv", content_type="text/html"), [b"a\n1\n"])

    assert ("page of HTML" in str(error), "set `format`" in str(error), records) == (True, True, _ROWS)


@pytest.mark.parametrize("content_type", ["text/csv", "application/x-ndjson"])
def test_xml_is_told_whatever_it_is_called(content_type: str) -> None:
    """With a path the records are found, where the type says lines or rows."""
    splitter = _open(content_type=content_type, record_path="a.b")

    assert read(splitter, [b"<a><b>1</b></a>"])[0] == [b'{"#text":"1"}']


def test_json_may_have_both() -> None:
    """What is refused of XML only, is not where the body is JSON."""
    splitter = open_splitter(
        "auto", record_path="/a/b", outside_settings=["fail_when"], max_record_bytes=1_000, max_nesting=100
    )

    assert read(splitter, [b'{"a":{"b":[1]}}'])[0] == [b"1"]


def test_xml_as_a_format_needs_a_path() -> None:
    """An event or a call without one is refused before anything is read."""
    with pytest.raises(ConfigurationError, match="record_path"):
        _open("xml")


def test_space_at_the_beginning_is_not_gathered() -> None:
    """Where only white space comes, the format is chosen after a few KiB."""
    splitter = _open()
    for _ in range(64):
        splitter.feed(b" " * 1_000)

    assert read(splitter, [b"[1]"])[0] == [b"1"]


@pytest.mark.parametrize(
    ("format_", "body"),
    [("json", b"[1]"), ("json_seq", b"\x1e1\n"), ("ndjson", b"1\n"), ("csv", b"a\n1\n"), ("json", b"\n1")],
)
@pytest.mark.parametrize("size", [1, 2, 100])
def test_a_byte_order_mark_is_no_part_of_a_record(format_: Format, body: bytes, size: int) -> None:
    """With and without a UTF-8 byte order mark the records are the same."""
    marked = read(_open(format_), cut(b"\xef\xbb\xbf" + body, [size]))

    assert marked == read(_open(format_), [body])


def test_offsets_count_the_byte_order_mark() -> None:
    """An offset is where the byte is in the body as it was sent."""
    _, _, error = read(_open(), [b"\xef\xbb\xbf[x]"])
    assert isinstance(error, MalformedBody)

    assert error.offset == 4


@pytest.mark.parametrize("mark", [b"\xff\xfe", b"\xfe\xff"])
def test_other_encodings_are_refused_by_their_mark(mark: bytes) -> None:
    """UTF-16 and UTF-32 are named as what is wrong."""
    _, _, error = read(_open("csv"), [mark + b"[\x00"])

    assert "UTF-16" in str(error)


@pytest.mark.parametrize(("format_", "records"), [("ndjson", []), ("csv", [])])
def test_an_empty_body_of_lines_has_no_records(format_: Format, records: list[bytes]) -> None:
    """No lines are no records, and no error."""
    assert read(_open(format_), []) == (records, [], None)


@pytest.mark.parametrize("format_", ["ndjson", "json_seq", "csv"])
def test_lines_have_no_path(format_: Format) -> None:
    """A record path makes sense in JSON and XML only."""
    with pytest.raises(ConfigurationError, match="record_path"):
        _open(format_, record_path="items")


def test_a_path_makes_auto_json() -> None:
    """With a record path the body is JSON, whatever the header says."""
    splitter = _open(record_path="items", content_type="text/csv")

    assert read(splitter, [b'{"items":[1]}'])[0] == [b"1"]
