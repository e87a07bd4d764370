import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import arrays, cuts, decoded, read, values
from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats import json_path
from url_fetcher.formats.json_splitter import JsonSplitter
from url_fetcher.paths import NOT_KEPT, parse_path

_blocks = st.sampled_from([1, 7, 4096])


def _splitter(*path: str, block_bytes: int = 4096) -> JsonSplitter:
    return _at(".".join(path), block_bytes=block_bytes)


def _at(path: str, *, block_bytes: int = 4096) -> JsonSplitter:
    return JsonSplitter(
        path=parse_path(path), max_record_bytes=1_000_000, max_nesting=100, block_bytes=block_bytes
    )


@settings(max_examples=25, deadline=None, derandomize=True)
@given(before=values, records=arrays, after=values, sizes=cuts, block_bytes=_blocks)
def test_the_array_at_the_path_gives_the_records(
    before: str, records: str, after: str, sizes: list[int], block_bytes: int
) -> None:
    """Whatever lies before and after it, the array at the path is what is split."""
    body = f'{{"x":{before}, "d":\n{{"y":{before},"items" :{records} ,"z":{after}}},"w":{after}}}'

    found, _, _ = read(_splitter("d", "items", block_bytes=block_bytes), cut(body.encode(), sizes))

    assert decoded(found) == json.loads(records, parse_int=str, parse_float=str)


@settings(max_examples=25, deadline=None, derandomize=True)
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
    """A value over 64 KiB beside the records is left out of what lies outside."""
    splitter = _splitter("items")
    read(splitter, [b'{"big":"' + b"x" * 70_000 + b'","items":[1],"next":"u"}'])

    assert splitter.outside() == {"big": NOT_KEPT, "items": [], "next": "u"}


def test_too_much_beside_the_records_is_refused() -> None:
    """More than 1 MiB of small values beside the records is over a limit."""
    _, _, error = read(
        _splitter("items"), [b'{"k":"' + b"x" * 60_000 + b'"', *[b',"k":"' + b"x" * 60_000 + b'"'] * 20]
    )

    assert isinstance(error, LimitExceeded)


@pytest.mark.parametrize("size", [1, 1_000])
@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b'{"d":{"items":[1],"items":[2]}}', 18),
        (b'{"d":{"items":[1]},"d":{"items":[2]}}', 19),
        (b'{"d":{"items":null,"it\\u0065ms":[2]}}', 19),
    ],
)
def test_a_second_key_of_the_same_name_on_the_path_ends_the_body(body: bytes, offset: int, size: int) -> None:
    """Which one is meant is not known, so the second is neither taken nor dropped silently."""
    _, _, error = read(_splitter("d", "items"), cut(body, [size]))

    assert isinstance(error, MalformedBody)
    assert ("twice" in str(error), error.offset) == (True, offset)


@pytest.mark.parametrize(
    "body",
    [
        b'{,"items":[1]}',
        b'{"a" 1,"items":[1]}',
        b'{"a":1 "items":[1]}',
        b'{"a":1:"items":[1]}',
        b'{"a":1,,"items":[1]}',
        b'{"a","items":[1]}',
        b'{"items":[1]:"a":2}',
        b'{"items":[1],}',
        b'{"items":[1],"a"}',
        b'{"items":[1]"a":2}',
        b'{"items":[1],"a":}',
        b'{"items":[1],"\xff":2}',
        b'{"items":[1],"\n":2}',
    ],
)
def test_an_object_whose_punctuation_is_wrong_is_refused(body: bytes) -> None:
    """Commas, colons and keys stand where JSON wants them, before the records and behind them."""
    assert isinstance(read(_splitter("items"), [body])[2], MalformedBody)


@pytest.mark.parametrize("size", [7, 10_000])
def test_integers_over_4300_digits_beside_the_records_are_their_text(size: int) -> None:
    """A number that the interpreter does not convert is no error."""
    splitter = _splitter("items")

    read(splitter, cut(b'{"n":' + b"9" * 5_000 + b',"items":[1],"m":-7}', [size]))

    assert splitter.outside() == {"n": "9" * 5_000, "items": [], "m": -7}


@pytest.mark.parametrize("levels", [501, 1_000, 50_000])
def test_values_beside_the_records_over_500_levels_deep_are_left_out(levels: int) -> None:
    """A value that is nested too deep to be decoded is left out of what lies outside, not an error."""
    splitter = _splitter("items")

    records, _, error = read(splitter, [b'{"v":' + b"[" * levels + b"]" * levels + b',"items":[1]}'])

    assert (records, error, splitter.outside()) == ([b"1"], None, {"v": NOT_KEPT, "items": []})


def test_a_path_too_deep_to_decode_is_over_a_limit() -> None:
    """A path of thousands of keys ends in the function's own error."""
    keys = ["k"] * 5_000

    _, _, error = read(_splitter(*keys), [b'{"k":' * 5_000 + b"[1]" + b"}" * 5_000])

    assert isinstance(error, LimitExceeded)


