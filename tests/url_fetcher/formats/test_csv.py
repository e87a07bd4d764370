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


@settings(max_examples=80, deadline=None)
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
        (b"1\n", "1 fields where the header has 2"),
        (b"1,2,3\n", "3 fields where the header has 2"),
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
