import json
from itertools import accumulate

from hypothesis import given, settings
from hypothesis import strategies as st
from xxhash import xxh3_64_intdigest, xxh3_128_hexdigest

from url_fetcher.delivery.envelope import Envelope, Origin

_ORIGIN = Origin('https://example.com/posts?q="é"', "2026-11-23T01:18:08.129Z", "posts")


def test_a_line_is_the_record_in_its_envelope() -> None:
    """The keys and their order, the verbatim data and the newline are what the product promises."""
    data = b'{ "n": 1.0 }'
    id_ = xxh3_128_hexdigest(data, xxh3_64_intdigest(b"example")).encode()

    line = Envelope(Origin("https://example.com/", "t", "example")).lines([data]).joined()

    assert line == (
        b'{"timestamp":"t","sourceUrl":"https://example.com/","id":"' + id_ + b'","data":{ "n": 1.0 }}\n'
    )


def test_every_line_is_valid_json() -> None:
    """What has to be escaped in a URL is escaped."""
    data = Envelope(_ORIGIN).lines([b"1", b'"x"', b"[2]"]).joined()

    assert [json.loads(line)["sourceUrl"] for line in data.splitlines()] == [_ORIGIN.source_url] * 3


def test_each_line_can_be_taken_by_itself() -> None:
    """One after the other they are what they are together."""
    lines = Envelope(_ORIGIN).lines([b"1", b'"long"', b"[]"])

    assert (
        [lines.only(index).joined() for index in range(3)] == lines.each() == lines.joined().splitlines(True)
    )


def test_lines_know_their_size_before_they_are_joined() -> None:
    """It is that of all their bytes."""
    lines = Envelope(_ORIGIN).lines([b"1", b'"long"', b"[]"])

    assert lines.size == len(lines.joined())


@settings(max_examples=100, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 300), min_size=1, max_size=40),
    first=st.integers(0, 39),
    max_bytes=st.integers(-10, 3_000),
    max_lines=st.integers(0, 20),
    guess=st.integers(0, 30),
)
def test_as_many_lines_fit_as_their_bytes_allow(
    lengths: list[int], first: int, max_bytes: int, max_lines: int, guess: int
) -> None:
    """Whatever was guessed: one line more would be one too many, in bytes or in number."""
    lines = Envelope(_ORIGIN).lines([b"1" * length for length in lengths])
    first = min(first, len(lengths))
    sizes = [0, *accumulate(map(len, lines.each()[first:]))]
    expected = max(
        count for count, size in enumerate(sizes[: max_lines + 1]) if count == 0 or size <= max_bytes
    )

    fitting = lines.fitting(first, max_bytes=max_bytes, max_lines=max_lines, guess=guess)

    assert fitting == (expected, sizes[expected])


def test_the_same_record_of_the_same_source_has_the_same_id() -> None:
    """The id depends on neither time nor neighbours nor the page's URL."""
    later = Origin("https://example.com/posts?page=2", "2027-01-01T00:00:00.000Z", _ORIGIN.identity)
    first = Envelope(_ORIGIN).lines([b"1", b"2"]).joined().splitlines()[1]
    second = Envelope(later).lines([b"2"]).joined().splitlines()[0]

    assert json.loads(first)["id"] == json.loads(second)["id"]


def test_records_or_sources_that_differ_have_other_ids() -> None:
    """Neither other data nor another source gives the same id."""
    other = Origin(_ORIGIN.source_url, _ORIGIN.timestamp, "other")
    lines = Envelope(_ORIGIN).lines([b"1", b"2"]).joined() + Envelope(other).lines([b"1"]).joined()

    assert len({json.loads(line)["id"] for line in lines.splitlines()}) == 3


def test_no_records_are_no_lines() -> None:
    """An empty page adds nothing."""
    assert Envelope(_ORIGIN).lines([]).joined() == b""
