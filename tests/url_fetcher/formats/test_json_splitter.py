import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut, expect
from tests.url_fetcher.json_texts import arrays, cuts, decoded, read, rows, values
from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.json_scan import MAX_LEVELS
from url_fetcher.formats.json_splitter import JsonSplitter
from url_fetcher.formats.splitter import KEPT_BYTES, Rejected
from url_fetcher.paths import parse_path

_blocks = st.sampled_from([1, 7, 64, 4096])
_thorough = settings(max_examples=25, deadline=None, derandomize=True)
_ALPHABET = b'[]{},:"\\ \n1-.eNatrufls\xc3\xa9\xff'


def _splitter(
    *path: str, max_record_bytes: int = 1_000_000, max_nesting: int = 100, block_bytes: int = 4096
) -> JsonSplitter:
    return JsonSplitter(
        path=parse_path(".".join(path)) if path else None,
        max_record_bytes=max_record_bytes,
        max_nesting=max_nesting,
        block_bytes=block_bytes,
    )


@_thorough
@given(text=arrays | rows | values, sizes=cuts, block_bytes=_blocks)
def test_records_are_the_elements_own_bytes_however_the_body_is_cut(
    text: str, sizes: list[int], block_bytes: int
) -> None:
    """Any JSON in any chunks gives the texts of its elements, line breaks aside."""
    records, _, _ = read(_splitter(block_bytes=block_bytes), cut(text.encode(), sizes))

    assert records == [record.encode() for record in expect(text.encode()).records]


@_thorough
@given(text=arrays, sizes=cuts, block_bytes=_blocks)
def test_records_mean_what_the_standard_library_reads(text: str, sizes: list[int], block_bytes: int) -> None:
    """Decoded one by one, the records of an array are the array that the standard library decodes."""
    records, _, _ = read(_splitter(block_bytes=block_bytes), cut(text.encode(), sizes))

    assert decoded(records) == json.loads(text, parse_int=str, parse_float=str)


@_thorough
@given(
    text=arrays | rows,
    position=st.integers(0, 400),
    noise=st.binary(max_size=2) | st.sampled_from([bytes([byte]) for byte in _ALPHABET]),
    removed=st.integers(0, 3),
    sizes=cuts,
    block_bytes=_blocks,
)
def test_a_broken_body_is_told_from_a_whole_one(
    text: str, position: int, noise: bytes, removed: int, sizes: list[int], block_bytes: int
) -> None:
    """With any bytes changed, the body is refused exactly when the standard library refuses it."""
    body = text.encode()
    body = body[:position] + noise + body[position + removed :]
    expected = expect(body)

    _, _, error = read(_splitter(block_bytes=block_bytes), cut(body, sizes))

    assert isinstance(error, MalformedBody) == expected.broken


@_thorough
@given(body=st.lists(st.sampled_from(_ALPHABET), max_size=60).map(bytes), sizes=cuts, block_bytes=_blocks)
@example(body=b'{"a":1}\ntruefalse\n{"a":2}\n', sizes=[40], block_bytes=4096)
@example(body=b'[{"a":1},{"a":2}]]', sizes=[40], block_bytes=7)
def test_records_before_a_break_are_not_lost(body: bytes, sizes: list[int], block_bytes: int) -> None:
    """Of any bytes at all, what is handed out begins as what the standard library finds."""
    expected = expect(body)

    records, _, _ = read(_splitter(block_bytes=block_bytes), cut(body, sizes))

    assert records == [record.encode() for record in expected.records][: len(records)]


@pytest.mark.parametrize("size", [1, 5, 4096])
def test_every_record_before_a_break_is_handed_out(size: int) -> None:
    """A body cut in the middle of its third record gives the first two and then raises."""
    body = b'[{"a":1},{"a":2},{"a":'

    records, _, error = read(_splitter(block_bytes=size), cut(body, [size]))

    assert (records, type(error)) == ([b'{"a":1}', b'{"a":2}'], MalformedBody)


@pytest.mark.parametrize("size", [1, 2, 1_000])
@pytest.mark.parametrize(
    ("body", "expected"),
    [(b"[1, 2", [b"1"]), (b"[1", []), (b'[{"a": 1}, tru', [b'{"a": 1}']), (b"1 2", [b"1", b"2"])],
)
def test_a_number_that_may_have_been_cut_is_no_record(body: bytes, expected: list[bytes], size: int) -> None:
    """In an array something must follow a number; at the end of a row of values nothing need to."""
    records, _, error = read(_splitter(), cut(body, [size]))

    assert records == expected
    assert (error is None) == (not body.startswith(b"["))


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b"<html>", 0),
        (b'[{"a":1},{"a":tru}]', 14),
        (b'[{"a":1} {"a":2}]', 9),
        (b'[{"a":1},', 9),
        (b'[1,"\xff"]', 4),
        (b'[{"a":[1}]', 8),
        (b"[1,]", 3),
        (b'["a\nb"]', 3),
        (b'{"a":1', 6),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_the_offset_of_a_break_is_where_it_is(body: bytes, offset: int, size: int) -> None:
    """The error carries the offset of the first byte that is wrong, counted from the body's first."""
    _, _, error = read(_splitter(), cut(body, [size]))
    assert isinstance(error, MalformedBody)

    assert error.offset == offset


