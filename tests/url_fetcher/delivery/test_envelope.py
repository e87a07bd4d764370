import json

from xxhash import xxh3_64_intdigest, xxh3_128_hexdigest

from url_fetcher.delivery.envelope import Envelope, Origin

_ORIGIN = Origin('https://example.com/posts?q="é"', "2026-11-23T01:18:08.129Z", "posts")


def test_a_line_is_the_record_in_its_envelope() -> None:
    """The keys and their order, the verbatim data and the newline are what the product promises."""
    data = b'{ "n": 1.0 }'
    id_ = xxh3_128_hexdigest(data, xxh3_64_intdigest(b"example")).encode()

    line = Envelope(Origin("https://example.com/", "t", "example")).lines([data]).data

    assert line == (
        b'{"timestamp":"t","sourceUrl":"https://example.com/","id":"' + id_ + b'","data":{ "n": 1.0 }}\n'
    )


def test_every_line_is_valid_json() -> None:
    """What has to be escaped in a URL is escaped."""
    data = Envelope(_ORIGIN).lines([b"1", b'"x"', b"[2]"]).data

    assert [json.loads(line)["sourceUrl"] for line in data.splitlines()] == [_ORIGIN.source_url] * 3


def test_the_ends_are_where_lines_end() -> None:
    """Cut at the ends, the lines are whole."""
    lines = Envelope(_ORIGIN).lines([b"1", b'"long"', b"[]"])

    assert [lines.data[end - 2 : end] for end in lines.ends] == [b"}\n"] * 3


def test_the_same_record_of_the_same_source_has_the_same_id() -> None:
    """The id depends on neither time nor neighbours nor the page's URL."""
    later = Origin("https://example.com/posts?page=2", "2027-01-01T00:00:00.000Z", _ORIGIN.identity)
    first = Envelope(_ORIGIN).lines([b"1", b"2"]).data.splitlines()[1]
    second = Envelope(later).lines([b"2"]).data.splitlines()[0]

    assert json.loads(first)["id"] == json.loads(second)["id"]


def test_records_or_sources_that_differ_have_other_ids() -> None:
    """Neither other data nor another source gives the same id."""
    other = Origin(_ORIGIN.source_url, _ORIGIN.timestamp, "other")
    lines = Envelope(_ORIGIN).lines([b"1", b"2"]).data + Envelope(other).lines([b"1"]).data

    assert len({json.loads(line)["id"] for line in lines.splitlines()}) == 3


def test_no_records_are_no_lines() -> None:
    """An empty page adds nothing."""
    assert Envelope(_ORIGIN).lines([]).data == b""
