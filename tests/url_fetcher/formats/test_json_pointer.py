"""Paths that reach every key and every index, held against a naive reading of the whole body."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import arrays, cuts, decoded, read, values
from url_fetcher.errors import LimitExceeded, MalformedBody
from url_fetcher.formats import json_path
from url_fetcher.formats.json_splitter import JsonSplitter
from url_fetcher.paths import described, find, parse_path

_keys = st.sampled_from(["@odata.nextLink", "a/b", "m~n", "~1", "", "0", "x.y", "é"]) | st.text(
    st.characters(codec="utf-8"), max_size=5
)
_steps = st.lists(st.one_of(_keys, st.integers(0, 3)), min_size=1, max_size=4)


def _splitter(path: str, *, block_bytes: int = 4096) -> JsonSplitter:
    return JsonSplitter(
        path=parse_path(path), max_record_bytes=1_000_000, max_nesting=100, block_bytes=block_bytes
    )


def _pointer(steps: list[str | int]) -> str:
    """RFC 6901, section 3."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def _around(inner: str, steps: list[str | int], beside: str) -> str:
    """A body in which the steps lead to ``inner``, with a value before it and one behind it."""
    for step in reversed(steps):
        if isinstance(step, int):
            inner = "[" + f"{beside} , " * step + inner + f" ,{beside}]"
        else:
            # Not a key of the path, of any that the strategy draws.
            inner = f'{{"beside it":{beside}, {json.dumps(step)} :{inner},"behind it":{beside}}}'
    return inner


def _walk(value: Any, steps: list[str | int]) -> Any:
    """The naive reading."""
    for step in steps:
        value = value[step]
    return value


@settings(max_examples=25, deadline=None, derandomize=True)
@given(steps=_steps, records=arrays, beside=values, sizes=cuts, block_bytes=st.sampled_from([1, 7, 4096]))
def test_a_pointer_leads_to_the_records_as_a_naive_reading_does(
    steps: list[str | int], records: str, beside: str, sizes: list[int], block_bytes: int
) -> None:
    """Whatever the keys are, wherever the arrays, and however the body is cut."""
    body = _around(records, steps, beside)
    splitter = _splitter(_pointer(steps), block_bytes=block_bytes)
    found, rejected, error = read(splitter, cut(body.encode(), sizes))

    assert (error, rejected) == (None, [])
    assert decoded(found) == _walk(json.loads(body, parse_int=str, parse_float=str), steps)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(steps=_steps, beside=values, sizes=cuts)
def test_what_lies_beside_a_pointers_records_is_found(
    steps: list[str | int], beside: str, sizes: list[int]
) -> None:
    """The body without its records is what the standard library reads, arrays on the way included."""
    splitter = _splitter(_pointer(steps))
    read(splitter, cut(_around('[1,{"a":2}]', steps, beside).encode(), sizes))

    assert splitter.outside() == json.loads(_around("[]", steps, beside))


@settings(max_examples=25, deadline=None, derandomize=True)
@given(steps=_steps, value=values)
def test_a_pointer_finds_what_a_naive_walk_finds(steps: list[str | int], value: str) -> None:
    """In a decoded value, too, every key and every index is reached."""
    body = json.loads(_around(value, steps, "0"))

    assert find(body, parse_path(_pointer(steps))).value == _walk(body, steps)


@pytest.mark.parametrize(
    ("path", "keys"),
    [
        ("a.b", ("a", "b")),
        ("", ()),
        ("/", ("",)),
        ("/a~1b/m~0n", ("a/b", "m~n")),
        ("/~01", ("~1",)),
        ("/a.b/0", ("a.b", "0")),
        ("a/b", ("a/b",)),
    ],
)
def test_a_path_has_two_forms(path: str, keys: tuple[str, ...]) -> None:
    """Dots join keys, unless the path begins with a slash; then only ~0 and ~1 stand for others."""
    assert parse_path(path).keys == keys


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        (
            "/data/items",
            '{"data":{"id":1,"rows":[]},"x":1}',
            "/data has no key 'items'; it has the keys 'id', 'rows'",
        ),
        ("data.items", '{"data":{}}', "data has no key 'items'; it has no keys"),
        ("/1", "[[1]]", "the body has no index 1; it has 1 elements"),
        ("/0/9999999999999999999999", '[[1,2],{"p":1}]', "/0 has no index 9999999999999999999999; it has 2"),
        ("/01", "[1,2]", "the body is not an object; a JSON Pointer such as"),
        ("/-", "[1,2]", "the body is not an object"),
        ("items", "[1,2]", "a JSON Pointer such as /data/0 reaches into an array"),
        ("/d/0", '{"d":"text"}', "/d is not an object or an array"),
        ("/d", '{"%s":1,"a@b.c":2,"ok":3}' % ("x" * 50), "the keys 'ok' and 2 more"),
    ],
)
def test_where_the_path_breaks_is_told_with_what_is_there(path: str, body: str, words: str) -> None:
    """The error names the part that was found, and its length or its keys but those that look like data."""
    error = read(_splitter(path), [body.encode()])[2]

    assert isinstance(error, MalformedBody)
    assert words in str(error)


def test_a_body_without_the_records_still_tells_what_it_has() -> None:
    """What lies outside is known although the path leads nowhere, so that its reason can be read."""
    splitter = _splitter("/messages/0")
    read(splitter, [b'{"ok":false,"messages":null,"error":"gone"}'])

    assert splitter.outside() == {"ok": False, "messages": None, "error": "gone"}


def test_a_huge_index_into_a_huge_array_is_over_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is passed on the way to an element counts as what lies beside, in bounded memory."""
    monkeypatch.setattr(json_path, "_MAX_OUTSIDE_BYTES", 256 * 1024)
    chunks = [b"[", *[(b'"' + b"x" * 60 + b'",') * 400] * 30]
    tracemalloc.start()
    error = read(_splitter("/99999999999"), chunks)[2]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert isinstance(error, LimitExceeded)
    assert peak < 1024 * 1024


def test_the_deepest_pointer_that_a_setting_may_have_is_read() -> None:
    """A pointer of 512 characters leads 256 levels deep."""
    path = "/0" * 256

    found, _, error = read(_splitter(path), [b"[" * 256 + b"[7]" + b"]" * 256])

    assert (found, error) == ([b"7"], None)


def test_a_wrong_type_at_the_start_of_a_large_body_is_told_at_once() -> None:
    """An array in the place of an object is not read to its end."""
    splitter = _splitter("items")
    splitter.feed(b"[" + b"1," * 10_000)

    with pytest.raises(MalformedBody, match="not an object"):
        splitter.feed(b"1")


def test_an_objects_keys_are_shown_in_bounds() -> None:
    """Ten thousand keys make a short message."""
    text = described({f"key{number}": 0 for number in range(10_000)})

    assert (len(text) < 200, "and 9992 more" in text) == (True, True)