def test_large_bodies_are_split_in_blocks_like_small_ones() -> None:
    """Objects with nested look-alikes and hostile strings, many blocks long, come out as they went in."""
    texts = [f'{{"id":{n},"inner":{{"id":{n}}},"s":"}},{{\\"id\\":{n}","t":"\\\\"}}' for n in range(9_000)]
    body = f"[{','.join(texts)}]".encode()

    records, _, _ = read(JsonSplitter(max_record_bytes=1_000_000, max_nesting=100), cut(body, [65_536]))

    assert records == [text.encode() for text in texts]


def test_text_that_is_not_utf8_is_found_among_many_records() -> None:
    """One wrong byte in a block that is split in one go ends the body at its offset."""
    body = bytearray(b"[" + b",".join([b'{"id":1,"s":"caf\xc3\xa9"}'] * 200) + b"]")
    body[1 + 100 * 21 + 16] = ord("x")

    _, _, error = read(_splitter(), [bytes(body)])

    assert isinstance(error, MalformedBody)
    assert error.offset == 1 + 100 * 21 + 17


@pytest.mark.parametrize("separator", ["\n", "", "\r\n", "\n\n"])
def test_objects_in_a_row_are_records(separator: str) -> None:
    """Concatenated objects, pretty-printed or not, are one record each over many blocks."""
    texts = [json.dumps({"id": n, "tags": [n]}, indent=n % 2 or None) for n in range(3_000)]

    records, _, _ = read(_splitter(), cut(separator.join(texts).encode(), [1_000]))

    assert decoded(records) == decoded([text.encode() for text in texts])


def test_a_scalar_is_one_record() -> None:
    """A body that is a single number is one record, complete only at the body's end."""
    assert read(_splitter(), [b"12", b"34 "]) == ([b"1234"], [], None)


def test_numbers_and_escapes_stay_as_they_came() -> None:
    """Big integers, trailing zeros, huge exponents, duplicate keys and lone surrogates are kept."""
    record = b'{"n":123456789012345678901234567890,"f":1.0,"e":1e9999,"n":"\\ud800"}'

    assert read(_splitter(), [b"[" + record + b"]"])[0] == [record]


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_a_record_with_nan_is_rejected_alone(constant: str) -> None:
    """What Python's encoder writes for NaN is no JSON: the record is rejected, its neighbours are not."""
    records, rejected, error = read(_splitter(), [b'[1,{"a":%b},2]' % constant.encode()])

    assert (records, [each.offset for each in rejected], error) == ([b"1", b"2"], [3], None)


@pytest.mark.parametrize("size", [1, 1000])
def test_a_record_that_is_too_deep_is_rejected_alone(size: int) -> None:
    """A record nested deeper than the limit is rejected with its offset, its neighbours are not."""
    deep = b"[" * 101 + b"]" * 101

    records, rejected, _ = read(_splitter(), cut(b"[1," + deep + b",2]", [size]))

    assert (records, rejected) == (
        [b"1", b"2"],
        [Rejected(deep, "is nested 101 levels deep; the limit is 100", 3)],
    )


def test_a_deep_record_among_many_is_found() -> None:
    """A record nested one level too deep does not hide in a block that is split in one go."""
    texts = [f'{{"id":{n},"v":{"[" * 5 + "]" * 5}}}' for n in range(100)]
    texts[50] = f'{{"id":50,"v":{"[" * 6 + "]" * 6}}}'

    _, rejected, _ = read(_splitter(max_nesting=6), [f"[{','.join(texts)}]".encode()])

    assert [each.data for each in rejected] == [texts[50].encode()]