def test_tiny_values_beside_the_records_take_bounded_memory() -> None:
    """Reading and decoding five thousand of them takes no more than their decoded form does."""
    splitter = _splitter("items", block_bytes=131_072)
    body = b"{" + b"".join(b' "%d" : 1 ,' % number for number in range(5_000)) + b'"items":[1]}'
    tracemalloc.start()
    read(splitter, cut(body, [65_536]))
    splitter.outside()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 3 * 512 * 1024


def test_a_multitude_beside_the_records_is_refused_before_it_fills_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A source that sends nothing but small members is over a limit, once it has sent that many of them."""
    monkeypatch.setattr(json_path, "_MAX_OUTSIDE_BYTES", 100_000)
    body = b"{" + b"".join(b'"%d":[],' % number for number in range(15_000)) + b'"items":[1]}'

    _, _, error = read(_splitter("items", block_bytes=131_072), cut(body, [65_536]))

    assert isinstance(error, LimitExceeded)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    before=values,
    members=st.lists(st.tuples(values, values), max_size=6),
    after=values,
    sizes=cuts,
    block_bytes=_blocks,
)
def test_the_members_of_an_object_are_records_with_their_keys(
    before: str, members: list[tuple[str, str]], after: str, sizes: list[int], block_bytes: int
) -> None:
    """Keys and values are the source's own bytes, and what lies outside is known as for an array."""
    pairs = [(json.dumps(key), value) for key, value in members]
    inner = " , ".join(f"{key} : {value}" for key, value in pairs)
    body = f'{{"x":{before},"d":{{"items": {{ {inner} }} ,"z":{after}}}}}'
    splitter = _splitter("d", "items", "*", block_bytes=block_bytes)

    found, _, _ = read(splitter, cut(body.encode(), sizes))

    wanted = "[" + ",".join(f'{{"key":{key},"value":{value}}}' for key, value in pairs) + "]"
    assert decoded(found) == json.loads(wanted, parse_int=str, parse_float=str)
    assert splitter.outside() == json.loads(f'{{"x":{before},"d":{{"items":{{}},"z":{after}}}}}')


@pytest.mark.parametrize(
    ("body", "records"),
    [
        (b'{"a": {"b": 1}, "c":[2 ]}', [b'{"key":"a","value":{"b": 1}}', b'{"key":"c","value":[2 ]}']),
        (b' {"a":1,"a":2}\n', [b'{"key":"a","value":1}', b'{"key":"a","value":2}']),
        (b"{}", []),
        (b"null", []),
        (b"[ ]", []),
    ],
)
def test_the_body_itself_may_have_a_record_in_each_member(body: bytes, records: list[bytes]) -> None:
    """PHP writes an empty object as an empty array."""
    found, rejected, _ = read(_at("*"), [body])

    assert (found, rejected) == (records, [])


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"[1]", "leads to an array"),
        (b'"text"', "leads to no object"),
        (b"<html>", "leads to no object"),
        (b'{"a":1', "ends inside"),
        (b'{"a"', "ends inside"),
        (b'{"a" 1}', "expected ':'"),
        (b"{1: 2}", "expected a key"),
        (b'{"a":1 "b":2}', "expected ',' or '}'"),
        (b'{"a":1,}', "expected a key"),
        (b'{"a":nope}', "the JSON is broken"),
        (b'{"a\xff":1}', "not UTF-8"),
        (b'{"a":1}{"b":2}', "there is more after"),
    ],
)
@pytest.mark.parametrize("size", [1, 100])
def test_members_of_what_is_no_object_end_the_body(body: bytes, words: str, size: int) -> None:
    """However the body arrives."""
    _, _, failure = read(_at("*"), [body[i : i + size] for i in range(0, len(body), size)])

    assert isinstance(failure, MalformedBody)
    assert words in str(failure)


def test_a_member_over_a_limit_is_rejected_alone() -> None:
    """Its key is in the dead letter, and the members beside it are records."""
    splitter = JsonSplitter(path=parse_path("*"), max_record_bytes=20, max_nesting=2)
    found, rejected, _ = read(splitter, [b'{"a":1,"b":"' + b"x" * 99 + b'","c":[[]],"d":NaN,"e":2}'])

    assert found == [b'{"key":"a","value":1}', b'{"key":"e","value":2}']
    assert [each.data[:19] for each in rejected] == [
        b'{"key":"%s","value":' % key for key in (b"b", b"c", b"d")
    ]


def test_a_star_in_a_pointer_is_a_key() -> None:
    """A JSON Pointer reaches every key."""
    found, _, _ = read(_at("/a/*"), [b'{"a":{"*":[1,2]}}'])

    assert found == [b"1", b"2"]
