import csv
import io
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import cuts, read
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.csv import CsvSplitter
from url_fetcher.formats.splitter import Rejected

_fields = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=6) | st.sampled_from(
    ["", ",", '"', '""', "a\nb", "a\r\nb", " x "]
)


def _splitter(max_record_bytes: int = 1_000_000) -> CsvSplitter:
    return CsvSplitter(max_record_bytes=max_record_bytes)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(rows=st.lists(st.tuples(_fields, _fields), max_size=8), sizes=cuts)
def test_rows_become_objects_of_strings(rows: list[tuple[str, str]], sizes: list[int]) -> None:
    """Whatever the standard library writes as CSV comes out as objects, however it is cut."""
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("a", "b"), *rows])

    records, _, _ = read(_splitter(), cut(text.getvalue().encode(), sizes))

    assert [json.loads(record) for record in records] == [{"a": a, "b": b} for a, b in rows]


@pytest.mark.parametrize("size", [1, 1_000])
@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"1\n", "1 fields where there are 2 columns"),
        (b"1,2,3\n", "3 fields where there are 2 columns"),
        (b'"1"x,2\n', "expected after"),
        (b"\xff,2\n", "utf-8"),
    ],
)
def test_a_row_that_does_not_fit_is_rejected_alone(row: bytes, reason: str, size: int) -> None:
    """The row's own bytes are rejected with the reason, its neighbours are records."""
    records, rejected, _ = read(_splitter(), cut(b"a,b\n1,2\n" + row + b"3,4\n", [size]))

    assert (len(records), [(each.data, each.offset, reason in each.reason) for each in rejected]) == (
        2,
        [(row, 8, True)],
    )


@pytest.mark.parametrize("size", [1, 50, 9_000])
def test_a_row_that_is_too_long_is_rejected_alone(size: int) -> None:
    """A quoted field over many lines above the limit is one rejected row, cut short."""
    row = b'1,"' + b"x\n" * 1_000 + b'"\n'

    records, rejected, _ = read(_splitter(100), cut(b"a,b\n" + row + b"3,4\n", [size]))

    assert (records, rejected) == (
        [b'{"a":"3","b":"4"}'],
        [Rejected(row[:100], f"has {len(row)} bytes; the limit is 100", 4, len(row))],
    )


def test_a_column_named_twice_is_refused() -> None:
    """Two columns of one name would lose one of them."""
    _, _, error = read(_splitter(), [b"a,b,a\n1,2,3\n"])

    assert isinstance(error, MalformedBody)


def test_the_last_row_needs_no_newline() -> None:
    """A body may end without one."""
    assert read(_splitter(), [b"a\n1\n2"])[0] == [b'{"a":"1"}', b'{"a":"2"}']


@pytest.mark.parametrize("size", [1, 1_000])
@pytest.mark.parametrize(
    ("header", "offset"),
    [
        (b"a,\xff\n", 0),
        (b'"a"x,b\n', 0),
        (b'\n"a"x,b\n', 1),
        (b"a," + b"b" * 200 + b"\n", 0),
        (b'a,"b\n', 2),
        (b"a," + b"b" * 200, 0),
    ],
)
def test_a_broken_header_ends_the_body(header: bytes, offset: int, size: int) -> None:
    """Without its header a body is malformed; no row takes the header's place."""
    records, rejected, error = read(_splitter(100), cut(header + b"1,2\n3,4\n", [size]))
    assert isinstance(error, MalformedBody)

    assert (records, rejected, error.offset) == ([], [], offset)


@pytest.mark.parametrize("size", [1, 300, 65_536])
def test_a_quote_inside_a_field_is_that_character(size: int) -> None:
    """Only at the beginning of a field does a quote open anything: 5" takes no other row with it."""
    body = b'a,b\n1,5" disk\n' + b"2,x\n" * 2_000

    records, rejected, _ = read(_splitter(), cut(body, [size]))

    assert (records[0], len(records), rejected) == (b'{"a":"1","b":"5\\" disk"}', 2_001, [])