def test_endless_nesting_ends_the_body() -> None:
    """Brackets without end are refused before they fill the memory."""
    _, _, error = read(_splitter(max_record_bytes=1_000), [b"[" * 4_096] * (MAX_LEVELS // 4_096 + 1))

    assert isinstance(error, LimitExceeded)


@pytest.mark.parametrize("size", [1, 700, 100_000])
def test_a_record_that_is_too_long_is_rejected_alone(size: int) -> None:
    """Of a record above the limit the beginning, the length and the offset are kept."""
    long = b'{"a":"' + b"x" * 3_000 + b'"}'
    body = b'[{"a":1},' + long + b',{"a":2}]'

    records, rejected, _ = read(_splitter(max_record_bytes=1_000), cut(body, [size]))

    assert (records, rejected) == (
        [b'{"a":1}', b'{"a":2}'],
        [Rejected(long[:1_000], f"has {len(long)} bytes; the limit is 1000", 9, len(long))],
    )


def test_a_record_larger_than_memory_should_hold_is_not_held() -> None:
    """While a record of 32 MB passes, no more than its beginning and a block are kept."""
    splitter = _splitter(max_record_bytes=100_000)
    splitter.feed(b'["')
    for _ in range(32):
        splitter.feed(b"x" * 1_000_000)

    assert len(splitter._window.data) < 2_000_000


def test_what_is_kept_of_a_huge_record_is_bounded() -> None:
    """The beginning that is kept has 64 KiB."""
    _, rejected, _ = read(_splitter(), [b'["', b"x" * 2_000_000, b'"]'])

    assert len(rejected[0].data) == KEPT_BYTES


@pytest.mark.parametrize("size", [1, 12, 1_000])
@pytest.mark.parametrize("path", [(), ("items",)])
@pytest.mark.parametrize(
    ("array", "offset"),
    [
        (b'[{"id":1},,{"id":2}]', 10),
        (b'[{"id":1}, ,{"id":2},{"id":3}]', 11),
        (b'[,{"id":1},{"id":2}]', 1),
        (b'[{"id":1},{"id":2},,{"id":3},{"id":4}]', 19),
        (b"[1,,2]", 3),
        (b"[1,2,]", 5),
    ],
)
def test_a_missing_element_ends_the_body(array: bytes, offset: int, path: tuple[str, ...], size: int) -> None:
    """Two commas in a row, or one at an end, are refused where the element is missing."""
    head, tail = (b'{"items":', b"}") if path else (b"", b"")

    _, _, error = read(_splitter(*path), cut(head + array + tail, [size]))
    assert isinstance(error, MalformedBody)

    assert error.offset == len(head) + offset


def test_an_array_in_a_row_that_begins_with_a_comma_ends_the_body() -> None:
    """A missing element is found in a later array, too, when the way its records open is known."""
    records, _, error = read(_splitter(), [b'[{"id":1}] [,{"id":2}]'])

    assert (records, type(error)) == ([b'{"id":1}'], MalformedBody)


@pytest.mark.parametrize("path", [(), ("items",)])
@pytest.mark.parametrize("body", [b"", b" ", b"\r\n\t "])
def test_a_body_of_no_value_has_no_records(body: bytes, path: tuple[str, ...]) -> None:
    """White space alone is an empty body, and that is no error."""
    splitter = _splitter(*path)

    assert (read(splitter, [body]), splitter.outside()) == (([], [], None), None)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[][]", []),
        (b"1 2", [b"1", b"2"]),
        (b"[1][2]", [b"1", b"2"]),
        (b'{"a":1}[2]3', [b'{"a":1}', b"2", b"3"]),
    ],
)
def test_values_in_a_row_are_records(body: bytes, expected: list[bytes]) -> None:
    """JSON in a row is read to its end: arrays are their elements, anything else is one record."""
    assert read(_splitter(), [body]) == (expected, [], None)


@pytest.mark.parametrize("path", ["", "items"])
@pytest.mark.parametrize("control", [b"\x00", b"\x01", b"\t", b"\n", b"\x1f"])
@pytest.mark.parametrize("size", [1, 100_000])
def test_a_record_with_a_raw_control_character_is_rejected_alone(
    path: str, control: bytes, size: int
) -> None:
    """Its brackets show where it ends, so that the records around it are as good as before."""
    many = b",".join([b'{"id":1}'] * 2_000)
    bad = b'{"id":2,"text":"a' + control + b'b"}'
    array = b"[" + many + b"," + bad + b"," + many + b"]"
    body = b'{"items":' + array + b"}" if path else array
    splitter = JsonSplitter(path=parse_path(path) if path else None, max_record_bytes=1_000, max_nesting=100)

    records, rejected, error = read(splitter, cut(body, [size]))

    assert (len(records), [each.data for each in rejected], error) == (4_000, [bad], None)
    assert "raw control character" in rejected[0].reason


@pytest.mark.parametrize("body", [b'{"a\x01b":1,"d":[1]}', b'{"x":"\x00","d":[1]}'])
def test_a_raw_control_character_beside_the_records_ends_the_body(body: bytes) -> None:
    """Nobody can tell what it says about the records."""
    splitter = JsonSplitter(path=parse_path("d"), max_record_bytes=1_000, max_nesting=100)

    assert isinstance(read(splitter, [body])[2], MalformedBody)
