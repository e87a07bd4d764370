"""Where a header sends the function."""

import pytest

from local_aws.servers.hostile_source import answer, raw
from tests.url_fetcher.reading import Hostile, bodies_of, reader_of


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/größe".encode(), "/gr%C3%B6%C3%9Fe"),
        ("/größe".encode("latin-1"), "/gr%F6%DFe"),
        (b"/gr%C3%B6%C3%9Fe", "/gr%C3%B6%C3%9Fe"),
        ("/日本".encode(), "/%E6%97%A5%E6%9C%AC"),
    ],
)
def test_a_redirect_is_followed_to_the_bytes_that_it_names(
    hostile: Hostile, location: bytes, path: str
) -> None:
    """A Location outside ASCII is UTF-8, or sent back byte by byte if it is not."""
    head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"
    source = hostile({"/": raw(head), path: answer(b"[1]")})

    assert bodies_of(reader_of({"url": source.url("/")})) == [b"[1]"]


def test_a_link_is_followed_to_the_bytes_that_it_names(hostile: Hostile) -> None:
    """A Link outside ASCII is read as a Location is."""
    head = (
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nLink: <" + "/größe".encode() + b'>; rel="next"\r\n\r\n[1]'
    )
    source = hostile({"/": raw(head), "/gr%C3%B6%C3%9Fe": answer(b"[2]")})
    settings = {"url": source.url("/"), "pagination": {"kind": "link_header"}}

    assert bodies_of(reader_of(settings)) == [b"[1]", b"[2]"]
