import pytest

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import read
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.detect import open_splitter
from url_fetcher.formats.splitter import Rejected, Splitter


def _splitter(content_type: str = "application/json-seq", max_record_bytes: int = 1_000) -> Splitter:
    return open_splitter(
        "auto", max_record_bytes=max_record_bytes, max_nesting=100, content_type=content_type
    )


@pytest.mark.parametrize("content_type", ["application/json-seq", "application/geo+json-seq; charset=utf-8"])
@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_record_separators_are_no_part_of_a_record(content_type: str, size: int) -> None:
    """Each text behind a separator is one record on one line; separators in a row mean nothing."""
    body = b'\x1e{"a":1}\n\x1e\x1e \n\x1e{"b":\n  2}\r\n\x1e7\n\x1e"\xc3\xa9"'

    records, rejected, error = read(_splitter(content_type), cut(body, [size]))

    assert (records, rejected, error) == ([b'{"a":1}', b'{"b":   2}', b"7", b'"\xc3\xa9"'], [], None)


@pytest.mark.parametrize("size", [1, 1_000])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (b'{"a":1', "is not JSON"),
        (b'"abc\n', "is not JSON"),
        (b"12", "may have been cut"),
        (b"true", "may have been cut"),
        (b"1 2\n", "is not JSON"),
        (b'{"a":1}{"a":2}\n', "is not JSON"),
        (b"[" * 101 + b"]" * 101, "is nested 101 levels"),
        (b'"\xff"\n', "is not JSON"),
    ],
)
def test_a_text_that_was_cut_is_rejected_alone(text: bytes, reason: str, size: int) -> None:
    """A text that is not whole is rejected with its offset; its neighbours are records."""
    body = b"\x1e1\n\x1e" + text + b"\x1e2\n"

    records, rejected, _ = read(_splitter(), cut(body, [size]))

    assert (records, [(each.data, each.offset) for each in rejected]) == ([b"1", b"2"], [(text, 4)])
    assert rejected[0].reason.startswith(reason)


@pytest.mark.parametrize("size", [1, 64, 10_000])
def test_a_text_that_is_too_long_is_rejected_alone(size: int) -> None:
    """Lines within a text do not end it; of one above the limit the beginning is kept."""
    long = b"[" + b"1,\n" * 1_000 + b"1]\n"

    records, rejected, _ = read(
        _splitter(max_record_bytes=100), cut(b"\x1e1\n\x1e" + long + b"\x1e2\n", [size])
    )

    assert (records, rejected) == (
        [b"1", b"2"],
        [Rejected(long[:100], f"has {len(long)} bytes; the limit is 100", 4, len(long))],
    )


@pytest.mark.parametrize("size", [1, 1_000])
def test_a_body_without_separators_is_refused(size: int) -> None:
    """Lines under that Content-Type are named as what is wrong, at their first byte."""
    records, rejected, error = read(_splitter(), cut(b'\n{"a":1}\n{"a":2}\n', [size]))
    assert isinstance(error, MalformedBody)

    assert (records, rejected, error.offset, "ndjson" in str(error)) == ([], [], 1, True)


@pytest.mark.parametrize("body", [b"", b" \n", b"\x1e", b"\x1e\n\x1e"])
def test_a_sequence_of_no_texts_has_no_records(body: bytes) -> None:
    """An empty sequence is no error."""
    assert read(_splitter(), [body]) == ([], [], None)


def test_it_may_be_named_as_a_format() -> None:
    """Where the Content-Type does not say it, the setting does."""
    splitter = open_splitter("json_seq", max_record_bytes=100, max_nesting=10, content_type="text/plain")

    assert read(splitter, [b"\x1e1\n\x1e[2]"])[0] == [b"1", b"[2]"]
