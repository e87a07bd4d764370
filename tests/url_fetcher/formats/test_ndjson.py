import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import cuts, read, values
from url_fetcher.formats.ndjson import NdjsonSplitter
from url_fetcher.formats.splitter import Rejected


def _splitter(max_record_bytes: int = 1_000_000, max_nesting: int = 100) -> NdjsonSplitter:
    return NdjsonSplitter(max_record_bytes=max_record_bytes, max_nesting=max_nesting)


def _is_json(line: str) -> bool:
    try:
        json.loads(line, parse_int=str)
    except ValueError:
        return False
    return True


_lines = st.lists(
    values.map(lambda text: text.replace("\r", " ").replace("\n", " "))
    | st.sampled_from(["", " ", "{", "1 2", "tru", '{"a":', "1}", '"\x01"']),
    max_size=8,
)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(lines=_lines, ending=st.sampled_from(["\n", "\r\n"]), last=st.booleans(), sizes=cuts)
def test_every_line_that_is_json_is_a_record(
    lines: list[str], ending: str, last: bool, sizes: list[int]
) -> None:
    """However it is cut, each line that the standard library can decode is one record, without its ends."""
    body = ending.join(lines) + (ending if last else "")

    records, _, _ = read(_splitter(), cut(body.encode(), sizes))

    assert records == [line.strip(" \t\r\n").encode() for line in lines if _is_json(line)]


@settings(max_examples=40, deadline=None, derandomize=True)
@given(lines=_lines, sizes=cuts)
def test_every_other_line_is_rejected_alone(lines: list[str], sizes: list[int]) -> None:
    """Lines that are neither JSON nor blank are rejected with their own bytes."""
    _, rejected, _ = read(_splitter(), cut("\n".join(lines).encode(), sizes))

    assert [each.data.decode() for each in rejected] == [
        line for line in lines if line.strip() and not _is_json(line)
    ]


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_rejected_line_says_where_and_why(size: int) -> None:
    """The offset is the line's first byte in the body, the reason names the byte in the line."""
    _, rejected, _ = read(_splitter(), cut(b"1\n\n[1,x]\n2\n", [size]))

    assert rejected == [Rejected(b"[1,x]", "is not JSON at its byte 3: Expecting value", 3)]


@pytest.mark.parametrize("size", [1, 7, 5_000])
@pytest.mark.parametrize("ending", [b"\n", b""])
def test_a_line_that_is_too_long_is_rejected_alone(size: int, ending: bytes) -> None:
    """Of a line above the limit the beginning and the length are kept, its neighbours are records."""
    long = b'"' + b"x" * 3_000 + b'"'

    records, rejected, _ = read(_splitter(100), cut(b"1\n" + long + ending, [size]))

    assert (records, rejected) == (
        [b"1"],
        [Rejected(long[:100], f"has {len(long)} bytes; the limit is 100", 2, len(long))],
    )


@pytest.mark.parametrize("deep", [b"[" * 7 + b"]" * 7, b"[" * 600 + b"]" * 600, b"[" * 20 + b"}"])
def test_a_line_that_is_too_deep_is_rejected_alone(deep: bytes) -> None:
    """Nesting above the limit is a reason, also where the decoder itself would give up."""
    _, rejected, _ = read(_splitter(max_nesting=6), [b"1\n" + deep + b"\n2\n"])

    assert rejected[0].reason.startswith("is nested")


def test_a_line_that_is_not_utf8_is_rejected_alone() -> None:
    """Bytes that are no text spoil their own line only."""
    records, rejected, _ = read(_splitter(), [b'"a"\n"\xff"\n"b"\n'])

    assert (records, [each.data for each in rejected]) == ([b'"a"', b'"b"'], [b'"\xff"'])


def test_a_carriage_return_inside_a_line_is_a_space() -> None:
    """A record never holds what some reader takes for the end of a line."""
    assert read(_splitter(), [b'{"a":\r1}\r\n'])[0] == [b'{"a": 1}']


@pytest.mark.parametrize("size", [1, 1_000])
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1}{"a":2}\n{"a":\n3}\n', []),
        (b"1-2\n[3,\n4]\n", []),
        (b'{"a":1}{"a":2}\r\n{"a":\r\n3}\r\n', []),
        (b'1 2\n{"a":3}\n\n', [b'{"a":3}']),
        (b'1 2\n{"a":3}\n \n4', [b'{"a":3}', b"4"]),
    ],
)
def test_only_a_line_with_one_value_is_a_record(body: bytes, expected: list[bytes], size: int) -> None:
    """Several values on a line, and one over several lines, are rejected, even where the counts match."""
    records, _, _ = read(_splitter(), cut(body, [size]))

    assert records == expected


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b" \n"])
def test_lines_are_recognised_at_once_whatever_ends_them(ending: bytes) -> None:
    """Many lines of one value each are that many records, without the ends of the lines."""
    texts = [b'{"id":%d}' % number for number in range(1_000)]

    records, _, _ = read(_splitter(), [ending.join([*texts, b""])])

    assert records == texts
