"""Bodies without records: an error by default, and nothing new where a source says so."""

import pytest

from benchmarks.json_oracle import cut
from tests.url_fetcher.json_texts import read
from url_fetcher.errors import MalformedBody
from url_fetcher.formats.detect import Format, open_splitter
from url_fetcher.formats.splitter import Splitter


def _open(path: str, format_: Format = "json", *, records_optional: bool = True) -> Splitter:
    return open_splitter(
        format_,
        record_path=path,
        records_optional=records_optional,
        max_record_bytes=1_000,
        max_nesting=100,
    )


NOTHING = [
    ("a.b", b"{}"),
    ("a.b", b'{"a": {}}'),
    ("a.b", b'{"a": null, "total": 0}'),
    ("a.b", b'{"a": {"b": null}}'),
    ("a.b", b'{"a": {"c": 1}, "error": null, "errors": []}'),
    ("a.b", b'{"a": [ ]}'),
    ("a.b", b"[]"),
    ("a.b", b" null "),
    ("/a/1/b", b'{"a": [{"b": 1}]}'),
]


@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize(("path", "body"), NOTHING)
def test_a_body_without_its_path_has_no_records(path: str, body: bytes, size: int) -> None:
    """A key or an index that is missing, null, or an empty array for an empty object."""
    assert read(_open(path), cut(body, [size])) == ([], [], None)


@pytest.mark.parametrize(
    ("path", "body"), [(path, body) for path, body in NOTHING if b'"b": null' not in body]
)
def test_by_default_a_missing_path_is_an_error(path: str, body: bytes) -> None:
    """It may be wrong."""
    assert isinstance(read(_open(path, records_optional=False), [body])[2], MalformedBody)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("a.b", b'{"error": "no"}'),
        ("a.b", b'{"a": {}, "Errors": [{"code": 1}]}'),
        ("a.b", b'{"a": "none"}'),
        ("a.b", b'{"a": false}'),
        ("a.b", b'{"a": [1]}'),
        ("a.b", b"[1]"),
        ("a.b", b'"rate limited"'),
        ("a.b", b'{"a": {}'),
        ("a.b", b'{"a": {}} 1'),
    ],
)
def test_what_is_something_else_is_still_an_error(path: str, body: bytes) -> None:
    """An error, a value without keys, and what is broken."""
    records, _, error = read(_open(path), [body])

    assert (records, type(error)) == ([], MalformedBody)


def test_the_values_beside_missing_records_are_kept() -> None:
    """The next page is found by them."""
    splitter = _open("a.b")
    read(splitter, [b'{"next": 7, "a": {}}'])

    assert splitter.outside() == {"next": 7, "a": {}}


@pytest.mark.parametrize(
    ("body", "is_error"),
    [
        (b"<a><c/></a>", False),
        (b"<a/>", False),
        (b"<a><Error>no</Error></a>", True),
        (b"<x/>", True),
        (b"<a>", True),
    ],
)
def test_xml_may_lack_its_records_too(body: bytes, is_error: bool) -> None:
    """Unless another root or an error is there."""
    records, _, error = read(_open("a.b.d", "xml"), [body])

    assert (records, isinstance(error, MalformedBody)) == ([], is_error)
