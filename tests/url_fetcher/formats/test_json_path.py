import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import arrays, cuts, decoded, read, values
from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats.json_splitter import JsonSplitter

_blocks = st.sampled_from([1, 7, 4096])


def _splitter(*path: str, block_bytes: int = 4096) -> JsonSplitter:
    return JsonSplitter(path=path, max_record_bytes=1_000_000, max_nesting=100, block_bytes=block_bytes)


@settings(max_examples=50, deadline=None)
@given(before=values, records=arrays, after=values, sizes=cuts, block_bytes=_blocks)
def test_the_array_at_the_path_gives_the_records(
    before: str, records: str, after: str, sizes: list[int], block_bytes: int
) -> None:
    """Whatever lies before and after it, the array at the path is what is split."""
    body = f'{{"x":{before}, "d":\n{{"y":{before},"items" :{records} ,"z":{after}}},"w":{after}}}'

    found, _, _ = read(_splitter("d", "items", block_bytes=block_bytes), cut(body.encode(), sizes))

    assert decoded(found) == json.loads(records, parse_int=str, parse_float=str)


@settings(max_examples=50, deadline=None)
@given(before=values, records=arrays, after=values, sizes=cuts, block_bytes=_blocks)
def test_what_lies_outside_is_decoded(
    before: str, records: str, after: str, sizes: list[int], block_bytes: int
) -> None:
    """The body without its records is what the standard library reads when the array is empty."""
    body = f'{{"x":{before}, "d":{{"items":{records},"z":{after}}}}}'
    splitter = _splitter("d", "items", block_bytes=block_bytes)
    read(splitter, cut(body.encode(), sizes))

    assert splitter.outside() == json.loads(f'{{"x":{before},"d":{{"items":[],"z":{after}}}}}')


@pytest.mark.parametrize(
    ("value", "records"), [("null", []), ("[]", []), ('{"a":1}', ['{"a":1}']), ("7", ["7"])]
)
def test_a_value_that_is_no_array_is_one_record_unless_null(value: str, records: list[str]) -> None:
    """An object or a scalar at the path is one record, null is none."""
    found, _, _ = read(_splitter("d"), [f'{{"d":{value},"e":1}}'.encode()])

    assert found == [record.encode() for record in records]


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        ('{"a":1}', 7),
        ('{"d":1}', 5),
        ("[1]", 0),
        ('{"d":{"items":[1]}} x', 20),
        ('{"d":{"items":[1]}', 18),
        ('{"d":{"items":[1] "a":2}}', 18),
        ('{"q":tru,"d":{"items":[1]}}', 5),
        ('{"d":{"items":[1],,"a":2}}', 18),
        ('{"d":{"items":[1],"a":2,}}', 24),
        ('{"q":{"a":[1}},"d":{"items":[1]}}', 12),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_a_body_without_the_path_or_broken_beside_it_is_refused(body: str, offset: int, size: int) -> None:
    """The error's offset is where the way to the records ends, or where the text beside it breaks."""
    _, _, error = read(_splitter("d", "items"), cut(body.encode(), [size]))
    assert isinstance(error, MalformedBody)

    assert error.offset == offset


def test_large_values_beside_the_records_are_left_out() -> None:
    """A value over 64 KiB beside the records is null in what lies outside."""
    splitter = _splitter("items")
    read(splitter, [b'{"big":"' + b"x" * 70_000 + b'","items":[1],"next":"u"}'])

    assert splitter.outside() == {"big": None, "items": [], "next": "u"}


def test_too_much_beside_the_records_is_refused() -> None:
    """More than 4 MiB of small values beside the records is over a limit."""
    _, _, error = read(
        _splitter("items"), [b'{"k":"' + b"x" * 60_000 + b'"', *[b',"k":"' + b"x" * 60_000 + b'"'] * 80]
    )

    assert isinstance(error, LimitExceeded)