@pytest.mark.parametrize("size", [1, 300, 65_536])
@pytest.mark.parametrize("rows", [3, 20_000])
def test_a_quote_that_is_never_closed_ends_the_body_at_its_offset(rows: int, size: int) -> None:
    """The rows before it are records; what follows is not taken for one row, however much it is."""
    body = b'a,b\n1,2\n3,"5 disk\n' + b"6,7\n" * rows

    records, rejected, error = read(_splitter(), cut(body, [size]))
    assert isinstance(error, MalformedBody)

    assert (records, rejected, error.offset) == ([b'{"a":"1","b":"2"}'], [], 10)


@pytest.mark.parametrize("size", [1, 300, 65_536])
def test_a_quote_that_is_closed_by_another_field_far_on_ends_the_body(size: int) -> None:
    """An open quote takes no more rows with it than a record may be long, and those in a rejected row."""
    near = b'3,"5 disk\n' + b"6,7\n" * 5 + b'8,"x"\n'
    far = b'9,"5 disk\n' + b"6,7\n" * 50 + b'8,"x"\n'

    _, rejected, error = read(_splitter(100), cut(b"a,b\n" + near + far, [size]))
    assert isinstance(error, MalformedBody)

    assert ([each.data for each in rejected], error.offset) == ([near], 4 + len(near) + 2)


def test_an_open_quote_is_not_buffered() -> None:
    """While the rest of a body passes behind an open quote, no more than a chunk of it is kept."""
    splitter = _splitter(10_000)
    splitter.feed(b'a\n"')
    for _ in range(32):
        splitter.feed(b"x\n" * 100_000)

    assert len(splitter._window.data) < 500_000


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_blank_row_is_an_empty_value_where_there_is_one_column(size: int) -> None:
    """In a file of one column no row vanishes; with more columns a blank row is nothing."""
    one, _, _ = read(_splitter(), cut(b"a\n1\n\n2\n\r\n", [size]))
    two, _, _ = read(_splitter(), cut(b"a,b\n1,2\n\n\r\n3,4\n", [size]))

    assert [json.loads(record)["a"] for record in [*one, *two]] == ["1", "", "2", "", "1", "3"]


@pytest.mark.parametrize("size", [1, 2, 1_000])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_lines_end_as_the_header_does(end: str, last: bool, size: int) -> None:
    """LF, CRLF and CR alone end rows, and stay as they are between quotes."""
    body = end.join(['a,"b"', "1,2", f'3,"4{end}5"', "6,7"]) + end * last

    records, rejected, error = read(_splitter(), cut(body.encode(), [size]))

    assert (rejected, error) == ([], None)
    assert [json.loads(record) for record in records] == [
        {"a": "1", "b": "2"},
        {"a": "3", "b": f"4{end}5"},
        {"a": "6", "b": "7"},
    ]


@pytest.mark.parametrize("size", [1, 1_000])
@pytest.mark.parametrize(("end", "other"), [(b"\n", b"\r"), (b"\r", b"\n")])
def test_another_line_end_outside_of_quotes_rejects_the_row(end: bytes, other: bytes, size: int) -> None:
    """A row is not cut in two where a field holds what ends no line of this file."""
    body = end.join([b"a,b", b"1,2", b"3" + other + b"4,5", b"6,7", b""])

    records, rejected, _ = read(_splitter(), cut(body, [size]))

    assert (len(records), [each.data for each in rejected]) == (2, [b"3" + other + b"4,5" + end])


@pytest.mark.parametrize("body", [b"a,b", b"a,b\r", b"a,b\n", b'"a",b'])
def test_a_header_alone_has_no_records(body: bytes) -> None:
    """A table without rows is no error."""
    assert read(_splitter(), [body]) == ([], [], None)
